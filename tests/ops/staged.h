// An op table over memory of the host for a device with memory of its own: every op's matrices are
// copied there, the op runs, and what it writes is copied back. So one set of tests serves both.
#pragma once

#include <vector>

extern "C" {
#include "backend/backend.h"
#include "backend/couplings.h"
}

namespace sac_test {

/// A backend whose ops take host memory; the device's own backend does the work.
struct Staged {
  sac_backend base;
  sac_backend *device;
};

/// The copies of one call.
class Stage {
 public:
  explicit Stage(sac_backend *staged) : device_(reinterpret_cast<Staged *>(staged)->device) {}
  ~Stage() {
    for (const Copy &copy : copies_) {
      if (copy.comes_back) ops().download(device_, copy.host, copy.there, copy.bytes);
      ops().release(device_, copy.there);
    }
  }
  const sac_ops &ops() const { return *device_->ops; }
  sac_backend *device() const { return device_; }

  template <typename T>
  void move(T *&pointer, size_t count, bool comes_back = false) {
    if (!pointer || !count) return;
    Copy copy = {const_cast<void *>(static_cast<const void *>(pointer)), nullptr, count * sizeof(T),
                 comes_back};
    if (ops().alloc(device_, copy.bytes, &copy.there, nullptr) != SAC_OK) abort();
    ops().upload(device_, copy.there, copy.host, copy.bytes);
    copies_.push_back(copy);
    pointer = static_cast<T *>(copy.there);
  }

  /// From the first value of the first member to the last of the last: padding travels too.
  void move(sac_stack &stack, int n, int rows, int cols, bool comes_back = false) {
    if (!stack.data || n <= 0 || rows <= 0) return;
    size_t last = (size_t)((n - 1) / stack.share) * stack.stride + (size_t)(rows - 1) * stack.ld;
    move(stack.data, last + (size_t)cols, comes_back);
  }

 private:
  struct Copy {
    void *host, *there;
    size_t bytes;
    bool comes_back;
  };
  sac_backend *device_;
  std::vector<Copy> copies_;
};

enum { BACK = true };

inline void staged_linear_forward(sac_backend *backend, const sac_linear_forward *given,
                                  int n_layers) {
  Stage stage(backend);
  std::vector<sac_linear_forward> layers(given, given + n_layers);
  for (int l = 0; l < n_layers; l++) {
    sac_linear_forward &op = layers[(size_t)l];
    bool follows = l > 0 && given[l].x.data == given[l - 1].y.data;
    if (follows)
      op.x.data = layers[(size_t)l - 1].y.data;
    else
      stage.move(op.x, op.n, op.rows, op.in);
    stage.move(op.weight, op.n, op.out, op.in);
    stage.move(op.bias, op.n, 1, op.out);
    stage.move(op.y, op.n, op.rows, op.out, BACK);
  }
  stage.ops().linear_forward(stage.device(), layers.data(), n_layers);
}

inline void staged_linear_backward_input(sac_backend *backend,
                                         const sac_linear_backward_input *given, int n_layers) {
  Stage stage(backend);
  std::vector<sac_linear_backward_input> layers(given, given + n_layers);
  for (int l = 0; l < n_layers; l++) {
    sac_linear_backward_input &op = layers[(size_t)l];
    bool follows = l > 0 && given[l].dy.data == given[l - 1].dx.data;
    if (follows)
      op.dy.data = layers[(size_t)l - 1].dx.data;
    else
      stage.move(op.dy, op.n, op.rows, op.out);
    stage.move(op.weight, op.n, op.out, op.in);
    if (op.activation != SAC_LINEAR) stage.move(op.h, op.n, op.rows, op.in);
    stage.move(op.dx, op.n, op.rows, op.in, BACK);
    stage.move(op.row, (size_t)op.n * (size_t)op.rows);
    stage.move(op.row_count, (size_t)op.n);
  }
  stage.ops().linear_backward_input(stage.device(), layers.data(), n_layers);
}

inline void staged_linear_backward_weight(sac_backend *backend,
                                          const sac_linear_backward_weight *given, int n_layers) {
  Stage stage(backend);
  std::vector<sac_linear_backward_weight> layers(given, given + n_layers);
  for (sac_linear_backward_weight &op : layers) {
    stage.move(op.dy, op.n, op.rows, op.out);
    stage.move(op.x, op.n, op.rows, op.in);
    stage.move(op.dweight, op.n, op.out, op.in, BACK);
    stage.move(op.dbias, op.n, 1, op.out, BACK);
  }
  stage.ops().linear_backward_weight(stage.device(), layers.data(), n_layers);
}

inline void staged_gaussian_forward(sac_backend *backend, const sac_gaussian_forward *given) {
  Stage stage(backend);
  sac_gaussian_forward op = *given;
  int act_dim = op.gaussian.act_dim;
  stage.move(op.head, op.n, op.rows, 2 * act_dim);
  stage.move(op.noise, op.n, op.rows, act_dim);
  stage.move(op.action, op.n, op.rows, act_dim, BACK);
  stage.move(op.log_pi, op.n, op.rows, 1, BACK);
  stage.move(op.u, op.n, op.rows, act_dim, BACK);
  stage.ops().gaussian_forward(stage.device(), &op);
}

inline void staged_gaussian_backward(sac_backend *backend, const sac_gaussian_backward *given) {
  Stage stage(backend);
  sac_gaussian_backward op = *given;
  int act_dim = op.gaussian.act_dim, members = op.n * op.n_critics;
  stage.move(op.head, op.n, op.rows, 2 * act_dim);
  stage.move(op.noise, op.n, op.rows, act_dim);
  stage.move(op.action, op.n, op.rows, act_dim);
  stage.move(op.dq, members, op.rows, act_dim);
  stage.move(op.seed, members, op.rows, 1);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.dhead, op.n, op.rows, 2 * act_dim, BACK);
  stage.ops().gaussian_backward(stage.device(), &op);
}

inline void staged_soft_q_target(sac_backend *backend, const sac_soft_q_target *given) {
  Stage stage(backend);
  sac_soft_q_target op = *given;
  stage.move(op.reward, op.n, op.rows, 1);
  stage.move(op.terminated, op.n, op.rows, 1);
  stage.move(op.q, op.n * op.n_critics, op.rows, 1);
  stage.move(op.log_pi, op.n, op.rows, 1);
  stage.move(op.prior_action, op.n, op.rows, op.act_dim);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.key, (size_t)op.n);
  stage.move(op.update, 1);
  stage.move(op.discount, op.n, op.rows, 1);
  stage.move(op.y, op.n, op.rows, 1, BACK);
  stage.ops().soft_q_target(stage.device(), &op);
}

inline void staged_value_target(sac_backend *backend, const sac_value_target *given) {
  Stage stage(backend);
  sac_value_target op = *given;
  for (sac_stack *in : {&op.reward, &op.terminated, &op.v, &op.discount})
    stage.move(*in, op.n, op.rows, 1);
  stage.move(op.y, op.n, op.rows, 1, BACK);
  stage.ops().value_target(stage.device(), &op);
}

inline void staged_soft_value(sac_backend *backend, const sac_soft_value *given) {
  Stage stage(backend);
  sac_soft_value op = *given;
  stage.move(op.q, op.n * op.n_critics, op.rows, 1);
  stage.move(op.log_pi, op.n, op.rows, 1);
  stage.move(op.prior_action, op.n, op.rows, op.act_dim);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.v, op.n, op.rows, 1, BACK);
  stage.ops().soft_value(stage.device(), &op);
}

inline void staged_regression_loss(sac_backend *backend, const sac_regression_loss *given) {
  Stage stage(backend);
  sac_regression_loss op = *given;
  stage.move(op.q, op.n, op.rows, 1);
  stage.move(op.y, op.n, op.rows, 1);
  stage.move(op.weight, op.n, op.rows, 1);
  stage.move(op.dq, op.n, op.rows, 1, BACK);
  stage.move(op.loss, (size_t)op.n, BACK);
  stage.ops().regression_loss(stage.device(), &op);
}

inline void staged_policy_loss(sac_backend *backend, const sac_policy_loss *given) {
  Stage stage(backend);
  sac_policy_loss op = *given;
  int members = op.n * op.n_critics;
  stage.move(op.q, members, op.rows, 1);
  stage.move(op.log_pi, op.n, op.rows, 1);
  stage.move(op.prior_action, op.n, op.rows, op.act_dim);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.seed, members, op.rows, 1, BACK);
  stage.move(op.row, (size_t)members * (size_t)op.rows, BACK);
  stage.move(op.row_count, (size_t)members, BACK);
  stage.move(op.loss, (size_t)op.n, BACK);
  stage.move(op.entropy, (size_t)op.n, BACK);
  stage.move(op.integrand, op.n, op.rows, 1, BACK);
  stage.ops().policy_loss(stage.device(), &op);
}

inline void staged_temperature_loss(sac_backend *backend, const sac_temperature_loss *given) {
  Stage stage(backend);
  sac_temperature_loss op = *given;
  stage.move(op.log_pi, op.n, op.rows, 1);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.dlog_alpha, (size_t)op.n, BACK);
  stage.move(op.loss, (size_t)op.n, BACK);
  stage.ops().temperature_loss(stage.device(), &op);
}

inline void staged_adam(sac_backend *backend, const sac_adam *given) {
  Stage stage(backend);
  sac_adam op = *given;
  size_t count = (size_t)op.n * op.count;
  stage.move(op.grad, count);
  for (sac_real **out : {&op.value, &op.m, &op.v, &op.target}) stage.move(*out, count, BACK);
  stage.move(op.step, 1, BACK);
  stage.ops().adam(stage.device(), &op);
}

inline void staged_polyak(sac_backend *backend, const sac_polyak *given) {
  Stage stage(backend);
  sac_polyak op = *given;
  stage.move(op.value, op.count);
  stage.move(op.target, op.count, BACK);
  stage.ops().polyak(stage.device(), &op);
}

inline void staged_explore(sac_backend *backend, const sac_explore *given) {
  Stage stage(backend);
  sac_explore op = *given;
  size_t rows = (size_t)op.n * (size_t)op.rows;
  stage.move(op.kind, rows);
  for (sac_stack *read : {&op.deterministic, &op.noise, &op.perturbed})
    stage.move(*read, op.n, op.rows, op.act_dim);
  stage.move(op.action, op.n, op.rows, op.act_dim, BACK);
  stage.move(op.distance, 2 * rows, BACK);
  stage.ops().explore(stage.device(), &op);
}

inline void staged_perturb(sac_backend *backend, const sac_perturb *given) {
  Stage stage(backend);
  sac_perturb op = *given;
  stage.move(op.source, op.count);
  stage.move(op.value, op.count, BACK);
  stage.ops().perturb(stage.device(), &op);
}

inline void move_dropout(Stage &stage, sac_dropout &dropout, int n) {
  if (!(dropout.share > 0)) return;
  stage.move(dropout.key, (size_t)(n / dropout.networks));
  stage.move(dropout.update, 1);
}

inline void staged_hidden_forward(sac_backend *backend, const sac_hidden_forward *given) {
  Stage stage(backend);
  sac_hidden_forward op = *given;
  move_dropout(stage, op.dropout, op.n);
  stage.move(op.scale, op.n, 1, op.units);
  stage.move(op.shift, op.n, 1, op.units);
  stage.move(op.y, op.n, op.rows, op.units, BACK);
  stage.move(op.normalised, op.n, op.rows, op.units, BACK);
  if (op.normalised.data) stage.move(op.rate, op.n, op.rows, 1, BACK);
  stage.ops().hidden_forward(stage.device(), &op);
}

inline void staged_hidden_backward(sac_backend *backend, const sac_hidden_backward *given) {
  Stage stage(backend);
  sac_hidden_backward op = *given;
  move_dropout(stage, op.dropout, op.n);
  stage.move(op.scale, op.n, 1, op.units);
  if (op.scale.data) {
    stage.move(op.normalised, op.n, op.rows, op.units);
    stage.move(op.rate, op.n, op.rows, 1);
  }
  stage.move(op.dscale, op.n, 1, op.units, BACK);
  stage.move(op.dshift, op.n, 1, op.units, BACK);
  stage.move(op.dy, op.n, op.rows, op.units, BACK);
  stage.move(op.row, (size_t)op.n * (size_t)op.rows);
  stage.move(op.row_count, (size_t)op.n);
  stage.ops().hidden_backward(stage.device(), &op);
}

inline void move_priorities(Stage &stage, sac_priorities &priorities) {
  size_t n = (size_t)priorities.n;
  stage.move(priorities.nodes, n * priorities.count, BACK);
  stage.move(priorities.largest, n, BACK);
}

inline void staged_priority_draw(sac_backend *backend, const sac_priority_draw *given) {
  Stage stage(backend);
  sac_priority_draw op = *given;
  size_t n = (size_t)op.priorities.n;
  move_priorities(stage, op.priorities);
  stage.move(op.count, n);
  stage.move(op.key, n);
  stage.move(op.update, 1);
  stage.move(op.index, n * (size_t)op.rows, BACK);
  stage.move(op.weight, op.priorities.n, op.rows, 1, BACK);
  stage.ops().priority_draw(stage.device(), &op);
}

inline void staged_priority_update(sac_backend *backend, const sac_priority_update *given) {
  Stage stage(backend);
  sac_priority_update op = *given;
  int n = op.priorities.n;
  move_priorities(stage, op.priorities);
  stage.move(op.q, n * op.n_critics, op.rows, 1);
  stage.move(op.y, n, op.rows, 1);
  stage.move(op.index, (size_t)n * (size_t)op.rows);
  stage.ops().priority_update(stage.device(), &op);
}

inline void staged_priority_enter(sac_backend *backend, const sac_priority_enter *given) {
  Stage stage(backend);
  sac_priority_enter op = *given;
  move_priorities(stage, op.priorities);
  stage.ops().priority_enter(stage.device(), &op);
}

inline void staged_gmm_forward(sac_backend *backend, const sac_gmm_forward *given) {
  Stage stage(backend);
  sac_gmm_forward op = *given;
  int act_dim = op.gmm.gaussian.act_dim;
  stage.move(op.head, op.n, op.rows, op.gmm.components * (2 * act_dim + 1));
  stage.move(op.noise, op.n, op.rows, act_dim + 2);
  stage.move(op.action, op.n, op.rows, act_dim, BACK);
  stage.move(op.log_pi, op.n, op.rows, 1, BACK);
  stage.ops().gmm_forward(stage.device(), &op);
}

inline void staged_gmm_backward(sac_backend *backend, const sac_gmm_backward *given) {
  Stage stage(backend);
  sac_gmm_backward op = *given;
  int act_dim = op.gmm.gaussian.act_dim, width = op.gmm.components * (2 * act_dim + 1);
  stage.move(op.head, op.n, op.rows, width);
  stage.move(op.noise, op.n, op.rows, act_dim + 2);
  stage.move(op.integrand, op.n, op.rows, 1);
  stage.move(op.baseline, op.n, op.rows, 1);
  stage.move(op.dhead, op.n, op.rows, width, BACK);
  stage.ops().gmm_backward(stage.device(), &op);
}

inline void staged_flow_forward(sac_backend *backend, const sac_flow_forward *given) {
  Stage stage(backend);
  sac_flow_forward op = *given;
  stage.move(op.condition, op.n, op.rows, op.flow.condition);
  stage.move(op.weight, op.n, 1, (int)sac_flow_weights(&op.flow));
  stage.move(op.noise, op.n, op.rows, op.flow.act_dim);
  stage.move(op.tape, op.n, op.rows, sac_flow_tape(&op.flow), BACK);
  stage.move(op.action, op.n, op.rows, op.flow.act_dim, BACK);
  stage.move(op.log_pi, op.n, op.rows, 1, BACK);
  stage.ops().flow_forward(stage.device(), &op);
}

inline void staged_flow_backward(sac_backend *backend, const sac_flow_backward *given) {
  Stage stage(backend);
  sac_flow_backward op = *given;
  int members = op.n * op.n_critics;
  stage.move(op.condition, op.n, op.rows, op.flow.condition);
  stage.move(op.weight, op.n, 1, (int)sac_flow_weights(&op.flow));
  stage.move(op.tape, op.n, op.rows, sac_flow_tape(&op.flow));
  stage.move(op.action, op.n, op.rows, op.flow.act_dim);
  stage.move(op.dq, members, op.rows, op.flow.act_dim);
  stage.move(op.seed, members, op.rows, 1);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.du, op.n, op.rows, op.flow.act_dim);
  stage.move(op.delta, op.n, op.rows, sac_flow_delta(&op.flow), BACK);
  stage.move(op.dcondition, op.n, op.rows, op.flow.condition, BACK);
  stage.ops().flow_backward(stage.device(), &op);
}

inline void staged_flow_inverse(sac_backend *backend, const sac_flow_inverse *given) {
  Stage stage(backend);
  sac_flow_inverse op = *given;
  stage.move(op.condition, op.n, op.rows, op.flow.condition);
  stage.move(op.weight, op.n, 1, (int)sac_flow_weights(&op.flow));
  stage.move(op.action, op.n, op.rows, op.flow.act_dim);
  stage.move(op.noise, op.n, op.rows, op.flow.act_dim, BACK);
  stage.move(op.log_pi, op.n, op.rows, 1, BACK);
  stage.ops().flow_inverse(stage.device(), &op);
}

inline void staged_row_repeat(sac_backend *backend, const sac_row_repeat *given) {
  Stage stage(backend);
  sac_row_repeat op = *given;
  stage.move(op.x, op.n, op.rows, op.cols);
  stage.move(op.y, op.n, op.rows * op.times, op.cols, BACK);
  stage.ops().row_repeat(stage.device(), &op);
}

inline void staged_action_choice(sac_backend *backend, const sac_action_choice *given) {
  Stage stage(backend);
  sac_action_choice op = *given;
  stage.move(op.q, op.n * op.n_critics, op.rows * op.times, 1);
  stage.move(op.candidate, op.n, op.rows * op.times, op.act_dim);
  stage.move(op.action, op.n, op.rows, op.act_dim, BACK);
  stage.ops().action_choice(stage.device(), &op);
}

inline void staged_linear_backward_bias(sac_backend *backend,
                                        const sac_linear_backward_bias *given) {
  Stage stage(backend);
  sac_linear_backward_bias op = *given;
  stage.move(op.dy, op.n, op.rows, op.out);
  stage.move(op.dbias, op.n, 1, op.out, BACK);
  stage.ops().linear_backward_bias(stage.device(), &op);
}

inline void staged_gaussian_score(sac_backend *backend, const sac_gaussian_score *given) {
  Stage stage(backend);
  sac_gaussian_score op = *given;
  int act_dim = op.gaussian.act_dim;
  stage.move(op.head, op.n, op.rows, 2 * act_dim);
  stage.move(op.u, op.n, op.rows, act_dim);
  stage.move(op.weight, op.n, op.rows, 1);
  stage.move(op.log_pi, op.n, op.rows, 1, BACK);
  stage.move(op.dhead, op.n, op.rows, 2 * act_dim, BACK);
  stage.move(op.loss, (size_t)op.n, BACK);
  stage.move(op.entropy, (size_t)op.n, BACK);
  stage.ops().gaussian_score(stage.device(), &op);
}

inline void staged_advantages(sac_backend *backend, const sac_advantages *given) {
  Stage stage(backend);
  sac_advantages op = *given;
  int rows = op.steps * op.envs;
  for (sac_stack *in : {&op.reward, &op.terminated, &op.truncated, &op.log_pi, &op.v, &op.v_next})
    stage.move(*in, op.n, rows, 1);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.advantage, op.n, rows, 1, BACK);
  stage.move(op.y, op.n, rows, 1, BACK);
  stage.ops().advantages(stage.device(), &op);
}

inline void staged_standardise(sac_backend *backend, const sac_standardise *given) {
  Stage stage(backend);
  sac_standardise op = *given;
  stage.move(op.x, op.n, op.rows, 1, BACK);
  stage.ops().standardise(stage.device(), &op);
}

inline void staged_shuffle_gather(sac_backend *backend, const sac_shuffle_gather *given) {
  Stage stage(backend);
  sac_shuffle_gather op = *given;
  stage.move(op.x, op.n, op.total, op.cols);
  stage.move(op.key, (size_t)op.n);
  stage.move(op.update, 1);
  stage.move(op.y, op.n, op.rows, op.cols, BACK);
  stage.ops().shuffle_gather(stage.device(), &op);
}

inline void staged_proposal_draw(sac_backend *backend, const sac_proposal_draw *given) {
  Stage stage(backend);
  sac_proposal_draw op = *given;
  stage.move(op.particle, op.n, op.rows * op.n_particles, op.act_dim);
  stage.move(op.moment, op.n, op.rows, 2 * op.act_dim, BACK);
  stage.move(op.key, (size_t)op.n);
  stage.move(op.update, 1);
  stage.move(op.action, op.n, op.rows * op.count, op.act_dim, BACK);
  stage.move(op.log_q, op.n, op.rows * op.count, 1, BACK);
  stage.ops().proposal_draw(stage.device(), &op);
}

inline void staged_sampled_value(sac_backend *backend, const sac_sampled_value *given) {
  Stage stage(backend);
  sac_sampled_value op = *given;
  stage.move(op.q, op.n * op.n_critics, op.rows * op.count, 1);
  stage.move(op.log_q, op.n, op.rows * op.count, 1);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.v, op.n, op.rows, 1, BACK);
  stage.move(op.sample_size, (size_t)op.n, BACK);
  stage.ops().sampled_value(stage.device(), &op);
}

inline void staged_particle_score(sac_backend *backend, const sac_particle_score *given) {
  Stage stage(backend);
  sac_particle_score op = *given;
  int members = op.n * op.n_critics;
  stage.move(op.particle, op.n, op.rows, op.act_dim);
  stage.move(op.dq, members, op.rows, op.act_dim);
  stage.move(op.seed, members, op.rows, 1);
  stage.move(op.q, members, op.rows, 1);
  stage.move(op.log_alpha, (size_t)op.n);
  stage.move(op.score, op.n, op.rows, op.act_dim, BACK);
  stage.move(op.log_density, op.n, op.rows, 1, BACK);
  stage.ops().particle_score(stage.device(), &op);
}

inline void staged_stein_gradient(sac_backend *backend, const sac_stein_gradient *given) {
  Stage stage(backend);
  sac_stein_gradient op = *given;
  for (sac_stack *in : {&op.fixed, &op.score})
    stage.move(*in, op.n, op.rows * op.n_fixed, op.act_dim);
  stage.move(op.updated, op.n, op.rows * op.n_updated, op.act_dim);
  stage.move(op.kernel, op.n, op.rows, op.n_updated * op.n_fixed, BACK);
  stage.move(op.square, op.n, op.rows, 1, BACK);
  stage.move(op.dupdated, op.n, op.rows * op.n_updated, op.act_dim, BACK);
  stage.move(op.loss, (size_t)op.n, BACK);
  stage.ops().stein_gradient(stage.device(), &op);
}

inline void staged_leapfrog(sac_backend *backend, const sac_leapfrog *given) {
  Stage stage(backend);
  sac_leapfrog op = *given;
  for (sac_stack *in : {&op.u, &op.momentum, &op.score}) stage.move(*in, op.n, op.rows, op.act_dim);
  for (sac_stack *out : {&op.next_u, &op.next_momentum, &op.action})
    stage.move(*out, op.n, op.rows, op.act_dim, BACK);
  stage.ops().leapfrog(stage.device(), &op);
}

inline void staged_metropolis(sac_backend *backend, const sac_metropolis *given) {
  Stage stage(backend);
  sac_metropolis op = *given;
  for (sac_stack *in : {&op.momentum, &op.next_u, &op.next_score, &op.next_momentum})
    stage.move(*in, op.n, op.rows, op.act_dim);
  stage.move(op.next_log_density, op.n, op.rows, 1);
  stage.move(op.noise, op.n, op.rows, 2);
  for (sac_stack *out : {&op.u, &op.score}) stage.move(*out, op.n, op.rows, op.act_dim, BACK);
  for (sac_stack *out : {&op.log_density, &op.energy, &op.accepted})
    stage.move(*out, op.n, op.rows, 1, BACK);
  stage.ops().metropolis(stage.device(), &op);
}

inline void staged_normal_fill(sac_backend *backend, const sac_normal_fill *given) {
  Stage stage(backend);
  sac_normal_fill op = *given;
  stage.move(op.key, (size_t)op.n);
  stage.move(op.step, 1);
  stage.move(op.out, op.n, op.rows, op.cols, BACK);
  stage.ops().normal_fill(stage.device(), &op);
}

inline void staged_replay_gather(sac_backend *backend, const sac_replay_gather *given) {
  Stage stage(backend);
  sac_replay_gather op = *given;
  int width = op.layout.obs_dim + op.layout.act_dim;
  stage.move(op.ring, (size_t)op.n * op.capacity * (size_t)op.layout.width);
  stage.move(op.count, (size_t)op.n);
  stage.move(op.key, (size_t)op.n);
  stage.move(op.update, 1);
  stage.move(op.index, (size_t)op.n * (size_t)op.rows);
  stage.move(op.pushed, (size_t)op.n);
  stage.move(op.reward_factor, (size_t)op.n);
  stage.move(op.discount, op.n, op.rows, 1, BACK);
  stage.move(op.now, op.n, op.rows, width, BACK);
  stage.move(op.both, op.n, 2 * op.rows, width, BACK);
  stage.move(op.reward, op.n, op.rows, 1, BACK);
  stage.move(op.terminated, op.n, op.rows, 1, BACK);
  stage.ops().replay_gather(stage.device(), &op);
}

inline void staged_normalise(sac_backend *backend, const sac_normalise *given) {
  Stage stage(backend);
  sac_normalise op = *given;
  stage.move(op.x, op.n, op.rows, op.cols);
  stage.move(op.y, op.n, op.rows, op.cols, BACK);
  stage.move(op.mean, (size_t)op.n * (size_t)op.cols);
  stage.move(op.scale, (size_t)op.n * (size_t)op.cols);
  stage.ops().normalise(stage.device(), &op);
}

inline void staged_finite_check(sac_backend *backend, const sac_finite_check *given) {
  Stage stage(backend);
  sac_finite_check op = *given;
  stage.move(op.values, op.count);
  stage.move(op.flag, (size_t)op.n, BACK);
  stage.ops().finite_check(stage.device(), &op);
}

inline void staged_tick(sac_backend *backend, uint64_t *counter) {
  Stage stage(backend);
  stage.move(counter, 1, BACK);
  stage.ops().tick(stage.device(), counter);
}

inline void staged_close(sac_backend *backend) {
  Staged *staged = reinterpret_cast<Staged *>(backend);
  staged->device->ops->close(staged->device);
  delete staged;
}

inline sac_status staged_sync(sac_backend *backend, sac_error *err) {
  sac_backend *device = reinterpret_cast<Staged *>(backend)->device;
  return device->ops->sync(device, err);
}

/// Wrap an opened backend, which is closed with what this returns. Only close, sync and the steps
/// are there.
inline sac_backend *stage(sac_backend *device) {
  static sac_ops table = {};
  table.device = device->ops->device;
  table.close = staged_close;
  table.sync = staged_sync;
  table.linear_forward = staged_linear_forward;
  table.linear_backward_input = staged_linear_backward_input;
  table.linear_backward_weight = staged_linear_backward_weight;
  table.gaussian_forward = staged_gaussian_forward;
  table.gaussian_backward = staged_gaussian_backward;
  table.soft_q_target = staged_soft_q_target;
  table.value_target = staged_value_target;
  table.soft_value = staged_soft_value;
  table.regression_loss = staged_regression_loss;
  table.policy_loss = staged_policy_loss;
  table.temperature_loss = staged_temperature_loss;
  table.adam = staged_adam;
  table.polyak = staged_polyak;
  table.row_repeat = staged_row_repeat;
  table.proposal_draw = staged_proposal_draw;
  table.sampled_value = staged_sampled_value;
  table.particle_score = staged_particle_score;
  table.stein_gradient = staged_stein_gradient;
  table.leapfrog = staged_leapfrog;
  table.metropolis = staged_metropolis;
  table.explore = staged_explore;
  table.perturb = staged_perturb;
  table.hidden_forward = staged_hidden_forward;
  table.hidden_backward = staged_hidden_backward;
  table.priority_draw = staged_priority_draw;
  table.priority_update = staged_priority_update;
  table.priority_enter = staged_priority_enter;
  table.gmm_forward = staged_gmm_forward;
  table.gmm_backward = staged_gmm_backward;
  table.flow_forward = staged_flow_forward;
  table.flow_backward = staged_flow_backward;
  table.flow_inverse = staged_flow_inverse;
  table.row_repeat = staged_row_repeat;
  table.action_choice = staged_action_choice;
  table.linear_backward_bias = staged_linear_backward_bias;
  table.gaussian_score = staged_gaussian_score;
  table.advantages = staged_advantages;
  table.standardise = staged_standardise;
  table.shuffle_gather = staged_shuffle_gather;
  table.normal_fill = staged_normal_fill;
  table.replay_gather = staged_replay_gather;
  table.normalise = staged_normalise;
  table.finite_check = staged_finite_check;
  table.tick = staged_tick;
  return &(new Staged{{&table}, device})->base;
}

}  // namespace sac_test
