// What training leaves behind and tells: logs, rows of metrics, checkpoints, states; of a run of
// one seed in its folder, of several in a folder each.
#pragma once

#include "train/team.h"

/// A listener that hears of one seed: events get its number.
typedef struct sac_voice {
  const sac_listener *outer;
  char event_part[40], log_label[40];  ///< "\"seed\":3," and "seed 3: "
  sac_listener own;                    ///< for those who tell
} sac_voice;

/// Everything about a call of sac_train or sac_resume.
typedef struct sac_records {
  sac_config cfg;
  const sac_listener *listener;
  uint64_t seeds[SAC_SEEDS_MAX];  ///< (n_seeds) all that the configuration names
  int n_seeds;
  char folder[SAC_PATH_MAX];  ///< of the whole
  int lock;                   ///< of that folder
  sac_log *log;               ///< of the whole; the run's own where there is one
  sac_voice voices[SAC_SEEDS_MAX];
  bool told[SAC_SEEDS_MAX];  ///< whose failures are known outside
  /// (n_seeds) how each ended; of those that failed before this call, from its beginning
  sac_seed_outcome outcomes[SAC_SEEDS_MAX];
  double start_s;
  sac_team team;  ///< of the seeds that did not fail before
} sac_records;

static inline bool sac_records_are_many(const sac_records *records) {
  return records->n_seeds > 1;
}

/// Tell an event of a run, or with NULL of the whole: a JSON object after `"event":`.
void sac_records_tell(sac_records *records, const sac_run *run, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Open logs, metrics and replay logs of the folders, which are there and locked.
sac_status sac_records_open(sac_records *records, sac_error *err);
void sac_records_close(sac_records *records);

/// Note and tell the runs that failed since the last call. A failure that is not a run's own (of a
/// disk, a device) is returned: it ends all.
sac_status sac_records_bury(sac_records *records, sac_error *err);

/// What is due at the first step at or past a multiple, in the order: evaluate, log, save.
sac_status sac_records_keep(sac_records *records, sac_error *err);

/// The first step at which something will be due.
uint64_t sac_records_next(const sac_records *records, uint64_t timesteps);

/// Save every run that goes on; `forgives`: as checkpoint.on_error says.
sac_status sac_records_save(sac_records *records, bool forgives, sac_error *err);

/// Leave status.json everywhere saying how it ended, and fill `outcome`. `failure` is what ended
/// all, or its code is SAC_OK: then it becomes the first failure of a seed, if there is one.
void sac_records_end(sac_records *records, sac_error *failure, sac_run_outcome *outcome);
