// The checkpoints in a run folder, by their names: a file for each step that was saved.
#pragma once

#include "base/status.h"

/// "DIR/checkpoints/step-%012d.safetensors"
sac_status sac_checkpoint_path(const char *folder, uint64_t timesteps, char *path, sac_error *err);

/// The timesteps that a step file names.
uint64_t sac_checkpoint_steps(const char *path);

/// The step files of a run, newest first; frees with sac_names_free.
sac_status sac_checkpoint_list(const char *folder, char ***names, int *count, sac_error *err);

/// Remove step files beyond the newest `keep` of those up to `timesteps`, then replay blocks that
/// no checkpoint left lists. Files past `timesteps`, which a resume passed over, neither go nor
/// count.
sac_status sac_checkpoint_prune(const char *folder, uint64_t timesteps, int64_t keep,
                                sac_error *err);
