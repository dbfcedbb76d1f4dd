// Philox4x32-10 (Salmon et al., SC11), stateless: the same words on host and device. One header for
// gcc and nvcc.
#pragma once

#include <math.h>
#include <stdint.h>

#include "base/host_device.h"

/// What a stream of draws is for: the first word of the counter, so that no two uses share words.
typedef enum sac_purpose {
  SAC_DRAW_INIT = 1,        ///< network initialisation: step = tensor, row and lane = element
  SAC_DRAW_REPLAY = 2,      ///< replay indices: step = update, row = row of the batch
  SAC_DRAW_NOISE_NOW = 3,   ///< policy noise at s: step = update
  SAC_DRAW_NOISE_NEXT = 4,  ///< policy noise at s': step = update
  SAC_DRAW_ACT = 5,         ///< policy noise of the rollout: step = vector step, row = environment
  SAC_DRAW_WARMUP = 6,    ///< uniform actions of the warm-up: step = vector step, row = environment
  SAC_DRAW_RESET = 7,     ///< seeds of episodes: step = episode, row = environment
  SAC_DRAW_SUBSET = 8,    ///< the random subset of target critics: step = update
  SAC_DRAW_TRACE = 9,     ///< the drawn batch of `sac trace update`
  SAC_DRAW_BENCH = 10,    ///< synthetic data of benchmarks
  SAC_DRAW_EVAL = 11,     ///< noise of a stochastic evaluation: step = step, row = episode
  SAC_DRAW_SHUFFLE = 12,  ///< order of a rollout's rows: step = update, row = pass over them
  SAC_DRAW_PRIORITY = 16,  ///< places in the replay by priority: step = update, row = row
  // units that networks leave out: step = update, row = row of the batch, lane = unit
  SAC_DRAW_DROP_NOW = 17,         ///< of Q(s, a)
  SAC_DRAW_DROP_NEXT = 18,        ///< of the target's Q(s', a')
  SAC_DRAW_DROP_ACTION = 19,      ///< of Q(s, a~)
  SAC_DRAW_DROP_VALUE = 20,       ///< of V(s)
  SAC_DRAW_DROP_VALUE_NEXT = 21,  ///< of the target's V(s')
  SAC_DRAW_BOOTSTRAP = 24,        ///< resampled values: step = resample, row = value
  SAC_DRAW_PROPOSAL = 50,         ///< actions to integrate a soft value over: step = update
  SAC_DRAW_EXPLORATION = 40,  ///< how an episode explores: step = vector step at which it begins,
                              ///< row = environment
  SAC_DRAW_GAUSSIAN = 41,     ///< noise on actions: step = vector step, row = environment
  SAC_DRAW_PERTURB = 42,      ///< noise on a policy's weights: step, row = as of the episode
  SAC_DRAW_CANDIDATE = 30     ///< noise of candidate actions: row = candidate
} sac_purpose;

/// Four random words.
typedef struct sac_words {
  uint32_t at[4];
} sac_words;

SAC_HOST_DEVICE void sac_philox_round(uint32_t c[4], uint32_t k0, uint32_t k1) {
  uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
  uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
  c[1] = (uint32_t)p1;
  c[3] = (uint32_t)p0;
  c[0] = n0;
  c[2] = n2;
}

SAC_HOST_DEVICE void sac_philox_rounds(uint32_t c[4], uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    sac_philox_round(c, k0, k1);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// a device's library may bring the ten rounds: then this names its function
#ifndef SAC_PHILOX_ROUNDS
#define SAC_PHILOX_ROUNDS sac_philox_rounds
#endif

SAC_HOST_DEVICE sac_words sac_philox(const uint32_t counter[4], uint64_t key) {
  sac_words words = {{counter[0], counter[1], counter[2], counter[3]}};
  SAC_PHILOX_ROUNDS(words.at, key);
  return words;
}

/// The counter's last word: the purpose and the top of the step.
SAC_HOST_DEVICE uint32_t sac_counter_top(sac_purpose purpose, uint64_t step) {
  return (uint32_t)purpose | (uint32_t)(step >> 32) << 8;
}

/// The words at (purpose, step, row, block): `block` counts groups of four lanes. Steps stay below
/// 2^56.
SAC_HOST_DEVICE sac_words sac_draw(uint64_t key, sac_purpose purpose, uint64_t step, uint32_t row,
                                   uint32_t block) {
  uint32_t counter[4] = {block, row, (uint32_t)step, sac_counter_top(purpose, step)};
  return sac_philox(counter, key);
}

/// A word as a uniform number in (0, 1), never 0 or 1: 23 bits and a half, exact in float32.
SAC_HOST_DEVICE float sac_uniform(uint32_t word) {
  return ((float)(word >> 9) + 0.5f) * (1.0f / 8388608.0f);
}

/// A standard normal at (purpose, step, row), in double precision: for data that is made up once.
/// What training draws by the batch is sac_normal_pair's.
SAC_HOST_DEVICE double sac_draw_normal(uint64_t key, sac_purpose purpose, uint64_t step,
                                       uint32_t row) {
  sac_words words = sac_draw(key, purpose, step, row, 0);
  double radius = sqrt(-2 * log((double)sac_uniform(words.at[0])));
  return radius * cos(6.283185307179586 * (double)sac_uniform(words.at[1]));
}
