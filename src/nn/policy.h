// The policy: a network from observations to the mean and log standard deviation of a (squashed)
// Gaussian.
#pragma once

#include "config/config.h"
#include "nn/mlp.h"

/// Policies of all seeds; one network a seed. The head's rows 0..A-1 give the mean, A..2A-1 log
/// sigma.
typedef struct sac_policy {
  sac_mlp mlp;
  sac_params params;  ///< named as in a Stable-Baselines3 actor
  sac_gaussian gaussian;
} sac_policy;

/// Describe and allocate the policies of `n_seeds` seeds for observations of `obs_dim` values.
sac_status sac_policy_create(const sac_config *cfg, int n_seeds, int obs_dim, int act_dim,
                             sac_backend *backend, sac_policy *policy, sac_error *err);
void sac_policy_release(sac_policy *policy);

/// What `sac_policy_sample` reads and writes. `noise.data` NULL gives the deterministic action.
typedef struct sac_policy_draw {
  int rows;
  sac_stack obs;     // (n_seeds, rows, obs_dim), may be columns of wider rows
  sac_stack noise;   // (n_seeds, rows, A)
  sac_stack action;  // (n_seeds, rows, A)
  sac_stack log_pi;  // (n_seeds, rows, 1); data may be NULL
} sac_policy_draw;

/// a = f(noise; s) and log pi(a|s) of every row; leaves the pass ready for sac_mlp_backward.
void sac_policy_sample(const sac_policy *policy, sac_mlp_pass *pass, const sac_policy_draw *draw);
