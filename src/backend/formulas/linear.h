// Activations of layers.
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

/// max(x, 0); NaN stays.
SAC_HOST_DEVICE sac_real sac_relu(sac_real x) {
  return x < 0 ? (sac_real)0 : x;
}

/// act(x).
SAC_HOST_DEVICE sac_real sac_activate(sac_real x, sac_activation activation) {
  if (activation == SAC_RELU) return sac_relu(x);
  return activation == SAC_TANH ? sac_math_tanh(x) : x;
}
