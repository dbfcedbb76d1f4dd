// Targets and losses. One part is one seed: its rows are summed chunk by chunk, in double, in one
// order.
#include "backend/formulas/gaussian.h"
#include "backend/formulas/losses.h"
#include "backend/formulas/random.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

// the least of member i's critics whose bit is set, and which one it was
static void find_minimum(const sac_stack *q, int i, int n_critics, const bool *used, int first,
                         int count, lanes best, int32_t which[SAC_CHUNK]) {
  bool any = false;
  for (int k = 0; k < n_critics; k++) {
    if (used && !used[k]) continue;
    lanes x;
    sac_lanes_load(q, i * n_critics + k, first, count, 0, x);
    for (int r = 0; r < SAC_CHUNK; r++) {
      bool moves = !any || sac_minimum_moves(x[r], best[r]);
      best[r] = moves ? x[r] : best[r];
      which[r] = moves ? k : which[r];
    }
    any = true;
  }
}

// log p0(a): standard normal over the action, or 0 where the prior is uniform
static void find_log_prior(const sac_stack *action, int act_dim, int i, int first, int count,
                           lanes log_prior) {
  for (int r = 0; r < SAC_CHUNK; r++) log_prior[r] = 0;
  if (!action->data) return;
  for (int j = 0; j < act_dim; j++) {
    lanes a;
    sac_lanes_load(action, i, first, count, j, a);
    for (int r = 0; r < SAC_CHUNK; r++) log_prior[r] += sac_normal_log_density(a[r], 0);
  }
}

// value += alpha (log p0(a) - log pi(a|s))
static void add_entropy(const sac_stack *log_pi, const sac_stack *prior_action, int act_dim, int i,
                        int first, int count, sac_real alpha, lanes value) {
  lanes entropy, log_prior;
  sac_lanes_load(log_pi, i, first, count, 0, entropy);
  find_log_prior(prior_action, act_dim, i, first, count, log_prior);
  for (int r = 0; r < SAC_CHUNK; r++) value[r] += alpha * (log_prior[r] - entropy[r]);
}

// what the next state's value is multiplied with
static void find_discount(const sac_stack *discount, sac_real gamma, int i, int first, int count,
                          lanes out) {
  for (int r = 0; r < SAC_CHUNK; r++) out[r] = gamma;
  if (discount->data) sac_lanes_load(discount, i, first, count, 0, out);
}

enum { CRITICS_MAX = 64 };

static void draw_subset(const sac_soft_q_target *op, int i, bool used[CRITICS_MAX]) {
  SAC_ASSERT(op->n_critics <= CRITICS_MAX);
  uint64_t taken =
      sac_subset_draw(op->key[i], SAC_DRAW_SUBSET, *op->update, op->n_critics, op->subset);
  for (int k = 0; k < op->n_critics; k++) used[k] = taken >> k & 1;
}

static void soft_q_part(void *context, int i) {
  const sac_soft_q_target *op = context;
  bool used[CRITICS_MAX];
  bool all = op->subset >= op->n_critics;
  if (!all) draw_subset(op, i, used);
  sac_real alpha = sac_math_exp(op->log_alpha[i]);
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes reward, terminated, discount, next;
    int32_t which[SAC_CHUNK];
    sac_lanes_load(&op->reward, i, row, count, 0, reward);
    sac_lanes_load(&op->terminated, i, row, count, 0, terminated);
    find_minimum(&op->q, i, op->n_critics, all ? NULL : used, row, count, next, which);
    add_entropy(&op->log_pi, &op->prior_action, op->act_dim, i, row, count, alpha, next);
    find_discount(&op->discount, op->gamma, i, row, count, discount);
    for (int r = 0; r < SAC_CHUNK; r++)
      next[r] =
          sac_bellman_target(reward[r], terminated[r], next[r], discount[r], op->reward_scale);
    sac_lanes_store(&op->y, i, row, count, 0, next);
  }
}

void SAC_CPU(soft_q_target)(sac_backend *backend, const sac_soft_q_target *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->n_critics;
  sac_cpu_run(backend, work, op->n, soft_q_part, op);
}

static void value_target_part(void *context, int i) {
  const sac_value_target *op = context;
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes reward, terminated, discount, next;
    sac_lanes_load(&op->reward, i, row, count, 0, reward);
    sac_lanes_load(&op->terminated, i, row, count, 0, terminated);
    sac_lanes_load(&op->v, i, row, count, 0, next);
    find_discount(&op->discount, op->gamma, i, row, count, discount);
    for (int r = 0; r < SAC_CHUNK; r++)
      next[r] =
          sac_bellman_target(reward[r], terminated[r], next[r], discount[r], op->reward_scale);
    sac_lanes_store(&op->y, i, row, count, 0, next);
  }
}

void SAC_CPU(value_target)(sac_backend *backend, const sac_value_target *op) {
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows, op->n, value_target_part, op);
}

static void soft_value_part(void *context, int i) {
  const sac_soft_value *op = context;
  sac_real alpha = sac_math_exp(op->log_alpha[i]);
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes value;
    int32_t which[SAC_CHUNK];
    find_minimum(&op->q, i, op->n_critics, NULL, row, count, value, which);
    add_entropy(&op->log_pi, &op->prior_action, op->act_dim, i, row, count, alpha, value);
    sac_lanes_store(&op->v, i, row, count, 0, value);
  }
}

void SAC_CPU(soft_value)(sac_backend *backend, const sac_soft_value *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->n_critics;
  sac_cpu_run(backend, work, op->n, soft_value_part, op);
}

static void weigh_rows(const sac_regression_loss *op, int i, int first, int count, lanes loss,
                       lanes slope) {
  lanes weight;
  sac_lanes_load(&op->weight, i, first, count, 0, weight);
  for (int r = 0; r < SAC_CHUNK; r++) loss[r] *= weight[r], slope[r] *= weight[r];
}

static void regression_part(void *context, int i) {
  const sac_regression_loss *op = context;
  sac_lanes_total sum = {{0}};
  sac_real mean = 1 / (sac_real)op->rows;
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes q, y, loss;
    sac_lanes_load(&op->q, i, row, count, 0, q);
    sac_lanes_load(&op->y, i, row, count, 0, y);
    for (int r = 0; r < SAC_CHUNK; r++) q[r] -= y[r];
    if (op->huber)
      for (int r = 0; r < SAC_CHUNK; r++)
        loss[r] = sac_huber_loss(q[r]), q[r] = sac_huber_slope(q[r]);
    else
      for (int r = 0; r < SAC_CHUNK; r++) loss[r] = sac_square_loss(q[r]);
    if (op->weight.data) weigh_rows(op, i, row, count, loss, q);
    for (int r = 0; r < SAC_CHUNK; r++) q[r] *= mean;
    sac_lanes_store(&op->dq, i, row, count, 0, q);
    sac_lanes_add(&sum, count, loss);
  }
  op->loss[i] = sac_lanes_mean(&sum, op->rows);
}

void SAC_CPU(regression_loss)(sac_backend *backend, const sac_regression_loss *op) {
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows, op->n, regression_part, op);
}

// m of the rows, and dm/dQ_k in `seed`; lists each critic's rows but for the mean
static void climb_mean(const sac_policy_loss *op, int i, int first, int count, lanes m) {
  lanes seed, q;
  for (int r = 0; r < SAC_CHUNK; r++) m[r] = 0, seed[r] = 1 / (sac_real)op->n_critics;
  for (int k = 0; k < op->n_critics; k++) {
    sac_lanes_load(&op->q, i * op->n_critics + k, first, count, 0, q);
    for (int r = 0; r < SAC_CHUNK; r++) m[r] += q[r] * seed[r];
    sac_lanes_store(&op->seed, i * op->n_critics + k, first, count, 0, seed);
  }
}

static void climb_one(const sac_policy_loss *op, int i, int first, int count, lanes m) {
  int32_t which[SAC_CHUNK];
  // the first critic alone is a minimum over one
  int considered = op->actor_q == SAC_ACTOR_FIRST ? 1 : op->n_critics;
  bool used[CRITICS_MAX] = {false};
  for (int k = 0; k < considered; k++) used[k] = true;
  find_minimum(&op->q, i, op->n_critics, used, first, count, m, which);
  for (int k = 0; k < op->n_critics; k++) {
    int member = i * op->n_critics + k;
    int32_t *row = op->row + (size_t)member * (size_t)op->rows;
    int32_t listed = op->row_count[member];
    lanes seed;
    for (int r = 0; r < SAC_CHUNK; r++) seed[r] = which[r] == k;
    for (int r = 0; r < count; r++) {
      row[listed] = first + r;
      listed += which[r] == k;
    }
    op->row_count[member] = listed;
    sac_lanes_store(&op->seed, member, first, count, 0, seed);
  }
}

static void policy_part(void *context, int i) {
  const sac_policy_loss *op = context;
  bool mean = op->actor_q == SAC_ACTOR_MEAN;
  sac_real alpha = sac_math_exp(op->log_alpha[i]);
  sac_lanes_total loss = {{0}}, entropy = {{0}};
  for (int k = 0; k < op->n_critics && !mean; k++) op->row_count[i * op->n_critics + k] = 0;
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes value, log_pi;
    (mean ? climb_mean : climb_one)(op, i, row, count, value);
    // J_pi's integrand is alpha log pi - alpha log p0 - m
    add_entropy(&op->log_pi, &op->prior_action, op->act_dim, i, row, count, alpha, value);
    sac_lanes_load(&op->log_pi, i, row, count, 0, log_pi);
    for (int r = 0; r < SAC_CHUNK; r++) value[r] = -value[r], log_pi[r] = -log_pi[r];
    if (op->integrand.data) sac_lanes_store(&op->integrand, i, row, count, 0, value);
    sac_lanes_add(&loss, count, value);
    sac_lanes_add(&entropy, count, log_pi);
  }
  op->loss[i] = sac_lanes_mean(&loss, op->rows);
  op->entropy[i] = sac_lanes_mean(&entropy, op->rows);
}

void SAC_CPU(policy_loss)(sac_backend *backend, const sac_policy_loss *op) {
  SAC_ASSERT(op->n_critics <= CRITICS_MAX);
  SAC_ASSERT(op->actor_q == SAC_ACTOR_MEAN || (op->row && op->row_count));
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->n_critics;
  sac_cpu_run(backend, work, op->n, policy_part, op);
}

static void temperature_part(void *context, int i) {
  const sac_temperature_loss *op = context;
  sac_lanes_total sum = {{0}};
  for (int row = 0; row < op->rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, op->rows);
    lanes x;
    sac_lanes_load(&op->log_pi, i, row, count, 0, x);
    for (int r = 0; r < SAC_CHUNK; r++) x[r] += op->target_entropy;
    sac_lanes_add(&sum, count, x);
  }
  sac_real mean = sac_lanes_mean(&sum, op->rows);
  sac_real weight = sac_temperature_weight(op->log_alpha[i], op->plain);
  op->dlog_alpha[i] = -weight * mean;
  op->loss[i] = -(op->plain ? weight : op->log_alpha[i]) * mean;
}

void SAC_CPU(temperature_loss)(sac_backend *backend, const sac_temperature_loss *op) {
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows, op->n, temperature_part, op);
}
