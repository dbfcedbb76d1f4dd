// Multigoal-v0's formulas (Haarnoja et al. 2017, section 5.1): a point in the plane, four goals of
// equal worth, so that the soft optimum goes to all of them. s' = clip(s + a), both clipped; reward
// -c_a |a|^2 - c_d min_g |s' - g|^2, and a bonus within 1 of a goal, where the episode ends. One
// header for gcc and nvcc.
#pragma once

#include "env/arithmetic.h"
#include "env/numpy_random.h"
#include "sac/env.h"

typedef struct sac_multigoal_state {
  double at[2];
} sac_multigoal_state;

typedef struct sac_multigoal_task {
  double action_cost, distance_cost, goal_reward;
} sac_multigoal_task;

enum { SAC_MULTIGOAL_GOALS = 4 };
#define SAC_MULTIGOAL_BOUND 7.0
#define SAC_MULTIGOAL_GOAL 5.0

SAC_HOST_DEVICE void sac_multigoal_place(sac_multigoal_state *self, double x, double y,
                                         double *obs) {
  self->at[0] = obs[0] = sac_clamp(x, -SAC_MULTIGOAL_BOUND, SAC_MULTIGOAL_BOUND);
  self->at[1] = obs[1] = sac_clamp(y, -SAC_MULTIGOAL_BOUND, SAC_MULTIGOAL_BOUND);
}

SAC_HOST_DEVICE void sac_multigoal_reset(const void *shared, void *env, uint64_t seed,
                                         double *obs) {
  (void)shared;
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  double x = 0.1 * sac_numpy_random_normal(&random), y = 0.1 * sac_numpy_random_normal(&random);
  sac_multigoal_place((sac_multigoal_state *)env, x, y, obs);
}

/// Squared distance to the nearest goal: (+-5, 0) and (0, +-5).
SAC_HOST_DEVICE double sac_multigoal_distance(const double *at) {
  double nearest = INFINITY;
  for (int i = 0; i < SAC_MULTIGOAL_GOALS; i++) {
    double place = i % 2 ? -SAC_MULTIGOAL_GOAL : SAC_MULTIGOAL_GOAL;
    double dx = at[0] - (i < 2 ? place : 0), dy = at[1] - (i < 2 ? 0 : place);
    double distance = dx * dx + dy * dy;
    nearest = distance < nearest ? distance : nearest;
  }
  return nearest;
}

SAC_HOST_DEVICE void sac_multigoal_step(const void *shared, void *env, const float *action,
                                        double *obs, sac_env_result *result) {
  const sac_multigoal_task *task = (const sac_multigoal_task *)shared;
  sac_multigoal_state *self = (sac_multigoal_state *)env;
  double dx = sac_clamp((double)action[0], -1, 1), dy = sac_clamp((double)action[1], -1, 1);
  sac_multigoal_place(self, self->at[0] + dx, self->at[1] + dy, obs);
  double distance = sac_multigoal_distance(self->at);
  result->terminated = distance < 1;
  result->reward = -task->action_cost * (dx * dx + dy * dy) - task->distance_cost * distance +
                   (result->terminated ? task->goal_reward : 0);
}
