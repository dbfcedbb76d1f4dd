// The squashed Gaussian policy (SAC v2 appendix C): action, log-probability, gradient.
#include "cpu/squash.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

// log sigma, sigma from the head's second output
static void spread(const sac_gaussian *g, const lanes raw, lanes log_std, lanes sigma) {
  sac_real low = g->log_std_min, high = g->log_std_max;
  if (g->mode == SAC_LOG_STD_CLAMP)
    for (int r = 0; r < SAC_CHUNK; r++) log_std[r] = sac_log_std_clamp(raw[r], low, high);
  if (g->mode == SAC_LOG_STD_TANH)
    for (int r = 0; r < SAC_CHUNK; r++) log_std[r] = sac_log_std_tanh(raw[r], low, high);
  if (g->mode == SAC_LOG_STD_SOFTPLUS) {
    for (int r = 0; r < SAC_CHUNK; r++) sigma[r] = sac_sigma_softplus(raw[r]);
    for (int r = 0; r < SAC_CHUNK; r++) log_std[r] = sac_math_log(sigma[r]);
    return;
  }
  for (int r = 0; r < SAC_CHUNK; r++) sigma[r] = sac_math_exp(log_std[r]);
}

// d log sigma / d raw
static void slope_of_spread(const sac_gaussian *g, const lanes raw, const lanes sigma,
                            lanes slope) {
  sac_real low = g->log_std_min, high = g->log_std_max;
  if (g->mode == SAC_LOG_STD_CLAMP)
    for (int r = 0; r < SAC_CHUNK; r++) slope[r] = sac_log_std_clamp_slope(raw[r], low, high);
  if (g->mode == SAC_LOG_STD_TANH)
    for (int r = 0; r < SAC_CHUNK; r++) slope[r] = sac_log_std_tanh_slope(raw[r], low, high);
  if (g->mode == SAC_LOG_STD_SOFTPLUS)
    for (int r = 0; r < SAC_CHUNK; r++) slope[r] = sac_log_std_softplus_slope(raw[r], sigma[r]);
}

// log pi += log N(u) - c(u)
static void add_log_density(const sac_gaussian *g, const lanes noise, const lanes log_std,
                            const lanes u, lanes log_pi) {
  lanes volume;
  sac_lanes_volume(g->squash, g->exact_correction, u, volume);
  for (int r = 0; r < SAC_CHUNK; r++)
    log_pi[r] += sac_normal_log_density(noise[r], log_std[r]) - volume[r];
}

static void forward_chunk(const sac_gaussian_forward *op, int i, int first, int count) {
  const sac_gaussian *g = &op->gaussian;
  lanes u, raw, noise, log_std, sigma, action, log_pi = {0};
  for (int j = 0; j < g->act_dim; j++) {
    sac_lanes_load(&op->head, i, first, count, j, u);
    if (op->noise.data) {
      sac_lanes_load(&op->head, i, first, count, g->act_dim + j, raw);
      sac_lanes_load(&op->noise, i, first, count, j, noise);
      spread(g, raw, log_std, sigma);
      for (int r = 0; r < SAC_CHUNK; r++) u[r] += sigma[r] * noise[r];
    }
    sac_lanes_squash(g->squash, u, action);
    if (op->u.data) sac_lanes_store(&op->u, i, first, count, j, u);
    if (op->noise.data && op->log_pi.data) add_log_density(g, noise, log_std, u, log_pi);
    sac_lanes_store(&op->action, i, first, count, j, action);
  }
  if (op->noise.data && op->log_pi.data) sac_lanes_store(&op->log_pi, i, first, count, 0, log_pi);
}

static void forward_part(void *context, int i_part) {
  const sac_gaussian_forward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    forward_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(gaussian_forward)(sac_backend *backend, const sac_gaussian_forward *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->gaussian.act_dim * 32;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), forward_part, op);
}

static void backward_column(const sac_gaussian_backward *op, int i, int first, int count, int j) {
  const sac_gaussian *g = &op->gaussian;
  lanes u, raw, noise, action, log_std, sigma, jacobian, slope, dq, d_mean, d_raw;
  sac_lanes_load(&op->head, i, first, count, j, u);
  sac_lanes_load(&op->head, i, first, count, g->act_dim + j, raw);
  sac_lanes_load(&op->noise, i, first, count, j, noise);
  sac_lanes_load(&op->action, i, first, count, j, action);
  sac_lanes_sum_critics(&op->dq, &op->seed, op->n_critics, i, first, count, j, dq);
  spread(g, raw, log_std, sigma);
  for (int r = 0; r < SAC_CHUNK; r++) u[r] += sigma[r] * noise[r];
  sac_lanes_squash_slopes(g->squash, g->exact_correction, u, action, jacobian, slope);
  slope_of_spread(g, raw, sigma, d_raw);
  sac_real alpha = sac_math_exp(op->log_alpha[i]), mean = 1 / (sac_real)op->rows;
  bool prior = op->normal_prior;
  for (int r = 0; r < SAC_CHUNK; r++)
    d_mean[r] = sac_action_gradient(alpha, slope[r], prior, action[r], jacobian[r], dq[r]) * mean;
  // u depends on log sigma through sigma * noise; -alpha is the entropy's own part
  for (int r = 0; r < SAC_CHUNK; r++)
    d_raw[r] = (sigma[r] * noise[r] * d_mean[r] - alpha * mean) * d_raw[r];
  sac_lanes_store(&op->dhead, i, first, count, j, d_mean);
  sac_lanes_store(&op->dhead, i, first, count, g->act_dim + j, d_raw);
}

static void backward_part(void *context, int i_part) {
  const sac_gaussian_backward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    for (int j = 0; j < op->gaussian.act_dim; j++)
      backward_column(op, part.member, row, sac_chunk_count(row, part.end), j);
}

void SAC_CPU(gaussian_backward)(sac_backend *backend, const sac_gaussian_backward *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->gaussian.act_dim * 32;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), backward_part, op);
}

// B dJ/dhead of one dimension for u = mean + sigma z, and log pi += its part
static void score_column(const sac_gaussian_score *op, int i, int first, int count, int j,
                         const lanes weight, lanes log_pi) {
  const sac_gaussian *g = &op->gaussian;
  lanes u, z, raw, log_std, sigma, d_mean, d_raw;
  sac_lanes_load(&op->head, i, first, count, j, z);
  sac_lanes_load(&op->head, i, first, count, g->act_dim + j, raw);
  sac_lanes_load(&op->u, i, first, count, j, u);
  spread(g, raw, log_std, sigma);
  slope_of_spread(g, raw, sigma, d_raw);
  sac_real mean = 1 / (sac_real)op->rows;
  for (int r = 0; r < SAC_CHUNK; r++) z[r] = (u[r] - z[r]) / sigma[r];
  for (int r = 0; r < SAC_CHUNK; r++) d_mean[r] = -weight[r] * z[r] / sigma[r] * mean;
  for (int r = 0; r < SAC_CHUNK; r++) d_raw[r] *= -weight[r] * (z[r] * z[r] - 1) * mean;
  add_log_density(g, z, log_std, u, log_pi);
  sac_lanes_store(&op->dhead, i, first, count, j, d_mean);
  sac_lanes_store(&op->dhead, i, first, count, g->act_dim + j, d_raw);
}

static void score_part(void *context, int i) {
  const sac_gaussian_score *op = context;
  sac_lanes_total loss = {{0}}, entropy = {{0}};
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes weight, log_pi = {0};
    sac_lanes_load(&op->weight, i, row, count, 0, weight);
    for (int j = 0; j < op->gaussian.act_dim; j++)
      score_column(op, i, row, count, j, weight, log_pi);
    if (op->log_pi.data) sac_lanes_store(&op->log_pi, i, row, count, 0, log_pi);
    for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] = -log_pi[r];
    sac_lanes_add(&entropy, count, log_pi);
    for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] *= weight[r];
    sac_lanes_add(&loss, count, log_pi);
  }
  op->loss[i] = sac_lanes_mean(&loss, op->rows);
  op->entropy[i] = sac_lanes_mean(&entropy, op->rows);
}

void SAC_CPU(gaussian_score)(sac_backend *backend, const sac_gaussian_score *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->gaussian.act_dim * 32;
  sac_cpu_run(backend, work, op->n, score_part, op);
}
