// The replay: a ring of transitions for each seed in backend memory, filled in rows, drawn from
// uniformly or by priority, and saved as a log of immutable blocks.
//
// Rows are stored in the order of the environments, step after step: what follows row r in its
// environment is row r + n_envs. A target of several steps is summed when it is drawn, from these
// rows, not when they are stored: every transition stays one row whatever algorithm.n_steps is,
// which may change at a resume, and the newest rows can be drawn at once. That an episode ends, by
// its end or by its time limit, shows in the row that begins the next one.
#pragma once

#include "backend/backend.h"
#include "config/config.h"

/// Rings of n_seeds seeds. `pushed` rows were ever stored in each; the newest `count` of them are
/// live, the row number r of the log lies at place r % capacity.
typedef struct sac_replay {
  sac_backend *backend;
  sac_row_layout layout;
  int n_seeds;
  size_t capacity;         ///< rows a seed
  sac_real *ring;          ///< (n_seeds, capacity, layout.width) in backend memory
  uint64_t *count_device;  ///< (n_seeds) in backend memory, what the draws read
  uint64_t pushed;         ///< rows ever stored a seed: the cursor
  // where the configuration asks for it (sac_replay_prepare)
  int n_envs;
  uint64_t *pushed_device;    ///< (n_seeds) `pushed` in backend memory; NULL where nobody reads it
  sac_priorities priorities;  ///< nodes NULL where rows are drawn uniformly
} sac_replay;

/// The layout of a row for these sizes: [s | a | r | d | s' | begins] padded to 64 bytes.
sac_row_layout sac_row_layout_make(int obs_dim, int act_dim);

/// Where the parts of a row begin, in values.
static inline int sac_row_action(const sac_row_layout *layout) {
  return layout->obs_dim;
}
static inline int sac_row_reward(const sac_row_layout *layout) {
  return layout->obs_dim + layout->act_dim;
}
static inline int sac_row_terminated(const sac_row_layout *layout) {
  return sac_row_reward(layout) + 1;
}
static inline int sac_row_next_obs(const sac_row_layout *layout) {
  return sac_row_reward(layout) + 2;
}
static inline int sac_row_begins(const sac_row_layout *layout) {
  return sac_row_next_obs(layout) + layout->obs_dim;
}
/// Values that it holds.
static inline int sac_row_values(const sac_row_layout *layout) {
  return sac_row_begins(layout) + 1;
}

/// Allocate; fails with SAC_FAILED, naming sizes, when this machine's memory would not do.
sac_status sac_replay_create(sac_backend *backend, sac_row_layout layout, int n_seeds,
                             size_t capacity, sac_replay *replay, sac_error *err);
void sac_replay_release(sac_replay *replay);

/// Whether this machine's memory would do for such rings of `n_seeds` seeds. SAC_FAILED, as above.
sac_status sac_replay_check(const sac_replay *replay, int n_seeds, sac_error *err);

/// Make ready for what `cfg` wants beside uniform draws of single transitions: targets of several
/// steps, priorities. Before the first row is pushed.
sac_status sac_replay_prepare(sac_replay *replay, const sac_config *cfg, sac_error *err);

/// Bytes of its rings: taken only as they fill.
static inline size_t sac_replay_bytes(const sac_replay *replay) {
  return (size_t)replay->n_seeds * replay->capacity * (size_t)replay->layout.width *
         sizeof(sac_real);
}

/// Rows that can be drawn now.
uint64_t sac_replay_count(const sac_replay *replay);

/// Append `count` rows to the ring of seed `i_seed`: rows (count, width) in host memory. Every seed
/// is pushed the same number of rows before `sac_replay_advance` makes them count.
void sac_replay_push(sac_replay *replay, int i_seed, const sac_real *rows, int count);
/// The same with rows that lie in the backend's memory.
void sac_replay_take(sac_replay *replay, int i_seed, const sac_real *rows, int count);
void sac_replay_advance(sac_replay *replay, int count);

/// Read or write `count` rows of seed `i_seed` from row number `first` of the log on, in host
/// memory.
void sac_replay_read(const sac_replay *replay, int i_seed, uint64_t first, size_t count,
                     sac_real *rows);
void sac_replay_write(sac_replay *replay, int i_seed, uint64_t first, size_t count,
                      const sac_real *rows);

/// Set how many rows were ever stored, after the live ones were written; their priorities are then
/// set seed by seed.
void sac_replay_set_pushed(sac_replay *replay, uint64_t pushed);

/// The priorities of one seed.
sac_priorities sac_replay_priorities(const sac_replay *replay, int i_seed);

/// Give the live rows of a seed equal priorities, and no place any other.
void sac_replay_reset_priorities(sac_replay *replay, int i_seed);

/// Sum the priorities of a seed's live rows after they were written to its first nodes.
void sac_replay_sum_priorities(sac_replay *replay, int i_seed);
