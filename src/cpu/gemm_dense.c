// The product's inner kernel: a tile of rows x vectors of C is held in registers while k
// runs; every step loads a row of B and one value of A for each row.
#include "cpu/gemm_finish.h"

// The depth of a packed panel, which takes 64 KB of the second cache with AVX-512, 16 KB else:
// half of it would lie in the first cache, but every sum would be loaded and stored once more.
enum { DEPTH = 256 };

// One tile. The kernel knows whole vectors of a C that lies row by row: a tile that reaches past
// C's last column, or whose C is turned, computes in a `room` instead.
typedef struct tile {
  const sac_gemm *gemm;
  int from, k;  // block of k
  bool first, last;
  sac_ending ending;
  int column;
  const sac_real *b;  // the packed panel, or B's own rows when `packed` is set
  sac_real *packed;   // where the tile packs the panel for those after it
  const sac_real *bias;
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

// A tile that packs reads B where it lies and leaves its rows in the panel for the tiles after it:
// what comes from far memory comes beside the multiply-adds.
SAC_ALWAYS void multiply(int rows, int width, bool packing, const tile *t, sums sum) {
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

SAC_ALWAYS void prefetch_rows(int rows, int width, const tile *t) {
  EACH_SUM(s) {
    __builtin_prefetch(t->c[s / width] + OFFSET(s), 1);
  }
  if (!t->last || t->gemm->finish != SAC_FINISH_MASK) return;
  EACH_SUM(s) {
    __builtin_prefetch(t->h[s / width] + OFFSET(s));
  }
}

SAC_ALWAYS void load_sums(int rows, int width, const tile *t, sums sum) {
  EACH_SUM(s) {
    sum[s] = sac_vector_load(t->c[s / width] + OFFSET(s));
  }
}

#define ENDING_CASE(way)                                                            \
  case way:                                                                         \
    EACH_SUM(s) {                                                                   \
      int i = s / width, j = OFFSET(s);                                             \
      sac_vector_store(t->c[i] + j, sac_end_sum(way, t->bias, t->h[i], j, sum[s])); \
    }                                                                               \
    break;

SAC_ALWAYS void end_tile(int rows, int width, const tile *t, const sums sum) {
  switch (t->ending) {
    ENDING_CASE(SAC_KEEP_SUM)
    ENDING_CASE(SAC_ADD_BIAS)
    ENDING_CASE(SAC_ADD_BIAS_RELU)
    ENDING_CASE(SAC_MASK_RELU)
    ENDING_CASE(SAC_MASK_TANH)
  }
}

SAC_ALWAYS void compute_tile(int rows, int width, bool packing, const tile *t) {
  sums sum;
  EACH_SUM(s) {
    sum[s] = (sac_vector){0};
  }
  if (t->k >= PREFETCH_DEPTH) prefetch_rows(rows, width, t);
  if (!t->first) load_sums(rows, width, t, sum);
  multiply(rows, width, packing, t, sum);
  end_tile(rows, width, t, sum);
}

// one body for each number of rows, so that a tile's sums stay in registers
#define TILE_CASE(rows)                  \
  case rows:                             \
    compute_tile(rows, width, false, t); \
    break;

SAC_ALWAYS void compute_rows(int rows, int width, const tile *t) {
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

// A break, not a bound: compilers would make vector code of a loop this short, and lose by it.
static void point_rows(const sac_gemm *gemm, int first_row, int rows, int k, tile *t) {
  size_t c_row = gemm->turned ? 1 : gemm->ldc;
  for (int i = 0; i < SAC_TILE_ROWS; i++) {
    if (i == rows) break;
    size_t row = sac_gemm_row(gemm, first_row + i);
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
  for (int i = 0; t->last && i < rows; i++)
    sac_finish_tanh(t->gemm, t->c[i] + t->column, width * SAC_LANES);
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
  if (t->bias) sac_take_values(r.bias, t->bias + t->column, cols);
  for (int i = 0; i < rows; i++) {
    moved.c[i] = r.c[i];
    moved.h[i] = r.h[i];
    if (t->gemm->h) sac_take_values(r.h[i], t->h[i] + t->column, cols);
    if (!t->first && !turned) sac_take_values(r.c[i], t->c[i] + t->column, cols);
  }
  if (!t->first && turned) turn_tile(rows, cols, true, t, &r);
  compute(rows, width, &moved);
  if (turned) turn_tile(rows, cols, false, t, &r);
  for (int i = 0; i < rows && !turned; i++) sac_give_values(t->c[i] + t->column, r.c[i], cols);
}

// The first tile of a panel packs it where B lies as the panel does, if it is a whole tile.
static bool packs_on_the_way(const sac_gemm *gemm, int i_panel, int rows) {
  return !gemm->transposed && rows >= SAC_TILE_ROWS && gemm->n - i_panel * SAC_PANEL >= SAC_PANEL;
}

static int count_columns(const sac_gemm *gemm, int i_panel) {
  int left = gemm->n - i_panel * SAC_PANEL;
  return left < SAC_PANEL ? left : SAC_PANEL;
}

static void compute_panel(int rows, int i_panel, bool packing, sac_real *panel, tile *t) {
  const sac_gemm *gemm = t->gemm;
  t->column = i_panel * SAC_PANEL;
  t->b = packing ? gemm->b + (size_t)t->from * gemm->ldb + t->column : panel;
  t->packed = packing ? panel : NULL;
  int cols = count_columns(gemm, i_panel), width = sac_gemm_vectors(cols);
  if (cols == width * SAC_LANES && !gemm->turned)
    compute(rows, width, t);
  else
    compute_in_room(rows, width, cols, t);
}

// panels [first, end), which are packed and used together
static void compute_panels(const sac_gemm *gemm, int first, int end, int first_row, int end_row) {
  sac_real packed[DEPTH * SAC_PANEL] __attribute__((aligned(64)));
  tile t = {.gemm = gemm, .bias = gemm->bias};
  for (t.from = 0; t.from < gemm->k; t.from += DEPTH) {
    t.k = gemm->k - t.from < DEPTH ? gemm->k - t.from : DEPTH;
    t.first = t.from == 0;
    t.last = t.from + t.k == gemm->k;
    t.ending = sac_choose_ending(gemm, t.last);
    int size = t.k * SAC_PANEL;
    for (int p = first; p < end; p++) {
      if (packs_on_the_way(gemm, p, end_row - first_row)) continue;
      sac_real *to = packed + (p - first) * size;
      SAC_CPU(gemm_pack)(gemm, t.from, t.k, p * SAC_PANEL, count_columns(gemm, p), to);
    }
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

void SAC_CPU(gemm_dense)(const sac_gemm *gemm, sac_gemm_part part) {
  enum { PANELS = SAC_STRIP / SAC_PANEL };
  int panels = (gemm->n + SAC_PANEL - 1) / SAC_PANEL;
  int end = part.end_strip * PANELS < panels ? part.end_strip * PANELS : panels;
  int group = gemm->k < DEPTH ? DEPTH / gemm->k : 1;  // the more the shorter they are
  for (int p = part.first_strip * PANELS; p < end; p += group)
    compute_panels(gemm, p, p + group < end ? p + group : end, part.first_row, part.end_row);
}
