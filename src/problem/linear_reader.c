#include "problem/linear_reader.h"

#include <string.h>

enum { MOST = SAC_MATRIX_MAX };

static const sac_range entries = {.low = -1e100, .high = 1e100};

static bool read_cell(const sac_value *value, sac_matrix *out, int at) {
  return sac_value_number(value, entries, &out->at[at]);
}

// one number, or a list of rows; false when it is told as a mistake
static bool read_matrix(const sac_value *value, sac_matrix *out) {
  if (sac_value_is_scalar(value)) {
    *out = sac_matrix_zero(1, 1);
    return read_cell(value, out, 0);
  }
  int rows = sac_value_is_list(value) ? sac_value_count(value) : 0, cols = 0;
  for (int i = 0; i < rows && rows <= MOST; i++) {
    sac_value row = sac_value_at(value, i, NULL);
    int count = sac_value_is_list(&row) ? sac_value_count(&row) : 0;
    if (count < 1 || count > MOST || (i > 0 && count != cols)) {
      if (i > 0 && count > 0 && count <= MOST)
        sac_value_mistake(&row, "has %d numbers, must have %d as the row before", count, cols);
      else
        sac_value_refuse(&row, "a row of 1 to %d numbers", MOST);
      return false;
    }
    cols = count;
  }
  if (rows < 1 || rows > MOST) {
    sac_value_refuse(value, "a number, or a list of 1 to %d rows", MOST);
    return false;
  }
  *out = sac_matrix_zero(rows, cols);
  bool good = true;
  for (int i = 0; i < rows; i++) {
    sac_value row = sac_value_at(value, i, NULL);
    for (int j = 0; j < cols; j++) {
      sac_value cell = sac_value_at(&row, j, NULL);
      good &= read_cell(&cell, out, i * cols + j);
    }
  }
  return good;
}

static bool read_shaped(const sac_value *value, int rows, int cols, sac_matrix *out) {
  if (!read_matrix(value, out)) return false;
  if (out->rows == rows && out->cols == cols) return true;
  sac_value_mistake(value, "has the shape %d x %d, must have %d x %d", out->rows, out->cols, rows,
                    cols);
  return false;
}

static bool is_symmetric(const sac_matrix *x) {
  for (int i = 0; i < x->rows; i++)
    for (int j = 0; j < i; j++)
      if (x->at[i * x->cols + j] != x->at[j * x->cols + i]) return false;
  return true;
}

// a symmetric matrix, positive definite or semi-definite
static bool read_square(const sac_value *value, int n, bool definite, sac_matrix *out) {
  sac_matrix factor;
  if (!read_shaped(value, n, n, out)) return false;
  if (is_symmetric(out) &&
      (definite ? sac_matrix_factor(*out, &factor) : sac_matrix_root(*out, &factor)))
    return true;
  sac_value_mistake(value, "must be symmetric and positive %s",
                    definite ? "definite" : "semi-definite");
  return false;
}

// a list of n numbers, or one
static bool read_vector(const sac_value *value, int n, sac_matrix *out) {
  int count = sac_value_is_list(value) ? sac_value_count(value) : 0;
  *out = sac_matrix_zero(n, 1);
  if (n == 1 && sac_value_is_scalar(value)) return read_cell(value, out, 0);
  if (count != n) {
    sac_value_refuse(value, "a list of %d number%s", n, n == 1 ? "" : "s");
    return false;
  }
  bool good = true;
  for (int i = 0; i < n; i++) {
    sac_value cell = sac_value_at(value, i, NULL);
    good &= read_cell(&cell, out, i);
  }
  return good;
}

// the values of two keys in a mapping; what is not given has no node. False at a mistake
static bool find_pair(const sac_value *value, const char *first, const char *second,
                      sac_value found[2]) {
  const char *const names[] = {first, second};
  found[0] = found[1] = (sac_value){0};
  if (!sac_value_is_mapping(value)) {
    sac_value_refuse(value, "a mapping with the keys %s and %s", first, second);
    return false;
  }
  bool good = true;
  for (int i = 0; i < sac_value_count(value); i++) {
    sac_value key, item = sac_value_at(value, i, &key);
    const char *text = sac_value_is_scalar(&key) ? sac_value_text(&key) : "";
    int k = strcmp(text, first) == 0 ? 0 : strcmp(text, second) == 0 ? 1 : -1;
    const char *nearest = k < 0 ? sac_nearest(text, names, 2) : NULL;
    if (k < 0)
      sac_value_mistake(&key, "is unknown, must be %s or %s%s%s", first, second,
                        nearest ? ", nearest: " : "", nearest ? nearest : "");
    if (k >= 0 && found[k].node) sac_value_mistake(&key, "is given twice");
    good = good && k >= 0 && !found[k].node;
    if (k >= 0) found[k] = item;
  }
  return good;
}

static void read_start(const sac_value *value, int n, sac_linear_problem *out) {
  sac_value found[2];
  out->start_mean = sac_matrix_zero(n, 1);
  out->start_covariance = sac_matrix_identity(n);
  if (!sac_value_given(value) || !find_pair(value, "mean", "covariance", found)) return;
  if (found[0].node) read_vector(&found[0], n, &out->start_mean);
  if (found[1].node) read_square(&found[1], n, false, &out->start_covariance);
}

static void read_policy(const sac_value *value, int n, int m, sac_linear_problem *out) {
  sac_value found[2];
  out->has_policy = sac_value_given(value);
  if (!out->has_policy || !find_pair(value, "K", "covariance", found)) return;
  if (found[0].node && found[1].node) {
    read_shaped(&found[0], m, n, &out->policy.k);
    read_square(&found[1], m, true, &out->policy.covariance);
  } else {
    sac_value_mistake(value, "must have both K and covariance");
  }
}

static bool require(const sac_problem_values *values, sac_problem_key key) {
  if (sac_value_given(&values->of[key])) return true;
  sac_value_mistake(&values->whole, "has no %s: %s", sac_problem_key_name((int)key),
                    sac_problem_key_help((int)key));
  return false;
}

void sac_linear_read(const sac_problem_values *values, sac_problem *problem) {
  const sac_value *of = values->of;
  sac_linear_problem *out = &problem->linear;
  bool complete = require(values, SAC_KEY_A);
  complete &= require(values, SAC_KEY_B);
  complete &= require(values, SAC_KEY_Q);
  complete &= require(values, SAC_KEY_R);
  if (!complete || !read_matrix(&of[SAC_KEY_A], &out->a)) return;
  int n = out->a.rows;
  if (out->a.cols != n) {
    sac_value_mistake(&of[SAC_KEY_A], "has the shape %d x %d, must be square", n, out->a.cols);
    return;
  }
  if (!read_matrix(&of[SAC_KEY_B], &out->b)) return;
  int m = out->b.cols;
  if (out->b.rows != n)
    sac_value_mistake(&of[SAC_KEY_B], "has %d rows, must have %d as A", out->b.rows, n);
  read_square(&of[SAC_KEY_Q], n, false, &out->q);
  read_square(&of[SAC_KEY_R], m, true, &out->r);
  out->w = sac_matrix_zero(n, n);
  if (sac_value_given(&of[SAC_KEY_W])) read_square(&of[SAC_KEY_W], n, false, &out->w);
  read_start(&of[SAC_KEY_START], n, out);
  read_policy(&of[SAC_KEY_POLICY], n, m, out);
}
