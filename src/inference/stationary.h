// Soft value iteration without a horizon, with a bound on what it leaves.
#pragma once

#include "inference/solution.h"

/// Fill v (both rows), q, policy, sweeps and error_bound. SAC_BAD_NUMBER when it does not settle:
/// exact inference with rewards above 0 may have no finite evidence.
///
/// One sweep shrinks the error by kappa in the largest norm: gamma for variational inference; for
/// exact inference gamma / (gamma + (1 - gamma) exp(-V / alpha)) at the largest V, which is at most
/// gamma where no V is above 0. Hence |V - V*| <= kappa / (1 - kappa) |V - V before the sweep|, to
/// which the bound adds what rounding may do.
sac_status sac_stationary_solve(const sac_mdp *mdp, sac_solution *solution, sac_error *err);
