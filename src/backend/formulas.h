// The element formulas of every op, once, for the host compiler and nvcc alike (SAC v2 appendix C;
// Adam: Kingma & Ba; unbiased indices: Lemire 2019).
#pragma once

#include <stdbool.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/elementary.h"

#define SAC_HALF_LOG_TWO_PI ((sac_real)0.918938533204672742)
#define SAC_LOG_TWO ((sac_real)0.693147180559945309)
#define SAC_CORRECTION_EPS ((sac_real)1e-6)
#define SAC_SIGMA_MIN ((sac_real)1e-5)

// ---- layers

/// max(x, 0); NaN stays.
SAC_HOST_DEVICE sac_real sac_relu(sac_real x) {
  return x < 0 ? (sac_real)0 : x;
}

/// act(x).
SAC_HOST_DEVICE sac_real sac_activate(sac_real x, sac_activation activation) {
  if (activation == SAC_RELU) return sac_relu(x);
  return activation == SAC_TANH ? sac_math_tanh(x) : x;
}

/// The bound of what is normalised, that of Stable-Baselines3's VecNormalize.
#define SAC_NORMALISED_MAX 10

/// NaN stays NaN.
SAC_HOST_DEVICE sac_real sac_normalised(sac_real x, sac_real mean, sac_real scale) {
  const sac_real most = SAC_NORMALISED_MAX;
  sac_real y = (x - mean) * scale;
  return y > most ? most : y < -most ? -most : y;
}

/// Added to the variance of a layer's units before it divides: PyTorch's value.
#define SAC_LAYER_NORM_EPS ((sac_real)1e-5)

/// dJ/du of layer normalisation over `units` units: dx = dJ/dx of one of them, sums over all.
SAC_HOST_DEVICE sac_real sac_normalised_slope(sac_real dx, sac_real x, sac_real sum_dx,
                                              sac_real sum_dx_x, sac_real rate, int units) {
  return rate * (dx - (sum_dx + x * sum_dx_x) / (sac_real)units);
}

// ---- random numbers

/// Two independent standard normals from two words (Box-Muller); |z| < 5.8.
SAC_HOST_DEVICE void sac_normal_pair(uint32_t word0, uint32_t word1, sac_real *z0, sac_real *z1) {
  sac_real radius = sac_math_sqrt(-2 * sac_math_log(sac_uniform(word0)));
  sac_real sine, cosine;
  sac_math_sincos(sac_uniform(word1), &sine, &cosine);
  *z0 = radius * cosine;
  *z1 = radius * sine;
}

/// Map a word to [0, count) without bias; false asks for another word. 0 < count < 2^32.
SAC_HOST_DEVICE bool sac_index_accept(uint32_t word, uint32_t count, uint32_t *index) {
  uint64_t product = (uint64_t)word * count;
  *index = (uint32_t)(product >> 32);
  uint32_t low = (uint32_t)product;
  // of the 2^32 words, the first 2^32 mod count would make some indices more likely
  return low >= count || low >= (0u - count) % count;
}

/// A uniform index in [0, count) at (purpose, step, row): words are tried in order until one is
/// accepted.
SAC_HOST_DEVICE uint32_t sac_index_draw(uint64_t key, sac_purpose purpose, uint64_t step,
                                        uint32_t row, uint32_t count) {
  uint32_t index = 0;
  for (uint32_t block = 0;; block++) {
    sac_words words = sac_draw(key, purpose, step, row, block);
    for (int i = 0; i < 4; i++)
      if (sac_index_accept(words.at[i], count, &index)) return index;
  }
}

/// `wanted` of `count` <= 64 items as bits, each set equally likely: item k is taken with
/// probability (still wanted) / (still left) (Knuth, algorithm S). Draws at (purpose, step, k).
SAC_HOST_DEVICE uint64_t sac_subset_draw(uint64_t key, sac_purpose purpose, uint64_t step,
                                         int count, int wanted) {
  uint64_t taken = 0;
  for (int k = 0; k < count; k++) {
    uint32_t left = (uint32_t)(count - k);
    if ((int)sac_index_draw(key, purpose, step, (uint32_t)k, left) >= wanted) continue;
    taken |= (uint64_t)1 << k;
    wanted--;
  }
  return taken;
}

/// Words below it leave their unit out: share * 2^32.
SAC_HOST_DEVICE uint32_t sac_drop_threshold(double share) {
  return (uint32_t)(share * 4294967296.0);
}

/// The first block of words of a layer, of which each serves four neighbouring units.
SAC_HOST_DEVICE uint32_t sac_drop_block(const sac_dropout *dropout, int member) {
  return (uint32_t)(member % dropout->networks * 8 + dropout->layer) << 11;
}

/// A word in which every bit depends on every bit of `x` and of `key` (Appleby's MurmurHash3).
SAC_HOST_DEVICE uint32_t sac_mix(uint32_t x, uint32_t key) {
  x ^= key;
  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return x ^ x >> 16;
}

/// Where `place` of [0, count) goes in a shuffle: a permutation drawn from eight words, without
/// anything kept. A Feistel network of eight rounds permutes the smallest square of a power of two
/// that holds count, and is walked until it falls inside (Black & Rogaway 2002). count <= 2^31.
SAC_HOST_DEVICE uint32_t sac_shuffle_place(const sac_words words[2], uint32_t place,
                                           uint32_t count) {
  int half = 1;
  while ((uint64_t)1 << 2 * half < count) half++;
  uint32_t mask = (1u << half) - 1;
  do {
    uint32_t left = place >> half, right = place & mask;
    for (int round = 0; round < 8; round++) {
      uint32_t next = left ^ (sac_mix(right, words[round / 4].at[round % 4]) & mask);
      left = right;
      right = next;
    }
    place = left << half | right;
  } while (place >= count);
  return place;
}

/// The words of pass `pass` over a rollout's rows.
SAC_HOST_DEVICE void sac_shuffle_words(uint64_t key, uint64_t update, uint64_t pass,
                                       sac_words words[2]) {
  for (uint32_t block = 0; block < 2; block++)
    words[block] = sac_draw(key, SAC_DRAW_SHUFFLE, update, (uint32_t)pass, block);
}

// ---- squashed Gaussian

/// clamp(x); the gradient passes inside, ends included.
SAC_HOST_DEVICE sac_real sac_log_std_clamp(sac_real x, sac_real low, sac_real high) {
  sac_real y = x < low ? low : x;
  return y > high ? high : y;
}
SAC_HOST_DEVICE sac_real sac_log_std_clamp_slope(sac_real x, sac_real low, sac_real high) {
  return ((x < low) | (x > high)) ? (sac_real)0 : (sac_real)1;
}

/// low + (high - low) / 2 (tanh x + 1).
SAC_HOST_DEVICE sac_real sac_log_std_tanh(sac_real x, sac_real low, sac_real high) {
  return low + (high - low) * (sac_real)0.5 * (sac_math_tanh(x) + 1);
}
SAC_HOST_DEVICE sac_real sac_log_std_tanh_slope(sac_real x, sac_real low, sac_real high) {
  return (high - low) * (sac_real)0.5 * sac_math_sech2(x);
}

/// sigma = softplus(x) + 1e-5, and d log sigma / dx.
SAC_HOST_DEVICE sac_real sac_sigma_softplus(sac_real x) {
  return sac_math_softplus(x) + SAC_SIGMA_MIN;
}
SAC_HOST_DEVICE sac_real sac_log_std_softplus_slope(sac_real x, sac_real sigma) {
  return sac_math_sigmoid(x) / sigma;
}

/// log sigma and sigma from the raw output, and d log sigma / d raw, in any mode.
typedef struct sac_spread {
  sac_real log_std, sigma, slope;
} sac_spread;
SAC_HOST_DEVICE sac_spread sac_spread_of(const sac_gaussian *g, sac_real raw) {
  sac_spread spread;
  sac_real low = g->log_std_min, high = g->log_std_max;
  if (g->mode == SAC_LOG_STD_SOFTPLUS) {
    spread.sigma = sac_sigma_softplus(raw);
    spread.log_std = sac_math_log(spread.sigma);
    spread.slope = sac_log_std_softplus_slope(raw, spread.sigma);
    return spread;
  }
  bool clamps = g->mode == SAC_LOG_STD_CLAMP;
  spread.log_std = clamps ? sac_log_std_clamp(raw, low, high) : sac_log_std_tanh(raw, low, high);
  spread.slope =
      clamps ? sac_log_std_clamp_slope(raw, low, high) : sac_log_std_tanh_slope(raw, low, high);
  spread.sigma = sac_math_exp(spread.log_std);
  return spread;
}

/// c(u) = log(1 - tanh^2 u), in the softplus form.
SAC_HOST_DEVICE sac_real sac_squash_correction(sac_real u) {
  sac_real size = sac_math_size(u);
  return 2 * ((SAC_LOG_TWO - size) - sac_math_log1p(sac_math_exp(-2 * size)));
}

/// c(u) as log(1 - a^2 + 1e-6), which saturates; 1 - a^2 from u, because a loses its digits near 1.
SAC_HOST_DEVICE sac_real sac_squash_correction_eps(sac_real u) {
  return sac_math_log(sac_math_sech2(u) + SAC_CORRECTION_EPS);
}

/// -dc/du of the two forms; `jacobian` is da/du = 1 - a^2.
SAC_HOST_DEVICE sac_real sac_squash_slope(sac_real a) {
  return 2 * a;
}
SAC_HOST_DEVICE sac_real sac_squash_slope_eps(sac_real a, sac_real jacobian) {
  return 2 * a * jacobian / (jacobian + SAC_CORRECTION_EPS);
}

/// c(u) as a policy's options have it; 0 where it does not squash.
SAC_HOST_DEVICE sac_real sac_squash_volume(sac_real u, bool squash, bool exact) {
  if (!squash) return 0;
  return exact ? sac_squash_correction(u) : sac_squash_correction_eps(u);
}

/// A number uniform in (0, 1) from two standard normals: their squared length is exponential.
SAC_HOST_DEVICE sac_real sac_uniform_of_normals(sac_real z0, sac_real z1) {
  return sac_math_exp(-(sac_real)0.5 * (z0 * z0 + z1 * z1));
}

/// log N(u; mu, sigma) of one dimension, with noise = (u - mu) / sigma.
SAC_HOST_DEVICE sac_real sac_normal_log_density(sac_real noise, sac_real log_std) {
  return -(sac_real)0.5 * noise * noise - log_std - SAC_HALF_LOG_TWO_PI;
}

/// B dJ/du of one dimension: alpha (slope + a jacobian under the normal prior) - g jacobian.
SAC_HOST_DEVICE sac_real sac_action_gradient(sac_real alpha, sac_real slope, bool normal_prior,
                                             sac_real a, sac_real jacobian, sac_real g) {
  sac_real pull = normal_prior ? a * jacobian : (sac_real)0;
  return alpha * (slope + pull) - g * jacobian;
}

// ---- particles

/// A word as an action uniform in (-1, 1).
SAC_HOST_DEVICE sac_real sac_proposal_uniform(uint32_t word) {
  return 2 * (sac_real)sac_uniform(word) - 1;
}

/// A proposal's deviation from that of the particles: those in one place are no proposal.
SAC_HOST_DEVICE sac_real sac_proposal_sigma(sac_real sigma) {
  return sigma < (sac_real)1e-2 ? (sac_real)1e-2 : sigma;
}

/// Whether action k of a proposal comes from the fitted normal, else from the uniform part.
SAC_HOST_DEVICE bool sac_proposal_is_fitted(int k) {
  return k % 2 == 0;
}

/// u of a uniform action, as atanh.
SAC_HOST_DEVICE sac_real sac_unsquashed(sac_real a) {
  return (sac_real)0.5 * (sac_math_log(1 + a) - sac_math_log(1 - a));
}

/// log(exp(x) + exp(y)).
SAC_HOST_DEVICE sac_real sac_log_sum(sac_real x, sac_real y) {
  sac_real most = x > y ? x : y;
  return most + sac_math_log1p(sac_math_exp(-sac_math_size(x - y)));
}

/// log q of one of `count` actions, from its log density under the fitted normal: the mixture of
/// the two parts in their true numbers, or the uniform density alone.
SAC_HOST_DEVICE sac_real sac_proposal_log_density(sac_real log_normal, int act_dim, bool fitted,
                                                  int count) {
  sac_real uniform = -(sac_real)act_dim * SAC_LOG_TWO;
  if (!fitted) return uniform;
  sac_real share = (sac_real)((count + 1) / 2) / (sac_real)count;
  return sac_log_sum(sac_math_log(share) + log_normal, sac_math_log(1 - share) + uniform);
}

/// g = (dm/da / alpha) (1 - a^2) - 2a before the squashing, and the authors' over the action.
SAC_HOST_DEVICE sac_real sac_score(sac_real slope, sac_real a, sac_real jacobian) {
  return slope * jacobian - 2 * a;
}
SAC_HOST_DEVICE sac_real sac_score_of_action(sac_real slope, sac_real a) {
  return slope - 2 * a / (1 - a * a + SAC_CORRECTION_EPS);
}

#define SAC_BANDWIDTH_MIN ((sac_real)1e-3)

/// h of the kernel from the median squared distance.
SAC_HOST_DEVICE sac_real sac_bandwidth(sac_real median, int n_fixed) {
  sac_real h = median / sac_math_log((sac_real)n_fixed);
  return h < SAC_BANDWIDTH_MIN ? SAC_BANDWIDTH_MIN : h;
}

/// One pair's part of one dimension of D: k g + d/dx k.
SAC_HOST_DEVICE sac_real sac_stein_term(sac_real kernel, sac_real score, sac_real difference,
                                        sac_real two_over_h) {
  return kernel * (score - two_over_h * difference);
}

/// The loss's gradient with respect to u from one dimension of D at y.
SAC_HOST_DEVICE sac_real sac_stein_slope(sac_particle_space space, sac_real direction, sac_real y,
                                         sac_real mean) {
  return space == SAC_PARTICLES_U ? -direction * mean : -direction * (1 - y * y);
}

/// Momentum after the force has acted for `time`.
SAC_HOST_DEVICE sac_real sac_kicked(sac_real momentum, sac_real time, sac_real score) {
  return momentum + time * score;
}
/// One dimension's |p'|^2 / 2 - |p|^2 / 2, as a product: the difference of squares would cancel.
SAC_HOST_DEVICE sac_real sac_kinetic_change(sac_real from, sac_real to) {
  return (sac_real)0.5 * (to - from) * (to + from);
}
/// Whether a chain takes its proposal, whose energy is higher by `energy`.
SAC_HOST_DEVICE bool sac_chain_moves(sac_real energy, sac_real z0, sac_real z1, bool always) {
  bool finite = sac_math_size(energy) < INFINITY;
  return finite & (always | (energy < (sac_real)0.5 * (z0 * z0 + z1 * z1)));
}

/// The bits of a number that is not negative, which are in the order of the numbers.
#if SAC_REAL_BYTES == 4
typedef uint32_t sac_real_bits;
#else
typedef uint64_t sac_real_bits;
#endif
#define SAC_TOP_BIT ((sac_real_bits)1 << (8 * SAC_REAL_BYTES - 1))
SAC_HOST_DEVICE sac_real_bits sac_bits_of(sac_real x) {
  sac_real_bits bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
SAC_HOST_DEVICE sac_real sac_real_from_bits(sac_real_bits bits) {
  sac_real x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// ---- targets and losses

/// y = kappa r + gamma (1 - d) next; `next` has no say where d = 1, even as NaN.
SAC_HOST_DEVICE sac_real sac_bellman_target(sac_real reward, sac_real terminated, sac_real next,
                                            sac_real gamma, sac_real reward_scale) {
  sac_real future = terminated == 1 ? (sac_real)0 : gamma * ((1 - terminated) * next);
  return reward_scale * reward + future;
}

/// Whether `q` takes the minimum's place from `best`: NaN wins, and the first of equals.
SAC_HOST_DEVICE bool sac_minimum_moves(sac_real q, sac_real best) {
  return (q < best) | ((q != q) & (best == best));
}

/// Half the square of `error`, and the Huber loss with threshold 1; their slopes.
SAC_HOST_DEVICE sac_real sac_square_loss(sac_real error) {
  return (sac_real)0.5 * error * error;
}
SAC_HOST_DEVICE sac_real sac_huber_loss(sac_real error) {
  sac_real size = sac_math_size(error);
  return size > 1 ? size - (sac_real)0.5 : (sac_real)0.5 * error * error;
}
SAC_HOST_DEVICE sac_real sac_huber_slope(sac_real error) {
  sac_real y = error < -1 ? (sac_real)-1 : error;
  return y > 1 ? (sac_real)1 : y;
}

/// d/dlog alpha of the loss over -mean(log pi + target entropy): of log alpha, or of alpha itself.
SAC_HOST_DEVICE sac_real sac_temperature_weight(sac_real log_alpha, bool plain) {
  return plain ? sac_math_exp(log_alpha) : (sac_real)1;
}

// ---- windows of the replay

/// A window of transitions as it is walked along.
typedef struct sac_window {
  size_t place;     // of the transition reached
  uint64_t newer;   // rows stored after it
  int length;       // transitions so far
  sac_real factor;  // gamma^length
  sac_real reward;  // sum of gamma^i r_i
} sac_window;

SAC_HOST_DEVICE const sac_real *sac_window_row(const sac_replay_gather *op, int i, size_t place) {
  return op->ring + ((size_t)i * op->capacity + place) * (size_t)op->layout.width;
}

/// Take up the reward of the transition reached.
SAC_HOST_DEVICE void sac_window_collect(const sac_replay_gather *op, int i, sac_window *window) {
  const sac_real *row = sac_window_row(op, i, window->place);
  sac_real reward = row[op->layout.obs_dim + op->layout.act_dim];
  if (op->reward_factor) reward = sac_normalised(reward, 0, op->reward_factor[i]);
  window->reward += window->factor * reward;
  window->factor *= op->gamma;
  window->length++;
}

SAC_HOST_DEVICE sac_window sac_window_begin(const sac_replay_gather *op, int i, size_t place) {
  sac_window window = {place, (op->pushed[i] - 1 - place) % op->capacity, 0, 1, 0};
  sac_window_collect(op, i, &window);
  return window;
}

/// Go on to the environment's next transition; false where the window ends with the one reached.
SAC_HOST_DEVICE bool sac_window_advance(const sac_replay_gather *op, int i, sac_window *window) {
  const sac_real *row = sac_window_row(op, i, window->place);
  size_t next = (window->place + (size_t)op->n_envs) % op->capacity;
  int obs_dim = op->layout.obs_dim, terminated = obs_dim + op->layout.act_dim + 1;
  if (window->length >= op->n_steps || window->newer < (uint64_t)op->n_envs) return false;
  if (row[terminated] == 1 || sac_window_row(op, i, next)[terminated + 1 + obs_dim] == 1)
    return false;
  window->place = next;
  window->newer -= (uint64_t)op->n_envs;
  sac_window_collect(op, i, window);
  return true;
}

// ---- prioritised replay

enum { SAC_PRIORITY_FAN = 32 };

/// A level of a ring's priorities and sums: where it begins, and how many nodes it has.
typedef struct sac_priority_level {
  size_t first, size;
} sac_priority_level;

SAC_HOST_DEVICE sac_priority_level sac_priority_above(sac_priority_level level) {
  sac_priority_level above;
  above.first = level.first + level.size;
  above.size = (level.size + SAC_PRIORITY_FAN - 1) / SAC_PRIORITY_FAN;
  return above;
}

/// Level `number` of a ring with `capacity` places; 0 are the priorities themselves.
SAC_HOST_DEVICE sac_priority_level sac_priority_level_at(size_t capacity, int number) {
  sac_priority_level level = {0, capacity};
  for (int i = 0; i < number; i++) level = sac_priority_above(level);
  return level;
}

/// The number of the level that has one node, the sum of all.
SAC_HOST_DEVICE int sac_priority_top(size_t capacity) {
  int top = 0;
  for (size_t size = capacity; size > 1; top++)
    size = (size + SAC_PRIORITY_FAN - 1) / SAC_PRIORITY_FAN;
  return top;
}

/// Sum node `node` of level `above` anew from those of `level`.
SAC_HOST_DEVICE void sac_priority_sum(sac_real *nodes, sac_priority_level level,
                                      sac_priority_level above, size_t node) {
  size_t begin = node * SAC_PRIORITY_FAN, end = begin + SAC_PRIORITY_FAN;
  sac_real sum = 0;
  for (size_t i = begin; i < end && i < level.size; i++) sum += nodes[level.first + i];
  nodes[above.first + node] = sum;
}

/// The place at which the running sum of priorities passes `mass`; rounding never leads to one
/// whose priority is zero.
SAC_HOST_DEVICE size_t sac_priority_find(const sac_real *nodes, size_t capacity, sac_real mass) {
  size_t node = 0;
  for (int number = sac_priority_top(capacity) - 1; number >= 0; number--) {
    sac_priority_level level = sac_priority_level_at(capacity, number);
    size_t begin = node * SAC_PRIORITY_FAN, end = begin + SAC_PRIORITY_FAN;
    node = begin;
    for (size_t i = begin; i < end && i < level.size; i++) {
      sac_real sum = nodes[level.first + i];
      if (!(sum > 0)) continue;
      node = i;
      if (mass < sum) break;
      mass -= sum;
    }
  }
  return node;
}

/// (mean |q - y| + eps)^alpha from the sum of sizes over the critics.
SAC_HOST_DEVICE sac_real sac_priority_of(sac_real sizes, int n_critics, double alpha, double eps) {
  sac_real error = sizes / (sac_real)n_critics + (sac_real)eps;
  return sac_math_exp((sac_real)alpha * sac_math_log(error));
}

/// (count P)^-beta, beta having risen from `beta` for `update` of `updates` updates.
SAC_HOST_DEVICE sac_real sac_priority_weight(sac_real share, uint64_t count, double beta,
                                             uint64_t update, double updates) {
  double risen = beta + (1 - beta) * ((double)update / updates);
  sac_real exponent = (sac_real)(risen < 1 ? risen : 1);
  return sac_math_exp(-exponent * sac_math_log((sac_real)count * share));
}

/// One step of the scan that gives generalised advantages, from the step after it: delta + gamma
/// lambda A, the latter only within the episode. `v_next` has no say where d = 1, even as NaN.
SAC_HOST_DEVICE sac_real sac_advantage(sac_real reward, sac_real terminated, sac_real v,
                                       sac_real v_next, sac_real gamma, sac_real carried) {
  sac_real future = terminated == 1 ? (sac_real)0 : gamma * v_next;
  return (reward + future - v) + carried;
}

// ---- optimiser

/// What elements of the gradient are cut to.
SAC_HOST_DEVICE sac_real sac_grad_limit(const sac_adam *op) {
  return op->max_grad_value > 0 ? (sac_real)op->max_grad_value : (sac_real)INFINITY;
}

/// `grad` cut to [-most, most]; NaN stays.
SAC_HOST_DEVICE sac_real sac_cut(sac_real grad, sac_real most) {
  return grad > most ? most : grad < -most ? -most : grad;
}

/// What one Adam step uses for every element: p -= rate m / (sqrt(v) root + eps), where `rate` is
/// lr / (1 - beta1^t) and `root` is 1 / sqrt(1 - beta2^t).
typedef struct sac_adam_rates {
  sac_real beta1, rest1, beta2, rest2, rate, root, eps;
} sac_adam_rates;

SAC_HOST_DEVICE sac_adam_rates sac_adam_rates_at(uint64_t step, double lr, double beta1,
                                                 double beta2, double eps) {
  double t = (double)step;
  sac_adam_rates rates;
  rates.beta1 = (sac_real)beta1;
  rates.rest1 = (sac_real)(1 - beta1);
  rates.beta2 = (sac_real)beta2;
  rates.rest2 = (sac_real)(1 - beta2);
  rates.rate = (sac_real)(lr / (1 - pow(beta1, t)));
  rates.root = (sac_real)(1 / sqrt(1 - pow(beta2, t)));
  rates.eps = (sac_real)eps;
  return rates;
}

/// The moments. A parameter whose gradient stays zero (a dead unit) would let them decay into
/// denormal numbers, on which processors are a hundred times slower: far below any effect on the
/// parameter they become zero.
SAC_HOST_DEVICE sac_real sac_adam_first(sac_real m, sac_real grad, const sac_adam_rates *rates) {
  sac_real y = rates->beta1 * m + rates->rest1 * grad;
  return sac_math_size(y) < (sac_real)1e-30 ? (sac_real)0 : y;
}
SAC_HOST_DEVICE sac_real sac_adam_second(sac_real v, sac_real grad, const sac_adam_rates *rates) {
  sac_real y = rates->beta2 * v + rates->rest2 * (grad * grad);
  return y < (sac_real)1e-36 ? (sac_real)0 : y;
}
SAC_HOST_DEVICE sac_real sac_adam_change(sac_real m, sac_real v, const sac_adam_rates *rates) {
  return rates->rate * m / (sac_math_sqrt(v) * rates->root + rates->eps);
}

/// target + tau (value - target) as (1 - tau) target + tau value.
SAC_HOST_DEVICE sac_real sac_polyak_mix(sac_real target, sac_real value, sac_real tau) {
  return (1 - tau) * target + tau * value;
}

// ---- exploration

/// One row of sac_explore.
SAC_HOST_DEVICE void sac_explore_row(const sac_explore *op, int i, int row) {
  sac_real *action = sac_stack_row(&op->action, i, row);
  size_t at = (size_t)i * (size_t)op->rows + (size_t)row;
  int kind = op->kind[at];
  if (kind == SAC_EXPLORE_POLICY) return;
  const sac_stack *own = kind == SAC_EXPLORE_GAUSSIAN        ? &op->noise
                         : kind == SAC_EXPLORE_DETERMINISTIC ? &op->deterministic
                                                             : &op->perturbed;
  const sac_real *from = sac_stack_row(own, i, row);
  double square = 0;
  for (int j = 0; j < op->act_dim; j++) {
    sac_real draw = action[j], noisy = draw + op->sigma * from[j];
    if (op->bounded) noisy = noisy < -1 ? (sac_real)-1 : noisy > 1 ? (sac_real)1 : noisy;
    action[j] = kind == SAC_EXPLORE_GAUSSIAN ? noisy : from[j];
    double moved = (double)action[j] - (double)draw;
    square += moved * moved;
  }
  if (kind != SAC_EXPLORE_PARAMETER) return;
  op->distance[2 * at] += square / op->act_dim;
  op->distance[2 * at + 1] += 1;
}
