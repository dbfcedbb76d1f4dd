// LinearQuadratic-v0's formulas: s' = A s + B a + w, w ~ N(0, W), reward -(s'Q s + a'R a) / 2. One
// header for gcc and nvcc.
#pragma once

#include "env/numpy_random.h"
#include "env/riccati.h"
#include "sac/env.h"

typedef struct sac_linear_quadratic_state {
  double state[SAC_RICCATI_MAX];
  sac_numpy_random random;  // the disturbances
} sac_linear_quadratic_state;

typedef struct sac_linear_quadratic_task {
  sac_riccati_problem problem;
  double noise_factor[SAC_RICCATI_CELLS];  // (n, n) lower factor of W
} sac_linear_quadratic_task;

// an episode from state 0 whose disturbances are those of `seed`
SAC_HOST_DEVICE void sac_linear_quadratic_start(sac_linear_quadratic_state *self, uint64_t seed) {
  for (int i = 0; i < SAC_RICCATI_MAX; i++) self->state[i] = 0;
  sac_numpy_random_init(&self->random, seed);
}

SAC_HOST_DEVICE void sac_linear_quadratic_reset(const void *shared, void *env, uint64_t seed,
                                                double *obs) {
  const sac_linear_quadratic_task *task = (const sac_linear_quadratic_task *)shared;
  sac_linear_quadratic_state *self = (sac_linear_quadratic_state *)env;
  sac_linear_quadratic_start(self, seed);
  for (int i = 0; i < task->problem.n; i++)
    obs[i] = self->state[i] = sac_numpy_random_normal(&self->random);
}

// x'M x
SAC_HOST_DEVICE double sac_quadratic_form(int n, const double *matrix, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    double row = 0;
    for (int j = 0; j < n; j++) row += matrix[i * n + j] * x[j];
    sum += x[i] * row;
  }
  return sum;
}

// out += M x with M (rows, cols)
SAC_HOST_DEVICE void sac_add_product(int rows, int cols, const double *matrix, const double *x,
                                     double *out) {
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < cols; j++) out[i] += matrix[i * cols + j] * x[j];
  }
}

SAC_HOST_DEVICE void sac_linear_quadratic_step(const void *shared, void *env, const float *action,
                                               double *obs, sac_env_result *result) {
  const sac_linear_quadratic_task *task = (const sac_linear_quadratic_task *)shared;
  const sac_riccati_problem *problem = &task->problem;
  sac_linear_quadratic_state *self = (sac_linear_quadratic_state *)env;
  double push[SAC_RICCATI_MAX], noise[SAC_RICCATI_MAX], next[SAC_RICCATI_MAX] = {0};
  for (int i = 0; i < problem->m; i++) push[i] = (double)action[i];
  for (int i = 0; i < problem->n; i++) noise[i] = sac_numpy_random_normal(&self->random);

  result->reward = -(sac_quadratic_form(problem->n, problem->q, self->state) +
                     sac_quadratic_form(problem->m, problem->r, push)) /
                   2;
  sac_add_product(problem->n, problem->n, problem->a, self->state, next);
  sac_add_product(problem->n, problem->m, problem->b, push, next);
  sac_add_product(problem->n, problem->n, task->noise_factor, noise, next);
  for (int i = 0; i < SAC_RICCATI_MAX; i++) self->state[i] = next[i];
  for (int i = 0; i < problem->n; i++) obs[i] = next[i];
}
