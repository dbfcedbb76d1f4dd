#include "env/device_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/formula.h"

struct sac_device_env {
  sac_backend *backend;
  int count;  // E
  size_t record_bytes;
  sac_formula_world world;  // the host's copy
  // in backend memory
  sac_formula_world *world_there;
  uint8_t *records;  // (E, record_bytes)
  sac_formula_event *events;
  uint64_t *news;
  // in host memory
  sac_formula_event *events_here;
};

#define X(name) extern const sac_env_def sac_##name;
SAC_FORMULA_LIST(X)
#undef X

static const struct {
  const sac_env_def *def;
  size_t task_bytes;
} formulas[SAC_N_FORMULAS] = {
#define X(name) {&sac_##name, sizeof(sac_##name##_task)},
    SAC_FORMULA_LIST(X)
#undef X
};

static sac_status find_formula(const sac_config *cfg, const sac_env_def *def, sac_formula *formula,
                               sac_error *err) {
  char all[512] = "";
  size_t used = 0;
  for (int i = 0; i < SAC_N_FORMULAS; i++) {
    *formula = (sac_formula)i;
    if (formulas[i].def == def) return SAC_OK;
    used +=
        (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", formulas[i].def->id);
    SAC_ASSERT(used < sizeof all);
  }
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: env.device is %s, must be cpu for %s; %s run there",
                       sac_config_where(cfg, "env.device"),
                       sac_config_word("env.device", cfg->env.device), def->id, all);
}

// formula.h has neither a history nor smoothing
static sac_status check_view(const sac_config *cfg, const sac_view *view, sac_error *err) {
  if (view->n_past == 0 && view->n_actions == 0 && !(view->smoothing > 0)) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: env.device is %s, must be cpu with env.history or env.action_smoothing",
                       sac_config_where(cfg, "env.device"),
                       sac_config_word("env.device", cfg->env.device));
}

static sac_status fill_world(const sac_vec_env_options *options, const sac_task *task,
                             sac_formula_world *world, sac_error *err) {
  SAC_TRY(find_formula(options->cfg, task->def, &world->formula, err));
  SAC_TRY(check_view(options->cfg, &task->view, err));
  const sac_env_spec *spec = &task->spec;
  SAC_ASSERT(spec->obs_dim <= SAC_FORMULA_OBS_MAX && spec->act_dim <= SAC_FORMULA_ACTION_MAX);
  world->obs_dim = spec->obs_dim;
  world->act_dim = spec->act_dim;
  world->frame_skip = task->frame_skip;
  world->time_limit = task->time_limit;
  world->seed = options->seed;
  for (int j = 0; j < spec->act_dim; j++) {
    world->action_mid[j] = task->action_mid[j];
    world->action_half[j] = task->action_half[j];
    world->uniform_low[j] = task->uniform_low[j];
    world->uniform_high[j] = task->uniform_high[j];
  }
  memcpy(&world->task, task->shared, formulas[world->formula].task_bytes);
  return SAC_OK;
}

static sac_status allocate(sac_device_env *self, sac_error *err) {
  sac_backend *backend = self->backend;
  size_t count = (size_t)self->count;
  void *memory = NULL;
  SAC_TRY(backend->ops->alloc(backend, sizeof *self->world_there, &memory, err));
  self->world_there = memory;
  SAC_TRY(backend->ops->alloc(backend, count * self->record_bytes, &memory, err));
  self->records = memory;
  SAC_TRY(backend->ops->alloc(backend, count * sizeof *self->events, &memory, err));
  self->events = memory;
  SAC_TRY(backend->ops->alloc(backend, sizeof *self->news, &memory, err));
  self->news = memory;
  self->events_here = calloc(count, sizeof *self->events_here);
  if (!self->events_here)
    return sac_error_set(err, SAC_FAILED, "out of memory for %d environments", self->count);
  return SAC_OK;
}

sac_status sac_device_env_create(const sac_vec_env_options *options, const sac_task *task,
                                 sac_device_env **device, sac_error *err) {
  sac_backend *backend = options->backend;
  if (!backend->ops->env_step)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s: env.device is %s, must be cpu where run.device "
                         "is %s",
                         sac_config_where(options->cfg, "env.device"),
                         sac_config_word("env.device", options->cfg->env.device),
                         backend->ops->device);
  sac_device_env *self = *device = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "%s: out of memory", task->def->id);
  self->backend = backend;
  self->count = (int)options->cfg->env.n_envs;
  self->record_bytes = sizeof(uint64_t) + sac_environment_bytes(task);
  sac_status status = fill_world(options, task, &self->world, err);
  if (status == SAC_OK) status = allocate(self, err);
  if (status == SAC_OK) {
    backend->ops->upload(backend, self->world_there, &self->world, sizeof self->world);
    return SAC_OK;
  }
  sac_device_env_destroy(self);
  *device = NULL;
  return status;
}

void sac_device_env_destroy(sac_device_env *device) {
  if (!device) return;
  void *memory[] = {device->world_there, device->records, device->events, device->news};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (memory[i]) device->backend->ops->release(device->backend, memory[i]);
  free(device->events_here);
  free(device);
}

static void read_episodes(const sac_device_env *self, sac_episode *episodes) {
  for (int i = 0; i < self->count; i++) {
    const sac_formula_event *event = &self->events_here[i];
    episodes[i] = (sac_episode){event->terminated != 0, event->truncated != 0, event->total_reward,
                                event->length};
  }
}

static void find_trouble(const sac_device_env *self, int *broken, sac_trouble *trouble) {
  static const char *const names[] = {[SAC_FORMULA_ACTION] = "action",
                                      [SAC_FORMULA_OBS] = "observation",
                                      [SAC_FORMULA_REWARD] = "reward"};
  int i = 0;
  while (self->events_here[i].field == SAC_FORMULA_SOUND) i++;
  const sac_formula_event *event = &self->events_here[i];
  int index = event->field == SAC_FORMULA_REWARD ? SAC_NO_INDEX : event->index;
  *broken = i;
  *trouble = (sac_trouble){.field = names[event->field], .index = index, .value = event->value};
}

// what the step brought is read only where there is something to read
static void read_news(sac_device_env *self, sac_episode *episodes, int *broken,
                      sac_trouble *trouble) {
  const sac_ops *ops = self->backend->ops;
  uint64_t news = 0, none = 0;
  ops->download(self->backend, &news, self->news, sizeof news);
  memset(episodes, 0, (size_t)self->count * sizeof *episodes);
  if (news == 0) return;
  ops->upload(self->backend, self->news, &none, sizeof none);
  ops->download(self->backend, self->events_here, self->events,
                (size_t)self->count * sizeof *self->events);
  read_episodes(self, episodes);
  if (news & SAC_FORMULA_BROKEN) find_trouble(self, broken, trouble);
}

// the rows whose actions are taken, where these lie elsewhere
static const sac_real *find_applied(const sac_formula_world *world, const sac_transitions *rows) {
  return rows->action == rows->obs + world->obs_dim ? NULL : rows->action - world->obs_dim;
}

sac_status sac_device_env_step(sac_device_env *device, const sac_transitions *rows, sac_real *obs,
                               sac_episode *episodes, int *broken, sac_trouble *trouble,
                               sac_error *err) {
  const sac_formula_world *world = &device->world;
  sac_env_step step = {.n = device->count,
                       .world = device->world_there,
                       .records = device->records,
                       .record_bytes = device->record_bytes,
                       .layout = {world->obs_dim, world->act_dim, rows->ld, rows->ld},
                       .rows = rows->obs,
                       .applied = find_applied(world, rows),
                       .next_obs = obs,
                       .events = device->events,
                       .news = device->news,
                       .uniform = rows->uniform,
                       .step = rows->step,
                       .truncated = rows->truncated ? (int)(rows->truncated - rows->obs) : 0};
  *broken = -1;
  device->backend->ops->env_step(device->backend, &step);
  read_news(device, episodes, broken, trouble);
  return device->backend->ops->sync(device->backend, err);
}

void sac_device_env_save(const sac_device_env *device, uint8_t *bytes) {
  device->backend->ops->download(device->backend, bytes, device->records,
                                 (size_t)device->count * device->record_bytes);
}

// a row at a time: a load is rare
void sac_device_env_load(sac_device_env *device, const uint8_t *bytes, sac_real *obs, int ld) {
  const sac_ops *ops = device->backend->ops;
  const sac_formula_world *world = &device->world;
  ops->upload(device->backend, device->records, bytes,
              (size_t)device->count * device->record_bytes);
  for (int i = 0; i < device->count; i++) {
    double from[SAC_FORMULA_OBS_MAX];
    sac_real row[SAC_FORMULA_OBS_MAX];
    const uint8_t *record = bytes + (size_t)i * device->record_bytes;
    memcpy(from, record + sizeof(sac_formula_record), sizeof *from * (size_t)world->obs_dim);
    sac_formula_observe(world, from, row);
    ops->upload(device->backend, obs + (size_t)i * (size_t)ld, row,
                sizeof *row * (size_t)world->obs_dim);
  }
}
