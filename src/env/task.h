// An environment opened by its name: definition, resolved keyword arguments, and what all its
// instances share.
#pragma once

#include "base/log.h"
#include "base/real.h"
#include "config/config.h"
#include "env/plugin.h"
#include "env/view.h"
#include "sac/env.h"

/// The definitions, one after the other; NULL past the last.
const sac_env_def *sac_env_def_at(int i);

/// The definition named `id`. SAC_BAD_CONFIG when there is none: the text begins with `where` and
/// names the nearest and all others.
sac_status sac_env_def_find(const char *id, const char *where, const sac_env_def **def,
                            sac_error *err);

/// An opened environment; read-only, so that many instances on many threads may share it.
typedef struct sac_task {
  const sac_env_def *def;
  sac_plugin plugin;  // where it comes from one
  sac_env_spec spec;  // as the agent sees it: see view.h
  sac_view view;
  void *shared;                           // what def->open made
  int frame_skip;                         // steps of the task in one step of the agent
  int64_t time_limit;                     // steps of the agent in an episode; 0 means none
  float action_mid[SAC_ENV_ACTION_MAX];   // (A) a = mid + half * canonical, in float32;
  float action_half[SAC_ENV_ACTION_MAX];  // (A) 0 and 1 without squash
  // (A) canonical bounds of random actions: -1 and 1, or the task's own without squash
  double uniform_low[SAC_ENV_ACTION_MAX], uniform_high[SAC_ENV_ACTION_MAX];
} sac_task;

/// Open `cfg->env.id` (one of the definitions, a plug-in's, or "gym:NAME") with cfg->env.kwargs,
/// frame_skip and max_episode_steps. `squash`: actions come in (-1, 1) and are mapped to the task's
/// bounds, which must be finite; otherwise they pass as they are, unclipped. SAC_BAD_CONFIG for an
/// unknown environment or keyword, with one line for each mistake and the position in the user's
/// file; SAC_BAD_ENV when it cannot be opened, or describes itself in numbers that cannot be.
sac_status sac_task_open(const sac_config *cfg, bool squash, sac_task **task, sac_error *err);
void sac_task_close(sac_task *task);

/// Note in `log`, which must outlive it, what goes wrong with its environments and is mended.
void sac_task_log(sac_task *task, sac_log *log);

/// Let environments in other processes begin with the actions that they were sent.
void sac_task_wake(sac_task *task);

/// Its state cannot be saved: what is restored begins its episode anew, from the same seed.
bool sac_task_restarts(const sac_task *task);

/// The task's own action (A) for a canonical one.
void sac_task_action(const sac_task *task, const sac_real *canonical, float *action);
