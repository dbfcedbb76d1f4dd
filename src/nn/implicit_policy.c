// The sampler of soft Q-learning (arXiv 1702.08165, section 3.3): u = f(xi; s), a = tanh(u), with
// the noise as further inputs of the network. It has no density.
#include "nn/policy.h"

static void describe(const sac_config *cfg, sac_policy *policy) {
  int act_dim = policy->act_dim;
  policy->network_input = policy->obs_dim + policy->noise_dim;
  policy->candidates = (int)cfg->algorithm.sql.candidates;
  policy->draws_candidates = true;
  sac_policy_describe_network(cfg, act_dim, policy);
  sac_mlp *mlp = &policy->mlp;
  int last = mlp->n_layers - 1, in = mlp->width[last];
  mlp->weight[last] = sac_params_add(&policy->params, "u.weight", act_dim, in, in, act_dim);
  mlp->bias[last] = sac_params_add(&policy->params, "u.bias", act_dim, 0, in, act_dim);
}

static void carve(const sac_policy *policy, int max_rows, bool backward, sac_arena *arena,
                  sac_policy_pass *pass) {
  (void)backward;
  int cols = policy->network_input;
  pass->input = (sac_stack){.stride = (size_t)max_rows * (size_t)cols, .ld = cols, .share = 1};
  pass->input.data =
      sac_arena_take(arena, (size_t)policy->n_seeds * pass->input.stride * sizeof(sac_real));
  pass->silence = sac_arena_take(arena, (size_t)policy->noise_dim * sizeof(sac_real));
}

static void copy_columns(const sac_policy *policy, int rows, int cols, sac_stack from,
                         sac_stack to) {
  sac_row_repeat step = {
      .n = policy->n_seeds, .rows = rows, .cols = cols, .times = 1, .x = from, .y = to};
  policy->params.backend->ops->row_repeat(policy->params.backend, &step);
}

static void sample(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw) {
  sac_backend *backend = policy->params.backend;
  sac_stack noise = pass->input, silence = {.data = pass->silence, .share = 1};
  noise.data += policy->obs_dim;
  SAC_ASSERT(!draw->log_pi.data);
  copy_columns(policy, draw->rows, policy->obs_dim, draw->obs, pass->input);
  copy_columns(policy, draw->rows, policy->noise_dim, draw->noise.data ? draw->noise : silence,
               noise);
  sac_mlp_forward(&policy->mlp, &policy->params, &pass->mlp, pass->input, draw->rows);
  // without noise of its own the op squashes what the network gives
  sac_gaussian_forward squash = {.n = policy->n_seeds,
                                 .rows = draw->rows,
                                 .gaussian = policy->gaussian,
                                 .head = sac_mlp_output(&policy->mlp, &pass->mlp),
                                 .action = draw->action};
  backend->ops->gaussian_forward(backend, &squash);
}

static sac_stack unsquashed(const sac_policy *policy, const sac_policy_pass *pass) {
  return sac_mlp_output(&policy->mlp, &pass->mlp);
}

static void backward(sac_policy *policy, sac_policy_pass *pass,
                     const sac_policy_gradient *gradient) {
  SAC_ASSERT(gradient->du.data);
  copy_columns(policy, gradient->rows, policy->act_dim, gradient->du, pass->mlp.dout);
  sac_mlp_backward(&policy->mlp, &policy->params, &pass->mlp, gradient->rows);
}

const sac_policy_kind sac_implicit_policy = {.name = "implicit",
                                             .describe = describe,
                                             .carve = carve,
                                             .sample = sample,
                                             .unsquashed = unsquashed,
                                             .backward = backward};
