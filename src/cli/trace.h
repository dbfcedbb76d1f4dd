// `sac trace`: everything in and out of one computation, as safetensors.
#pragma once

#include "base/status.h"

/// What `sac trace env` was asked for.
typedef struct sac_trace_env_options {
  const char *id;  // of the environment
  int n_overrides;
  const char *const *overrides;  // of env.kwargs, env.plugin and env.python
  const char *in;                // file of inputs, or NULL
  const char *out;               // file to write
  bool has_seed;                 // start from reset(seed) even where `in` holds a state
  uint64_t seed;                 // also of the actions that are drawn without `in`
} sac_trace_env_options;

/// Step an environment through given actions and write what it gave.
/// In: `actions` (T, A) in the environment's own range, and the start: `qpos` (nq) and `qvel` (nv)
/// for a MuJoCo task, `state` for another; without a start, reset(seed) with seed 0 by default.
/// Without `in`, a thousand uniform actions are drawn.
/// Out: `obs` (T + 1, S) as F32 where the environment's observations are, else F64, `reward` (T)
/// F64, `terminated` (T) F32, and the inputs again. It never resets: it steps on after termination,
/// and a warning of the engine is a line on stderr.
sac_status sac_trace_env(const sac_trace_env_options *options, sac_error *err);

/// What `sac trace update` was asked for.
typedef struct sac_trace_update_options {
  const char *config;
  int n_overrides;
  const char *const *overrides;
  const char *in;   // file of tensors that replace what would be drawn, or NULL
  const char *out;  // file to write
} sac_trace_update_options;

/// One gradient step from networks, optimiser state, batch and noise that are drawn from the
/// configuration and its seed, or taken from `in`, with every tensor before and after, losses,
/// targets and gradients. Sizes of networks, batch, observation and action are those of the tensors
/// in `in` where they are there. Values that are not finite are shown, not an error.
sac_status sac_trace_update(const sac_trace_update_options *options, sac_error *err);
