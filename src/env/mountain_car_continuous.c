// MountainCarContinuous-v0: rock a weak car out of a valley.
#include "env/mountain_car_continuous.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "env/keyword.h"

enum { GOAL_VELOCITY, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [GOAL_VELOCITY] = SAC_KEYWORD_NUMBER("goal_velocity", 0.0, -INFINITY, INFINITY,
                                         "least speed at the goal that ends the episode"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  sac_mountain_car_continuous_task *task = malloc(sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "MountainCarContinuous-v0: out of memory");
  task->goal_speed = given[GOAL_VELOCITY].value[0];
  *spec = (sac_env_spec){.obs_dim = 2,
                         .act_dim = 1,
                         .max_episode_steps = 999,
                         .float32_obs = true,
                         .state_dim = 2,
                         .state_bytes = sizeof(sac_mountain_car_continuous_state),
                         .action_low = {-1},
                         .action_high = {1}};
  *shared = task;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  sac_mountain_car_continuous_set(env, state[0], state[1], false, obs);
}

const sac_env_def sac_mountain_car_continuous = {
    .version = SAC_ENV_VERSION,
    .id = "MountainCarContinuous-v0",
    .help = "rock a weak car out of a valley",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = sac_mountain_car_continuous_reset,
    .step = sac_mountain_car_continuous_step,
    .set_state = set_state,
};
