// Multigoal-v0: reach one of four goals in the plane.
#include "env/multigoal.h"

#include <stdlib.h>

#include "env/canvas.h"
#include "env/keyword.h"

enum { ACTION_COST, DISTANCE_COST, GOAL_REWARD, N_KEYWORDS };

// the defaults are those of soft Q-learning's example; SAC's has 1, 0.1 and 1
static const sac_env_keyword keywords[N_KEYWORDS] = {
    [ACTION_COST] =
        SAC_KEYWORD_NUMBER("action_cost_coeff", 30.0, 0, 1e6, "cost of the squared action"),
    [DISTANCE_COST] = SAC_KEYWORD_NUMBER("distance_cost_coeff", 1.0, 0, 1e6,
                                         "cost of the squared distance to the nearest goal"),
    [GOAL_REWARD] = SAC_KEYWORD_NUMBER("goal_reward", 10.0, -1e6, 1e6, "reward of reaching a goal"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  sac_multigoal_task *task = malloc(sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "Multigoal-v0: out of memory");
  task->action_cost = given[ACTION_COST].value[0];
  task->distance_cost = given[DISTANCE_COST].value[0];
  task->goal_reward = given[GOAL_REWARD].value[0];
  *spec = (sac_env_spec){.obs_dim = 2,
                         .act_dim = 2,
                         .max_episode_steps = 30,
                         .frame_rate = 10,
                         .state_dim = 2,
                         .state_bytes = sizeof(sac_multigoal_state),
                         .action_low = {-1, -1},
                         .action_high = {1, 1}};
  *shared = task;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  sac_multigoal_place(env, state[0], state[1], obs);
}

// What a picture remembers: the ways of all episodes that it has seen. An episode that begins jumps
// back to the middle, further than a step goes.
enum { TRAIL_MAX = 4096 };

typedef struct trail {
  int count;
  sac_point at[TRAIL_MAX];
} trail;

static bool begins(sac_point from, sac_point to) {
  return hypot(to.x - from.x, to.y - from.y) > 1.5;
}

static void extend(trail *way, sac_point at) {
  if (way->count < TRAIL_MAX) way->at[way->count++] = at;
}

static void draw_goals(sac_canvas *canvas) {
  const sac_color ring = {160, 200, 160}, goal = {40, 140, 60}, paper = {255, 255, 255};
  for (int i = 0; i < SAC_MULTIGOAL_GOALS; i++) {
    double place = i % 2 ? -SAC_MULTIGOAL_GOAL : SAC_MULTIGOAL_GOAL;
    sac_point at = {i < 2 ? place : 0, i < 2 ? 0 : place};
    sac_canvas_disc(canvas, at, 1, ring);
    sac_canvas_disc(canvas, at, 0.93, paper);
    sac_canvas_disc(canvas, at, 0.15, goal);
  }
}

static sac_status draw(const void *shared, const void *env, sac_picture *picture, sac_error *err) {
  (void)shared;
  const sac_multigoal_state *self = env;
  const sac_color paper = {255, 255, 255}, line = {90, 120, 200}, dot = {200, 60, 60};
  const sac_point here = {self->at[0], self->at[1]};
  if (!picture->context) picture->context = calloc(1, sizeof(trail));
  if (!picture->context) return sac_error_set(err, SAC_FAILED, "Multigoal-v0: out of memory");
  picture->release = free;
  trail *way = picture->context;
  sac_canvas canvas = {.picture = picture, .width = 2 * SAC_MULTIGOAL_BOUND + 0.5};
  extend(way, here);
  sac_canvas_clear(&canvas, paper);
  draw_goals(&canvas);
  for (int i = 1; i < way->count; i++)
    if (!begins(way->at[i - 1], way->at[i]))
      sac_canvas_line(&canvas, way->at[i - 1], way->at[i], 0.06, line);
  sac_canvas_disc(&canvas, here, 0.2, dot);
  return SAC_OK;
}

const sac_env_def sac_multigoal = {
    .version = SAC_ENV_VERSION,
    .id = "Multigoal-v0",
    .help = "reach one of four goals in the plane",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = sac_multigoal_reset,
    .step = sac_multigoal_step,
    .set_state = set_state,
    .draw = draw,
};
