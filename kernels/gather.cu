// The batch out of the replay: random rows of a ring far larger than the cache. The minibatches of
// a rollout, in shuffled passes. Scaling by running statistics.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/gather.h"
#include "backend/formulas/random.h"
}

enum { THREADS = 128, ROWS = THREADS / SAC_WARP };

// One warp a row: all its lanes draw the same index, then copy neighbouring values. Bytes: a row
// read in lines of 64, and written twice over. Limit: latency, then bandwidth.
static __global__ void replay_gather_kernel(const __grid_constant__ sac_replay_gather op) {
  int lane = (int)threadIdx.x % SAC_WARP;
  size_t place = (size_t)blockIdx.x * ROWS + threadIdx.x / SAC_WARP;
  if (place >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(place / (size_t)op.rows), row = (int)(place % (size_t)op.rows);
  uint32_t index = op.index ? op.index[place]
                            : sac_index_draw(op.key[i], SAC_DRAW_REPLAY, *op.update, (uint32_t)row,
                                             (uint32_t)op.count[i]);
  const sac_real *from = op.ring + ((size_t)i * op.capacity + index) * (size_t)op.layout.width;
  int obs_dim = op.layout.obs_dim, act_dim = op.layout.act_dim;
  sac_real *now = sac_stack_row(&op.now, i, row), *both = sac_stack_row(&op.both, i, row);
  sac_real *next = sac_stack_row(&op.both, i, op.rows + row);
  for (int j = lane; j < obs_dim + act_dim; j += SAC_WARP) {
    sac_real x = from[j];
    now[j] = x;
    if (j < obs_dim) both[j] = x;
  }
  const sac_real *rest = from + obs_dim + act_dim;
  sac_real reward = rest[0];
  if (op.n_steps > 1) {
    // all lanes walk the window, on the same few values
    sac_window window = sac_window_begin(&op, i, index);
    while (sac_window_advance(&op, i, &window)) continue;
    rest = sac_window_row(&op, i, window.place) + obs_dim + act_dim;
    reward = window.reward;
    if (lane == 2) *sac_stack_row(&op.discount, i, row) = window.factor;
  }
  for (int j = lane; j < obs_dim; j += SAC_WARP) next[j] = rest[2 + j];
  if (lane == 0) *sac_stack_row(&op.reward, i, row) = reward;
  if (lane == 1) *sac_stack_row(&op.terminated, i, row) = rest[1];
}

void sac_cuda_replay_gather(sac_backend *backend, const sac_replay_gather *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->ring,
                 (size_t)op->n * op->capacity * (size_t)op->layout.width * sizeof *op->ring);
  sac_cuda_reads(&uses, op->count, (size_t)op->n * sizeof *op->count);
  sac_cuda_reads(&uses, op->key, (size_t)op->n * sizeof *op->key);
  sac_cuda_reads(&uses, op->update, 1 * sizeof *op->update);
  sac_cuda_reads(&uses, op->index, (size_t)op->n * (size_t)op->rows * sizeof *op->index);
  if (op->n_steps > 1) {
    sac_cuda_reads(&uses, op->pushed, (size_t)op->n * sizeof *op->pushed);
    sac_cuda_reads(&uses, op->reward_factor, (size_t)op->n * sizeof *op->reward_factor);
    sac_cuda_writes_stack(&uses, &op->discount, op->n, op->rows, 1);
  }
  sac_cuda_writes_stack(&uses, &op->now, op->n, op->rows, op->layout.obs_dim + op->layout.act_dim);
  sac_cuda_writes_stack(&uses, &op->both, op->n, 2 * op->rows,
                        op->layout.obs_dim + op->layout.act_dim);
  sac_cuda_writes_stack(&uses, &op->reward, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->terminated, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks((size_t)op->n * (size_t)op->rows, ROWS);
  SAC_CUDA_RUN(backend, replay_gather_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}

// One warp a row: all its lanes find the same place, then copy neighbouring values. Bytes: a row
// read and written. Limit: latency, then bandwidth.
static __global__ void shuffle_gather_kernel(const __grid_constant__ sac_shuffle_gather op) {
  int lane = (int)threadIdx.x % SAC_WARP;
  size_t at = (size_t)blockIdx.x * ROWS + threadIdx.x / SAC_WARP;
  if (at >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(at / (size_t)op.rows), row = (int)(at % (size_t)op.rows);
  uint64_t place = op.first + (uint64_t)row, total = (uint64_t)op.total;
  sac_words words[2];
  sac_shuffle_words(op.key[i], *op.update, place / total, words);
  uint32_t from = sac_shuffle_place(words, (uint32_t)(place % total), (uint32_t)total);
  const sac_real *x = sac_stack_row(&op.x, i, (int)from);
  sac_real *y = sac_stack_row(&op.y, i, row);
  for (int j = lane; j < op.cols; j += SAC_WARP) y[j] = x[j];
}

void sac_cuda_shuffle_gather(sac_backend *backend, const sac_shuffle_gather *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->x, op->n, op->total, op->cols);
  sac_cuda_reads(&uses, op->key, (size_t)op->n * sizeof *op->key);
  sac_cuda_reads(&uses, op->update, sizeof *op->update);
  sac_cuda_writes_stack(&uses, &op->y, op->n, op->rows, op->cols);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks((size_t)op->n * (size_t)op->rows, ROWS);
  SAC_CUDA_RUN(backend, shuffle_gather_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}

// One thread a value. Bytes: every value read and written once. Limit: latency.
static __global__ void normalise_kernel(const __grid_constant__ sac_normalise op) {
  size_t place = sac_thread_index(), cols = (size_t)op.cols;
  if (place >= (size_t)op.n * (size_t)op.rows * cols) return;
  int column = (int)(place % cols), i = (int)(place / cols / (size_t)op.rows);
  int row = (int)(place / cols % (size_t)op.rows);
  size_t at = (size_t)i * cols + (size_t)column;
  sac_stack_row(&op.y, i, row)[column] =
      sac_normalised(sac_stack_row(&op.x, i, row)[column], op.mean[at], op.scale[at]);
}

void sac_cuda_normalise(sac_backend *backend, const sac_normalise *op) {
  sac_cuda_uses uses = {};
  size_t cells = (size_t)op->n * (size_t)op->cols;
  sac_cuda_reads_stack(&uses, &op->x, op->n, op->rows, op->cols);
  sac_cuda_reads(&uses, op->mean, cells * sizeof *op->mean);
  sac_cuda_reads(&uses, op->scale, cells * sizeof *op->scale);
  sac_cuda_writes_stack(&uses, &op->y, op->n, op->rows, op->cols);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks(cells * (size_t)op->rows, THREADS);
  SAC_CUDA_RUN(backend, normalise_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}
