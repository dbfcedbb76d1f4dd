// Particles of soft Q-learning (arXiv 1702.08165): actions to integrate over, the soft value, the
// score of exp(Q / alpha), Stein variational gradient descent. The lanes are a state's particles.
#include "backend/formulas/gaussian.h"
#include "backend/formulas/losses.h"
#include "backend/formulas/particles.h"
#include "backend/formulas/random.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

static double sum_of(const lanes x) {
  double sum = 0;
  for (int r = 0; r < SAC_CHUNK; r++) sum += (double)x[r];
  return sum;
}

// ---- proposals

// mean and deviation of a row's particles in dimension j
static void fit(const sac_proposal_draw *op, int i, int row, int j) {
  const sac_real *first = sac_stack_row(&op->particle, i, row * op->n_particles) + j;
  size_t ld = (size_t)op->particle.ld;
  double sum = 0, squares = 0;
  for (int k = 0; k < op->n_particles; k++) sum += (double)first[(size_t)k * ld];
  double mean = sum / op->n_particles;
  for (int k = 0; k < op->n_particles; k++) {
    double distance = (double)first[(size_t)k * ld] - mean;
    squares += distance * distance;
  }
  sac_real *moment = sac_stack_row(&op->moment, i, row);
  moment[j] = (sac_real)mean;
  moment[op->act_dim + j] = sac_proposal_sigma((sac_real)sqrt(squares / op->n_particles));
}

// dimension j of `count` actions: uniform, and where the row has particles every other one normal;
// adds to the log density of the normal
static void draw_dimension(const sac_proposal_draw *op, int i, int row, int first, int j,
                           sac_lane_words *words, lanes action, lanes log_normal) {
  const sac_real *moment = op->particle.data ? sac_stack_row(&op->moment, i, row) : NULL;
  lanes normal, other;
  for (int k = 0; k < SAC_CHUNK; k++) action[k] = sac_proposal_uniform(words->at[j % 4][k]);
  if (!moment) return;
  int pair = j % 4 / 2 * 2;
  for (int k = 0; k < SAC_CHUNK; k++) {
    sac_normal_pair(words->at[pair][k], words->at[pair + 1][k], &normal[k], &other[k]);
    if (j % 2) normal[k] = other[k];
  }
  sac_real mean = moment[j], sigma = moment[op->act_dim + j], log_sigma = sac_math_log(sigma);
  for (int k = 0; k < SAC_CHUNK; k++) {
    bool fitted = sac_proposal_is_fitted(first + k);
    sac_real u = fitted ? mean + sigma * normal[k] : sac_unsquashed(action[k]);
    sac_real noise = fitted ? normal[k] : (u - mean) / sigma;
    action[k] = fitted ? sac_math_tanh(u) : action[k];
    log_normal[k] += sac_normal_log_density(noise, log_sigma) - sac_squash_correction(u);
  }
}

static void draw_chunk(const sac_proposal_draw *op, int i, int row, int first) {
  int count = sac_chunk_count(first, op->count), at = row * op->count + first;
  uint32_t place[SAC_CHUNK], block[SAC_CHUNK];
  sac_lane_words words;
  lanes action, log_q = {0};
  for (int k = 0; k < SAC_CHUNK; k++)
    place[k] = (uint32_t)((op->shared ? 0 : row * op->count) + first + k);
  for (int j = 0; j < op->act_dim; j++) {
    for (int k = 0; k < SAC_CHUNK; k++) block[k] = (uint32_t)j / 4;
    if (j % 4 == 0)
      sac_lanes_draw(op->key[i], SAC_DRAW_PROPOSAL, *op->update, place, block, &words);
    draw_dimension(op, i, row, first, j, &words, action, log_q);
    sac_lanes_store(&op->action, i, at, count, j, action);
  }
  bool fitted = op->particle.data != NULL;
  for (int k = 0; k < SAC_CHUNK; k++)
    log_q[k] = sac_proposal_log_density(log_q[k], op->act_dim, fitted, op->count);
  sac_lanes_store(&op->log_q, i, at, count, 0, log_q);
}

static void draw_part(void *context, int i_part) {
  const sac_proposal_draw *op = context;
  int i = i_part / op->rows, row = i_part % op->rows;
  for (int j = 0; op->particle.data && j < op->act_dim; j++) fit(op, i, row, j);
  for (int first = 0; first < op->count; first += SAC_CHUNK) draw_chunk(op, i, row, first);
}

void SAC_CPU(proposal_draw)(sac_backend *backend, const sac_proposal_draw *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->count * (size_t)op->act_dim * 32;
  sac_cpu_run(backend, work, op->n * op->rows, draw_part, op);
}

// ---- the soft value

// log w of the particles of a row from `first` on; the lanes past the last have weight 0
static void find_log_weights(const sac_sampled_value *op, int i, int row, int first, sac_real alpha,
                             lanes log_w) {
  int count = sac_chunk_count(first, op->count), at = row * op->count + first;
  lanes least, q, log_q;
  sac_lanes_load(&op->q, i * op->n_critics, at, count, 0, least);
  for (int k = 1; k < op->n_critics; k++) {
    sac_lanes_load(&op->q, i * op->n_critics + k, at, count, 0, q);
    for (int r = 0; r < SAC_CHUNK; r++)
      least[r] = sac_minimum_moves(q[r], least[r]) ? q[r] : least[r];
  }
  sac_lanes_load(&op->log_q, i, at, count, 0, log_q);
  for (int r = 0; r < SAC_CHUNK; r++)
    log_w[r] = r < count ? least[r] / alpha - log_q[r] : -INFINITY;
}

// the value of a row; its effective sample size comes back
static double value_of_row(const sac_sampled_value *op, int i, int row, sac_real alpha) {
  sac_real most = -INFINITY;
  lanes w;
  for (int first = 0; first < op->count; first += SAC_CHUNK) {
    find_log_weights(op, i, row, first, alpha, w);
    for (int r = 0; r < SAC_CHUNK; r++) most = sac_minimum_moves(-w[r], -most) ? w[r] : most;
  }
  double sum = 0, squares = 0;
  for (int first = 0; first < op->count; first += SAC_CHUNK) {
    find_log_weights(op, i, row, first, alpha, w);
    for (int r = 0; r < SAC_CHUNK; r++) w[r] = sac_math_exp(w[r] - most);
    sum += sum_of(w);
    for (int r = 0; r < SAC_CHUNK; r++) w[r] *= w[r];
    squares += sum_of(w);
  }
  *sac_stack_row(&op->v, i, row) = alpha * (most + sac_math_log((sac_real)(sum / op->count)));
  return sum * sum / squares;
}

static void value_part(void *context, int i) {
  const sac_sampled_value *op = context;
  sac_real alpha = sac_math_exp(op->log_alpha[i]);
  double sum = 0;
  for (int row = 0; row < op->rows; row++) sum += value_of_row(op, i, row, alpha);
  op->sample_size[i] = (sac_real)(sum / op->rows);
}

void SAC_CPU(sampled_value)(sac_backend *backend, const sac_sampled_value *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->count * 16;
  sac_cpu_run(backend, work, op->n, value_part, op);
}

// ---- the score

// m, over the critics that have a say in the row
static void sum_values(const sac_particle_score *op, int i, int first, int count, lanes sum) {
  for (int r = 0; r < SAC_CHUNK; r++) sum[r] = 0;
  for (int k = i * op->n_critics; k < (i + 1) * op->n_critics; k++) {
    lanes q, seed;
    sac_lanes_load(&op->seed, k, first, count, 0, seed);
    sac_lanes_load(&op->q, k, first, count, 0, q);
    for (int r = 0; r < SAC_CHUNK; r++) sum[r] += seed[r] != 0 ? seed[r] * q[r] : (sac_real)0;
  }
}

static void score_chunk(const sac_particle_score *op, int i, int first, int count) {
  sac_real scale = 1 / sac_math_exp(op->log_alpha[i]);
  lanes x, slope, density;
  if (op->log_density.data) sum_values(op, i, first, count, density);
  for (int r = 0; op->log_density.data && r < SAC_CHUNK; r++) density[r] *= scale;
  for (int j = 0; j < op->act_dim; j++) {
    sac_lanes_load(&op->particle, i, first, count, j, x);
    sac_lanes_sum_critics(&op->dq, &op->seed, op->n_critics, i, first, count, j, slope);
    for (int r = 0; r < SAC_CHUNK; r++) slope[r] *= scale;
    if (op->log_density.data)
      for (int r = 0; r < SAC_CHUNK; r++) density[r] += sac_squash_correction(x[r]);
    if (op->space == SAC_PARTICLES_U)
      for (int r = 0; r < SAC_CHUNK; r++)
        slope[r] = sac_score(slope[r], sac_math_tanh(x[r]), sac_math_sech2(x[r]));
    else
      for (int r = 0; r < SAC_CHUNK; r++) slope[r] = sac_score_of_action(slope[r], x[r]);
    sac_lanes_store(&op->score, i, first, count, j, slope);
  }
  if (op->log_density.data) sac_lanes_store(&op->log_density, i, first, count, 0, density);
}

static void score_part(void *context, int i_part) {
  const sac_particle_score *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    score_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(particle_score)(sac_backend *backend, const sac_particle_score *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->act_dim * 32;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), score_part, op);
}

// ---- Stein variational gradient descent

// x_i - y_j in dimension d, for the fixed particles from `first` on
static void find_differences(const sac_stein_gradient *op, int i, int row, int j, int first, int d,
                             lanes difference) {
  int count = sac_chunk_count(first, op->n_fixed);
  sac_lanes_load(&op->fixed, i, row * op->n_fixed + first, count, d, difference);
  sac_real y = sac_stack_row(&op->updated, i, row * op->n_updated + j)[d];
  for (int r = 0; r < SAC_CHUNK; r++) difference[r] -= y;
}

// a row's squared distances, (n_updated, n_fixed)
static void find_distances(const sac_stein_gradient *op, int i, int row) {
  sac_real *to = sac_stack_row(&op->kernel, i, row);
  for (int j = 0; j < op->n_updated; j++)
    for (int first = 0; first < op->n_fixed; first += SAC_CHUNK) {
      lanes square = {0}, difference;
      for (int d = 0; d < op->act_dim; d++) {
        find_differences(op, i, row, j, first, d, difference);
        for (int r = 0; r < SAC_CHUNK; r++) square[r] += difference[r] * difference[r];
      }
      int count = sac_chunk_count(first, op->n_fixed);
      for (int r = 0; r < count; r++) to[j * op->n_fixed + first + r] = square[r];
    }
}

// the lower median of numbers that are not negative: bit by bit from the top, the largest number
// that at most half of them lie below
static sac_real find_median(const sac_real *x, int count) {
  sac_real_bits median = 0;
  for (sac_real_bits bit = SAC_TOP_BIT; bit; bit >>= 1) {
    int below = 0;
    for (int k = 0; k < count; k++) below += sac_bits_of(x[k]) < (median | bit);
    if (below <= (count - 1) / 2) median |= bit;
  }
  return sac_real_from_bits(median);
}

// distances become k = exp(-distance / h)
static void find_kernel(sac_real *x, int count, sac_real h) {
  for (int k = 0; k < count; k++) x[k] = sac_math_exp(-x[k] / h);
}

// dimension d of D_j
static sac_real find_direction(const sac_stein_gradient *op, int i, int row, int j, int d,
                               sac_real two_over_h) {
  const sac_real *kernel = sac_stack_row(&op->kernel, i, row) + j * op->n_fixed;
  lanes sum = {0}, difference, score;
  for (int first = 0; first < op->n_fixed; first += SAC_CHUNK) {
    int count = sac_chunk_count(first, op->n_fixed);
    find_differences(op, i, row, j, first, d, difference);
    sac_lanes_load(&op->score, i, row * op->n_fixed + first, count, d, score);
    for (int r = 0; r < count; r++)
      sum[r] += sac_stein_term(kernel[first + r], score[r], difference[r], two_over_h);
  }
  return (sac_real)(sum_of(sum) / op->n_fixed);
}

static void stein_part(void *context, int i_part) {
  const sac_stein_gradient *op = context;
  int i = i_part / op->rows, row = i_part % op->rows, pairs = op->n_updated * op->n_fixed;
  sac_real *kernel = sac_stack_row(&op->kernel, i, row);
  find_distances(op, i, row);
  sac_real h = sac_bandwidth(find_median(kernel, pairs), op->n_fixed);
  find_kernel(kernel, pairs, h);
  sac_real mean = 1 / (sac_real)(op->rows * op->n_updated);
  double squares = 0;
  for (int j = 0; j < op->n_updated; j++) {
    int at = row * op->n_updated + j;
    for (int d = 0; d < op->act_dim; d++) {
      sac_real y = sac_stack_row(&op->updated, i, at)[d];
      sac_real direction = find_direction(op, i, row, j, d, 2 / h);
      sac_stack_row(&op->dupdated, i, at)[d] = sac_stein_slope(op->space, direction, y, mean);
      squares += (double)direction * (double)direction;
    }
  }
  *sac_stack_row(&op->square, i, row) = (sac_real)squares;
}

void SAC_CPU(stein_gradient)(sac_backend *backend, const sac_stein_gradient *op) {
  size_t pairs = (size_t)op->n_fixed * (size_t)op->n_updated;
  SAC_ASSERT(op->n_fixed >= 2);
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows * pairs * 32, op->n * op->rows, stein_part,
              op);
  for (int i = 0; i < op->n; i++) {
    double sum = 0;
    for (int row = 0; row < op->rows; row++) sum += (double)*sac_stack_row(&op->square, i, row);
    op->loss[i] = (sac_real)(sum / op->rows / op->n_updated);
  }
}
