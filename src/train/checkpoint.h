// Checkpoints: the whole state of a run in one safetensors file beside the blocks of its replay,
// and back.
#pragma once

#include "algo/algorithm.h"
#include "algo/explorer.h"
#include "base/log.h"
#include "data/normaliser.h"
#include "data/replay_log.h"
#include "env/vec_env.h"
#include "io/safetensors.h"
#include "train/progress.h"

/// What a checkpoint holds; the parts belong to the caller.
typedef struct sac_state {
  const sac_config *cfg;
  sac_agent *agent;
  const sac_hierarchy *lower;  ///< the policies below it; NULL where there are none
  int i_seed;                  ///< the member of the agent's stacks that this run is
  sac_replay *replay;
  sac_replay_log *replay_log;
  sac_normaliser *normaliser;  ///< NULL where nothing is normalised
  sac_vec_env *envs;           ///< NULL where only the agent is wanted
  sac_explorer *explorer;      ///< NULL where episodes do not mix ways to act
  sac_progress *progress;      ///< NULL where only the agent is wanted
  sac_real *obs;  ///< the observations to act on, `obs_ld` values apart: written by a load
  int obs_ld;
} sac_state;

/// Write the state to `path`, durably or not at all; `complete` adds environments and replay, so
/// that a run can go on from it.
sac_status sac_checkpoint_save(const sac_state *state, const char *path, bool complete,
                               sac_error *err);

/// Verify a file wholly (hash, tensors, the replay blocks it lists) and read the state from it.
/// SAC_BAD_CHECKPOINT leaves the state in parts: try another file or give up. SAC_BAD_CONFIG when
/// it belongs to another configuration. `complete` wants environments and replay too.
sac_status sac_checkpoint_load(const sac_state *state, const char *path, bool complete,
                               sac_error *err);

/// Where to look for a checkpoint.
typedef struct sac_checkpoint_search {
  const char *folder;  ///< of the run
  uint64_t most;       ///< timesteps of the newest that will do
  bool complete;       ///< environments and replay are wanted too
  sac_log *log;        ///< those passed over are named here with the reason
} sac_checkpoint_search;

/// Load the newest checkpoint that is valid; `used` (SAC_PATH_MAX) gets its path.
sac_status sac_checkpoint_load_newest(const sac_state *state, const sac_checkpoint_search *search,
                                      char *used, sac_error *err);

/// XXH3 of all tensors, counters and live replay rows of an open checkpoint, as hex: equal states
/// have equal digests. Verifies the replay blocks that it lists, beside it in "replay/".
sac_status sac_checkpoint_digest(const sac_safetensors *file, char digest[17], sac_error *err);
