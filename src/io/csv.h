// The metrics of a run as files: cut back to a checkpoint, so that a resumed run writes no row
// twice, and read.
#pragma once

#include <jansson.h>

#include "base/status.h"

/// Keep the header of a CSV file and the rows whose first column is a number of at most
/// `timesteps`; rows that a crash left incomplete go too. `wall_s` (may be NULL) is the column
/// "wall_s" of the last row kept, 0 without one. The file changes wholly or not at all.
sac_status sac_csv_cut(const char *path, uint64_t timesteps, double *wall_s, sac_error *err);

/// Keep the JSON lines whose "timesteps" are at most `timesteps`.
sac_status sac_jsonl_cut(const char *path, uint64_t timesteps, sac_error *err);

/// Read a file of JSON lines into an array of objects, freed by the caller; a last line without an
/// end, which a crash left, is left out. SAC_BAD_CONFIG names the first line that is no object.
sac_status sac_jsonl_read(const char *path, json_t **rows, sac_error *err);
