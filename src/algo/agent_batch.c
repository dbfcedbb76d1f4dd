// The batch of an update: rows drawn from the replay, scaled as networks see them, and noise.
#include <math.h>

#include "algo/agent.h"

static void upload_one(sac_agent *agent, sac_real *to, int i_seed, const sac_real *from,
                       int count) {
  size_t size = (size_t)count;
  agent->backend->ops->upload(agent->backend, to + (size_t)i_seed * size, from,
                              size * sizeof *from);
}

void sac_agent_set_scaling(sac_agent *agent, int i_seed, const sac_real *obs_mean,
                           const sac_real *obs_scale, sac_real reward_scale) {
  sac_scaling *scaling = &agent->scaling;
  if (scaling->obs_mean) {
    upload_one(agent, scaling->obs_mean, i_seed, obs_mean, agent->obs_dim);
    upload_one(agent, scaling->obs_scale, i_seed, obs_scale, agent->obs_dim);
  }
  if (scaling->reward_scale) upload_one(agent, scaling->reward_scale, i_seed, &reward_scale, 1);
}

static void normalise_obs(sac_agent *self, int rows, sac_stack x, sac_stack y) {
  sac_normalise step = {.n = self->n_seeds,
                        .rows = rows,
                        .cols = self->obs_dim,
                        .x = x,
                        .y = y,
                        .mean = self->scaling.obs_mean,
                        .scale = self->scaling.obs_scale};
  self->backend->ops->normalise(self->backend, &step);
}

sac_stack sac_agent_see(sac_agent *agent, int rows, sac_stack obs) {
  if (!agent->scaling.obs_mean) return obs;
  normalise_obs(agent, rows, obs, agent->scaling.seen);
  return agent->scaling.seen;
}

// the replay keeps what the environments gave
static void scale_batch(sac_agent *self) {
  sac_batch *batch = &self->batch;
  if (self->scaling.obs_mean) {
    normalise_obs(self, self->batch_size, batch->now, batch->now);
    normalise_obs(self, 2 * self->batch_size, batch->both, batch->both);
  }
  // rewards of several steps were scaled before they were summed
  if (!self->scaling.reward_scale || self->cfg.algorithm.n_steps > 1) return;
  sac_normalise step = {.n = self->n_seeds,
                        .rows = self->batch_size,
                        .cols = 1,
                        .x = batch->reward,
                        .y = batch->reward,
                        .mean = self->scaling.reward_mean,
                        .scale = self->scaling.reward_scale};
  self->backend->ops->normalise(self->backend, &step);
}

// updates until the importance weights undo all of the bias: those of the run unless given
static double updates_of_beta(const sac_config *cfg) {
  if (cfg->algorithm.priority.beta_updates > 0) return (double)cfg->algorithm.priority.beta_updates;
  double steps = (double)(cfg->algorithm.total_timesteps - cfg->algorithm.learning_starts);
  double turn = (double)(cfg->algorithm.train_freq * cfg->env.n_envs);
  double each =
      cfg->algorithm.gradient_steps < 0 ? 1 : (double)cfg->algorithm.gradient_steps / turn;
  return fmax(1, steps * each);
}

static void draw_places(sac_agent *self, const sac_replay *replay) {
  sac_priority_draw draw = {.priorities = replay->priorities,
                            .rows = self->batch_size,
                            .beta = self->cfg.algorithm.priority.beta,
                            .beta_updates = updates_of_beta(&self->cfg),
                            .count = replay->count_device,
                            .key = self->key,
                            .update = self->update,
                            .index = self->batch.place,
                            .weight = self->batch.weight};
  self->backend->ops->priority_draw(self->backend, &draw);
}

// xi at s, and at s' where the target needs the next action
static void draw_noise(sac_agent *self) {
  const sac_ops *ops = self->backend->ops;
  sac_normal_fill noise = {.n = self->n_seeds,
                           .rows = self->batch_size,
                           .cols = self->policy.noise_dim,
                           .key = self->key,
                           .purpose = SAC_DRAW_NOISE_NOW,
                           .step = self->update,
                           .out = self->batch.noise};
  ops->normal_fill(self->backend, &noise);
  noise.purpose = SAC_DRAW_NOISE_NEXT;
  noise.out = sac_agent_rows(self->batch.noise, self->batch_size);
  if (self->def->uses_next_action) ops->normal_fill(self->backend, &noise);
}

void sac_agent_draw_batch(sac_agent *self, const sac_replay *replay) {
  const sac_ops *ops = self->backend->ops;
  sac_batch *batch = &self->batch;
  sac_replay_gather gather = {.n = self->n_seeds,
                              .rows = self->batch_size,
                              .layout = replay->layout,
                              .ring = replay->ring,
                              .capacity = replay->capacity,
                              .count = replay->count_device,
                              .key = self->key,
                              .update = self->update,
                              .now = batch->now,
                              .both = batch->both,
                              .reward = batch->reward,
                              .terminated = batch->terminated,
                              .index = batch->place,
                              .n_steps = (int)self->cfg.algorithm.n_steps,
                              .n_envs = replay->n_envs,
                              .gamma = (sac_real)self->cfg.algorithm.gamma,
                              .pushed = replay->pushed_device,
                              .reward_factor = self->scaling.reward_scale,
                              .discount = batch->discount};
  if (batch->place) draw_places(self, replay);
  ops->replay_gather(self->backend, &gather);
  scale_batch(self);
  if (!self->def->uses_particles) draw_noise(self);
}
