// A row of C is the sum of those rows of B whose factor in A is not zero: behind a ReLU some half
// of them. Sums stay in registers while a word of A's row lasts, and the rows of B that it speaks
// of in the first cache; a processor is then bound by loading them, at three quarters of the rate
// at which it multiplies and adds.
#include "cpu/gemm_finish.h"

// What one word of each row of A leads to: vectors of C from `column`, of which `cols` values
// count.
typedef struct block {
  const sac_gemm *gemm;
  const uint64_t *nonzero;  // of the first row, `words` apart
  int words, from, column, cols;
  const sac_real *a;  // the word's values row by row, where A lies by columns
  sac_ending ending;
  const sac_real *b;  // rows of as many vectors, packed
} block;

// where a row of each matrix lies
typedef struct place {
  const sac_real *a, *h;
  sac_real *c;
} place;

// of the i-th row from `first_row` on
SAC_ALWAYS place find_place(const block *t, int first_row, int i) {
  const sac_gemm *gemm = t->gemm;
  size_t row = sac_gemm_row(gemm, first_row + i);
  const sac_real *a = t->a ? t->a + i * SAC_GEMM_WORD : gemm->a + row * gemm->a_row + t->from;
  return (place){a, gemm->h ? gemm->h + row * gemm->ldh : NULL, gemm->c + row * gemm->ldc};
}

#define EACH_VECTOR(v) SAC_UNROLL for (int v = 0; v < width; v++)
#define END_CASE(way)                                                      \
  case way:                                                                \
    EACH_VECTOR(v) {                                                       \
      int j = column + v * SAC_LANES;                                      \
      sac_vector_store(at.c + j, sac_end_sum(way, bias, at.h, j, sum[v])); \
    }                                                                      \
    break;

SAC_ALWAYS void compute_row(int width, const block *t, place at, uint64_t bits) {
  const sac_real *b = t->b, *bias = t->gemm->bias;
  int column = t->column;
  sac_vector sum[SAC_STRIP_WIDTH];
  EACH_VECTOR(v) {
    sum[v] = t->from == 0 ? (sac_vector){0} : sac_vector_load(at.c + column + v * SAC_LANES);
  }
  for (; bits; bits &= bits - 1) {
    int k = __builtin_ctzll(bits);
    sac_vector factor = sac_vector_fill(at.a[k]);
    const sac_vector *row = (const sac_vector *)(b + k * (width * SAC_LANES));
    EACH_VECTOR(v) {
      sum[v] += factor * row[v];
    }
  }
  switch (t->ending) {
    END_CASE(SAC_KEEP_SUM)
    END_CASE(SAC_ADD_BIAS)
    END_CASE(SAC_ADD_BIAS_RELU)
    END_CASE(SAC_MASK_RELU)
    END_CASE(SAC_MASK_TANH)
  }
}

SAC_ALWAYS void compute_rows(int width, const block *t, int first_row, int rows) {
  place next = find_place(t, first_row, 0);
  for (int i = 0; i < rows; i++) {
    place at = next;
    if (i + 1 < rows) {
      next = find_place(t, first_row, i + 1);
      EACH_VECTOR(v) {
        __builtin_prefetch(next.c + t->column + v * SAC_LANES, 1);
      }
    }
    compute_row(width, t, at, t->nonzero[i * t->words]);
  }
}

// one function for each width, so that sums stay in registers
#define WIDTH(name, width)                                                              \
  static __attribute__((noinline)) void name(const block *t, int first_row, int rows) { \
    compute_rows(width, t, first_row, rows);                                            \
  }
WIDTH(compute_one, 1)
WIDTH(compute_two, 2)
WIDTH(compute_three, 3)
WIDTH(compute_four, 4)
WIDTH(compute_five, 5)
WIDTH(compute_six, 6)
WIDTH(compute_seven, 7)
WIDTH(compute_eight, 8)
static void (*const compute_width[SAC_STRIP_WIDTH])(const block *t, int first_row, int rows) = {
    compute_one,  compute_two, compute_three, compute_four,
    compute_five, compute_six, compute_seven, compute_eight};

// Rows whose last columns do not fill a vector, in a room of their own.
static void compute_ragged(int width, const block *t, int first_row, int rows) {
  sac_real c[SAC_STRIP], h[SAC_STRIP], bias[SAC_STRIP];
  sac_gemm gemm = *t->gemm;
  block moved = *t;
  moved.gemm = &gemm;
  moved.column = 0;
  gemm.row = NULL;
  gemm.c = c;
  gemm.h = h;
  gemm.bias = bias;
  if (t->gemm->bias) sac_take_values(bias, t->gemm->bias + t->column, t->cols);
  for (int i = 0; i < rows; i++, moved.nonzero += t->words) {
    place at = find_place(t, first_row, i);
    moved.a = at.a;
    if (at.h) sac_take_values(h, at.h + t->column, t->cols);
    if (t->from > 0) sac_take_values(c, at.c + t->column, t->cols);
    compute_width[width - 1](&moved, 0, 1);
    sac_give_values(at.c + t->column, c, t->cols);
  }
}

static void compute_strip(block *t, int strip, int first_row, int rows, int depth,
                          sac_real *packed) {
  const sac_gemm *gemm = t->gemm;
  t->column = strip * SAC_STRIP;
  t->cols = gemm->n - t->column < SAC_STRIP ? gemm->n - t->column : SAC_STRIP;
  SAC_CPU(gemm_pack)(gemm, t->from, depth, t->column, t->cols, packed);
  int width = sac_gemm_vectors(t->cols);
  if (t->cols == width * SAC_LANES)
    compute_width[width - 1](t, first_row, rows);
  else
    compute_ragged(width, t, first_row, rows);
}

void SAC_CPU(gemm_sparse)(const sac_gemm *gemm, sac_gemm_part part, const uint64_t *nonzero) {
  sac_real turned[SAC_SPARSE_ROWS * SAC_GEMM_WORD] __attribute__((aligned(64)));
  sac_real packed[SAC_GEMM_WORD * SAC_STRIP] __attribute__((aligned(64)));
  int words = sac_gemm_words(gemm), rows = part.end_row - part.first_row;
  bool turns = gemm->a_step != 1;
  block t = {.gemm = gemm, .words = words, .a = turns ? turned : NULL, .b = packed};
  for (int w = 0; w < words; w++) {
    t.nonzero = nonzero + w;
    t.from = w * SAC_GEMM_WORD;
    t.ending = sac_choose_ending(gemm, w + 1 == words);
    int depth = sac_gemm_word_depth(gemm, t.from);
    const sac_real *a = gemm->a + (size_t)t.from * gemm->a_step + part.first_row;
    if (turns) SAC_CPU(gemm_turn)(a, gemm->a_step, rows, depth, SAC_GEMM_WORD / SAC_LANES, turned);
    for (int strip = part.first_strip; strip < part.end_strip; strip++)
      compute_strip(&t, strip, part.first_row, rows, depth, packed);
  }
  int column = part.first_strip * SAC_STRIP, end = part.end_strip * SAC_STRIP;
  for (int i = part.first_row; i < part.end_row; i++)
    sac_finish_tanh(gemm, gemm->c + sac_gemm_row(gemm, i) * gemm->ldc + column,
                    (end < gemm->n ? end : gemm->n) - column);
}
