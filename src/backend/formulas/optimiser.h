// Adam (Kingma & Ba 2015), limits of gradients, targets that follow.
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

/// What elements of the gradient are cut to.
SAC_HOST_DEVICE sac_real sac_grad_limit(const sac_adam *op) {
  return op->max_grad_value > 0 ? (sac_real)op->max_grad_value : (sac_real)INFINITY;
}

/// `grad` cut to [-most, most]; NaN stays.
SAC_HOST_DEVICE sac_real sac_cut(sac_real grad, sac_real most) {
  return grad > most ? most : grad < -most ? -most : grad;
}

/// What one Adam step uses for every element: p -= rate m / (sqrt(v) root + eps), where `rate` is
/// lr / (1 - beta1^t) and `root` is 1 / sqrt(1 - beta2^t).
typedef struct sac_adam_rates {
  sac_real beta1, rest1, beta2, rest2, rate, root, eps;
} sac_adam_rates;

SAC_HOST_DEVICE sac_adam_rates sac_adam_rates_at(uint64_t step, double lr, double beta1,
                                                 double beta2, double eps) {
  double t = (double)step;
  sac_adam_rates rates;
  rates.beta1 = (sac_real)beta1;
  rates.rest1 = (sac_real)(1 - beta1);
  rates.beta2 = (sac_real)beta2;
  rates.rest2 = (sac_real)(1 - beta2);
  rates.rate = (sac_real)(lr / (1 - pow(beta1, t)));
  rates.root = (sac_real)(1 / sqrt(1 - pow(beta2, t)));
  rates.eps = (sac_real)eps;
  return rates;
}

/// The moments. A parameter whose gradient stays zero (a dead unit) would let them decay into
/// denormal numbers, on which processors are a hundred times slower: far below any effect on the
/// parameter they become zero.
SAC_HOST_DEVICE sac_real sac_adam_first(sac_real m, sac_real grad, const sac_adam_rates *rates) {
  sac_real y = rates->beta1 * m + rates->rest1 * grad;
  return sac_math_size(y) < (sac_real)1e-30 ? (sac_real)0 : y;
}
SAC_HOST_DEVICE sac_real sac_adam_second(sac_real v, sac_real grad, const sac_adam_rates *rates) {
  sac_real y = rates->beta2 * v + rates->rest2 * (grad * grad);
  return y < (sac_real)1e-36 ? (sac_real)0 : y;
}
SAC_HOST_DEVICE sac_real sac_adam_change(sac_real m, sac_real v, const sac_adam_rates *rates) {
  return rates->rate * m / (sac_math_sqrt(v) * rates->root + rates->eps);
}

/// target + tau (value - target) as (1 - tau) target + tau value.
SAC_HOST_DEVICE sac_real sac_polyak_mix(sac_real target, sac_real value, sac_real tau) {
  return (1 - tau) * target + tau * value;
}
