// MountainCarContinuous-v0's formulas. Types are Gymnasium's, so that every bit agrees on the host:
// there the state is float64 at the start of an episode and float32 after the first step, and a
// force beyond the bounds becomes a float64 number where one within is float32. One header for gcc
// and nvcc.
#pragma once

#include "env/arithmetic.h"
#include "env/numpy_random.h"
#include "sac/env.h"

typedef struct sac_mountain_car_continuous_state {
  double position, speed;
  bool narrow;  // the state is float32 numbers
  char unused[7];
} sac_mountain_car_continuous_state;

typedef struct sac_mountain_car_continuous_task {
  double goal_speed;
} sac_mountain_car_continuous_task;

SAC_HOST_DEVICE void sac_mountain_car_continuous_set(void *env, double position, double speed,
                                                     bool narrow, double *obs) {
  sac_mountain_car_continuous_state *self = (sac_mountain_car_continuous_state *)env;
  self->position = position;
  self->speed = speed;
  self->narrow = narrow;
  for (int i = 0; i < 7; i++) self->unused[i] = 0;
  obs[0] = sac_narrow(position);
  obs[1] = sac_narrow(speed);
}

SAC_HOST_DEVICE void sac_mountain_car_continuous_reset(const void *shared, void *env, uint64_t seed,
                                                       double *obs) {
  (void)shared;
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  double position = sac_numpy_random_uniform(&random, -0.6, -0.4);
  sac_mountain_car_continuous_set(env, position, 0, false, obs);
}

SAC_HOST_DEVICE double sac_mountain_car_continuous_round(bool narrow, double value) {
  return narrow ? sac_narrow(value) : value;
}

// change of speed by the motor and the slope
SAC_HOST_DEVICE double sac_mountain_car_continuous_accelerate(bool narrow, double position,
                                                              float action) {
  const double power = 0.0015, steepness = 0.0025;
  bool clipped = action < -1 || action > 1;
  double force = clipped ? copysign(1.0, (double)action) : (double)action;
  double slope = steepness * cos(sac_mountain_car_continuous_round(narrow, 3 * position));
  if (clipped) return sac_mountain_car_continuous_round(narrow, force * power - slope);
  return (double)((float)force * (float)power - (float)slope);
}

SAC_HOST_DEVICE void sac_mountain_car_continuous_step(const void *shared, void *env,
                                                      const float *action, double *obs,
                                                      sac_env_result *result) {
  const sac_mountain_car_continuous_task *task = (const sac_mountain_car_continuous_task *)shared;
  sac_mountain_car_continuous_state *self = (sac_mountain_car_continuous_state *)env;
  bool narrow = self->narrow;
  double low = sac_mountain_car_continuous_round(narrow, -1.2);
  double high = sac_mountain_car_continuous_round(narrow, 0.6);
  double goal = sac_mountain_car_continuous_round(narrow, 0.45);
  double top_speed = sac_mountain_car_continuous_round(narrow, 0.07);
  double goal_speed = sac_mountain_car_continuous_round(narrow, task->goal_speed);

  double speed =
      self->speed + sac_mountain_car_continuous_accelerate(narrow, self->position, action[0]);
  speed = sac_clamp(sac_mountain_car_continuous_round(narrow, speed), -top_speed, top_speed);
  double position = sac_mountain_car_continuous_round(narrow, self->position + speed);
  position = sac_clamp(position, low, high);
  if (position == low && speed < 0) speed = 0;

  result->terminated = position >= goal && speed >= goal_speed;
  double effort = (double)action[0] * (double)action[0] * 0.1;
  result->reward = (result->terminated ? 100.0 : 0.0) - effort;
  sac_mountain_car_continuous_set(env, sac_narrow(position), sac_narrow(speed), true, obs);
}
