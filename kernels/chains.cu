// Markov chains on exp(Q / alpha) before the squashing (Duane et al. 1987; Roberts & Tweedie 1996):
// Hamiltonian steps and their acceptance. Bound by latency, then by bandwidth.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/chains.h"
}

enum { THREADS = 128 };

// One thread a dimension of a chain. Bytes: 24 of each.
static __global__ void leapfrog_kernel(const __grid_constant__ sac_leapfrog op) {
  size_t at = sac_thread_index(), dims = (size_t)op.act_dim, rows = (size_t)op.rows;
  if (at >= (size_t)op.n * rows * dims) return;
  int j = (int)(at % dims), row = (int)(at / dims % rows), i = (int)(at / dims / rows);
  sac_real momentum = sac_kicked(sac_stack_row(&op.momentum, i, row)[j], op.kick * op.step_size,
                                 sac_stack_row(&op.score, i, row)[j]);
  sac_real u = sac_stack_row(&op.u, i, row)[j] + op.step_size * momentum;
  sac_stack_row(&op.next_momentum, i, row)[j] = momentum;
  sac_stack_row(&op.next_u, i, row)[j] = u;
  sac_stack_row(&op.action, i, row)[j] = sac_math_tanh(u);
}

void sac_cuda_leapfrog(sac_backend *backend, const sac_leapfrog *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->u, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->momentum, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->score, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->next_u, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->next_momentum, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows, op->act_dim);
  sac_cuda_step_begin(backend, &uses);
  size_t threads = (size_t)op->n * (size_t)op->rows * (size_t)op->act_dim;
  SAC_CUDA_RUN(backend, leapfrog_kernel, sac_blocks(threads, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// |p'|^2 / 2 - |p|^2 / 2 with the last half kick, summed over the dimensions
static __device__ __forceinline__ sac_real kinetic_change(const sac_metropolis *op, int i,
                                                          int row) {
  const sac_real *from = sac_stack_row(&op->momentum, i, row);
  const sac_real *to = sac_stack_row(&op->next_momentum, i, row);
  const sac_real *score = sac_stack_row(&op->next_score, i, row);
  sac_real sum = 0;
  for (int j = 0; j < op->act_dim; j++)
    sum += sac_kinetic_change(from[j], sac_kicked(to[j], op->step_size / 2, score[j]));
  return sum;
}

// One thread a chain. Bytes: 28 A where it moves.
static __global__ void metropolis_kernel(const __grid_constant__ sac_metropolis op) {
  size_t at = sac_thread_index(), rows = (size_t)op.rows;
  if (at >= (size_t)op.n * rows) return;
  int row = (int)(at % rows), i = (int)(at / rows);
  const sac_real *noise = sac_stack_row(&op.noise, i, row);
  sac_real energy = kinetic_change(&op, i, row) + (*sac_stack_row(&op.log_density, i, row) -
                                                   *sac_stack_row(&op.next_log_density, i, row));
  if (op.energy.data) *sac_stack_row(&op.energy, i, row) = energy;
  if (!sac_chain_moves(energy, noise[0], noise[1], op.always)) return;
  for (int j = 0; j < op.act_dim; j++) {
    sac_stack_row(&op.u, i, row)[j] = sac_stack_row(&op.next_u, i, row)[j];
    sac_stack_row(&op.score, i, row)[j] = sac_stack_row(&op.next_score, i, row)[j];
  }
  *sac_stack_row(&op.log_density, i, row) = *sac_stack_row(&op.next_log_density, i, row);
  if (op.accepted.data) *sac_stack_row(&op.accepted, i, row) += 1;
}

void sac_cuda_metropolis(sac_backend *backend, const sac_metropolis *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->momentum, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->next_u, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->next_score, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->next_momentum, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->next_log_density, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, 2);
  sac_cuda_writes_stack(&uses, &op->u, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->score, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->log_density, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->energy, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->accepted, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  size_t threads = (size_t)op->n * (size_t)op->rows;
  SAC_CUDA_RUN(backend, metropolis_kernel, sac_blocks(threads, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}
