// The three linear ops as products (see gemm.h), and heads of one or two outputs as dot products.
#include "cpu/table.h"

#include "backend/formulas.h"
#include "cpu/gemm.h"
#include "cpu/lanes.h"

// Parts of a product: groups of C's panels first, since each packs its own part of B; rows are cut
// too where there are few groups.
typedef struct cut {
  int groups, blocks, block_rows;
} cut;

typedef struct forward_work {
  const sac_linear_forward *op;
  cut cut;
} forward_work;

typedef struct input_work {
  const sac_linear_backward_input *op;
  cut cut;
} input_work;

typedef struct weight_work {
  const sac_linear_backward_weight *op;
  cut cut;
} weight_work;

enum { PARTS_WANTED = 8, BLOCK_ROWS_MIN = 48 };

static cut cut_product(const sac_threads *threads, int n, int m, int cols, int k) {
  sac_gemm gemm = {.n = cols, .k = k};
  int group = sac_gemm_group(&gemm);
  cut c = {(sac_gemm_panels(cols) + group - 1) / group, 1, m};
  if (sac_threads_count(threads) == 1 || n * c.groups >= PARTS_WANTED) return c;
  int wanted = PARTS_WANTED / (n * c.groups), most = m / BLOCK_ROWS_MIN;
  int blocks = wanted < most ? wanted : most;
  if (blocks < 2) return c;
  c.block_rows = (m + blocks - 1) / blocks;
  c.block_rows = (c.block_rows + SAC_TILE_ROWS - 1) / SAC_TILE_ROWS * SAC_TILE_ROWS;
  c.blocks = (m + c.block_rows - 1) / c.block_rows;
  return c;
}

static int parts_each(const cut *c) {
  return c->groups * c->blocks;
}

static void run_part(const cut *c, const sac_gemm *gemm, int i_part) {
  int i_group = i_part / c->blocks % c->groups, first = i_part % c->blocks * c->block_rows;
  int end = first + c->block_rows < gemm->m ? first + c->block_rows : gemm->m;
  if (first < end) SAC_CPU(gemm_group)(gemm, i_group, first, end);
}

// operations, and the values of both matrices: short products are bound by memory
static size_t count_work(int n, int rows, int in, int out) {
  size_t operations = (size_t)rows * (size_t)in * (size_t)out / 8;
  return (size_t)n * (operations + (size_t)rows * (size_t)(in + out));
}

// A head of one or two outputs would fill a vector of its panel with one or two columns: there each
// output is a dot product along the inputs. As everywhere, a row's sum does not depend on the rows
// beside it.
enum { DOT_OUTPUTS = 2, DOT_ROWS = 4 };

static inline __attribute__((always_inline)) void dot_rows(const sac_linear_forward *op, int i,
                                                           int row, int rows, int o) {
  const sac_real *weight = sac_stack_row(&op->weight, i, o);
  const sac_real *x[DOT_ROWS];
  sac_vector sum[DOT_ROWS];
  for (int r = 0; r < rows; r++) x[r] = sac_stack_row(&op->x, i, row + r);
  for (int r = 0; r < rows; r++) sum[r] = (sac_vector){0};
  int k = 0;
  for (; k + SAC_LANES <= op->in; k += SAC_LANES) {
    sac_vector w = sac_vector_load(weight + k);
    for (int r = 0; r < rows; r++) sum[r] += sac_vector_load(x[r] + k) * w;
  }
  if (k < op->in) {
    sac_vector w = sac_vector_load_some(weight + k, op->in - k);
    for (int r = 0; r < rows; r++) sum[r] += sac_vector_load_some(x[r] + k, op->in - k) * w;
  }
  sac_real bias = sac_stack_member(&op->bias, i)[o];
  for (int r = 0; r < rows; r++)
    sac_stack_row(&op->y, i, row + r)[o] =
        sac_activate(sac_vector_sum(sum[r]) + bias, op->activation);
}

static void dot_part(void *context, int i_part) {
  const sac_linear_forward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int o = 0; o < op->out; o++) {
    int row = part.first;
    for (; row + DOT_ROWS <= part.end; row += DOT_ROWS) dot_rows(op, part.member, row, DOT_ROWS, o);
    for (; row < part.end; row++) dot_rows(op, part.member, row, 1, o);
  }
}

static void forward_part(void *context, int i_part) {
  const forward_work *work = context;
  const sac_linear_forward *op = work->op;
  int i = i_part / parts_each(&work->cut);
  sac_gemm gemm = {.m = op->rows,
                   .n = op->out,
                   .k = op->in,
                   .a = sac_stack_member(&op->x, i),
                   .a_row = (size_t)op->x.ld,
                   .a_step = 1,
                   .b = sac_stack_member(&op->weight, i),
                   .ldb = (size_t)op->weight.ld,
                   .transposed = true,
                   .c = sac_stack_member(&op->y, i),
                   .ldc = (size_t)op->y.ld,
                   .finish = SAC_FINISH_ACTIVATE,
                   .activation = op->activation,
                   .bias = sac_stack_member(&op->bias, i)};
  run_part(&work->cut, &gemm, i_part);
}

void SAC_CPU(linear_forward)(sac_backend *backend, const sac_linear_forward *op) {
  size_t size = count_work(op->n, op->rows, op->in, op->out);
  if (op->out <= DOT_OUTPUTS) {
    sac_cpu_run(backend, size, op->n * sac_rows_blocks(op->rows), dot_part, op);
    return;
  }
  forward_work work = {op, cut_product(sac_cpu_threads(backend), op->n, op->rows, op->out, op->in)};
  sac_cpu_run(backend, size, op->n * parts_each(&work.cut), forward_part, &work);
}

static void input_part(void *context, int i_part) {
  const input_work *work = context;
  const sac_linear_backward_input *op = work->op;
  int i = i_part / parts_each(&work->cut);
  bool masked = op->activation != SAC_LINEAR;
  sac_gemm gemm = {.m = op->row ? op->row_count[i] : op->rows,
                   .n = op->in,
                   .k = op->out,
                   .a = sac_stack_member(&op->dy, i),
                   .a_row = (size_t)op->dy.ld,
                   .a_step = 1,
                   .b = sac_stack_member(&op->weight, i),
                   .ldb = (size_t)op->weight.ld,
                   .c = sac_stack_member(&op->dx, i),
                   .ldc = (size_t)op->dx.ld,
                   .finish = masked ? SAC_FINISH_MASK : SAC_FINISH_PLAIN,
                   .activation = op->activation,
                   .h = masked ? sac_stack_member(&op->h, i) : NULL,
                   .ldh = (size_t)op->h.ld,
                   .row = op->row ? op->row + (size_t)i * (size_t)op->rows : NULL};
  run_part(&work->cut, &gemm, i_part);
}

void SAC_CPU(linear_backward_input)(sac_backend *backend, const sac_linear_backward_input *op) {
  input_work work = {op, cut_product(sac_cpu_threads(backend), op->n, op->rows, op->in, op->out)};
  sac_cpu_run(backend, count_work(op->n, op->rows, op->in, op->out), op->n * parts_each(&work.cut),
              input_part, &work);
}

enum { SUMMED = 8 };

// columns of some vectors side by side, so that whole lines of dy are used while they are at hand
static inline __attribute__((always_inline)) void sum_vectors(int vectors, const sac_real *dy,
                                                              size_t ld, int rows, sac_real *sum) {
  sac_vector x[SUMMED];
  for (int v = 0; v < vectors; v++) x[v] = (sac_vector){0};
  for (int r = 0; r < rows; r++, dy += ld)
    for (int v = 0; v < vectors; v++) x[v] += sac_vector_load(dy + v * SAC_LANES);
  for (int v = 0; v < vectors; v++) sac_vector_store(sum + v * SAC_LANES, x[v]);
}

static void sum_columns(const sac_stack *from, int i, int rows, int cols, sac_real *sum) {
  const sac_real *dy = sac_stack_member(from, i);
  size_t ld = (size_t)from->ld;
  int j = 0;
  for (; j + SUMMED * SAC_LANES <= cols; j += SUMMED * SAC_LANES)
    sum_vectors(SUMMED, dy + j, ld, rows, sum + j);
  for (; j + SAC_LANES <= cols; j += SAC_LANES) sum_vectors(1, dy + j, ld, rows, sum + j);
  for (; j < cols; j++) {
    sac_real x = 0;
    for (int r = 0; r < rows; r++) x += dy[(size_t)r * ld + (size_t)j];
    sum[j] = x;
  }
}

// A first layer has few inputs: as columns they would leave lanes of a panel empty. Both ways sum
// in the order of the rows, to the same bits.
static bool turns_weight(const sac_linear_backward_weight *op) {
  return op->in < SAC_PANEL && op->out > op->in;
}

// the first `n` parts are the members' bias gradients
static void weight_part(void *context, int i_part) {
  const weight_work *work = context;
  const sac_linear_backward_weight *op = work->op;
  if (i_part < op->n) {
    sum_columns(&op->dy, i_part, op->rows, op->out, sac_stack_member(&op->dbias, i_part));
    return;
  }
  i_part -= op->n;
  int i = i_part / parts_each(&work->cut);
  const sac_real *dy = sac_stack_member(&op->dy, i), *x = sac_stack_member(&op->x, i);
  bool turned = turns_weight(op);
  sac_gemm gemm = {.m = turned ? op->in : op->out,
                   .n = turned ? op->out : op->in,
                   .k = op->rows,
                   .a = turned ? x : dy,
                   .a_row = 1,
                   .a_step = (size_t)(turned ? op->x.ld : op->dy.ld),
                   .b = turned ? dy : x,
                   .ldb = (size_t)(turned ? op->dy.ld : op->x.ld),
                   .c = sac_stack_member(&op->dweight, i),
                   .ldc = (size_t)op->dweight.ld,
                   .turned = turned,
                   .finish = SAC_FINISH_PLAIN};
  run_part(&work->cut, &gemm, i_part);
}

void SAC_CPU(linear_backward_weight)(sac_backend *backend, const sac_linear_backward_weight *op) {
  bool turned = turns_weight(op);
  int m = turned ? op->in : op->out, cols = turned ? op->out : op->in;
  weight_work work = {op, cut_product(sac_cpu_threads(backend), op->n, m, cols, op->rows)};
  sac_cpu_run(backend, count_work(op->n, op->rows, op->in, op->out),
              op->n + op->n * parts_each(&work.cut), weight_part, &work);
}

static void bias_part(void *context, int i) {
  const sac_linear_backward_bias *op = context;
  sum_columns(&op->dy, i, op->rows, op->out, sac_stack_member(&op->dbias, i));
}

void SAC_CPU(linear_backward_bias)(sac_backend *backend, const sac_linear_backward_bias *op) {
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows * (size_t)op->out, op->n, bias_part, op);
}
