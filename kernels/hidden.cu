// Dropout, layer normalisation and activation of a hidden layer, and their gradients. Bytes: each
// value read and written once or twice, mostly in the second-level cache. Limit: latency at the
// batches of training, bandwidth beyond.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/hidden.h"
#include "backend/formulas/linear.h"
}

enum { THREADS = 128, ROWS = THREADS / SAC_WARP };

// the sum over a warp, in every lane
static __device__ __forceinline__ sac_real warp_sum(sac_real x) {
  for (int d = SAC_WARP / 2; d > 0; d /= 2) x += __shfl_xor_sync(SAC_ALL_LANES, x, d);
  return x;
}

// Of four neighbouring units, which share a block of words, those that stay out become zero, the
// others grow.
static __device__ __forceinline__ void drop_block(const sac_dropout *dropout, int member, int row,
                                                  int block, int units, sac_real *z) {
  uint32_t threshold = sac_drop_threshold(dropout->share);
  sac_real scale = (sac_real)(1 / (1 - dropout->share));
  sac_words words =
      sac_draw(dropout->key[member / dropout->networks], dropout->purpose, *dropout->update,
               (uint32_t)row, sac_drop_block(dropout, member) + (uint32_t)block);
  for (int w = 0; w < 4 && block * 4 + w < units; w++)
    z[block * 4 + w] *= words.at[w] < threshold ? (sac_real)0 : scale;
}

// the same for a row, by its warp
static __device__ __forceinline__ void drop_units(const sac_dropout *dropout, int member, int row,
                                                  int units, sac_real *z) {
  for (int block = (int)threadIdx.x % SAC_WARP; block * 4 < units; block += SAC_WARP)
    drop_block(dropout, member, row, block, units, z);
  __syncwarp();
}

// Without normalisation. One thread four neighbouring units of a row.
static __global__ void plain_forward_kernel(const __grid_constant__ sac_hidden_forward op) {
  size_t at = sac_thread_index(), blocks = ((size_t)op.units + 3) / 4;
  if (at >= (size_t)op.n * (size_t)op.rows * blocks) return;
  int block = (int)(at % blocks), row = (int)(at / blocks % (size_t)op.rows);
  int i = (int)(at / blocks / (size_t)op.rows);
  sac_real *y = sac_stack_row(&op.y, i, row);
  if (op.dropout.share > 0) drop_block(&op.dropout, i, row, block, op.units, y);
  for (int j = block * 4; j < block * 4 + 4 && j < op.units; j++)
    y[j] = sac_activate(y[j], op.activation);
}

// One warp a row, each lane every 32nd unit.
static __global__ void hidden_forward_kernel(const __grid_constant__ sac_hidden_forward op) {
  int lane = (int)threadIdx.x % SAC_WARP;
  size_t place = (size_t)blockIdx.x * ROWS + threadIdx.x / SAC_WARP;
  if (place >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(place / (size_t)op.rows), row = (int)(place % (size_t)op.rows);
  sac_real *y = sac_stack_row(&op.y, i, row);
  if (op.dropout.share > 0) drop_units(&op.dropout, i, row, op.units, y);
  sac_real mean = 0, var = 0;
  for (int j = lane; j < op.units; j += SAC_WARP) mean += y[j];
  mean = warp_sum(mean) / (sac_real)op.units;
  for (int j = lane; j < op.units; j += SAC_WARP) var += (y[j] - mean) * (y[j] - mean);
  var = warp_sum(var) / (sac_real)op.units;
  sac_real rate = 1 / sac_math_sqrt(var + SAC_LAYER_NORM_EPS);
  const sac_real *scale = sac_stack_member(&op.scale, i), *shift = sac_stack_member(&op.shift, i);
  sac_real *kept = op.normalised.data ? sac_stack_row(&op.normalised, i, row) : NULL;
  for (int j = lane; j < op.units; j += SAC_WARP) {
    sac_real x = (y[j] - mean) * rate;
    if (kept) kept[j] = x;
    y[j] = sac_activate(x * scale[j] + shift[j], op.activation);
  }
  if (kept && lane == 0) *sac_stack_row(&op.rate, i, row) = rate;
}

// what the masks are drawn from
static void reads_dropout(sac_cuda_uses *uses, const sac_dropout *dropout, int n) {
  if (!(dropout->share > 0)) return;
  sac_cuda_reads(uses, dropout->key, (size_t)(n / dropout->networks) * sizeof *dropout->key);
  sac_cuda_reads(uses, dropout->update, sizeof *dropout->update);
}

void sac_cuda_hidden_forward(sac_backend *backend, const sac_hidden_forward *op) {
  sac_cuda_uses uses = {};
  reads_dropout(&uses, &op->dropout, op->n);
  sac_cuda_reads_stack(&uses, &op->scale, op->n, 1, op->units);
  sac_cuda_reads_stack(&uses, &op->shift, op->n, 1, op->units);
  sac_cuda_writes_stack(&uses, &op->y, op->n, op->rows, op->units);
  sac_cuda_writes_stack(&uses, &op->normalised, op->n, op->rows, op->units);
  if (op->normalised.data) sac_cuda_writes_stack(&uses, &op->rate, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  size_t rows = (size_t)op->n * (size_t)op->rows, quarters = ((size_t)op->units + 3) / 4;
  if (op->scale.data)
    SAC_CUDA_RUN(backend, hidden_forward_kernel, sac_blocks(rows, ROWS), THREADS, *op);
  else
    SAC_CUDA_RUN(backend, plain_forward_kernel, sac_blocks(rows * quarters, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// The row at place `at` of a member: of all rows or, with a list, of those listed; -1 past them.
static __device__ __forceinline__ int find_row(const sac_hidden_backward *op, int i, int at) {
  if (!op->row) return at;
  return at < op->row_count[i] ? op->row[(size_t)i * (size_t)op->rows + (size_t)at] : -1;
}

// Without normalisation. One thread four neighbouring units of a row.
static __global__ void plain_backward_kernel(const __grid_constant__ sac_hidden_backward op) {
  size_t at = sac_thread_index(), blocks = ((size_t)op.units + 3) / 4;
  if (at >= (size_t)op.n * (size_t)op.rows * blocks) return;
  int i = (int)(at / blocks / (size_t)op.rows);
  int row = find_row(&op, i, (int)(at / blocks % (size_t)op.rows));
  if (row < 0) return;
  drop_block(&op.dropout, i, row, (int)(at % blocks), op.units, sac_stack_row(&op.dy, i, row));
}

// One warp a row.
static __global__ void hidden_backward_kernel(const __grid_constant__ sac_hidden_backward op) {
  int lane = (int)threadIdx.x % SAC_WARP;
  size_t place = (size_t)blockIdx.x * ROWS + threadIdx.x / SAC_WARP;
  if (place >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(place / (size_t)op.rows);
  int row = find_row(&op, i, (int)(place % (size_t)op.rows));
  if (row < 0) return;
  sac_real *dy = sac_stack_row(&op.dy, i, row);
  const sac_real *scale = sac_stack_member(&op.scale, i);
  const sac_real *x = sac_stack_row(&op.normalised, i, row);
  sac_real rate = *sac_stack_row(&op.rate, i, row), sum = 0, sum_x = 0;
  for (int j = lane; j < op.units; j += SAC_WARP) {
    sum += dy[j] * scale[j];
    sum_x += dy[j] * scale[j] * x[j];
  }
  sum = warp_sum(sum);
  sum_x = warp_sum(sum_x);
  for (int j = lane; j < op.units; j += SAC_WARP)
    dy[j] = sac_normalised_slope(dy[j] * scale[j], x[j], sum, sum_x, rate, op.units);
  __syncwarp();
  if (op.dropout.share > 0) drop_units(&op.dropout, i, row, op.units, dy);
}

enum { COLUMNS = 32, SHARES = 8 };

// Sums over the rows of 32 columns: one block, whose warps have every eighth row each and are added
// in order.
static __global__ void __launch_bounds__(COLUMNS *SHARES)
    hidden_columns_kernel(const __grid_constant__ sac_hidden_backward op) {
  SAC_SHARED(sac_real, scales, COLUMNS * SHARES);
  SAC_SHARED(sac_real, shifts, COLUMNS * SHARES);
  int i = (int)blockIdx.y, lane = (int)threadIdx.x % COLUMNS, share = (int)threadIdx.x / COLUMNS;
  int column = (int)blockIdx.x * COLUMNS + lane;
  sac_real scale = 0, shift = 0;
  for (int row = share; row < op.rows && column < op.units; row += SHARES) {
    sac_real dy = sac_stack_row(&op.dy, i, row)[column];
    scale += dy * sac_stack_row(&op.normalised, i, row)[column];
    shift += dy;
  }
  scales[threadIdx.x] = scale;
  shifts[threadIdx.x] = shift;
  __syncthreads();
  if (share > 0 || column >= op.units) return;
  for (int k = 1; k < SHARES; k++) {
    scale += scales[k * COLUMNS + lane];
    shift += shifts[k * COLUMNS + lane];
  }
  sac_stack_member(&op.dscale, i)[column] = scale;
  sac_stack_member(&op.dshift, i)[column] = shift;
}

void sac_cuda_hidden_backward(sac_backend *backend, const sac_hidden_backward *op) {
  sac_cuda_require(!op->dscale.data || !op->row, "gradients of a scale take all rows");
  sac_cuda_uses uses = {};
  reads_dropout(&uses, &op->dropout, op->n);
  if (op->scale.data) {
    sac_cuda_reads_stack(&uses, &op->scale, op->n, 1, op->units);
    sac_cuda_reads_stack(&uses, &op->normalised, op->n, op->rows, op->units);
    sac_cuda_reads_stack(&uses, &op->rate, op->n, op->rows, 1);
  }
  if (op->row) {
    sac_cuda_reads(&uses, op->row, (size_t)op->n * (size_t)op->rows * sizeof *op->row);
    sac_cuda_reads(&uses, op->row_count, (size_t)op->n * sizeof *op->row_count);
  }
  sac_cuda_writes_stack(&uses, &op->dscale, op->n, 1, op->units);
  sac_cuda_writes_stack(&uses, &op->dshift, op->n, 1, op->units);
  sac_cuda_writes_stack(&uses, &op->dy, op->n, op->rows, op->units);
  sac_cuda_step_begin(backend, &uses);
  if (op->dscale.data)
    SAC_CUDA_RUN(backend, hidden_columns_kernel,
                 dim3(sac_blocks((size_t)op->units, COLUMNS), (unsigned)op->n), COLUMNS * SHARES,
                 *op);
  size_t rows = (size_t)op->n * (size_t)op->rows, quarters = ((size_t)op->units + 3) / 4;
  if (op->scale.data)
    SAC_CUDA_RUN(backend, hidden_backward_kernel, sac_blocks(rows, ROWS), THREADS, *op);
  else if (op->dropout.share > 0)
    SAC_CUDA_RUN(backend, plain_backward_kernel, sac_blocks(rows * quarters, THREADS), THREADS,
                 *op);
  sac_cuda_step_end(backend);
}
