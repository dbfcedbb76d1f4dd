// Exploration by episodes.
#pragma once

#include "backend/backend.h"

/// One row of sac_explore.
SAC_HOST_DEVICE void sac_explore_row(const sac_explore *op, int i, int row) {
  sac_real *action = sac_stack_row(&op->action, i, row);
  size_t at = (size_t)i * (size_t)op->rows + (size_t)row;
  int kind = op->kind[at];
  if (kind == SAC_EXPLORE_POLICY) return;
  const sac_stack *own = kind == SAC_EXPLORE_GAUSSIAN        ? &op->noise
                         : kind == SAC_EXPLORE_DETERMINISTIC ? &op->deterministic
                                                             : &op->perturbed;
  const sac_real *from = sac_stack_row(own, i, row);
  double square = 0;
  for (int j = 0; j < op->act_dim; j++) {
    sac_real draw = action[j], noisy = draw + op->sigma * from[j];
    if (op->bounded) noisy = noisy < -1 ? (sac_real)-1 : noisy > 1 ? (sac_real)1 : noisy;
    action[j] = kind == SAC_EXPLORE_GAUSSIAN ? noisy : from[j];
    double moved = (double)action[j] - (double)draw;
    square += moved * moved;
  }
  if (kind != SAC_EXPLORE_PARAMETER) return;
  op->distance[2 * at] += square / op->act_dim;
  op->distance[2 * at + 1] += 1;
}
