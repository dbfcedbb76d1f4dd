// The matrix product under the three linear ops: C = A B. A is read where it lies; B is packed,
// k-major, onto the stack (Goto & van de Geijn, 2008). There are two ways: tiles of rows for an A
// that is full (gemm_dense.c), and row by row, past its zeros, for one that a ReLU has thinned
// (gemm_sparse.c). Both sum each element of C in the order of k, to the same bits but for the sign
// of a zero, so that a row of C depends neither on how many rows there are nor on what stands in
// them. What is not finite in A shows in C, what is not in B only where its factor is not zero.
#pragma once

#include "backend/backend.h"
#include "cpu/simd.h"

#define SAC_PANEL (SAC_TILE_WIDTH * SAC_LANES)

/// Columns of C that belong together in either way: some panels.
#define SAC_STRIP_WIDTH 8
#define SAC_STRIP (SAC_STRIP_WIDTH * SAC_LANES)

/// What happens to the sums before they are stored.
typedef enum sac_gemm_finish {
  SAC_FINISH_PLAIN,     // C = sum
  SAC_FINISH_ACTIVATE,  // C = act(sum + bias)
  SAC_FINISH_MASK       // C = sum * act'(h)
} sac_gemm_finish;

/// One product. Rows of A, C and h are those of `row` where it is not NULL, else 0 .. m-1.
typedef struct sac_gemm {
  int m, n, k;
  const sac_real *a;  // A(i, k) = a[i * a_row + k * a_step], one of the two steps 1
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

/// A part of C: rows [first_row, end_row) of strips [first_strip, end_strip) of columns.
typedef struct sac_gemm_part {
  int first_row, end_row, first_strip, end_strip;
} sac_gemm_part;

static inline int sac_gemm_strips(int n) {
  return (n + SAC_STRIP - 1) / SAC_STRIP;
}

/// How many vectors `count` values fill, the last one perhaps in part.
static inline int sac_gemm_vectors(int count) {
  return (count + SAC_LANES - 1) / SAC_LANES;
}

static inline size_t sac_gemm_row(const sac_gemm *gemm, int i) {
  return (size_t)(gemm->row ? gemm->row[i] : i);
}

/// Compute a part of C, in the way that its rows of A are worth.
void SAC_CPU(gemm)(const sac_gemm *gemm, sac_gemm_part part);

/// The same by tiles.
void SAC_CPU(gemm_dense)(const sac_gemm *gemm, sac_gemm_part part);

/// How many values of A one word tells to be zero or not: as many rows of B are packed together.
#define SAC_GEMM_WORD 64

static inline int sac_gemm_words(const sac_gemm *gemm) {
  return (gemm->k + SAC_GEMM_WORD - 1) / SAC_GEMM_WORD;
}

/// How many values the word that begins at `from` is about.
static inline int sac_gemm_word_depth(const sac_gemm *gemm, int from) {
  return gemm->k - from < SAC_GEMM_WORD ? gemm->k - from : SAC_GEMM_WORD;
}

/// How many rows of an A that lies by columns can be computed together.
#define SAC_SPARSE_ROWS 256

/// The same row by row, for a C that is not turned. Bit k of nonzero[i * words + w] says that
/// A(first_row + i, w * SAC_GEMM_WORD + k) is not zero.
void SAC_CPU(gemm_sparse)(const sac_gemm *gemm, sac_gemm_part part, const uint64_t *nonzero);

/// Rows [k, k + depth) of B's columns [column, column + cols), in whole vectors side by side.
void SAC_CPU(gemm_pack)(const sac_gemm *gemm, int k, int depth, int column, int cols, sac_real *to);

/// `cols` rows of k values, ld apart, become columns of k rows of `width` vectors.
void SAC_CPU(gemm_turn)(const sac_real *from, size_t ld, int k, int cols, int width, sac_real *to);
