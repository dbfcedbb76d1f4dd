// What environments do with the policy's draws, and policies perturbed for an episode.
#include "backend/formulas/explore.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

static void explore_part(void *context, int i_part) {
  const sac_explore *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row++) sac_explore_row(op, part.member, row);
}

void SAC_CPU(explore)(sac_backend *backend, const sac_explore *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->act_dim;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), explore_part, op);
}

enum { BLOCK = 4096 };

static void perturb_part(void *context, int i_part) {
  const sac_perturb *op = context;
  size_t first = (size_t)i_part * BLOCK;
  size_t end = op->count - first < BLOCK ? op->count : first + BLOCK;
  for (size_t i = first; i < end; i++) op->value[i] = op->source[i] + op->sigma * op->value[i];
}

void SAC_CPU(perturb)(sac_backend *backend, const sac_perturb *op) {
  int parts = (int)((op->count + BLOCK - 1) / BLOCK);
  sac_cpu_run(backend, op->count, parts, perturb_part, op);
}
