// Targets and losses.
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

/// y = kappa r + gamma (1 - d) next; `next` has no say where d = 1, even as NaN.
SAC_HOST_DEVICE sac_real sac_bellman_target(sac_real reward, sac_real terminated, sac_real next,
                                            sac_real gamma, sac_real reward_scale) {
  sac_real future = terminated == 1 ? (sac_real)0 : gamma * ((1 - terminated) * next);
  return reward_scale * reward + future;
}

/// Whether `q` takes the minimum's place from `best`: NaN wins, and the first of equals.
SAC_HOST_DEVICE bool sac_minimum_moves(sac_real q, sac_real best) {
  return (q < best) | ((q != q) & (best == best));
}

/// Half the square of `error`, and the Huber loss with threshold 1; their slopes.
SAC_HOST_DEVICE sac_real sac_square_loss(sac_real error) {
  return (sac_real)0.5 * error * error;
}
SAC_HOST_DEVICE sac_real sac_huber_loss(sac_real error) {
  sac_real size = sac_math_size(error);
  return size > 1 ? size - (sac_real)0.5 : (sac_real)0.5 * error * error;
}
SAC_HOST_DEVICE sac_real sac_huber_slope(sac_real error) {
  sac_real y = error < -1 ? (sac_real)-1 : error;
  return y > 1 ? (sac_real)1 : y;
}

/// d/dlog alpha of the loss over -mean(log pi + target entropy): of log alpha, or of alpha itself.
SAC_HOST_DEVICE sac_real sac_temperature_weight(sac_real log_alpha, bool plain) {
  return plain ? sac_math_exp(log_alpha) : (sac_real)1;
}
