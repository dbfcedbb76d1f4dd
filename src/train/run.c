#include "train/run.h"

#include <math.h>
#include <stdlib.h>

sac_status sac_run_open(sac_run *run, sac_threads *threads, sac_backend *backend, sac_error *err) {
  const sac_config *cfg = &run->cfg;
  run->seed = (uint64_t)cfg->run.seed;
  run->n_envs = (int)cfg->env.n_envs;
  run->progress =
      (sac_progress){.best_return = NAN, .updates_from = (uint64_t)cfg->algorithm.learning_starts};
  sac_vec_env_options options = {.cfg = cfg,
                                 .seed = run->seed,
                                 .squash = sac_lower_squashes(cfg, run->lower),
                                 .threads = threads,
                                 .backend = sac_learner_keeps_envs(cfg, backend) ? backend : NULL};
  SAC_TRY(sac_vec_env_create(&options, &run->envs, err));
  run->spec = &sac_vec_env_task(run->envs)->spec;
  SAC_TRY(sac_lower_check(cfg, run->lower, run->spec, err));
  run->episodes = calloc((size_t)run->n_envs, sizeof *run->episodes);
  if (run->episodes) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "no memory for the episodes of %d environments",
                       run->n_envs);
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
    sac_agent_set_scaling(run->learner->agent, run->i_seed, normaliser->obs_mean,
                          normaliser->obs_scale, normaliser->reward_scale);
}

sac_status sac_run_join(sac_run *run, sac_learner *learner, int i_seed, sac_error *err) {
  run->learner = learner;
  run->i_seed = i_seed;
  SAC_TRY(open_normaliser(run, err));
  int width = learner->replay.layout.width;
  sac_real *rows = sac_learner_rows(learner, i_seed, false);
  SAC_TRY(sac_vec_env_reset(run->envs, rows, width, err));
  if (run->normaliser) sac_normaliser_see(run->normaliser, rows, width);
  follow_statistics(run);
  return SAC_OK;
}

void sac_run_close(sac_run *run) {
  sac_metrics_close(run->metrics);
  sac_replay_log_close(&run->replay_log);
  free(run->episodes);
  sac_normaliser_destroy(run->normaliser);
  free(run->ended);
  sac_vec_env_destroy(run->envs);
  sac_log_close(run->log);
  if (run->lock >= 0) sac_folder_unlock(run->lock);
}

static void note_episodes(sac_run *run) {
  for (int i = 0; i < run->n_envs; i++) {
    const sac_episode *episode = &run->episodes[i];
    if (!episode->terminated && !episode->truncated) continue;
    sac_progress_episode(&run->progress, episode->total_reward, (double)episode->length);
    sac_actor_begin(run->learner->actor, run->i_seed, i, run->progress.vector_steps);
  }
}

static void note_statistics(sac_run *run) {
  const sac_learner *learner = run->learner;
  int width = learner->replay.layout.width;
  const sac_real *reward =
      sac_learner_rows(learner, run->i_seed, false) + sac_row_reward(&learner->replay.layout);
  for (int i = 0; i < run->n_envs; i++)
    run->ended[i] = run->episodes[i].terminated || run->episodes[i].truncated;
  sac_normaliser_see(run->normaliser, sac_learner_rows(learner, run->i_seed, true), width);
  sac_normaliser_reward(run->normaliser, reward, width, run->ended);
  follow_statistics(run);
}

void sac_run_note_step(sac_run *run) {
  // what was due before this step is done
  run->progress.recorded = run->progress.timesteps;
  run->progress.vector_steps++;
  run->progress.timesteps += (uint64_t)run->n_envs;
  note_episodes(run);
  if (run->normaliser) note_statistics(run);
}

uint64_t sac_run_updates_due(const sac_run *run) {
  const sac_config *cfg = &run->cfg;
  if (run->learner->on_policy) return sac_rollout_full(&run->learner->replay);
  if (run->progress.timesteps <= run->progress.updates_from) return 0;
  if (run->progress.vector_steps % (uint64_t)cfg->algorithm.train_freq != 0) return 0;
  int64_t steps = cfg->algorithm.gradient_steps;
  return (uint64_t)(steps < 0 ? cfg->algorithm.train_freq * cfg->env.n_envs : steps);
}

sac_state sac_run_state(sac_run *run) {
  return (sac_state){.cfg = &run->cfg,
                     .agent = run->learner->agent,
                     .lower = run->lower,
                     .i_seed = run->i_seed,
                     .replay = &run->learner->replay,
                     .replay_log = &run->replay_log,
                     .normaliser = run->normaliser,
                     .envs = run->envs,
                     .explorer = sac_actor_explorer(run->learner->actor, run->i_seed),
                     .progress = &run->progress,
                     .obs = sac_learner_rows(run->learner, run->i_seed, false),
                     .obs_ld = run->learner->replay.layout.width};
}
