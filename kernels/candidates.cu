// Candidate actions: rows repeated, and the best of those that the critics have judged.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/candidates.h"
}

enum { THREADS = 128 };

// One thread a value written. Bytes: every value written once. Limit: latency, then bandwidth.
static __global__ void row_repeat_kernel(const __grid_constant__ sac_row_repeat op) {
  size_t place = sac_thread_index(), cols = (size_t)op.cols;
  size_t rows = (size_t)op.rows * (size_t)op.times;
  if (place >= (size_t)op.n * rows * cols) return;
  int column = (int)(place % cols), row = (int)(place / cols % rows);
  int i = (int)(place / cols / rows);
  sac_stack_row(&op.y, i, row)[column] = sac_stack_row(&op.x, i, row / op.times)[column];
}

void sac_cuda_row_repeat(sac_backend *backend, const sac_row_repeat *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->x, op->n, op->rows, op->cols);
  sac_cuda_writes_stack(&uses, &op->y, op->n, op->rows * op->times, op->cols);
  sac_cuda_step_begin(backend, &uses);
  size_t values = (size_t)op->n * (size_t)op->rows * (size_t)(op->times * op->cols);
  SAC_CUDA_RUN(backend, row_repeat_kernel, sac_blocks(values, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// One thread a row, which walks its candidates. Bytes: their Q, 4 N each. Limit: latency; only
// evaluations choose.
static __global__ void action_choice_kernel(const __grid_constant__ sac_action_choice op) {
  size_t place = sac_thread_index();
  if (place >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(place / (size_t)op.rows), row = (int)(place % (size_t)op.rows);
  int best = row * op.times;
  sac_real most = sac_candidate_worth(&op, i, best);
  for (int t = 1; t < op.times; t++) {
    sac_real worth = sac_candidate_worth(&op, i, row * op.times + t);
    if (worth > most) {
      best = row * op.times + t;
      most = worth;
    }
  }
  const sac_real *from = sac_stack_row(&op.candidate, i, best);
  sac_real *to = sac_stack_row(&op.action, i, row);
  for (int j = 0; j < op.act_dim; j++) to[j] = from[j];
}

void sac_cuda_action_choice(sac_backend *backend, const sac_action_choice *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->q, op->n * op->n_critics, op->rows * op->times, 1);
  sac_cuda_reads_stack(&uses, &op->candidate, op->n, op->rows * op->times, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows, op->act_dim);
  sac_cuda_step_begin(backend, &uses);
  size_t rows = (size_t)op->n * (size_t)op->rows;
  SAC_CUDA_RUN(backend, action_choice_kernel, sac_blocks(rows, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}
