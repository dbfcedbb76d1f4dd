// The matrix product under the three linear ops: C = A B, panel by panel of C's columns.
// A is read where it lies; the panel of B is packed, k-major, onto the stack (Goto & van de Geijn,
// 2008). Each element of C is summed in the order of k whatever tile it falls into, so that a row
// of C never depends on how many rows there are.
#pragma once

#include "backend/backend.h"
#include "cpu/simd.h"

#define SAC_PANEL (SAC_TILE_WIDTH * SAC_LANES)

/// The depth of a packed panel, which takes 64 KB of the second cache with AVX-512, 16 KB else:
/// half of it would lie in the first cache, but every sum would be loaded and stored once more.
#define SAC_GEMM_DEPTH 256

/// What happens to the sums before they are stored.
typedef enum sac_gemm_finish {
  SAC_FINISH_PLAIN,     // C = sum
  SAC_FINISH_ACTIVATE,  // C = act(sum + bias)
  SAC_FINISH_MASK       // C = sum * act'(h)
} sac_gemm_finish;

/// One product. Rows of A, C and h are those of `row` where it is not NULL, else 0 .. m-1.
typedef struct sac_gemm {
  int m, n, k;
  const sac_real *a;  // A(i, k) = a[i * a_row + k * a_step]
  size_t a_row, a_step;
  const sac_real *b;  // B(k, j) = b[k * ldb + j], or b[j * ldb + k] when transposed
  size_t ldb;
  bool transposed;
  sac_real *c;  // (m, n), rows ldc apart; when turned, C(i, j) = c[j * ldc + i]
  size_t ldc;
  bool turned;
  sac_gemm_finish finish;
  sac_activation activation;
  const sac_real *bias;  // (n)
  const sac_real *h;     // (m, n), rows ldh apart
  size_t ldh;
  const int32_t *row;  // (m)
} sac_gemm;

static inline int sac_gemm_panels(int n) {
  return (n + SAC_PANEL - 1) / SAC_PANEL;
}

/// How many panels are packed and used together: the more the shorter they are.
static inline int sac_gemm_group(const sac_gemm *gemm) {
  int group = gemm->k < SAC_GEMM_DEPTH ? SAC_GEMM_DEPTH / gemm->k : 1;
  return group < sac_gemm_panels(gemm->n) ? group : sac_gemm_panels(gemm->n);
}

/// Compute the panels of group `i_group` for rows [first_row, end_row).
void SAC_CPU(gemm_group)(const sac_gemm *gemm, int i_group, int first_row, int end_row);
