// MountainCarContinuous-v0: rock a weak car out of a valley.
#include "env/mountain_car_continuous.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "env/canvas.h"
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
                         .frame_rate = 30,
                         .action_low = {-1},
                         .action_high = {1}};
  *shared = task;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  sac_mountain_car_continuous_set(env, state[0], state[1], false, obs);
}

static sac_point on_hill(double position) {
  return (sac_point){position, 0.45 * sin(3 * position) + 0.55};
}

static void draw_hill(sac_canvas *canvas) {
  enum { POINTS = 61 };
  const sac_color black = {20, 20, 20};
  sac_point hill[POINTS];
  for (int i = 0; i < POINTS; i++) hill[i] = on_hill(-1.2 + 1.8 * i / (POINTS - 1));
  sac_canvas_path(canvas, hill, POINTS, 0.012, black);
}

// a pole whose foot stands where the car is to arrive
static void draw_goal(sac_canvas *canvas) {
  const sac_color grey = {90, 90, 90}, gold = {230, 170, 0};
  const sac_point foot = on_hill(0.45), top = {foot.x, foot.y + 0.25};
  const sac_point tip = {foot.x + 0.07, foot.y + 0.21};
  sac_canvas_line(canvas, foot, top, 0.012, grey);
  sac_canvas_line(canvas, (sac_point){top.x, tip.y}, tip, 0.07, gold);
}

static void draw_car(sac_canvas *canvas, double position) {
  const sac_color blue = {40, 90, 200}, black = {20, 20, 20};
  const double slope = 1.35 * cos(3 * position), length = hypot(1, slope);
  const sac_point along = {1 / length, slope / length}, up = {-along.y, along.x};
  const sac_point foot = on_hill(position);
  sac_point body[2];
  for (int i = 0; i < 2; i++) {
    double side = i ? 0.05 : -0.05;
    body[i] =
        (sac_point){foot.x + side * along.x + 0.07 * up.x, foot.y + side * along.y + 0.07 * up.y};
  }
  sac_canvas_line(canvas, body[0], body[1], 0.07, blue);
  for (int i = 0; i < 2; i++) {
    sac_point wheel = {body[i].x - 0.04 * up.x, body[i].y - 0.04 * up.y};
    sac_canvas_disc(canvas, wheel, 0.03, black);
  }
}

static sac_status draw(const void *shared, const void *env, sac_picture *picture, sac_error *err) {
  (void)shared;
  (void)err;
  const sac_mountain_car_continuous_state *self = env;
  const sac_color white = {255, 255, 255};
  sac_canvas canvas = {.picture = picture, .center = {-0.3, 0.65}, .width = 2.0};
  sac_canvas_clear(&canvas, white);
  draw_hill(&canvas);
  draw_goal(&canvas);
  draw_car(&canvas, self->position);
  return SAC_OK;
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
    .draw = draw,
};
