// Messages over a horizon: backward to values and policies, forward to evidence and posterior.
#pragma once

#include "inference/solution.h"

/// Fill v, q and policy.
void sac_messages_backward(const sac_mdp *mdp, sac_solution *solution);

/// Fill forward, log_evidence and posterior from v, for exact inference:
///   f_0 = p(s_0);  f_{t+1}(s') = sum_{s,a} f_t(s) p(a|s) exp(r / alpha) gamma P(s'|s,a)
///   p(O) = sum_s f_t(s) exp(V_t(s) / alpha) + what ended before t, at every t
/// `scratch` is (n_states).
void sac_messages_forward(const sac_mdp *mdp, sac_solution *solution, double *scratch);
