// Soft Q-learning: an energy-based policy whose actions a network learns to draw.
// Haarnoja et al., "Reinforcement Learning with Deep Energy-Based Policies", arXiv 1702.08165,
// algorithm 1.
#include "algo/agent.h"
#include "algo/algo_list.h"

// eq. 7: V(s') = alpha log E_q[ exp(min_i Qbar_i(s', a') / alpha) / q(a') ]
static void estimate_value(sac_agent *self) {
  sac_particles *particles = &self->particles;
  sac_particles_propose(self);
  sac_stack proposed = particles->rows;
  proposed.share = self->n_critics;
  sac_agent_drop(self, &particles->value_pass, self->n_critics, SAC_DRAW_DROP_NEXT);
  sac_mlp_forward(&self->q.mlp, &self->q.target, &particles->value_pass, proposed,
                  self->batch_size * particles->n_value);
  sac_sampled_value step = {.n = self->n_seeds,
                            .rows = self->batch_size,
                            .count = particles->n_value,
                            .n_critics = self->n_critics,
                            .q = sac_mlp_output(&self->q.mlp, &particles->value_pass),
                            .log_q = particles->log_q,
                            .log_alpha = self->temperature.value,
                            .v = particles->v,
                            .sample_size = self->losses.sample_size};
  self->backend->ops->sampled_value(self->backend, &step);
}

// eq. 8: y = kappa r + gamma (1-d) V(s')
static void compute_target(sac_agent *self) {
  sac_batch *batch = &self->batch;
  sac_value_target step = {.n = self->n_seeds,
                           .rows = self->batch_size,
                           .gamma = (sac_real)self->cfg.algorithm.gamma,
                           .reward_scale = (sac_real)self->cfg.algorithm.reward_scale,
                           .reward = batch->reward,
                           .terminated = batch->terminated,
                           .v = self->particles.v,
                           .y = batch->y,
                           .discount = batch->discount};
  self->backend->ops->value_target(self->backend, &step);
}

// J_Q(theta_i) = E[ 1/2 (Q_i(s, a) - y)^2 ]; the target takes over tau of theta, or all of it now
// and then
static void improve_critics(sac_agent *self) {
  sac_agent_regress_q(self);
  sac_agent_step(self, &self->q.params, self->cfg.algorithm.q_lr,
                 sac_agent_target_turn(self) ? &self->q.target : NULL);
}

// eq. 13: the direction in which the updated particles lower the divergence from exp(Q / alpha),
// from the scores of the fixed ones
static void find_direction(sac_agent *self) {
  sac_particles *particles = &self->particles;
  sac_stack at = sac_particles_at(self);
  sac_stein_gradient step = {.n = self->n_seeds,
                             .rows = self->batch_size,
                             .n_fixed = particles->n_fixed,
                             .n_updated = particles->n_updated,
                             .act_dim = self->act_dim,
                             .space = (sac_particle_space)self->cfg.algorithm.sql.svgd_space,
                             .fixed = sac_agent_rows(at, self->batch_size * particles->n_updated),
                             .score = particles->score,
                             .updated = at,
                             .kernel = particles->kernel,
                             .square = particles->square,
                             .dupdated = particles->du,
                             .loss = self->losses.policy};
  self->backend->ops->stein_gradient(self->backend, &step);
}

// eq. 14: dJ/dphi = -E[ D(f_phi(xi; s)) df_phi(xi; s)/dphi ]
static void improve_sampler(sac_agent *self) {
  sac_particles_draw(self);
  sac_particles_score(self);
  find_direction(self);
  sac_policy_gradient gradient = {.rows = self->batch_size * self->particles.n_updated,
                                  .du = self->particles.du};
  sac_policy_backward(&self->policy, &self->policy_pass, &gradient);
  sac_agent_step(self, &self->policy.params, self->cfg.algorithm.policy_lr, NULL);
}

static void learn(sac_agent *self) {
  sac_agent_phase(self, SAC_PHASE_TARGET);
  estimate_value(self);
  compute_target(self);
  sac_agent_phase(self, SAC_PHASE_CRITIC);
  improve_critics(self);
  if (!sac_agent_policy_turn(self)) return;
  sac_agent_phase(self, SAC_PHASE_POLICY);
  improve_sampler(self);
}

const sac_algorithm_def sac_soft_q_learning = {
    .name = "sql", .uses_particles = true, .learn = learn};
