// What is drawn from the replay: its scaling, and windows of several steps.
#pragma once

#include "backend/backend.h"

/// The bound of what is normalised, that of Stable-Baselines3's VecNormalize.
#define SAC_NORMALISED_MAX 10

/// NaN stays NaN.
SAC_HOST_DEVICE sac_real sac_normalised(sac_real x, sac_real mean, sac_real scale) {
  const sac_real most = SAC_NORMALISED_MAX;
  sac_real y = (x - mean) * scale;
  return y > most ? most : y < -most ? -most : y;
}

/// A window of transitions as it is walked along.
typedef struct sac_window {
  size_t place;     // of the transition reached
  uint64_t newer;   // rows stored after it
  int length;       // transitions so far
  sac_real factor;  // gamma^length
  sac_real reward;  // sum of gamma^i r_i
} sac_window;

SAC_HOST_DEVICE const sac_real *sac_window_row(const sac_replay_gather *op, int i, size_t place) {
  return op->ring + ((size_t)i * op->capacity + place) * (size_t)op->layout.width;
}

/// Take up the reward of the transition reached.
SAC_HOST_DEVICE void sac_window_collect(const sac_replay_gather *op, int i, sac_window *window) {
  const sac_real *row = sac_window_row(op, i, window->place);
  sac_real reward = row[op->layout.obs_dim + op->layout.act_dim];
  if (op->reward_factor) reward = sac_normalised(reward, 0, op->reward_factor[i]);
  window->reward += window->factor * reward;
  window->factor *= op->gamma;
  window->length++;
}

SAC_HOST_DEVICE sac_window sac_window_begin(const sac_replay_gather *op, int i, size_t place) {
  sac_window window = {place, (op->pushed[i] - 1 - place) % op->capacity, 0, 1, 0};
  sac_window_collect(op, i, &window);
  return window;
}

/// Go on to the environment's next transition; false where the window ends with the one reached.
SAC_HOST_DEVICE bool sac_window_advance(const sac_replay_gather *op, int i, sac_window *window) {
  const sac_real *row = sac_window_row(op, i, window->place);
  size_t next = (window->place + (size_t)op->n_envs) % op->capacity;
  int obs_dim = op->layout.obs_dim, terminated = obs_dim + op->layout.act_dim + 1;
  if (window->length >= op->n_steps || window->newer < (uint64_t)op->n_envs) return false;
  if (row[terminated] == 1 || sac_window_row(op, i, next)[terminated + 1 + obs_dim] == 1)
    return false;
  window->place = next;
  window->newer -= (uint64_t)op->n_envs;
  sac_window_collect(op, i, window);
  return true;
}
