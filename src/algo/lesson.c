// What on-policy algorithms share: a whole rollout's values and advantages, and minibatches of it.
#include "algo/agent.h"

void sac_lesson_carve(sac_agent *agent, sac_arena *arena) {
  sac_lesson *lesson = &agent->lesson;
  int n = agent->n_seeds, rows = lesson->rollout_rows, batch = agent->batch_size;
  lesson->layout = sac_rollout_layout_make(agent->obs_dim, agent->act_dim);
  sac_mlp_pass_carve(&agent->value.mlp, rows, false, arena, &lesson->v);
  sac_mlp_pass_carve(&agent->value.mlp, rows, false, arena, &lesson->v_next);
  lesson->estimate = sac_agent_carve(arena, n, rows, 2);
  lesson->row = sac_agent_carve(arena, n, batch, lesson->layout.width);
  lesson->row_estimate = sac_agent_carve(arena, n, batch, 2);
  if (agent->cfg.env.normalize_reward) lesson->reward = sac_agent_carve(arena, n, rows, 1);
}

sac_status sac_lesson_reserve(const sac_agent *agent, sac_error *err) {
  if (agent->lesson.rollout_rows == 0) return SAC_OK;
  return sac_mlp_reserve(&agent->value.mlp, agent->backend, agent->lesson.rollout_rows, err);
}

// the columns of the rollout's rows from `column` on
static sac_stack rollout_columns(const sac_agent *self, int column) {
  const sac_replay *rollout = self->replay;
  size_t width = (size_t)rollout->layout.width;
  return (sac_stack){.data = rollout->ring + column,
                     .stride = rollout->capacity * width,
                     .ld = rollout->layout.width,
                     .share = 1};
}

static sac_stack scaled_rewards(sac_agent *self) {
  sac_stack reward = rollout_columns(self, sac_row_reward(&self->lesson.layout));
  if (!self->scaling.reward_scale) return reward;
  sac_normalise step = {.n = self->n_seeds,
                        .rows = self->lesson.rollout_rows,
                        .cols = 1,
                        .x = reward,
                        .y = self->lesson.reward,
                        .mean = self->scaling.reward_mean,
                        .scale = self->scaling.reward_scale};
  self->backend->ops->normalise(self->backend, &step);
  return self->lesson.reward;
}

// V of the observations that begin at `column`
static sac_stack evaluate(sac_agent *self, int column, sac_mlp_pass *pass) {
  int rows = self->lesson.rollout_rows;
  sac_stack obs = sac_agent_see(self, rows, rollout_columns(self, column));
  sac_mlp_forward(&self->value.mlp, &self->value.params, pass, obs, rows);
  return sac_mlp_output(&self->value.mlp, pass);
}

void sac_lesson_estimate(sac_agent *agent, double lambda) {
  const sac_ops *ops = agent->backend->ops;
  sac_lesson *lesson = &agent->lesson;
  const sac_row_layout *layout = &lesson->layout;
  int envs = (int)agent->cfg.env.n_envs;
  sac_advantages step = {.n = agent->n_seeds,
                         .steps = lesson->rollout_rows / envs,
                         .envs = envs,
                         .gamma = (sac_real)agent->cfg.algorithm.gamma,
                         .lambda = (sac_real)lambda,
                         .reward_scale = (sac_real)agent->cfg.algorithm.reward_scale,
                         .reward = scaled_rewards(agent),
                         .terminated = rollout_columns(agent, sac_row_terminated(layout)),
                         .truncated = rollout_columns(agent, sac_rollout_truncated(layout)),
                         .log_pi = rollout_columns(agent, sac_rollout_log_pi(layout)),
                         .v = evaluate(agent, 0, &lesson->v),
                         .v_next = evaluate(agent, sac_row_next_obs(layout), &lesson->v_next),
                         .log_alpha = agent->temperature.value,
                         .advantage = lesson->estimate,
                         .y = sac_agent_columns(lesson->estimate, 1)};
  ops->advantages(agent->backend, &step);
  if (!agent->cfg.algorithm.pg.normalize_advantage) return;
  sac_standardise standardise = {.n = agent->n_seeds,
                                 .rows = lesson->rollout_rows,
                                 .eps = (sac_real)1e-8,
                                 .x = lesson->estimate};
  ops->standardise(agent->backend, &standardise);
}

void sac_lesson_draw(sac_agent *agent, int i) {
  const sac_ops *ops = agent->backend->ops;
  sac_lesson *lesson = &agent->lesson;
  sac_shuffle_gather step = {.n = agent->n_seeds,
                             .rows = agent->batch_size,
                             .total = lesson->rollout_rows,
                             .cols = lesson->layout.width,
                             .first = (uint64_t)i * (uint64_t)agent->batch_size,
                             .key = agent->key,
                             .update = agent->update,
                             .x = rollout_columns(agent, 0),
                             .y = lesson->row};
  ops->shuffle_gather(agent->backend, &step);
  step.cols = 2;
  step.x = lesson->estimate;
  step.y = lesson->row_estimate;
  ops->shuffle_gather(agent->backend, &step);
}

void sac_lesson_score(sac_agent *agent) {
  const sac_lesson *lesson = &agent->lesson;
  sac_policy_score_terms terms = {
      .rows = agent->batch_size,
      .obs = sac_agent_see(agent, agent->batch_size, lesson->row),
      .u = sac_agent_columns(lesson->row, sac_rollout_u(&lesson->layout)),
      .weight = lesson->row_estimate,
      .loss = agent->losses.policy,
      .entropy = agent->losses.entropy};
  sac_policy_score(&agent->policy, &agent->policy_pass, &terms);
}

void sac_lesson_regress_value(sac_agent *agent) {
  const sac_lesson *lesson = &agent->lesson;
  sac_critic *value = &agent->value;
  sac_mlp_forward(&value->mlp, &value->params, &agent->value_pass,
                  sac_agent_see(agent, agent->batch_size, lesson->row), agent->batch_size);
  sac_agent_regress(agent, value, &agent->value_pass, sac_agent_columns(lesson->row_estimate, 1),
                    false, agent->losses.v);
}
