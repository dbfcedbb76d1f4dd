// Critics: stacks of networks with one output, with or without a slowly following target copy.
#pragma once

#include "config/config.h"
#include "nn/mlp.h"

/// `networks` critics for each seed: Q functions over [s | a], or one value function over s.
typedef struct sac_critic {
  sac_mlp mlp;
  sac_params params;
  sac_params target;  ///< same views, values only; not allocated where there is no target
} sac_critic;

/// How a critic differs from another.
typedef struct sac_critic_shape {
  const char *prefix, *target_prefix;  ///< "critic.qf" and "critic_target.qf"; target NULL for none
  bool numbered;
  int n_seeds, networks, input;
} sac_critic_shape;

sac_status sac_critic_create(const sac_config *cfg, sac_critic_shape shape, sac_backend *backend,
                             sac_critic *critic, sac_error *err);
void sac_critic_release(sac_critic *critic);

/// target <- value, exactly.
void sac_critic_copy_target(sac_critic *critic);
