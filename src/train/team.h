// All seeds that one process trains, side by side: their runs, what these share, and how the work
// is spread over the threads.
//
// A thread works on a lane (see algo/device.h) for a while, then on the one furthest behind, and
// nobody waits for anybody. Results of a seed are the same as alone.
#pragma once

#include "algo/device.h"
#include "train/evaluator.h"
#include "train/run.h"

typedef struct sac_lane {
  sac_learner learner;
  sac_run *runs;  ///< (n_runs) a part of the team's
  int n_runs;
  sac_hierarchy *lower;  ///< policies below those trained; NULL where there are none
  // of the step being made
  int n_turns;
  sac_vec_env_turn *turns;   ///< (n_runs)
  sac_transitions *rows;     ///< (n_runs)
  sac_run **stepped;         ///< (n_runs)
  uint64_t *faults;          ///< (n_runs)
  sac_evaluator *evaluator;  ///< opened by the first evaluation
} sac_lane;

/// How far runs are to go: to a number of timesteps with so many updates still owed.
typedef struct sac_position {
  uint64_t timesteps, owed;
} sac_position;

typedef struct sac_team {
  sac_threads *threads;
  sac_backend *backend;
  char device_note[512];  ///< why run.device: auto does without a GPU; empty where it does not
  sac_spread spread;
  int n_runs, n_lanes;
  sac_run *runs;
  sac_lane *lanes;
  const volatile int *stop;  ///< once not zero, all end as soon as they can; may be NULL
  const char *resumed;       ///< folder of a run that goes on, whose checkpoints hold its lower
                             ///< layers; NULL for new ones
  // of sac_team_go
  sac_position goal;
  bool heeds_stop;
  double until_s;
} sac_team;

/// Open threads, backend and the runs of `n` seeds of `cfg`, and start their first episodes.
sac_status sac_team_open(sac_team *team, const sac_config *cfg, int n, const uint64_t *seeds,
                         sac_error *err);
/// The seeds that a configuration names: run.seeds or run.seed. The result is their number.
int sac_team_seeds(const sac_config *cfg, uint64_t seeds[SAC_CONFIG_LIST_MAX]);
void sac_team_close(sac_team *team);

/// Whether the team was asked to stop.
bool sac_team_stops(const sac_team *team);

/// The first run that goes on; NULL when none does.
sac_run *sac_team_lead(const sac_team *team);

/// One step of the environments of a lane: act, step, store. A seed in trouble fails alone, and
/// where all of a lane did, its replay is left as it was. With run.overlap: lag1 the gradient steps
/// that the lane owes are made as well, between sending the actions and what comes of them.
void sac_lane_step(sac_lane *lane);

/// The gradient steps that a lane owes before its next step, or those that `*stop` leaves time for:
/// none with run.overlap: lag1.
void sac_lane_learn(sac_lane *lane, const volatile int *stop);

/// Whether every run that goes on is at this many timesteps, with no updates owed before the next
/// step.
bool sac_team_is_at(const sac_team *team, uint64_t timesteps);

/// Let every run go on to this many timesteps. Returns before that about twice a second, so that
/// the caller can look after what is not the threads' business, and when asked to stop: then with
/// all runs at the same place.
void sac_team_go(sac_team *team, uint64_t timesteps);

/// One step of every lane with random actions, nothing stored: for measuring the environments.
sac_status sac_team_roll(sac_team *team, sac_error *err);

/// Evaluate every run that goes on, as its configuration says; what it gave is `run->evaluation`.
/// One that cannot be evaluated has failed.
sac_status sac_team_evaluate(sac_team *team, sac_error *err);
