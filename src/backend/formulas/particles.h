// Proposals, Stein particles and what they weigh in soft Q-learning (Haarnoja et al. 2017; Liu &
// Wang 2016).
#pragma once

#include <string.h>

#include "backend/backend.h"
#include "backend/elementary.h"
#include "backend/formulas/gaussian.h"

/// A word as an action uniform in (-1, 1).
SAC_HOST_DEVICE sac_real sac_proposal_uniform(uint32_t word) {
  return 2 * (sac_real)sac_uniform(word) - 1;
}

/// A proposal's deviation from that of the particles: those in one place are no proposal.
SAC_HOST_DEVICE sac_real sac_proposal_sigma(sac_real sigma) {
  return sigma < (sac_real)1e-2 ? (sac_real)1e-2 : sigma;
}

/// Whether action k of a proposal comes from the fitted normal, else from the uniform part.
SAC_HOST_DEVICE bool sac_proposal_is_fitted(int k) {
  return k % 2 == 0;
}

/// u of a uniform action, as atanh.
SAC_HOST_DEVICE sac_real sac_unsquashed(sac_real a) {
  return (sac_real)0.5 * (sac_math_log(1 + a) - sac_math_log(1 - a));
}

/// log(exp(x) + exp(y)).
SAC_HOST_DEVICE sac_real sac_log_sum(sac_real x, sac_real y) {
  sac_real most = x > y ? x : y;
  return most + sac_math_log1p(sac_math_exp(-sac_math_size(x - y)));
}

/// log q of one of `count` actions, from its log density under the fitted normal: the mixture of
/// the two parts in their true numbers, or the uniform density alone.
SAC_HOST_DEVICE sac_real sac_proposal_log_density(sac_real log_normal, int act_dim, bool fitted,
                                                  int count) {
  sac_real uniform = -(sac_real)act_dim * SAC_LOG_TWO;
  if (!fitted) return uniform;
  sac_real share = (sac_real)((count + 1) / 2) / (sac_real)count;
  return sac_log_sum(sac_math_log(share) + log_normal, sac_math_log(1 - share) + uniform);
}

/// g = (dm/da / alpha) (1 - a^2) - 2a before the squashing, and the authors' over the action.
SAC_HOST_DEVICE sac_real sac_score(sac_real slope, sac_real a, sac_real jacobian) {
  return slope * jacobian - 2 * a;
}
SAC_HOST_DEVICE sac_real sac_score_of_action(sac_real slope, sac_real a) {
  return slope - 2 * a / (1 - a * a + SAC_CORRECTION_EPS);
}

#define SAC_BANDWIDTH_MIN ((sac_real)1e-3)

/// h of the kernel from the median squared distance.
SAC_HOST_DEVICE sac_real sac_bandwidth(sac_real median, int n_fixed) {
  sac_real h = median / sac_math_log((sac_real)n_fixed);
  return h < SAC_BANDWIDTH_MIN ? SAC_BANDWIDTH_MIN : h;
}

/// One pair's part of one dimension of D: k g + d/dx k.
SAC_HOST_DEVICE sac_real sac_stein_term(sac_real kernel, sac_real score, sac_real difference,
                                        sac_real two_over_h) {
  return kernel * (score - two_over_h * difference);
}

/// The loss's gradient with respect to u from one dimension of D at y.
SAC_HOST_DEVICE sac_real sac_stein_slope(sac_particle_space space, sac_real direction, sac_real y,
                                         sac_real mean) {
  return space == SAC_PARTICLES_U ? -direction * mean : -direction * (1 - y * y);
}

/// The bits of a number that is not negative, which are in the order of the numbers.
#if SAC_REAL_BYTES == 4
typedef uint32_t sac_real_bits;
#else
typedef uint64_t sac_real_bits;
#endif
#define SAC_TOP_BIT ((sac_real_bits)1 << (8 * SAC_REAL_BYTES - 1))
SAC_HOST_DEVICE sac_real_bits sac_bits_of(sac_real x) {
  sac_real_bits bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
SAC_HOST_DEVICE sac_real sac_real_from_bits(sac_real_bits bits) {
  sac_real x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
