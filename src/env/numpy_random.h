// NumPy's default generator, so that a seed gives the start state that Gymnasium gives:
// SeedSequence (O'Neill's seed_seq_fe), PCG64 (PCG XSL-RR 128/64, O'Neill 2014) and the draws
// built on them.
#pragma once

#include <stdint.h>

/// A generator: 32 flat bytes that may be copied to save and load.
typedef struct sac_numpy_random {
  uint64_t state[2], increment[2];  // 128-bit numbers, low word first
} sac_numpy_random;

/// `numpy.random.default_rng(seed)`.
void sac_numpy_random_init(sac_numpy_random *random, uint64_t seed);

/// `random()`: uniform in [0, 1), 53 bits.
double sac_numpy_random_double(sac_numpy_random *random);

/// `uniform(low, high)`.
double sac_numpy_random_uniform(sac_numpy_random *random, double low, double high);

/// `standard_normal()`.
double sac_numpy_random_normal(sac_numpy_random *random);
