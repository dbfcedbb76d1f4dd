#include "train/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algo/device.h"

// the block to act on; `uniform` instead of what the policy would do
static sac_transitions staged(const sac_run *run, bool uniform) {
  const sac_row_layout *layout = &run->replay.layout;
  sac_real *rows = run->rows[run->staged];
  return (sac_transitions){.obs = rows,
                           .action = rows + sac_row_action(layout),
                           .reward = rows + sac_row_reward(layout),
                           .terminated = rows + sac_row_terminated(layout),
                           .next_obs = rows + sac_row_next_obs(layout),
                           .ld = layout->width,
                           .uniform = uniform,
                           .step = run->progress.vector_steps};
}

static size_t rows_bytes(const sac_run *run) {
  return (size_t)run->n_envs * (size_t)run->replay.layout.width * sizeof(sac_real);
}

static sac_status allocate_rows(sac_run *run, int i_block, sac_error *err) {
  void *memory = NULL;
  if (run->on_device)
    SAC_TRY(run->backend->ops->alloc(run->backend, rows_bytes(run), &memory, err));
  else
    memory = calloc(1, rows_bytes(run));
  run->rows[i_block] = memory;
  if (memory) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "no memory for the transitions of %d environments",
                       run->n_envs);
}

static sac_status allocate_staging(sac_run *run, sac_error *err) {
  SAC_TRY(allocate_rows(run, 0, err));
  SAC_TRY(allocate_rows(run, 1, err));
  run->episodes = calloc((size_t)run->n_envs, sizeof *run->episodes);
  if (run->episodes) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "no memory for the episodes of %d environments",
                       run->n_envs);
}

static bool is_cpu(const sac_run *run) {
  return strcmp(run->backend->ops->device, "cpu") == 0;
}

static sac_status open_environments(sac_run *run, sac_error *err) {
  const sac_config *cfg = &run->cfg;
  run->on_device = cfg->env.device == SAC_ENVS_ON_DEVICE && !is_cpu(run);
  sac_vec_env_options options = {.cfg = cfg,
                                 .seed = run->seed,
                                 .squash = cfg->policy.squash,
                                 .threads = run->threads,
                                 .backend = run->on_device ? run->backend : NULL};
  SAC_TRY(sac_vec_env_create(&options, &run->envs, err));
  run->spec = &sac_vec_env_task(run->envs)->spec;
  return SAC_OK;
}

static sac_status open_learner(sac_run *run, sac_error *err) {
  sac_row_layout layout = sac_row_layout_make(run->spec->obs_dim, run->spec->act_dim);
  SAC_TRY(sac_replay_create(run->backend, layout, 1, (size_t)run->cfg.algorithm.buffer_size,
                            &run->replay, err));
  sac_agent_options options = {
      .cfg = &run->cfg,
      .backend = run->backend,
      .n_seeds = 1,
      .seeds = &run->seed,
      .obs_dim = run->spec->obs_dim,
      .actor_obs_dim = run->spec->actor_obs_dim,
      .act_dim = run->spec->act_dim,
      .batch_size = (int)run->cfg.algorithm.batch_size,
      .act_rows = run->n_envs > SAC_EVALUATOR_LANES ? run->n_envs : SAC_EVALUATOR_LANES,
      .promised_bytes = sac_replay_bytes(&run->replay)};
  return sac_agent_create(&options, &run->agent, err);
}

// on the CPU the policy and a copy of it on the host would be the same
static sac_status open_actor(sac_run *run, sac_error *err) {
  bool on_host = run->cfg.run.rollout_policy == SAC_ROLLOUT_HOST;
  if (on_host && !is_cpu(run)) {
    sac_backend_options host = {.device = "cpu", .threads = run->threads};
    SAC_TRY(sac_backend_open(&host, &run->host, err));
  }
  sac_actor_options options = {.agent = run->agent,
                               .host = run->host,
                               .rows = run->n_envs,
                               .in_place = run->on_device,
                               .layout = run->replay.layout,
                               .seed = run->seed};
  return sac_actor_create(&options, &run->actor, err);
}

static sac_status open_normaliser(sac_run *run, sac_error *err) {
  const sac_config *cfg = &run->cfg;
  if (!cfg->env.normalize_obs && !cfg->env.normalize_reward) return SAC_OK;
  run->ended = calloc((size_t)run->n_envs, sizeof *run->ended);
  if (!run->ended) return sac_error_set(err, SAC_FAILED, "no memory for running statistics");
  return sac_normaliser_create(run->spec->obs_dim, run->n_envs, cfg->algorithm.gamma,
                               &run->normaliser, err);
}

// the agent sees by the statistics as they are now
static void follow_statistics(sac_run *run) {
  const sac_normaliser *normaliser = run->normaliser;
  if (normaliser)
    sac_agent_set_scaling(run->agent, 0, normaliser->obs_mean, normaliser->obs_scale,
                          normaliser->reward_scale);
}

static sac_status open_on_device(sac_run *run, sac_error *err) {
  SAC_TRY(open_environments(run, err));
  SAC_TRY(open_normaliser(run, err));
  SAC_TRY(open_learner(run, err));
  SAC_TRY(open_actor(run, err));
  SAC_TRY(allocate_staging(run, err));
  int width = run->replay.layout.width;
  SAC_TRY(sac_vec_env_reset(run->envs, run->rows[0], width, err));
  if (run->normaliser) sac_normaliser_see(run->normaliser, run->rows[0], width);
  follow_statistics(run);
  return SAC_OK;
}

static void release_rows(sac_run *run) {
  for (int i = 0; i < 2; i++) {
    if (run->on_device && run->rows[i])
      run->backend->ops->release(run->backend, run->rows[i]);
    else
      free(run->rows[i]);
    run->rows[i] = NULL;
  }
}

static void close_on_device(sac_run *run) {
  sac_actor_destroy(run->actor);
  run->actor = NULL;
  if (run->host) sac_backend_close(run->host);
  run->host = NULL;
  release_rows(run);
  free(run->episodes);
  run->episodes = NULL;
  sac_normaliser_destroy(run->normaliser);
  run->normaliser = NULL;
  free(run->ended);
  run->ended = NULL;
  // the agent's recorded updates read the replay: they go first
  sac_agent_destroy(run->agent);
  run->agent = NULL;
  sac_replay_release(&run->replay);
  sac_vec_env_destroy(run->envs);
  run->envs = NULL;
}

// a device chosen by `auto` that has no room for the run gives way to the CPU
static sac_status fall_back(sac_run *run, const char *why, sac_error *err) {
  snprintf(run->device_note, sizeof run->device_note, "%.500s", why);
  close_on_device(run);
  sac_backend_close(run->backend);
  sac_backend_options options = {.device = "cpu", .threads = run->threads};
  SAC_TRY(sac_backend_open(&options, &run->backend, err));
  return open_on_device(run, err);
}

sac_status sac_run_open(sac_run *run, sac_error *err) {
  const sac_config *cfg = &run->cfg;
  run->seed = (uint64_t)cfg->run.seed;
  run->n_envs = (int)cfg->env.n_envs;
  run->progress =
      (sac_progress){.best_return = NAN, .updates_from = (uint64_t)cfg->algorithm.learning_starts};
  sac_error why;
  sac_status status = sac_device_open(cfg, &run->threads, &run->backend, &why);
  if (status != SAC_OK) return sac_error_set(err, status, "%s", why.text);
  snprintf(run->device_note, sizeof run->device_note, "%.500s", why.text);
  status = open_on_device(run, &why);
  if (status == SAC_FAILED && cfg->run.device == SAC_DEVICE_AUTO && !is_cpu(run))
    return fall_back(run, why.text, err);
  return status == SAC_OK ? SAC_OK : sac_error_set(err, status, "%s", why.text);
}

void sac_run_close(sac_run *run) {
  sac_metrics_close(run->metrics);
  sac_evaluator_destroy(run->evaluator);
  sac_replay_log_close(&run->replay_log);
  close_on_device(run);
  sac_device_close(run->threads, run->backend);
  sac_log_close(run->log);
  if (run->folder[0]) sac_folder_unlock(run->lock);
}

static void note_episodes(sac_run *run) {
  for (int i = 0; i < run->n_envs; i++) {
    const sac_episode *episode = &run->episodes[i];
    if (!episode->terminated && !episode->truncated) continue;
    sac_progress_episode(&run->progress, episode->total_reward, (double)episode->length);
    sac_actor_begin(run->actor, i, run->progress.vector_steps);
  }
}

static void note_statistics(sac_run *run, const sac_transitions *rows, const sac_real *next) {
  for (int i = 0; i < run->n_envs; i++)
    run->ended[i] = run->episodes[i].terminated || run->episodes[i].truncated;
  sac_normaliser_see(run->normaliser, next, rows->ld);
  sac_normaliser_reward(run->normaliser, rows->reward, rows->ld, run->ended);
  follow_statistics(run);
}

// the environments' own part of a step: the staged block is complete afterwards
static sac_status step_environments(sac_run *run, bool uniform, sac_error *err) {
  sac_transitions rows = staged(run, uniform);
  sac_real *next = run->rows[1 - run->staged];
  SAC_TRY(sac_vec_env_step(run->envs, &rows, next, rows.ld, run->episodes, err));
  run->progress.vector_steps++;
  run->progress.timesteps += (uint64_t)run->n_envs;
  note_episodes(run);
  if (run->normaliser) note_statistics(run, &rows, next);
  return SAC_OK;
}

// gradient steps that follow the step of the environments just made
static int64_t updates_due(const sac_run *run) {
  const sac_config *cfg = &run->cfg;
  if (run->progress.timesteps <= run->progress.updates_from) return 0;
  if (run->progress.vector_steps % (uint64_t)cfg->algorithm.train_freq != 0) return 0;
  int64_t steps = cfg->algorithm.gradient_steps;
  return steps < 0 ? cfg->algorithm.train_freq * cfg->env.n_envs : steps;
}

sac_status sac_run_step(sac_run *run, sac_error *err) {
  bool warms_up = run->progress.timesteps < (uint64_t)run->cfg.algorithm.learning_starts;
  sac_real *rows = run->rows[run->staged];
  if (!warms_up) SAC_TRY(sac_actor_draw(run->actor, run->progress.vector_steps, rows, err));
  SAC_TRY(step_environments(run, warms_up, err));
  if (run->on_device)
    sac_replay_take(&run->replay, 0, rows, run->n_envs);
  else
    sac_replay_push(&run->replay, 0, rows, run->n_envs);
  sac_replay_advance(&run->replay, run->n_envs);
  run->staged = 1 - run->staged;
  run->progress.updates_owed = (uint64_t)updates_due(run);
  return SAC_OK;
}

sac_status sac_run_roll(sac_run *run, sac_error *err) {
  SAC_TRY(step_environments(run, true, err));
  run->staged = 1 - run->staged;
  return SAC_OK;
}

bool sac_run_stops(const sac_run *run) {
  return run->stop && *run->stop != 0;
}

sac_status sac_run_learn(sac_run *run, sac_error *err) {
  sac_progress *progress = &run->progress;
  if (progress->updates_owed == 0) return SAC_OK;
  for (; progress->updates_owed > 0 && !sac_run_stops(run); progress->updates_owed--) {
    sac_agent_update(run->agent, &run->replay);
    progress->updates++;
  }
  SAC_TRY(run->backend->ops->sync(run->backend, err));
  return sac_agent_check(run->agent, false, err);
}

sac_state sac_run_state(sac_run *run) {
  return (sac_state){.cfg = &run->cfg,
                     .agent = run->agent,
                     .replay = &run->replay,
                     .replay_log = &run->replay_log,
                     .normaliser = run->normaliser,
                     .envs = run->envs,
                     .explorer = sac_actor_explorer(run->actor),
                     .progress = &run->progress,
                     .obs = run->rows[run->staged],
                     .obs_ld = run->replay.layout.width};
}
