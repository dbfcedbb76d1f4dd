// MountainCarContinuous-v0: rock a weak car out of a valley. Formulas and types are Gymnasium's, so
// that every bit agrees: there the state is float64 at the start of an episode and float32 after
// the first step, and a force beyond the bounds becomes a float64 number where one within is
// float32.
#include "env/arithmetic.h"
#include "env/keyword.h"
#include "env/numpy_random.h"
#include "base/status.h"

#include <math.h>
#include <stdlib.h>

static const double min_position = -1.2, max_position = 0.6, max_speed = 0.07, goal_position = 0.45;
static const double power = 0.0015, steepness = 0.0025;

typedef struct mountain_car {
  double position, speed;
  bool narrow;  // the state is float32 numbers
  char unused[7];
} mountain_car;

typedef struct mountain_car_task {
  double goal_speed;
} mountain_car_task;

enum { GOAL_VELOCITY, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [GOAL_VELOCITY] = SAC_KEYWORD_NUMBER("goal_velocity", 0.0, -INFINITY, INFINITY,
                                         "least speed at the goal that ends the episode"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  mountain_car_task *task = malloc(sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "MountainCarContinuous-v0: out of memory");
  task->goal_speed = given[GOAL_VELOCITY].value[0];
  *spec = (sac_env_spec){.obs_dim = 2,
                         .act_dim = 1,
                         .max_episode_steps = 999,
                         .float32_obs = true,
                         .state_dim = 2,
                         .state_bytes = sizeof(mountain_car),
                         .action_low = {-1},
                         .action_high = {1}};
  *shared = task;
  return SAC_OK;
}

static void observe(const mountain_car *self, double *obs) {
  obs[0] = (float)self->position;
  obs[1] = (float)self->speed;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  mountain_car *self = env;
  *self = (mountain_car){.position = state[0], .speed = state[1]};
  observe(self, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  double position = sac_numpy_random_uniform(&random, -0.6, -0.4);
  set_state(shared, env, (double[]){position, 0}, obs);
}

static double round_if(bool narrow, double value) {
  return narrow ? (double)(float)value : value;
}

// change of speed by the motor and the slope
static double accelerate(bool narrow, double position, float action) {
  bool clipped = action < -1 || action > 1;
  double force = clipped ? copysign(1.0, (double)action) : (double)action;
  double slope = steepness * cos(round_if(narrow, 3 * position));
  if (clipped) return round_if(narrow, force * power - slope);
  return (double)((float)force * (float)power - (float)slope);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const mountain_car_task *task = shared;
  mountain_car *self = env;
  bool narrow = self->narrow;
  double top_speed = round_if(narrow, max_speed);

  double speed = self->speed + accelerate(narrow, self->position, action[0]);
  speed = sac_clamp(round_if(narrow, speed), -top_speed, top_speed);
  double low = round_if(narrow, min_position), high = round_if(narrow, max_position);
  double position = sac_clamp(round_if(narrow, self->position + speed), low, high);
  if (position == low && speed < 0) speed = 0;

  result->terminated =
      position >= round_if(narrow, goal_position) && speed >= round_if(narrow, task->goal_speed);
  double effort = (double)action[0] * (double)action[0] * 0.1;
  result->reward = (result->terminated ? 100.0 : 0.0) - effort;
  *self = (mountain_car){.position = (float)position, .speed = (float)speed, .narrow = true};
  observe(self, obs);
}

const sac_env_def sac_mountain_car_continuous = {
    .version = SAC_ENV_VERSION,
    .id = "MountainCarContinuous-v0",
    .help = "rock a weak car out of a valley",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = reset,
    .step = step,
    .set_state = set_state,
};
