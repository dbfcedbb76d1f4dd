// Pendulum-v1: swing a pendulum up and hold it there.
#include "env/pendulum.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "env/canvas.h"
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
                         .frame_rate = 20,
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

// the rod as Gymnasium draws it: a positive angle leans to the left
static sac_status draw(const void *shared, const void *env, sac_picture *picture, sac_error *err) {
  (void)shared;
  (void)err;
  const sac_pendulum_state *self = env;
  const sac_color white = {255, 255, 255}, red = {204, 77, 77}, black = {20, 20, 20};
  const sac_point pivot = {0, 0}, end = {-sin(self->angle), cos(self->angle)};
  sac_canvas canvas = {.picture = picture, .center = pivot, .width = 2.6};
  sac_canvas_clear(&canvas, white);
  sac_canvas_line(&canvas, pivot, end, 0.2, red);
  sac_canvas_disc(&canvas, pivot, 0.05, black);
  return SAC_OK;
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
    .draw = draw,
};
