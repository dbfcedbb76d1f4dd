// LinearQuadratic-v0: linear dynamics, quadratic cost. The one continuous task whose soft optimum
// is known exactly (riccati.h).
#include "env/linear_quadratic.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "env/keyword.h"

enum { MAX = SAC_RICCATI_MAX };

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

static sac_status read_problem(const sac_env_keyword *given, sac_linear_quadratic_task *task,
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

static sac_status describe_task(const sac_linear_quadratic_task *task, sac_env_spec *spec,
                                sac_error *err) {
  const sac_riccati_problem *problem = &task->problem;
  sac_riccati optimum;
  SAC_TRY(sac_riccati_solve(problem, &optimum, err));
  *spec = (sac_env_spec){.obs_dim = problem->n,
                         .act_dim = problem->m,
                         .max_episode_steps = 50,
                         .state_dim = problem->n,
                         .state_bytes = sizeof(sac_linear_quadratic_state)};
  for (int i = 0; i < problem->m; i++) {
    spec->action_high[i] = 6 * optimum.std[i];
    spec->action_low[i] = -spec->action_high[i];
  }
  return SAC_OK;
}

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  sac_linear_quadratic_task *task = calloc(1, sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "LinearQuadratic-v0: out of memory");
  sac_status status = read_problem(given, task, err);
  if (status == SAC_OK) status = describe_task(task, spec, err);
  if (status == SAC_OK) *shared = task;
  if (status != SAC_OK) free(task);
  return status;
}

// from a given state the disturbances are those of seed 0
static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const sac_linear_quadratic_task *task = shared;
  sac_linear_quadratic_state *self = env;
  sac_linear_quadratic_start(self, 0);
  memcpy(self->state, state, sizeof *state * (size_t)task->problem.n);
  memcpy(obs, state, sizeof *obs * (size_t)task->problem.n);
}

const sac_env_def sac_linear_quadratic = {
    .version = SAC_ENV_VERSION,
    .id = "LinearQuadratic-v0",
    .help = "linear dynamics, quadratic cost: the soft optimum is known",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = sac_linear_quadratic_reset,
    .step = sac_linear_quadratic_step,
    .set_state = set_state,
};
