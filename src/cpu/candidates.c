// Candidate actions: rows repeated, and the best of those that the critics have judged.
#include <string.h>

#include "backend/formulas/candidates.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

static void repeat_part(void *context, int i_part) {
  const sac_row_repeat *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row++)
    for (int t = 0; t < op->times; t++)
      memcpy(sac_stack_row(&op->y, part.member, row * op->times + t),
             sac_stack_row(&op->x, part.member, row), (size_t)op->cols * sizeof(sac_real));
}

void SAC_CPU(row_repeat)(sac_backend *backend, const sac_row_repeat *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)(op->cols * op->times);
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), repeat_part, op);
}

static void choose_part(void *context, int i_part) {
  const sac_action_choice *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row++) {
    int best = row * op->times;
    sac_real most = sac_candidate_worth(op, part.member, best);
    for (int t = 1; t < op->times; t++) {
      sac_real worth = sac_candidate_worth(op, part.member, row * op->times + t);
      if (worth > most) best = row * op->times + t, most = worth;
    }
    memcpy(sac_stack_row(&op->action, part.member, row),
           sac_stack_row(&op->candidate, part.member, best),
           (size_t)op->act_dim * sizeof(sac_real));
  }
}

void SAC_CPU(action_choice)(sac_backend *backend, const sac_action_choice *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)(op->times * op->n_critics);
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), choose_part, op);
}
