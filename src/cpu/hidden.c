// Dropout, layer normalisation and activation of a hidden layer, in one pass over each row while it
// lies in the first cache. Units are summed vector by vector, so that a row's result does not
// depend on the rows beside it.
#include "backend/formulas/hidden.h"
#include "backend/formulas/linear.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

// units that SAC_CHUNK blocks of words serve
enum { DRAWN_UNITS = 4 * SAC_CHUNK };

// z without the units that stay out
static void drop_units(const sac_dropout *dropout, int member, int row, int units, sac_real *z) {
  uint32_t threshold = sac_drop_threshold(dropout->share), rows[SAC_CHUNK], blocks[SAC_CHUNK];
  sac_real scale = (sac_real)(1 / (1 - dropout->share));
  for (int first = 0; first < units; first += DRAWN_UNITS) {
    for (int b = 0; b < SAC_CHUNK; b++) {
      rows[b] = (uint32_t)row;
      blocks[b] = sac_drop_block(dropout, member) + (uint32_t)(first / 4 + b);
    }
    sac_lane_words words;
    sac_lanes_draw(dropout->key[member / dropout->networks], dropout->purpose, *dropout->update,
                   rows, blocks, &words);
    sac_real factor[DRAWN_UNITS];
    for (int b = 0; b < SAC_CHUNK; b++)
      for (int w = 0; w < 4; w++)
        factor[4 * b + w] = words.at[w][b] < threshold ? (sac_real)0 : scale;
    int count = units - first < DRAWN_UNITS ? units - first : DRAWN_UNITS;
    for (int j = 0; j < count; j++) z[first + j] *= factor[j];
  }
}

static sac_vector load_at(const sac_real *from, int j, int units) {
  return j + SAC_LANES <= units ? sac_vector_load(from + j)
                                : sac_vector_load_some(from + j, units - j);
}

static sac_real sum_units(const sac_real *x, int units) {
  sac_vector sum = {0};
  for (int j = 0; j < units; j += SAC_LANES) sum += load_at(x, j, units);
  return sac_vector_sum(sum);
}

static sac_real sum_products(const sac_real *x, const sac_real *y, int units) {
  sac_vector sum = {0};
  for (int j = 0; j < units; j += SAC_LANES) sum += load_at(x, j, units) * load_at(y, j, units);
  return sac_vector_sum(sum);
}

// u becomes x; returns its rate
static sac_real normalise_units(sac_real *u, int units) {
  sac_real mean = sum_units(u, units) / (sac_real)units;
  for (int j = 0; j < units; j++) u[j] -= mean;
  sac_real var = sum_products(u, u, units) / (sac_real)units;
  sac_real rate = 1 / sac_math_sqrt(var + SAC_LAYER_NORM_EPS);
  for (int j = 0; j < units; j++) u[j] *= rate;
  return rate;
}

static void copy_units(sac_real *restrict to, const sac_real *restrict from, int units) {
  for (int j = 0; j < units; j++) to[j] = from[j];
}

static void activate_units(sac_real *y, int units, sac_activation activation) {
  if (activation == SAC_RELU)
    for (int j = 0; j < units; j++) y[j] = sac_relu(y[j]);
  if (activation == SAC_TANH)
    for (int j = 0; j < units; j++) y[j] = sac_math_tanh(y[j]);
}

static void forward_row(const sac_hidden_forward *op, int i, int row) {
  sac_real *y = sac_stack_row(&op->y, i, row);
  if (op->dropout.share > 0) drop_units(&op->dropout, i, row, op->units, y);
  if (op->scale.data) {
    const sac_real *scale = sac_stack_member(&op->scale, i);
    const sac_real *shift = sac_stack_member(&op->shift, i);
    sac_real rate = normalise_units(y, op->units);
    if (op->normalised.data) {
      copy_units(sac_stack_row(&op->normalised, i, row), y, op->units);
      *sac_stack_row(&op->rate, i, row) = rate;
    }
    for (int j = 0; j < op->units; j++) y[j] = y[j] * scale[j] + shift[j];
  }
  activate_units(y, op->units, op->activation);
}

static void forward_part(void *context, int i_part) {
  const sac_hidden_forward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row++) forward_row(op, part.member, row);
}

static size_t count_work(int n, int rows, int units, const sac_dropout *dropout) {
  return (size_t)n * (size_t)rows * (size_t)units * (dropout->share > 0 ? 16 : 4);
}

void SAC_CPU(hidden_forward)(sac_backend *backend, const sac_hidden_forward *op) {
  sac_cpu_run(backend, count_work(op->n, op->rows, op->units, &op->dropout),
              op->n * sac_rows_blocks(op->rows), forward_part, op);
}

// dscale and dshift of a member's columns, summed in the order of the rows
enum { COLUMNS = 64 };

static int count_column_blocks(int units) {
  return (units + COLUMNS - 1) / COLUMNS;
}

static void columns_part(void *context, int i_part) {
  const sac_hidden_backward *op = context;
  int blocks = count_column_blocks(op->units), i = i_part / blocks;
  int first = i_part % blocks * COLUMNS;
  int count = op->units - first < COLUMNS ? op->units - first : COLUMNS;
  sac_real scale[COLUMNS] = {0}, shift[COLUMNS] = {0};
  for (int row = 0; row < op->rows; row++) {
    const sac_real *dy = sac_stack_row(&op->dy, i, row) + first;
    const sac_real *x = sac_stack_row(&op->normalised, i, row) + first;
    for (int j = 0; j < count; j++) scale[j] += dy[j] * x[j], shift[j] += dy[j];
  }
  copy_units(sac_stack_member(&op->dscale, i) + first, scale, count);
  copy_units(sac_stack_member(&op->dshift, i) + first, shift, count);
}

static void backward_row(const sac_hidden_backward *op, int i, int row) {
  sac_real *dy = sac_stack_row(&op->dy, i, row);
  if (op->scale.data) {
    const sac_real *scale = sac_stack_member(&op->scale, i);
    const sac_real *x = sac_stack_row(&op->normalised, i, row);
    sac_real rate = *sac_stack_row(&op->rate, i, row);
    for (int j = 0; j < op->units; j++) dy[j] *= scale[j];
    sac_real sum = sum_units(dy, op->units), sum_x = sum_products(dy, x, op->units);
    for (int j = 0; j < op->units; j++)
      dy[j] = sac_normalised_slope(dy[j], x[j], sum, sum_x, rate, op->units);
  }
  if (op->dropout.share > 0) drop_units(&op->dropout, i, row, op->units, dy);
}

static void rows_part(void *context, int i_part) {
  const sac_hidden_backward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  int i = part.member, listed = op->row ? op->row_count[i] : op->rows;
  const int32_t *row = op->row ? op->row + (size_t)i * (size_t)op->rows : NULL;
  for (int at = part.first; at < part.end && at < listed; at++)
    backward_row(op, i, row ? row[at] : at);
}

void SAC_CPU(hidden_backward)(sac_backend *backend, const sac_hidden_backward *op) {
  size_t work = count_work(op->n, op->rows, op->units, &op->dropout);
  SAC_ASSERT(!op->dscale.data || !op->row);
  if (op->dscale.data)
    sac_cpu_run(backend, work, op->n * count_column_blocks(op->units), columns_part, op);
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), rows_part, op);
}
