// Particles of soft Q-learning (arXiv 1702.08165): actions to integrate over, the soft value, the
// score of exp(Q / alpha), Stein variational gradient descent. Batches of training are bound by
// latency, the kernel matrix of many particles by arithmetic.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"
#include "kernels/reduce.cuh"

extern "C" {
#include "backend/formulas/gaussian.h"
#include "backend/formulas/losses.h"
#include "backend/formulas/particles.h"
#include "backend/formulas/random.h"
}

enum { THREADS = 256 };

// ---- proposals

// One thread a dimension of a row: mean and deviation of its particles.
static __global__ void fit_kernel(const __grid_constant__ sac_proposal_draw op) {
  size_t at = sac_thread_index(), dims = (size_t)op.act_dim, rows = (size_t)op.rows;
  if (at >= (size_t)op.n * rows * dims) return;
  int j = (int)(at % dims), row = (int)(at / dims % rows), i = (int)(at / dims / rows);
  double sum = 0, squares = 0;
  for (int k = 0; k < op.n_particles; k++)
    sum += (double)sac_stack_row(&op.particle, i, row * op.n_particles + k)[j];
  double mean = sum / op.n_particles;
  for (int k = 0; k < op.n_particles; k++) {
    double distance = (double)sac_stack_row(&op.particle, i, row * op.n_particles + k)[j] - mean;
    squares += distance * distance;
  }
  sac_real *moment = sac_stack_row(&op.moment, i, row);
  moment[j] = (sac_real)mean;
  moment[op.act_dim + j] = sac_proposal_sigma((sac_real)sqrt(squares / op.n_particles));
}

// a fitted action's dimension, or the uniform one it has; its log density under the fitted normal
static __device__ __forceinline__ sac_real draw_normal(const sac_proposal_draw *op,
                                                       const sac_real *moment, int k, int j,
                                                       const sac_words *words, sac_real *action) {
  sac_real noise[2], mean = moment[j], sigma = moment[op->act_dim + j];
  int pair = j % 4 / 2 * 2;
  sac_normal_pair(words->at[pair], words->at[pair + 1], &noise[0], &noise[1]);
  bool fitted = sac_proposal_is_fitted(k);
  sac_real u = fitted ? mean + sigma * noise[j % 2] : sac_unsquashed(*action);
  if (fitted) *action = sac_math_tanh(u);
  return sac_normal_log_density(fitted ? noise[j % 2] : (u - mean) / sigma, sac_math_log(sigma)) -
         sac_squash_correction(u);
}

// One thread an action.
static __global__ void draw_kernel(const __grid_constant__ sac_proposal_draw op) {
  size_t at = sac_thread_index(), rows = (size_t)op.rows * op.count;
  if (at >= (size_t)op.n * rows) return;
  int at_row = (int)(at % rows), row = at_row / op.count, k = at_row % op.count;
  int i = (int)(at / rows);
  const sac_real *moment = op.particle.data ? sac_stack_row(&op.moment, i, row) : NULL;
  sac_words words = {};
  sac_real log_normal = 0;
  for (int j = 0; j < op.act_dim; j++) {
    if (j % 4 == 0)
      words = sac_draw(op.key[i], SAC_DRAW_PROPOSAL, *op.update, (uint32_t)(op.shared ? k : at_row),
                       (uint32_t)j / 4);
    sac_real action = sac_proposal_uniform(words.at[j % 4]);
    if (moment) log_normal += draw_normal(&op, moment, k, j, &words, &action);
    sac_stack_row(&op.action, i, at_row)[j] = action;
  }
  *sac_stack_row(&op.log_q, i, at_row) =
      sac_proposal_log_density(log_normal, op.act_dim, moment != NULL, op.count);
}

void sac_cuda_proposal_draw(sac_backend *backend, const sac_proposal_draw *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->particle, op->n, op->rows * op->n_particles, op->act_dim);
  sac_cuda_reads(&uses, op->key, (size_t)op->n * sizeof *op->key);
  sac_cuda_reads(&uses, op->update, 1 * sizeof *op->update);
  sac_cuda_writes_stack(&uses, &op->moment, op->n, op->rows, 2 * op->act_dim);
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows * op->count, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->log_q, op->n, op->rows * op->count, 1);
  sac_cuda_step_begin(backend, &uses);
  size_t rows = (size_t)op->n * (size_t)op->rows;
  if (op->particle.data)
    SAC_CUDA_RUN(backend, fit_kernel, sac_blocks(rows * (size_t)op->act_dim, THREADS), THREADS,
                 *op);
  SAC_CUDA_RUN(backend, draw_kernel, sac_blocks(rows * (size_t)op->count, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// ---- the soft value

static __device__ __forceinline__ sac_real log_weight(const sac_sampled_value *op, int i, int at,
                                                      sac_real alpha) {
  sac_real least = *sac_stack_row(&op->q, i * op->n_critics, at);
  for (int k = 1; k < op->n_critics; k++) {
    sac_real q = *sac_stack_row(&op->q, i * op->n_critics + k, at);
    if (sac_minimum_moves(q, least)) least = q;
  }
  return least / alpha - *sac_stack_row(&op->log_q, i, at);
}

// One block a member, one thread a row at a time: its particles twice, for the largest weight and
// for the sums. Bytes: 8 (N + 1) a particle.
static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    sampled_value_kernel(const __grid_constant__ sac_sampled_value op) {
  int i = (int)blockIdx.x;
  sac_real alpha = sac_math_exp(op.log_alpha[i]);
  double sizes = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS) {
    sac_real most = -INFINITY;
    for (int k = 0; k < op.count; k++) {
      sac_real w = log_weight(&op, i, row * op.count + k, alpha);
      if (sac_minimum_moves(-w, -most)) most = w;
    }
    double sum = 0, squares = 0;
    for (int k = 0; k < op.count; k++) {
      sac_real w = sac_math_exp(log_weight(&op, i, row * op.count + k, alpha) - most);
      sum += (double)w;
      squares += (double)(w * w);
    }
    *sac_stack_row(&op.v, i, row) =
        alpha * (most + sac_math_log((sac_real)sum / (sac_real)op.count));
    sizes += (double)((sac_real)(sum * sum) / (sac_real)squares);
  }
  sizes = sac_block_sum(sizes);
  if (threadIdx.x == 0) op.sample_size[i] = (sac_real)(sizes / op.rows);
}

void sac_cuda_sampled_value(sac_backend *backend, const sac_sampled_value *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->q, op->n * op->n_critics, op->rows * op->count, 1);
  sac_cuda_reads_stack(&uses, &op->log_q, op->n, op->rows * op->count, 1);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes_stack(&uses, &op->v, op->n, op->rows, 1);
  sac_cuda_writes(&uses, op->sample_size, (size_t)op->n * sizeof *op->sample_size);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, sampled_value_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  sac_cuda_step_end(backend);
}

// ---- the score

// m, over the critics that have a say in the row
static __device__ __forceinline__ sac_real sum_values(const sac_particle_score *op, int i,
                                                      int row) {
  sac_real sum = 0;
  for (int k = i * op->n_critics; k < (i + 1) * op->n_critics; k++) {
    sac_real seed = *sac_stack_row(&op->seed, k, row);
    if (seed != 0) sum += seed * *sac_stack_row(&op->q, k, row);
  }
  return sum;
}

// One thread a particle. Bytes: about 4 A (N + 2) of each.
static __global__ void particle_score_kernel(const __grid_constant__ sac_particle_score op) {
  size_t at = sac_thread_index(), rows = (size_t)op.rows;
  if (at >= (size_t)op.n * rows) return;
  int row = (int)(at % rows), i = (int)(at / rows);
  sac_real scale = 1 / sac_math_exp(op.log_alpha[i]), density = 0;
  if (op.log_density.data) density = sum_values(&op, i, row) * scale;
  for (int j = 0; j < op.act_dim; j++) {
    sac_real x = sac_stack_row(&op.particle, i, row)[j];
    sac_real slope = sac_sum_critics(&op.dq, &op.seed, op.n_critics, i, row, j) * scale;
    if (op.log_density.data) density += sac_squash_correction(x);
    sac_stack_row(&op.score, i, row)[j] =
        op.space == SAC_PARTICLES_U ? sac_score(slope, sac_math_tanh(x), sac_math_sech2(x))
                                    : sac_score_of_action(slope, x);
  }
  if (op.log_density.data) *sac_stack_row(&op.log_density, i, row) = density;
}

void sac_cuda_particle_score(sac_backend *backend, const sac_particle_score *op) {
  int members = op->n * op->n_critics;
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->particle, op->n, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->dq, members, op->rows, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->seed, members, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->q, members, op->rows, 1);
  sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_writes_stack(&uses, &op->score, op->n, op->rows, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->log_density, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  size_t threads = (size_t)op->n * (size_t)op->rows;
  SAC_CUDA_RUN(backend, particle_score_kernel, sac_blocks(threads, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// ---- Stein variational gradient descent

// the sum of x over the warp, in every lane
static __device__ __forceinline__ double sum_over_warp(double x) {
  for (int d = SAC_WARP / 2; d > 0; d /= 2) x += __shfl_xor_sync(SAC_ALL_LANES, x, d);
  return x;
}

// squared distances of this block's row
static __device__ __forceinline__ void find_distances(const sac_stein_gradient *op, int i, int row,
                                                      sac_real *to) {
  int pairs = op->n_updated * op->n_fixed;
  for (int pair = (int)threadIdx.x; pair < pairs; pair += SAC_WARP) {
    const sac_real *x = sac_stack_row(&op->fixed, i, row * op->n_fixed + pair % op->n_fixed);
    const sac_real *y = sac_stack_row(&op->updated, i, row * op->n_updated + pair / op->n_fixed);
    sac_real square = 0;
    for (int d = 0; d < op->act_dim; d++) square += (x[d] - y[d]) * (x[d] - y[d]);
    to[pair] = square;
  }
}

// the lower median of numbers that are not negative: bit by bit from the top, the largest number
// that at most half of them lie below
static __device__ __forceinline__ sac_real find_median(const sac_real *x, int count) {
  sac_real_bits median = 0;
  for (sac_real_bits bit = SAC_TOP_BIT; bit; bit >>= 1) {
    int below = 0;
    for (int first = 0; first < count; first += SAC_WARP) {
      int k = first + (int)threadIdx.x;
      bool less = k < count && sac_bits_of(x[k]) < (median | bit);
      below += __popc(__ballot_sync(SAC_ALL_LANES, less));
    }
    if (below <= (count - 1) / 2) median |= bit;
  }
  return sac_real_from_bits(median);
}

// dimension d of D_j
static __device__ __forceinline__ sac_real find_direction(const sac_stein_gradient *op, int i,
                                                          int row, int j, int d,
                                                          const sac_real *kernel,
                                                          sac_real two_over_h) {
  sac_real y = sac_stack_row(&op->updated, i, row * op->n_updated + j)[d], sum = 0;
  for (int k = 0; k < op->n_fixed; k++) {
    int at = row * op->n_fixed + k;
    sum += sac_stein_term(kernel[j * op->n_fixed + k], sac_stack_row(&op->score, i, at)[d],
                          sac_stack_row(&op->fixed, i, at)[d] - y, two_over_h);
  }
  return sum / (sac_real)op->n_fixed;
}

// One block of one warp a state: its pairs, their median, their kernel; then one lane a dimension
// of an updated particle. Arithmetic: 8 (A + 4) a pair beside the median's 32 comparisons.
static __global__ void __launch_bounds__(SAC_WARP)
    stein_kernel(const __grid_constant__ sac_stein_gradient op) {
  int row = (int)blockIdx.x % op.rows, i = (int)blockIdx.x / op.rows;
  int pairs = op.n_updated * op.n_fixed;
  sac_real *kernel = sac_stack_row(&op.kernel, i, row);
  find_distances(&op, i, row, kernel);
  // every lane reads what it wrote itself, up to the barrier below
  sac_real h = sac_bandwidth(find_median(kernel, pairs), op.n_fixed);
  for (int pair = (int)threadIdx.x; pair < pairs; pair += SAC_WARP)
    kernel[pair] = sac_math_exp(-kernel[pair] / h);
  __syncthreads();
  sac_real mean = 1 / (sac_real)(op.rows * op.n_updated);
  double squares = 0;
  for (int at = (int)threadIdx.x; at < op.n_updated * op.act_dim; at += SAC_WARP) {
    int j = at / op.act_dim, d = at % op.act_dim;
    sac_real direction = find_direction(&op, i, row, j, d, kernel, 2 / h);
    sac_real y = sac_stack_row(&op.updated, i, row * op.n_updated + j)[d];
    sac_stack_row(&op.dupdated, i, row * op.n_updated + j)[d] =
        sac_stein_slope(op.space, direction, y, mean);
    squares += (double)direction * (double)direction;
  }
  squares = sum_over_warp(squares);
  if (threadIdx.x == 0) *sac_stack_row(&op.square, i, row) = (sac_real)squares;
}

static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    stein_loss_kernel(const __grid_constant__ sac_stein_gradient op) {
  int i = (int)blockIdx.x;
  double sum = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS)
    sum += (double)*sac_stack_row(&op.square, i, row);
  sum = sac_block_sum(sum);
  if (threadIdx.x == 0) op.loss[i] = (sac_real)(sum / op.rows / op.n_updated);
}

void sac_cuda_stein_gradient(sac_backend *backend, const sac_stein_gradient *op) {
  sac_cuda_require(op->n_fixed >= 2, "at least two fixed particles");
  int fixed = op->rows * op->n_fixed, updated = op->rows * op->n_updated;
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->fixed, op->n, fixed, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->score, op->n, fixed, op->act_dim);
  sac_cuda_reads_stack(&uses, &op->updated, op->n, updated, op->act_dim);
  sac_cuda_writes_stack(&uses, &op->kernel, op->n, op->rows, op->n_updated * op->n_fixed);
  sac_cuda_writes_stack(&uses, &op->square, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->dupdated, op->n, updated, op->act_dim);
  sac_cuda_writes(&uses, op->loss, (size_t)op->n * sizeof *op->loss);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, stein_kernel, (unsigned)(op->n * op->rows), SAC_WARP, *op);
  SAC_CUDA_RUN(backend, stein_loss_kernel, (unsigned)op->n, SAC_REDUCE_THREADS, *op);
  sac_cuda_step_end(backend);
}
