// Adam with the target's tracking in one pass over the parameters, the gradient norm before it, and
// the check for finite values. All are bound by memory.
#include "backend/formulas/optimiser.h"
#include "cpu/table.h"

// values a part owns: a multiple of every vector, small enough to stay in the first-level cache
enum { BLOCK = 4096, NORM_PARTS = 16 };

typedef struct adam_work {
  const sac_adam *op;
  sac_adam_rates rates;
  sac_real most, scale;  // of the gradient
  int first_member, members;
} adam_work;

typedef struct norm_work {
  const sac_real *grad;
  size_t count;
  sac_real most;
  double partial[NORM_PARTS];
} norm_work;

static size_t block_count(size_t first, size_t count) {
  return count - first < BLOCK ? count - first : BLOCK;
}

static void step_values(const adam_work *work, size_t at, size_t count) {
  const sac_adam *op = work->op;
  sac_adam_rates rates = work->rates;
  sac_real *restrict value = op->value + at, *restrict m = op->m + at, *restrict v = op->v + at;
  const sac_real *restrict grad = op->grad + at;
  sac_real most = work->most, scale = work->scale;
  for (size_t i = 0; i < count; i++) {
    sac_real g = sac_cut(grad[i], most) * scale;
    m[i] = sac_adam_first(m[i], g, &rates);
    v[i] = sac_adam_second(v[i], g, &rates);
    value[i] -= sac_adam_change(m[i], v[i], &rates);
  }
}

static void track_values(const sac_real *restrict value, sac_real *restrict target, size_t count,
                         sac_real tau) {
  for (size_t i = 0; i < count; i++) target[i] = sac_polyak_mix(target[i], value[i], tau);
}

static int count_blocks(size_t count) {
  return (int)((count + BLOCK - 1) / BLOCK);
}

static void adam_part(void *context, int i_part) {
  const adam_work *work = context;
  const sac_adam *op = work->op;
  int blocks = count_blocks(op->count);
  size_t member = (size_t)(work->first_member + i_part / blocks);
  size_t first = (size_t)(i_part % blocks) * BLOCK, count = block_count(first, op->count);
  size_t at = member * op->count + first;
  step_values(work, at, count);
  if (op->target) track_values(op->value + at, op->target + at, count, (sac_real)op->tau);
}

static void norm_part(void *context, int i_part) {
  norm_work *work = context;
  size_t share = (work->count + NORM_PARTS - 1) / NORM_PARTS, first = (size_t)i_part * share;
  size_t end = first + share < work->count ? first + share : work->count;
  double sum[8] = {0};
  for (; first + 8 <= end; first += 8)
    for (int j = 0; j < 8; j++) {
      double g = (double)sac_cut(work->grad[first + (size_t)j], work->most);
      sum[j] += g * g;
    }
  for (; first < end; first++) {
    double g = (double)sac_cut(work->grad[first], work->most);
    sum[0] += g * g;
  }
  work->partial[i_part] =
      ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

// what the gradient of a group is multiplied with, so that its norm is at most max_grad_norm
static sac_real find_scale(sac_backend *backend, const sac_adam *op, int first_member,
                           sac_real most) {
  norm_work work = {.grad = op->grad + (size_t)first_member * op->count,
                    .count = (size_t)op->share * op->count,
                    .most = most};
  sac_cpu_run(backend, work.count, NORM_PARTS, norm_part, &work);
  double square = 0;
  for (int i = 0; i < NORM_PARTS; i++) square += work.partial[i];
  double norm = sqrt(square);
  return norm > op->max_grad_norm ? (sac_real)(op->max_grad_norm / norm) : (sac_real)1;
}

void SAC_CPU(adam)(sac_backend *backend, const sac_adam *op) {
  *op->step += 1;
  bool clips = op->max_grad_norm > 0;
  adam_work work = {.op = op,
                    .rates = sac_adam_rates_at(*op->step, op->lr, op->beta1, op->beta2, op->eps),
                    .most = sac_grad_limit(op),
                    .scale = 1,
                    .members = clips ? op->share : op->n};
  for (; work.first_member < op->n; work.first_member += work.members) {
    if (clips) work.scale = find_scale(backend, op, work.first_member, work.most);
    size_t values = (size_t)work.members * op->count;
    sac_cpu_run(backend, values * 2, work.members * count_blocks(op->count), adam_part, &work);
  }
}

static void polyak_part(void *context, int i_part) {
  const sac_polyak *op = context;
  size_t first = (size_t)i_part * BLOCK;
  track_values(op->value + first, op->target + first, block_count(first, op->count),
               (sac_real)op->tau);
}

void SAC_CPU(polyak)(sac_backend *backend, const sac_polyak *op) {
  sac_cpu_run(backend, op->count, count_blocks(op->count), polyak_part, op);
}

// x - x is zero for every finite x, NaN for the others
static bool any_not_finite(const sac_real *values, size_t count) {
  int bad = 0;
  for (size_t i = 0; i < count; i++) bad |= values[i] - values[i] != 0;
  return bad;
}

static void finite_part(void *context, int i_part) {
  const sac_finite_check *op = context;
  size_t at = (size_t)i_part * BLOCK, end = at + block_count(at, op->count), turn_end;
  for (; at < end; at = turn_end) {
    size_t turn = at / op->share;
    turn_end = (turn + 1) * op->share < end ? (turn + 1) * op->share : end;
    if (any_not_finite(op->values + at, turn_end - at))
      __atomic_fetch_or(&op->flag[turn % (size_t)op->n], op->bit, __ATOMIC_RELAXED);
  }
}

void SAC_CPU(finite_check)(sac_backend *backend, const sac_finite_check *op) {
  sac_cpu_run(backend, op->count, count_blocks(op->count), finite_part, op);
}
