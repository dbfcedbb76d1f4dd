// NumPy's default generator, bit for bit, so that a seed gives the start state that Gymnasium
// gives: SeedSequence (O'Neill's seed_seq_fe), PCG64 (PCG XSL-RR 128/64, O'Neill 2014) and the
// draws built on them. One header for gcc and nvcc.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/host_device.h"
#include "env/ziggurat.h"

/// A generator: 32 flat bytes that may be copied to save and load.
typedef struct sac_numpy_random {
  uint64_t state[2], increment[2];  // 128-bit numbers, low word first
} sac_numpy_random;

__extension__ typedef unsigned __int128 sac_wide;

SAC_HOST_DEVICE sac_wide sac_wide_join(const uint64_t words[2]) {
  return (sac_wide)words[1] << 64 | words[0];
}

SAC_HOST_DEVICE void sac_wide_split(sac_wide value, uint64_t words[2]) {
  words[0] = (uint64_t)value;
  words[1] = (uint64_t)(value >> 64);
}

// ---- SeedSequence: a seed spread over a pool of four words, and words drawn from the pool ----

enum { SAC_SEED_POOL = 4 };

// a running hash: every value is mixed with a multiplier that changes from call to call
SAC_HOST_DEVICE uint32_t sac_seed_hash(uint32_t value, uint32_t *constant, uint32_t multiplier) {
  value ^= *constant;
  *constant *= multiplier;
  value *= *constant;
  return value ^ value >> 16;
}

SAC_HOST_DEVICE uint32_t sac_seed_mix(uint32_t x, uint32_t y) {
  uint32_t result = x * 0xca01f9ddu - y * 0x4973f715u;
  return result ^ result >> 16;
}

SAC_HOST_DEVICE void sac_seed_fill(uint64_t seed, uint32_t pool[SAC_SEED_POOL]) {
  const uint32_t multiplier = 0x931e8875u;
  const uint32_t entropy[SAC_SEED_POOL] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t constant = 0x43b0d7e5u;
  for (int i = 0; i < SAC_SEED_POOL; i++)
    pool[i] = sac_seed_hash(entropy[i], &constant, multiplier);
  for (int i = 0; i < SAC_SEED_POOL; i++) {
    for (int j = 0; j < SAC_SEED_POOL; j++) {
      if (i != j) pool[j] = sac_seed_mix(pool[j], sac_seed_hash(pool[i], &constant, multiplier));
    }
  }
}

SAC_HOST_DEVICE void sac_seed_draw(const uint32_t pool[SAC_SEED_POOL], uint64_t words[4]) {
  uint32_t constant = 0x8b51f9ddu, halves[8];
  for (int i = 0; i < 8; i++)
    halves[i] = sac_seed_hash(pool[i % SAC_SEED_POOL], &constant, 0x58f38dedu);
  for (int i = 0; i < 4; i++) words[i] = (uint64_t)halves[2 * i + 1] << 32 | halves[2 * i];
}

// ---- PCG64 ----

SAC_HOST_DEVICE sac_wide sac_pcg64_advance(sac_wide state, sac_wide increment) {
  const sac_wide multiplier = (sac_wide)2549297995355413924u << 64 | 4865540595714422341u;
  return state * multiplier + increment;
}

SAC_HOST_DEVICE uint64_t sac_pcg64_draw(sac_numpy_random *random) {
  sac_wide increment = sac_wide_join(random->increment);
  sac_wide_split(sac_pcg64_advance(sac_wide_join(random->state), increment), random->state);
  uint64_t folded = random->state[0] ^ random->state[1];
  unsigned turn = (unsigned)(random->state[1] >> 58);
  return folded >> turn | folded << (-turn & 63);
}

/// `numpy.random.default_rng(seed)`.
SAC_HOST_DEVICE void sac_numpy_random_init(sac_numpy_random *random, uint64_t seed) {
  uint32_t pool[SAC_SEED_POOL];
  uint64_t words[4];
  sac_seed_fill(seed, pool);
  sac_seed_draw(pool, words);
  // the sequence draws its words in the order high, low
  sac_wide start = (sac_wide)words[0] << 64 | words[1];
  sac_wide stream = (sac_wide)words[2] << 64 | words[3];
  sac_wide increment = stream << 1 | 1;
  sac_wide_split(sac_pcg64_advance(increment + start, increment), random->state);
  sac_wide_split(increment, random->increment);
}

// ---- draws ----

/// `random()`: uniform in [0, 1), 53 bits.
SAC_HOST_DEVICE double sac_numpy_random_double(sac_numpy_random *random) {
  return (double)(sac_pcg64_draw(random) >> 11) * 0x1p-53;
}

/// `uniform(low, high)`.
SAC_HOST_DEVICE double sac_numpy_random_uniform(sac_numpy_random *random, double low, double high) {
  double range = high - low;
  return low + range * sac_numpy_random_double(random);
}

// beyond the last strip: Marsaglia's exponential rejection
SAC_HOST_DEVICE double sac_numpy_random_tail(sac_numpy_random *random) {
  for (;;) {
    double x = -ziggurat_edge_inverse * log1p(-sac_numpy_random_double(random));
    double y = -log1p(-sac_numpy_random_double(random));
    if (y + y > x * x) return ziggurat_edge + x;
  }
}

/// `standard_normal()`.
SAC_HOST_DEVICE double sac_numpy_random_normal(sac_numpy_random *random) {
  for (;;) {
    // one word holds the strip (8 bits), the sign (1) and the place within the strip (52)
    uint64_t word = sac_pcg64_draw(random), place = word >> 9 & 0xfffffffffffffu;
    unsigned strip = word & 0xff;
    bool negative = word >> 8 & 1;
    double x = (double)place * ziggurat_width[strip];
    if (negative) x = -x;
    if (place < ziggurat_inside[strip]) return x;
    if (strip == 0)
      return place >> 8 & 1 ? -sac_numpy_random_tail(random) : sac_numpy_random_tail(random);

    double above = ziggurat_density[strip - 1] - ziggurat_density[strip];
    double height = above * sac_numpy_random_double(random) + ziggurat_density[strip];
    if (height < exp(-0.5 * x * x)) return x;
  }
}
