// The maximum-entropy policy gradient: the score-function gradient of the entropy-augmented return,
// with the value function of the same return as its baseline. Levine, "Reinforcement Learning and
// Control as Probabilistic Inference", arXiv 1805.00909, section 4.1; its advantages by Schulman et
// al., arXiv 1506.02438. With rho_t = kappa r_t - alpha log pi(a_t|s_t), the step's own entropy
// included, and a baseline that stands outside the sum of rewards to go:
//   grad J = E sum_t grad log pi(a_t|s_t) (sum_{t' >= t} gamma^(t'-t) rho_t' - V(s_t))
#include "algo/agent.h"
#include "algo/algo_list.h"

static bool is_reinforce(const sac_agent *self) {
  return self->cfg.algorithm.pg.form == SAC_PG_FORM_REINFORCE;
}

// gae: A_t = sum_k (gamma lambda)^k delta_{t+k}; reinforce: lambda = 1, rewards to go less V(s_t)
static void estimate_advantages(sac_agent *self) {
  sac_lesson_estimate(self, is_reinforce(self) ? 1 : self->cfg.algorithm.pg.gae_lambda);
}

// J_pi = -mean(A log pi(u|s)), A held fixed
static void improve_policy(sac_agent *self, int i) {
  sac_lesson_draw(self, i);
  sac_lesson_score(self);
  sac_agent_step(self, &self->policy.params, self->cfg.algorithm.policy_lr, NULL);
}

// J_V = 1/2 mean (V(s) - y)^2
static void improve_value(sac_agent *self, int i) {
  sac_lesson_draw(self, i);
  sac_lesson_regress_value(self);
  sac_agent_step(self, &self->value.params, self->cfg.algorithm.v_lr, NULL);
}

// one pass over the rollout for the policy: of another pass it would no longer be the gradient
static void learn(sac_agent *self) {
  int batches = (self->lesson.rollout_rows + self->batch_size - 1) / self->batch_size;
  sac_agent_phase(self, SAC_PHASE_TARGET);
  estimate_advantages(self);
  for (int i = 0; i < batches; i++) {
    sac_agent_phase(self, SAC_PHASE_POLICY);
    improve_policy(self, i);
  }
  for (int i = 0; i < self->cfg.algorithm.pg.value_steps; i++) {
    sac_agent_phase(self, SAC_PHASE_CRITIC);
    improve_value(self, batches + i);
  }
}

const sac_algorithm_def sac_maxent_policy_gradient = {
    .name = "maxent_pg", .uses_value = true, .on_policy = true, .learn = learn};
