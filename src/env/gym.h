// Any Gymnasium environment, run in Python processes: "gym:NAME", or "gym:MODULE:NAME", which
// imports MODULE first.
#pragma once

#include "base/log.h"
#include "config/config.h"
#include "sac/env.h"

typedef struct sac_gym sac_gym;

/// Does `id` name one?
bool sac_gym_names(const char *id);

/// Start a process, let it make cfg->env.id with cfg->env.kwargs, which are passed on as they are,
/// and fill the zeroed `spec` from its spaces (flattened; both must be Boxes). SAC_BAD_ENV, with
/// the position in the user's file, when it cannot.
sac_status sac_gym_open(const sac_config *cfg, sac_env_spec *spec, sac_gym **gym, sac_error *err);

/// Note in `log`, which must outlive it, what was started anew; else that goes to stderr.
void sac_gym_log(sac_gym *gym, sac_log *log);

/// Let the processes begin with what was sent, before anyone waits for them.
void sac_gym_wake(sac_gym *gym);

/// Its definition; `shared` is the sac_gym, which `close` frees, and the definition with it. Its
/// state cannot be saved.
const sac_env_def *sac_gym_def(const sac_gym *gym);
