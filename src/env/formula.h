// Environments that are plain formulas may live in a backend's memory: this header is their step,
// with the agent's clock and the restart of episodes, for gcc and nvcc. vec_env.c and
// environment.c do the same on the host for every environment.
#pragma once

#include <math.h>
#include <stddef.h>

#include "backend/backend.h"
#include "env/draws.h"
#include "env/linear_quadratic.h"
#include "env/mountain_car_continuous.h"
#include "env/multigoal.h"
#include "env/pendulum.h"

/// One line each: the NAME of env/NAME.h, which defines sac_NAME_state, sac_NAME_task (what `open`
/// makes), sac_NAME_reset and sac_NAME_step, and of the sac_env_def sac_NAME.
#define SAC_FORMULA_LIST(X)  \
  X(pendulum)                \
  X(mountain_car_continuous) \
  X(linear_quadratic)        \
  X(multigoal)

typedef enum sac_formula {
#define X(name) SAC_FORMULA_##name,
  SAC_FORMULA_LIST(X)
#undef X
      SAC_N_FORMULAS
} sac_formula;

/// Most values of an observation and of an action.
enum { SAC_FORMULA_OBS_MAX = 8, SAC_FORMULA_ACTION_MAX = 8 };

/// What all environments of a run share.
typedef struct sac_formula_world {
  sac_formula formula;
  int obs_dim, act_dim, frame_skip;
  int64_t time_limit;  // 0 means none
  uint64_t seed;
  float action_mid[SAC_FORMULA_ACTION_MAX], action_half[SAC_FORMULA_ACTION_MAX];
  double uniform_low[SAC_FORMULA_ACTION_MAX], uniform_high[SAC_FORMULA_ACTION_MAX];
  union {
#define X(name) sac_##name##_task name;
    SAC_FORMULA_LIST(X)
#undef X
  } task;
} sac_formula_world;

/// One environment, in the bytes of a checkpoint (sac_vec_env_save): this, the observation (S
/// doubles), the task's state.
typedef struct sac_formula_record {
  uint64_t started;  // episodes begun
  int64_t step;      // of the episode
  double total_reward;
} sac_formula_record;

typedef enum sac_formula_field {
  SAC_FORMULA_SOUND,
  SAC_FORMULA_ACTION,
  SAC_FORMULA_OBS,
  SAC_FORMULA_REWARD
} sac_formula_field;

/// What a step of one environment brought besides its row.
typedef struct sac_formula_event {
  double total_reward, value;  // of an episode that ended; of the number that is not finite
  int64_t length;
  int32_t terminated, truncated;
  int32_t field, index;  // sac_formula_field: where that number stands
} sac_formula_event;

/// Bits that say whether the events are worth reading.
#define SAC_FORMULA_ENDED 1u
#define SAC_FORMULA_BROKEN 2u

SAC_HOST_DEVICE void sac_formula_reset(const sac_formula_world *world, void *state, uint64_t seed,
                                       double *obs) {
  switch (world->formula) {
#define X(name)                                              \
  case SAC_FORMULA_##name:                                   \
    sac_##name##_reset(&world->task.name, state, seed, obs); \
    break;
    SAC_FORMULA_LIST(X)
#undef X
    case SAC_N_FORMULAS:
      break;
  }
}

SAC_HOST_DEVICE void sac_formula_advance(const sac_formula_world *world, void *state,
                                         const float *action, double *obs, sac_env_result *result) {
  switch (world->formula) {
#define X(name)                                                       \
  case SAC_FORMULA_##name:                                            \
    sac_##name##_step(&world->task.name, state, action, obs, result); \
    break;
    SAC_FORMULA_LIST(X)
#undef X
    case SAC_N_FORMULAS:
      break;
  }
}

SAC_HOST_DEVICE void sac_formula_observe(const sac_formula_world *world, const double *obs,
                                         sac_real *out) {
  for (int j = 0; j < world->obs_dim; j++) out[j] = (sac_real)obs[j];
}

// note the first of `count` values that is not finite as network input
SAC_HOST_DEVICE void sac_formula_look(sac_formula_field field, const double *values, int count,
                                      sac_formula_event *event) {
  for (int j = 0; j < count && event->field == SAC_FORMULA_SOUND; j++) {
    if (isfinite((sac_real)values[j])) continue;
    event->field = (int32_t)field;
    event->index = j;
    event->value = values[j];
  }
}

// the action in the task's own range; notes one that is not finite
SAC_HOST_DEVICE void sac_formula_action(const sac_formula_world *world, const sac_real *action,
                                        float *own, sac_formula_event *event) {
  for (int j = 0; j < world->act_dim; j++) {
    own[j] = world->action_mid[j] + world->action_half[j] * (float)action[j];
    double canonical = (double)action[j];
    if (!isfinite(own[j]) && event->field == SAC_FORMULA_SOUND) {
      event->field = SAC_FORMULA_ACTION;
      event->index = j;
      event->value = canonical;
    }
  }
}

/// One step of environment `i_env`: its row of `op->rows` is completed, its next observation
/// written, its event noted. Returns the bits for `op->news`.
SAC_HOST_DEVICE unsigned sac_formula_step(const sac_env_step *op, int i_env) {
  const sac_formula_world *world = op->world;
  uint8_t *bytes = op->records + (size_t)i_env * op->record_bytes;
  sac_formula_record *record = (sac_formula_record *)bytes;
  double *obs = (double *)(bytes + sizeof *record);
  void *state = obs + world->obs_dim;
  sac_real *row = op->rows + (size_t)i_env * (size_t)op->layout.width;
  sac_real *action = row + op->layout.obs_dim, *reward = action + op->layout.act_dim;
  sac_real *next_start = op->next_obs + (size_t)i_env * (size_t)op->layout.width;
  sac_formula_event event = {0, 0, 0, 0, 0, SAC_FORMULA_SOUND, 0};

  sac_formula_observe(world, obs, row);
  reward[2 + world->obs_dim] = record->step == 0;
  for (int j = 0; op->uniform && j < world->act_dim; j++)
    action[j] = (sac_real)sac_uniform_action(world->seed, op->step, i_env, j, world->uniform_low[j],
                                             world->uniform_high[j]);
  float own[SAC_FORMULA_ACTION_MAX];
  const sac_real *applied = op->applied ? op->applied + (action - op->rows) : action;
  sac_formula_action(world, applied, own, &event);
  record->step++;
  double total = 0;
  bool terminated = false;
  for (int i = 0; i < world->frame_skip && !terminated && event.field == SAC_FORMULA_SOUND; i++) {
    sac_env_result result = {0, false, false, NULL};
    sac_formula_advance(world, state, own, obs, &result);
    total += result.reward;
    terminated = result.terminated;
  }
  sac_formula_look(SAC_FORMULA_OBS, obs, world->obs_dim, &event);
  sac_formula_look(SAC_FORMULA_REWARD, &total, 1, &event);
  record->total_reward += total;
  bool truncated = world->time_limit > 0 && record->step >= world->time_limit;
  reward[0] = (sac_real)total;
  reward[1] = terminated;
  if (op->truncated) row[op->truncated] = truncated;
  sac_formula_observe(world, obs, reward + 2);

  bool broken = event.field != SAC_FORMULA_SOUND, ended = terminated || truncated;
  if (ended) {
    event.terminated = terminated;
    event.truncated = truncated;
    event.total_reward = record->total_reward;
    event.length = record->step;
  }
  if (ended && !broken) {
    record->step = 0;
    record->total_reward = 0;
    sac_formula_reset(world, state, sac_episode_seed(world->seed, record->started++, i_env), obs);
    sac_formula_look(SAC_FORMULA_OBS, obs, world->obs_dim, &event);
    broken = event.field != SAC_FORMULA_SOUND;
  }
  sac_formula_observe(world, obs, next_start);
  op->events[i_env] = event;
  return (ended ? SAC_FORMULA_ENDED : 0) | (broken ? SAC_FORMULA_BROKEN : 0);
}
