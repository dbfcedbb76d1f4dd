// Numbers from words: normals (Box & Muller), unbiased indices (Lemire 2019), subsets, shuffles.
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

/// Two independent standard normals from two words (Box-Muller); |z| < 5.8.
SAC_HOST_DEVICE void sac_normal_pair(uint32_t word0, uint32_t word1, sac_real *z0, sac_real *z1) {
  sac_real radius = sac_math_sqrt(-2 * sac_math_log(sac_uniform(word0)));
  sac_real sine, cosine;
  sac_math_sincos(sac_uniform(word1), &sine, &cosine);
  *z0 = radius * cosine;
  *z1 = radius * sine;
}

/// Map a word to [0, count) without bias; false asks for another word. 0 < count < 2^32.
SAC_HOST_DEVICE bool sac_index_accept(uint32_t word, uint32_t count, uint32_t *index) {
  uint64_t product = (uint64_t)word * count;
  *index = (uint32_t)(product >> 32);
  uint32_t low = (uint32_t)product;
  // of the 2^32 words, the first 2^32 mod count would make some indices more likely
  return low >= count || low >= (0u - count) % count;
}

/// A uniform index in [0, count) at (purpose, step, row): words are tried in order until one is
/// accepted.
SAC_HOST_DEVICE uint32_t sac_index_draw(uint64_t key, sac_purpose purpose, uint64_t step,
                                        uint32_t row, uint32_t count) {
  uint32_t index = 0;
  for (uint32_t block = 0;; block++) {
    sac_words words = sac_draw(key, purpose, step, row, block);
    for (int i = 0; i < 4; i++)
      if (sac_index_accept(words.at[i], count, &index)) return index;
  }
}

/// `wanted` of `count` <= 64 items as bits, each set equally likely: item k is taken with
/// probability (still wanted) / (still left) (Knuth, algorithm S). Draws at (purpose, step, k).
SAC_HOST_DEVICE uint64_t sac_subset_draw(uint64_t key, sac_purpose purpose, uint64_t step,
                                         int count, int wanted) {
  uint64_t taken = 0;
  for (int k = 0; k < count; k++) {
    uint32_t left = (uint32_t)(count - k);
    if ((int)sac_index_draw(key, purpose, step, (uint32_t)k, left) >= wanted) continue;
    taken |= (uint64_t)1 << k;
    wanted--;
  }
  return taken;
}

/// A number uniform in (0, 1) from two standard normals: their squared length is exponential.
SAC_HOST_DEVICE sac_real sac_uniform_of_normals(sac_real z0, sac_real z1) {
  return sac_math_exp(-(sac_real)0.5 * (z0 * z0 + z1 * z1));
}

/// A word in which every bit depends on every bit of `x` and of `key` (Appleby's MurmurHash3).
SAC_HOST_DEVICE uint32_t sac_mix(uint32_t x, uint32_t key) {
  x ^= key;
  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return x ^ x >> 16;
}

/// Where `place` of [0, count) goes in a shuffle: a permutation drawn from eight words, without
/// anything kept. A Feistel network of eight rounds permutes the smallest square of a power of two
/// that holds count, and is walked until it falls inside (Black & Rogaway 2002). count <= 2^31.
SAC_HOST_DEVICE uint32_t sac_shuffle_place(const sac_words words[2], uint32_t place,
                                           uint32_t count) {
  int half = 1;
  while ((uint64_t)1 << 2 * half < count) half++;
  uint32_t mask = (1u << half) - 1;
  do {
    uint32_t left = place >> half, right = place & mask;
    for (int round = 0; round < 8; round++) {
      uint32_t next = left ^ (sac_mix(right, words[round / 4].at[round % 4]) & mask);
      left = right;
      right = next;
    }
    place = left << half | right;
  } while (place >= count);
  return place;
}

/// The words of pass `pass` over a rollout's rows.
SAC_HOST_DEVICE void sac_shuffle_words(uint64_t key, uint64_t update, uint64_t pass,
                                       sac_words words[2]) {
  for (uint32_t block = 0; block < 2; block++)
    words[block] = sac_draw(key, SAC_DRAW_SHUFFLE, update, (uint32_t)pass, block);
}
