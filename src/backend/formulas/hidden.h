// Layer normalisation (Ba et al. 2016) and dropout between the layers of a network.
#pragma once

#include "backend/backend.h"

/// Added to the variance of a layer's units before it divides: PyTorch's value.
#define SAC_LAYER_NORM_EPS ((sac_real)1e-5)

/// dJ/du of layer normalisation over `units` units: dx = dJ/dx of one of them, sums over all.
SAC_HOST_DEVICE sac_real sac_normalised_slope(sac_real dx, sac_real x, sac_real sum_dx,
                                              sac_real sum_dx_x, sac_real rate, int units) {
  return rate * (dx - (sum_dx + x * sum_dx_x) / (sac_real)units);
}

/// Words below it leave their unit out: share * 2^32.
SAC_HOST_DEVICE uint32_t sac_drop_threshold(double share) {
  return (uint32_t)(share * 4294967296.0);
}

/// The first block of words of a layer, of which each serves four neighbouring units.
SAC_HOST_DEVICE uint32_t sac_drop_block(const sac_dropout *dropout, int member) {
  return (uint32_t)(member % dropout->networks * 8 + dropout->layer) << 11;
}
