// Markov chains on exp(Q / alpha) (Duane et al. 1987).
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

/// Momentum after the force has acted for `time`.
SAC_HOST_DEVICE sac_real sac_kicked(sac_real momentum, sac_real time, sac_real score) {
  return momentum + time * score;
}
/// One dimension's |p'|^2 / 2 - |p|^2 / 2, as a product: the difference of squares would cancel.
SAC_HOST_DEVICE sac_real sac_kinetic_change(sac_real from, sac_real to) {
  return (sac_real)0.5 * (to - from) * (to + from);
}
/// Whether a chain takes its proposal, whose energy is higher by `energy`.
SAC_HOST_DEVICE bool sac_chain_moves(sac_real energy, sac_real z0, sac_real z1, bool always) {
  bool finite = sac_math_size(energy) < INFINITY;
  return finite & (always | (energy < (sac_real)0.5 * (z0 * z0 + z1 * z1)));
}
