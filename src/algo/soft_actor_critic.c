// Soft Actor-Critic with twin Q functions, their targets and a learned temperature.
// Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", arXiv 1812.05905, algorithm 1.
#include "algo/agent.h"
#include "algo/algo_list.h"

// eq. 3 and 5: y = kappa r + gamma (1-d) (min_i Qbar_i(s', a') - alpha log pi(a'|s')),  a' ~
// pi(.|s')
static void compute_target(sac_agent *self) {
  sac_batch *batch = &self->batch;
  sac_stack next = sac_agent_rows(batch->both, self->batch_size);
  next.share = self->n_critics;
  sac_agent_drop(self, &self->q_target_pass, self->n_critics, SAC_DRAW_DROP_NEXT);
  sac_mlp_forward(&self->q.mlp, &self->q.target, &self->q_target_pass, next, self->batch_size);
  sac_soft_q_target step = {.n = self->n_seeds,
                            .rows = self->batch_size,
                            .n_critics = self->n_critics,
                            .subset = (int)self->cfg.algorithm.target_subset,
                            .gamma = (sac_real)self->cfg.algorithm.gamma,
                            .reward_scale = (sac_real)self->cfg.algorithm.reward_scale,
                            .reward = batch->reward,
                            .terminated = batch->terminated,
                            .q = sac_mlp_output(&self->q.mlp, &self->q_target_pass),
                            .log_pi = sac_agent_rows(batch->log_pi, self->batch_size),
                            .prior_action = sac_agent_prior_action(self, self->batch_size),
                            .act_dim = self->act_dim,
                            .log_alpha = self->temperature.value,
                            .key = self->key,
                            .update = self->update,
                            .y = batch->y,
                            .discount = batch->discount};
  self->backend->ops->soft_q_target(self->backend, &step);
}

// J_Q(theta_i) = E[ 1/2 (Q_i(s, a) - y)^2 ];  Qbar_i <- tau Q_i + (1-tau) Qbar_i
static void improve_critics(sac_agent *self) {
  sac_agent_regress_q(self);
  sac_agent_step(self, &self->q.params, self->cfg.algorithm.q_lr,
                 sac_agent_target_turn(self) ? &self->q.target : NULL);
}

// eq. 9: J_pi(phi) = E[ alpha log pi(f(eps; s)|s) - min_i Q_i(s, f(eps; s)) ]
static void improve_policy(sac_agent *self) {
  sac_agent_judge_actions(self);
  sac_agent_climb_q(self);
  sac_agent_step(self, &self->policy.params, self->cfg.algorithm.policy_lr, NULL);
}

// eq. 18: J(alpha) = E[ -log alpha (log pi(a|s) + target entropy) ]
static void improve_temperature(sac_agent *self) {
  sac_agent_regress_temperature(self);
  sac_agent_step(self, &self->temperature, self->cfg.algorithm.alpha_lr, NULL);
}

static void learn(sac_agent *self) {
  sac_agent_phase(self, SAC_PHASE_TARGET);
  sac_agent_sample_actions(self, true);
  compute_target(self);
  sac_agent_phase(self, SAC_PHASE_CRITIC);
  improve_critics(self);
  if (!sac_agent_policy_turn(self)) return;
  sac_agent_phase(self, SAC_PHASE_POLICY);
  improve_policy(self);
  if (self->learns_temperature) improve_temperature(self);
}

const sac_algorithm_def sac_soft_actor_critic = {
    .name = "sac", .uses_next_action = true, .learn = learn};
