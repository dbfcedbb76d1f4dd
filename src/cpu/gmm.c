// The mixture of Gaussians (Haarnoja et al. 2018, first version): action, log-probability and the
// likelihood-ratio gradient.
#include "backend/formulas/random.h"
#include "cpu/squash.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

enum { COMPONENTS_MAX = 64 };

/// SAC_CHUNK rows of a mixture.
typedef struct mixture {
  const sac_gmm *gmm;
  const sac_stack *head, *noise;
  int i, first, count;
  lanes log_weight[COMPONENTS_MAX];
  lanes log_part[COMPONENTS_MAX];  // log w_k N(u; mu_k, sigma_k)
  int32_t component[SAC_CHUNK];    // that u was drawn from
} mixture;

static size_t work_of(const sac_gmm *gmm, int n, int rows) {
  return (size_t)n * (size_t)rows * (size_t)(gmm->components * gmm->gaussian.act_dim) * 32;
}

static void load_head(const mixture *m, int column, lanes x) {
  sac_lanes_load(m->head, m->i, m->first, m->count, column, x);
}

static int mean_at(const sac_gmm *gmm, int k, int j) {
  return k * gmm->gaussian.act_dim + j;
}

static int raw_at(const sac_gmm *gmm, int k, int j) {
  return (gmm->components + k) * gmm->gaussian.act_dim + j;
}

static int logit_at(const sac_gmm *gmm, int k) {
  return 2 * gmm->components * gmm->gaussian.act_dim + k;
}

// log sum_k exp(x_k)
static void sum_exponentials(lanes *x, int n, lanes sum) {
  lanes most;
  for (int r = 0; r < SAC_CHUNK; r++) most[r] = x[0][r], sum[r] = 0;
  for (int k = 1; k < n; k++)
    for (int r = 0; r < SAC_CHUNK; r++) most[r] = x[k][r] > most[r] ? x[k][r] : most[r];
  for (int k = 0; k < n; k++)
    for (int r = 0; r < SAC_CHUNK; r++) sum[r] += sac_math_exp(x[k][r] - most[r]);
  for (int r = 0; r < SAC_CHUNK; r++) sum[r] = most[r] + sac_math_log(sum[r]);
}

static void weigh_components(mixture *m) {
  lanes all;
  for (int k = 0; k < m->gmm->components; k++) load_head(m, logit_at(m->gmm, k), m->log_weight[k]);
  sum_exponentials(m->log_weight, m->gmm->components, all);
  for (int k = 0; k < m->gmm->components; k++)
    for (int r = 0; r < SAC_CHUNK; r++) m->log_weight[k][r] -= all[r];
}

// the first component at which the weights' sum passes a uniform number
static void choose_components(mixture *m) {
  lanes z0, z1, sum = {0};
  sac_lanes_load(m->noise, m->i, m->first, m->count, m->gmm->gaussian.act_dim, z0);
  sac_lanes_load(m->noise, m->i, m->first, m->count, m->gmm->gaussian.act_dim + 1, z1);
  for (int r = 0; r < SAC_CHUNK; r++) m->component[r] = 0;
  for (int k = 0; k + 1 < m->gmm->components; k++)
    for (int r = 0; r < SAC_CHUNK; r++) {
      sum[r] += sac_math_exp(m->log_weight[k][r]);
      m->component[r] += sac_uniform_of_normals(z0[r], z1[r]) >= sum[r];
    }
}

// the mean and raw log sigma of each row's component
static void load_chosen(const mixture *m, int j, lanes mean, lanes raw) {
  for (int k = 0; k < m->gmm->components; k++) {
    lanes of_mean, of_raw;
    load_head(m, mean_at(m->gmm, k, j), of_mean);
    load_head(m, raw_at(m->gmm, k, j), of_raw);
    for (int r = 0; r < SAC_CHUNK; r++)
      if (k == 0 || m->component[r] == k) mean[r] = of_mean[r], raw[r] = of_raw[r];
  }
}

static void draw_value(const mixture *m, int j, lanes u) {
  lanes raw, noise;
  load_chosen(m, j, u, raw);
  sac_lanes_load(m->noise, m->i, m->first, m->count, j, noise);
  for (int r = 0; r < SAC_CHUNK; r++)
    u[r] += sac_spread_of(&m->gmm->gaussian, raw[r]).sigma * noise[r];
}

// (u - mu_k) / sigma_k, and that component's spread
static void standardise(const mixture *m, int k, int j, const lanes u, lanes z,
                        sac_spread spread[SAC_CHUNK]) {
  lanes raw;
  load_head(m, mean_at(m->gmm, k, j), z);
  load_head(m, raw_at(m->gmm, k, j), raw);
  for (int r = 0; r < SAC_CHUNK; r++) {
    spread[r] = sac_spread_of(&m->gmm->gaussian, raw[r]);
    z[r] = (u[r] - z[r]) / spread[r].sigma;
  }
}

static void add_densities(mixture *m, int j, const lanes u) {
  for (int k = 0; k < m->gmm->components; k++) {
    lanes z;
    sac_spread spread[SAC_CHUNK];
    standardise(m, k, j, u, z, spread);
    for (int r = 0; r < SAC_CHUNK; r++)
      m->log_part[k][r] += sac_normal_log_density(z[r], spread[r].log_std);
  }
}

// weights, each row's component, and the parts with u of no dimension yet
static void begin_mixture(mixture *m) {
  weigh_components(m);
  choose_components(m);
  for (int k = 0; k < m->gmm->components; k++)
    for (int r = 0; r < SAC_CHUNK; r++) m->log_part[k][r] = m->log_weight[k][r];
}

static void store_squashed(const sac_gmm_forward *op, int i, int first, int count, int j, lanes u) {
  sac_lanes_squash(op->gmm.gaussian.squash, u, u);
  sac_lanes_store(&op->action, i, first, count, j, u);
}

static void take_means(const sac_gmm_forward *op, int i, int first, int count) {
  mixture m = {.gmm = &op->gmm, .head = &op->head, .i = i, .first = first, .count = count};
  for (int r = 0; r < SAC_CHUNK; r++) m.component[r] = (first + r) % op->gmm.components;
  for (int j = 0; j < op->gmm.gaussian.act_dim; j++) {
    lanes u, raw;
    load_chosen(&m, j, u, raw);
    store_squashed(op, i, first, count, j, u);
  }
}

static void draw_actions(const sac_gmm_forward *op, int i, int first, int count) {
  const sac_gaussian *g = &op->gmm.gaussian;
  mixture m = {&op->gmm, &op->head, &op->noise, i, first, count, {{0}}, {{0}}, {0}};
  lanes log_pi, volume = {0};
  begin_mixture(&m);
  for (int j = 0; j < g->act_dim; j++) {
    lanes u, own;
    draw_value(&m, j, u);
    add_densities(&m, j, u);
    sac_lanes_volume(g->squash, g->exact_correction, u, own);
    for (int r = 0; r < SAC_CHUNK; r++) volume[r] += own[r];
    store_squashed(op, i, first, count, j, u);
  }
  if (!op->log_pi.data) return;
  sum_exponentials(m.log_part, op->gmm.components, log_pi);
  for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] -= volume[r];
  sac_lanes_store(&op->log_pi, i, first, count, 0, log_pi);
}

static void forward_part(void *context, int i_part) {
  const sac_gmm_forward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    (op->noise.data ? draw_actions : take_means)(op, part.member, row,
                                                 sac_chunk_count(row, part.end));
}

void SAC_CPU(gmm_forward)(sac_backend *backend, const sac_gmm_forward *op) {
  SAC_ASSERT(op->gmm.components <= COMPONENTS_MAX);
  sac_cpu_run(backend, work_of(&op->gmm, op->n, op->rows), op->n * sac_rows_blocks(op->rows),
              forward_part, op);
}

// d log pi / d logit = R - w, with R the share of a component in the density at u
static void share_out(const sac_gmm_backward *op, mixture *m, const lanes factor) {
  lanes all;
  sum_exponentials(m->log_part, m->gmm->components, all);
  for (int k = 0; k < m->gmm->components; k++) {
    lanes d;
    for (int r = 0; r < SAC_CHUNK; r++) {
      m->log_part[k][r] = sac_math_exp(m->log_part[k][r] - all[r]);
      d[r] = factor[r] * (m->log_part[k][r] - sac_math_exp(m->log_weight[k][r]));
    }
    sac_lanes_store(&op->dhead, m->i, m->first, m->count, logit_at(m->gmm, k), d);
  }
}

// d log pi / d mu = R z / sigma,  d log pi / d log sigma = R (z^2 - 1)
static void score_value(const sac_gmm_backward *op, const mixture *m, int j, const lanes factor) {
  lanes u;
  draw_value(m, j, u);
  for (int k = 0; k < m->gmm->components; k++) {
    lanes z, d_mean, d_raw;
    sac_spread spread[SAC_CHUNK];
    standardise(m, k, j, u, z, spread);
    for (int r = 0; r < SAC_CHUNK; r++) {
      sac_real share = factor[r] * m->log_part[k][r];
      d_mean[r] = share * z[r] / spread[r].sigma;
      d_raw[r] = share * (z[r] * z[r] - 1) * spread[r].slope;
    }
    sac_lanes_store(&op->dhead, m->i, m->first, m->count, mean_at(m->gmm, k, j), d_mean);
    sac_lanes_store(&op->dhead, m->i, m->first, m->count, raw_at(m->gmm, k, j), d_raw);
  }
}

static void backward_chunk(const sac_gmm_backward *op, int i, int first, int count) {
  mixture m = {&op->gmm, &op->head, &op->noise, i, first, count, {{0}}, {{0}}, {0}};
  lanes factor, baseline;
  begin_mixture(&m);
  for (int j = 0; j < op->gmm.gaussian.act_dim; j++) {
    lanes u;
    draw_value(&m, j, u);
    add_densities(&m, j, u);
  }
  sac_lanes_load(&op->integrand, i, first, count, 0, factor);
  sac_lanes_load(&op->baseline, i, first, count, 0, baseline);
  for (int r = 0; r < SAC_CHUNK; r++) factor[r] = (factor[r] + baseline[r]) / (sac_real)op->rows;
  share_out(op, &m, factor);
  for (int j = 0; j < op->gmm.gaussian.act_dim; j++) score_value(op, &m, j, factor);
}

static void backward_part(void *context, int i_part) {
  const sac_gmm_backward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    backward_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(gmm_backward)(sac_backend *backend, const sac_gmm_backward *op) {
  SAC_ASSERT(op->gmm.components <= COMPONENTS_MAX);
  sac_cpu_run(backend, work_of(&op->gmm, op->n, op->rows), op->n * sac_rows_blocks(op->rows),
              backward_part, op);
}
