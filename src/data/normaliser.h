// Running statistics of what the environments of one run give, as Stable-Baselines3's VecNormalize
// keeps them: observations for themselves, rewards by the discounted return.
#pragma once

#include "base/real.h"
#include "base/status.h"

/// Mean and variance of everything seen so far, by Chan's parallel update. Starts at 0 and 1, with
/// a weight that the first rows outweigh.
typedef struct sac_running {
  int dim;
  double count;
  double *mean, *var;  // (dim)
} sac_running;

typedef struct sac_normaliser {
  int n_envs;
  double gamma;
  sac_running obs;      // (S)
  sac_running returns;  // (1)
  double *discounted;   // (n_envs) return of the episode so far
  // what networks take: see sac_agent_set_scaling
  sac_real *obs_mean, *obs_scale;  // (S)
  sac_real reward_scale;
} sac_normaliser;

sac_status sac_normaliser_create(int obs_dim, int n_envs, double gamma, sac_normaliser **normaliser,
                                 sac_error *err);
void sac_normaliser_destroy(sac_normaliser *normaliser);

/// Observations that will be acted on: n_envs rows of S, `ld` values apart.
void sac_normaliser_see(sac_normaliser *normaliser, const sac_real *obs, int ld);

/// The rewards of a step: n_envs of them, `ld` values apart, and which episodes it ended.
void sac_normaliser_reward(sac_normaliser *normaliser, const sac_real *reward, int ld,
                           const bool *ended);

/// Compute what networks take from the statistics; after these changed from outside too.
void sac_normaliser_settle(sac_normaliser *normaliser);
