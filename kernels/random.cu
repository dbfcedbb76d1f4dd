// Random draws: Philox words and what is made of them.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/random.h"
}

enum { THREADS = 128 };

// One thread four neighbouring columns of a row, which share one block of words.
static __global__ void normal_fill_kernel(const __grid_constant__ sac_normal_fill op) {
  size_t at = sac_thread_index(), blocks = ((size_t)op.cols + 3) / 4;
  if (at >= (size_t)op.n * (size_t)op.rows * blocks) return;
  int block = (int)(at % blocks), row = (int)(at / blocks % (size_t)op.rows);
  int i = (int)(at / blocks / (size_t)op.rows);
  sac_words words =
      sac_draw(op.key[i], op.purpose, *op.step, (uint32_t)(op.first_row + row), (uint32_t)block);
  sac_real normal[4];
  for (int w = 0; w < 4; w += 2)
    sac_normal_pair(words.at[w], words.at[w + 1], &normal[w], &normal[w + 1]);
  sac_real *to = sac_stack_row(&op.out, i, row) + block * 4;
  for (int lane = 0; lane < 4 && block * 4 + lane < op.cols; lane++) to[lane] = normal[lane];
}

void sac_cuda_normal_fill(sac_backend *backend, const sac_normal_fill *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->key, (size_t)op->n * sizeof *op->key);
  sac_cuda_reads(&uses, op->step, 1 * sizeof *op->step);
  sac_cuda_writes_stack(&uses, &op->out, op->n, op->rows, op->cols);
  sac_cuda_step_begin(backend, &uses);
  size_t threads = (size_t)op->n * (size_t)op->rows * (((size_t)op->cols + 3) / 4);
  SAC_CUDA_RUN(backend, normal_fill_kernel, sac_blocks(threads, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

static __global__ void tick_kernel(uint64_t *counter) {
  *counter += 1;
}

void sac_cuda_tick(sac_backend *backend, uint64_t *counter) {
  sac_cuda_uses uses = {};
  sac_cuda_writes(&uses, counter, sizeof *counter);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, tick_kernel, 1, 1, counter);
  sac_cuda_step_end(backend);
}
