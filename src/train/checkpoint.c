#include "train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/files.h"
#include "sac/sac.h"
#include "train/checkpoint_folder.h"
#include "train/lower.h"
#include "train/tensors.h"

// counters, as decimal strings; the list serves saving, loading and the digest
typedef struct counter {
  const char *key;
  size_t offset;
} counter;

static const counter counters[] = {{"timesteps", offsetof(sac_progress, timesteps)},
                                   {"vector_steps", offsetof(sac_progress, vector_steps)},
                                   {"updates", offsetof(sac_progress, updates)},
                                   {"updates_from", offsetof(sac_progress, updates_from)},
                                   {"updates_owed", offsetof(sac_progress, updates_owed)},
                                   {"recorded", offsetof(sac_progress, recorded)},
                                   {"episodes", offsetof(sac_progress, episodes)}};

enum { COUNTERS = sizeof counters / sizeof *counters };

static uint64_t *counter_at(sac_progress *progress, int i) {
  return (uint64_t *)(void *)((char *)progress + counters[i].offset);
}

static void note_number(sac_safetensors_writer *writer, const char *key, uint64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  sac_safetensors_note(writer, key, text);
}

static void add_doubles(sac_tensors *tensors, const char *name, const double *values,
                        int64_t count) {
  sac_tensors_add_host(tensors, name, SAC_F64, 1, &count, values);
}

static sac_status note_identity(const sac_state *state, sac_safetensors_writer *writer,
                                sac_error *err) {
  char *fingerprint;
  SAC_TRY(sac_config_fingerprint(state->cfg, &fingerprint, err));
  sac_safetensors_note(writer, "format", "sac-checkpoint");
  sac_safetensors_note(writer, "format_version", "1");
  sac_safetensors_note(writer, "program", sac_version());
  sac_safetensors_note(writer, "engine", sac_environment_engine());
  sac_safetensors_note(writer, "fingerprint", fingerprint);
  free(fingerprint);
  return SAC_OK;
}

static void add_progress(const sac_state *state, sac_tensors *tensors) {
  sac_progress *progress = state->progress;
  for (int i = 0; i < COUNTERS; i++)
    note_number(tensors->writer, counters[i].key, *counter_at(progress, i));
  add_doubles(tensors, "progress.best_return", &progress->best_return, 1);
  add_doubles(tensors, "progress.returns", progress->returns, SAC_EPISODE_WINDOW);
  add_doubles(tensors, "progress.lengths", progress->lengths, SAC_EPISODE_WINDOW);
}

// the running statistics: one list for saving and loading
typedef struct statistic {
  const char *name;
  double *values;
  int64_t count;
} statistic;

enum { STATISTICS = 7 };

static void list_statistics(sac_normaliser *normaliser, statistic out[STATISTICS]) {
  sac_running *obs = &normaliser->obs, *returns = &normaliser->returns;
  const statistic all[STATISTICS] = {{"obs_rms.mean", obs->mean, obs->dim},
                                     {"obs_rms.var", obs->var, obs->dim},
                                     {"obs_rms.count", &obs->count, 1},
                                     {"ret_rms.mean", returns->mean, 1},
                                     {"ret_rms.var", returns->var, 1},
                                     {"ret_rms.count", &returns->count, 1},
                                     {"returns", normaliser->discounted, normaliser->n_envs}};
  memcpy(out, all, sizeof all);
}

static void add_statistics(const sac_state *state, sac_tensors *tensors) {
  statistic list[STATISTICS];
  if (!state->normaliser) return;
  list_statistics(state->normaliser, list);
  for (int i = 0; i < STATISTICS; i++)
    add_doubles(tensors, list[i].name, list[i].values, list[i].count);
}

static sac_tensor environments_tensor(const sac_state *state) {
  return (sac_tensor){
      .name = "env.state",
      .dtype = SAC_U8,
      .rank = 2,
      .shape = {sac_vec_env_count(state->envs), (int64_t)sac_vec_env_state_bytes(state->envs)}};
}

// *bytes is the caller's to free once the file is written
static sac_status add_environments(const sac_state *state, sac_tensors *tensors, uint8_t **bytes,
                                   sac_error *err) {
  sac_tensor tensor = environments_tensor(state);
  *bytes = malloc(sac_tensor_bytes(&tensor) + 1);
  if (!*bytes)
    return sac_error_set(err, SAC_FAILED, "no memory for the states of the environments");
  sac_vec_env_save(state->envs, *bytes);
  sac_tensors_add_host(tensors, tensor.name, tensor.dtype, tensor.rank, tensor.shape, *bytes);
  return SAC_OK;
}

// how the episodes that go on act
static void add_exploration(const sac_state *state, sac_tensors *tensors) {
  if (!state->explorer) return;
  sac_explorer_state it = sac_explorer_state_of(state->explorer);
  int64_t rows[] = {it.rows, 2}, weights[] = {it.rows, (int64_t)it.count};
  sac_tensors_add_host(tensors, "exploration.kind", SAC_I32, 1, rows, it.kind);
  add_doubles(tensors, "exploration.sigma", it.sigma, 1);
  sac_tensors_add(tensors, it.backend, "exploration.distance", SAC_F64, 2, rows, it.distance);
  if (it.weights)
    sac_tensors_add(tensors, it.backend, "exploration.weights", SAC_DTYPE_REAL, 2, weights,
                    it.weights);
}

// the priorities of a run's live rows, by their places in the ring: their sums follow from them
static void add_priorities(const sac_state *state, sac_tensors *tensors) {
  const sac_replay *replay = state->replay;
  int64_t count = (int64_t)sac_replay_count(replay), one = 1;
  if (!replay->priorities.nodes || count == 0) return;
  sac_priorities own = sac_replay_priorities(replay, state->i_seed);
  sac_tensors_add(tensors, replay->backend, "replay.priority", SAC_DTYPE_REAL, 1, &count,
                  own.nodes);
  sac_tensors_add(tensors, replay->backend, "replay.largest_priority", SAC_DTYPE_REAL, 1, &one,
                  own.largest);
}

static sac_status get_reals(const sac_safetensors *file, const sac_tensor *wanted,
                            sac_backend *backend, sac_real *to, sac_error *err) {
  size_t bytes = sac_tensor_count(wanted) * sizeof *to;
  sac_real *values = malloc(bytes);
  if (!values) return sac_error_set(err, SAC_FAILED, "no memory for tensor %s", wanted->name);
  sac_status status = sac_safetensors_get_reals(file, wanted, values, err);
  if (status == SAC_OK) backend->ops->upload(backend, to, values, bytes);
  free(values);
  return status;
}

// a run that was saved without priorities goes on with equal ones
static sac_status load_priorities(const sac_state *state, const sac_safetensors *file,
                                  sac_error *err) {
  sac_replay *replay = state->replay;
  if (!replay->priorities.nodes) return SAC_OK;
  sac_tensor all = {
      .name = "replay.priority", .rank = 1, .shape = {(int64_t)sac_replay_count(replay)}};
  sac_tensor largest = {.name = "replay.largest_priority", .rank = 1, .shape = {1}};
  sac_replay_reset_priorities(replay, state->i_seed);
  if (!sac_safetensors_find(file, "replay.priority")) return SAC_OK;
  sac_priorities own = sac_replay_priorities(replay, state->i_seed);
  SAC_TRY(get_reals(file, &all, replay->backend, own.nodes, err));
  SAC_TRY(get_reals(file, &largest, replay->backend, own.largest, err));
  sac_replay_sum_priorities(replay, state->i_seed);
  return SAC_OK;
}

// write the new blocks first: a checkpoint never lists what is not there
static sac_status add_replay(const sac_state *state, sac_tensors *tensors, sac_error *err) {
  sac_safetensors_writer *writer = tensors->writer;
  SAC_TRY(sac_replay_log_save(state->replay_log, state->replay, state->i_seed, err));
  char *list = sac_replay_log_list(state->replay_log);
  if (!list) return sac_error_set(err, SAC_FAILED, "no memory for the list of replay blocks");
  sac_safetensors_note(writer, "replay.blocks", list);
  note_number(writer, "replay.pushed", state->replay->pushed);
  note_number(writer, "replay.count", sac_replay_count(state->replay));
  free(list);
  add_priorities(state, tensors);
  return SAC_OK;
}

sac_status sac_checkpoint_save(const sac_state *state, const char *path, bool complete,
                               sac_error *err) {
  sac_tensors tensors;
  uint8_t *environments = NULL;
  sac_status status = sac_tensors_begin(&tensors, state->agent, err);
  if (status == SAC_OK) status = note_identity(state, tensors.writer, err);
  if (status == SAC_OK) {
    sac_tensors_add_state(&tensors, "", state->agent, state->i_seed);
    add_progress(state, &tensors);
    add_statistics(state, &tensors);
    if (complete) add_exploration(state, &tensors);
    if (state->lower) sac_lower_add(state->lower, &tensors);
    if (complete) status = add_environments(state, &tensors, &environments, err);
  }
  if (status == SAC_OK && complete && state->cfg->checkpoint.include_replay)
    status = add_replay(state, &tensors, err);
  if (status == SAC_OK) status = sac_safetensors_write(tensors.writer, path, err);
  sac_tensors_end(&tensors);
  free(environments);
  return status;
}

static sac_status read_number(const sac_safetensors *file, const char *key, uint64_t *value,
                              sac_error *err) {
  const char *text = sac_safetensors_text(file, key);
  char *end = NULL;
  if (text) *value = strtoull(text, &end, 10);
  if (text && end != text && *end == '\0') return SAC_OK;
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: damaged: its counter %s is %s",
                       sac_safetensors_path(file), key, text ? text : "missing");
}

static sac_status check_identity(const sac_state *state, const sac_safetensors *file,
                                 sac_error *err) {
  const char *format = sac_safetensors_text(file, "format");
  const char *version = sac_safetensors_text(file, "format_version");
  const char *saved = sac_safetensors_text(file, "fingerprint");
  if (!format || strcmp(format, "sac-checkpoint") != 0 || !saved)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: is not a checkpoint of sac",
                         sac_safetensors_path(file));
  if (!version || strcmp(version, "1") != 0)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: has format version %s, this program reads 1",
                         sac_safetensors_path(file), version ? version : "none");
  char *current;
  SAC_TRY(sac_config_fingerprint(state->cfg, &current, err));
  sac_error why;
  sac_status status = sac_config_compare(saved, current, &why);
  free(current);
  if (status == SAC_OK) return SAC_OK;
  return sac_error_set(err, status, "%s: %s", sac_safetensors_path(file), why.text);
}

static sac_status get_doubles(const sac_safetensors *file, const char *name, double *out,
                              int64_t count, sac_error *err) {
  sac_tensor wanted = {.name = name, .dtype = SAC_F64, .rank = 1, .shape = {count}};
  return sac_safetensors_get_doubles(file, &wanted, out, err);
}

static sac_status load_statistics(const sac_state *state, const sac_safetensors *file,
                                  sac_error *err) {
  statistic list[STATISTICS];
  if (!state->normaliser) return SAC_OK;
  list_statistics(state->normaliser, list);
  for (int i = 0; i < STATISTICS; i++)
    SAC_TRY(get_doubles(file, list[i].name, list[i].values, list[i].count, err));
  const sac_normaliser *normaliser = state->normaliser;
  sac_normaliser_settle(state->normaliser);
  sac_agent_set_scaling(state->agent, state->i_seed, normaliser->obs_mean, normaliser->obs_scale,
                        normaliser->reward_scale);
  return SAC_OK;
}

// a tensor straight into backend memory
static sac_status load_there(const sac_safetensors *file, const sac_tensor *tensor,
                             sac_backend *backend, void *there, sac_error *err) {
  void *here = malloc(sac_tensor_bytes(tensor));
  if (!here) return sac_error_set(err, SAC_FAILED, "no memory for tensor %s", tensor->name);
  sac_status status = sac_safetensors_get(file, tensor, here, err);
  if (status == SAC_OK) backend->ops->upload(backend, there, here, sac_tensor_bytes(tensor));
  free(here);
  return status;
}

// episodes that began without a mix go on without it
static sac_status load_exploration(const sac_state *state, const sac_safetensors *file,
                                   sac_error *err) {
  if (!state->explorer) return SAC_OK;
  sac_explorer_state it = sac_explorer_state_of(state->explorer);
  sac_tensor kind = {.name = "exploration.kind", .dtype = SAC_I32, .rank = 1, .shape = {it.rows}};
  sac_tensor distance = {
      .name = "exploration.distance", .dtype = SAC_F64, .rank = 2, .shape = {it.rows, 2}};
  sac_tensor weights = {.name = "exploration.weights",
                        .dtype = SAC_DTYPE_REAL,
                        .rank = 2,
                        .shape = {it.rows, (int64_t)it.count}};
  memset(it.kind, 0, (size_t)it.rows * sizeof *it.kind);
  bool saved = sac_safetensors_find(file, kind.name) != NULL;
  bool perturbs = saved && it.weights && sac_safetensors_find(file, weights.name);
  if (saved) SAC_TRY(sac_safetensors_get(file, &kind, it.kind, err));
  if (perturbs) SAC_TRY(get_doubles(file, "exploration.sigma", it.sigma, 1, err));
  if (perturbs) SAC_TRY(load_there(file, &distance, it.backend, it.distance, err));
  if (perturbs) SAC_TRY(load_there(file, &weights, it.backend, it.weights, err));
  sac_explorer_resume(state->explorer);
  return SAC_OK;
}

static sac_status load_progress(const sac_state *state, const sac_safetensors *file,
                                sac_error *err) {
  sac_progress *progress = state->progress;
  for (int i = 0; i < COUNTERS; i++)
    SAC_TRY(read_number(file, counters[i].key, counter_at(progress, i), err));
  SAC_TRY(get_doubles(file, "progress.best_return", &progress->best_return, 1, err));
  SAC_TRY(get_doubles(file, "progress.returns", progress->returns, SAC_EPISODE_WINDOW, err));
  return get_doubles(file, "progress.lengths", progress->lengths, SAC_EPISODE_WINDOW, err);
}

// which rows of the log are live; SAC_BAD_CHECKPOINT when the counters contradict each other
static sac_status read_live_rows(const sac_safetensors *file, uint64_t most, sac_live_rows *live,
                                 sac_error *err) {
  SAC_TRY(read_number(file, "replay.pushed", &live->pushed, err));
  SAC_TRY(read_number(file, "replay.count", &live->count, err));
  if (live->count <= live->pushed && live->count <= most) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: damaged: replay.count is %llu",
                       sac_safetensors_path(file), (unsigned long long)live->count);
}

static sac_status load_replay(const sac_state *state, const sac_safetensors *file, sac_error *err) {
  const char *list = sac_safetensors_text(file, "replay.blocks");
  if (!list) {
    // saved without its replay: learning waits until there are transitions again
    sac_replay_log_close(state->replay_log);
    sac_replay_set_pushed(state->replay, 0);
    state->progress->updates_owed = 0;
    state->progress->updates_from =
        state->progress->timesteps + (uint64_t)state->cfg->algorithm.learning_starts;
    return load_priorities(state, file, err);
  }
  sac_live_rows live = {0};
  SAC_TRY(read_live_rows(file, state->replay->capacity, &live, err));
  SAC_TRY(sac_replay_log_load(state->replay_log, list, &live, state->replay, state->i_seed, err));
  return load_priorities(state, file, err);
}

static sac_status load_environments(const sac_state *state, const sac_safetensors *file,
                                    sac_error *err) {
  sac_tensor wanted = environments_tensor(state);
  const char *engine = sac_safetensors_text(file, "engine");
  if (!engine || strcmp(engine, sac_environment_engine()) != 0)
    return sac_error_set(
        err, SAC_BAD_CHECKPOINT, "%s: was saved with engine %s, this program has %s",
        sac_safetensors_path(file), engine ? engine : "unknown", sac_environment_engine());
  uint8_t *bytes = malloc(sac_tensor_bytes(&wanted) + 1);
  if (!bytes) return sac_error_set(err, SAC_FAILED, "no memory for the states of the environments");
  sac_status status = sac_safetensors_get(file, &wanted, bytes, err);
  if (status == SAC_OK) sac_vec_env_load(state->envs, bytes, state->obs, state->obs_ld);
  free(bytes);
  return status;
}

sac_status sac_checkpoint_load(const sac_state *state, const char *path, bool complete,
                               sac_error *err) {
  sac_safetensors *file;
  SAC_TRY(sac_safetensors_open(path, true, &file, err));
  sac_status status = check_identity(state, file, err);
  if (status == SAC_OK) status = sac_lower_compare(state->cfg, state->lower, file, err);
  if (status == SAC_OK) status = sac_tensors_get_state(file, state->agent, state->i_seed, err);
  if (status == SAC_OK) status = load_statistics(state, file, err);
  // evaluating needs no counters
  if (status == SAC_OK && complete) status = load_progress(state, file, err);
  if (status == SAC_OK && complete) status = load_exploration(state, file, err);
  if (status == SAC_OK && complete) status = load_environments(state, file, err);
  if (status == SAC_OK && complete) status = load_replay(state, file, err);
  if (status == SAC_OK && complete) sac_agent_set_updates(state->agent, state->progress->updates);
  sac_safetensors_close(file);
  return status;
}

static void say_skipped(sac_log *log, const char *path, const sac_error *why) {
  // a missing or damaged block of the replay is named without the checkpoint that lists it
  bool is_named = strncmp(why->text, path, strlen(path)) == 0;
  sac_log_line(log, "warning: skipped %s%s%s", is_named ? "" : path, is_named ? "" : ": ",
               why->text);
}

sac_status sac_checkpoint_load_newest(const sac_state *state, const sac_checkpoint_search *search,
                                      char *used, sac_error *err) {
  char **paths;
  const char *folder = search->folder;
  int count, tried = 0;
  sac_error why;
  SAC_TRY(sac_checkpoint_list(folder, &paths, &count, err));
  sac_status status = SAC_BAD_CHECKPOINT;
  for (int i = 0; i < count && status == SAC_BAD_CHECKPOINT; i++) {
    if (sac_checkpoint_steps(paths[i]) > search->most) continue;
    tried++;
    status = sac_checkpoint_load(state, paths[i], search->complete, &why);
    snprintf(used, SAC_PATH_MAX, "%s", paths[i]);
    if (status == SAC_BAD_CHECKPOINT) say_skipped(search->log, paths[i], &why);
  }
  sac_names_free(paths, count);
  if (status == SAC_OK) return SAC_OK;
  if (status != SAC_BAD_CHECKPOINT) return sac_error_set(err, status, "%s", why.text);
  if (count == 0)
    return sac_error_set(err, status,
                         "%s: has no checkpoint; begin anew with `sac train %s/config.yaml`",
                         folder, folder);
  return sac_error_set(err, status, "%s: none of its %d checkpoints can be used (see the warnings)",
                       folder, tried);
}

static sac_status hash_rows(void *context, const sac_block *block, const sac_safetensors *file,
                            uint64_t from, uint64_t to, sac_error *err) {
  (void)err;
  const sac_tensor *rows = sac_safetensors_find(file, "rows");
  size_t row_bytes = sac_tensor_bytes(rows) / (size_t)block->count;
  const char *data = rows->data;
  XXH3_64bits_update(context, data + (size_t)(from - block->first) * row_bytes,
                     (size_t)(to - from) * row_bytes);
  return SAC_OK;
}

static void hash_text(XXH3_state_t *hash, const char *text) {
  if (text) XXH3_64bits_update(hash, text, strlen(text) + 1);
}

static void hash_tensors(XXH3_state_t *hash, const sac_safetensors *file) {
  for (int i = 0; i < sac_safetensors_count(file); i++) {
    const sac_tensor *tensor = sac_safetensors_at(file, i);
    hash_text(hash, tensor->name);
    XXH3_64bits_update(hash, tensor->data, sac_tensor_bytes(tensor));
  }
}

// the log's folder lies beside the checkpoint
static sac_status hash_replay(XXH3_state_t *hash, const sac_safetensors *file, sac_error *err) {
  char folder[SAC_PATH_MAX];
  const char *list = sac_safetensors_text(file, "replay.blocks"),
             *path = sac_safetensors_path(file);
  const char *slash = strrchr(path, '/');
  if (!list) return SAC_OK;
  int length = slash ? (int)(slash - path) + 1 : 0;
  if (snprintf(folder, sizeof folder, "%.*sreplay", length, path) >= (int)sizeof folder)
    return sac_error_set(err, SAC_BAD_DISK, "%s: the path is too long", path);
  sac_live_rows live = {0};
  sac_block_visitor visitor = {hash_rows, hash};
  SAC_TRY(read_live_rows(file, UINT64_MAX, &live, err));
  return sac_replay_log_visit(folder, list, &live, &visitor, err);
}

sac_status sac_checkpoint_digest(const sac_safetensors *file, char digest[17], sac_error *err) {
  const char *format = sac_safetensors_text(file, "format");
  if (!format || strcmp(format, "sac-checkpoint") != 0)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: is not a checkpoint of sac",
                         sac_safetensors_path(file));
  XXH3_state_t *hash = XXH3_createState();
  if (!hash) return sac_error_set(err, SAC_FAILED, "no memory for a hash");
  XXH3_64bits_reset(hash);
  hash_tensors(hash, file);
  for (int i = 0; i < COUNTERS; i++) hash_text(hash, sac_safetensors_text(file, counters[i].key));
  hash_text(hash, sac_safetensors_text(file, "replay.pushed"));
  sac_status status = hash_replay(hash, file, err);
  snprintf(digest, 17, "%016llx", (unsigned long long)XXH3_64bits_digest(hash));
  XXH3_freeState(hash);
  return status;
}
