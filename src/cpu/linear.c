// The three linear ops as products (see gemm.h), and heads of one or two outputs as dot products.
// Forward and down to the input, a part takes some rows of a member through all the layers, so that
// what one layer wrote is still in the cache of the core that reads it. The weights' gradients are
// products of their own, cut into groups of panels.
#include "cpu/table.h"

#include "backend/formulas/linear.h"
#include "cpu/gemm.h"
#include "cpu/lanes.h"

// The fewest rows that are worth packing the weights for once more.
enum { BLOCK_ROWS_MIN = 24 };

typedef struct forward_work {
  const sac_linear_forward *layer;
  int n_layers, blocks;
} forward_work;

typedef struct input_work {
  const sac_linear_backward_input *layer;
  int n_layers, blocks;
} input_work;

// What a member's layer is cut into for its weights' gradients: runs of strips, each in blocks of
// rows where there are few strips for the threads, then the bias's gradient.
typedef struct weight_cut {
  int runs, strips, blocks, parts;  // strips of a run
} weight_cut;

enum { LAYERS_MAX = 16 };

typedef struct weight_work {
  const sac_linear_backward_weight *layer;
  weight_cut cut[LAYERS_MAX];
  int parts;  // of a member
} weight_work;

typedef struct rows_range {
  int first, end;
} rows_range;

static rows_range block_range(int rows, int blocks, int i_block) {
  int size = (rows + blocks - 1) / blocks;
  size = (size + SAC_TILE_ROWS - 1) / SAC_TILE_ROWS * SAC_TILE_ROWS;
  int first = i_block * size < rows ? i_block * size : rows;
  return (rows_range){first, rows - first < size ? rows : first + size};
}

// blocks of each of n members, so that `parts` are dealt evenly
static int count_blocks(int n, int rows, int parts) {
  int blocks = 1, most = rows / BLOCK_ROWS_MIN;
  while (n * blocks % parts != 0) blocks++;
  if (blocks > most) blocks = most;
  return blocks < 1 ? 1 : blocks;
}

// operations, and the values of both matrices: short products are bound by memory
static size_t count_work(int n, int rows, int in, int out) {
  size_t operations = (size_t)rows * (size_t)in * (size_t)out / 8;
  return (size_t)n * (operations + (size_t)rows * (size_t)(in + out));
}

static void multiply_rows(const sac_gemm *gemm, rows_range rows) {
  if (rows.first == rows.end) return;
  SAC_CPU(gemm)(gemm, (sac_gemm_part){rows.first, rows.end, 0, sac_gemm_strips(gemm->n)});
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

static void forward_dots(const sac_linear_forward *op, int i, rows_range rows) {
  for (int o = 0; o < op->out; o++) {
    int row = rows.first;
    for (; row + DOT_ROWS <= rows.end; row += DOT_ROWS) dot_rows(op, i, row, DOT_ROWS, o);
    for (; row < rows.end; row++) dot_rows(op, i, row, 1, o);
  }
}

static void forward_rows(const sac_linear_forward *op, int i, rows_range rows) {
  if (op->out <= DOT_OUTPUTS) {
    forward_dots(op, i, rows);
    return;
  }
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
  multiply_rows(&gemm, rows);
}

static void forward_part(void *context, int i_part) {
  const forward_work *work = context;
  rows_range rows = block_range(work->layer->rows, work->blocks, i_part % work->blocks);
  for (int l = 0; l < work->n_layers; l++)
    forward_rows(&work->layer[l], i_part / work->blocks, rows);
}

void SAC_CPU(linear_forward)(sac_backend *backend, const sac_linear_forward *layer, int n_layers) {
  int threads = sac_threads_count(sac_cpu_threads(backend));
  forward_work work = {layer, n_layers, count_blocks(layer->n, layer->rows, threads)};
  size_t size = 0;
  for (int l = 0; l < n_layers; l++)
    size += count_work(layer->n, layer->rows, layer[l].in, layer[l].out);
  sac_cpu_run(backend, size, layer->n * work.blocks, forward_part, &work);
}

static int count_listed(const sac_linear_backward_input *op, int i) {
  return op->row ? op->row_count[i] : op->rows;
}

static void input_rows(const sac_linear_backward_input *op, int i, rows_range rows) {
  bool masked = op->activation != SAC_LINEAR;
  sac_gemm gemm = {.m = count_listed(op, i),
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
  multiply_rows(&gemm, rows);
}

static void input_part(void *context, int i_part) {
  const input_work *work = context;
  int i = i_part / work->blocks, listed = count_listed(work->layer, i);
  rows_range rows = block_range(listed, work->blocks, i_part % work->blocks);
  for (int l = 0; l < work->n_layers; l++) input_rows(&work->layer[l], i, rows);
}

void SAC_CPU(linear_backward_input)(sac_backend *backend, const sac_linear_backward_input *layer,
                                    int n_layers) {
  int threads = sac_threads_count(sac_cpu_threads(backend));
  // lists differ in length: twice the parts, which who is done early takes
  int parts = layer->row && threads > 1 ? 2 * threads : threads;
  input_work work = {layer, n_layers, count_blocks(layer->n, layer->rows, parts)};
  size_t size = 0;
  for (int l = 0; l < n_layers; l++)
    size += count_work(layer->n, layer->rows, layer[l].in, layer[l].out);
  sac_cpu_run(backend, size, layer->n * work.blocks, input_part, &work);
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

static sac_gemm weight_product(const sac_linear_backward_weight *op, int i) {
  const sac_real *dy = sac_stack_member(&op->dy, i), *x = sac_stack_member(&op->x, i);
  bool turned = turns_weight(op);
  return (sac_gemm){.m = turned ? op->in : op->out,
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
}

static weight_cut cut_weight(const sac_linear_backward_weight *op, int wanted) {
  sac_gemm gemm = weight_product(op, 0);
  int strips = sac_gemm_strips(gemm.n);
  weight_cut cut = {.runs = 1, .blocks = 1};
  while (op->n * cut.runs < wanted && cut.runs < strips) cut.runs++;
  cut.strips = (strips + cut.runs - 1) / cut.runs;
  cut.runs = (strips + cut.strips - 1) / cut.strips;
  while (op->n * cut.runs * cut.blocks < wanted && cut.blocks < gemm.m / BLOCK_ROWS_MIN)
    cut.blocks++;
  cut.parts = cut.runs * cut.blocks + 1;
  return cut;
}

static void weight_part(void *context, int i_part) {
  const weight_work *work = context;
  int i = i_part / work->parts, at = i_part % work->parts, l = 0;
  for (; at >= work->cut[l].parts; l++) at -= work->cut[l].parts;
  const sac_linear_backward_weight *op = &work->layer[l];
  const weight_cut *cut = &work->cut[l];
  if (at == cut->parts - 1) {
    sum_columns(&op->dy, i, op->rows, op->out, sac_stack_member(&op->dbias, i));
    return;
  }
  sac_gemm gemm = weight_product(op, i);
  rows_range rows = block_range(gemm.m, cut->blocks, at % cut->blocks);
  int first = at / cut->blocks * cut->strips, strips = sac_gemm_strips(gemm.n);
  int end = first + cut->strips < strips ? first + cut->strips : strips;
  if (rows.first < rows.end)
    SAC_CPU(gemm)(&gemm, (sac_gemm_part){rows.first, rows.end, first, end});
}

void SAC_CPU(linear_backward_weight)(sac_backend *backend, const sac_linear_backward_weight *layer,
                                     int n_layers) {
  SAC_ASSERT(n_layers <= LAYERS_MAX);
  int threads = sac_threads_count(sac_cpu_threads(backend)), wanted = threads > 1 ? 2 * threads : 1;
  weight_work work = {.layer = layer};
  size_t size = 0;
  for (int l = 0; l < n_layers; l++) {
    work.cut[l] = cut_weight(&layer[l], wanted);
    work.parts += work.cut[l].parts;
    size += count_work(layer[l].n, layer[l].rows, layer[l].in, layer[l].out);
  }
  sac_cpu_run(backend, size, layer->n * work.parts, weight_part, &work);
}

static void bias_part(void *context, int i) {
  const sac_linear_backward_bias *op = context;
  sum_columns(&op->dy, i, op->rows, op->out, sac_stack_member(&op->dbias, i));
}

void SAC_CPU(linear_backward_bias)(sac_backend *backend, const sac_linear_backward_bias *op) {
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows * (size_t)op->out, op->n, bias_part, op);
}
