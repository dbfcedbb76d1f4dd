// The squashed Gaussian policy (SAC v2 appendix C): action, log-probability, gradient.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"
#include "kernels/reduce.cuh"

extern "C" {
#include "backend/formulas/gaussian.h"
}

enum { THREADS = 128 };

/// One dimension of one row: what both directions begin with.
typedef struct draw {
  sac_spread spread;
  sac_real noise, u, action;
} draw;

static __device__ __forceinline__ sac_real log_density(const sac_gaussian *g, const draw *d) {
  return sac_normal_log_density(d->noise, d->spread.log_std) -
         sac_squash_volume(d->u, g->squash, g->exact_correction);
}

// A row belongs to `lanes` neighbouring threads, one a dimension (a power of two, at most a warp);
// log pi is summed over them by halving. Bytes: 16 A + 4 a row. Limit: latency, then bandwidth.
static __global__ void forward_kernel(const __grid_constant__ sac_gaussian_forward op, int lanes) {
  const sac_gaussian *g = &op.gaussian;
  size_t place = sac_thread_index() / (size_t)lanes;
  int lane = (int)threadIdx.x % lanes;
  bool inside = place < (size_t)op.n * (size_t)op.rows;
  int i = (int)(place / (size_t)op.rows), row = (int)(place % (size_t)op.rows);
  sac_real log_pi = 0;
  for (int j = lane; inside && j < g->act_dim; j += lanes) {
    const sac_real *head = sac_stack_row(&op.head, i, row);
    draw d = {};
    d.u = head[j];
    if (op.noise.data) {
      d.spread = sac_spread_of(g, head[g->act_dim + j]);
      d.noise = sac_stack_row(&op.noise, i, row)[j];
      d.u += d.spread.sigma * d.noise;
    }
    sac_stack_row(&op.action, i, row)[j] = sac_squashed(d.u, g->squash);
    if (op.u.data) sac_stack_row(&op.u, i, row)[j] = d.u;
    if (op.noise.data && op.log_pi.data) log_pi += log_density(g, &d);
  }
  for (int d = SAC_WARP / 2; d > 0; d /= 2) {
    sac_real other = __shfl_xor_sync(SAC_ALL_LANES, log_pi, d);
    log_pi += d < lanes ? other : (sac_real)0;
  }
  if (inside && lane == 0 && op.noise.data && op.log_pi.data)
    *sac_stack_row(&op.log_pi, i, row) = log_pi;
}

void sac_cuda_gaussian_forward(sac_backend *backend, const sac_gaussian_forward *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->head, op->n, op->rows, 2 * op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, op->gaussian.act_dim);
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows, op->gaussian.act_dim);
  sac_cuda_writes_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->u, op->n, op->rows, op->gaussian.act_dim);
  sac_cuda_step_begin(backend, &uses);
  int lanes = 1;
  while (lanes < op->gaussian.act_dim && lanes < SAC_WARP) lanes *= 2;
  size_t threads = (size_t)op->n * (size_t)op->rows * (size_t)lanes;
  SAC_CUDA_RUN(backend, forward_kernel, sac_blocks(threads, THREADS), THREADS, *op, lanes);
  sac_cuda_step_end(backend);
}

// One thread a dimension of a row. Bytes: about 40 of them. Limit: latency, then bandwidth.
static __global__ void backward_kernel(const __grid_constant__ sac_gaussian_backward op) {
  const sac_gaussian *g = &op.gaussian;
  size_t at = sac_thread_index(), dims = (size_t)g->act_dim;
  if (at >= (size_t)op.n * (size_t)op.rows * dims) return;
  int j = (int)(at % dims), row = (int)(at / dims % (size_t)op.rows);
  int i = (int)(at / dims / (size_t)op.rows);
  const sac_real *head = sac_stack_row(&op.head, i, row);
  draw d = {};
  d.spread = sac_spread_of(g, head[g->act_dim + j]);
  d.noise = sac_stack_row(&op.noise, i, row)[j];
  d.action = sac_stack_row(&op.action, i, row)[j];
  d.u = head[j] + d.spread.sigma * d.noise;
  sac_real alpha = sac_math_exp(op.log_alpha[i]), mean = 1 / (sac_real)op.rows;
  sac_real jacobian = sac_squash_jacobian(d.u, g->squash);
  sac_real slope = sac_squash_slope(d.action, jacobian, g->squash, g->exact_correction);
  sac_real dq = sac_sum_critics(&op.dq, &op.seed, op.n_critics, i, row, j);
  sac_real d_mean =
      sac_action_gradient(alpha, slope, op.normal_prior, d.action, jacobian, dq) * mean;
  // u depends on log sigma through sigma * noise; -alpha is the entropy's own part
  sac_real d_raw = (d.spread.sigma * d.noise * d_mean - alpha * mean) * d.spread.slope;
  sac_stack_row(&op.dhead, i, row)[j] = d_mean;
  sac_stack_row(&op.dhead, i, row)[g->act_dim + j] = d_raw;
}

void sac_cuda_gaussian_backward(sac_backend *backend, const sac_gaussian_backward *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->head, op->n, op->rows, 2 * op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->action, op->n, op->rows, op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->dq, op->n * op->n_critics, op->rows, op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->seed, op->n * op->n_critics, op->rows, 1);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes_stack(&uses, &op->dhead, op->n, op->rows, 2 * op->gaussian.act_dim);
  sac_cuda_step_begin(backend, &uses);
  size_t threads = (size_t)op->n * (size_t)op->rows * (size_t)op->gaussian.act_dim;
  SAC_CUDA_RUN(backend, backward_kernel, sac_blocks(threads, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// One dimension of a row: B dJ/dhead for u = mean + sigma z; returns its part of log pi.
static __device__ __forceinline__ sac_real score_dimension(const sac_gaussian_score *op, int i,
                                                           int row, int j, sac_real weight) {
  const sac_gaussian *g = &op->gaussian;
  const sac_real *head = sac_stack_row(&op->head, i, row);
  sac_real *dhead = sac_stack_row(&op->dhead, i, row), mean = 1 / (sac_real)op->rows;
  draw d = {};
  d.spread = sac_spread_of(g, head[g->act_dim + j]);
  d.u = sac_stack_row(&op->u, i, row)[j];
  d.noise = (d.u - head[j]) / d.spread.sigma;
  dhead[j] = -weight * d.noise / d.spread.sigma * mean;
  dhead[g->act_dim + j] = d.spread.slope * (-weight * (d.noise * d.noise - 1) * mean);
  return log_density(g, &d);
}

// One block a member, whose threads take the rows in turn and add up in double, in one order.
// Bytes: 24 A + 12 a row. Limit: latency at the minibatches of training.
static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    gaussian_score_kernel(const __grid_constant__ sac_gaussian_score op) {
  int i = (int)blockIdx.x;
  double loss = 0, entropy = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS) {
    sac_real weight = *sac_stack_row(&op.weight, i, row), log_pi = 0;
    for (int j = 0; j < op.gaussian.act_dim; j++) log_pi += score_dimension(&op, i, row, j, weight);
    if (op.log_pi.data) *sac_stack_row(&op.log_pi, i, row) = log_pi;
    entropy -= (double)log_pi;
    loss -= (double)(weight * log_pi);
  }
  loss = sac_block_sum(loss);
  entropy = sac_block_sum(entropy);
  if (threadIdx.x > 0) return;
  op.loss[i] = (sac_real)(loss / op.rows);
  op.entropy[i] = (sac_real)(entropy / op.rows);
}

void sac_cuda_gaussian_score(sac_backend *backend, const sac_gaussian_score *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->head, op->n, op->rows, 2 * op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->u, op->n, op->rows, op->gaussian.act_dim);
  sac_cuda_reads_stack(&uses, &op->weight, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->dhead, op->n, op->rows, 2 * op->gaussian.act_dim);
  sac_cuda_writes(&uses, op->loss, (size_t)op->n * sizeof *op->loss);
  sac_cuda_writes(&uses, op->entropy, (size_t)op->n * sizeof *op->entropy);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, gaussian_score_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  sac_cuda_step_end(backend);
}
