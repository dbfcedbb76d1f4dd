// The MuJoCo engine under an environment: a model shared by all instances, the data of one.
#pragma once

#include "sac/env.h"

#include <mujoco/mujoco.h>

/// What a task's code takes for granted about its model.
typedef struct sac_mujoco_model {
  const char *xml;  // name of the asset file
  int nq, nv, nu;   // positions, velocities, controls
} sac_mujoco_model;

/// The shared part; a task's own starts with it.
typedef struct sac_mujoco {
  mjModel *model;
  int frame_skip;  // engine steps in one step
  double dt;       // seconds in one step
} sac_mujoco;

/// One instance.
typedef struct sac_mujoco_env {
  mjData *data;
  double x_before;  // m: where the next step starts from; kept here because what the engine would
                    // say after a restore may lag behind
} sac_mujoco_env;

/// Make a zeroed shared part of `size` bytes, load its model and fill what that determines of
/// `spec`: everything but `obs_dim` and `max_episode_steps`. SAC_BAD_ENV when the file is missing,
/// the engine refuses it or it holds another model.
sac_status sac_mujoco_open(const sac_mujoco_model *wanted, int frame_skip, size_t size,
                           sac_env_spec *spec, void **shared, sac_error *err);

/// `close`, `create`, `destroy`, `save` and `load` of an environment with such a shared part.
void sac_mujoco_close(void *shared);
sac_status sac_mujoco_create(const void *shared, void **env, sac_error *err);
void sac_mujoco_destroy(void *env);
void sac_mujoco_save(const void *shared, const void *env, void *bytes);
void sac_mujoco_load(const void *shared, void *env, const void *bytes);

/// Start from `state`: positions (nq), then velocities (nv).
void sac_mujoco_begin(const sac_mujoco *mujoco, sac_mujoco_env *env, const double *state);

/// One step under a control (nu). Returns NULL, or the sentence for `fault`: the engine warned,
/// which mostly means that it silently put itself back to the start.
const char *sac_mujoco_advance(const sac_mujoco *mujoco, sac_mujoco_env *env, const float *action);

/// Speed of the first position over the last step, m/s. Call it once after each step.
double sac_mujoco_x_speed(const sac_mujoco *mujoco, sac_mujoco_env *env);

/// `engine` of an environment: the simulation of one step and nothing else.
void sac_mujoco_engine(const void *shared, void *env, const float *action);

/// weight * sum of squares of the action (nu), in float32 as the reference computes it (exact for
/// fewer than eight values: NumPy adds those one after the other).
double sac_mujoco_control_cost(const sac_mujoco *mujoco, double weight, const float *action);
