// One instance and its clock.
#include "env/environment.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// the saved form begins with this
typedef struct clock_state {
  int64_t step;
  double total_reward;
} clock_state;

static size_t obs_bytes(const sac_task *task) {
  return sizeof(double) * sac_view_values(&task->view);
}

// a state that cannot be saved is stood for by the seed
static size_t state_bytes(const sac_task *task) {
  return sac_task_restarts(task) ? sizeof(uint64_t) : task->spec.state_bytes;
}

const char *sac_environment_engine(void) {
  return mj_versionString();
}

sac_status sac_environment_create(const sac_task *task, sac_environment *environment,
                                  sac_error *err) {
  const sac_env_def *def = task->def;
  *environment = (sac_environment){.task = task};
  environment->obs = calloc(sac_view_values(&task->view), sizeof(double));
  environment->scratch = calloc(1, state_bytes(task));
  bool enough = environment->obs && environment->scratch;
  sac_status status = SAC_OK;
  if (enough && def->create) status = def->create(task->shared, &environment->instance, err);
  if (enough && !def->create) {
    environment->instance = calloc(1, task->spec.state_bytes);
    enough = environment->instance != NULL;
  }
  if (!enough) status = sac_error_set(err, SAC_FAILED, "%s: out of memory", def->id);
  if (status != SAC_OK) sac_environment_destroy(environment);
  return status;
}

void sac_environment_destroy(sac_environment *environment) {
  if (environment->instance) {
    void (*destroy)(void *) =
        environment->task->def->create ? environment->task->def->destroy : free;
    destroy(environment->instance);
  }
  free(environment->obs);
  free(environment->scratch);
  *environment = (sac_environment){.task = NULL};
}

// the first value that is not finite once it has the width of network input
static sac_trouble look_for_trouble(const char *field, const double *values, int count) {
  for (int i = 0; i < count; i++) {
    if (!isfinite((sac_real)values[i]))
      return (sac_trouble){.field = field, .index = i, .value = values[i]};
  }
  return (sac_trouble){.field = NULL};
}

static sac_trouble look_for_failure(const sac_environment *environment) {
  const sac_task *task = environment->task;
  if (!task->def->failure) return (sac_trouble){.fault = NULL};
  const char *failure = task->def->failure(task->shared, environment->instance);
  return (sac_trouble){.fault = failure, .failed = failure != NULL};
}

// the first value of an action (A) that is not finite, or -1
static int find_bad_action(const sac_task *task, const float *action) {
  for (int i = 0; i < task->spec.act_dim; i++)
    if (!isfinite(action[i])) return i;
  return -1;
}

void sac_environment_reset(sac_environment *environment, uint64_t seed) {
  const sac_task *task = environment->task;
  environment->step = 0;
  environment->total_reward = 0;
  environment->seed = seed;
  task->def->reset(task->shared, environment->instance, seed, environment->obs);
  sac_view_begin(&task->view, environment->obs);
  environment->trouble = look_for_failure(environment);
  if (!environment->trouble.fault)
    environment->trouble = look_for_trouble("observation", environment->obs, task->spec.obs_dim);
}

void sac_environment_send_reset(sac_environment *environment, uint64_t seed) {
  const sac_task *task = environment->task;
  if (task->def->send_reset) task->def->send_reset(task->shared, environment->instance, seed);
}

// the action as the task takes it; `taken` is the canonical one
static void prepare_action(const sac_environment *environment, const sac_real *action,
                           sac_real *taken, float *own) {
  const sac_task *task = environment->task;
  sac_view_smooth(&task->view, action, environment->obs, taken);
  sac_task_action(task, taken, own);
}

void sac_environment_send(sac_environment *environment, const sac_real *action) {
  const sac_task *task = environment->task;
  float own[SAC_ENV_ACTION_MAX];
  sac_real taken[SAC_ENV_ACTION_MAX];
  if (!task->def->send) return;
  prepare_action(environment, action, taken, own);
  if (find_bad_action(task, own) < 0) task->def->send(task->shared, environment->instance, own);
}

// repeat the action until the frames are over, the task ends or it breaks
static sac_trouble advance_task(sac_environment *environment, const float *action,
                                sac_outcome *outcome) {
  const sac_task *task = environment->task;
  for (int i = 0; i < task->frame_skip && !outcome->terminated && !outcome->truncated; i++) {
    sac_env_result result = {.reward = 0};
    task->def->step(task->shared, environment->instance, action, environment->obs, &result);
    if (result.fault) return (sac_trouble){.fault = result.fault};
    sac_trouble failure = look_for_failure(environment);
    if (failure.fault) return failure;
    outcome->reward += result.reward;
    outcome->terminated = result.terminated;
    outcome->truncated = result.truncated;
  }
  sac_trouble trouble = look_for_trouble("observation", environment->obs, task->spec.obs_dim);
  if (trouble.field || isfinite((sac_real)outcome->reward)) return trouble;
  return (sac_trouble){.field = "reward", .index = SAC_NO_INDEX, .value = outcome->reward};
}

void sac_environment_step(sac_environment *environment, const sac_real *action,
                          sac_outcome *outcome) {
  const sac_task *task = environment->task;
  float own[SAC_ENV_ACTION_MAX];
  sac_real taken[SAC_ENV_ACTION_MAX];
  *outcome = (sac_outcome){.reward = 0};
  environment->step++;
  prepare_action(environment, action, taken, own);
  sac_view_remember(&task->view, taken, environment->obs);
  int bad = find_bad_action(task, own);
  if (bad >= 0) {
    environment->trouble =
        (sac_trouble){.field = "action", .index = bad, .value = (double)action[bad]};
    return;
  }
  environment->trouble = advance_task(environment, own, outcome);
  environment->total_reward += outcome->reward;
  if (task->time_limit > 0 && environment->step >= task->time_limit) outcome->truncated = true;
}

sac_status sac_environment_check(const sac_environment *environment, const char *who,
                                 sac_error *err) {
  const sac_trouble *trouble = &environment->trouble;
  char index[16] = "", what[128];
  if (!trouble->field && !trouble->fault) return SAC_OK;
  if (trouble->index != SAC_NO_INDEX) snprintf(index, sizeof index, "[%d]", trouble->index);
  if (trouble->field)
    snprintf(what, sizeof what, "%s%s is %g", trouble->field, index, trouble->value);
  return sac_error_set(err, trouble->failed ? SAC_BAD_ENV : SAC_BAD_NUMBER,
                       "%s (%s), step %lld of its episode: %s", who, environment->task->def->id,
                       (long long)environment->step, trouble->fault ? trouble->fault : what);
}

void sac_environment_observe(const sac_environment *environment, sac_real *out) {
  for (int i = 0; i < environment->task->spec.obs_dim; i++) out[i] = (sac_real)environment->obs[i];
}

sac_status sac_environment_draw(const sac_environment *environment, sac_picture *picture,
                                sac_error *err) {
  const sac_task *task = environment->task;
  if (task->def->draw) return task->def->draw(task->shared, environment->instance, picture, err);
  return sac_error_set(err, SAC_BAD_CONFIG, "there are no pictures of %s", task->def->id);
}

size_t sac_environment_bytes(const sac_task *task) {
  size_t bytes = sizeof(clock_state) + obs_bytes(task) + state_bytes(task);
  return (bytes + 7) / 8 * 8;
}

void sac_environment_save(const sac_environment *environment, uint8_t *bytes) {
  const sac_task *task = environment->task;
  clock_state clock = {environment->step, environment->total_reward};
  const void *state = environment->instance;
  if (sac_task_restarts(task)) {
    state = &environment->seed;
  } else if (task->def->create) {
    task->def->save(task->shared, environment->instance, environment->scratch);
    state = environment->scratch;
  }
  memset(bytes, 0, sac_environment_bytes(task));
  memcpy(bytes, &clock, sizeof clock);
  memcpy(bytes + sizeof clock, environment->obs, obs_bytes(task));
  memcpy(bytes + sizeof clock + obs_bytes(task), state, state_bytes(task));
}

void sac_environment_load(sac_environment *environment, const uint8_t *bytes) {
  const sac_task *task = environment->task;
  clock_state clock;
  if (sac_task_restarts(task)) {
    uint64_t seed;
    memcpy(&seed, bytes + sizeof clock + obs_bytes(task), sizeof seed);
    sac_environment_reset(environment, seed);
    return;
  }
  void *state = task->def->create ? (void *)environment->scratch : environment->instance;
  memcpy(&clock, bytes, sizeof clock);
  memcpy(environment->obs, bytes + sizeof clock, obs_bytes(task));
  memcpy(state, bytes + sizeof clock + obs_bytes(task), task->spec.state_bytes);
  if (task->def->create) task->def->load(task->shared, environment->instance, state);
  environment->step = clock.step;
  environment->total_reward = clock.total_reward;
  environment->trouble = (sac_trouble){.field = NULL};
}
