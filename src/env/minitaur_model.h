// The robot of Minitaur-v0: Ghost Robotics' Minitaur as pybullet describes it.
#pragma once

enum {
  SAC_MINITAUR_MOTORS = 8,
  SAC_MINITAUR_NQ = 23,  // place and quaternion of the base; for each motor its joint and its knee
  SAC_MINITAUR_NV = 22,
  SAC_MINITAUR_BASE = 1  // its number as a body; the ground is 0
};

/// Where motor i stands among the positions and the velocities; its knee follows.
#define SAC_MINITAUR_QPOS(i) (7 + 2 * (i))
#define SAC_MINITAUR_QVEL(i) (6 + 2 * (i))

/// MJCF. Motors stand in pybullet's order: front left, back left, front right, back right, in each
/// leg L then R; the gears turn the left side's, so that positive is the same way for all. Controls
/// are torques in Nm. Four `connect` constraints close the legs.
const char *sac_minitaur_model(void);
