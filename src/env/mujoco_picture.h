// Pictures of MuJoCo tasks, by the engine's own renderer.
#pragma once

#include "sac/env.h"

/// How a task is looked at, in the manner of Gymnasium's default camera: along y, which is from the
/// side.
typedef struct sac_mujoco_camera {
  double distance;   // m
  double elevation;  // degrees; negative looks down
  double at[3];      // m: what is looked at
  bool stays;        // at `at` itself; else x and y are counted from the robot's centre of mass
  float light;       // added to that of the model's headlight, for files that are dark
} sac_mujoco_camera;

/// `draw` of an environment whose shared part is a sac_mujoco.
sac_status sac_mujoco_draw(const void *shared, const void *env, sac_picture *picture,
                           sac_error *err);
