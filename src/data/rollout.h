// A rollout: what an on-policy algorithm learns from, once. It is a replay whose ring is as long as
// the rollout: row t * n_envs + e is step t of environment e. Beside the transition a row holds
// what the policy said when it acted, [s | a | r | d | s' | begins | u |
// log pi | truncated].
#pragma once

#include "data/replay.h"

/// The layout of such a row, padded to 64 bytes.
sac_row_layout sac_rollout_layout_make(int obs_dim, int act_dim);

/// Where the parts beside the transition begin, in values: the action before the squash, its log
/// probability, and whether the episode was cut off.
static inline int sac_rollout_u(const sac_row_layout *layout) {
  return sac_row_values(layout);
}
static inline int sac_rollout_log_pi(const sac_row_layout *layout) {
  return sac_rollout_u(layout) + layout->act_dim;
}
static inline int sac_rollout_truncated(const sac_row_layout *layout) {
  return sac_rollout_log_pi(layout) + 1;
}

/// Whether the rollout has just become whole: the next row pushed begins another.
bool sac_rollout_full(const sac_replay *rollout);
