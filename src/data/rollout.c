#include "data/rollout.h"

sac_row_layout sac_rollout_layout_make(int obs_dim, int act_dim) {
  sac_row_layout layout = {.obs_dim = obs_dim, .act_dim = act_dim};
  int line = 64 / (int)sizeof(sac_real);
  layout.values = sac_rollout_truncated(&layout) + 1;
  layout.width = (layout.values + line - 1) / line * line;
  return layout;
}

bool sac_rollout_full(const sac_replay *rollout) {
  return rollout->pushed > 0 && rollout->pushed % rollout->capacity == 0;
}
