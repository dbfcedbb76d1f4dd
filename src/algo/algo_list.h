// Every algorithm, by its definition: one line here, one file beside.
#pragma once

#include "algo/algorithm.h"

extern const sac_algorithm_def sac_soft_actor_critic;
extern const sac_algorithm_def sac_soft_actor_critic_v1;
extern const sac_algorithm_def sac_maxent_policy_gradient;
extern const sac_algorithm_def sac_soft_q_learning;

#define SAC_ALGORITHMS                                                            \
  &sac_soft_actor_critic, &sac_soft_actor_critic_v1, &sac_maxent_policy_gradient, \
      &sac_soft_q_learning
