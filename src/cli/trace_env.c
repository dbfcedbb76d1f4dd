// `sac trace env`: an environment alone, for comparison with the reference.
#include "cli/trace.h"

#include "base/philox.h"
#include "env/task.h"
#include "io/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWN_STEPS = 1000 };

// inputs and outputs of a trace; all owned
typedef struct trace {
  sac_task *task;
  void *instance;
  int64_t n_steps;  // T
  bool has_state;
  double *state;      // (state_dim)
  float *actions;     // (T, A)
  double *obs;        // (T + 1, S)
  double *reward;     // (T)
  float *terminated;  // (T)
} trace;

static sac_status allocate(size_t count, size_t size, void *out, sac_error *err) {
  void *memory = calloc(count ? count : 1, size);
  *(void **)out = memory;
  return memory ? SAC_OK : sac_error_set(err, SAC_FAILED, "out of memory for %zu values", count);
}

static sac_status allocate_trace(trace *self, sac_error *err) {
  const sac_env_spec *spec = &self->task->spec;
  size_t steps = (size_t)self->n_steps;
  SAC_TRY(allocate(steps * (size_t)spec->act_dim, sizeof(float), &self->actions, err));
  SAC_TRY(allocate((steps + 1) * (size_t)spec->obs_dim, sizeof(double), &self->obs, err));
  SAC_TRY(allocate(steps, sizeof(double), &self->reward, err));
  return allocate(steps, sizeof(float), &self->terminated, err);
}

static void release_trace(trace *self) {
  if (self->task && self->task->def->create && self->instance)
    self->task->def->destroy(self->instance);
  else
    free(self->instance);
  sac_task_close(self->task);
  free(self->state);
  free(self->actions);
  free(self->obs);
  free(self->reward);
  free(self->terminated);
}

// a configuration of the environment and its keywords alone
static sac_status configure(const sac_trace_env_options *options, sac_config *cfg, sac_error *err) {
  char id[sizeof cfg->env.id + 16];
  size_t given = (size_t)options->n_overrides;
  const char **overrides = malloc((given + 1) * sizeof *overrides);
  if (!overrides) return sac_error_set(err, SAC_FAILED, "out of memory");
  if (given > 0) memcpy(overrides, options->overrides, given * sizeof *overrides);
  snprintf(id, sizeof id, "env.id=%s", options->id);
  overrides[given] = id;
  sac_status status = sac_config_load(NULL, options->n_overrides + 1, overrides, cfg, err);
  free(overrides);
  return status;
}

static sac_status open_instance(const sac_trace_env_options *options, trace *self, sac_error *err) {
  sac_config cfg;
  SAC_TRY(configure(options, &cfg, err));
  SAC_TRY(sac_task_open(&cfg, false, &self->task, err));
  const sac_env_spec *spec = &self->task->spec;
  SAC_TRY(allocate((size_t)spec->state_dim, sizeof(double), &self->state, err));
  const sac_env_def *def = self->task->def;
  if (def->create) return def->create(self->task->shared, &self->instance, err);
  return allocate(spec->state_bytes, 1, &self->instance, err);
}

// ---- inputs ----

static sac_status read_values(const sac_safetensors *file, const char *name, int count, double *out,
                              sac_error *err) {
  sac_tensor wanted = {.name = name, .rank = 1, .shape = {count}};
  return sac_safetensors_get_doubles(file, &wanted, out, err);
}

static sac_status read_state(const sac_safetensors *file, trace *self, sac_error *err) {
  const sac_env_spec *spec = &self->task->spec;
  bool engine = spec->qpos_dim > 0;
  self->has_state =
      spec->state_dim > 0 && sac_safetensors_find(file, engine ? "qpos" : "state") != NULL;
  if (!self->has_state) return SAC_OK;
  if (!engine) return read_values(file, "state", spec->state_dim, self->state, err);
  SAC_TRY(read_values(file, "qpos", spec->qpos_dim, self->state, err));
  return read_values(file, "qvel", spec->state_dim - spec->qpos_dim, self->state + spec->qpos_dim,
                     err);
}

static sac_status read_actions(const sac_safetensors *file, trace *self, sac_error *err) {
  const sac_tensor *found = sac_safetensors_find(file, "actions");
  int act_dim = self->task->spec.act_dim;
  self->n_steps = found && found->rank > 0 ? found->shape[0] : 0;
  sac_tensor wanted = {.name = "actions", .rank = 2, .shape = {self->n_steps, act_dim}};
  double *values = NULL;
  SAC_TRY(allocate((size_t)self->n_steps * (size_t)act_dim, sizeof *values, &values, err));
  sac_status status = sac_safetensors_get_doubles(file, &wanted, values, err);
  if (status == SAC_OK) status = allocate_trace(self, err);
  for (int64_t i = 0; status == SAC_OK && i < self->n_steps * act_dim; i++)
    self->actions[i] = (float)values[i];
  free(values);
  return status;
}

static sac_status draw_actions(uint64_t seed, trace *self, sac_error *err) {
  const sac_env_spec *spec = &self->task->spec;
  self->n_steps = DRAWN_STEPS;
  SAC_TRY(allocate_trace(self, err));
  for (int i = 0; i < DRAWN_STEPS; i++) {
    for (int j = 0; j < spec->act_dim; j++) {
      sac_words words = sac_draw(seed, SAC_DRAW_TRACE, (uint64_t)i, 0, (uint32_t)j / 4);
      float low = (float)spec->action_low[j], high = (float)spec->action_high[j];
      self->actions[i * spec->act_dim + j] = low + (high - low) * sac_uniform(words.at[j % 4]);
    }
  }
  return SAC_OK;
}

static sac_status read_inputs(const sac_trace_env_options *options, trace *self, sac_error *err) {
  if (!options->in) return draw_actions(options->seed, self, err);
  sac_safetensors *file;
  SAC_TRY(sac_safetensors_open(options->in, false, &file, err));
  sac_status status = read_actions(file, self, err);
  if (status == SAC_OK && !options->has_seed) status = read_state(file, self, err);
  sac_safetensors_close(file);
  return status;
}

// ---- the computation ----

static sac_status check_failure(const trace *self, int64_t step, sac_error *err) {
  const sac_env_def *def = self->task->def;
  const char *text = def->failure ? def->failure(self->task->shared, self->instance) : NULL;
  if (!text) return SAC_OK;
  return sac_error_set(err, SAC_BAD_ENV, "%s, step %lld: %s", def->id, (long long)step, text);
}

static sac_status step_through(trace *self, uint64_t seed, sac_error *err) {
  const sac_task *task = self->task;
  const sac_env_def *def = task->def;
  double *obs = self->obs;
  if (self->has_state)
    def->set_state(task->shared, self->instance, self->state, obs);
  else
    def->reset(task->shared, self->instance, seed, obs);
  SAC_TRY(check_failure(self, 0, err));
  for (int64_t i = 0; i < self->n_steps; i++) {
    const float *action = self->actions + i * task->spec.act_dim;
    sac_env_result result = {.reward = 0};
    obs += task->spec.obs_dim;
    def->step(task->shared, self->instance, action, obs, &result);
    self->reward[i] = result.reward;
    self->terminated[i] = result.terminated;
    if (result.fault) fprintf(stderr, "step %lld: %s\n", (long long)i + 1, result.fault);
    SAC_TRY(check_failure(self, i + 1, err));
  }
  return SAC_OK;
}

// ---- outputs ----

// observations that are float32 numbers are stored as such
static sac_status fill_narrow(void *context, size_t offset, void *bytes, size_t count,
                              sac_error *err) {
  (void)err;
  const double *obs = context;
  float *out = bytes;
  for (size_t i = 0; i < count / sizeof *out; i++) out[i] = (float)obs[offset / sizeof *out + i];
  return SAC_OK;
}

static void add_vector(sac_safetensors_writer *writer, const char *name, sac_dtype dtype,
                       int64_t count, const void *data) {
  sac_tensor tensor = {.name = name, .dtype = dtype, .rank = 1, .shape = {count}, .data = data};
  sac_safetensors_add(writer, &tensor);
}

static void add_matrices(const trace *self, sac_safetensors_writer *writer) {
  const sac_env_spec *spec = &self->task->spec;
  sac_tensor actions = {.name = "actions", .dtype = SAC_F32, .rank = 2, .data = self->actions};
  sac_tensor obs = {.name = "obs", .dtype = SAC_F64, .rank = 2, .data = self->obs};
  if (spec->float32_obs)
    obs = (sac_tensor){
        .name = "obs", .dtype = SAC_F32, .rank = 2, .fill = fill_narrow, .context = self->obs};
  actions.shape[0] = self->n_steps;
  actions.shape[1] = spec->act_dim;
  obs.shape[0] = self->n_steps + 1;
  obs.shape[1] = spec->obs_dim;
  sac_safetensors_add(writer, &obs);
  sac_safetensors_add(writer, &actions);
}

static void add_start(const trace *self, sac_safetensors_writer *writer) {
  int n_positions = self->task->spec.qpos_dim, n_state = self->task->spec.state_dim;
  if (n_positions > 0) {
    add_vector(writer, "qpos", SAC_F64, n_positions, self->state);
    add_vector(writer, "qvel", SAC_F64, n_state - n_positions, self->state + n_positions);
  } else {
    add_vector(writer, "state", SAC_F64, n_state, self->state);
  }
}

static sac_status write_outputs(const trace *self, const char *path, sac_error *err) {
  sac_safetensors_writer *writer;
  SAC_TRY(sac_safetensors_writer_create(&writer, err));
  add_matrices(self, writer);
  add_vector(writer, "reward", SAC_F64, self->n_steps, self->reward);
  add_vector(writer, "terminated", SAC_F32, self->n_steps, self->terminated);
  if (self->has_state) add_start(self, writer);
  sac_safetensors_note(writer, "env", self->task->def->id);
  sac_status status = sac_safetensors_write(writer, path, err);
  sac_safetensors_writer_destroy(writer);
  return status;
}

sac_status sac_trace_env(const sac_trace_env_options *options, sac_error *err) {
  trace self = {.n_steps = 0};
  sac_status status = open_instance(options, &self, err);
  if (status == SAC_OK) status = read_inputs(options, &self, err);
  if (status == SAC_OK) status = step_through(&self, options->seed, err);
  if (status == SAC_OK) status = write_outputs(&self, options->out, err);
  release_trace(&self);
  return status;
}
