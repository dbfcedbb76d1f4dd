// Soft Riccati iteration on small dense matrices.
#include "env/riccati.h"

#include <math.h>
#include <string.h>

enum { CELLS = SAC_RICCATI_CELLS };

static const double two_pi = 6.28318530717958647692;

// out (rows, cols) = x (rows, inner) y (inner, cols)
static void multiply(int rows, int inner, int cols, const double *x, const double *y, double *out) {
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      double sum = 0;
      for (int k = 0; k < inner; k++) sum += x[i * inner + k] * y[k * cols + j];
      out[i * cols + j] = sum;
    }
  }
}

// out (rows, cols) = x' y with x (inner, rows), y (inner, cols)
static void multiply_transposed(int rows, int inner, int cols, const double *x, const double *y,
                                double *out) {
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      double sum = 0;
      for (int k = 0; k < inner; k++) sum += x[k * rows + i] * y[k * cols + j];
      out[i * cols + j] = sum;
    }
  }
}

bool sac_cholesky(int n, const double *matrix, double *factor) {
  double scale = 0;
  for (int i = 0; i < n; i++) scale = fmax(scale, fabs(matrix[i * n + i]));
  double tiny = 1e-12 * scale;
  memset(factor, 0, sizeof *factor * (size_t)(n * n));
  for (int j = 0; j < n; j++) {
    for (int i = j; i < n; i++) {
      double rest = matrix[i * n + j];
      for (int k = 0; k < j; k++) rest -= factor[i * n + k] * factor[j * n + k];
      if (i == j && !(rest >= -tiny)) return false;
      if (i == j) factor[j * n + j] = rest > tiny ? sqrt(rest) : 0;
      if (i == j) continue;
      double pivot = factor[j * n + j];
      if (pivot > 0) factor[i * n + j] = rest / pivot;
      if (pivot <= 0 && fabs(rest) > tiny) return false;
    }
  }
  return true;
}

// x (n, cols) := matrix^-1 x, given the matrix's lower factor
static void solve(int n, int cols, const double *factor, double *x) {
  for (int j = 0; j < cols; j++) {
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < i; k++) x[i * cols + j] -= factor[i * n + k] * x[k * cols + j];
      x[i * cols + j] /= factor[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
      for (int k = i + 1; k < n; k++) x[i * cols + j] -= factor[k * n + i] * x[k * cols + j];
      x[i * cols + j] /= factor[i * n + i];
    }
  }
}

// H = R + gamma B'PB and its factor; false when it is not positive definite
static bool factor_curvature(const sac_riccati_problem *problem, const double *p, double *factor) {
  int n = problem->n, m = problem->m;
  double pb[CELLS], h[CELLS];
  multiply(n, n, m, p, problem->b, pb);
  multiply_transposed(m, n, m, problem->b, pb, h);
  for (int i = 0; i < m * m; i++) h[i] = problem->r[i] + problem->gamma * h[i];
  if (!sac_cholesky(m, h, factor)) return false;
  for (int i = 0; i < m; i++) {
    if (factor[i * m + i] <= 0) return false;
  }
  return true;
}

// K = gamma H^-1 B'PA, then P := Q + gamma A'PA - gamma A'PB K, symmetrised. Returns the largest
// change of P relative to its largest value, or -1 when H is not positive definite.
static double iterate(const sac_riccati_problem *problem, sac_riccati *out) {
  int n = problem->n, m = problem->m;
  double factor[CELLS], pa[CELLS], bpa[CELLS], next[CELLS], apbk[CELLS];
  if (!factor_curvature(problem, out->p, factor)) return -1;
  multiply(n, n, n, out->p, problem->a, pa);
  multiply_transposed(m, n, n, problem->b, pa, bpa);
  for (int i = 0; i < m * n; i++) out->k[i] = problem->gamma * bpa[i];
  solve(m, n, factor, out->k);

  multiply_transposed(n, n, n, problem->a, pa, next);
  multiply_transposed(n, m, n, bpa, out->k, apbk);
  double change = 0, scale = 0;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      int at = i * n + j, mirror = j * n + i;
      double p =
          problem->q[at] + problem->gamma * (next[at] + next[mirror] - apbk[at] - apbk[mirror]) / 2;
      change = fmax(change, fabs(p - out->p[at]));
      scale = fmax(scale, fabs(p));
      pa[at] = p;
    }
  }
  memcpy(out->p, pa, sizeof *pa * (size_t)(n * n));
  return scale > 0 ? change / scale : 0;
}

// the policy's covariance and the constant of V
static void complete_solution(const sac_riccati_problem *problem, sac_riccati *out) {
  int n = problem->n, m = problem->m;
  double factor[CELLS], pw[CELLS], log_det = 0, trace = 0;
  bool definite = factor_curvature(problem, out->p, factor);
  SAC_ASSERT(definite);
  for (int i = 0; i < m * m; i++) out->covariance[i] = i % (m + 1) == 0 ? problem->alpha : 0;
  solve(m, m, factor, out->covariance);
  for (int i = 0; i < m; i++) {
    out->std[i] = sqrt(out->covariance[i * m + i]);
    log_det += 2 * log(factor[i * m + i]);
  }
  multiply(n, n, n, out->p, problem->w, pw);
  for (int i = 0; i < n; i++) trace += pw[i * n + i];
  double entropy = problem->alpha / 2 * (m * log(two_pi * problem->alpha) - log_det);
  out->c = (entropy - problem->gamma / 2 * trace) / (1 - problem->gamma);
}

sac_status sac_riccati_solve(const sac_riccati_problem *problem, sac_riccati *solution,
                             sac_error *err) {
  SAC_ASSERT(problem->n <= SAC_RICCATI_MAX && problem->m <= SAC_RICCATI_MAX);
  const int most = 100000;
  const double settled = 1e-14;
  *solution = (sac_riccati){.c = 0};
  for (int i = 0; i < most; i++) {
    double change = iterate(problem, solution);
    if (change < 0)
      return sac_error_set(err, SAC_BAD_CONFIG, "R + gamma B'PB is not positive definite");
    if (!isfinite(change)) break;
    if (i > 0 && change <= settled) {
      complete_solution(problem, solution);
      return SAC_OK;
    }
  }
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "the soft Riccati equation has no finite solution that %d iterations reach: "
                       "the system must be controllable enough for this gamma",
                       most);
}
