// Finding an environment and resolving its keyword arguments.
#include "env/task.h"

#include "config/format.h"
#include "config/mistakes.h"
#include "env/env_list.h"
#include "env/gym.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYWORDS_MAX = SAC_CONFIG_KWARG_MAX, PLACE_MAX = SAC_CONFIG_WHERE_MAX + 96 };

_Static_assert((int)SAC_CONFIG_KWARG_MAX == SAC_ENV_KEYWORD_MAX, "keywords hold what users write");

#define X(name) extern const sac_env_def name;
SAC_ENV_LIST(X)
#undef X

#define X(name) &name,
static const sac_env_def *const definitions[] = {SAC_ENV_LIST(X) NULL};
#undef X

enum { N_DEFINITIONS = sizeof definitions / sizeof definitions[0] - 1 };

const sac_env_def *sac_env_def_at(int i) {
  return i < N_DEFINITIONS ? definitions[i] : NULL;
}

sac_status sac_env_def_find(const char *id, const char *where, const sac_env_def **def,
                            sac_error *err) {
  const char *ids[N_DEFINITIONS];
  char all[1024] = "", guess[128] = "", shown[64];
  size_t used = 0;
  for (int i = 0; i < N_DEFINITIONS; i++) {
    ids[i] = definitions[i]->id;
    if (strcmp(ids[i], id) == 0) {
      *def = definitions[i];
      return SAC_OK;
    }
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", ids[i]);
    SAC_ASSERT(used < sizeof all);
  }
  const char *nearest = sac_nearest(id, ids, N_DEFINITIONS);
  if (nearest) snprintf(guess, sizeof guess, "; did you mean %s?", nearest);
  sac_config_show(id, shown, sizeof shown);
  return sac_error_set(err, SAC_BAD_CONFIG, "%s: env.id is '%s', must be one of %s%s", where, shown,
                       all, guess);
}

static const char *kind_text(sac_env_keyword_kind kind) {
  static const char *const text[] = {[SAC_ENV_NUMBER] = "a number",
                                     [SAC_ENV_WHOLE] = "a whole number",
                                     [SAC_ENV_FLAG] = "true or false",
                                     [SAC_ENV_NUMBERS] = "a list of numbers"};
  return text[kind];
}

static bool fits_kind(const sac_env_keyword *keyword, const sac_config_kwarg *given) {
  switch (keyword->kind) {
    case SAC_ENV_FLAG:
      return given->is_flag && !given->is_list;
    case SAC_ENV_NUMBER:
      return !given->is_flag && !given->is_list;
    case SAC_ENV_WHOLE:
      return !given->is_flag && !given->is_list && given->value[0] == floor(given->value[0]);
    case SAC_ENV_NUMBERS:
      return !given->is_flag && given->count > 0;
  }
  return false;
}

// put the user's value into its keyword, or add a line that says why not
static void resolve_value(const sac_config_kwarg *given, sac_env_keyword *keyword,
                          sac_config_mistakes *mistakes) {
  if (!fits_kind(keyword, given)) {
    sac_config_mistake(mistakes, given->where, "env.kwargs.%s must be %s", given->name,
                       kind_text(keyword->kind));
    return;
  }
  for (int i = 0; i < given->count; i++) {
    double value = given->value[i];
    if (value >= keyword->low && value <= keyword->high) continue;
    sac_config_mistake(mistakes, given->where, "env.kwargs.%s is %g, must be in [%g, %g]",
                       given->name, value, keyword->low, keyword->high);
    return;
  }
  keyword->count = given->count;
  memcpy(keyword->value, given->value, sizeof keyword->value);
}

static void refuse_keyword(const sac_env_def *def, const sac_config_kwarg *given,
                           sac_config_mistakes *mistakes) {
  const char *names[KEYWORDS_MAX];
  char all[2048] = "nothing";
  size_t used = 0;
  for (int i = 0; i < def->n_keywords; i++) {
    names[i] = def->keywords[i].name;
    used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    SAC_ASSERT(used < sizeof all);
  }
  const char *nearest = sac_nearest(given->name, names, def->n_keywords);
  sac_config_mistake(mistakes, given->where,
                     "env.kwargs.%s is not a keyword of %s, which takes %s%s%s%s", given->name,
                     def->id, all, nearest ? "; did you mean env.kwargs." : "",
                     nearest ? nearest : "", nearest ? "?" : "");
}

// `keywords` (KEYWORDS_MAX) and how errors name them
static sac_status resolve_keywords(const sac_env_def *def, const sac_config_kwargs *kwargs,
                                   sac_env_keyword *keywords, char (*places)[PLACE_MAX],
                                   sac_error *err) {
  sac_config_mistakes mistakes = {.err = err};
  SAC_ASSERT(def->n_keywords <= KEYWORDS_MAX);
  for (int i = 0; i < def->n_keywords; i++) {
    keywords[i] = def->keywords[i];
    keywords[i].where = places[i];
    snprintf(places[i], PLACE_MAX, "env.kwargs.%s", keywords[i].name);
  }
  for (int i = 0; i < kwargs->count; i++) {
    const sac_config_kwarg *given = &kwargs->at[i];
    int at = 0;
    while (at < def->n_keywords && strcmp(keywords[at].name, given->name) != 0) at++;
    if (at == def->n_keywords) {
      refuse_keyword(def, given, &mistakes);
      continue;
    }
    snprintf(places[at], PLACE_MAX, "%s: env.kwargs.%s", given->where, given->name);
    resolve_value(given, &keywords[at], &mistakes);
  }
  return sac_config_mistakes_close(&mistakes);
}

// mid and half of the bounds, in float32
static sac_status map_actions(const sac_config *cfg, bool squash, sac_task *task, sac_error *err) {
  const sac_env_spec *spec = &task->spec;
  for (int i = 0; i < spec->act_dim; i++) {
    float low = (float)spec->action_low[i], high = (float)spec->action_high[i];
    bool bounded = isfinite(low) && isfinite(high);
    if (squash && !bounded)
      return sac_error_set(err, SAC_BAD_CONFIG,
                           "%s: policy.squash is true, must be false: action[%d] of %s has no "
                           "finite bounds",
                           sac_config_where(cfg, "policy.squash"), i, task->def->id);
    task->action_mid[i] = squash ? 0.5f * (low + high) : 0;
    task->action_half[i] = squash ? 0.5f * (high - low) : 1;
    task->uniform_low[i] = squash ? -1 : spec->action_low[i];
    task->uniform_high[i] = squash ? 1 : spec->action_high[i];
  }
  return SAC_OK;
}

typedef struct size_claim {
  const char *name;
  size_t value, low, high;
} size_claim;

// a definition may come from anywhere; a negative number is a huge size here
static sac_status check_spec(const sac_env_def *def, const sac_env_spec *spec, const char *where,
                             sac_error *err) {
  const size_t many = 1000000, obs_dim = (size_t)spec->obs_dim, state_dim = (size_t)spec->state_dim;
  const size_claim claims[] = {{"obs_dim", obs_dim, 1, many},
                               {"actor_obs_dim", (size_t)spec->actor_obs_dim, 1, obs_dim},
                               {"act_dim", (size_t)spec->act_dim, 1, SAC_ENV_ACTION_MAX},
                               {"max_episode_steps", (size_t)spec->max_episode_steps, 0, INT32_MAX},
                               {"state_dim", state_dim, 0, many},
                               {"qpos_dim", (size_t)spec->qpos_dim, 0, state_dim},
                               {"state_bytes", spec->state_bytes, !def->create, (size_t)1 << 30}};
  for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
    if (claims[i].value < claims[i].low || claims[i].value > claims[i].high)
      return sac_error_set(err, SAC_BAD_ENV, "%s: the %s of %s is %zd, must be in [%zu, %zu]",
                           where, claims[i].name, def->id, (ssize_t)claims[i].value, claims[i].low,
                           claims[i].high);
  for (int i = 0; i < spec->act_dim; i++)
    if (!(spec->action_low[i] < spec->action_high[i]))
      return sac_error_set(err, SAC_BAD_ENV, "%s: the bounds of action[%d] of %s are [%g, %g]",
                           where, i, def->id, spec->action_low[i], spec->action_high[i]);
  return SAC_OK;
}

static sac_status find_def(const sac_config *cfg, sac_task *task, sac_error *err) {
  const char *where = sac_config_where(cfg, "env.id");
  if (!cfg->env.plugin[0]) return sac_env_def_find(cfg->env.id, where, &task->def, err);
  SAC_TRY(
      sac_plugin_open(cfg->env.plugin, sac_config_where(cfg, "env.plugin"), &task->plugin, err));
  task->def = task->plugin.def;
  if (strcmp(task->def->id, cfg->env.id) == 0) return SAC_OK;
  char shown[64];
  sac_config_show(cfg->env.id, shown, sizeof shown);
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: env.id is '%s', must be %s, which env.plugin %s "
                       "defines",
                       where, shown, task->def->id, cfg->env.plugin);
}

static sac_status open_native(const sac_config *cfg, sac_task *task, sac_error *err) {
  sac_env_keyword keywords[KEYWORDS_MAX];
  char places[KEYWORDS_MAX][PLACE_MAX];
  SAC_TRY(find_def(cfg, task, err));
  SAC_TRY(resolve_keywords(task->def, &cfg->env.kwargs, keywords, places, err));
  return task->def->open(keywords, &task->spec, &task->shared, err);
}

static sac_status open_gym(const sac_config *cfg, sac_task *task, sac_error *err) {
  sac_gym *gym;
  SAC_TRY(sac_gym_open(cfg, &task->spec, &gym, err));
  task->shared = gym;
  task->def = sac_gym_def(gym);
  return SAC_OK;
}

static sac_status open_shared(const sac_config *cfg, sac_task *task, sac_error *err) {
  SAC_TRY(sac_gym_names(cfg->env.id) ? open_gym(cfg, task, err) : open_native(cfg, task, err));
  if (task->spec.actor_obs_dim == 0) task->spec.actor_obs_dim = task->spec.obs_dim;
  SAC_TRY(check_spec(task->def, &task->spec, sac_config_where(cfg, "env.id"), err));
  SAC_TRY(sac_view_make(cfg, &task->spec, &task->view, err));
  int64_t limit = cfg->env.max_episode_steps;
  task->time_limit = limit > 0 ? limit : task->spec.max_episode_steps;
  task->frame_skip = (int)cfg->env.frame_skip;
  return SAC_OK;
}

sac_status sac_task_open(const sac_config *cfg, bool squash, sac_task **task, sac_error *err) {
  sac_task *opened = *task = calloc(1, sizeof *opened);
  if (!opened) return sac_error_set(err, SAC_FAILED, "%s: out of memory", cfg->env.id);
  sac_status status = open_shared(cfg, opened, err);
  if (status == SAC_OK) status = map_actions(cfg, squash, opened, err);
  if (status == SAC_OK) return SAC_OK;
  sac_task_close(opened);
  *task = NULL;
  return status;
}

void sac_task_wake(sac_task *task) {
  if (sac_gym_names(task->def->id)) sac_gym_wake(task->shared);
}

void sac_task_log(sac_task *task, sac_log *log) {
  if (sac_gym_names(task->def->id)) sac_gym_log(task->shared, log);
}

void sac_task_close(sac_task *task) {
  if (!task) return;
  if (task->shared) task->def->close(task->shared);
  sac_plugin_close(&task->plugin);
  free(task);
}

bool sac_task_restarts(const sac_task *task) {
  return task->def->create && !task->def->save;
}

void sac_task_action(const sac_task *task, const sac_real *canonical, float *action) {
  for (int i = 0; i < task->spec.act_dim; i++)
    action[i] = task->action_mid[i] + task->action_half[i] * (float)canonical[i];
}
