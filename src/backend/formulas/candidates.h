// What a candidate for an action is worth.
#pragma once

#include "backend/formulas/losses.h"

/// m over a seed's critics of the candidate in row `row`: their minimum, the first, or their sum,
/// which orders candidates as their mean does.
SAC_HOST_DEVICE sac_real sac_candidate_worth(const sac_action_choice *op, int i, int row) {
  sac_real worth = *sac_stack_row(&op->q, i * op->n_critics, row);
  for (int k = 1; k < op->n_critics && op->actor_q != SAC_ACTOR_FIRST; k++) {
    sac_real q = *sac_stack_row(&op->q, i * op->n_critics + k, row);
    if (op->actor_q == SAC_ACTOR_MEAN)
      worth += q;
    else
      worth = sac_minimum_moves(q, worth) ? q : worth;
  }
  return worth;
}
