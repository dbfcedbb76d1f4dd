// Prioritised replay (Schaul et al. 2016): draws by priority, new priorities, and their sums. One
// part is one ring: each takes a few microseconds.
#include "backend/formulas/priority.h"
#include "cpu/cpu.h"
#include "cpu/table.h"

static sac_real *nodes_of(const sac_priorities *priorities, int i) {
  return priorities->nodes + (size_t)i * priorities->count;
}

// the sums above place `place`
static void sum_above(const sac_priorities *priorities, sac_real *nodes, size_t place) {
  sac_priority_level level = {0, priorities->capacity};
  while (level.size > 1) {
    sac_priority_level above = sac_priority_above(level);
    sac_priority_sum(nodes, level, above, place /= SAC_PRIORITY_FAN);
    level = above;
  }
}

static void draw_places(const sac_priority_draw *op, int i) {
  const sac_real *nodes = nodes_of(&op->priorities, i);
  sac_real total = nodes[op->priorities.count - 1], part = total / (sac_real)op->rows;
  uint32_t *index = op->index + (size_t)i * (size_t)op->rows;
  for (int row = 0; row < op->rows; row++) {
    sac_words words = sac_draw(op->key[i], SAC_DRAW_PRIORITY, *op->update, (uint32_t)row, 0);
    sac_real mass = ((sac_real)row + (sac_real)sac_uniform(words.at[0])) * part;
    index[row] = (uint32_t)sac_priority_find(nodes, op->priorities.capacity, mass);
    *sac_stack_row(&op->weight, i, row) = sac_priority_weight(
        nodes[index[row]] / total, op->count[i], op->beta, *op->update, op->beta_updates);
  }
}

static void draw_part(void *context, int i) {
  const sac_priority_draw *op = context;
  draw_places(op, i);
  sac_real most = 0;
  for (int row = 0; row < op->rows; row++) {
    sac_real weight = *sac_stack_row(&op->weight, i, row);
    most = weight > most ? weight : most;
  }
  for (int row = 0; row < op->rows; row++) *sac_stack_row(&op->weight, i, row) /= most;
}

void SAC_CPU(priority_draw)(sac_backend *backend, const sac_priority_draw *op) {
  size_t work = (size_t)op->priorities.n * (size_t)op->rows * 512;
  sac_cpu_run(backend, work, op->priorities.n, draw_part, op);
}

static sac_real find_priority(const sac_priority_update *op, int i, int row) {
  sac_real y = *sac_stack_row(&op->y, i, row), sizes = 0;
  for (int k = i * op->n_critics; k < (i + 1) * op->n_critics; k++)
    sizes += sac_math_size(*sac_stack_row(&op->q, k, row) - y);
  return sac_priority_of(sizes, op->n_critics, op->alpha, op->eps);
}

static void update_part(void *context, int i) {
  const sac_priority_update *op = context;
  sac_real *nodes = nodes_of(&op->priorities, i), *most = op->priorities.largest + i;
  const uint32_t *index = op->index + (size_t)i * (size_t)op->rows;
  for (int row = 0; row < op->rows; row++) nodes[index[row]] = 0;
  for (int row = 0; row < op->rows; row++) {
    sac_real priority = find_priority(op, i, row);
    if (priority > nodes[index[row]]) nodes[index[row]] = priority;
    if (priority > *most) *most = priority;
  }
  for (int row = 0; row < op->rows; row++) sum_above(&op->priorities, nodes, index[row]);
}

void SAC_CPU(priority_update)(sac_backend *backend, const sac_priority_update *op) {
  size_t work = (size_t)op->priorities.n * (size_t)op->rows * 512;
  sac_cpu_run(backend, work, op->priorities.n, update_part, op);
}

static void enter_part(void *context, int i) {
  const sac_priority_enter *op = context;
  size_t capacity = op->priorities.capacity;
  sac_real *nodes = nodes_of(&op->priorities, i);
  for (size_t k = 0; k < op->priorities.count && op->mode == SAC_PRIORITY_RESET; k++) nodes[k] = 0;
  for (size_t k = 0; k < op->count && op->mode != SAC_PRIORITY_GIVEN; k++)
    nodes[(op->first + k) % capacity] = op->priorities.largest[i];
  // each sum above the places once: those of the last place of a group, and of the last one of all
  for (size_t k = 0; k < op->count; k++) {
    size_t place = (op->first + k) % capacity, group = place % SAC_PRIORITY_FAN;
    if (group == SAC_PRIORITY_FAN - 1 || place + 1 == capacity || k + 1 == op->count)
      sum_above(&op->priorities, nodes, place);
  }
}

void SAC_CPU(priority_enter)(sac_backend *backend, const sac_priority_enter *op) {
  size_t work = (size_t)op->priorities.n * op->count * 16;
  sac_cpu_run(backend, work, op->priorities.n, enter_part, op);
}
