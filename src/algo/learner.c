#include "algo/learner.h"

#include <stdlib.h>
#include <string.h>

static bool is_cpu(const sac_backend *backend) {
  return strcmp(backend->ops->device, "cpu") == 0;
}

bool sac_learner_keeps_envs(const sac_config *cfg, const sac_backend *backend) {
  return cfg->env.device == SAC_ENVS_ON_DEVICE && !is_cpu(backend);
}

static sac_status open_agent(sac_learner *learner, const sac_learner_options *options,
                             sac_error *err) {
  const sac_env_spec *spec = options->spec;
  sac_experience experience = sac_algorithm_experience(learner->cfg, spec->obs_dim, spec->act_dim);
  int learners = options->learners;
  learner->on_policy = experience.on_policy;
  learner->replay = (sac_replay){
      .backend = learner->backend, .layout = experience.layout, .capacity = experience.capacity};
  SAC_TRY(sac_replay_check(&learner->replay, learner->n_seeds * learners, err));
  SAC_TRY(sac_replay_create(learner->backend, experience.layout, learner->n_seeds,
                            experience.capacity, &learner->replay, err));
  if (!learner->on_policy) SAC_TRY(sac_replay_prepare(&learner->replay, learner->cfg, err));
  sac_agent_options agent = {
      .cfg = learner->cfg,
      .backend = learner->backend,
      .n_seeds = learner->n_seeds,
      .seeds = options->seeds,
      .obs_dim = spec->obs_dim,
      .actor_obs_dim = spec->actor_obs_dim,
      .act_dim = spec->act_dim,
      .batch_size = experience.batch_size,
      .rollout_rows = experience.on_policy ? (int)experience.capacity : 0,
      .act_rows = learner->n_envs > options->act_rows ? learner->n_envs : options->act_rows,
      .promised_bytes = sac_replay_bytes(&learner->replay) * (size_t)learners,
      .agents = learners,
      .lower = options->lower};
  return sac_agent_create(&agent, &learner->agent, err);
}

// on the CPU the policy and a copy of it on the host would be the same
static sac_status open_actor(sac_learner *learner, const sac_learner_options *options,
                             sac_error *err) {
  bool on_host = learner->cfg->run.rollout_policy == SAC_ROLLOUT_HOST;
  if (on_host && !is_cpu(learner->backend)) {
    sac_backend_options host = {.device = "cpu", .threads = learner->threads};
    SAC_TRY(sac_backend_open(&host, &learner->host, err));
  }
  sac_actor_options actor = {.agent = learner->agent,
                             .host = learner->host,
                             .rows = learner->n_envs,
                             .in_place = learner->on_device,
                             .layout = learner->replay.layout,
                             .rollout = learner->on_policy,
                             .seeds = options->seeds};
  return sac_actor_create(&actor, &learner->actor, err);
}

static size_t seed_values(const sac_learner *learner) {
  return (size_t)learner->n_envs * (size_t)learner->replay.layout.width;
}

static sac_status allocate_rows(sac_learner *learner, int i_block, sac_error *err) {
  size_t values = (size_t)learner->n_seeds * seed_values(learner);
  void *memory = NULL;
  if (learner->on_device)
    SAC_TRY(
        learner->backend->ops->alloc(learner->backend, values * sizeof(sac_real), &memory, err));
  else
    memory = calloc(values, sizeof(sac_real));
  learner->rows[i_block] = memory;
  if (memory) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "no memory for the transitions of %d environments",
                       learner->n_seeds * learner->n_envs);
}

sac_status sac_learner_open(const sac_learner_options *options, sac_learner *learner,
                            sac_error *err) {
  *learner = (sac_learner){.cfg = options->cfg,
                           .threads = options->threads,
                           .backend = options->backend,
                           .n_seeds = options->n_seeds,
                           .n_envs = (int)options->cfg->env.n_envs,
                           .on_device = sac_learner_keeps_envs(options->cfg, options->backend)};
  SAC_TRY(open_agent(learner, options, err));
  SAC_TRY(open_actor(learner, options, err));
  SAC_TRY(allocate_rows(learner, 0, err));
  return allocate_rows(learner, 1, err);
}

static void release_rows(sac_learner *learner) {
  for (int i = 0; i < 2; i++) {
    if (learner->on_device && learner->rows[i])
      learner->backend->ops->release(learner->backend, learner->rows[i]);
    else
      free(learner->rows[i]);
    learner->rows[i] = NULL;
  }
}

void sac_learner_close(sac_learner *learner) {
  sac_actor_destroy(learner->actor);
  learner->actor = NULL;
  if (learner->host) sac_backend_close(learner->host);
  learner->host = NULL;
  release_rows(learner);
  // the agent's recorded updates read the replay: they go first
  sac_agent_destroy(learner->agent);
  learner->agent = NULL;
  sac_replay_release(&learner->replay);
}

sac_real *sac_learner_rows(const sac_learner *learner, int i_seed, bool next) {
  sac_real *block = learner->rows[next ? 1 - learner->staged : learner->staged];
  return block + (size_t)i_seed * seed_values(learner);
}

sac_transitions sac_learner_staged(const sac_learner *learner, int i_seed, uint64_t step,
                                   bool uniform) {
  const sac_row_layout *layout = &learner->replay.layout;
  sac_real *rows = sac_learner_rows(learner, i_seed, false), *acts = rows;
  // over lower layers a row holds the latent, and what the environments get lies beside
  sac_real *applied = sac_actor_applied(learner->actor);
  if (applied) acts = applied + (size_t)i_seed * seed_values(learner);
  return (sac_transitions){
      .obs = rows,
      .action = acts + sac_row_action(layout),
      .reward = rows + sac_row_reward(layout),
      .terminated = rows + sac_row_terminated(layout),
      .next_obs = rows + sac_row_next_obs(layout),
      .begins = rows + sac_row_begins(layout),
      .ld = layout->width,
      .uniform = uniform,
      .step = step,
      .truncated = learner->on_policy ? rows + sac_rollout_truncated(layout) : NULL};
}

sac_status sac_learner_act(sac_learner *learner, uint64_t step, bool from_prior, sac_error *err) {
  return (from_prior ? sac_actor_draw_prior : sac_actor_draw)(learner->actor, step,
                                                              learner->rows[learner->staged], err);
}

void sac_learner_advance(sac_learner *learner, bool stores) {
  for (int i = 0; i < learner->n_seeds && stores; i++)
    (learner->on_device ? sac_replay_take : sac_replay_push)(
        &learner->replay, i, sac_learner_rows(learner, i, false), learner->n_envs);
  if (stores) sac_replay_advance(&learner->replay, learner->n_envs);
  learner->staged = 1 - learner->staged;
}

void sac_learner_update(sac_learner *learner) {
  sac_agent_update(learner->agent, &learner->replay);
}
