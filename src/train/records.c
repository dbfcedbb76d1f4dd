#include "train/records.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "train/checkpoint_folder.h"
#include "train/run_folder.h"

_Static_assert((int)SAC_SEEDS_MAX == (int)SAC_CONFIG_LIST_MAX &&
                   (int)SAC_SEEDS_MAX == (int)SAC_TURNS_MAX,
               "every seed of a configuration finds its place");

static sac_voice *voice_of(sac_records *records, const sac_run *run) {
  return &records->voices[run - records->team.runs];
}

void sac_records_tell(sac_records *records, const sac_run *run, const char *format, ...) {
  const sac_listener *listener = records->listener;
  if (run && sac_records_are_many(records)) listener = &voice_of(records, run)->own;
  if (!listener || !listener->event) return;
  char line[SAC_PATH_MAX + 512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  listener->event(listener->context, line);
}

// {"event":"metrics",... becomes {"event":"metrics","seed":3,...
static void tell_with_seed(void *context, const char *json) {
  const sac_voice *voice = context;
  const char *rest = strchr(json, ',');
  char line[SAC_PATH_MAX + 1024];
  snprintf(line, sizeof line, "%.*s,%s%s", (int)(rest - json), json, voice->event_part, rest + 1);
  voice->outer->event(voice->outer->context, line);
}

static void open_voice(sac_records *records, const sac_run *run) {
  sac_voice *voice = voice_of(records, run);
  unsigned long long seed = run->seed;
  voice->outer = records->listener;
  snprintf(voice->event_part, sizeof voice->event_part, "\"seed\":%llu,", seed);
  snprintf(voice->log_label, sizeof voice->log_label, "seed %llu: ", seed);
  if (voice->outer && voice->outer->event)
    voice->own = (sac_listener){.event = tell_with_seed, .context = voice};
}

// the log of a seed goes to its own file, and with its name before each line to that of the whole
static sac_status open_log(sac_records *records, sac_run *run, sac_error *err) {
  char path[SAC_PATH_MAX];
  bool many = sac_records_are_many(records);
  bool quiet = many || (records->listener && records->listener->quiet);
  SAC_TRY(sac_path_join(path, run->folder, "log.txt", err));
  SAC_TRY(sac_log_open(path, quiet, &run->log, err));
  if (many)
    sac_log_forward(run->log, records->log, voice_of(records, run)->log_label);
  else
    records->log = run->log;
  return SAC_OK;
}

static sac_status open_run(sac_records *records, sac_run *run, sac_error *err) {
  char path[SAC_PATH_MAX];
  bool many = sac_records_are_many(records);
  open_voice(records, run);
  SAC_TRY(open_log(records, run, err));
  sac_vec_env_log(run->envs, run->log);
  SAC_TRY(sac_path_join(path, run->folder, "checkpoints/replay", err));
  SAC_TRY(sac_folder_make(path, err));
  if (!run->replay_log.folder[0]) SAC_TRY(sac_replay_log_open(&run->replay_log, path, err));
  return sac_metrics_open(run->folder, &run->cfg, &run->progress,
                          many ? &voice_of(records, run)->own : records->listener, run->log,
                          &run->metrics, err);
}

sac_status sac_records_open(sac_records *records, sac_error *err) {
  char path[SAC_PATH_MAX];
  if (sac_records_are_many(records)) {
    SAC_TRY(sac_path_join(path, records->folder, "log.txt", err));
    SAC_TRY(sac_log_open(path, records->listener && records->listener->quiet, &records->log, err));
  }
  for (int i = 0; i < records->team.n_runs; i++)
    SAC_TRY(open_run(records, &records->team.runs[i], err));
  records->start_s = sac_clock_s();
  return SAC_OK;
}

void sac_records_close(sac_records *records) {
  sac_team_close(&records->team);
  // that of one run is closed with it
  if (sac_records_are_many(records)) sac_log_close(records->log);
  if (records->lock >= 0) sac_folder_unlock(records->lock);
}

// a failed write ends the run or, with checkpoint.on_error: warn, is only told
static sac_status forgive_disk(sac_run *run, sac_status status, sac_error *err) {
  if (status != SAC_BAD_DISK || run->cfg.checkpoint.on_error != SAC_ON_ERROR_WARN) return status;
  sac_log_line(run->log, "warning: %s; going on without it (checkpoint.on_error is warn)",
               err->text);
  return SAC_OK;
}

// weights that are not finite would replace a good checkpoint: they end the run
static bool has_finite_weights(sac_run *run) {
  return sac_agent_check(run->learner->agent, run->i_seed, true, &run->failure) == SAC_OK;
}

static bool fails_alone(const sac_error *failure) {
  return failure->code == SAC_BAD_NUMBER || failure->code == SAC_BAD_ENV;
}

static void tell_failure(sac_records *records, const sac_run *run) {
  json_t *object = json_pack("{s:s, s:I, s:s}", "event", "failed", "timesteps",
                             (json_int_t)run->progress.timesteps, "reason", run->failure.text);
  char *text = json_dumps(object, JSON_COMPACT);
  if (text) sac_records_tell(records, run, "%s", text);
  free(text);
  json_decref(object);
}

sac_status sac_records_bury(sac_records *records, sac_error *err) {
  for (int i = 0; i < records->team.n_runs; i++) {
    sac_run *run = &records->team.runs[i];
    if (sac_run_goes_on(run) || records->told[i]) continue;
    if (!fails_alone(&run->failure))
      return sac_error_set(err, run->failure.code, "%s", run->failure.text);
    records->told[i] = true;
    sac_log_line(run->log, "error: %s", run->failure.text);
    sac_run_status status = {"failed", run->progress.timesteps, run->failure.text,
                             run->failure.code};
    SAC_TRY(forgive_disk(run, sac_run_folder_note(run->folder, &status, err), err));
    if (sac_records_are_many(records)) tell_failure(records, run);
  }
  return SAC_OK;
}

static sac_status save_run(sac_records *records, sac_run *run, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_state state = sac_run_state(run);
  SAC_TRY(sac_checkpoint_path(run->folder, run->progress.timesteps, path, err));
  SAC_TRY(sac_checkpoint_save(&state, path, true, err));
  sac_log_line(run->log, "saved %s", path);
  sac_records_tell(records, run, "{\"event\":\"checkpoint\",\"timesteps\":%llu}",
                   (unsigned long long)run->progress.timesteps);
  sac_run_status status = {"running", run->progress.timesteps, "", SAC_OK};
  return sac_run_folder_note(run->folder, &status, err);
}

static sac_status prune(sac_run *run, sac_error *err) {
  return sac_checkpoint_prune(run->folder, run->progress.timesteps, run->cfg.checkpoint.keep, err);
}

sac_status sac_records_save(sac_records *records, bool forgives, sac_error *err) {
  const sac_team *team = &records->team;
  bool all_saved = true;
  for (int i = 0; i < team->n_runs; i++) {
    sac_run *run = &team->runs[i];
    if (!sac_run_goes_on(run) || !has_finite_weights(run)) continue;
    sac_status status = save_run(records, run, err);
    all_saved &= status == SAC_OK;
    SAC_TRY(forgives ? forgive_disk(run, status, err) : status);
  }
  // old ones go last: at any time all seeds have one of the same step
  for (int i = 0; i < team->n_runs && all_saved; i++) {
    sac_run *run = &team->runs[i];
    if (!sac_run_goes_on(run)) continue;
    sac_status status = prune(run, err);
    SAC_TRY(forgives ? forgive_disk(run, status, err) : status);
  }
  return SAC_OK;
}

static sac_status save_best(sac_run *run, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_state state = sac_run_state(run);
  SAC_TRY(sac_path_join(path, run->folder, "checkpoints/best.safetensors", err));
  return sac_checkpoint_save(&state, path, false, err);
}

static sac_status note_evaluation(sac_run *run, sac_error *err) {
  const sac_evaluation *result = &run->evaluation;
  sac_log_line(run->log, "step %llu: evaluation return %.2f (std %.2f, length %.1f, %d episodes)",
               (unsigned long long)run->progress.timesteps, result->return_mean, result->return_std,
               result->length_mean, result->episodes);
  bool better = !(result->return_mean <= run->progress.best_return);
  if (!better) return SAC_OK;
  run->progress.best_return = result->return_mean;
  if (!has_finite_weights(run)) return SAC_OK;
  return forgive_disk(run, save_best(run, err), err);
}

static sac_status log_metrics(sac_run *run, double eval_return, sac_error *err) {
  sac_metrics_row row = {.eval_return_mean = eval_return};
  row.loss = (sac_loss_values){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  // the losses of a run that was resumed are known after its first update
  if (run->progress.updates > run->updates_before)
    row.loss = sac_agent_losses(run->learner->agent, run->i_seed);
  return forgive_disk(run, sac_metrics_write(run->metrics, &run->progress, &row, err), err);
}

static sac_status keep_run(sac_run *run, bool evaluates, bool logs, sac_error *err) {
  if (evaluates) SAC_TRY(note_evaluation(run, err));
  if (!sac_run_goes_on(run)) return SAC_OK;
  if (logs) SAC_TRY(log_metrics(run, evaluates ? run->evaluation.return_mean : NAN, err));
  run->progress.recorded = run->progress.timesteps;
  return SAC_OK;
}

sac_status sac_records_keep(sac_records *records, sac_error *err) {
  sac_team *team = &records->team;
  const sac_run *lead = sac_team_lead(team);
  if (!lead) return SAC_OK;
  const sac_config *cfg = &lead->cfg;
  const sac_progress *progress = &lead->progress;
  uint64_t before = progress->timesteps - (uint64_t)lead->n_envs;
  bool evaluates = sac_progress_due(progress, before, cfg->eval.every);
  bool logs = evaluates || sac_progress_due(progress, before, cfg->log.every);
  bool ends = progress->timesteps >= (uint64_t)cfg->algorithm.total_timesteps;
  bool saves = !ends && sac_progress_due(progress, before, cfg->checkpoint.every);
  if (evaluates) SAC_TRY(sac_team_evaluate(team, err));
  // an evaluation broken off counts as none: a resume begins with it
  if (evaluates && sac_team_stops(team)) return SAC_OK;
  for (int i = 0; i < team->n_runs; i++)
    if (sac_run_goes_on(&team->runs[i])) SAC_TRY(keep_run(&team->runs[i], evaluates, logs, err));
  return saves ? sac_records_save(records, true, err) : SAC_OK;
}

uint64_t sac_records_next(const sac_records *records, uint64_t timesteps) {
  const sac_config *cfg = &records->cfg;
  int64_t every[] = {cfg->eval.every, cfg->log.every, cfg->checkpoint.every};
  uint64_t next = (uint64_t)cfg->algorithm.total_timesteps;
  for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
    if (every[i] <= 0) continue;
    uint64_t multiple = (timesteps / (uint64_t)every[i] + 1) * (uint64_t)every[i];
    if (multiple < next) next = multiple;
  }
  return next;
}

static const char *state_of(sac_status status, bool stopped) {
  if (status != SAC_OK) return "failed";
  return stopped ? "stopped" : "done";
}

static bool was_stopped(const sac_run *run) {
  const sac_progress *progress = &run->progress;
  return progress->timesteps < (uint64_t)run->cfg.algorithm.total_timesteps ||
         progress->recorded < progress->timesteps;
}

// what a run that failed by itself left is told already
static void end_run(const sac_run *run, const sac_error *failure) {
  sac_error ignored;  // the run's own outcome counts, not that its note could not be written
  if (fails_alone(&run->failure)) return;
  sac_run_status status = {state_of(failure->code, was_stopped(run)), run->progress.timesteps,
                           failure->code == SAC_OK ? "" : failure->text, failure->code};
  sac_run_folder_note(run->folder, &status, &ignored);
}

static void fill_seed(const sac_run *run, sac_seed_outcome *out) {
  *out = (sac_seed_outcome){.seed = run->seed,
                            .status = run->failure.code,
                            .timesteps = run->progress.timesteps,
                            .updates = run->progress.updates,
                            .return_mean = sac_progress_return(&run->progress, SAC_EPISODE_WINDOW)};
  if (run->failure.code != SAC_OK)
    snprintf(out->reason, sizeof out->reason, "%.500s", run->failure.text);
}

static sac_seed_outcome *outcome_of(sac_records *records, uint64_t seed) {
  int i = 0;
  while (records->seeds[i] != seed) i++;
  return &records->outcomes[i];
}

static void aggregate_seeds(const sac_records *records, sac_aggregate *out) {
  double returns[SAC_SEEDS_MAX];
  int n = 0;
  for (int i = 0; i < records->n_seeds; i++) {
    const sac_seed_outcome *seed = &records->outcomes[i];
    if (seed->status == SAC_OK && isfinite(seed->return_mean)) returns[n++] = seed->return_mean;
  }
  // without memory for it the rest of the outcome still counts
  if (sac_aggregate_returns(returns, n, out, NULL) != SAC_OK) *out = (sac_aggregate){0};
}

// the first seed that failed gives its status to all
static void name_failed_seeds(const sac_records *records, sac_error *failure) {
  const sac_seed_outcome *first = NULL;
  int n_failed = 0;
  for (int i = 0; i < records->n_seeds; i++) {
    const sac_seed_outcome *seed = &records->outcomes[i];
    n_failed += seed->status != SAC_OK;
    if (seed->status != SAC_OK && !first) first = seed;
  }
  if (!first || failure->code != SAC_OK) return;
  if (sac_records_are_many(records))
    sac_error_set(failure, first->status, "%d of %d seeds failed: seed %llu: %s", n_failed,
                  records->n_seeds, (unsigned long long)first->seed, first->reason);
}

static void end_many(sac_records *records, sac_error *failure, sac_run_outcome *outcome) {
  sac_error ignored;  // as in end_run
  outcome->n_seeds = records->n_seeds;
  memcpy(outcome->seeds, records->outcomes, sizeof outcome->seeds);
  aggregate_seeds(records, &outcome->aggregate);
  outcome->return_mean = outcome->aggregate.mean.value;
  if (failure->code != SAC_OK) sac_log_line(records->log, "error: %s", failure->text);
  name_failed_seeds(records, failure);
  sac_run_status status = {state_of(failure->code, outcome->stopped), outcome->timesteps,
                           failure->code == SAC_OK ? "" : failure->text, SAC_OK};
  sac_run_folder_note(records->folder, &status, &ignored);
}

void sac_records_end(sac_records *records, sac_error *failure, sac_run_outcome *outcome) {
  const sac_team *team = &records->team;
  const sac_run *lead = sac_team_lead(team);
  if (!lead) lead = team->runs;
  for (int i = 0; i < team->n_runs; i++) {
    end_run(&team->runs[i], failure);
    fill_seed(&team->runs[i], outcome_of(records, team->runs[i].seed));
  }
  *outcome =
      (sac_run_outcome){.timesteps = lead->progress.timesteps,
                        .updates = lead->progress.updates,
                        .wall_s = sac_clock_s() - records->start_s,
                        .return_mean = sac_progress_return(&lead->progress, SAC_EPISODE_WINDOW),
                        .stopped = was_stopped(lead)};
  snprintf(outcome->folder, sizeof outcome->folder, "%s", records->folder);
  if (sac_records_are_many(records)) {
    end_many(records, failure, outcome);
    return;
  }
  if (failure->code != SAC_OK) sac_log_line(records->log, "error: %s", failure->text);
  if (failure->code == SAC_OK && !sac_run_goes_on(lead)) *failure = lead->failure;
}
