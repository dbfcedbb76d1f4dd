// The mixture of Gaussians (Haarnoja et al. 2018, first version): action, log-probability and the
// likelihood-ratio gradient.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/gaussian.h"
#include "backend/formulas/random.h"
}

// One thread a row: it walks components and dimensions, in the CPU's order. Bytes: the head, read
// twice or three times, 4 K (2A + 1) a time. Limit: latency.
enum { THREADS = 64, COMPONENTS_MAX = 64 };

/// One row of a mixture.
typedef struct mixture {
  const sac_gmm *gmm;
  const sac_real *head, *noise;
  sac_real log_weight[COMPONENTS_MAX];
  sac_real log_part[COMPONENTS_MAX];  // log w_k N(u; mu_k, sigma_k)
  int component;                      // that u was drawn from
} mixture;

static __device__ __forceinline__ int mean_at(const sac_gmm *gmm, int k, int j) {
  return k * gmm->gaussian.act_dim + j;
}

static __device__ __forceinline__ int raw_at(const sac_gmm *gmm, int k, int j) {
  return (gmm->components + k) * gmm->gaussian.act_dim + j;
}

static __device__ __forceinline__ int logit_at(const sac_gmm *gmm, int k) {
  return 2 * gmm->components * gmm->gaussian.act_dim + k;
}

// log sum_k exp(x_k)
static __device__ __forceinline__ sac_real sum_exponentials(const sac_real *x, int n) {
  sac_real most = x[0], sum = 0;
  for (int k = 1; k < n; k++) most = x[k] > most ? x[k] : most;
  for (int k = 0; k < n; k++) sum += sac_math_exp(x[k] - most);
  return most + sac_math_log(sum);
}

// weights, the row's component, and the parts with u of no dimension yet
static __device__ __forceinline__ void begin_mixture(mixture *m) {
  int components = m->gmm->components, act_dim = m->gmm->gaussian.act_dim;
  sac_real all = sum_exponentials(m->head + logit_at(m->gmm, 0), components);
  sac_real uniform = sac_uniform_of_normals(m->noise[act_dim], m->noise[act_dim + 1]), sum = 0;
  m->component = 0;
  for (int k = 0; k < components; k++) {
    m->log_part[k] = m->log_weight[k] = m->head[logit_at(m->gmm, k)] - all;
    sum += sac_math_exp(m->log_weight[k]);
    if (k + 1 < components) m->component += uniform >= sum;
  }
}

static __device__ __forceinline__ sac_real draw_value(const mixture *m, int j) {
  sac_spread spread = sac_spread_of(&m->gmm->gaussian, m->head[raw_at(m->gmm, m->component, j)]);
  return m->head[mean_at(m->gmm, m->component, j)] + spread.sigma * m->noise[j];
}

// (u - mu_k) / sigma_k, and that component's spread
static __device__ __forceinline__ sac_real standardise(const mixture *m, int k, int j, sac_real u,
                                                       sac_spread *spread) {
  *spread = sac_spread_of(&m->gmm->gaussian, m->head[raw_at(m->gmm, k, j)]);
  return (u - m->head[mean_at(m->gmm, k, j)]) / spread->sigma;
}

static __device__ __forceinline__ void add_densities(mixture *m, int j, sac_real u) {
  for (int k = 0; k < m->gmm->components; k++) {
    sac_spread spread;
    sac_real z = standardise(m, k, j, u, &spread);
    m->log_part[k] += sac_normal_log_density(z, spread.log_std);
  }
}

static __global__ void gmm_forward_kernel(const __grid_constant__ sac_gmm_forward op) {
  const sac_gaussian *g = &op.gmm.gaussian;
  size_t place = sac_thread_index();
  if (place >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(place / (size_t)op.rows), row = (int)(place % (size_t)op.rows);
  bool draws = op.noise.data != NULL;
  mixture m = {};
  m.gmm = &op.gmm;
  m.head = sac_stack_row(&op.head, i, row);
  m.noise = draws ? sac_stack_row(&op.noise, i, row) : NULL;
  m.component = row % op.gmm.components;
  if (draws) begin_mixture(&m);
  sac_real volume = 0;
  for (int j = 0; j < g->act_dim; j++) {
    sac_real u = draws ? draw_value(&m, j) : m.head[mean_at(&op.gmm, m.component, j)];
    if (draws) add_densities(&m, j, u);
    volume += sac_squash_volume(u, g->squash, g->exact_correction);
    sac_stack_row(&op.action, i, row)[j] = sac_squashed(u, g->squash);
  }
  if (draws && op.log_pi.data)
    *sac_stack_row(&op.log_pi, i, row) = sum_exponentials(m.log_part, op.gmm.components) - volume;
}

void sac_cuda_gmm_forward(sac_backend *backend, const sac_gmm_forward *op) {
  sac_cuda_require(op->gmm.components <= COMPONENTS_MAX, "at most 64 components");
  int act_dim = op->gmm.gaussian.act_dim;
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->head, op->n, op->rows, op->gmm.components * (2 * act_dim + 1));
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, act_dim + 2);
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows, act_dim);
  sac_cuda_writes_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  size_t rows = (size_t)op->n * (size_t)op->rows;
  SAC_CUDA_RUN(backend, gmm_forward_kernel, sac_blocks(rows, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}

// d log pi / d mu = R z / sigma,  d log pi / d log sigma = R (z^2 - 1)
static __device__ __forceinline__ void score_value(const mixture *m, int j, sac_real factor,
                                                   sac_real *dhead) {
  sac_real u = draw_value(m, j);
  for (int k = 0; k < m->gmm->components; k++) {
    sac_spread spread;
    sac_real z = standardise(m, k, j, u, &spread), share = factor * m->log_part[k];
    dhead[mean_at(m->gmm, k, j)] = share * z / spread.sigma;
    dhead[raw_at(m->gmm, k, j)] = share * (z * z - 1) * spread.slope;
  }
}

static __global__ void gmm_backward_kernel(const __grid_constant__ sac_gmm_backward op) {
  size_t place = sac_thread_index();
  if (place >= (size_t)op.n * (size_t)op.rows) return;
  int i = (int)(place / (size_t)op.rows), row = (int)(place % (size_t)op.rows);
  int components = op.gmm.components, act_dim = op.gmm.gaussian.act_dim;
  mixture m = {};
  m.gmm = &op.gmm;
  m.head = sac_stack_row(&op.head, i, row);
  m.noise = sac_stack_row(&op.noise, i, row);
  begin_mixture(&m);
  for (int j = 0; j < act_dim; j++) add_densities(&m, j, draw_value(&m, j));
  sac_real factor = (*sac_stack_row(&op.integrand, i, row) + *sac_stack_row(&op.baseline, i, row)) /
                    (sac_real)op.rows;
  // d log pi / d logit = R - w, with R the share of a component in the density at u
  sac_real all = sum_exponentials(m.log_part, components);
  sac_real *dhead = sac_stack_row(&op.dhead, i, row);
  for (int k = 0; k < components; k++) {
    m.log_part[k] = sac_math_exp(m.log_part[k] - all);
    dhead[logit_at(&op.gmm, k)] = factor * (m.log_part[k] - sac_math_exp(m.log_weight[k]));
  }
  for (int j = 0; j < act_dim; j++) score_value(&m, j, factor, dhead);
}

void sac_cuda_gmm_backward(sac_backend *backend, const sac_gmm_backward *op) {
  sac_cuda_require(op->gmm.components <= COMPONENTS_MAX, "at most 64 components");
  int act_dim = op->gmm.gaussian.act_dim, width = op->gmm.components * (2 * act_dim + 1);
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->head, op->n, op->rows, width);
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, act_dim + 2);
  sac_cuda_reads_stack(&uses, &op->integrand, op->n, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->baseline, op->n, op->rows, 1);
  sac_cuda_writes_stack(&uses, &op->dhead, op->n, op->rows, width);
  sac_cuda_step_begin(backend, &uses);
  size_t rows = (size_t)op->n * (size_t)op->rows;
  SAC_CUDA_RUN(backend, gmm_backward_kernel, sac_blocks(rows, THREADS), THREADS, *op);
  sac_cuda_step_end(backend);
}
