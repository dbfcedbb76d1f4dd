// Hopper-v5: make a one-legged robot hop without falling. Observation, reward, end and start states
// are Gymnasium's.
#include "env/mujoco.h"

enum { NQ = 6, NV = 6, NU = 3 };

typedef struct hopper {
  sac_mujoco mujoco;
  double forward_weight, control_weight, healthy_reward, noise_scale;
  sac_range state, height, angle;  // where the robot is healthy
  bool ends_unhealthy;
  int n_hidden;  // leading positions that the observation leaves out
} hopper;

enum {
  FRAME_SKIP,
  FORWARD_WEIGHT,
  CONTROL_WEIGHT,
  HEALTHY_REWARD,
  TERMINATE,
  STATE_RANGE,
  Z_RANGE,
  ANGLE_RANGE,
  NOISE_SCALE,
  EXCLUDE_POSITION,
  N_KEYWORDS
};

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(4),
    [FORWARD_WEIGHT] = SAC_MUJOCO_WEIGHT("forward_reward_weight", 1.0, "the forward speed"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 1e-3, "the squared action"),
    [HEALTHY_REWARD] = SAC_MUJOCO_HEALTHY_REWARD(1.0),
    [TERMINATE] = SAC_MUJOCO_TERMINATE,
    [STATE_RANGE] = SAC_KEYWORD_RANGE("healthy_state_range", -100.0, 100.0,
                                      "bounds of the state from its third value on"),
    [Z_RANGE] = SAC_KEYWORD_RANGE("healthy_z_range", 0.7, INFINITY, "bounds of the height in m"),
    [ANGLE_RANGE] = SAC_KEYWORD_RANGE("healthy_angle_range", -0.2, 0.2, "bounds of the tilt, rad"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(5e-3),
    [EXCLUDE_POSITION] = SAC_MUJOCO_EXCLUDE("x position"),
};

static sac_status read_keywords(const sac_env_keyword *given, hopper *task, sac_error *err) {
  SAC_TRY(sac_keyword_range(&given[STATE_RANGE], &task->state, err));
  SAC_TRY(sac_keyword_range(&given[Z_RANGE], &task->height, err));
  SAC_TRY(sac_keyword_range(&given[ANGLE_RANGE], &task->angle, err));
  task->forward_weight = given[FORWARD_WEIGHT].value[0];
  task->control_weight = given[CONTROL_WEIGHT].value[0];
  task->healthy_reward = given[HEALTHY_REWARD].value[0];
  task->ends_unhealthy = given[TERMINATE].value[0] != 0;
  task->noise_scale = given[NOISE_SCALE].value[0];
  task->n_hidden = given[EXCLUDE_POSITION].value[0] != 0;
  return SAC_OK;
}

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "hopper.xml",
                                  .nq = NQ,
                                  .nv = NV,
                                  .nu = NU,
                                  .camera = {.distance = 3.5, .elevation = -10, .at = {0, 0, 0.8}}};
  hopper task = {.n_hidden = 0};
  SAC_TRY(read_keywords(given, &task, err));
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = NQ + NV - task.n_hidden;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const hopper *task, const sac_mujoco_env *self, double *obs) {
  sac_mujoco_observe(&task->mujoco, self->data, task->n_hidden, 10, obs);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const hopper *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const hopper *task = shared;
  double state[NQ + NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, false, state);
  set_state(shared, env, state, obs);
}

static bool is_healthy(const hopper *task, const mjData *data) {
  bool inside =
      sac_is_inside(task->height, data->qpos[1]) && sac_is_inside(task->angle, data->qpos[2]);
  for (int i = 2; i < NQ; i++) inside = inside && sac_is_inside(task->state, data->qpos[i]);
  for (int i = 0; i < NV; i++) inside = inside && sac_is_inside(task->state, data->qvel[i]);
  return inside;
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const hopper *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  bool healthy = is_healthy(task, self->data);
  double speed = sac_mujoco_x_speed(&task->mujoco, self, self->data->qpos[0]);
  double forward = task->forward_weight * speed;
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = forward + (healthy ? task->healthy_reward : 0) - cost;
  result->terminated = task->ends_unhealthy && !healthy;
}

const sac_env_def sac_hopper =
    SAC_MUJOCO_ENV("Hopper-v5", open_task, "make a one-legged robot hop without falling");
