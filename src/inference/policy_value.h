// What a policy is worth in the real dynamics, whatever it was made for.
#pragma once

#include "inference/mdp.h"

typedef struct sac_policy_value {
  double expected_return;  // E sum_t gamma^t r
  double entropy;          // E sum_t gamma^t H(pi(.|s_t)), nats
  double divergence;       // E sum_t gamma^t KL(pi(.|s_t) || prior), nats
  double objective;        // expected_return - temperature * divergence
  double error_bound;      // on expected_return; 0 over a horizon
} sac_policy_value;

/// Evaluate `policy`, (sac_mdp_times(mdp), stride): rows of each stage's choices. Its divergence is
/// infinite where it does what the prior excludes.
sac_status sac_policy_evaluate(const sac_mdp *mdp, const double *policy, int stride,
                               sac_policy_value *out, sac_error *err);

/// p(s_t) under the policy, (horizon + 1, n_states); for problems with a horizon. What discounting
/// ends is missing from the sums.
void sac_policy_visits(const sac_mdp *mdp, const double *policy, int stride, double *visits);
