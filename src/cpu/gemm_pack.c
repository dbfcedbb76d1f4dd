// B's rows side by side, vectors whole, for the two ways of multiplying.
#include "cpu/gemm.h"

static void pack_plain(const sac_real *b, size_t ldb, int k, int cols, int width, sac_real *to) {
  for (int i = 0; i < k; i++, b += ldb, to += width * SAC_LANES)
    for (int v = 0; v < width; v++) {
      int left = cols - v * SAC_LANES;
      const sac_real *from = b + v * SAC_LANES;
      sac_vector x = left >= SAC_LANES ? sac_vector_load(from) : sac_vector_load_some(from, left);
      *(sac_vector *)(to + v * SAC_LANES) = x;
    }
}

// SAC_LANES rows of B' become one vector's columns of the panel, whose rows lie `step` apart. Alone
// in its function, so that the square stays in registers.
static __attribute__((noinline)) void pack_squares(const sac_real *b, size_t ldb, int k,
                                                   size_t step, sac_real *to) {
  for (; k >= SAC_LANES; k -= SAC_LANES, b += SAC_LANES) {
    sac_vector x[SAC_LANES];
    const sac_real *from = b;
    for (int j = 0; j < SAC_LANES; j++, from += ldb) x[j] = sac_vector_load(from);
    sac_vector_transpose(x);
    for (int i = 0; i < SAC_LANES; i++, to += step) *(sac_vector *)to = x[i];
  }
}

// the same for a square that B does not fill
static void pack_some(const sac_real *b, size_t ldb, int k, int cols, size_t step, sac_real *to) {
  sac_vector x[SAC_LANES];
  int kept = k < SAC_LANES ? k : SAC_LANES;
  for (int j = 0; j < SAC_LANES; j++)
    x[j] = j < cols ? sac_vector_load_some(b + (size_t)j * ldb, kept) : (sac_vector){0};
  sac_vector_transpose(x);
  for (int i = 0; i < kept; i++) *(sac_vector *)(to + (size_t)i * step) = x[i];
}

void SAC_CPU(gemm_turn)(const sac_real *b, size_t ldb, int k, int cols, int width, sac_real *to) {
  size_t step = (size_t)width * SAC_LANES;
  for (int v = 0; v < width; v++, b += SAC_LANES * ldb, to += SAC_LANES, cols -= SAC_LANES) {
    int whole = cols >= SAC_LANES ? k / SAC_LANES * SAC_LANES : 0;
    if (whole > 0) pack_squares(b, ldb, whole, step, to);
    for (int i = whole; i < k; i += SAC_LANES)
      pack_some(b + i, ldb, k - i, cols, step, to + (size_t)i * step);
  }
}

void SAC_CPU(gemm_pack)(const sac_gemm *gemm, int k, int depth, int column, int cols,
                        sac_real *to) {
  int width = sac_gemm_vectors(cols);
  if (gemm->transposed) {
    const sac_real *b = gemm->b + (size_t)column * gemm->ldb + k;
    SAC_CPU(gemm_turn)(b, gemm->ldb, depth, cols, width, to);
  } else {
    const sac_real *b = gemm->b + (size_t)k * gemm->ldb + column;
    pack_plain(b, gemm->ldb, depth, cols, width, to);
  }
}
