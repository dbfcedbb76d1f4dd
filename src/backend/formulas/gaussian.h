// The squashed Gaussian policy (SAC v2 appendix C).
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

#define SAC_HALF_LOG_TWO_PI ((sac_real)0.918938533204672742)
#define SAC_LOG_TWO ((sac_real)0.693147180559945309)
#define SAC_CORRECTION_EPS ((sac_real)1e-6)
#define SAC_SIGMA_MIN ((sac_real)1e-5)

/// clamp(x); the gradient passes inside, ends included.
SAC_HOST_DEVICE sac_real sac_log_std_clamp(sac_real x, sac_real low, sac_real high) {
  sac_real y = x < low ? low : x;
  return y > high ? high : y;
}
SAC_HOST_DEVICE sac_real sac_log_std_clamp_slope(sac_real x, sac_real low, sac_real high) {
  return ((x < low) | (x > high)) ? (sac_real)0 : (sac_real)1;
}

/// low + (high - low) / 2 (tanh x + 1).
SAC_HOST_DEVICE sac_real sac_log_std_tanh(sac_real x, sac_real low, sac_real high) {
  return low + (high - low) * (sac_real)0.5 * (sac_math_tanh(x) + 1);
}
SAC_HOST_DEVICE sac_real sac_log_std_tanh_slope(sac_real x, sac_real low, sac_real high) {
  return (high - low) * (sac_real)0.5 * sac_math_sech2(x);
}

/// sigma = softplus(x) + 1e-5, and d log sigma / dx.
SAC_HOST_DEVICE sac_real sac_sigma_softplus(sac_real x) {
  return sac_math_softplus(x) + SAC_SIGMA_MIN;
}
SAC_HOST_DEVICE sac_real sac_log_std_softplus_slope(sac_real x, sac_real sigma) {
  return sac_math_sigmoid(x) / sigma;
}

/// log sigma and sigma from the raw output, and d log sigma / d raw, in any mode.
typedef struct sac_spread {
  sac_real log_std, sigma, slope;
} sac_spread;
SAC_HOST_DEVICE sac_spread sac_spread_of(const sac_gaussian *g, sac_real raw) {
  sac_spread spread;
  sac_real low = g->log_std_min, high = g->log_std_max;
  if (g->mode == SAC_LOG_STD_SOFTPLUS) {
    spread.sigma = sac_sigma_softplus(raw);
    spread.log_std = sac_math_log(spread.sigma);
    spread.slope = sac_log_std_softplus_slope(raw, spread.sigma);
    return spread;
  }
  bool clamps = g->mode == SAC_LOG_STD_CLAMP;
  spread.log_std = clamps ? sac_log_std_clamp(raw, low, high) : sac_log_std_tanh(raw, low, high);
  spread.slope =
      clamps ? sac_log_std_clamp_slope(raw, low, high) : sac_log_std_tanh_slope(raw, low, high);
  spread.sigma = sac_math_exp(spread.log_std);
  return spread;
}

/// a = tanh(u), or u where a policy does not squash.
SAC_HOST_DEVICE sac_real sac_squashed(sac_real u, bool squash) {
  return squash ? sac_math_tanh(u) : u;
}

/// c(u) = log(1 - tanh^2 u), in the softplus form.
SAC_HOST_DEVICE sac_real sac_squash_correction(sac_real u) {
  sac_real size = sac_math_size(u);
  return 2 * ((SAC_LOG_TWO - size) - sac_math_log1p(sac_math_exp(-2 * size)));
}

/// c(u) as log(1 - a^2 + 1e-6), which saturates; 1 - a^2 from u, because a loses its digits near 1.
SAC_HOST_DEVICE sac_real sac_squash_correction_eps(sac_real u) {
  return sac_math_log(sac_math_sech2(u) + SAC_CORRECTION_EPS);
}

/// c(u) as a policy's options have it; 0 where it does not squash.
SAC_HOST_DEVICE sac_real sac_squash_volume(sac_real u, bool squash, bool exact) {
  if (!squash) return 0;
  return exact ? sac_squash_correction(u) : sac_squash_correction_eps(u);
}

/// da/du = 1 - a^2, and -dc/du, as a policy's options have them.
SAC_HOST_DEVICE sac_real sac_squash_jacobian(sac_real u, bool squash) {
  return squash ? sac_math_sech2(u) : (sac_real)1;
}
SAC_HOST_DEVICE sac_real sac_squash_slope(sac_real a, sac_real jacobian, bool squash, bool exact) {
  if (!squash) return 0;
  return exact ? 2 * a : 2 * a * jacobian / (jacobian + SAC_CORRECTION_EPS);
}

/// log N(u; mu, sigma) of one dimension, with noise = (u - mu) / sigma.
SAC_HOST_DEVICE sac_real sac_normal_log_density(sac_real noise, sac_real log_std) {
  return -(sac_real)0.5 * noise * noise - log_std - SAC_HALF_LOG_TWO_PI;
}

/// B dJ/du of one dimension: alpha (-dc/du + a da/du under the normal prior) - g da/du.
SAC_HOST_DEVICE sac_real sac_action_gradient(sac_real alpha, sac_real slope, bool normal_prior,
                                             sac_real a, sac_real jacobian, sac_real g) {
  sac_real pull = normal_prior ? a * jacobian : (sac_real)0;
  return alpha * (slope + pull) - g * jacobian;
}
