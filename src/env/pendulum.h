// Pendulum-v1's formulas. Types and their order are Gymnasium's, so that every bit agrees on the
// host; what NumPy computes in float32 is float here. One header for gcc and nvcc.
#pragma once

#include "env/arithmetic.h"
#include "env/numpy_random.h"
#include "sac/env.h"

typedef struct sac_pendulum_state {
  double angle, speed;  // rad from upright, rad/s
} sac_pendulum_state;

typedef struct sac_pendulum_task {
  double gravity;  // m/s^2
} sac_pendulum_task;

#define SAC_PENDULUM_PI 3.14159265358979323846

SAC_HOST_DEVICE void sac_pendulum_observe(const sac_pendulum_state *self, double *obs) {
  obs[0] = sac_narrow(cos(self->angle));
  obs[1] = sac_narrow(sin(self->angle));
  obs[2] = sac_narrow(self->speed);
}

SAC_HOST_DEVICE void sac_pendulum_reset(const void *shared, void *env, uint64_t seed, double *obs) {
  (void)shared;
  sac_pendulum_state *self = (sac_pendulum_state *)env;
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  self->angle = sac_numpy_random_uniform(&random, -SAC_PENDULUM_PI, SAC_PENDULUM_PI);
  self->speed = sac_numpy_random_uniform(&random, -1, 1);
  sac_pendulum_observe(self, obs);
}

// the remainder that has the sign of the divisor, as in Python
SAC_HOST_DEVICE double sac_pendulum_wrap(double angle) {
  double turn = fmod(angle + SAC_PENDULUM_PI, 2 * SAC_PENDULUM_PI);
  if (turn < 0) turn += 2 * SAC_PENDULUM_PI;
  return turn - SAC_PENDULUM_PI;
}

SAC_HOST_DEVICE void sac_pendulum_step(const void *shared, void *env, const float *action,
                                       double *obs, sac_env_result *result) {
  const sac_pendulum_task *task = (const sac_pendulum_task *)shared;
  sac_pendulum_state *self = (sac_pendulum_state *)env;
  const double dt = 0.05, max_speed = 8, max_torque = 2;
  float torque = (float)sac_clamp((double)action[0], -max_torque, max_torque);

  double angle = sac_pendulum_wrap(self->angle), speed = self->speed;
  float effort = 0.001f * sac_square_float(torque);
  result->reward = -(sac_square(angle) + 0.1 * sac_square(speed) + (double)effort);

  double pull = 3 * task->gravity / 2.0 * sin(self->angle);
  speed += (pull + (double)(3.0f * torque)) * dt;
  self->speed = sac_clamp(speed, -max_speed, max_speed);
  self->angle += self->speed * dt;
  sac_pendulum_observe(self, obs);
}
