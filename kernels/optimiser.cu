// Adam with the target's tracking in one pass over the parameters, the gradient norm before it, and
// the check for finite values. All are bound by memory; at the sizes of training, by latency.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"
#include "kernels/reduce.cuh"

extern "C" {
#include "backend/formulas/optimiser.h"
}

enum { THREADS = 256 };

// The squared gradient norm of each group. Blocks (SAC_CUDA_NORM_BLOCKS, groups), each with a share
// of the group's values.
static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    norm_kernel(const __grid_constant__ sac_adam op, double *partial) {
  size_t count = (size_t)op.share * op.count;
  const sac_real *grad = op.grad + blockIdx.y * count;
  double sum = 0;
  sac_real most = sac_grad_limit(&op);
  for (size_t at = sac_thread_index(); at < count; at += (size_t)gridDim.x * SAC_REDUCE_THREADS) {
    double g = (double)sac_cut(grad[at], most);
    sum += g * g;
  }
  sum = sac_block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// what the gradient of a group is multiplied with, so that its norm is at most max_grad_norm
static __device__ __forceinline__ sac_real find_scale(const double *partial, double limit) {
  double square = 0;
  for (int i = 0; i < SAC_CUDA_NORM_BLOCKS; i++) square += partial[i];
  double norm = sqrt(square);
  return norm > limit ? (sac_real)(limit / norm) : (sac_real)1;
}

// The step's number and what follows from it, once for all elements. One thread a group.
static __global__ void prepare_kernel(const __grid_constant__ sac_adam op, sac_cuda_step *step,
                                      const double *partial) {
  int group = (int)threadIdx.x;
  step->scale[group] =
      partial ? find_scale(partial + group * SAC_CUDA_NORM_BLOCKS, op.max_grad_norm) : (sac_real)1;
  if (group > 0) return;
  *op.step += 1;
  step->rates = sac_adam_rates_at(*op.step, op.lr, op.beta1, op.beta2, op.eps);
}

// One thread a value. Bytes: 28 a value, 36 with a target.
static __global__ void adam_kernel(const __grid_constant__ sac_adam op, const sac_cuda_step *step) {
  size_t group = blockIdx.y, count = (size_t)op.share * op.count, at = sac_thread_index();
  if (at >= count) return;
  at += group * count;
  const sac_adam_rates *rates = &step->rates;
  sac_real g = sac_cut(op.grad[at], sac_grad_limit(&op)) * step->scale[group];
  sac_real m = op.m[at] = sac_adam_first(op.m[at], g, rates);
  sac_real v = op.v[at] = sac_adam_second(op.v[at], g, rates);
  sac_real value = op.value[at] -= sac_adam_change(m, v, rates);
  if (op.target) op.target[at] = sac_polyak_mix(op.target[at], value, (sac_real)op.tau);
}

void sac_cuda_adam(sac_backend *backend, const sac_adam *op) {
  sac_cuda *cuda = sac_cuda_of(backend);
  bool clips = op->max_grad_norm > 0;
  sac_adam step = *op;
  if (!clips) step.share = step.n;
  unsigned groups = (unsigned)(step.n / step.share);
  sac_cuda_require(groups <= SAC_CUDA_GROUPS_MAX, "at most 64 groups of a step");
  size_t bytes = (size_t)op->n * op->count * sizeof *op->value;
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->grad, bytes);
  for (sac_real *written : {op->value, op->m, op->v, op->target})
    sac_cuda_writes(&uses, written, bytes);
  sac_cuda_writes(&uses, op->step, sizeof *op->step);
  sac_cuda_writes(&uses, cuda->step, sizeof *cuda->step);
  sac_cuda_step_begin(backend, &uses);
  if (clips)
    SAC_CUDA_RUN(backend, norm_kernel, dim3(SAC_CUDA_NORM_BLOCKS, groups), SAC_REDUCE_THREADS, step,
                 cuda->partial);
  SAC_CUDA_RUN(backend, prepare_kernel, 1, groups, step, cuda->step, clips ? cuda->partial : NULL);
  dim3 grid(sac_blocks((size_t)step.share * step.count, THREADS), groups);
  SAC_CUDA_RUN(backend, adam_kernel, grid, THREADS, step, cuda->step);
  sac_cuda_step_end(backend);
}

static __global__ void polyak_kernel(const __grid_constant__ sac_polyak op) {
  size_t at = sac_thread_index();
  if (at < op.count) op.target[at] = sac_polyak_mix(op.target[at], op.value[at], (sac_real)op.tau);
}

void sac_cuda_polyak(sac_backend *backend, const sac_polyak *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->value, op->count * sizeof *op->value);
  sac_cuda_writes(&uses, op->target, op->count * sizeof *op->target);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, polyak_kernel, sac_blocks(op->count, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// x - x is zero for every finite x, NaN for the others
static __global__ void finite_kernel(const __grid_constant__ sac_finite_check op) {
  size_t at = sac_thread_index();
  if (at < op.count && op.values[at] - op.values[at] != 0)
    atomicOr((unsigned long long *)&op.flag[at / op.share % op.n], (unsigned long long)op.bit);
}

void sac_cuda_finite_check(sac_backend *backend, const sac_finite_check *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->values, op->count * sizeof *op->values);
  sac_cuda_writes(&uses, op->flag, op->n * sizeof *op->flag);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, finite_kernel, sac_blocks(op->count, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}
