// Which of the two ways a product goes: A's values are looked at, some rows at a time.
#include "cpu/gemm.h"

enum {
  WORDS_MAX = 4096,  // of what is looked at together
  DEPTH_MIN = 32,    // products that are too small to be worth a look
  COLUMNS_MIN = 4 * SAC_LANES
};

// values side by side
static uint64_t find_along(const sac_real *a, int count) {
  uint64_t bits = 0;
  int k = 0;
  for (; k + SAC_LANES <= count; k += SAC_LANES)
    bits |= (uint64_t)sac_vector_nonzero(sac_vector_load(a + k)) << k;
  if (k < count) bits |= (uint64_t)sac_vector_nonzero(sac_vector_load_some(a + k, count - k)) << k;
  return bits;
}

// values `step` apart, for some neighbours at once, whose words lie `words` apart; lanes have at
// least 32 bits
static void find_across(const sac_real *a, size_t step, int count, int rows, int words,
                        uint64_t *nonzero) {
  enum { HALF = SAC_GEMM_WORD / 2 };
  for (int i = 0; i < rows; i++) nonzero[i * words] = 0;
  for (int first = 0; first < count; first += HALF) {
    sac_vector_words found = {0}, bit = found + 1;
    for (int k = first; k < count && k < first + HALF; k++) {
      const sac_real *from = a + (size_t)k * step;
      sac_vector x = rows == SAC_LANES ? sac_vector_load(from) : sac_vector_load_some(from, rows);
      found |= (sac_vector_words)(x != (sac_vector){0}) & bit;
      bit += bit;
    }
    for (int i = 0; i < rows; i++) nonzero[i * words] |= (uint64_t)(uint32_t)found[i] << first;
  }
}

// one word of each row
static void find_word(const sac_gemm *gemm, sac_gemm_part part, int from, int words,
                      uint64_t *nonzero) {
  int count = sac_gemm_word_depth(gemm, from), rows = part.end_row - part.first_row;
  const sac_real *a = gemm->a + (size_t)from * gemm->a_step;
  if (gemm->a_step == 1) {
    for (int i = 0; i < rows; i++)
      nonzero[i * words] =
          find_along(a + sac_gemm_row(gemm, part.first_row + i) * gemm->a_row, count);
    return;
  }
  for (int i = 0; i < rows; i += SAC_LANES)
    find_across(a + part.first_row + i, gemm->a_step, count,
                rows - i < SAC_LANES ? rows - i : SAC_LANES, words, nonzero + i * words);
}

// Whether going past zeros saves more than tiles do by sharing rows of B: measured on a processor
// of Zen 4, where one value in four is zero.
static bool is_thin(const uint64_t *nonzero, int64_t words, int64_t values) {
  int64_t count = 0;
  for (int64_t w = 0; w < words; w++) count += __builtin_popcountll(nonzero[w]);
  return 4 * count <= 3 * values;
}

static bool may_be_thin(const sac_gemm *gemm) {
  return !gemm->turned && gemm->k >= DEPTH_MIN && gemm->n >= COLUMNS_MIN &&
         sac_gemm_words(gemm) <= WORDS_MAX / SAC_LANES;
}

void SAC_CPU(gemm)(const sac_gemm *gemm, sac_gemm_part part) {
  if (!may_be_thin(gemm)) {
    SAC_CPU(gemm_dense)(gemm, part);
    return;
  }
  uint64_t nonzero[WORDS_MAX];
  int words = sac_gemm_words(gemm), rows = WORDS_MAX / words;
  if (gemm->a_step != 1 && rows > SAC_SPARSE_ROWS) rows = SAC_SPARSE_ROWS;
  sac_gemm_part some = part;
  for (; some.first_row < part.end_row; some.first_row = some.end_row) {
    some.end_row = part.end_row - some.first_row < rows ? part.end_row : some.first_row + rows;
    int found = some.end_row - some.first_row;
    for (int w = 0; w < words; w++) find_word(gemm, some, w * SAC_GEMM_WORD, words, nonzero + w);
    if (is_thin(nonzero, (int64_t)found * words, (int64_t)found * gemm->k))
      SAC_CPU(gemm_sparse)(gemm, some, nonzero);
    else
      SAC_CPU(gemm_dense)(gemm, some);
  }
}
