// The product's inner kernel: a tile of rows x vectors of C is held in registers while k
// runs; every step loads a row of B and one value of A for each row.
#include "cpu/gemm.h"

#include <string.h>

#include "backend/elementary.h"

// What becomes of a sum when its tile ends. One value for each way, so that a tile's sums go
// through one straight piece of code.
typedef enum ending {
  KEEP_SUM,  // for the next block of k, or as it is
  ADD_BIAS,
  ADD_BIAS_RELU,
  MASK_RELU,
  MASK_TANH
} ending;

// One tile. The kernel knows whole vectors of a C that lies row by row: a tile that reaches past
// C's last column, or whose C is turned, computes in a `room` instead.
typedef struct tile {
  const sac_gemm *gemm;
  int from, k;  // block of k
  bool first, last;
  ending ending;
  int column;
  const sac_real *b;     // the packed panel, or B's own rows when `packed` is set
  sac_real *packed;      // where the tile packs the panel for those after it
  const sac_real *bias;  // of this column
  const sac_real *a[SAC_TILE_ROWS], *h[SAC_TILE_ROWS];
  sac_real *c[SAC_TILE_ROWS];
} tile;

typedef struct room {
  sac_real c[SAC_TILE_ROWS][SAC_PANEL], h[SAC_TILE_ROWS][SAC_PANEL], bias[SAC_PANEL];
} room;

// Vector s of a tile lies in row s / width at columns (s % width) * SAC_LANES and on. One flat loop
// over s, not two nested ones, is what lets compilers keep all of them in registers.
typedef sac_vector sums[SAC_TILE_ROWS * SAC_TILE_WIDTH];
#define EACH_SUM(s) SAC_UNROLL for (int s = 0; s < rows * width; s++)
#define OFFSET(s) (t->column + s % width * SAC_LANES)
#define ALWAYS static inline __attribute__((always_inline))

// A tile that packs reads B where it lies and leaves its rows in the panel for the tiles after it:
// what comes from far memory comes beside the multiply-adds.
ALWAYS void multiply(int rows, int width, bool packing, const tile *t, sums sum) {
  const sac_real *b = t->b;
  const sac_real *a[SAC_TILE_ROWS];
  SAC_UNROLL for (int i = 0; i < rows; i++) a[i] = t->a[i];
  size_t a_step = t->gemm->a_step, b_step = packing ? t->gemm->ldb : (size_t)width * SAC_LANES;
  size_t at = 0;
  sac_vector *packed = (sac_vector *)t->packed;
  SAC_UNROLL_STEPS for (int k = t->k; k > 0; k--, at += a_step, b += b_step) {
    sac_vector row[SAC_TILE_WIDTH];
    SAC_UNROLL for (int v = 0; v < width; v++) {
      row[v] = sac_vector_load(b + v * SAC_LANES);
      if (packing) *packed++ = row[v];
    }
    EACH_SUM(s) {
      sum[s] += sac_vector_fill(a[s / width][at]) * row[s % width];
    }
  }
}

// The lines of C, and of h for a mask, which the end of the tile needs all at once.
enum { PREFETCH_DEPTH = 128 };

ALWAYS void prefetch_rows(int rows, int width, const tile *t) {
  EACH_SUM(s) {
    __builtin_prefetch(t->c[s / width] + OFFSET(s), 1);
  }
  if (!t->last || t->gemm->finish != SAC_FINISH_MASK) return;
  EACH_SUM(s) {
    __builtin_prefetch(t->h[s / width] + OFFSET(s));
  }
}

ALWAYS void load_sums(int rows, int width, const tile *t, sums sum) {
  EACH_SUM(s) {
    sum[s] = sac_vector_load(t->c[s / width] + OFFSET(s));
  }
}

static ending choose_ending(const tile *t) {
  const sac_gemm *gemm = t->gemm;
  if (!t->last || gemm->finish == SAC_FINISH_PLAIN) return KEEP_SUM;
  bool relu = gemm->activation == SAC_RELU;
  if (gemm->finish == SAC_FINISH_MASK) return relu ? MASK_RELU : MASK_TANH;
  return relu ? ADD_BIAS_RELU : ADD_BIAS;
}

// vector v of `row`
ALWAYS sac_vector end_sum(ending way, const tile *t, int row, int v, sac_vector x) {
  if (way == ADD_BIAS || way == ADD_BIAS_RELU) x += sac_vector_load(t->bias + v * SAC_LANES);
  if (way == ADD_BIAS_RELU) x = sac_vector_relu(x);
  if (way == MASK_RELU || way == MASK_TANH) {
    sac_vector h = sac_vector_load(t->h[row] + t->column + v * SAC_LANES);
    x = way == MASK_RELU ? sac_vector_clear(h <= (sac_vector){0}, x)
                         : x * (sac_vector_fill(1) - h * h);
  }
  return x;
}

#define ENDING_CASE(way)                                                        \
  case way:                                                                     \
    EACH_SUM(s) {                                                               \
      sac_vector x = end_sum(way, t, s / width, s % width, sum[s]);             \
      sac_vector_store(t->c[s / width] + t->column + s % width * SAC_LANES, x); \
    }                                                                           \
    break;

ALWAYS void end_tile(int rows, int width, const tile *t, const sums sum) {
  switch (t->ending) {
    ENDING_CASE(KEEP_SUM)
    ENDING_CASE(ADD_BIAS)
    ENDING_CASE(ADD_BIAS_RELU)
    ENDING_CASE(MASK_RELU)
    ENDING_CASE(MASK_TANH)
  }
}

ALWAYS void compute_tile(int rows, int width, bool packing, const tile *t) {
  sums sum;
  EACH_SUM(s) {
    sum[s] = (sac_vector){0};
  }
  if (t->k >= PREFETCH_DEPTH) prefetch_rows(rows, width, t);
  if (!t->first) load_sums(rows, width, t, sum);
  multiply(rows, width, packing, t, sum);
  end_tile(rows, width, t, sum);
}

static void take_tanh(int rows, int width, const tile *t) {
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < width; v++) {
      sac_real *c = t->c[i] + t->column + v * SAC_LANES;
      for (int j = 0; j < SAC_LANES; j++) c[j] = sac_math_tanh(c[j]);
    }
}

// one body for each number of rows, so that a tile's sums stay in registers
#define TILE_CASE(rows)                  \
  case rows:                             \
    compute_tile(rows, width, false, t); \
    break;

ALWAYS void compute_rows(int rows, int width, const tile *t) {
  switch (rows) {
    TILE_CASE(1)
    TILE_CASE(2)
    TILE_CASE(3)
    TILE_CASE(4)
    TILE_CASE(5)
    TILE_CASE(6)
  }
}

// and one function for each width
#define TILE_WIDTH(name, width)                                         \
  static __attribute__((noinline)) void name(int rows, const tile *t) { \
    compute_rows(rows, width, t);                                       \
  }
TILE_WIDTH(compute_one, 1)
TILE_WIDTH(compute_two, 2)
#if SAC_TILE_WIDTH == 4
TILE_WIDTH(compute_three, 3)
TILE_WIDTH(compute_four, 4)
#endif
static void (*const compute_width[SAC_TILE_WIDTH])(int rows, const tile *t) = {
    compute_one, compute_two,
#if SAC_TILE_WIDTH == 4
    compute_three, compute_four
#endif
};

static __attribute__((noinline)) void compute_and_pack(const tile *t) {
  compute_tile(SAC_TILE_ROWS, SAC_TILE_WIDTH, true, t);
}

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

static void pack_transposed(const sac_real *b, size_t ldb, int k, int cols, int width,
                            sac_real *to) {
  size_t step = (size_t)width * SAC_LANES;
  for (int v = 0; v < width; v++, b += SAC_LANES * ldb, to += SAC_LANES, cols -= SAC_LANES) {
    int whole = cols >= SAC_LANES ? k / SAC_LANES * SAC_LANES : 0;
    if (whole > 0) pack_squares(b, ldb, whole, step, to);
    for (int i = whole; i < k; i += SAC_LANES)
      pack_some(b + i, ldb, k - i, cols, step, to + (size_t)i * step);
  }
}

static void pack(const sac_gemm *gemm, int k, int depth, int column, sac_real *to) {
  int cols = gemm->n - column < SAC_PANEL ? gemm->n - column : SAC_PANEL;
  int width = (cols + SAC_LANES - 1) / SAC_LANES;
  if (gemm->transposed) {
    const sac_real *b = gemm->b + (size_t)column * gemm->ldb + k;
    pack_transposed(b, gemm->ldb, depth, cols, width, to);
  } else {
    const sac_real *b = gemm->b + (size_t)k * gemm->ldb + column;
    pack_plain(b, gemm->ldb, depth, cols, width, to);
  }
}

// A break, not a bound: compilers would make vector code of a loop this short, and lose by it.
static void point_rows(const sac_gemm *gemm, int first_row, int rows, int k, tile *t) {
  size_t c_row = gemm->turned ? 1 : gemm->ldc;
  for (int i = 0; i < SAC_TILE_ROWS; i++) {
    if (i == rows) break;
    size_t row = (size_t)(gemm->row ? gemm->row[first_row + i] : first_row + i);
    t->a[i] = gemm->a + row * gemm->a_row + (size_t)k * gemm->a_step;
    t->c[i] = gemm->c + row * c_row;
    if (gemm->h) t->h[i] = gemm->h + row * gemm->ldh;
  }
}

static void compute(int rows, int width, const tile *t) {
  if (t->packed)
    compute_and_pack(t);
  else
    compute_width[width - 1](rows, t);
  if (t->last && t->gemm->finish == SAC_FINISH_ACTIVATE && t->gemm->activation == SAC_TANH)
    take_tanh(rows, width, t);
}

// `count` values into whole vectors of a room, and back
static void take_values(sac_real *to, const sac_real *from, int count) {
  for (int j = 0; j < count; j += SAC_LANES)
    sac_vector_store(to + j, count - j < SAC_LANES ? sac_vector_load_some(from + j, count - j)
                                                   : sac_vector_load(from + j));
}

static void give_values(sac_real *to, const sac_real *from, int count) {
  for (int j = 0; j < count; j += SAC_LANES) {
    int left = count - j < SAC_LANES ? count - j : SAC_LANES;
    sac_vector_store_some(to + j, sac_vector_load_some(from + j, left), left);
  }
}

// One square of a turned C: up to SAC_LANES of a tile's rows, at `c`, become columns of memory.
static void give_turned(sac_real *c, size_t ldc, int rows, int cols, const sac_real *from) {
  sac_vector x[SAC_LANES];
  for (int i = 0; i < SAC_LANES; i++)
    x[i] = i < rows ? sac_vector_load(from + i * SAC_PANEL) : (sac_vector){0};
  sac_vector_transpose(x);
  for (int j = 0; j < SAC_LANES; j++)
    if (j < cols) sac_vector_store_some(c + (size_t)j * ldc, x[j], rows);
}

static void take_turned(const sac_real *c, size_t ldc, int rows, int cols, sac_real *to) {
  sac_vector x[SAC_LANES];
  for (int j = 0; j < SAC_LANES; j++)
    x[j] = j < cols ? sac_vector_load_some(c + (size_t)j * ldc, rows) : (sac_vector){0};
  sac_vector_transpose(x);
  for (int i = 0; i < SAC_LANES; i++)
    if (i < rows) sac_vector_store(to + i * SAC_PANEL, x[i]);
}

// between a turned C and a room, square by square
static void turn_tile(int rows, int cols, bool take, const tile *t, room *r) {
  size_t ldc = t->gemm->ldc;
  for (int i = 0; i < rows; i += SAC_LANES)
    for (int j = 0; j < cols; j += SAC_LANES) {
      int high = rows - i < SAC_LANES ? rows - i : SAC_LANES, wide = cols - j;
      sac_real *c = t->c[i] + (size_t)(t->column + j) * ldc;
      sac_real *at = r->c[i] + j;
      if (take)
        take_turned(c, ldc, high, wide, at);
      else
        give_turned(c, ldc, high, wide, at);
    }
}

static void compute_in_room(int rows, int width, int cols, const tile *t) {
  room r;
  bool turned = t->gemm->turned;
  tile moved = *t;
  moved.column = 0;
  moved.bias = r.bias;
  if (t->bias) take_values(r.bias, t->bias, cols);
  for (int i = 0; i < rows; i++) {
    moved.c[i] = r.c[i];
    moved.h[i] = r.h[i];
    if (t->gemm->h) take_values(r.h[i], t->h[i] + t->column, cols);
    if (!t->first && !turned) take_values(r.c[i], t->c[i] + t->column, cols);
  }
  if (!t->first && turned) turn_tile(rows, cols, true, t, &r);
  compute(rows, width, &moved);
  if (turned) turn_tile(rows, cols, false, t, &r);
  for (int i = 0; i < rows && !turned; i++) give_values(t->c[i] + t->column, r.c[i], cols);
}

// The first tile of a panel packs it where B lies as the panel does, if it is a whole tile.
static bool packs_on_the_way(const sac_gemm *gemm, int i_panel, int rows) {
  return !gemm->transposed && rows >= SAC_TILE_ROWS && gemm->n - i_panel * SAC_PANEL >= SAC_PANEL;
}

static void compute_panel(int rows, int i_panel, bool packing, sac_real *panel, tile *t) {
  const sac_gemm *gemm = t->gemm;
  t->column = i_panel * SAC_PANEL;
  t->b = packing ? gemm->b + (size_t)t->from * gemm->ldb + t->column : panel;
  t->packed = packing ? panel : NULL;
  t->bias = gemm->bias ? gemm->bias + t->column : NULL;
  int cols = gemm->n - t->column < SAC_PANEL ? gemm->n - t->column : SAC_PANEL;
  int width = (cols + SAC_LANES - 1) / SAC_LANES;
  if (cols == width * SAC_LANES && !gemm->turned)
    compute(rows, width, t);
  else
    compute_in_room(rows, width, cols, t);
}

void SAC_CPU(gemm_group)(const sac_gemm *gemm, int i_group, int first_row, int end_row) {
  sac_real packed[SAC_GEMM_DEPTH * SAC_PANEL] __attribute__((aligned(64)));
  int group = sac_gemm_group(gemm), panels = sac_gemm_panels(gemm->n);
  int first = i_group * group, end = first + group < panels ? first + group : panels;
  tile t = {.gemm = gemm};
  for (t.from = 0; t.from < gemm->k; t.from += SAC_GEMM_DEPTH) {
    t.k = gemm->k - t.from < SAC_GEMM_DEPTH ? gemm->k - t.from : SAC_GEMM_DEPTH;
    t.first = t.from == 0;
    t.last = t.from + t.k == gemm->k;
    t.ending = choose_ending(&t);
    int size = t.k * SAC_PANEL;
    for (int p = first; p < end; p++)
      if (!packs_on_the_way(gemm, p, end_row - first_row))
        pack(gemm, t.from, t.k, p * SAC_PANEL, packed + (p - first) * size);
    for (int row = first_row; row < end_row; row += SAC_TILE_ROWS) {
      int rows = end_row - row < SAC_TILE_ROWS ? end_row - row : SAC_TILE_ROWS;
      point_rows(gemm, row, rows, t.from, &t);
      for (int p = first; p < end; p++) {
        bool packing = row == first_row && packs_on_the_way(gemm, p, end_row - first_row);
        compute_panel(rows, p, packing, packed + (p - first) * size, &t);
      }
    }
  }
}
