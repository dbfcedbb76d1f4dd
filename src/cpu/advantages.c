// What a policy gradient makes of a rollout: advantages, targets of the value function.
#include "backend/elementary.h"
#include "backend/formulas/advantages.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

// environments [first, first + count) at step t: A of this step, from A of the next in `advantage`
static void advance_chunk(const sac_advantages *op, int i, int t, int first, int count,
                          lanes advantage) {
  int row = t * op->envs + first;
  lanes reward, terminated, truncated, log_pi, v, v_next;
  sac_lanes_load(&op->reward, i, row, count, 0, reward);
  sac_lanes_load(&op->terminated, i, row, count, 0, terminated);
  sac_lanes_load(&op->truncated, i, row, count, 0, truncated);
  sac_lanes_load(&op->log_pi, i, row, count, 0, log_pi);
  sac_lanes_load(&op->v, i, row, count, 0, v);
  sac_lanes_load(&op->v_next, i, row, count, 0, v_next);
  sac_real alpha = sac_math_exp(op->log_alpha[i]), decay = op->gamma * op->lambda;
  for (int r = 0; r < SAC_CHUNK; r++) {
    bool goes_on = !((terminated[r] != 0) | (truncated[r] != 0));
    sac_real rho = op->reward_scale * reward[r] - alpha * log_pi[r];
    advantage[r] = sac_advantage(rho, terminated[r], v[r], v_next[r], op->gamma,
                                 goes_on ? decay * advantage[r] : (sac_real)0);
    v[r] += advantage[r];
  }
  sac_lanes_store(&op->advantage, i, row, count, 0, advantage);
  sac_lanes_store(&op->y, i, row, count, 0, v);
}

// one part is up to SAC_CHUNK environments of a member
static void advantages_part(void *context, int i_part) {
  const sac_advantages *op = context;
  int chunks = (op->envs + SAC_CHUNK - 1) / SAC_CHUNK;
  int first = i_part % chunks * SAC_CHUNK;
  lanes advantage = {0};
  for (int t = op->steps - 1; t >= 0; t--)
    advance_chunk(op, i_part / chunks, t, first, sac_chunk_count(first, op->envs), advantage);
}

void SAC_CPU(advantages)(sac_backend *backend, const sac_advantages *op) {
  size_t work = (size_t)op->n * (size_t)op->steps * (size_t)op->envs * 8;
  int chunks = (op->envs + SAC_CHUNK - 1) / SAC_CHUNK;
  sac_cpu_run(backend, work, op->n * chunks, advantages_part, op);
}

// the mean of f(x): of x itself, or of its squared distance from `centre`
static double mean_over(const sac_stack *x, int i, int rows, bool squares, double centre) {
  double sum[SAC_CHUNK] = {0}, all = 0;
  for (int row = 0; row < rows; row += SAC_CHUNK) {
    int count = sac_chunk_count(row, rows);
    lanes value;
    sac_lanes_load(x, i, row, count, 0, value);
    for (int r = 0; r < count; r++) {
      double d = (double)value[r] - centre;
      sum[r] += squares ? d * d : d;
    }
  }
  for (int r = 0; r < SAC_CHUNK; r++) all += sum[r];
  return all / rows;
}

static void standardise_part(void *context, int i) {
  const sac_standardise *op = context;
  double mean = mean_over(&op->x, i, op->rows, false, 0);
  double deviation = sqrt(mean_over(&op->x, i, op->rows, true, mean));
  double scale = 1 / (deviation + (double)op->eps);
  for (int row = 0; row < op->rows; row++) {
    sac_real *x = sac_stack_row(&op->x, i, row);
    *x = (sac_real)(((double)*x - mean) * scale);
  }
}

void SAC_CPU(standardise)(sac_backend *backend, const sac_standardise *op) {
  sac_cpu_run(backend, (size_t)op->n * (size_t)op->rows * 4, op->n, standardise_part, op);
}
