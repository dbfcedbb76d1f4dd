// What environments do with the policy's draws, and policies perturbed for an episode.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/explore.h"
}

enum { THREADS = 128 };

// One thread a row: a few values each, bound by latency.
static __global__ void explore_kernel(const __grid_constant__ sac_explore op) {
  size_t at = sac_thread_index();
  if (at >= (size_t)op.n * (size_t)op.rows) return;
  sac_explore_row(&op, (int)(at / (size_t)op.rows), (int)(at % (size_t)op.rows));
}

void sac_cuda_explore(sac_backend *backend, const sac_explore *op) {
  size_t rows = (size_t)op->n * (size_t)op->rows;
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->kind, rows * sizeof *op->kind);
  sac_cuda_reads_stack(&uses, &op->deterministic, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->perturbed, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows, op->act_dim);
  sac_cuda_writes(&uses, op->distance, 2 * rows * sizeof *op->distance);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, explore_kernel, sac_blocks(rows, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// One thread a value: 12 bytes moved, bound by bandwidth.
static __global__ void perturb_kernel(const __grid_constant__ sac_perturb op) {
  size_t at = sac_thread_index();
  if (at < op.count) op.value[at] = op.source[at] + op.sigma * op.value[at];
}

void sac_cuda_perturb(sac_backend *backend, const sac_perturb *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->source, op->count * sizeof *op->source);
  sac_cuda_writes(&uses, op->value, op->count * sizeof *op->value);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, perturb_kernel, sac_blocks(op->count, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}
