// What an agent sees of a task and does to it, as `env` says: past observations and actions beside
// the present observation, and actions smoothed over time.
#pragma once

#include "base/real.h"
#include "config/config.h"
#include "sac/env.h"

/// The layout of an instance's observations: [present | past observations | past actions], each
/// newest first. Only what the agent is to see of it counts as its observation; where actions are
/// smoothed but not seen, the last one stands behind that.
typedef struct sac_view {
  int obs_dim, act_dim;   // the task's own
  int n_past, n_actions;  // observations and actions that are seen beside the present
  double smoothing;       // share of the last action in the next, in [0, 1)
} sac_view;

/// Read env.history and env.action_smoothing for a task that describes itself by `spec`, whose
/// obs_dim and actor_obs_dim become the agent's. SAC_BAD_CONFIG for a history of a task whose
/// policy sees a part of the observation only, and for one that grows past what a configuration may
/// have.
sac_status sac_view_make(const sac_config *cfg, sac_env_spec *spec, sac_view *view, sac_error *err);

/// Values that an instance holds, seen or not.
size_t sac_view_values(const sac_view *view);

/// An episode begins: the present observation stands in `obs` already, and in the place of every
/// past one; no action has been taken.
void sac_view_begin(const sac_view *view, double *obs);

/// What the task is to take of the agent's canonical action (A), smoothed, into `taken`.
void sac_view_smooth(const sac_view *view, const sac_real *action, const double *obs,
                     sac_real *taken);

/// A step begins with that: what was present becomes past.
void sac_view_remember(const sac_view *view, const sac_real *taken, double *obs);
