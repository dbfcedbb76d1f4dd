// Priorities of the replay (Schaul et al. 2016), in a tree of sums.
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

enum { SAC_PRIORITY_FAN = 32 };

/// A level of a ring's priorities and sums: where it begins, and how many nodes it has.
typedef struct sac_priority_level {
  size_t first, size;
} sac_priority_level;

SAC_HOST_DEVICE sac_priority_level sac_priority_above(sac_priority_level level) {
  sac_priority_level above;
  above.first = level.first + level.size;
  above.size = (level.size + SAC_PRIORITY_FAN - 1) / SAC_PRIORITY_FAN;
  return above;
}

/// Level `number` of a ring with `capacity` places; 0 are the priorities themselves.
SAC_HOST_DEVICE sac_priority_level sac_priority_level_at(size_t capacity, int number) {
  sac_priority_level level = {0, capacity};
  for (int i = 0; i < number; i++) level = sac_priority_above(level);
  return level;
}

/// The number of the level that has one node, the sum of all.
SAC_HOST_DEVICE int sac_priority_top(size_t capacity) {
  int top = 0;
  for (size_t size = capacity; size > 1; top++)
    size = (size + SAC_PRIORITY_FAN - 1) / SAC_PRIORITY_FAN;
  return top;
}

/// Sum node `node` of level `above` anew from those of `level`.
SAC_HOST_DEVICE void sac_priority_sum(sac_real *nodes, sac_priority_level level,
                                      sac_priority_level above, size_t node) {
  size_t begin = node * SAC_PRIORITY_FAN, end = begin + SAC_PRIORITY_FAN;
  sac_real sum = 0;
  for (size_t i = begin; i < end && i < level.size; i++) sum += nodes[level.first + i];
  nodes[above.first + node] = sum;
}

/// The place at which the running sum of priorities passes `mass`; rounding never leads to one
/// whose priority is zero.
SAC_HOST_DEVICE size_t sac_priority_find(const sac_real *nodes, size_t capacity, sac_real mass) {
  size_t node = 0;
  for (int number = sac_priority_top(capacity) - 1; number >= 0; number--) {
    sac_priority_level level = sac_priority_level_at(capacity, number);
    size_t begin = node * SAC_PRIORITY_FAN, end = begin + SAC_PRIORITY_FAN;
    node = begin;
    for (size_t i = begin; i < end && i < level.size; i++) {
      sac_real sum = nodes[level.first + i];
      if (!(sum > 0)) continue;
      node = i;
      if (mass < sum) break;
      mass -= sum;
    }
  }
  return node;
}

/// (mean |q - y| + eps)^alpha from the sum of sizes over the critics.
SAC_HOST_DEVICE sac_real sac_priority_of(sac_real sizes, int n_critics, double alpha, double eps) {
  sac_real error = sizes / (sac_real)n_critics + (sac_real)eps;
  return sac_math_exp((sac_real)alpha * sac_math_log(error));
}

/// (count P)^-beta, beta having risen from `beta` for `update` of `updates` updates.
SAC_HOST_DEVICE sac_real sac_priority_weight(sac_real share, uint64_t count, double beta,
                                             uint64_t update, double updates) {
  double risen = beta + (1 - beta) * ((double)update / updates);
  sac_real exponent = (sac_real)(risen < 1 ? risen : 1);
  return sac_math_exp(-exponent * sac_math_log((sac_real)count * share));
}
