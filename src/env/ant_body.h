// The four-legged robot of Ant-v5 and of the tasks built on it.
#pragma once

#include "env/mujoco.h"

enum {
  SAC_ANT_NQ = 15,
  SAC_ANT_NV = 14,
  SAC_ANT_NU = 8,
  SAC_ANT_BODIES = 14,
  SAC_ANT_FORCES = 6 * (SAC_ANT_BODIES - 1),  // the world's own entry is left out
  SAC_ANT_TORSO = 1,                          // its number as a body
  SAC_ANT_OBS = SAC_ANT_NQ - 2 + SAC_ANT_NV + SAC_ANT_FORCES
};

/// Where pictures are taken from.
#define SAC_ANT_CAMERA                                   \
  {                                                      \
    .distance = 4, .elevation = -30, .at = { 0, 0, 0.4 } \
  }

/// Positions without the first `n_hidden`, velocities, and the contact forces clipped to `force`
/// unless that is NULL. Returns the end of what was written.
double *sac_ant_observe(const sac_mujoco *mujoco, const mjData *data, int n_hidden,
                        const sac_range *force, double *obs);

/// The state is finite and the torso's height within `height`, ends included.
bool sac_ant_is_healthy(const mjData *data, sac_range height);

/// Of the torso in the plane over the last step, in m/s.
double sac_ant_speed(const sac_mujoco *mujoco, sac_mujoco_env *env);
