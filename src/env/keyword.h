// Short forms for the keyword tables of the environments.
#pragma once

#include "sac/env.h"

#include <math.h>

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
