// What becomes of a vector of sums, in either way of multiplying.
#pragma once

#include "backend/elementary.h"
#include "cpu/gemm.h"

#define SAC_ALWAYS static inline __attribute__((always_inline))

/// One value for each way, so that a tile's sums go through one straight piece of code. Of tanh
/// only the sum is made: it is taken where a row is whole.
typedef enum sac_ending {
  SAC_KEEP_SUM,  // for the next block of k, or as it is
  SAC_ADD_BIAS,
  SAC_ADD_BIAS_RELU,
  SAC_MASK_RELU,
  SAC_MASK_TANH
} sac_ending;

static inline sac_ending sac_choose_ending(const sac_gemm *gemm, bool last) {
  if (!last || gemm->finish == SAC_FINISH_PLAIN) return SAC_KEEP_SUM;
  bool relu = gemm->activation == SAC_RELU;
  if (gemm->finish == SAC_FINISH_MASK) return relu ? SAC_MASK_RELU : SAC_MASK_TANH;
  return relu ? SAC_ADD_BIAS_RELU : SAC_ADD_BIAS;
}

/// The vector at column j of a row of C, whose h is `h`.
SAC_ALWAYS sac_vector sac_end_sum(sac_ending way, const sac_real *bias, const sac_real *h, int j,
                                  sac_vector x) {
  if (way == SAC_ADD_BIAS || way == SAC_ADD_BIAS_RELU) x += sac_vector_load(bias + j);
  if (way == SAC_ADD_BIAS_RELU) x = sac_vector_relu(x);
  if (way == SAC_MASK_RELU || way == SAC_MASK_TANH) {
    sac_vector slope = sac_vector_load(h + j);
    x = way == SAC_MASK_RELU ? sac_vector_clear(slope <= (sac_vector){0}, x)
                             : x * (sac_vector_fill(1) - slope * slope);
  }
  return x;
}

/// tanh over some values of a row, where that is the activation.
static inline void sac_finish_tanh(const sac_gemm *gemm, sac_real *c, int count) {
  if (gemm->finish != SAC_FINISH_ACTIVATE || gemm->activation != SAC_TANH) return;
  for (int j = 0; j < count; j++) c[j] = sac_math_tanh(c[j]);
}

/// `count` values into whole vectors, and back.
static inline void sac_take_values(sac_real *to, const sac_real *from, int count) {
  for (int j = 0; j < count; j += SAC_LANES)
    sac_vector_store(to + j, count - j < SAC_LANES ? sac_vector_load_some(from + j, count - j)
                                                   : sac_vector_load(from + j));
}

static inline void sac_give_values(sac_real *to, const sac_real *from, int count) {
  for (int j = 0; j < count; j += SAC_LANES) {
    int left = count - j < SAC_LANES ? count - j : SAC_LANES;
    sac_vector_store_some(to + j, sac_vector_load_some(from + j, left), left);
  }
}
