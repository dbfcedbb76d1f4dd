// Cutting back the metrics of a run to a checkpoint, so that a resumed run writes no row twice.
#pragma once

#include "base/status.h"

/// Keep the header of a CSV file and the rows whose first column is a number of at most
/// `timesteps`; rows that a crash left incomplete go too. `wall_s` (may be NULL) is the column
/// "wall_s" of the last row kept, 0 without one. The file changes wholly or not at all.
sac_status sac_csv_cut(const char *path, uint64_t timesteps, double *wall_s, sac_error *err);

/// Keep the JSON lines whose "timesteps" are at most `timesteps`.
sac_status sac_jsonl_cut(const char *path, uint64_t timesteps, sac_error *err);
