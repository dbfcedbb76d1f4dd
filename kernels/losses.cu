// Targets: one thread a row. Losses: one block a member, whose threads take the rows in turn and
// add up in double, in one order. All are bound by latency at the batches of training, by bandwidth
// beyond.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"
#include "kernels/reduce.cuh"

extern "C" {
#include "backend/formulas/gaussian.h"
#include "backend/formulas/losses.h"
#include "backend/formulas/random.h"
}

enum { THREADS = 256, CRITICS_MAX = 64 };

// ---- what the formulas share

// the least of a seed's critics whose bit in `used` is set, and which one it was
static __device__ __forceinline__ sac_real find_minimum(const sac_stack *q, int i, int n_critics,
                                                        uint64_t used, int row, int *which) {
  sac_real best = 0;
  bool any = false;
  for (int k = 0; k < n_critics; k++) {
    if (!(used >> k & 1)) continue;
    sac_real x = *sac_stack_row(q, i * n_critics + k, row);
    if (!any || sac_minimum_moves(x, best)) {
      best = x;
      *which = k;
    }
    any = true;
  }
  return best;
}

// log p0(a): standard normal over the action, or 0 where the prior is uniform
static __device__ __forceinline__ sac_real log_prior(const sac_stack *action, int act_dim, int i,
                                                     int row) {
  sac_real sum = 0;
  if (!action->data) return sum;
  const sac_real *a = sac_stack_row(action, i, row);
  for (int j = 0; j < act_dim; j++) sum += sac_normal_log_density(a[j], 0);
  return sum;
}

// alpha (log p0(a) - log pi(a|s))
static __device__ __forceinline__ sac_real entropy_bonus(const sac_stack *log_pi,
                                                         const sac_stack *prior_action, int act_dim,
                                                         int i, int row, sac_real alpha) {
  return alpha * (log_prior(prior_action, act_dim, i, row) - *sac_stack_row(log_pi, i, row));
}

// what the next state's value is multiplied with
static __device__ __forceinline__ sac_real discount_of(const sac_stack *discount, sac_real gamma,
                                                       int i, int row) {
  return discount->data ? *sac_stack_row(discount, i, row) : gamma;
}

static __device__ __forceinline__ uint64_t first_bits(int count) {
  return count >= 64 ? ~0ull : (1ull << count) - 1;
}

// member and row of this thread; false past the last
static __device__ __forceinline__ bool find_row(int n, int rows, int *i, int *row) {
  size_t at = sac_thread_index();
  *i = (int)(at / (size_t)rows);
  *row = (int)(at % (size_t)rows);
  return at < (size_t)n * (size_t)rows;
}

// ---- targets

static __global__ void soft_q_target_kernel(const __grid_constant__ sac_soft_q_target op) {
  int i, row, which = 0;
  if (!find_row(op.n, op.rows, &i, &row)) return;
  uint64_t used = op.subset >= op.n_critics ? first_bits(op.n_critics)
                                            : sac_subset_draw(op.key[i], SAC_DRAW_SUBSET,
                                                              *op.update, op.n_critics, op.subset);
  sac_real next = find_minimum(&op.q, i, op.n_critics, used, row, &which);
  next += entropy_bonus(&op.log_pi, &op.prior_action, op.act_dim, i, row,
                        sac_math_exp(op.log_alpha[i]));
  *sac_stack_row(&op.y, i, row) =
      sac_bellman_target(*sac_stack_row(&op.reward, i, row), *sac_stack_row(&op.terminated, i, row),
                         next, discount_of(&op.discount, op.gamma, i, row), op.reward_scale);
}

void sac_cuda_soft_q_target(sac_backend *backend, const sac_soft_q_target *op) {
  sac_cuda_require(op->n_critics <= CRITICS_MAX, "at most 64 critics");
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->reward, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->terminated, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->discount, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->q, op->n * op->n_critics, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->prior_action, op->n, op->rows, op->act_dim);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_reads(&uses, op->key, (size_t)op->n * sizeof *op->key);
  sac_cuda_reads(&uses, op->update, 1 * sizeof *op->update);
  sac_cuda_writes_stack(&uses, &op->y, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks((size_t)op->n * (size_t)op->rows, THREADS);
  SAC_CUDA_RUN(backend, soft_q_target_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}

static __global__ void value_target_kernel(const __grid_constant__ sac_value_target op) {
  int i, row;
  if (!find_row(op.n, op.rows, &i, &row)) return;
  *sac_stack_row(&op.y, i, row) = sac_bellman_target(
      *sac_stack_row(&op.reward, i, row), *sac_stack_row(&op.terminated, i, row),
      *sac_stack_row(&op.v, i, row), discount_of(&op.discount, op.gamma, i, row), op.reward_scale);
}

void sac_cuda_value_target(sac_backend *backend, const sac_value_target *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->reward, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->terminated, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->discount, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->v, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->y, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks((size_t)op->n * (size_t)op->rows, THREADS);
  SAC_CUDA_RUN(backend, value_target_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}

static __global__ void soft_value_kernel(const __grid_constant__ sac_soft_value op) {
  int i, row, which = 0;
  if (!find_row(op.n, op.rows, &i, &row)) return;
  sac_real value = find_minimum(&op.q, i, op.n_critics, first_bits(op.n_critics), row, &which);
  value += entropy_bonus(&op.log_pi, &op.prior_action, op.act_dim, i, row,
                         sac_math_exp(op.log_alpha[i]));
  *sac_stack_row(&op.v, i, row) = value;
}

void sac_cuda_soft_value(sac_backend *backend, const sac_soft_value *op) {
  sac_cuda_require(op->n_critics <= CRITICS_MAX, "at most 64 critics");
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->q, op->n * op->n_critics, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->prior_action, op->n, op->rows, op->act_dim);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes_stack(&uses, &op->v, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  unsigned blocks = sac_blocks((size_t)op->n * (size_t)op->rows, THREADS);
  SAC_CUDA_RUN(backend, soft_value_kernel, blocks, THREADS, *op);
  sac_cuda_step_end(backend);
}

// ---- losses

static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    regression_loss_kernel(const __grid_constant__ sac_regression_loss op) {
  int i = (int)blockIdx.x;
  sac_real mean = 1 / (sac_real)op.rows;
  double sum = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS) {
    sac_real error = *sac_stack_row(&op.q, i, row) - *sac_stack_row(&op.y, i, row);
    sac_real loss = op.huber ? sac_huber_loss(error) : sac_square_loss(error);
    sac_real slope = op.huber ? sac_huber_slope(error) : error;
    if (op.weight.data) {
      sac_real weight = *sac_stack_row(&op.weight, i, row);
      loss *= weight;
      slope *= weight;
    }
    sum += (double)loss;
    *sac_stack_row(&op.dq, i, row) = slope * mean;
  }
  sum = sac_block_sum(sum);
  if (threadIdx.x == 0) op.loss[i] = (sac_real)(sum / op.rows);
}

void sac_cuda_regression_loss(sac_backend *backend, const sac_regression_loss *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->q, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->y, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->weight, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->dq, op->n, op->rows, 1);
  sac_cuda_writes(&uses, op->loss, (size_t)op->n * sizeof *op->loss);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, regression_loss_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  sac_cuda_step_end(backend);
}

// List the rows of this block's round whose critic is k behind those of the rounds before, in
// ascending order: every thread's place is the number of listed threads below it. `row` is past the
// last where the thread has none.
static __device__ __forceinline__ void list_rows(const sac_policy_loss *op, int member, bool listed,
                                                 int row, int32_t *counted) {
  SAC_SHARED(int32_t, warps, SAC_REDUCE_WARPS);
  int lane = (int)threadIdx.x % SAC_WARP, warp = (int)threadIdx.x / SAC_WARP;
  unsigned votes = __ballot_sync(SAC_ALL_LANES, listed);
  if (lane == 0) warps[warp] = __popc(votes);
  __syncthreads();
  int32_t before = *counted, all = 0;
  for (int w = 0; w < SAC_REDUCE_WARPS; w++) {
    before += w < warp ? warps[w] : 0;
    all += warps[w];
  }
  if (listed)
    op->row[(size_t)member * (size_t)op->rows + (size_t)before +
            (size_t)__popc(votes & ((1u << lane) - 1u))] = row;
  __syncthreads();
  *counted += all;
}

// m = mean over the critics, and its slope in their seeds
static __device__ __forceinline__ sac_real climb_mean(const sac_policy_loss *op, int i, int row) {
  sac_real m = 0, seed = 1 / (sac_real)op->n_critics;
  for (int k = i * op->n_critics; k < (i + 1) * op->n_critics; k++) {
    m += *sac_stack_row(&op->q, k, row) * seed;
    *sac_stack_row(&op->seed, k, row) = seed;
  }
  return m;
}

static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    policy_loss_kernel(const __grid_constant__ sac_policy_loss op) {
  int i = (int)blockIdx.x;
  bool mean = op.actor_q == SAC_ACTOR_MEAN;
  sac_real alpha = sac_math_exp(op.log_alpha[i]);
  // the first critic alone is a minimum over one
  uint64_t considered = first_bits(op.actor_q == SAC_ACTOR_FIRST ? 1 : op.n_critics);
  int rounds = (op.rows + SAC_REDUCE_THREADS - 1) / SAC_REDUCE_THREADS;
  double loss = 0, entropy = 0;
  for (int round = 0; round < rounds; round++) {
    int row = round * SAC_REDUCE_THREADS + (int)threadIdx.x;
    if (row >= op.rows) break;
    int which = 0;
    sac_real m = mean ? climb_mean(&op, i, row)
                      : find_minimum(&op.q, i, op.n_critics, considered, row, &which);
    for (int k = 0; k < op.n_critics && !mean; k++)
      *sac_stack_row(&op.seed, i * op.n_critics + k, row) = which == k;
    // J_pi's integrand is alpha log pi - alpha log p0 - m
    m += entropy_bonus(&op.log_pi, &op.prior_action, op.act_dim, i, row, alpha);
    if (op.integrand.data) *sac_stack_row(&op.integrand, i, row) = -m;
    loss -= (double)m;
    entropy -= (double)*sac_stack_row(&op.log_pi, i, row);
  }
  loss = sac_block_sum(loss);
  entropy = sac_block_sum(entropy);
  if (threadIdx.x == 0) {
    op.loss[i] = (sac_real)(loss / op.rows);
    op.entropy[i] = (sac_real)(entropy / op.rows);
  }
}

// The rows of each critic. One block a critic of a seed; reads the seeds that were written above.
static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    list_rows_kernel(const __grid_constant__ sac_policy_loss op) {
  int member = (int)blockIdx.x;
  int32_t counted = 0;
  int rounds = (op.rows + SAC_REDUCE_THREADS - 1) / SAC_REDUCE_THREADS;
  for (int round = 0; round < rounds; round++) {
    int row = round * SAC_REDUCE_THREADS + (int)threadIdx.x;
    bool listed = row < op.rows && *sac_stack_row(&op.seed, member, row) != 0;
    list_rows(&op, member, listed, row, &counted);
  }
  if (threadIdx.x == 0) op.row_count[member] = counted;
}

void sac_cuda_policy_loss(sac_backend *backend, const sac_policy_loss *op) {
  sac_cuda_require(op->n_critics <= CRITICS_MAX, "at most 64 critics");
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->q, op->n * op->n_critics, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->prior_action, op->n, op->rows, op->act_dim);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes_stack(&uses, &op->seed, op->n * op->n_critics, op->rows, 1);
  sac_cuda_writes(&uses, op->row,
                  (size_t)(op->n * op->n_critics) * (size_t)op->rows * sizeof *op->row);
  sac_cuda_writes(&uses, op->row_count, (size_t)(op->n * op->n_critics) * sizeof *op->row_count);
  sac_cuda_writes(&uses, op->loss, (size_t)op->n * sizeof *op->loss);
  sac_cuda_writes(&uses, op->entropy, (size_t)op->n * sizeof *op->entropy);
  sac_cuda_writes_stack(&uses, &op->integrand, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, policy_loss_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  if (op->actor_q != SAC_ACTOR_MEAN)
    SAC_CUDA_RUN(backend, list_rows_kernel, (unsigned)(op->n * op->n_critics), SAC_REDUCE_THREADS,
                 *op);
  sac_cuda_step_end(backend);
}

static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    temperature_loss_kernel(const __grid_constant__ sac_temperature_loss op) {
  int i = (int)blockIdx.x;
  double sum = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS)
    sum += (double)(*sac_stack_row(&op.log_pi, i, row) + op.target_entropy);
  sum = sac_block_sum(sum);
  if (threadIdx.x > 0) return;
  sac_real mean = (sac_real)(sum / op.rows);
  sac_real weight = sac_temperature_weight(op.log_alpha[i], op.plain);
  op.dlog_alpha[i] = -weight * mean;
  op.loss[i] = -(op.plain ? weight : op.log_alpha[i]) * mean;
}

void sac_cuda_temperature_loss(sac_backend *backend, const sac_temperature_loss *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes(&uses, op->dlog_alpha, (size_t)op->n * sizeof *op->dlog_alpha);
  sac_cuda_writes(&uses, op->loss, (size_t)op->n * sizeof *op->loss);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, temperature_loss_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  sac_cuda_step_end(backend);
}
