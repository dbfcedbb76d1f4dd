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

/// What a run came to.
typedef struct sac_run_outcome {
  char folder[4096];   ///< the run folder
  uint64_t timesteps;  ///< environment transitions of the whole run
  uint64_t updates;    ///< gradient steps of the whole run
  double wall_s;       ///< seconds in this call
  double return_mean;  ///< mean over the last 100 training episodes; NaN before the first ended
  bool stopped;        ///< the listener asked to stop
} sac_run_outcome;

/// Train from a YAML file and `key=value` overrides. `folder` NULL: a new folder under run.logdir.
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

/// "0.1.0 (git id)".
SAC_API const char *sac_version(void);

#ifdef __cplusplus
}
#endif
