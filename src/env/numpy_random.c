// NumPy's default generator, bit for bit.
#include "env/numpy_random.h"

#include "env/ziggurat.h"

#include <math.h>
#include <stdbool.h>

__extension__ typedef unsigned __int128 wide;

static wide join_words(const uint64_t words[2]) {
  return (wide)words[1] << 64 | words[0];
}

static void split_words(wide value, uint64_t words[2]) {
  words[0] = (uint64_t)value;
  words[1] = (uint64_t)(value >> 64);
}

// ---- SeedSequence: a seed spread over a pool of four words, and words drawn from the pool ----

enum { POOL = 4 };

// a running hash: every value is mixed with a multiplier that changes from call to call
static uint32_t hash_next(uint32_t value, uint32_t *constant, uint32_t multiplier) {
  value ^= *constant;
  *constant *= multiplier;
  value *= *constant;
  return value ^ value >> 16;
}

static uint32_t mix_words(uint32_t x, uint32_t y) {
  uint32_t result = x * 0xca01f9ddu - y * 0x4973f715u;
  return result ^ result >> 16;
}

static void fill_pool(uint64_t seed, uint32_t pool[POOL]) {
  const uint32_t multiplier = 0x931e8875u, entropy[POOL] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t constant = 0x43b0d7e5u;
  for (int i = 0; i < POOL; i++) pool[i] = hash_next(entropy[i], &constant, multiplier);
  for (int i = 0; i < POOL; i++) {
    for (int j = 0; j < POOL; j++) {
      if (i != j) pool[j] = mix_words(pool[j], hash_next(pool[i], &constant, multiplier));
    }
  }
}

static void draw_words(const uint32_t pool[POOL], uint64_t words[4]) {
  uint32_t constant = 0x8b51f9ddu, halves[8];
  for (int i = 0; i < 8; i++) halves[i] = hash_next(pool[i % POOL], &constant, 0x58f38dedu);
  for (int i = 0; i < 4; i++) words[i] = (uint64_t)halves[2 * i + 1] << 32 | halves[2 * i];
}

// ---- PCG64 ----

static wide advance_state(wide state, wide increment) {
  const wide multiplier = (wide)2549297995355413924u << 64 | 4865540595714422341u;
  return state * multiplier + increment;
}

void sac_numpy_random_init(sac_numpy_random *random, uint64_t seed) {
  uint32_t pool[POOL];
  uint64_t words[4];
  fill_pool(seed, pool);
  draw_words(pool, words);
  // the sequence draws its words in the order high, low
  wide start = (wide)words[0] << 64 | words[1], stream = (wide)words[2] << 64 | words[3];
  wide increment = stream << 1 | 1;
  split_words(advance_state(increment + start, increment), random->state);
  split_words(increment, random->increment);
}

static uint64_t draw_word(sac_numpy_random *random) {
  split_words(advance_state(join_words(random->state), join_words(random->increment)),
              random->state);
  uint64_t folded = random->state[0] ^ random->state[1];
  unsigned turn = (unsigned)(random->state[1] >> 58);
  return folded >> turn | folded << (-turn & 63);
}

// ---- draws ----

double sac_numpy_random_double(sac_numpy_random *random) {
  return (double)(draw_word(random) >> 11) * 0x1p-53;
}

double sac_numpy_random_uniform(sac_numpy_random *random, double low, double high) {
  double range = high - low;
  return low + range * sac_numpy_random_double(random);
}

// beyond the last strip: Marsaglia's exponential rejection
static double draw_tail(sac_numpy_random *random) {
  for (;;) {
    double x = -ziggurat_edge_inverse * log1p(-sac_numpy_random_double(random));
    double y = -log1p(-sac_numpy_random_double(random));
    if (y + y > x * x) return ziggurat_edge + x;
  }
}

double sac_numpy_random_normal(sac_numpy_random *random) {
  for (;;) {
    // one word holds the strip (8 bits), the sign (1) and the place within the strip (52)
    uint64_t word = draw_word(random), place = word >> 9 & 0xfffffffffffffu;
    unsigned strip = word & 0xff;
    bool negative = word >> 8 & 1;
    double x = (double)place * ziggurat_width[strip];
    if (negative) x = -x;
    if (place < ziggurat_inside[strip]) return x;
    if (strip == 0) return place >> 8 & 1 ? -draw_tail(random) : draw_tail(random);

    double above = ziggurat_density[strip - 1] - ziggurat_density[strip];
    double height = above * sac_numpy_random_double(random) + ziggurat_density[strip];
    if (height < exp(-0.5 * x * x)) return x;
  }
}
