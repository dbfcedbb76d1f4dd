// Evaluating a run folder or one checkpoint: only the agent is opened, no replay, no training
// environments.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "algo/device.h"
#include "base/files.h"
#include "sac/sac.h"
#include "train/evaluator.h"
#include "train/film.h"
#include "train/run.h"

typedef struct subject {
  sac_config cfg;
  sac_threads *threads;
  sac_backend *backend;
  sac_hierarchy *lower;  // NULL where there is none
  sac_agent *agent;
  sac_normaliser *normaliser;  // NULL where nothing is normalised
  sac_evaluator *evaluator;
} subject;

// the run folder that a path belongs to: itself, or the one above "checkpoints/"
static sac_status find_folder(const char *path, char *folder, bool *is_folder, sac_error *err) {
  struct stat info;
  char hint[SAC_HINT_MAX];
  if (stat(path, &info) != 0)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: there is no such run folder or checkpoint%s",
                         path, sac_path_hint(path, hint));
  *is_folder = S_ISDIR(info.st_mode);
  if (*is_folder) return sac_path_join(folder, path, "", err);
  char *real = realpath(path, NULL);
  if (!real) return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: cannot be resolved", path);
  for (int up = 0; up < 2 && strrchr(real, '/'); up++) *strrchr(real, '/') = '\0';
  sac_status status = sac_path_join(folder, real, "", err);
  free(real);
  return status;
}

// the lower layers are the checkpoint's own copies: nothing else need be there
static sac_status open_lower(subject *self, const char *path, const sac_task *task,
                             sac_error *err) {
  SAC_TRY(
      sac_lower_open_own(&self->cfg, path, self->backend, SAC_EVALUATOR_LANES, &self->lower, err));
  return sac_lower_check(&self->cfg, self->lower, &task->spec, err);
}

static sac_status open_agent(subject *self, const char *path, sac_error *err) {
  const sac_config *cfg = &self->cfg;
  uint64_t seed = (uint64_t)cfg->run.seed;
  sac_task *task = NULL;
  SAC_TRY(sac_device_open(cfg, &self->threads, &self->backend, err));
  SAC_TRY(sac_task_open(cfg, false, &task, err));
  sac_status status = open_lower(self, path, task, err);
  sac_agent_options options = {.cfg = cfg,
                               .backend = self->backend,
                               .n_seeds = 1,
                               .seeds = &seed,
                               .obs_dim = task->spec.obs_dim,
                               .actor_obs_dim = task->spec.actor_obs_dim,
                               .act_dim = task->spec.act_dim,
                               .batch_size = 1,
                               .act_rows = SAC_EVALUATOR_LANES,
                               .lower = self->lower};
  sac_task_close(task);
  SAC_TRY(status);
  if (cfg->env.normalize_obs || cfg->env.normalize_reward)
    SAC_TRY(sac_normaliser_create(options.obs_dim, (int)cfg->env.n_envs, cfg->algorithm.gamma,
                                  &self->normaliser, err));
  return sac_agent_create(&options, &self->agent, err);
}

static sac_status load_newest(const sac_state *state, const char *folder, sac_error *err) {
  char used[SAC_PATH_MAX];
  sac_log *log;
  SAC_TRY(sac_log_open(NULL, false, &log, err));
  sac_checkpoint_search search = {.folder = folder, .most = UINT64_MAX, .log = log};
  sac_status status = sac_checkpoint_load_newest(state, &search, used, err);
  sac_log_close(log);
  return status;
}

static sac_status load(subject *self, const char *path, sac_error *err) {
  char folder[SAC_PATH_MAX], config[SAC_PATH_MAX];
  bool is_folder = false;
  SAC_TRY(find_folder(path, folder, &is_folder, err));
  SAC_TRY(sac_path_join(config, folder, "config.yaml", err));
  if (!sac_path_exists(config))
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: is not in a run folder: there is no %s",
                         path, config);
  SAC_TRY(sac_config_load(config, 0, NULL, &self->cfg, err));
  if (self->cfg.run.seeds.count > 0)
    return sac_error_set(err, SAC_BAD_CHECKPOINT,
                         "%s: holds the runs of %d seeds, each in a folder seed-S: choose one",
                         path, self->cfg.run.seeds.count);
  SAC_TRY(open_agent(self, path, err));
  sac_state state = {.cfg = &self->cfg,
                     .agent = self->agent,
                     .lower = self->lower,
                     .normaliser = self->normaliser};
  if (is_folder) return load_newest(&state, path, err);
  return sac_checkpoint_load(&state, path, false, err);
}

sac_status sac_run_seeds(const char *folder, uint64_t seeds[SAC_SEEDS_MAX], int *n,
                         sac_error *err) {
  char path[SAC_PATH_MAX];
  *n = 0;
  SAC_TRY(sac_path_join(path, folder, "config.yaml", err));
  if (!sac_path_exists(path)) return SAC_OK;
  sac_config *cfg = malloc(sizeof *cfg);
  if (!cfg) return sac_error_set(err, SAC_FAILED, "no memory for the configuration of %s", folder);
  sac_status status = sac_config_load(path, 0, NULL, cfg, err);
  for (int i = 0; status == SAC_OK && i < cfg->run.seeds.count; i++)
    seeds[(*n)++] = (uint64_t)cfg->run.seeds.at[i];
  free(cfg);
  return status;
}

static sac_status take_picture(void *film, const sac_environment *environment, sac_error *err) {
  return sac_film_take(film, environment, err);
}

static sac_status run_and_film(sac_evaluator *evaluator, const sac_evaluation_options *options,
                               sac_evaluation *out, sac_error *err) {
  sac_film *film;
  if (!options->video) return sac_evaluator_run(evaluator, options, out, err);
  SAC_TRY(
      sac_film_open(options->video, sac_evaluator_task(evaluator), options->episodes, &film, err));
  sac_evaluator_watch(evaluator, take_picture, film);
  sac_status status = sac_evaluator_run(evaluator, options, out, err);
  bool stopped = options->stop && *options->stop != 0;
  if (status == SAC_OK && !stopped) return sac_film_close(film, err);
  sac_film_abandon(film);
  return status;
}

sac_status sac_evaluate(const char *path, const sac_evaluation_options *options,
                        sac_evaluation *out, sac_error *err) {
  sac_error own;
  if (!err) err = &own;
  if (options->video) SAC_TRY(sac_film_check(options->video, err));
  subject *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory to evaluate %s", path);
  sac_status status = load(self, path, err);
  if (status == SAC_OK)
    status = sac_evaluator_create(&self->cfg, options->episodes, self->agent, self->backend,
                                  self->threads, &self->evaluator, err);
  if (status == SAC_OK) status = run_and_film(self->evaluator, options, out, err);
  sac_evaluator_destroy(self->evaluator);
  sac_agent_destroy(self->agent);
  sac_hierarchy_destroy(self->lower);
  sac_normaliser_destroy(self->normaliser);
  sac_device_close(self->threads, self->backend);
  free(self);
  return status;
}
