// The steps that algorithms share. Sources: SAC v1 = arXiv 1801.01290, SAC v2 = arXiv 1812.05905.
#include "algo/agent.h"

_Static_assert((int)SAC_ACTOR_Q_MIN == (int)SAC_ACTOR_MIN &&
                   (int)SAC_ACTOR_Q_FIRST == (int)SAC_ACTOR_FIRST &&
                   (int)SAC_ACTOR_Q_MEAN == (int)SAC_ACTOR_MEAN,
               "the configuration's choices are the ops' choices, in the same order");

sac_stack sac_agent_rows(sac_stack both, int first_row) {
  both.data += (size_t)first_row * (size_t)both.ld;
  return both;
}

sac_stack sac_agent_columns(sac_stack rows, int first_column) {
  rows.data += first_column;
  return rows;
}

// the same rows for every critic of a seed
static sac_stack shared(const sac_agent *self, sac_stack rows) {
  rows.share = self->n_critics;
  return rows;
}

static bool normal_prior(const sac_agent *self) {
  return self->cfg.algorithm.action_prior == SAC_ACTION_PRIOR_NORMAL;
}

sac_stack sac_agent_prior_action(const sac_agent *self, int first_row) {
  sac_stack action = sac_agent_columns(sac_agent_rows(self->batch.both, first_row), self->obs_dim);
  if (!normal_prior(self)) action.data = NULL;
  return action;
}

void sac_agent_sample_actions(sac_agent *agent, bool next) {
  sac_batch *batch = &agent->batch;
  sac_policy_draw draw = {.rows = next ? 2 * agent->batch_size : agent->batch_size,
                          .obs = batch->both,
                          .noise = batch->noise,
                          .action = sac_agent_columns(batch->both, agent->obs_dim),
                          .log_pi = batch->log_pi};
  sac_policy_sample(&agent->policy, &agent->policy_pass, &draw);
}

void sac_agent_drop(sac_agent *agent, sac_mlp_pass *pass, int networks, sac_purpose purpose) {
  if (agent->cfg.critic.dropout > 0)
    pass->dropout = (sac_dropout){
        .networks = networks, .purpose = purpose, .key = agent->key, .update = agent->update};
}

void sac_agent_regress(sac_agent *agent, sac_critic *critic, sac_mlp_pass *pass, sac_stack y,
                       bool huber, sac_real *loss) {
  sac_regression_loss step = {.n = critic->mlp.n, .rows = agent->batch_size, .huber = huber};
  y.share = critic->params.networks;
  step.q = sac_mlp_output(&critic->mlp, pass);
  step.y = y;
  step.dq = pass->dout;
  step.loss = loss;
  if (critic == &agent->q) step.weight = agent->batch.weight;
  step.weight.share = critic->params.networks;
  agent->backend->ops->regression_loss(agent->backend, &step);
  sac_mlp_backward(&critic->mlp, &critic->params, pass, agent->batch_size);
}

// the errors of this batch decide how often its rows are drawn from now on
static void set_priorities(sac_agent *agent) {
  sac_priority_update step = {.priorities = agent->replay->priorities,
                              .rows = agent->batch_size,
                              .n_critics = agent->n_critics,
                              .alpha = agent->cfg.algorithm.priority.alpha,
                              .eps = agent->cfg.algorithm.priority.eps,
                              .q = sac_mlp_output(&agent->q.mlp, &agent->q_pass),
                              .y = agent->batch.y,
                              .index = agent->batch.place};
  agent->backend->ops->priority_update(agent->backend, &step);
}

void sac_agent_regress_q(sac_agent *agent) {
  sac_critic *q = &agent->q;
  sac_agent_drop(agent, &agent->q_pass, agent->n_critics, SAC_DRAW_DROP_NOW);
  sac_mlp_forward(&q->mlp, &q->params, &agent->q_pass, shared(agent, agent->batch.now),
                  agent->batch_size);
  bool huber = agent->cfg.algorithm.critic_loss == SAC_CRITIC_LOSS_HUBER;
  sac_agent_regress(agent, q, &agent->q_pass, agent->batch.y, huber, agent->losses.q);
  // a batch that is given, in a trace, has no places
  if (agent->batch.place && agent->replay) set_priorities(agent);
}

void sac_agent_judge_actions(sac_agent *agent) {
  sac_critic *q = &agent->q;
  sac_agent_drop(agent, &agent->q_pass, agent->n_critics, SAC_DRAW_DROP_ACTION);
  sac_mlp_forward(&q->mlp, &q->params, &agent->q_pass, shared(agent, agent->batch.both),
                  agent->batch_size);
}

static void value_actions(sac_agent *agent, sac_stack log_pi) {
  sac_soft_value step = {.n = agent->n_seeds,
                         .rows = agent->batch_size,
                         .n_critics = agent->n_critics,
                         .act_dim = agent->act_dim,
                         .q = sac_mlp_output(&agent->q.mlp, &agent->q_pass),
                         .log_pi = log_pi,
                         .prior_action = sac_agent_prior_action(agent, 0),
                         .log_alpha = agent->temperature.value,
                         .v = agent->batch.v_target};
  agent->backend->ops->soft_value(agent->backend, &step);
}

void sac_agent_value_actions(sac_agent *agent) {
  value_actions(agent, agent->batch.log_pi);
}

// J_pi itself, and which critic decides each row
static void weigh_actions(sac_agent *agent) {
  sac_batch *batch = &agent->batch;
  sac_policy_loss step = {.n = agent->n_seeds,
                          .rows = agent->batch_size,
                          .n_critics = agent->n_critics,
                          .act_dim = agent->act_dim,
                          .actor_q = (sac_actor_q)agent->cfg.algorithm.actor_q,
                          .q = sac_mlp_output(&agent->q.mlp, &agent->q_pass),
                          .log_pi = batch->log_pi,
                          .prior_action = sac_agent_prior_action(agent, 0),
                          .log_alpha = agent->temperature.value,
                          .seed = agent->q_pass.dout,
                          .row = batch->row,
                          .row_count = batch->row_count,
                          .loss = agent->losses.policy,
                          .entropy = agent->losses.entropy,
                          .integrand = batch->integrand};
  agent->backend->ops->policy_loss(agent->backend, &step);
}

// V(s) or, where there is no value network, the soft value of a second action at s: whatever does
// not depend on the first action leaves the likelihood ratio's mean as it is
static sac_stack find_baseline(sac_agent *agent) {
  sac_batch *batch = &agent->batch;
  if (agent->def->uses_value) return sac_mlp_output(&agent->value.mlp, &agent->value_pass);
  sac_policy_draw draw = {.rows = agent->batch_size,
                          .noise = sac_agent_rows(batch->noise, agent->batch_size),
                          .action = sac_agent_columns(batch->both, agent->obs_dim),
                          .log_pi = batch->log_pi_again};
  sac_policy_sample(&agent->policy, &agent->policy_pass, &draw);
  sac_agent_judge_actions(agent);
  value_actions(agent, batch->log_pi_again);
  return batch->v_target;
}

// J_pi's gradient through log pi alone, the actions as they were drawn
static void follow_likelihood_ratio(sac_agent *agent) {
  sac_policy_gradient gradient = {.rows = agent->batch_size,
                                  .noise = agent->batch.noise,
                                  .integrand = agent->batch.integrand,
                                  .baseline = find_baseline(agent)};
  sac_policy_backward(&agent->policy, &agent->policy_pass, &gradient);
}

// J_pi's gradient through the actions
static void follow_actions(sac_agent *agent) {
  sac_batch *batch = &agent->batch;
  // dm/da, through the critic that decides a row only
  sac_row_list deciding = {batch->row, batch->row_count};
  if (agent->cfg.algorithm.actor_q == SAC_ACTOR_Q_MEAN) deciding = (sac_row_list){0};
  sac_mlp_backward_input(&agent->q.mlp, &agent->q.params, &agent->q_pass, agent->batch_size,
                         deciding, agent->obs_dim, batch->dq);
  sac_policy_gradient gradient = {.rows = agent->batch_size,
                                  .n_critics = agent->n_critics,
                                  .normal_prior = normal_prior(agent),
                                  .noise = batch->noise,
                                  .action = sac_agent_columns(batch->both, agent->obs_dim),
                                  .dq = batch->dq,
                                  .seed = agent->q_pass.dout,
                                  .log_alpha = agent->temperature.value};
  sac_policy_backward(&agent->policy, &agent->policy_pass, &gradient);
}

void sac_agent_climb_q(sac_agent *agent) {
  weigh_actions(agent);
  (agent->policy.kind->by_likelihood_ratio ? follow_likelihood_ratio : follow_actions)(agent);
}

void sac_agent_regress_temperature(sac_agent *agent) {
  sac_temperature_loss step = {.n = agent->n_seeds,
                               .rows = agent->batch_size,
                               .plain = agent->cfg.algorithm.alpha_loss == SAC_ALPHA_LOSS_PLAIN,
                               .target_entropy = agent->target_entropy,
                               .log_pi = agent->batch.log_pi,
                               .log_alpha = agent->temperature.value,
                               .dlog_alpha = agent->temperature.grad,
                               .loss = agent->losses.temperature};
  agent->backend->ops->temperature_loss(agent->backend, &step);
}

// what the gradient of these parameters is scaled down to; 0 where it is left
static double find_grad_limit(const sac_agent *self, const sac_params *params) {
  double limit = self->cfg.algorithm.max_grad_norm;
  double value_limit = self->cfg.algorithm.pg.value_max_grad_norm;
  if (params == &self->temperature) return 0;
  if (params == &self->value.params && self->def->on_policy && value_limit > 0) return value_limit;
  return limit > 0 ? limit : 0;
}

void sac_agent_step(sac_agent *agent, sac_params *params, double lr, sac_params *target) {
  double norm = find_grad_limit(agent, params), value = agent->cfg.algorithm.max_grad_value;
  bool limited = params != &agent->temperature;
  sac_agent_phase(agent, SAC_PHASE_OPTIMISER);
  sac_adam step = {.n = params->n,
                   .share = params->networks,
                   .count = params->count,
                   .value = params->value,
                   .grad = params->grad,
                   .m = params->m,
                   .v = params->v,
                   .target = target ? target->value : NULL,
                   .step = params->step,
                   .lr = lr,
                   .beta1 = agent->cfg.algorithm.adam.beta1,
                   .beta2 = agent->cfg.algorithm.adam.beta2,
                   .eps = agent->cfg.algorithm.adam.eps,
                   .tau = agent->cfg.algorithm.tau,
                   .max_grad_norm = norm,
                   .max_grad_value = limited && value > 0 ? value : 0};
  agent->backend->ops->adam(agent->backend, &step);
}

static bool is_turn(uint64_t update, int64_t every) {
  return (update + 1) % (uint64_t)every == 0;
}

bool sac_agent_policy_turn(const sac_agent *agent) {
  return is_turn(agent->n_updates, agent->cfg.algorithm.policy_delay);
}

bool sac_agent_target_turn(const sac_agent *agent) {
  return is_turn(agent->n_updates, agent->cfg.algorithm.target_update_interval);
}
