// Gymnasium environments as a definition like any other. What a process does wrong ends the run or,
// with env.on_worker_failure: respawn, the episodes that it took with it.
#include "env/gym.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "env/worker.h"

// instances beside those of the vector environment: lanes of an evaluation, one of a benchmark
enum { SPARE_SLOTS = 64, ATTEMPTS = 5 };

static const char prefix[] = "gym:";

struct sac_gym {
  sac_env_def def;
  sac_workers *workers;
  int obs_dim, act_dim;
  bool respawn;
  char *kwargs;
  char id[SAC_CONFIG_TEXT_MAX], python[SAC_CONFIG_TEXT_MAX];
};

typedef struct instance {
  sac_workers *workers;
  const sac_gym *gym;
  int slot;
  uint64_t life;  // of the process in which its environment was made; 0: it must be made anew
  bool running;   // an episode is on
  bool sent;      // a step is under way
  bool begun;     // a reset is
  bool failed;
  char failure[SAC_WORKER_FAILURE];
  double last[];  // (S) the last observation that arrived
} instance;

bool sac_gym_names(const char *id) {
  return strncmp(id, prefix, sizeof prefix - 1) == 0;
}

static size_t obs_bytes(const sac_gym *gym) {
  return sizeof(double) * (size_t)gym->obs_dim;
}

static sac_status create(const void *shared, void **env, sac_error *err) {
  const sac_gym *gym = shared;
  instance *self = calloc(1, sizeof *self + obs_bytes(gym));
  if (!self) return sac_error_set(err, SAC_FAILED, "%s: out of memory", gym->id);
  self->gym = gym;
  self->workers = gym->workers;
  sac_status status = sac_workers_take(self->workers, &self->slot, err);
  if (status == SAC_OK)
    *env = self;
  else
    free(self);
  return status;
}

static void destroy(void *env) {
  instance *self = env;
  sac_workers_give(self->workers, self->slot);
  free(self);
}

static const char *failure(const void *shared, const void *env) {
  (void)shared;
  const instance *self = env;
  return self->failed ? self->failure : NULL;
}

// the environment said no; where it may go on it is made anew
static void note_refusal(instance *self) {
  const sac_worker_slot *slot = sac_workers_slot(self->workers, self->slot);
  snprintf(self->failure, sizeof self->failure, "%.*s", SAC_WORKER_TEXT - 1, slot->text);
  self->life = 0;
  self->failed = !self->gym->respawn;
}

// wait for what was sent: false when it came to nothing, and `failed` where that is the end
static bool collect(instance *self, double *obs) {
  self->sent = self->begun = false;
  bool done = sac_workers_wait(self->workers, self->slot, self->life);
  const sac_worker_slot *slot = sac_workers_slot(self->workers, self->slot);
  if (!done) {
    self->failed = sac_workers_failed(self->workers, self->slot, self->failure);
  } else if (slot->status != SAC_WORKER_READY) {
    note_refusal(self);
    done = false;
  } else {
    memcpy(self->last, slot->obs, obs_bytes(self->gym));
  }
  memcpy(obs, self->last, obs_bytes(self->gym));
  return done;
}

static void send_reset(const void *shared, void *env, uint64_t seed) {
  (void)shared;
  instance *self = env;
  // a step whose end nobody asked for comes first
  if (self->sent) sac_workers_wait(self->workers, self->slot, self->life);
  self->sent = false;
  uint64_t life = sac_workers_life(self->workers, self->slot);
  sac_worker_slot *slot = sac_workers_slot(self->workers, self->slot);
  slot->seed = seed;
  if (self->life != life) sac_workers_send(self->workers, self->slot, life, SAC_WORKER_OPEN);
  self->life = life;
  sac_workers_send(self->workers, self->slot, life, SAC_WORKER_RESET);
  self->begun = true;
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  instance *self = env;
  self->failed = self->running = false;
  snprintf(self->failure, sizeof self->failure, "no process survives its reset");
  for (int i = 0; i < ATTEMPTS && !self->running && !self->failed; i++) {
    if (!self->begun) send_reset(shared, env, seed);
    self->running = collect(self, obs);
  }
  self->failed = !self->running;
}

static void send(const void *shared, void *env, const float *action) {
  const sac_gym *gym = shared;
  instance *self = env;
  if (!self->running || self->sent) return;
  sac_worker_slot *slot = sac_workers_slot(self->workers, self->slot);
  memcpy(slot->action, action, sizeof *action * (size_t)gym->act_dim);
  sac_workers_send(self->workers, self->slot, self->life, SAC_WORKER_STEP);
  self->sent = true;
}

// the episode ends with what was seen last, as if it had been cut off there
static void cut_off(instance *self, sac_env_result *result) {
  const char *text = self->failure;
  if (self->running && self->life == 0)
    sac_workers_note(self->workers,
                     "%s: %s; the environment is made anew, its episode counts as cut off",
                     self->gym->id, text);
  self->running = false;
  *result = (sac_env_result){.truncated = true};
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  instance *self = env;
  const sac_worker_slot *slot = sac_workers_slot(self->workers, self->slot);
  send(shared, env, action);
  if (self->sent && collect(self, obs)) {
    result->reward = slot->reward;
    result->terminated = slot->terminated;
    result->truncated = slot->truncated;
    return;
  }
  memcpy(obs, self->last, obs_bytes(self->gym));
  if (!self->failed) cut_off(self, result);
  self->running = false;
}

static void close_gym(void *shared) {
  sac_gym *gym = shared;
  sac_workers_close(gym->workers);
  free(gym->kwargs);
  free(gym);
}

// ---- opening ----

static json_t *value_json(const sac_config_kwarg *given, int i) {
  double value = given->value[i];
  if (given->is_flag) return json_boolean(value != 0);
  // Python takes a whole number where it wants a real one, but not the other way round
  bool whole = value == floor(value) && fabs(value) < 0x1p53;
  return whole ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *kwarg_json(const sac_config_kwarg *given) {
  if (!given->is_list) return value_json(given, 0);
  json_t *list = json_array();
  for (int i = 0; i < given->count; i++) json_array_append_new(list, value_json(given, i));
  return list;
}

static char *kwargs_text(const sac_config_kwargs *kwargs) {
  json_t *all = json_object();
  for (int i = 0; i < kwargs->count; i++)
    json_object_set_new(all, kwargs->at[i].name, kwarg_json(&kwargs->at[i]));
  char *text = json_dumps(all, JSON_COMPACT);
  json_decref(all);
  return text;
}

static void fill_spec(const sac_gym *gym, sac_env_spec *spec) {
  const sac_worker_page *page = sac_workers_page(gym->workers);
  spec->obs_dim = page->obs_dim;
  spec->act_dim = page->act_dim;
  spec->max_episode_steps = page->max_episode_steps;
  spec->float32_obs = page->float32_obs;
  memcpy(spec->action_low, page->low, sizeof spec->action_low);
  memcpy(spec->action_high, page->high, sizeof spec->action_high);
}

static sac_gym *make_gym(const sac_config *cfg) {
  sac_gym *gym = calloc(1, sizeof *gym);
  if (!gym) return NULL;
  snprintf(gym->id, sizeof gym->id, "%s", cfg->env.id);
  snprintf(gym->python, sizeof gym->python, "%s", cfg->env.python[0] ? cfg->env.python : "python3");
  gym->kwargs = kwargs_text(&cfg->env.kwargs);
  gym->respawn = cfg->env.on_worker_failure == SAC_WORKER_FAILURE_RESPAWN;
  gym->def = (sac_env_def){.version = SAC_ENV_VERSION,
                           .id = gym->id,
                           .help = "a Gymnasium environment in Python processes",
                           .close = close_gym,
                           .create = create,
                           .destroy = destroy,
                           .reset = reset,
                           .send = send,
                           .send_reset = send_reset,
                           .step = step,
                           .failure = failure};
  return gym;
}

sac_status sac_gym_open(const sac_config *cfg, sac_env_spec *spec, sac_gym **gym, sac_error *err) {
  sac_gym *self = make_gym(cfg);
  if (!self || !self->kwargs) {
    free(self);
    return sac_error_set(err, SAC_FAILED, "%s: out of memory", cfg->env.id);
  }
  int workers = cfg->env.workers > 0 ? (int)cfg->env.workers : sac_threads_cores();
  sac_workers_options options = {.python = self->python,
                                 .name = self->id + sizeof prefix - 1,
                                 .kwargs = self->kwargs,
                                 .count = workers,
                                 .slots = (int)cfg->env.n_envs + SPARE_SLOTS,
                                 .timeout_s = cfg->env.worker_timeout_s,
                                 .respawn = self->respawn};
  sac_error why;
  sac_status status = sac_workers_open(&options, &self->workers, &why);
  if (status != SAC_OK) {
    sac_error_set(err, status, "%s: %s: %s", sac_config_where(cfg, "env.id"), self->id, why.text);
    close_gym(self);
    return status;
  }
  self->obs_dim = sac_workers_page(self->workers)->obs_dim;
  self->act_dim = sac_workers_page(self->workers)->act_dim;
  fill_spec(self, spec);
  *gym = self;
  return SAC_OK;
}

void sac_gym_wake(sac_gym *gym) {
  sac_workers_wake(gym->workers);
}

void sac_gym_log(sac_gym *gym, sac_log *log) {
  sac_workers_log(gym->workers, log);
}

const sac_env_def *sac_gym_def(const sac_gym *gym) {
  return &gym->def;
}
