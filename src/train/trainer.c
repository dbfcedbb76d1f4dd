// The loop: step the environments, learn, and every so often log, evaluate and save.
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/files.h"
#include "sac/sac.h"
#include "train/run.h"
#include "train/run_folder.h"

static void tell(const sac_listener *listener, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(const sac_listener *listener, const char *format, ...) {
  if (!listener || !listener->event) return;
  char line[SAC_PATH_MAX + 512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  listener->event(listener->context, line);
}

// a failed write ends the run or, with checkpoint.on_error: warn, is only told
static sac_status forgive_disk(sac_run *run, sac_status status, sac_error *err) {
  if (status != SAC_BAD_DISK || run->cfg.checkpoint.on_error != SAC_ON_ERROR_WARN) return status;
  sac_log_line(run->log, "warning: %s; going on without it (checkpoint.on_error is warn)",
               err->text);
  return SAC_OK;
}

static sac_status save(sac_run *run, const sac_listener *listener, sac_error *err) {
  char path[SAC_PATH_MAX];
  // weights that are not finite would replace a good checkpoint
  SAC_TRY(sac_agent_check(run->agent, true, err));
  sac_state state = sac_run_state(run);
  SAC_TRY(sac_checkpoint_path(run->folder, run->progress.timesteps, path, err));
  SAC_TRY(sac_checkpoint_save(&state, path, true, err));
  sac_log_line(run->log, "saved %s", path);
  tell(listener, "{\"event\":\"checkpoint\",\"timesteps\":%llu}",
       (unsigned long long)run->progress.timesteps);
  SAC_TRY(sac_metrics_status(run->metrics, "running", run->progress.timesteps, "", err));
  return sac_checkpoint_prune(run->folder, run->progress.timesteps, run->cfg.checkpoint.keep, err);
}

static sac_status save_best(sac_run *run, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_state state = sac_run_state(run);
  SAC_TRY(sac_path_join(path, run->folder, "checkpoints/best.safetensors", err));
  return sac_checkpoint_save(&state, path, false, err);
}

static sac_status evaluate(sac_run *run, double *return_mean, sac_error *err) {
  const sac_config *cfg = &run->cfg;
  if (!run->evaluator)
    SAC_TRY(sac_evaluator_create(cfg, (int)cfg->eval.episodes, run->agent, run->backend,
                                 run->threads, &run->evaluator, err));
  sac_evaluation_options options = {.episodes = (int)cfg->eval.episodes,
                                    .seed = (uint64_t)cfg->eval.seed,
                                    .stochastic = !cfg->eval.deterministic,
                                    .stop = run->stop,
                                    .seeds = cfg->eval.seeds.count > 0 ? cfg->eval.seeds.at : NULL};
  sac_evaluation result;
  SAC_TRY(sac_evaluator_run(run->evaluator, &options, &result, err));
  if (sac_run_stops(run)) return SAC_OK;
  *return_mean = result.return_mean;
  sac_log_line(run->log, "step %llu: evaluation return %.2f (std %.2f, length %.1f, %d episodes)",
               (unsigned long long)run->progress.timesteps, result.return_mean, result.return_std,
               result.length_mean, result.episodes);
  bool better = !(result.return_mean <= run->progress.best_return);
  if (!better) return SAC_OK;
  run->progress.best_return = result.return_mean;
  SAC_TRY(sac_agent_check(run->agent, true, err));
  return forgive_disk(run, save_best(run, err), err);
}

static sac_status log_metrics(sac_run *run, double eval_return, sac_error *err) {
  sac_metrics_row row = {.eval_return_mean = eval_return};
  row.loss = (sac_loss_values){NAN, NAN, NAN, NAN, NAN, NAN};
  // the losses of a run that was resumed are known after its first update
  if (run->progress.updates > run->updates_before) row.loss = sac_agent_losses(run->agent, 0);
  return forgive_disk(run, sac_metrics_write(run->metrics, &run->progress, &row, err), err);
}

// what is due at the first step at or past a multiple, in the order: evaluate, log, save
static sac_status keep_records(sac_run *run, uint64_t before, const sac_listener *listener,
                               sac_error *err) {
  const sac_config *cfg = &run->cfg;
  const sac_progress *progress = &run->progress;
  double eval_return = NAN;
  bool evaluates = sac_progress_due(progress, before, cfg->eval.every);
  if (evaluates) SAC_TRY(evaluate(run, &eval_return, err));
  // an evaluation broken off counts as none: a resume begins with it
  if (evaluates && sac_run_stops(run)) return SAC_OK;
  if (evaluates || sac_progress_due(progress, before, cfg->log.every))
    SAC_TRY(log_metrics(run, eval_return, err));
  run->progress.recorded = progress->timesteps;
  sac_metrics_progress(run->metrics, progress);
  bool ends = progress->timesteps >= (uint64_t)cfg->algorithm.total_timesteps;
  if (!ends && sac_progress_due(progress, before, cfg->checkpoint.every))
    return forgive_disk(run, save(run, listener, err), err);
  return SAC_OK;
}

// the part of a step after the environments: as much of it as a stop leaves time for
static sac_status finish_step(sac_run *run, const sac_listener *listener, sac_error *err) {
  SAC_TRY(sac_run_learn(run, err));
  if (run->progress.updates_owed > 0) return SAC_OK;
  return keep_records(run, run->progress.timesteps - (uint64_t)run->n_envs, listener, err);
}

static sac_status loop(sac_run *run, const sac_listener *listener, sac_error *err) {
  uint64_t total = (uint64_t)run->cfg.algorithm.total_timesteps;
  // what the run that this one resumes was stopped in the middle of
  if (run->progress.recorded < run->progress.timesteps) SAC_TRY(finish_step(run, listener, err));
  while (run->progress.timesteps < total && !sac_run_stops(run)) {
    SAC_TRY(sac_run_step(run, err));
    SAC_TRY(finish_step(run, listener, err));
  }
  return SAC_OK;
}

static const char *state_of(sac_status status, bool stopped) {
  if (status != SAC_OK) return "failed";
  return stopped ? "stopped" : "done";
}

// train, save once more, and leave status.json saying how it ended
static sac_status run_to_end(sac_run *run, const sac_listener *listener, sac_run_outcome *outcome,
                             sac_error *err) {
  double start_s = sac_clock_s();
  sac_status status = loop(run, listener, err);
  if (status == SAC_OK) status = save(run, listener, err);
  const sac_progress *progress = &run->progress;
  outcome->stopped = progress->timesteps < (uint64_t)run->cfg.algorithm.total_timesteps ||
                     progress->recorded < progress->timesteps;
  snprintf(outcome->folder, sizeof outcome->folder, "%s", run->folder);
  outcome->timesteps = run->progress.timesteps;
  outcome->updates = run->progress.updates;
  outcome->wall_s = sac_clock_s() - start_s;
  outcome->return_mean = sac_progress_return(&run->progress, SAC_EPISODE_WINDOW);
  const char *reason = status == SAC_OK ? "" : err->text;
  if (status != SAC_OK) sac_log_line(run->log, "error: %s", reason);
  sac_error ignored;  // the run's own outcome counts, not that its note could not be written
  sac_metrics_status(run->metrics, state_of(status, outcome->stopped), run->progress.timesteps,
                     reason, &ignored);
  return status;
}

static sac_status open_records(sac_run *run, const sac_listener *listener, sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(path, run->folder, "log.txt", err));
  SAC_TRY(sac_log_open(path, listener && listener->quiet, &run->log, err));
  SAC_TRY(sac_path_join(path, run->folder, "checkpoints/replay", err));
  SAC_TRY(sac_folder_make(path, err));
  if (!run->replay_log.folder[0]) SAC_TRY(sac_replay_log_open(&run->replay_log, path, err));
  return sac_metrics_open(run->folder, &run->cfg, &run->progress, listener, run->log, &run->metrics,
                          err);
}

static void say_note(void *context, const char *line) {
  sac_log_line(context, "note: %s", line);
}

static void say_device_notes(const sac_run *run) {
  if (run->device_note[0]) sac_log_line(run->log, "note: running on the CPU: %s", run->device_note);
  bool is_cpu = strcmp(run->backend->ops->device, "cpu") == 0;
  if (is_cpu && run->cfg.run.matmul_precision != SAC_PRECISION_FP32)
    sac_log_line(run->log, "note: run.matmul_precision is not used: the CPU computes in fp32");
}

static sac_status start(sac_run *run, const char *folder, const char *config,
                        const sac_listener *listener, sac_error *err) {
  SAC_TRY(sac_run_folder_name(&run->cfg, config, folder, run->folder, err));
  SAC_TRY(sac_run_open(run, err));
  SAC_TRY(sac_run_folder_claim(run->folder, !folder && !run->cfg.run.name[0], &run->lock, err));
  SAC_TRY(sac_run_folder_update(run->folder, &run->cfg, run->backend, err));
  SAC_TRY(open_records(run, listener, err));
  sac_config_notes(&run->cfg, say_note, run->log);
  say_device_notes(run);
  sac_log_line(run->log, "%s on %s, %s, into %s",
               sac_config_word("algorithm.name", run->cfg.algorithm.name), run->cfg.env.id,
               run->backend->ops->describe(run->backend), run->folder);
  return sac_metrics_status(run->metrics, "running", 0, "", err);
}

sac_status sac_train(const char *config, int n_overrides, const char *const *overrides,
                     const char *folder, const sac_listener *listener, sac_run_outcome *outcome,
                     sac_error *err) {
  sac_error own;
  if (!err) err = &own;
  sac_run *run = calloc(1, sizeof *run);
  if (!run) return sac_error_set(err, SAC_FAILED, "no memory for the run");
  run->lock = -1;
  run->stop = listener ? listener->stop : NULL;
  sac_status status = sac_config_load(config, n_overrides, overrides, &run->cfg, err);
  if (status == SAC_OK) status = start(run, folder, config, listener, err);
  if (status == SAC_OK) status = run_to_end(run, listener, outcome, err);
  sac_run_close(run);
  free(run);
  return status;
}

// the run's own configuration with the caller's overrides
static sac_status load_own_config(sac_run *run, int n_overrides, const char *const *overrides,
                                  sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(path, run->folder, "config.yaml", err));
  if (!sac_path_exists(path))
    return sac_error_set(err, SAC_BAD_CONFIG, "%s: is not a run folder: it has no config.yaml",
                         run->folder);
  return sac_config_load(path, n_overrides, overrides, &run->cfg, err);
}

static sac_status restart(sac_run *run, const sac_listener *listener, sac_error *err) {
  char path[SAC_PATH_MAX] = "", used[SAC_PATH_MAX] = "";
  SAC_TRY(sac_run_open(run, err));
  SAC_TRY(sac_path_join(path, run->folder, "checkpoints/replay", err));
  SAC_TRY(sac_replay_log_open(&run->replay_log, path, err));
  sac_log *log;
  SAC_TRY(sac_log_open(NULL, listener && listener->quiet, &log, err));
  sac_state state = sac_run_state(run);
  sac_status status = sac_checkpoint_load_newest(&state, run->folder, true, log, used, err);
  sac_log_close(log);
  SAC_TRY(status);
  SAC_TRY(sac_run_folder_update(run->folder, &run->cfg, run->backend, err));
  SAC_TRY(open_records(run, listener, err));
  run->updates_before = run->progress.updates;
  say_device_notes(run);
  sac_log_line(run->log, "resumed from %s at step %llu", used,
               (unsigned long long)run->progress.timesteps);
  if (sac_task_restarts(sac_vec_env_task(run->envs)))
    sac_log_line(run->log,
                 "note: %s cannot save its state: every environment begins its episode anew",
                 run->cfg.env.id);
  if (sac_replay_count(&run->replay) == 0 && run->progress.timesteps > 0)
    sac_log_line(run->log,
                 "note: the checkpoint holds no replay: updates start again after %lld steps",
                 (long long)run->cfg.algorithm.learning_starts);
  if (run->progress.timesteps >= (uint64_t)run->cfg.algorithm.total_timesteps)
    sac_log_line(run->log,
                 "note: the run is at its end: a larger algorithm.total_timesteps goes on");
  tell(listener, "{\"event\":\"resumed\",\"timesteps\":%llu}",
       (unsigned long long)run->progress.timesteps);
  return SAC_OK;
}

// what a killed process left half-written
static sac_status sweep(const sac_run *run, sac_error *err) {
  static const char *const folders[] = {"", "checkpoints", "checkpoints/replay"};
  char path[SAC_PATH_MAX];
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    SAC_TRY(sac_path_join(path, run->folder, folders[i], err));
    SAC_TRY(sac_folder_sweep(path, err));
  }
  return SAC_OK;
}

sac_status sac_resume(const char *folder, int n_overrides, const char *const *overrides,
                      const sac_listener *listener, sac_run_outcome *outcome, sac_error *err) {
  sac_error own;
  if (!err) err = &own;
  sac_run *run = calloc(1, sizeof *run);
  if (!run) return sac_error_set(err, SAC_FAILED, "no memory for the run");
  snprintf(run->folder, sizeof run->folder, "%s", folder);
  run->lock = -1;
  run->stop = listener ? listener->stop : NULL;
  sac_status status = load_own_config(run, n_overrides, overrides, err);
  if (status == SAC_OK) status = sac_folder_lock(run->folder, &run->lock, err);
  if (status == SAC_OK) status = sweep(run, err);
  if (status == SAC_OK) status = restart(run, listener, err);
  if (status == SAC_OK) status = run_to_end(run, listener, outcome, err);
  sac_run_close(run);
  free(run);
  return status;
}
