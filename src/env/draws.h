// What a run draws for its environments, for gcc and nvcc.
#pragma once

#include "base/philox.h"

/// The seed of episode `episode` of environment `i_env` in a run.
SAC_HOST_DEVICE uint64_t sac_episode_seed(uint64_t seed, uint64_t episode, int i_env) {
  sac_words words = sac_draw(seed, SAC_DRAW_RESET, episode, (uint32_t)i_env, 0);
  return (uint64_t)words.at[1] << 32 | words.at[0];
}

/// Value `j` of a random action of environment `i_env`, uniform in [low, high].
SAC_HOST_DEVICE double sac_uniform_action(uint64_t seed, uint64_t vector_step, int i_env, int j,
                                          double low, double high) {
  sac_words words =
      sac_draw(seed, SAC_DRAW_WARMUP, vector_step, (uint32_t)i_env, (uint32_t)(j / 4));
  return low + (high - low) * (double)sac_uniform(words.at[j % 4]);
}
