#include "env/view.h"

#include <string.h>

#include "base/status.h"

enum { OBS_MOST = 1000000 };

static int kept_actions(const sac_view *view) {
  return view->n_actions > 0 ? view->n_actions : view->smoothing > 0;
}

static size_t past_values(const sac_view *view) {
  return (size_t)view->n_past * (size_t)view->obs_dim;
}

size_t sac_view_values(const sac_view *view) {
  return (size_t)view->obs_dim + past_values(view) +
         (size_t)kept_actions(view) * (size_t)view->act_dim;
}

static size_t first_action(const sac_view *view) {
  return (size_t)view->obs_dim + past_values(view);
}

sac_status sac_view_make(const sac_config *cfg, sac_env_spec *spec, sac_view *view,
                         sac_error *err) {
  *view = (sac_view){.obs_dim = spec->obs_dim,
                     .act_dim = spec->act_dim,
                     .n_past = (int)cfg->env.history.observations,
                     .n_actions = (int)cfg->env.history.actions,
                     .smoothing = cfg->env.action_smoothing};
  if (view->n_past == 0 && view->n_actions == 0) return SAC_OK;
  const char *key = view->n_past > 0 ? "env.history.observations" : "env.history.actions";
  if (spec->actor_obs_dim != spec->obs_dim)
    return sac_error_set(
        err, SAC_BAD_CONFIG,
        "%s: %s must be 0 for %s, whose policy sees a part of the observation only",
        sac_config_where(cfg, key), key, cfg->env.id);
  size_t seen =
      (size_t)spec->obs_dim + past_values(view) + (size_t)view->n_actions * (size_t)view->act_dim;
  if (seen > OBS_MOST)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s: %s makes observations of %zu values, must be at most %d",
                         sac_config_where(cfg, key), key, seen, OBS_MOST);
  spec->obs_dim = spec->actor_obs_dim = (int)seen;
  return SAC_OK;
}

void sac_view_begin(const sac_view *view, double *obs) {
  size_t own = (size_t)view->obs_dim;
  for (int i = 1; i <= view->n_past; i++) memcpy(obs + (size_t)i * own, obs, own * sizeof *obs);
  memset(obs + first_action(view), 0,
         (size_t)kept_actions(view) * (size_t)view->act_dim * sizeof *obs);
}

void sac_view_smooth(const sac_view *view, const sac_real *action, const double *obs,
                     sac_real *taken) {
  const double *last = obs + first_action(view), kept = view->smoothing;
  for (int j = 0; j < view->act_dim; j++)
    taken[j] = kept > 0 ? (sac_real)(kept * last[j] + (1 - kept) * (double)action[j]) : action[j];
}

void sac_view_remember(const sac_view *view, const sac_real *taken, double *obs) {
  double *actions = obs + first_action(view);
  int kept = kept_actions(view), n = view->act_dim;
  memmove(obs + view->obs_dim, obs, past_values(view) * sizeof *obs);
  if (kept == 0) return;
  memmove(actions + n, actions, (size_t)(kept - 1) * (size_t)n * sizeof *obs);
  for (int j = 0; j < n; j++) actions[j] = (double)taken[j];
}
