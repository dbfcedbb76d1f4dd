// The run of one seed in memory: its environments, its place in what a stack of seeds learns with,
// and what training records of it.
#pragma once

#include "algo/learner.h"
#include "base/files.h"
#include "base/log.h"
#include "data/normaliser.h"
#include "data/replay_log.h"
#include "env/vec_env.h"
#include "sac/sac.h"
#include "train/checkpoint.h"
#include "train/lower.h"
#include "train/metrics.h"
#include "train/progress.h"

/// All parts of a run. Opened by a team (train/team.h); those not open are NULL.
typedef struct sac_run {
  sac_config cfg;  ///< with this seed as run.seed
  uint64_t seed;
  sac_learner *learner;  ///< shared with the other seeds of its stack
  int i_seed;            ///< its place there
  int n_envs;
  sac_vec_env *envs;
  const sac_env_spec *spec;
  const sac_hierarchy *lower;  ///< the policies below the trained one; NULL where there are none
  sac_episode *episodes;       ///< (n_envs) what the last step ended
  sac_normaliser *normaliser;  ///< NULL where nothing is normalised
  bool *ended;                 ///< (n_envs) for it
  sac_progress progress;
  sac_error failure;  ///< why the run ended before its time; its code is SAC_OK while it goes on
  // what records it; benchmarks do without
  char folder[SAC_PATH_MAX];  ///< empty without one
  int lock;                   ///< of the folder, -1 without one
  sac_replay_log replay_log;
  sac_metrics *metrics;
  sac_log *log;
  uint64_t updates_before;    ///< those of the processes before this one
  sac_evaluation evaluation;  ///< the last one
} sac_run;

/// Open the environments of `run->cfg`, for the actions of `run->lower` where there is one, with
/// threads and backend of its learner to be.
sac_status sac_run_open(sac_run *run, sac_threads *threads, sac_backend *backend, sac_error *err);

/// Take place `i_seed` in an open learner and start the first episodes.
sac_status sac_run_join(sac_run *run, sac_learner *learner, int i_seed, sac_error *err);
void sac_run_close(sac_run *run);

static inline bool sac_run_goes_on(const sac_run *run) {
  return run->failure.code == SAC_OK;
}

/// Note a step of the environments, after which the staged rows are complete.
void sac_run_note_step(sac_run *run);

/// Gradient steps that follow the step of the environments just made.
uint64_t sac_run_updates_due(const sac_run *run);

/// The parts that a checkpoint holds.
sac_state sac_run_state(sac_run *run);
