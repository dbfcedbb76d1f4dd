// Small dense matrices as values, so that formulas read as they are written.
#pragma once

#include "base/status.h"

enum { SAC_MATRIX_MAX = 12 };

typedef struct sac_matrix {
  int rows, cols;
  double at[SAC_MATRIX_MAX * SAC_MATRIX_MAX];  // rows without gaps
} sac_matrix;

sac_matrix sac_matrix_zero(int rows, int cols);
sac_matrix sac_matrix_identity(int n);
sac_matrix sac_matrix_scale(double factor, sac_matrix x);
sac_matrix sac_matrix_add(sac_matrix x, sac_matrix y);
sac_matrix sac_matrix_subtract(sac_matrix x, sac_matrix y);
sac_matrix sac_matrix_multiply(sac_matrix x, sac_matrix y);
sac_matrix sac_matrix_transpose(sac_matrix x);

/// x' y x, of a symmetric y: symmetric to the last digit.
sac_matrix sac_matrix_congruence(sac_matrix y, sac_matrix x);

/// The lower factor of a symmetric positive definite matrix; false when it is not such a one.
bool sac_matrix_factor(sac_matrix x, sac_matrix *factor);

/// The lower factor of a symmetric positive semi-definite matrix; false when it is not such a one.
bool sac_matrix_root(sac_matrix x, sac_matrix *factor);

/// Column j, (rows, 1).
sac_matrix sac_matrix_column(sac_matrix x, int j);

/// matrix^-1 x, and log det matrix, given the matrix's lower factor.
sac_matrix sac_matrix_solve(sac_matrix factor, sac_matrix x);
double sac_matrix_log_det(sac_matrix factor);

double sac_matrix_trace(sac_matrix x);

/// tr(x y).
double sac_matrix_inner(sac_matrix x, sac_matrix y);

/// The largest |x|.
double sac_matrix_largest(sac_matrix x);
