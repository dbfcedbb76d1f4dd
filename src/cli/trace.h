// `sac trace`: everything in and out of one computation, as safetensors.
#pragma once

#include "base/status.h"

/// What `sac trace env` was asked for.
typedef struct sac_trace_env_options {
  const char *id;   // of the environment
  const char *in;   // file of inputs, or NULL
  const char *out;  // file to write
  bool has_seed;    // start from reset(seed) even where `in` holds a state
  uint64_t seed;    // also of the actions that are drawn without `in`
} sac_trace_env_options;

/// Step an environment through given actions and write what it gave.
/// In: `actions` (T, A) in the environment's own range, and the start: `qpos` (nq) and `qvel` (nv)
/// for a MuJoCo task, `state` for another; without a start, reset(seed) with seed 0 by default.
/// Without `in`, a thousand uniform actions are drawn.
/// Out: `obs` (T + 1, S) as F32 where the environment's observations are, else F64, `reward` (T)
/// F64, `terminated` (T) F32, and the inputs again. It never resets: it steps on after termination,
/// and a warning of the engine is a line on stderr.
sac_status sac_trace_env(const sac_trace_env_options *options, sac_error *err);
