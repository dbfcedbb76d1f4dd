// The replay on disk: a log of immutable blocks, one or more a save, each with its first row, count
// and hash. A save writes only what is new; a checkpoint lists the blocks it needs.
#pragma once

#include "data/replay.h"
#include "io/safetensors.h"

/// Rows a block holds at most.
enum { SAC_BLOCK_ROWS = 65536 };

/// One block: rows [first, first + count) of the log, in file `name` of the folder.
typedef struct sac_block {
  uint64_t first, count;
  char name[80];  ///< "rows-%012d-%06d-<hash>.safetensors": equal names mean equal rows
} sac_block;

/// The blocks written so far that hold live rows, in order.
typedef struct sac_replay_log {
  char folder[4096];  ///< "DIR/checkpoints/replay"
  sac_block *blocks;
  int n_blocks;
} sac_replay_log;

sac_status sac_replay_log_open(sac_replay_log *log, const char *folder, sac_error *err);
void sac_replay_log_close(sac_replay_log *log);

/// Write the rows that were pushed since the last save, then drop blocks without live rows from the
/// list.
sac_status sac_replay_log_save(sac_replay_log *log, const sac_replay *replay, int i_seed,
                               sac_error *err);

/// The list as text for a checkpoint's metadata, names separated by spaces; the caller frees it.
char *sac_replay_log_list(const sac_replay_log *log);

/// The rows that a checkpoint needs: [pushed - count, pushed).
typedef struct sac_live_rows {
  uint64_t pushed, count;
} sac_live_rows;

/// Called for each block with live rows [from, to); `file` holds them under "rows" (count, values).
typedef struct sac_block_visitor {
  sac_status (*visit)(void *context, const sac_block *block, const sac_safetensors *file,
                      uint64_t from, uint64_t to, sac_error *err);
  void *context;
} sac_block_visitor;

/// Verify the blocks of a list in `folder` one after the other. SAC_BAD_CHECKPOINT names the one
/// that is missing, damaged or out of order.
sac_status sac_replay_log_visit(const char *folder, const char *list, const sac_live_rows *live,
                                const sac_block_visitor *visitor, sac_error *err);

/// Verify the blocks of a list and write their live rows to the ring; the log then holds this list.
sac_status sac_replay_log_load(sac_replay_log *log, const char *list, const sac_live_rows *live,
                               sac_replay *replay, int i_seed, sac_error *err);

/// Delete blocks that none of `n` lists names.
sac_status sac_replay_log_prune(const char *folder, char *const *lists, int n, sac_error *err);
