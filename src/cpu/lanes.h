// Element formulas run over SAC_CHUNK rows at a time, gathered into small arrays and padded with
// zeros: every row passes through the same vector code wherever it stands in the batch, so that its
// result does not depend on its neighbours.
#pragma once

#include "cpu/cpu.h"

enum { SAC_CHUNK = 16, SAC_PART_ROWS = 64 };

/// Column `column` of rows [first, first + count) of member i.
static inline void sac_lanes_load(const sac_stack *stack, int i, int first, int count, int column,
                                  sac_real x[SAC_CHUNK]) {
  const sac_real *from = sac_stack_row(stack, i, first) + column;
  for (int r = 0; r < count; r++) x[r] = from[(size_t)r * (size_t)stack->ld];
  for (int r = count; r < SAC_CHUNK; r++) x[r] = 0;
}

static inline void sac_lanes_store(const sac_stack *stack, int i, int first, int count, int column,
                                   const sac_real x[SAC_CHUNK]) {
  sac_real *to = sac_stack_row(stack, i, first) + column;
  for (int r = 0; r < count; r++) to[(size_t)r * (size_t)stack->ld] = x[r];
}

/// dm/da of column `column` over a seed's critics that have a say in the row: those whose `seed`
/// (see sac_policy_loss) is not zero. The others are not taken, even as NaN.
static inline void sac_lanes_sum_critics(const sac_stack *dq, const sac_stack *seed, int n_critics,
                                         int i, int first, int count, int column,
                                         sac_real sum[SAC_CHUNK]) {
  for (int r = 0; r < SAC_CHUNK; r++) sum[r] = 0;
  for (int k = i * n_critics; k < (i + 1) * n_critics; k++) {
    sac_real share[SAC_CHUNK], slope[SAC_CHUNK];
    sac_lanes_load(seed, k, first, count, 0, share);
    sac_lanes_load(dq, k, first, count, column, slope);
    for (int r = 0; r < SAC_CHUNK; r++) sum[r] += share[r] != 0 ? slope[r] : (sac_real)0;
  }
}

/// Sums of SAC_CHUNK interleaved rows, in double: one order, whatever the number of threads.
typedef struct sac_lanes_total {
  double lane[SAC_CHUNK];
} sac_lanes_total;

static inline void sac_lanes_add(sac_lanes_total *sum, int count, const sac_real x[SAC_CHUNK]) {
  for (int r = 0; r < count; r++) sum->lane[r] += (double)x[r];
}

static inline sac_real sac_lanes_mean(const sac_lanes_total *sum, int rows) {
  double all = 0;
  for (int r = 0; r < SAC_CHUNK; r++) all += sum->lane[r];
  return (sac_real)(all / rows);
}

/// The chunks of n members: part i_part covers rows [first, end) of member `member`.
typedef struct sac_rows_part {
  int member, first, end;
} sac_rows_part;

static inline int sac_rows_blocks(int rows) {
  return (rows + SAC_PART_ROWS - 1) / SAC_PART_ROWS;
}

static inline sac_rows_part sac_rows_part_at(int rows, int i_part) {
  int blocks = sac_rows_blocks(rows);
  int first = i_part % blocks * SAC_PART_ROWS;
  int end = first + SAC_PART_ROWS < rows ? first + SAC_PART_ROWS : rows;
  return (sac_rows_part){i_part / blocks, first, end};
}

static inline int sac_chunk_count(int first, int end) {
  return end - first < SAC_CHUNK ? end - first : SAC_CHUNK;
}

/// Philox words of SAC_CHUNK places at once: at[w][i] is word w of place i.
typedef struct sac_lane_words {
  uint32_t at[4][SAC_CHUNK];
} sac_lane_words;

/// sac_draw at (row[i], block[i]) for every i.
static inline void sac_lanes_draw(uint64_t key, sac_purpose purpose, uint64_t step,
                                  const uint32_t row[SAC_CHUNK], const uint32_t block[SAC_CHUNK],
                                  sac_lane_words *words) {
  for (int i = 0; i < SAC_CHUNK; i++) {
    words->at[0][i] = block[i];
    words->at[1][i] = row[i];
    words->at[2][i] = (uint32_t)step;
    words->at[3][i] = sac_counter_top(purpose, step);
  }
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    for (int i = 0; i < SAC_CHUNK; i++) {
      uint32_t c[4] = {words->at[0][i], words->at[1][i], words->at[2][i], words->at[3][i]};
      sac_philox_round(c, k0, k1);
      for (int w = 0; w < 4; w++) words->at[w][i] = c[w];
    }
}
