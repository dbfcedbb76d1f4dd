// The squash of actions over lanes. What a policy's options decide is decided outside of the loops,
// which would be no vector code otherwise.
#pragma once

#include "backend/formulas/gaussian.h"
#include "cpu/lanes.h"

/// sac_squashed of each; `action` may be `u`.
static inline void sac_lanes_squash(bool squash, const sac_real u[SAC_CHUNK],
                                    sac_real action[SAC_CHUNK]) {
  if (squash)
    for (int r = 0; r < SAC_CHUNK; r++) action[r] = sac_squashed(u[r], true);
  else
    for (int r = 0; r < SAC_CHUNK; r++) action[r] = u[r];
}

/// c(u), as sac_squash_volume.
static inline void sac_lanes_volume(bool squash, bool exact, const sac_real u[SAC_CHUNK],
                                    sac_real volume[SAC_CHUNK]) {
  for (int r = 0; r < SAC_CHUNK; r++) volume[r] = 0;
  if (squash && exact)
    for (int r = 0; r < SAC_CHUNK; r++) volume[r] = sac_squash_correction(u[r]);
  if (squash && !exact)
    for (int r = 0; r < SAC_CHUNK; r++) volume[r] = sac_squash_correction_eps(u[r]);
}

/// da/du and -dc/du, as sac_squash_jacobian and sac_squash_slope.
static inline void sac_lanes_squash_slopes(bool squash, bool exact, const sac_real u[SAC_CHUNK],
                                           const sac_real action[SAC_CHUNK],
                                           sac_real jacobian[SAC_CHUNK],
                                           sac_real slope[SAC_CHUNK]) {
  for (int r = 0; r < SAC_CHUNK; r++) jacobian[r] = 1, slope[r] = 0;
  if (!squash) return;
  for (int r = 0; r < SAC_CHUNK; r++) jacobian[r] = sac_squash_jacobian(u[r], true);
  if (exact)
    for (int r = 0; r < SAC_CHUNK; r++)
      slope[r] = sac_squash_slope(action[r], jacobian[r], true, true);
  else
    for (int r = 0; r < SAC_CHUNK; r++)
      slope[r] = sac_squash_slope(action[r], jacobian[r], true, false);
}
