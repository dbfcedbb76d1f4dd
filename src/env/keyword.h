// Short forms for the keyword tables of the environments, and ranges among them.
#pragma once

#include <math.h>

#include "base/status.h"
#include "sac/env.h"

// clang-format off
#define SAC_KEYWORD_ONE(kind_, name_, value_, low_, high_, help_)                              \
  {.name = name_, .kind = kind_, .count = 1, .value = {value_}, .low = low_, .high = high_,    \
   .help = help_}

#define SAC_KEYWORD_NUMBER(name, value, low, high, help)                                       \
  SAC_KEYWORD_ONE(SAC_ENV_NUMBER, name, value, low, high, help)

#define SAC_KEYWORD_WHOLE(name, value, low, high, help)                                        \
  SAC_KEYWORD_ONE(SAC_ENV_WHOLE, name, value, low, high, help)

#define SAC_KEYWORD_FLAG(name, value, help)                                                    \
  SAC_KEYWORD_ONE(SAC_ENV_FLAG, name, value, 0, 1, help)

/// A list, here with two values by default.
#define SAC_KEYWORD_RANGE(name_, low_, high_, help_)                                           \
  {.name = name_, .kind = SAC_ENV_NUMBERS, .count = 2, .value = {low_, high_},                 \
   .low = -INFINITY, .high = INFINITY, .help = help_}

/// A matrix in rows, by default 1 x 1.
#define SAC_KEYWORD_MATRIX(name, value, help)                                                  \
  SAC_KEYWORD_ONE(SAC_ENV_NUMBERS, name, value, -1e12, 1e12, help)
// clang-format on

typedef struct sac_range {
  double low, high;
} sac_range;

static inline sac_status sac_keyword_range(const sac_env_keyword *given, sac_range *range,
                                           sac_error *err) {
  *range = (sac_range){given->value[0], given->value[1]};
  if (given->count == 2 && range->low < range->high) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "%s must be two values, the lower one first",
                       given->where);
}

/// Without its ends.
static inline bool sac_is_inside(sac_range range, double value) {
  return range.low < value && value < range.high;
}
