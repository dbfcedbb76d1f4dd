// Pendulum-v1: swing a pendulum up and hold it there.
#include "env/pendulum.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "env/keyword.h"

enum { GRAVITY, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [GRAVITY] = SAC_KEYWORD_NUMBER("g", 10.0, -INFINITY, INFINITY, "gravity in m/s^2"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  sac_pendulum_task *task = malloc(sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "Pendulum-v1: out of memory");
  task->gravity = given[GRAVITY].value[0];
  *spec = (sac_env_spec){.obs_dim = 3,
                         .act_dim = 1,
                         .max_episode_steps = 200,
                         .float32_obs = true,
                         .state_dim = 2,
                         .state_bytes = sizeof(sac_pendulum_state),
                         .action_low = {-2},
                         .action_high = {2}};
  *shared = task;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  sac_pendulum_state *self = env;
  *self = (sac_pendulum_state){.angle = state[0], .speed = state[1]};
  sac_pendulum_observe(self, obs);
}

const sac_env_def sac_pendulum = {
    .version = SAC_ENV_VERSION,
    .id = "Pendulum-v1",
    .help = "swing a pendulum up and hold it upright",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = sac_pendulum_reset,
    .step = sac_pendulum_step,
    .set_state = set_state,
};
