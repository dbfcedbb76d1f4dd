// What a policy gradient makes of a rollout: advantages, targets of the value function.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"
#include "kernels/reduce.cuh"

extern "C" {
#include "backend/formulas/advantages.h"
}

enum { THREADS = 64 };

// One thread an environment of a member, which scans its steps from the last to the first;
// neighbouring threads read neighbouring rows. Bytes: 32 a row. Limit: the latency of the steps,
// which follow one on the other.
static __global__ void advantages_kernel(const __grid_constant__ sac_advantages op) {
  size_t place = sac_thread_index();
  if (place >= (size_t)op.n * (size_t)op.envs) return;
  int i = (int)(place / (size_t)op.envs), env = (int)(place % (size_t)op.envs);
  sac_real alpha = sac_math_exp(op.log_alpha[i]), decay = op.gamma * op.lambda, advantage = 0;
  for (int t = op.steps - 1; t >= 0; t--) {
    int row = t * op.envs + env;
    sac_real terminated = *sac_stack_row(&op.terminated, i, row);
    bool goes_on = terminated == 0 && *sac_stack_row(&op.truncated, i, row) == 0;
    sac_real rho = op.reward_scale * *sac_stack_row(&op.reward, i, row) -
                   alpha * *sac_stack_row(&op.log_pi, i, row);
    sac_real v = *sac_stack_row(&op.v, i, row);
    advantage = sac_advantage(rho, terminated, v, *sac_stack_row(&op.v_next, i, row), op.gamma,
                              goes_on ? decay * advantage : (sac_real)0);
    *sac_stack_row(&op.advantage, i, row) = advantage;
    *sac_stack_row(&op.y, i, row) = v + advantage;
  }
}

void sac_cuda_advantages(sac_backend *backend, const sac_advantages *op) {
  int rows = op->steps * op->envs;
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->reward, op->n, rows, 1);
  sac_cuda_reads_stack(&uses, &op->terminated, op->n, rows, 1);
  sac_cuda_reads_stack(&uses, &op->truncated, op->n, rows, 1);
  sac_cuda_reads_stack(&uses, &op->log_pi, op->n, rows, 1);
  sac_cuda_reads_stack(&uses, &op->v, op->n, rows, 1);
  sac_cuda_reads_stack(&uses, &op->v_next, op->n, rows, 1);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes_stack(&uses, &op->advantage, op->n, rows, 1);
  sac_cuda_writes_stack(&uses, &op->y, op->n, rows, 1);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks((size_t)op->n * (size_t)op->envs, THREADS);
  SAC_CUDA_RUN(backend, advantages_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}

// the block's sum, in every thread
static __device__ __forceinline__ double sum_for_all(double x) {
  SAC_SHARED(double, total, 1);
  x = sac_block_sum(x);
  if (threadIdx.x == 0) total[0] = x;
  __syncthreads();
  x = total[0];
  __syncthreads();
  return x;
}

// One block a member, whose threads take the rows in turn, three times. Bytes: 16 a row. Limit:
// latency.
static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    standardise_kernel(const __grid_constant__ sac_standardise op) {
  int i = (int)blockIdx.x;
  double sum = 0, squares = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS)
    sum += (double)*sac_stack_row(&op.x, i, row);
  double mean = sum_for_all(sum) / op.rows;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS) {
    double d = (double)*sac_stack_row(&op.x, i, row) - mean;
    squares += d * d;
  }
  double scale = 1 / (sqrt(sum_for_all(squares) / op.rows) + (double)op.eps);
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS) {
    sac_real *x = sac_stack_row(&op.x, i, row);
    *x = (sac_real)(((double)*x - mean) * scale);
  }
}

void sac_cuda_standardise(sac_backend *backend, const sac_standardise *op) {
  sac_cuda_uses uses = {};
  sac_cuda_writes_stack(&uses, &op->x, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, standardise_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  sac_cuda_step_end(backend);
}
