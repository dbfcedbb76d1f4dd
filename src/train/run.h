// A run in memory: everything that training steps, saves and resumes, opened from one
// configuration.
#pragma once

#include "algo/actor.h"
#include "algo/algorithm.h"
#include "base/files.h"
#include "base/log.h"
#include "data/normaliser.h"
#include "data/replay.h"
#include "data/replay_log.h"
#include "env/vec_env.h"
#include "sac/sac.h"
#include "train/checkpoint.h"
#include "train/evaluator.h"
#include "train/metrics.h"
#include "train/progress.h"

/// All parts of a run. Opened with `sac_run_open`, in this order; those not open are NULL.
typedef struct sac_run {
  sac_config cfg;
  char folder[SAC_PATH_MAX];  ///< empty while a run has none (benchmarks)
  int lock;                   ///< of the folder, -1 without one
  sac_threads *threads;
  sac_backend *backend;
  char device_note[512];  ///< why run.device: auto does without a GPU; empty where it does not
  sac_vec_env *envs;
  const sac_env_spec *spec;
  sac_agent *agent;
  sac_actor *actor;
  sac_backend *host;  ///< of the actor's copy of the policy; NULL where there is none
  sac_replay replay;
  sac_replay_log replay_log;
  sac_evaluator *evaluator;  ///< opened by the first evaluation
  sac_progress progress;
  uint64_t updates_before;  ///< those of the processes before this one
  sac_metrics *metrics;
  sac_log *log;
  const volatile int *stop;  ///< once not zero, the run ends as soon as it can; may be NULL
  uint64_t seed;
  // the staged transitions: n_envs rows in the layout of the replay, [s a r d s']. One block is
  // completed by a step, which leaves the observations to act on next in the other
  int n_envs;
  bool on_device;              ///< whether environments and rows live in the backend's memory
  sac_real *rows[2];           ///< there, or in host memory
  int staged;                  ///< the block that holds the observations to act on
  sac_episode *episodes;       ///< (n_envs) what the last step ended
  sac_normaliser *normaliser;  ///< NULL where nothing is normalised
  bool *ended;                 ///< (n_envs) for it
} sac_run;

/// Open threads, backend, environments, agent and replay for `run->cfg`, and start the first
/// episodes.
sac_status sac_run_open(sac_run *run, sac_error *err);
void sac_run_close(sac_run *run);

/// One step of the vector environment: act, step, store. SAC_BAD_NUMBER leaves the replay as it
/// was.
sac_status sac_run_step(sac_run *run, sac_error *err);

/// The same with random actions and without storing anything: for measuring the environments.
sac_status sac_run_roll(sac_run *run, sac_error *err);

/// Whether the run was asked to stop.
bool sac_run_stops(const sac_run *run);

/// The gradient steps that are due after a step of the environments. A stop leaves the rest in
/// `progress.updates_owed`, and the next call goes on with them.
sac_status sac_run_learn(sac_run *run, sac_error *err);

/// The parts that a checkpoint holds.
sac_state sac_run_state(sac_run *run);
