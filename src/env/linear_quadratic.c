// LinearQuadratic-v0: s' = A s + B a + w, w ~ N(0, W), reward -(s'Q s + a'R a) / 2. The one
// continuous task whose soft optimum is known exactly (riccati.h).
#include "base/status.h"
#include "env/keyword.h"
#include "env/numpy_random.h"
#include "env/riccati.h"

#include <stdlib.h>
#include <string.h>

enum { MAX = SAC_RICCATI_MAX };

typedef struct linear_quadratic {
  double state[MAX];
  sac_numpy_random random;  // the disturbances
} linear_quadratic;

typedef struct linear_quadratic_task {
  sac_riccati_problem problem;
  double noise_factor[SAC_RICCATI_CELLS];  // (n, n) lower factor of W
} linear_quadratic_task;

enum { A, B, Q, R, W, GAMMA, ALPHA, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [A] = SAC_KEYWORD_MATRIX("A", 0.9, "dynamics, n x n in rows, at most 5 x 5"),
    [B] = SAC_KEYWORD_MATRIX("B", 0.5, "effect of the action, n x m in rows"),
    [Q] = SAC_KEYWORD_MATRIX("Q", 1.0, "cost of the state, n x n in rows"),
    [R] = SAC_KEYWORD_MATRIX("R", 0.5, "cost of the action, m x m in rows"),
    [W] = SAC_KEYWORD_MATRIX("W", 0.01, "covariance of the disturbance, n x n in rows"),
    [GAMMA] = SAC_KEYWORD_NUMBER("gamma", 0.95, 0, 0.999999,
                                 "discount of the closed form that sets the action bounds"),
    [ALPHA] = SAC_KEYWORD_NUMBER("alpha", 0.1, 1e-12, 1e12,
                                 "temperature of the closed form that sets the action bounds"),
};

// the side of a square matrix of so many values; 0 when there is none
static int square_side(int count) {
  for (int side = 1; side <= MAX; side++) {
    if (side * side == count) return side;
  }
  return 0;
}

static sac_status read_matrix(const sac_env_keyword *given, int rows, int cols, double *out,
                              sac_error *err) {
  if (given->count != rows * cols)
    return sac_error_set(err, SAC_BAD_CONFIG, "%s has %d values, must have %d x %d", given->where,
                         given->count, rows, cols);
  memcpy(out, given->value, sizeof *out * (size_t)given->count);
  return SAC_OK;
}

static sac_status read_covariance(const sac_env_keyword *given, int side, double *out,
                                  double *factor, sac_error *err) {
  SAC_TRY(read_matrix(given, side, side, out, err));
  bool symmetric = true;
  for (int i = 0; i < side * side; i++)
    symmetric = symmetric && out[i] == out[i % side * side + i / side];
  if (symmetric && sac_cholesky(side, out, factor)) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "%s must be symmetric and positive semi-definite",
                       given->where);
}

static sac_status read_problem(const sac_env_keyword *given, linear_quadratic_task *task,
                               sac_error *err) {
  sac_riccati_problem *problem = &task->problem;
  double factor[SAC_RICCATI_CELLS];
  int n = problem->n = square_side(given[A].count), m = problem->m = square_side(given[R].count);
  const sac_env_keyword *odd = n == 0 ? &given[A] : &given[R];
  if (n == 0 || m == 0)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s has %d values, must be a square matrix in rows of at most %d x %d",
                         odd->where, odd->count, MAX, MAX);
  SAC_TRY(read_matrix(&given[A], n, n, problem->a, err));
  SAC_TRY(read_matrix(&given[B], n, m, problem->b, err));
  SAC_TRY(read_covariance(&given[Q], n, problem->q, factor, err));
  SAC_TRY(read_covariance(&given[R], m, problem->r, factor, err));
  SAC_TRY(read_covariance(&given[W], n, problem->w, task->noise_factor, err));
  problem->gamma = given[GAMMA].value[0];
  problem->alpha = given[ALPHA].value[0];
  return SAC_OK;
}

static sac_status describe_task(const linear_quadratic_task *task, sac_env_spec *spec,
                                sac_error *err) {
  const sac_riccati_problem *problem = &task->problem;
  sac_riccati optimum;
  SAC_TRY(sac_riccati_solve(problem, &optimum, err));
  *spec = (sac_env_spec){.obs_dim = problem->n,
                         .act_dim = problem->m,
                         .max_episode_steps = 50,
                         .state_dim = problem->n,
                         .state_bytes = sizeof(linear_quadratic)};
  for (int i = 0; i < problem->m; i++) {
    spec->action_high[i] = 6 * optimum.std[i];
    spec->action_low[i] = -spec->action_high[i];
  }
  return SAC_OK;
}

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  linear_quadratic_task *task = calloc(1, sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "LinearQuadratic-v0: out of memory");
  sac_status status = read_problem(given, task, err);
  if (status == SAC_OK) status = describe_task(task, spec, err);
  if (status == SAC_OK) *shared = task;
  if (status != SAC_OK) free(task);
  return status;
}

static void observe(const linear_quadratic_task *task, const linear_quadratic *self, double *obs) {
  memcpy(obs, self->state, sizeof *obs * (size_t)task->problem.n);
}

// from a given state the disturbances are those of seed 0
static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const linear_quadratic_task *task = shared;
  linear_quadratic *self = env;
  memset(self, 0, sizeof *self);
  sac_numpy_random_init(&self->random, 0);
  memcpy(self->state, state, sizeof *state * (size_t)task->problem.n);
  observe(task, self, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const linear_quadratic_task *task = shared;
  linear_quadratic *self = env;
  memset(self, 0, sizeof *self);
  sac_numpy_random_init(&self->random, seed);
  for (int i = 0; i < task->problem.n; i++) self->state[i] = sac_numpy_random_normal(&self->random);
  observe(task, self, obs);
}

// x'M x
static double quadratic_form(int n, const double *matrix, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    double row = 0;
    for (int j = 0; j < n; j++) row += matrix[i * n + j] * x[j];
    sum += x[i] * row;
  }
  return sum;
}

// out += M x with M (rows, cols)
static void add_product(int rows, int cols, const double *matrix, const double *x, double *out) {
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < cols; j++) out[i] += matrix[i * cols + j] * x[j];
  }
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const linear_quadratic_task *task = shared;
  const sac_riccati_problem *problem = &task->problem;
  linear_quadratic *self = env;
  double push[MAX], noise[MAX], next[MAX] = {0};
  for (int i = 0; i < problem->m; i++) push[i] = (double)action[i];
  for (int i = 0; i < problem->n; i++) noise[i] = sac_numpy_random_normal(&self->random);

  result->reward = -(quadratic_form(problem->n, problem->q, self->state) +
                     quadratic_form(problem->m, problem->r, push)) /
                   2;
  add_product(problem->n, problem->n, problem->a, self->state, next);
  add_product(problem->n, problem->m, problem->b, push, next);
  add_product(problem->n, problem->n, task->noise_factor, noise, next);
  memcpy(self->state, next, sizeof next);
  observe(task, self, obs);
}

const sac_env_def sac_linear_quadratic = {
    .version = SAC_ENV_VERSION,
    .id = "LinearQuadratic-v0",
    .help = "linear dynamics, quadratic cost: the soft optimum is known",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = reset,
    .step = step,
    .set_state = set_state,
};
