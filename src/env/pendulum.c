// Pendulum-v1: swing a pendulum up and hold it there. Formulas, types and their order are
// Gymnasium's, so that every bit agrees; what NumPy computes in float32 is float here.
#include "env/arithmetic.h"
#include "env/keyword.h"
#include "env/numpy_random.h"
#include "base/status.h"

#include <math.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846, dt = 0.05, max_speed = 8, max_torque = 2;

typedef struct pendulum {
  double angle, speed;  // rad from upright, rad/s
} pendulum;

typedef struct pendulum_task {
  double gravity;  // m/s^2
} pendulum_task;

enum { GRAVITY, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [GRAVITY] = SAC_KEYWORD_NUMBER("g", 10.0, -INFINITY, INFINITY, "gravity in m/s^2"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  pendulum_task *task = malloc(sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "Pendulum-v1: out of memory");
  task->gravity = given[GRAVITY].value[0];
  *spec = (sac_env_spec){.obs_dim = 3,
                         .act_dim = 1,
                         .max_episode_steps = 200,
                         .float32_obs = true,
                         .state_dim = 2,
                         .state_bytes = sizeof(pendulum),
                         .action_low = {-max_torque},
                         .action_high = {max_torque}};
  *shared = task;
  return SAC_OK;
}

static void observe(const pendulum *self, double *obs) {
  obs[0] = (float)cos(self->angle);
  obs[1] = (float)sin(self->angle);
  obs[2] = (float)self->speed;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  pendulum *self = env;
  *self = (pendulum){.angle = state[0], .speed = state[1]};
  observe(self, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  double angle = sac_numpy_random_uniform(&random, -pi, pi);
  double speed = sac_numpy_random_uniform(&random, -1, 1);
  set_state(shared, env, (double[]){angle, speed}, obs);
}

// the remainder that has the sign of the divisor, as in Python
static double wrap_angle(double angle) {
  double turn = fmod(angle + pi, 2 * pi);
  if (turn < 0) turn += 2 * pi;
  return turn - pi;
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const pendulum_task *task = shared;
  pendulum *self = env;
  float torque = (float)sac_clamp((double)action[0], -max_torque, max_torque);

  double angle = wrap_angle(self->angle), speed = self->speed;
  float effort = 0.001f * sac_square_float(torque);
  result->reward = -(sac_square(angle) + 0.1 * sac_square(speed) + (double)effort);

  double pull = 3 * task->gravity / 2.0 * sin(self->angle);
  speed += (pull + (double)(3.0f * torque)) * dt;
  self->speed = sac_clamp(speed, -max_speed, max_speed);
  self->angle += self->speed * dt;
  observe(self, obs);
}

const sac_env_def sac_pendulum = {
    .version = SAC_ENV_VERSION,
    .id = "Pendulum-v1",
    .help = "swing a pendulum up and hold it upright",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = reset,
    .step = step,
    .set_state = set_state,
};
