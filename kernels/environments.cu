// Environments that live on the device: their formulas, one thread each.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "env/formula.h"
}

enum { THREADS = 64 };

// Bytes: an environment's record and row, read and written. Limit: double precision's functions and
// few threads; the steps of a divergent warp are those of its slowest environment.
static __global__ void env_step_kernel(const __grid_constant__ sac_env_step op) {
  size_t i_env = sac_thread_index();
  if (i_env >= (size_t)op.n) return;
  unsigned bits = sac_formula_step(&op, (int)i_env);
  if (bits) atomicOr((unsigned long long *)op.news, (unsigned long long)bits);
}

void sac_cuda_env_step(sac_backend *backend, const sac_env_step *op) {
  size_t rows_bytes = (size_t)op->n * (size_t)op->layout.width * sizeof *op->rows;
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->world, sizeof *op->world);
  if (op->applied) sac_cuda_reads(&uses, op->applied, rows_bytes);
  sac_cuda_writes(&uses, op->records, (size_t)op->n * op->record_bytes);
  sac_cuda_writes(&uses, op->news, sizeof *op->news);
  sac_cuda_writes(&uses, op->events, (size_t)op->n * sizeof *op->events);
  sac_cuda_writes(&uses, op->rows, rows_bytes);
  sac_cuda_writes(&uses, op->next_obs, rows_bytes);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, env_step_kernel, sac_blocks((size_t)op->n, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}
