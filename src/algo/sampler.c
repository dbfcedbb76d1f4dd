#include "algo/sampler.h"

#include "algo/agent.h"

void sac_judgement_carve(sac_agent *agent, int rows, sac_arena *arena, sac_judgement *judgement) {
  int n = agent->n_seeds, members = n * agent->n_critics;
  judgement->log_pi = sac_agent_carve(arena, n, rows, 1);
  judgement->dq = sac_agent_carve(arena, members, rows, agent->act_dim);
  judgement->row = sac_arena_take(arena, (size_t)(members * rows) * sizeof *judgement->row);
  judgement->row_count = sac_arena_take(arena, (size_t)members * sizeof *judgement->row_count);
  judgement->unused = sac_arena_take(arena, (size_t)n * sizeof *judgement->unused);
  sac_mlp_pass_carve(&agent->q.mlp, rows, true, arena, &judgement->pass);
}

// m and dm/da of the judgement's rows, as the policy loss weighs actions
static void judge(sac_agent *self, int rows, sac_judgement *judgement) {
  sac_critic *q = &self->q;
  sac_stack x = judgement->rows;
  x.share = self->n_critics;
  sac_mlp_forward(&q->mlp, &q->params, &judgement->pass, x, rows);
  sac_policy_loss weigh = {.n = self->n_seeds,
                           .rows = rows,
                           .n_critics = self->n_critics,
                           .act_dim = self->act_dim,
                           .actor_q = (sac_actor_q)self->cfg.algorithm.actor_q,
                           .q = sac_mlp_output(&q->mlp, &judgement->pass),
                           .log_pi = judgement->log_pi,
                           .log_alpha = self->temperature.value,
                           .seed = judgement->pass.dout,
                           .row = judgement->row,
                           .row_count = judgement->row_count,
                           .loss = judgement->unused,
                           .entropy = judgement->unused};
  self->backend->ops->policy_loss(self->backend, &weigh);
  sac_row_list deciding = {judgement->row, judgement->row_count};
  if (self->cfg.algorithm.actor_q == SAC_ACTOR_Q_MEAN) deciding = (sac_row_list){0};
  sac_mlp_backward_input(&q->mlp, &q->params, &judgement->pass, rows, deciding, self->obs_dim,
                         judgement->dq);
}

void sac_judgement_score(sac_agent *agent, sac_judgement *judgement, const sac_scored *scored) {
  judge(agent, scored->rows, judgement);
  sac_particle_score step = {.n = agent->n_seeds,
                             .rows = scored->rows,
                             .n_critics = agent->n_critics,
                             .act_dim = agent->act_dim,
                             .space = scored->space,
                             .particle = scored->particle,
                             .dq = judgement->dq,
                             .seed = judgement->pass.dout,
                             .q = sac_mlp_output(&agent->q.mlp, &judgement->pass),
                             .log_alpha = agent->temperature.value,
                             .score = scored->score,
                             .log_density = scored->log_density};
  agent->backend->ops->particle_score(agent->backend, &step);
}

void sac_particles_init(sac_agent *agent) {
  sac_particles *self = &agent->particles;
  self->n_updated = sac_config_updated_particles(&agent->cfg);
  self->n_fixed = (int)agent->cfg.algorithm.sql.kernel_n_particles - self->n_updated;
  self->n_value = (int)agent->cfg.algorithm.sql.value_n_particles;
  sac_chains_init(agent);
}

static int particles_of(const sac_agent *agent) {
  return agent->particles.n_fixed + agent->particles.n_updated;
}

int sac_particles_rows(const sac_agent *agent) {
  return agent->batch_size * particles_of(agent);
}

void sac_particles_carve(sac_agent *agent, sac_arena *arena) {
  sac_particles *self = &agent->particles;
  int n = agent->n_seeds, rows = agent->batch_size, act_dim = agent->act_dim;
  int sampled = particles_of(agent), fixed = rows * self->n_fixed;
  int most = sampled > self->n_value ? sampled : self->n_value;
  self->rows = sac_agent_carve(arena, n, rows * most, agent->obs_dim + act_dim);
  self->noise = sac_agent_carve(arena, n, rows * sampled, agent->policy.noise_dim);
  self->moment = sac_agent_carve(arena, n, rows, 2 * act_dim);
  self->log_q = sac_agent_carve(arena, n, rows * self->n_value, 1);
  self->v = sac_agent_carve(arena, n, rows, 1);
  self->score = sac_agent_carve(arena, n, fixed, act_dim);
  self->kernel = sac_agent_carve(arena, n, rows, self->n_updated * self->n_fixed);
  self->square = sac_agent_carve(arena, n, rows, 1);
  self->du = sac_agent_carve(arena, n, rows * self->n_updated, act_dim);
  sac_mlp_pass_carve(&agent->q.mlp, rows * self->n_value, false, arena, &self->value_pass);
  sac_judgement_carve(agent, fixed, arena, &self->judgement);
  self->judgement.rows = sac_agent_rows(self->rows, rows * self->n_updated);
  sac_chains_carve(agent, arena);
}

sac_status sac_particles_reserve(sac_agent *agent, sac_error *err) {
  const sac_particles *self = &agent->particles;
  int rows = agent->batch_size, judged = rows * self->n_value;
  if (judged < rows * self->n_fixed) judged = rows * self->n_fixed;
  if (judged < agent->act_rows) judged = agent->act_rows;
  return sac_mlp_reserve(&agent->q.mlp, agent->backend, judged, err);
}

// [s | -] from row `first` of the particles on, `times` for each state of the batch's rows `obs`
static void lay_out(sac_agent *self, sac_stack obs, int times, int first) {
  sac_row_repeat step = {.n = self->n_seeds,
                         .rows = self->batch_size,
                         .cols = self->obs_dim,
                         .times = times,
                         .x = obs,
                         .y = sac_agent_rows(self->particles.rows, first)};
  self->backend->ops->row_repeat(self->backend, &step);
}

// the policy's actions beside the observations that lie ready
static void sample(sac_agent *self, sac_purpose purpose) {
  sac_particles *particles = &self->particles;
  int rows = sac_particles_rows(self);
  sac_normal_fill noise = {.n = self->n_seeds,
                           .rows = rows,
                           .cols = self->policy.noise_dim,
                           .key = self->key,
                           .purpose = purpose,
                           .step = self->update,
                           .out = particles->noise};
  self->backend->ops->normal_fill(self->backend, &noise);
  sac_policy_draw draw = {.rows = rows,
                          .obs = particles->rows,
                          .noise = particles->noise,
                          .action = sac_agent_columns(particles->rows, self->obs_dim)};
  sac_policy_sample(&self->policy, &self->policy_pass, &draw);
}

static sac_stack next_obs(const sac_agent *self) {
  return sac_agent_rows(self->batch.both, self->batch_size);
}

void sac_particles_draw_next(sac_agent *agent) {
  lay_out(agent, next_obs(agent), particles_of(agent), 0);
  sample(agent, SAC_DRAW_NOISE_NEXT);
}

void sac_particles_propose(sac_agent *agent) {
  sac_particles *self = &agent->particles;
  bool by_policy = agent->cfg.algorithm.sql.value_proposal == SAC_VALUE_PROPOSAL_POLICY;
  if (by_policy) sac_particles_draw_next(agent);
  lay_out(agent, next_obs(agent), self->n_value, 0);
  sac_proposal_draw step = {.n = agent->n_seeds,
                            .rows = agent->batch_size,
                            .count = self->n_value,
                            .n_particles = particles_of(agent),
                            .act_dim = agent->act_dim,
                            .shared = !by_policy && agent->cfg.algorithm.sql.shared_value_particles,
                            .moment = self->moment,
                            .key = agent->key,
                            .update = agent->update,
                            .action = sac_agent_columns(self->rows, agent->obs_dim),
                            .log_q = self->log_q};
  if (by_policy) step.particle = sac_policy_unsquashed(&agent->policy, &agent->policy_pass);
  agent->backend->ops->proposal_draw(agent->backend, &step);
}

void sac_particles_draw(sac_agent *agent) {
  sac_particles *self = &agent->particles;
  lay_out(agent, agent->batch.both, self->n_updated, 0);
  lay_out(agent, agent->batch.both, self->n_fixed, agent->batch_size * self->n_updated);
  sample(agent, SAC_DRAW_NOISE_NOW);
}

sac_stack sac_particles_at(const sac_agent *agent) {
  if (agent->cfg.algorithm.sql.svgd_space == SAC_SVGD_SPACE_ACTION_REPO)
    return sac_agent_columns(agent->particles.rows, agent->obs_dim);
  return sac_policy_unsquashed(&agent->policy, &agent->policy_pass);
}

void sac_particles_score(sac_agent *agent) {
  sac_particles *self = &agent->particles;
  int updated = agent->batch_size * self->n_updated;
  sac_scored fixed = {.rows = agent->batch_size * self->n_fixed,
                      .space = (sac_particle_space)agent->cfg.algorithm.sql.svgd_space,
                      .particle = sac_agent_rows(sac_particles_at(agent), updated),
                      .score = self->score};
  sac_agent_drop(agent, &self->judgement.pass, agent->n_critics, SAC_DRAW_DROP_ACTION);
  sac_judgement_score(agent, &self->judgement, &fixed);
}
