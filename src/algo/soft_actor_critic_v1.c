// Soft Actor-Critic with a value function, its target, and a fixed temperature.
// Haarnoja et al., "Soft Actor-Critic: Off-Policy Maximum Entropy Deep Reinforcement Learning with
// a Stochastic Actor", arXiv 1801.01290, algorithm 1. All gradients share one action a~ = f(eps; s)
// of the policy.
#include "algo/agent.h"
#include "algo/algo_list.h"

// eq. 8: y = kappa r + gamma (1-d) Vbar(s')
static void compute_target(sac_agent *self) {
  sac_batch *batch = &self->batch;
  sac_agent_drop(self, &self->value_target_pass, 1, SAC_DRAW_DROP_VALUE_NEXT);
  sac_mlp_forward(&self->value.mlp, &self->value.target, &self->value_target_pass,
                  sac_agent_rows(batch->both, self->batch_size), self->batch_size);
  sac_value_target step = {.n = self->n_seeds,
                           .rows = self->batch_size,
                           .gamma = (sac_real)self->cfg.algorithm.gamma,
                           .reward_scale = (sac_real)self->cfg.algorithm.reward_scale,
                           .reward = batch->reward,
                           .terminated = batch->terminated,
                           .v = sac_mlp_output(&self->value.mlp, &self->value_target_pass),
                           .y = batch->y,
                           .discount = batch->discount};
  self->backend->ops->value_target(self->backend, &step);
}

// eq. 5: J_V(psi) = E[ 1/2 (V(s) - (min_i Q_i(s, a~) - alpha log pi(a~|s)))^2 ], from actions
// judged before
static void regress_value(sac_agent *self) {
  sac_batch *batch = &self->batch;
  sac_agent_value_actions(self);
  sac_agent_drop(self, &self->value_pass, 1, SAC_DRAW_DROP_VALUE);
  sac_mlp_forward(&self->value.mlp, &self->value.params, &self->value_pass, batch->both,
                  self->batch_size);
  sac_agent_regress(self, &self->value, &self->value_pass, batch->v_target, false, self->losses.v);
}

// psi <- Adam; psi_bar <- tau psi + (1-tau) psi_bar. y was computed before, so the target may move
// at once
static void step_value(sac_agent *self) {
  sac_agent_step(self, &self->value.params, self->cfg.algorithm.v_lr,
                 sac_agent_target_turn(self) ? &self->value.target : NULL);
}

static void step_critics(sac_agent *self) {
  sac_agent_step(self, &self->q.params, self->cfg.algorithm.q_lr, NULL);
}

static void step_policy(sac_agent *self) {
  sac_agent_step(self, &self->policy.params, self->cfg.algorithm.policy_lr, NULL);
}

// as the authors' program does: every gradient at the parameters before the update
static void learn_simultaneously(sac_agent *self) {
  sac_agent_phase(self, SAC_PHASE_CRITIC);
  sac_agent_regress_q(self);
  sac_agent_judge_actions(self);
  regress_value(self);
  sac_agent_phase(self, SAC_PHASE_POLICY);
  if (sac_agent_policy_turn(self)) sac_agent_climb_q(self);
  step_critics(self);
  step_value(self);
  if (sac_agent_policy_turn(self)) step_policy(self);
}

// as the paper writes it: V, then Q, then the policy, each at the parameters so far
static void learn_sequentially(sac_agent *self) {
  sac_agent_phase(self, SAC_PHASE_CRITIC);
  sac_agent_judge_actions(self);
  regress_value(self);
  step_value(self);
  sac_agent_phase(self, SAC_PHASE_CRITIC);
  sac_agent_regress_q(self);
  step_critics(self);
  if (!sac_agent_policy_turn(self)) return;
  sac_agent_phase(self, SAC_PHASE_POLICY);
  sac_agent_judge_actions(self);
  sac_agent_climb_q(self);
  step_policy(self);
}

static void learn(sac_agent *self) {
  sac_agent_phase(self, SAC_PHASE_TARGET);
  sac_agent_sample_actions(self, false);
  compute_target(self);
  if (self->cfg.algorithm.update_order == SAC_UPDATE_ORDER_SEQUENTIAL) {
    learn_sequentially(self);
  } else {
    learn_simultaneously(self);
  }
}

const sac_algorithm_def sac_soft_actor_critic_v1 = {
    .name = "sac_v1", .uses_value = true, .learn = learn};
