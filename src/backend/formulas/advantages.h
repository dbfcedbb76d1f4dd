// Generalised advantages (Schulman et al. 2016).
#pragma once

#include "backend/backend.h"

/// One step of the scan that gives generalised advantages, from the step after it: delta + gamma
/// lambda A, the latter only within the episode. `v_next` has no say where d = 1, even as NaN.
SAC_HOST_DEVICE sac_real sac_advantage(sac_real reward, sac_real terminated, sac_real v,
                                       sac_real v_next, sac_real gamma, sac_real carried) {
  sac_real future = terminated == 1 ? (sac_real)0 : gamma * v_next;
  return (reward + future - v) + carried;
}
