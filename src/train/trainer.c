// Training from its beginning or from checkpoints to its end: of one seed, or of several side by
// side.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "sac/sac.h"
#include "train/records.h"
#include "train/run_folder.h"

// All runs go on to the next step at which something is due, or as far as a stop leaves time for.
static sac_status go_to(sac_records *self, uint64_t timesteps, sac_error *err) {
  sac_team *team = &self->team;
  while (sac_team_lead(team) && !sac_team_is_at(team, timesteps) && !sac_team_stops(team)) {
    sac_team_go(team, timesteps);
    SAC_TRY(sac_records_bury(self, err));
    const sac_run *lead = sac_team_lead(team);
    if (lead) sac_metrics_progress(lead->metrics, &lead->progress);
  }
  return SAC_OK;
}

static sac_status finish_step(sac_records *self, uint64_t timesteps, sac_error *err) {
  SAC_TRY(go_to(self, timesteps, err));
  const sac_run *lead = sac_team_lead(&self->team);
  if (!lead || !sac_team_is_at(&self->team, lead->progress.timesteps)) return SAC_OK;
  // a stop that came before the first step leaves nothing to record
  if (lead->progress.recorded == lead->progress.timesteps) return SAC_OK;
  SAC_TRY(sac_records_keep(self, err));
  return sac_records_bury(self, err);
}

static sac_status loop(sac_records *self, sac_error *err) {
  uint64_t total = (uint64_t)self->cfg.algorithm.total_timesteps;
  const sac_team *team = &self->team;
  const sac_run *lead = sac_team_lead(team);
  // what the run that this one resumes was stopped in the middle of
  if (lead->progress.recorded < lead->progress.timesteps)
    SAC_TRY(finish_step(self, lead->progress.timesteps, err));
  while ((lead = sac_team_lead(team)) && lead->progress.timesteps < total && !sac_team_stops(team))
    SAC_TRY(finish_step(self, sac_records_next(self, lead->progress.timesteps), err));
  return SAC_OK;
}

// train, save once more, and say how it ended
static sac_status run_to_end(sac_records *self, sac_run_outcome *outcome, sac_error *err) {
  sac_error failure = {.code = SAC_OK};
  sac_status status = loop(self, &failure);
  if (status == SAC_OK) status = sac_records_save(self, false, &failure);
  if (status == SAC_OK) status = sac_records_bury(self, &failure);
  // of what was forgiven nothing stays
  if (status == SAC_OK) failure = (sac_error){.code = SAC_OK};
  sac_records_end(self, &failure, outcome);
  return failure.code == SAC_OK ? SAC_OK : sac_error_set(err, failure.code, "%s", failure.text);
}

static void say_note(void *context, const char *line) {
  sac_log_line(context, "note: %s", line);
}

static void say_device_notes(const sac_records *self) {
  const sac_team *team = &self->team;
  if (team->device_note[0])
    sac_log_line(self->log, "note: running on the CPU: %s", team->device_note);
  bool is_cpu = strcmp(team->backend->ops->device, "cpu") == 0;
  if (is_cpu && self->cfg.run.matmul_precision != SAC_PRECISION_FP32)
    sac_log_line(self->log, "note: run.matmul_precision is not used: the CPU computes in fp32");
}

// the run of one seed lies in the folder itself
static sac_status name_folders(sac_records *self, sac_error *err) {
  for (int i = 0; i < self->team.n_runs; i++) {
    sac_run *run = &self->team.runs[i];
    if (sac_records_are_many(self))
      SAC_TRY(sac_run_folder_seed(self->folder, run->seed, run->folder, err));
    else
      SAC_TRY(sac_path_join(run->folder, self->folder, "", err));
    size_t end = strlen(run->folder);
    if (run->folder[end - 1] == '/' && end > 1) run->folder[end - 1] = '\0';
  }
  return SAC_OK;
}

static sac_status update_folders(sac_records *self, sac_error *err) {
  sac_backend *backend = self->team.backend;
  if (sac_records_are_many(self))
    SAC_TRY(sac_run_folder_update(self->folder, &self->cfg, backend, err));
  for (int i = 0; i < self->team.n_runs; i++)
    SAC_TRY(
        sac_run_folder_update(self->team.runs[i].folder, &self->team.runs[i].cfg, backend, err));
  return SAC_OK;
}

static sac_status note_begin(const sac_records *self, sac_error *err) {
  sac_run_status status = {"running", self->team.runs->progress.timesteps, "", SAC_OK};
  if (sac_records_are_many(self)) SAC_TRY(sac_run_folder_note(self->folder, &status, err));
  for (int i = 0; i < self->team.n_runs; i++)
    SAC_TRY(sac_run_folder_note(self->team.runs[i].folder, &status, err));
  return SAC_OK;
}

static sac_status claim_folders(sac_records *self, bool may_number, sac_error *err) {
  SAC_TRY(sac_run_folder_claim(self->folder, may_number, &self->lock, err));
  SAC_TRY(name_folders(self, err));
  for (int i = 0; i < self->team.n_runs && sac_records_are_many(self); i++) {
    sac_run *run = &self->team.runs[i];
    SAC_TRY(sac_run_folder_claim(run->folder, false, &run->lock, err));
  }
  return SAC_OK;
}

static sac_status start(sac_records *self, const char *folder, const char *config, sac_error *err) {
  const sac_config *cfg = &self->cfg;
  SAC_TRY(sac_run_folder_name(cfg, config, folder, self->folder, err));
  SAC_TRY(sac_team_open(&self->team, cfg, self->n_seeds, self->seeds, err));
  SAC_TRY(claim_folders(self, !folder && !cfg->run.name[0], err));
  SAC_TRY(update_folders(self, err));
  SAC_TRY(sac_records_open(self, err));
  sac_config_notes(cfg, say_note, self->log);
  say_device_notes(self);
  sac_log_line(self->log, "%s on %s, %s, into %s",
               sac_config_word("algorithm.name", cfg->algorithm.name), cfg->env.id,
               self->team.backend->ops->describe(self->team.backend), self->folder);
  return note_begin(self, err);
}

static sac_records *create_records(const sac_listener *listener) {
  sac_records *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->listener = listener;
  self->lock = -1;
  self->team.stop = listener ? listener->stop : NULL;
  return self;
}

static void destroy_records(sac_records *self) {
  sac_records_close(self);
  free(self);
}

sac_status sac_train(const char *config, int n_overrides, const char *const *overrides,
                     const char *folder, const sac_listener *listener, sac_run_outcome *outcome,
                     sac_error *err) {
  sac_error own;
  if (!err) err = &own;
  sac_records *self = create_records(listener);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the run");
  sac_status status = sac_config_load(config, n_overrides, overrides, &self->cfg, err);
  if (status == SAC_OK) status = sac_lower_resolve(&self->cfg, err);
  if (status == SAC_OK) self->n_seeds = sac_team_seeds(&self->cfg, self->seeds);
  if (status == SAC_OK) status = start(self, folder, config, err);
  if (status == SAC_OK) status = run_to_end(self, outcome, err);
  destroy_records(self);
  return status;
}

static sac_status find_config(const char *folder, char *path, sac_error *err) {
  SAC_TRY(sac_path_join(path, folder, "config.yaml", err));
  if (sac_path_exists(path)) return SAC_OK;
  char hint[SAC_HINT_MAX];
  bool exists = sac_path_exists(folder);
  return sac_error_set(err, SAC_BAD_CONFIG, "%s: is not a run folder: %s%s", folder,
                       exists ? "it has no config.yaml" : "it does not exist",
                       exists ? "" : sac_path_hint(folder, hint));
}

static bool equal_lists(const sac_config_list *a, const sac_config_list *b) {
  return a->count == b->count && memcmp(a->at, b->at, (size_t)a->count * sizeof *a->at) == 0;
}

// the run's own configuration with the caller's overrides
static sac_status load_own_config(sac_records *self, int n_overrides, const char *const *overrides,
                                  sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(find_config(self->folder, path, err));
  SAC_TRY(sac_config_load(path, 0, NULL, &self->cfg, err));
  sac_config_list seeds = self->cfg.run.seeds;
  SAC_TRY(sac_config_load(path, n_overrides, overrides, &self->cfg, err));
  if (!equal_lists(&seeds, &self->cfg.run.seeds))
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s: run.seeds of a run cannot change: train the others anew, or go on "
                         "with one of it by `sac resume` of its folder",
                         sac_config_where(&self->cfg, "run.seeds"));
  self->n_seeds = sac_team_seeds(&self->cfg, self->seeds);
  return SAC_OK;
}

// what a killed process left half-written
static sac_status sweep(const char *folder, sac_error *err) {
  static const char *const folders[] = {"", "checkpoints", "checkpoints/replay"};
  char path[SAC_PATH_MAX];
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    SAC_TRY(sac_path_join(path, folder, folders[i], err));
    SAC_TRY(sac_folder_sweep(path, err));
  }
  return SAC_OK;
}

// Seeds that did not fail by themselves before: `seeds` gets them, the outcome of the others is
// known. Of one seed alone it is what its user changed that may help it.
static sac_status choose_seeds(sac_records *self, uint64_t seeds[SAC_SEEDS_MAX], int *n,
                               sac_error *err) {
  char folder[SAC_PATH_MAX];
  sac_error *failure = malloc(sizeof *failure);
  if (!failure) return sac_error_set(err, SAC_FAILED, "no memory for the run");
  sac_status status = SAC_OK;
  for (int i = 0; i < self->n_seeds && status == SAC_OK; i++) {
    uint64_t timesteps = 0;
    failure->code = SAC_OK;
    status = sac_run_folder_seed(self->folder, self->seeds[i], folder, err);
    if (status == SAC_OK && sac_records_are_many(self))
      sac_run_folder_failure(folder, failure, &timesteps);
    if (failure->code == SAC_OK) {
      seeds[(*n)++] = self->seeds[i];
      continue;
    }
    sac_seed_outcome *out = &self->outcomes[i];
    *out = (sac_seed_outcome){.seed = self->seeds[i],
                              .status = failure->code,
                              .timesteps = timesteps,
                              .return_mean = NAN};
    snprintf(out->reason, sizeof out->reason, "%.500s", failure->text);
  }
  free(failure);
  return status;
}

static sac_status need_a_seed(const sac_records *self, int n, sac_error *err) {
  if (n > 0) return SAC_OK;
  return sac_error_set(err, self->outcomes[0].status, "%s: every seed has failed: seed %llu: %s",
                       self->folder, (unsigned long long)self->seeds[0], self->outcomes[0].reason);
}

static sac_status load_newest(sac_run *run, uint64_t most, sac_log *log, char *used,
                              sac_error *err) {
  sac_state state = sac_run_state(run);
  sac_checkpoint_search search = {
      .folder = run->folder, .most = most, .complete = true, .log = log};
  return sac_checkpoint_load_newest(&state, &search, used, err);
}

// The newest valid checkpoint of the step that all have one of. `used` gets the first run's.
static sac_status load_common(sac_team *team, sac_log *log, char *used, sac_error *err) {
  char path[SAC_PATH_MAX];
  uint64_t most = UINT64_MAX;
  for (bool equal = false; !equal;) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < team->n_runs; i++) {
      sac_run *run = &team->runs[i];
      if (most == UINT64_MAX || run->progress.timesteps > most)
        SAC_TRY(load_newest(run, most, log, i == 0 ? used : path, err));
      if (run->progress.timesteps < least) least = run->progress.timesteps;
    }
    equal = true;
    for (int i = 0; i < team->n_runs; i++) equal &= team->runs[i].progress.timesteps == least;
    most = least;
  }
  return SAC_OK;
}

static sac_status lock_folders(sac_records *self, sac_error *err) {
  bool many = sac_records_are_many(self);
  SAC_TRY(name_folders(self, err));
  for (int i = 0; i < self->team.n_runs && many; i++) {
    sac_run *run = &self->team.runs[i];
    char path[SAC_PATH_MAX];
    SAC_TRY(find_config(run->folder, path, err));
    SAC_TRY(sac_folder_lock(run->folder, &run->lock, err));
    SAC_TRY(sweep(run->folder, err));
  }
  return SAC_OK;
}

static sac_status load_runs(sac_records *self, char *used, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_log *log;
  for (int i = 0; i < self->team.n_runs; i++) {
    sac_run *run = &self->team.runs[i];
    SAC_TRY(sac_path_join(path, run->folder, "checkpoints/replay", err));
    SAC_TRY(sac_replay_log_open(&run->replay_log, path, err));
  }
  SAC_TRY(sac_log_open(NULL, self->listener && self->listener->quiet, &log, err));
  sac_status status = load_common(&self->team, log, used, err);
  sac_log_close(log);
  for (int i = 0; i < self->team.n_runs; i++)
    self->team.runs[i].updates_before = self->team.runs[i].progress.updates;
  return status;
}

static void say_resumed(sac_records *self, const char *used) {
  const sac_run *run = sac_team_lead(&self->team);
  const sac_progress *progress = &run->progress;
  sac_log_line(self->log, "resumed from %s at step %llu", used,
               (unsigned long long)progress->timesteps);
  for (int i = 0; i < self->n_seeds; i++)
    if (self->outcomes[i].status != SAC_OK)
      sac_log_line(self->log, "note: seed %llu failed before and stays as it is: %s",
                   (unsigned long long)self->seeds[i], self->outcomes[i].reason);
  if (sac_task_restarts(sac_vec_env_task(run->envs)))
    sac_log_line(self->log,
                 "note: %s cannot save its state: every environment begins its episode anew",
                 self->cfg.env.id);
  bool bare = sac_replay_count(&run->learner->replay) == 0 && progress->timesteps > 0;
  if (bare && !run->learner->on_policy)
    sac_log_line(self->log,
                 "note: the checkpoint holds no replay: updates start again after %lld steps",
                 (long long)self->cfg.algorithm.learning_starts);
  if (progress->timesteps >= (uint64_t)self->cfg.algorithm.total_timesteps)
    sac_log_line(self->log,
                 "note: the run is at its end: a larger algorithm.total_timesteps goes on");
  sac_records_tell(self, NULL, "{\"event\":\"resumed\",\"timesteps\":%llu}",
                   (unsigned long long)progress->timesteps);
}

static sac_status restart(sac_records *self, sac_error *err) {
  char used[SAC_PATH_MAX] = "", one[SAC_PATH_MAX];
  uint64_t seeds[SAC_SEEDS_MAX];
  int n = 0;
  SAC_TRY(choose_seeds(self, seeds, &n, err));
  SAC_TRY(need_a_seed(self, n, err));
  SAC_TRY(sac_run_folder_seed(self->folder, seeds[0], one, err));
  self->team.resumed = sac_records_are_many(self) ? one : self->folder;
  sac_status status = sac_team_open(&self->team, &self->cfg, n, seeds, err);
  self->team.resumed = NULL;
  SAC_TRY(status);
  SAC_TRY(lock_folders(self, err));
  SAC_TRY(load_runs(self, used, err));
  SAC_TRY(update_folders(self, err));
  SAC_TRY(sac_records_open(self, err));
  say_device_notes(self);
  say_resumed(self, used);
  return note_begin(self, err);
}

sac_status sac_resume(const char *folder, int n_overrides, const char *const *overrides,
                      const sac_listener *listener, sac_run_outcome *outcome, sac_error *err) {
  sac_error own;
  if (!err) err = &own;
  sac_records *self = create_records(listener);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the run");
  snprintf(self->folder, sizeof self->folder, "%s", folder);
  sac_status status = load_own_config(self, n_overrides, overrides, err);
  if (status == SAC_OK) status = sac_folder_lock(self->folder, &self->lock, err);
  if (status == SAC_OK) status = sweep(self->folder, err);
  if (status == SAC_OK) status = restart(self, err);
  if (status == SAC_OK) status = run_to_end(self, outcome, err);
  destroy_records(self);
  return status;
}
