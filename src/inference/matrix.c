#include "inference/matrix.h"

#include <math.h>

#include "env/riccati.h"

sac_matrix sac_matrix_zero(int rows, int cols) {
  SAC_ASSERT(rows >= 0 && cols >= 0 && rows <= SAC_MATRIX_MAX && cols <= SAC_MATRIX_MAX);
  return (sac_matrix){.rows = rows, .cols = cols};
}

sac_matrix sac_matrix_identity(int n) {
  sac_matrix out = sac_matrix_zero(n, n);
  for (int i = 0; i < n; i++) out.at[i * n + i] = 1;
  return out;
}

sac_matrix sac_matrix_scale(double factor, sac_matrix x) {
  for (int i = 0; i < x.rows * x.cols; i++) x.at[i] *= factor;
  return x;
}

sac_matrix sac_matrix_add(sac_matrix x, sac_matrix y) {
  SAC_ASSERT(x.rows == y.rows && x.cols == y.cols);
  for (int i = 0; i < x.rows * x.cols; i++) x.at[i] += y.at[i];
  return x;
}

sac_matrix sac_matrix_subtract(sac_matrix x, sac_matrix y) {
  return sac_matrix_add(x, sac_matrix_scale(-1, y));
}

sac_matrix sac_matrix_multiply(sac_matrix x, sac_matrix y) {
  SAC_ASSERT(x.cols == y.rows);
  sac_matrix out = sac_matrix_zero(x.rows, y.cols);
  for (int i = 0; i < x.rows; i++)
    for (int j = 0; j < y.cols; j++)
      for (int k = 0; k < x.cols; k++)
        out.at[i * y.cols + j] += x.at[i * x.cols + k] * y.at[k * y.cols + j];
  return out;
}

sac_matrix sac_matrix_transpose(sac_matrix x) {
  sac_matrix out = sac_matrix_zero(x.cols, x.rows);
  for (int i = 0; i < x.rows; i++)
    for (int j = 0; j < x.cols; j++) out.at[j * x.rows + i] = x.at[i * x.cols + j];
  return out;
}

sac_matrix sac_matrix_congruence(sac_matrix y, sac_matrix x) {
  sac_matrix out = sac_matrix_multiply(sac_matrix_transpose(x), sac_matrix_multiply(y, x));
  return sac_matrix_scale(0.5, sac_matrix_add(out, sac_matrix_transpose(out)));
}

bool sac_matrix_factor(sac_matrix x, sac_matrix *factor) {
  SAC_ASSERT(x.rows == x.cols);
  int n = x.rows;
  *factor = sac_matrix_zero(n, n);
  for (int j = 0; j < n; j++) {
    for (int i = j; i < n; i++) {
      double rest = x.at[i * n + j];
      for (int k = 0; k < j; k++) rest -= factor->at[i * n + k] * factor->at[j * n + k];
      if (i == j && !(rest > 0)) return false;
      factor->at[i * n + j] = i == j ? sqrt(rest) : rest / factor->at[j * n + j];
    }
  }
  return true;
}

bool sac_matrix_root(sac_matrix x, sac_matrix *factor) {
  SAC_ASSERT(x.rows == x.cols);
  *factor = sac_matrix_zero(x.rows, x.rows);
  return sac_cholesky(x.rows, x.at, factor->at);
}

sac_matrix sac_matrix_column(sac_matrix x, int j) {
  sac_matrix out = sac_matrix_zero(x.rows, 1);
  for (int i = 0; i < x.rows; i++) out.at[i] = x.at[i * x.cols + j];
  return out;
}

sac_matrix sac_matrix_solve(sac_matrix factor, sac_matrix x) {
  SAC_ASSERT(factor.rows == x.rows);
  int n = x.rows, cols = x.cols;
  for (int j = 0; j < cols; j++) {
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < i; k++) x.at[i * cols + j] -= factor.at[i * n + k] * x.at[k * cols + j];
      x.at[i * cols + j] /= factor.at[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
      for (int k = i + 1; k < n; k++)
        x.at[i * cols + j] -= factor.at[k * n + i] * x.at[k * cols + j];
      x.at[i * cols + j] /= factor.at[i * n + i];
    }
  }
  return x;
}

double sac_matrix_log_det(sac_matrix factor) {
  double sum = 0;
  for (int i = 0; i < factor.rows; i++) sum += 2 * log(factor.at[i * factor.rows + i]);
  return sum;
}

double sac_matrix_trace(sac_matrix x) {
  double sum = 0;
  for (int i = 0; i < x.rows; i++) sum += x.at[i * x.cols + i];
  return sum;
}

double sac_matrix_inner(sac_matrix x, sac_matrix y) {
  return sac_matrix_trace(sac_matrix_multiply(x, y));
}

double sac_matrix_largest(sac_matrix x) {
  double most = 0;
  for (int i = 0; i < x.rows * x.cols; i++) most = fmax(most, fabs(x.at[i]));
  return most;
}
