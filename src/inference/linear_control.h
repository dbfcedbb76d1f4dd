// Maximum-entropy control of linear dynamics under quadratic cost, in closed form: the soft Riccati
// recursion, its optimistic variant, and the value and gradient of any linear policy.
//   s' = A s + B a + w, w ~ N(0, W); reward -(s'Q s + a'R a) / 2; no prior over actions.
#pragma once

#include "inference/matrix.h"
#include "inference/soft_backup.h"

/// a ~ N(-K s, covariance).
typedef struct sac_linear_policy {
  sac_matrix k;           // (m, n)
  sac_matrix covariance;  // (m, m) positive definite
} sac_linear_policy;

/// V(s) = -s'P s / 2 + c.
typedef struct sac_quadratic {
  sac_matrix p;  // (n, n)
  double c;
} sac_quadratic;

typedef struct sac_linear_problem {
  sac_matrix a, b, q, r, w;
  int horizon;                              // decisions; 0: for ever
  double discount;                          // below 1 without a horizon
  double temperature;                       // alpha
  sac_matrix start_mean, start_covariance;  // (n, 1), (n, n)
  bool has_policy;
  sac_linear_policy policy;  // to be evaluated
} sac_linear_problem;

/// What linear policies are worth in the real dynamics.
typedef struct sac_linear_worth {
  double expected_return;              // E sum_t gamma^t r from the start
  double entropy;                      // sum_t gamma^t H(pi), nats
  double objective;                    // expected_return + temperature * entropy
  sac_quadratic value;                 // of the objective at t = 0
  sac_matrix grad_k, grad_covariance;  // of the objective, where one policy holds throughout
} sac_linear_worth;

typedef struct sac_linear_solution {
  sac_inference_mode mode;
  int n_times;                // the horizon, or 1 where the policy never changes
  sac_quadratic *v;           // (n_times + 1); without a horizon both are the same
  sac_linear_policy *policy;  // (n_times)
  int iterations;             // without a horizon
  double value;               // E V_0(s_0)
  double log_p_o;  // exact: log of the integral over all actions of E exp(return / alpha)
  sac_linear_worth worth;
} sac_linear_solution;

/// Solve. Exact inference needs a horizon and no discount: an absorbing end is not quadratic.
/// SAC_BAD_NUMBER when the system cannot be controlled well enough for its discount.
sac_status sac_linear_solve(const sac_linear_problem *problem, sac_inference_mode mode,
                            sac_linear_solution **solution, sac_error *err);
void sac_linear_destroy(sac_linear_solution *solution);

/// Evaluate policies: one for each decision of the horizon, or one that holds for ever with
/// n_times = 1. `constant` says that policies[0] holds at every time of a horizon. SAC_BAD_NUMBER
/// when the cost is infinite.
sac_status sac_linear_evaluate(const sac_linear_problem *problem, const sac_linear_policy *policies,
                               bool constant, sac_linear_worth *worth, sac_error *err);
