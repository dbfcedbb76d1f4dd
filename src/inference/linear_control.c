#include "inference/linear_control.h"

#include <math.h>
#include <stdlib.h>

static const double two_pi = 6.28318530717958647692;

// what of the state that follows comes with the noise: V' of its mean, as P and what is added to c
typedef struct outlook {
  sac_matrix p;
  double c;
} outlook;

// alpha log E exp(V'(m + w) / alpha): P~ = (P^-1 + W / alpha)^-1, one column of W's root after the
// other (Sherman and Morrison), which neither P nor W needs an inverse for
static outlook hope(sac_matrix p, sac_matrix w, double alpha) {
  sac_matrix root;
  bool is_covariance = sac_matrix_root(w, &root);
  SAC_ASSERT(is_covariance);
  double log_det = 0;
  for (int j = 0; j < w.rows; j++) {
    sac_matrix l = sac_matrix_column(root, j), pl = sac_matrix_multiply(p, l);
    double cost = sac_matrix_congruence(p, l).at[0];
    sac_matrix square = sac_matrix_multiply(pl, sac_matrix_transpose(pl));
    p = sac_matrix_subtract(p, sac_matrix_scale(1 / (alpha + cost), square));
    log_det += log1p(cost / alpha);
  }
  return (outlook){p, -alpha / 2 * log_det};
}

// E V'(m + w)
static outlook expect(sac_matrix p, sac_matrix w) {
  return (outlook){p, -sac_matrix_inner(p, w) / 2};
}

// A - B K
static sac_matrix close_loop(const sac_linear_problem *problem, sac_matrix k) {
  return sac_matrix_subtract(problem->a, sac_matrix_multiply(problem->b, k));
}

// Q + K'R K + gamma (A - B K)'P (A - B K)
static sac_matrix cost_before(const sac_linear_problem *problem, sac_matrix k, sac_matrix p) {
  sac_matrix now = sac_matrix_add(problem->q, sac_matrix_congruence(problem->r, k));
  sac_matrix later = sac_matrix_congruence(p, close_loop(problem, k));
  return sac_matrix_add(now, sac_matrix_scale(problem->discount, later));
}

// H = R + gamma B'P B
static sac_matrix curvature(const sac_linear_problem *problem, sac_matrix p) {
  sac_matrix later = sac_matrix_congruence(p, problem->b);
  return sac_matrix_add(problem->r, sac_matrix_scale(problem->discount, later));
}

// one step back from V' = `next`: K = gamma H^-1 B'P A, covariance alpha H^-1; false where H is not
// positive definite to the last digit
static bool step_back(const sac_linear_problem *problem, sac_inference_mode mode,
                      const sac_quadratic *next, sac_linear_policy *policy, sac_quadratic *v) {
  double gamma = problem->discount, alpha = problem->temperature;
  int m = problem->b.cols;
  outlook later =
      mode == SAC_INFERENCE_EXACT ? hope(next->p, problem->w, alpha) : expect(next->p, problem->w);
  sac_matrix h = curvature(problem, later.p), factor;
  if (!sac_matrix_factor(h, &factor)) return false;
  sac_matrix bpa = sac_matrix_multiply(sac_matrix_transpose(problem->b),
                                       sac_matrix_multiply(later.p, problem->a));
  policy->k = sac_matrix_scale(gamma, sac_matrix_solve(factor, bpa));
  sac_matrix inverse = sac_matrix_solve(factor, sac_matrix_identity(m));
  policy->covariance =
      sac_matrix_scale(alpha / 2, sac_matrix_add(inverse, sac_matrix_transpose(inverse)));
  v->c = alpha / 2 * (m * log(two_pi * alpha) - sac_matrix_log_det(factor)) +
         gamma * (later.c + next->c);
  v->p = cost_before(problem, policy->k, later.p);
  return true;
}

static sac_status refuse_curvature(sac_error *err) {
  return sac_error_set(err, SAC_BAD_NUMBER,
                       "R + discount B'P B is not positive definite in float64: the matrices' "
                       "scales lie too far apart");
}

// without a horizon: P from 0 until it stays, then the c that goes with it
static sac_status solve_for_ever(const sac_linear_problem *problem, sac_linear_solution *self,
                                 sac_error *err) {
  enum { MOST = 1000000 };
  int n = problem->a.rows;
  self->v[1] = (sac_quadratic){sac_matrix_zero(n, n), 0};
  for (int i = 1; i <= MOST; i++) {
    sac_quadratic *old = &self->v[1], *new = &self->v[0];
    old->c = 0;
    if (!step_back(problem, self->mode, old, &self->policy[0], new)) return refuse_curvature(err);
    double size = sac_matrix_largest(new->p);
    double change = sac_matrix_largest(sac_matrix_subtract(new->p, old->p));
    *old = *new;
    if (!isfinite(size)) break;
    if (change > 1e-15 * size) continue;
    old->c = new->c = new->c / (1 - problem->discount);
    self->iterations = i;
    return SAC_OK;
  }
  return sac_error_set(err, SAC_BAD_NUMBER,
                       "the soft Riccati equation has no finite solution that %d iterations reach: "
                       "the system must be controllable enough for its discount",
                       MOST);
}

// E[s_0 s_0']
static sac_matrix start_moment(const sac_linear_problem *problem) {
  sac_matrix mean = problem->start_mean;
  return sac_matrix_add(problem->start_covariance,
                        sac_matrix_multiply(mean, sac_matrix_transpose(mean)));
}

static double expected_value(const sac_linear_problem *problem, const sac_quadratic *v) {
  return v->c - sac_matrix_inner(v->p, start_moment(problem)) / 2;
}

// log E exp(V_0(s_0) / alpha)
static double start_evidence(const sac_linear_problem *problem, const sac_quadratic *v) {
  outlook start = hope(v->p, problem->start_covariance, problem->temperature);
  sac_matrix at_mean = sac_matrix_congruence(start.p, problem->start_mean);
  return (v->c + start.c - at_mean.at[0] / 2) / problem->temperature;
}

static sac_status solve(const sac_linear_problem *problem, sac_linear_solution *self,
                        sac_error *err) {
  int n = problem->a.rows;
  if (problem->horizon == 0) {
    SAC_TRY(solve_for_ever(problem, self, err));
  } else {
    self->v[problem->horizon] = (sac_quadratic){sac_matrix_zero(n, n), 0};
    for (int t = problem->horizon - 1; t >= 0; t--)
      if (!step_back(problem, self->mode, &self->v[t + 1], &self->policy[t], &self->v[t]))
        return refuse_curvature(err);
  }
  self->value = expected_value(problem, &self->v[0]);
  if (self->mode == SAC_INFERENCE_EXACT) self->log_p_o = start_evidence(problem, &self->v[0]);
  return sac_linear_evaluate(problem, self->policy, self->n_times == 1, &self->worth, err);
}

sac_status sac_linear_solve(const sac_linear_problem *problem, sac_inference_mode mode,
                            sac_linear_solution **solution, sac_error *err) {
  bool quadratic =
      mode == SAC_INFERENCE_VARIATIONAL || (problem->horizon > 0 && problem->discount >= 1);
  SAC_ASSERT(quadratic);
  sac_linear_solution *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for a solution");
  self->mode = mode;
  self->n_times = problem->horizon > 0 ? problem->horizon : 1;
  self->v = calloc((size_t)self->n_times + 1, sizeof *self->v);
  self->policy = calloc((size_t)self->n_times, sizeof *self->policy);
  sac_status status = self->v && self->policy
                          ? solve(problem, self, err)
                          : sac_error_set(err, SAC_FAILED,
                                          "no memory for %d decisions: a shorter "
                                          "horizon, or discount without one, takes less",
                                          self->n_times);
  if (status == SAC_OK)
    *solution = self;
  else
    sac_linear_destroy(self);
  return status;
}

void sac_linear_destroy(sac_linear_solution *solution) {
  if (!solution) return;
  free(solution->v);
  free(solution->policy);
  free(solution);
}

// log det(2 pi e S) / 2
static double entropy_of(const sac_linear_policy *policy) {
  sac_matrix factor;
  bool is_definite = sac_matrix_factor(policy->covariance, &factor);
  SAC_ASSERT(is_definite);
  return (policy->k.rows * (log(two_pi) + 1) + sac_matrix_log_det(factor)) / 2;
}

// W + B S B', the noise of the closed loop
static sac_matrix loop_noise(const sac_linear_problem *problem, const sac_linear_policy *policy) {
  sac_matrix pushed = sac_matrix_congruence(policy->covariance, sac_matrix_transpose(problem->b));
  return sac_matrix_add(problem->w, pushed);
}

// what the objective gains, per E[s s'] and by itself, from a change of the policy followed by P
static void add_gradient(const sac_linear_problem *problem, const sac_linear_policy *policy,
                         sac_matrix p, sac_matrix moment, double weight, sac_linear_worth *out) {
  sac_matrix h = curvature(problem, p), factor;
  sac_matrix bpa =
      sac_matrix_multiply(sac_matrix_transpose(problem->b), sac_matrix_multiply(p, problem->a));
  sac_matrix slope = sac_matrix_subtract(sac_matrix_scale(problem->discount, bpa),
                                         sac_matrix_multiply(h, policy->k));
  out->grad_k = sac_matrix_add(out->grad_k, sac_matrix_multiply(slope, moment));
  bool is_definite = sac_matrix_factor(policy->covariance, &factor);
  SAC_ASSERT(is_definite);
  sac_matrix inverse = sac_matrix_solve(factor, sac_matrix_identity(policy->k.rows));
  sac_matrix spread = sac_matrix_subtract(sac_matrix_scale(problem->temperature, inverse), h);
  out->grad_covariance = sac_matrix_add(out->grad_covariance, sac_matrix_scale(weight / 2, spread));
}

// sum_k G'^k M G^k by doubling: twice as many terms each time; false when it is infinite
static bool sum_series(sac_matrix g, sac_matrix m, sac_matrix *sum) {
  *sum = m;
  for (int i = 0; i < 64; i++) {
    sac_matrix more = sac_matrix_congruence(*sum, g);
    *sum = sac_matrix_add(*sum, more);
    g = sac_matrix_multiply(g, g);
    if (!isfinite(sac_matrix_largest(*sum)) || !isfinite(sac_matrix_largest(g))) return false;
    if (sac_matrix_largest(g) < 1e-20) return true;
  }
  return false;
}

static sac_status evaluate_for_ever(const sac_linear_problem *problem,
                                    const sac_linear_policy *policy, sac_linear_worth *out,
                                    sac_error *err) {
  double gamma = problem->discount;
  sac_matrix cost = sac_matrix_add(problem->q, sac_matrix_congruence(problem->r, policy->k));
  sac_matrix noise = loop_noise(problem, policy), moments;
  sac_matrix g = sac_matrix_scale(sqrt(gamma), close_loop(problem, policy->k));
  sac_matrix entering =
      sac_matrix_add(start_moment(problem), sac_matrix_scale(gamma / (1 - gamma), noise));
  if (!sum_series(g, cost, &out->value.p) ||
      !sum_series(sac_matrix_transpose(g), entering, &moments))
    return sac_error_set(err, SAC_BAD_NUMBER,
                         "the policy's cost is infinite: A - B K grows faster than the discount");
  double loss = sac_matrix_inner(problem->r, policy->covariance) +
                gamma * sac_matrix_inner(out->value.p, noise);
  out->entropy = entropy_of(policy) / (1 - gamma);
  out->value.c = -loss / 2 / (1 - gamma);
  add_gradient(problem, policy, out->value.p, moments, 1 / (1 - gamma), out);
  return SAC_OK;
}

// the cost from time t on, as `p` and `c`, from that of t + 1
static void evaluate_step(const sac_linear_problem *problem, const sac_linear_policy *policy,
                          sac_quadratic *value, double *entropy) {
  double gamma = problem->discount;
  double loss = sac_matrix_inner(problem->r, policy->covariance) +
                gamma * sac_matrix_inner(value->p, loop_noise(problem, policy));
  value->c = gamma * value->c - loss / 2;
  value->p = cost_before(problem, policy->k, value->p);
  *entropy = entropy_of(policy) + gamma * *entropy;
}

// over a horizon the gradient needs the states' moments of every time with the cost that follows
static sac_status evaluate_horizon(const sac_linear_problem *problem,
                                   const sac_linear_policy *policies, bool constant,
                                   sac_linear_worth *out, sac_error *err) {
  int n = problem->a.rows, horizon = problem->horizon;
  sac_matrix *moments = NULL;
  if (constant && !(moments = malloc(sizeof *moments * (size_t)horizon)))
    return sac_error_set(err, SAC_FAILED, "no memory for the moments of %d times", horizon);
  sac_matrix moment = start_moment(problem);
  double weight = 1;
  for (int t = 0; moments && t < horizon; t++) {
    moments[t] = sac_matrix_scale(weight, moment);
    sac_matrix loop = sac_matrix_transpose(close_loop(problem, policies[0].k));
    moment = sac_matrix_add(sac_matrix_congruence(moment, loop), loop_noise(problem, policies));
    weight *= problem->discount;
  }
  out->value.p = sac_matrix_zero(n, n);
  for (int t = horizon - 1; t >= 0; t--) {
    const sac_linear_policy *policy = &policies[constant ? 0 : t];
    if (moments)
      add_gradient(problem, policy, out->value.p, moments[t], pow(problem->discount, t), out);
    evaluate_step(problem, policy, &out->value, &out->entropy);
  }
  free(moments);
  return SAC_OK;
}

static sac_status check_policies(const sac_linear_policy *policies, int count, sac_error *err) {
  sac_matrix factor;
  for (int t = 0; t < count; t++)
    if (!sac_matrix_factor(policies[t].covariance, &factor))
      return sac_error_set(err, SAC_BAD_NUMBER,
                           "the policy's covariance at t = %d is not positive definite in float64",
                           t);
  return SAC_OK;
}

sac_status sac_linear_evaluate(const sac_linear_problem *problem, const sac_linear_policy *policies,
                               bool constant, sac_linear_worth *worth, sac_error *err) {
  int n = problem->a.rows, m = problem->b.cols;
  SAC_TRY(check_policies(policies, constant || problem->horizon == 0 ? 1 : problem->horizon, err));
  *worth =
      (sac_linear_worth){.grad_k = sac_matrix_zero(m, n), .grad_covariance = sac_matrix_zero(m, m)};
  if (problem->horizon > 0)
    SAC_TRY(evaluate_horizon(problem, policies, constant, worth, err));
  else
    SAC_TRY(evaluate_for_ever(problem, policies, worth, err));
  worth->expected_return = expected_value(problem, &worth->value);
  worth->objective = worth->expected_return + problem->temperature * worth->entropy;
  worth->value.c += problem->temperature * worth->entropy;
  if (isfinite(worth->objective)) return SAC_OK;
  return sac_error_set(err, SAC_BAD_NUMBER, "the policy's cost is too large to be a number");
}
