// An environment as a plug-in, and an example of one: a point in a corridor is to reach its end.
// Compiled by itself with any C compiler:
//     cc -shared -fPIC -I<prefix>/include corridor.c -o corridor.so
#include <math.h>
#include <sac/env.h>
#include <stdlib.h>

// what a careless author might write, for the tests: see the Makefile
#ifndef VERSION
#define VERSION SAC_ENV_VERSION
#endif
#ifndef STEP
#define STEP step
#endif
#ifndef OBS_DIM
#define OBS_DIM 2
#endif

// what all instances share
typedef struct corridor {
  double length, effort;
} corridor;

// one instance: plain bytes, which sac allocates, saves and loads
typedef struct walker {
  double position, speed;
} walker;

static const sac_env_keyword keywords[] = {
    {.name = "length",
     .kind = SAC_ENV_NUMBER,
     .count = 1,
     .value = {1},
     .low = 0.01,
     .high = 100,
     .help = "length of the corridor in m"},
    {.name = "effort",
     .kind = SAC_ENV_NUMBER,
     .count = 1,
     .value = {0.1},
     .low = 0,
     .high = 10,
     .help = "cost of the squared push"},
};

static sac_status open_corridor(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                                sac_error *err) {
  (void)err;
  corridor *task = malloc(sizeof *task);
  if (!task) return SAC_FAILED;
  task->length = given[0].value[0];
  task->effort = given[1].value[0];
  *spec = (sac_env_spec){.obs_dim = OBS_DIM,
                         .act_dim = 1,
                         .max_episode_steps = 100,
                         .state_dim = 2,
                         .state_bytes = sizeof(walker),
                         .action_low = {-1},
                         .action_high = {1}};
  *shared = task;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  walker *self = env;
  (void)shared;
  self->position = obs[0] = state[0];
  self->speed = obs[1] = state[1];
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  double start[] = {0.1 * (double)(seed % 1000) / 1000, 0};
  set_state(shared, env, start, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const corridor *task = shared;
  walker *self = env;
  double push = fmin(fmax((double)action[0], -1), 1);
  self->speed = 0.9 * self->speed + 0.02 * push;
  self->position = fmax(self->position + self->speed, 0);
  result->terminated = self->position >= task->length;
  result->reward = (result->terminated ? 10 : -0.1) - task->effort * push * push;
  obs[0] = self->position;
  obs[1] = self->speed;
}

SAC_API const sac_env_def sac_env_plugin = {
    .version = VERSION,
    .id = "Corridor-v0",
    .help = "walk to the end of a corridor",
    .keywords = keywords,
    .n_keywords = 2,
    .open = open_corridor,
    .close = free,
    .reset = reset,
    .step = STEP,
    .set_state = set_state,
};
