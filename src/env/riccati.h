// The closed form of maximum-entropy linear-quadratic control: the soft Riccati equation.
// s' = A s + B a + w, w ~ N(0, W); reward -(s'Q s + a'R a) / 2; discount gamma, temperature alpha.
#pragma once

#include "base/status.h"

/// Most states, and most actions, of a problem.
enum { SAC_RICCATI_MAX = 5, SAC_RICCATI_CELLS = SAC_RICCATI_MAX * SAC_RICCATI_MAX };

/// A problem; matrices are in rows without gaps.
typedef struct sac_riccati_problem {
  int n, m;                     // states, actions
  double a[SAC_RICCATI_CELLS];  // (n, n)
  double b[SAC_RICCATI_CELLS];  // (n, m)
  double q[SAC_RICCATI_CELLS];  // (n, n) symmetric, positive semi-definite
  double r[SAC_RICCATI_CELLS];  // (m, m) symmetric, positive definite
  double w[SAC_RICCATI_CELLS];  // (n, n) symmetric, positive semi-definite
  double gamma;                 // in [0, 1)
  double alpha;                 // > 0
} sac_riccati_problem;

/// The soft optimum: V(s) = -s'P s / 2 + c, pi(a|s) = N(-K s, covariance).
typedef struct sac_riccati {
  double p[SAC_RICCATI_CELLS];           // (n, n)
  double k[SAC_RICCATI_CELLS];           // (m, n)
  double covariance[SAC_RICCATI_CELLS];  // (m, m) alpha (R + gamma B'PB)^-1
  double std[SAC_RICCATI_MAX];           // (m) square roots of its diagonal
  double c;
} sac_riccati;

/// Solve by iterating P from 0. SAC_BAD_CONFIG when R + gamma B'PB is not positive definite or the
/// iteration does not settle (a system that cannot be controlled well enough for this gamma).
sac_status sac_riccati_solve(const sac_riccati_problem *problem, sac_riccati *solution,
                             sac_error *err);

/// Lower factor of a symmetric positive semi-definite (n, n) matrix: factor factor' = matrix.
/// False when the matrix is not such a one. Columns of a zero pivot are zero.
bool sac_cholesky(int n, const double *matrix, double *factor);
