// The public API of libsac: train, resume and evaluate from a host program as the `sac` program
// does.
#pragma once

#include "sac/base.h"
#include "sac/env.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Who listens to a run. All members may be zero.
typedef struct sac_listener {
  bool quiet;  ///< nothing on stderr (the run's log file is written all the same)
  const volatile int
      *stop;  ///< once not zero: finish the step, save, return SAC_OK with `stopped` set
  void (*event)(void *context, const char *json);  ///< one JSON object a call, without a newline
  void *context;
} sac_listener;

/// Most seeds of one run.
#define SAC_SEEDS_MAX 64

/// A statistic of several runs and its 95 % bootstrap interval.
typedef struct sac_statistic {
  double value, low, high;
} sac_statistic;

/// What several runs came to together; NaN where there are none.
typedef struct sac_aggregate {
  int n;                 ///< runs
  sac_statistic mean;    ///< of their returns
  sac_statistic median;  ///< likewise
  sac_statistic iqm;     ///< mean without the lowest and the highest quarter of the runs
} sac_aggregate;

/// What one of several seeds came to.
typedef struct sac_seed_outcome {
  uint64_t seed;
  sac_status status;   ///< SAC_OK unless it failed
  char reason[512];    ///< of the failure, else empty
  uint64_t timesteps;  ///< its environment transitions
  uint64_t updates;    ///< its gradient steps; 0 where it failed before this call
  double return_mean;  ///< mean over its last 100 training episodes; NaN before the first ended
} sac_seed_outcome;

/// What a run came to.
typedef struct sac_run_outcome {
  char folder[4096];   ///< the run folder
  uint64_t timesteps;  ///< environment transitions of the whole run; of several seeds, of each
  uint64_t updates;    ///< gradient steps of the whole run; of several seeds, of each
  double wall_s;       ///< seconds in this call
  double return_mean;  ///< mean over the last 100 training episodes; NaN before the first ended;
                       ///< of several seeds, the mean of those that did not fail
  bool stopped;        ///< the listener asked to stop
  int n_seeds;         ///< 0 for a run of one seed
  sac_seed_outcome seeds[SAC_SEEDS_MAX];  ///< (n_seeds)
  sac_aggregate aggregate;                ///< of the returns of those that did not fail
} sac_run_outcome;

/// Train from a YAML file and `key=value` overrides. `folder` NULL: a new folder under run.logdir.
/// Of several seeds, one that fails by its numbers or its environment does not stop the others: the
/// status is its own once they are done, and `outcome` is filled.
SAC_API sac_status sac_train(const char *config, int n_overrides, const char *const *overrides,
                             const char *folder, const sac_listener *listener,
                             sac_run_outcome *outcome, sac_error *err);

/// Go on from the newest valid checkpoint of a run folder.
SAC_API sac_status sac_resume(const char *folder, int n_overrides, const char *const *overrides,
                              const sac_listener *listener, sac_run_outcome *outcome,
                              sac_error *err);

/// How to evaluate.
typedef struct sac_evaluation_options {
  int episodes;     ///< at least 1
  uint64_t seed;    ///< episode i starts from seed + i
  bool stochastic;  ///< draw actions instead of taking the policy's mean
  /// NULL, or where pictures of the episodes go, one a step: NAME.mp4 (a video; needs ffmpeg),
  /// NAME.png (a contact sheet of the first 64), NAME/ (a folder of PNG files). Changes no result.
  const char *video;
  /// NULL, or: once not zero, return SAC_OK at once; the result means nothing, no film is left.
  const volatile int *stop;
  /// NULL, or (episodes) the seeds that they start from instead, none below 0.
  const int64_t *seeds;
} sac_evaluation_options;

/// What an evaluation measured, over its episodes.
typedef struct sac_evaluation {
  char env[128];
  int episodes;
  double return_mean, return_std, length_mean;
} sac_evaluation;

/// Evaluate the policy of a run folder (its newest valid checkpoint) or of one checkpoint file.
/// What a film lacks (ffmpeg, OpenGL, a place to write) is told before the first step.
SAC_API sac_status sac_evaluate(const char *path, const sac_evaluation_options *options,
                                sac_evaluation *out, sac_error *err);

/// The seeds whose runs lie in a folder, each in "FOLDER/seed-S". `n` is 0 where it is a run of one
/// seed, or none.
SAC_API sac_status sac_run_seeds(const char *folder, uint64_t seeds[SAC_SEEDS_MAX], int *n,
                                 sac_error *err);

/// Statistics of the returns of `n` runs, which are finite.
SAC_API sac_status sac_aggregate_returns(const double *returns, int n, sac_aggregate *out,
                                         sac_error *err);

/// "0.1.0 (git id)".
SAC_API const char *sac_version(void);

#ifdef __cplusplus
}
#endif
