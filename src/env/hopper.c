// Hopper-v5: make a one-legged robot hop without falling. Observation, reward, end and start states
// are Gymnasium's.
#include "base/status.h"
#include "env/arithmetic.h"
#include "env/keyword.h"
#include "env/mujoco.h"
#include "env/numpy_random.h"

#include <string.h>

enum { NQ = 6, NV = 6, NU = 3 };

// an open interval
typedef struct range {
  double low, high;
} range;

typedef struct hopper {
  sac_mujoco mujoco;
  double forward_weight, control_weight, healthy_reward, noise_scale;
  range state, height, angle;  // where the robot is healthy
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
    [FRAME_SKIP] = SAC_KEYWORD_WHOLE("frame_skip", 4, 1, 1000, "engine steps in one step"),
    [FORWARD_WEIGHT] = SAC_KEYWORD_NUMBER("forward_reward_weight", 1.0, -INFINITY, INFINITY,
                                          "weight of the forward speed"),
    [CONTROL_WEIGHT] = SAC_KEYWORD_NUMBER("ctrl_cost_weight", 1e-3, -INFINITY, INFINITY,
                                          "weight of the squared action"),
    [HEALTHY_REWARD] = SAC_KEYWORD_NUMBER("healthy_reward", 1.0, -INFINITY, INFINITY,
                                          "reward of each step in health"),
    [TERMINATE] = SAC_KEYWORD_FLAG("terminate_when_unhealthy", true, "end where health ends"),
    [STATE_RANGE] = SAC_KEYWORD_RANGE("healthy_state_range", -100.0, 100.0,
                                      "bounds of the state from its third value on"),
    [Z_RANGE] = SAC_KEYWORD_RANGE("healthy_z_range", 0.7, INFINITY, "bounds of the height in m"),
    [ANGLE_RANGE] = SAC_KEYWORD_RANGE("healthy_angle_range", -0.2, 0.2, "bounds of the tilt, rad"),
    [NOISE_SCALE] =
        SAC_KEYWORD_NUMBER("reset_noise_scale", 5e-3, 0, INFINITY, "spread of the start states"),
    [EXCLUDE_POSITION] = SAC_KEYWORD_FLAG("exclude_current_positions_from_observation", true,
                                          "leave the x position out of the observation"),
};

static sac_status read_range(const sac_env_keyword *given, range *out, sac_error *err) {
  *out = (range){given->value[0], given->value[1]};
  if (given->count == 2 && out->low < out->high) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "%s must be two values, the lower one first",
                       given->where);
}

static sac_status read_keywords(const sac_env_keyword *given, hopper *task, sac_error *err) {
  SAC_TRY(read_range(&given[STATE_RANGE], &task->state, err));
  SAC_TRY(read_range(&given[Z_RANGE], &task->height, err));
  SAC_TRY(read_range(&given[ANGLE_RANGE], &task->angle, err));
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
  const sac_mujoco_model model = {.xml = "hopper.xml", .nq = NQ, .nv = NV, .nu = NU};
  hopper read = {.n_hidden = 0};
  SAC_TRY(read_keywords(given, &read, err));
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, sizeof(hopper), spec, shared, err));
  hopper *task = *shared;
  read.mujoco = task->mujoco;
  *task = read;
  spec->obs_dim = NQ + NV - task->n_hidden;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const hopper *task, const sac_mujoco_env *self, double *obs) {
  int n_positions = NQ - task->n_hidden;
  memcpy(obs, self->data->qpos + task->n_hidden, sizeof *obs * (size_t)n_positions);
  for (int i = 0; i < NV; i++) obs[n_positions + i] = sac_clamp(self->data->qvel[i], -10, 10);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const hopper *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const hopper *task = shared;
  double state[NQ + NV], scale = task->noise_scale;
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  for (int i = 0; i < NQ; i++)
    state[i] = task->mujoco.model->qpos0[i] + sac_numpy_random_uniform(&random, -scale, scale);
  for (int i = 0; i < NV; i++) state[NQ + i] = sac_numpy_random_uniform(&random, -scale, scale);
  set_state(shared, env, state, obs);
}

static bool is_inside(range allowed, double value) {
  return allowed.low < value && value < allowed.high;
}

static bool is_healthy(const hopper *task, const mjData *data) {
  bool inside = is_inside(task->height, data->qpos[1]) && is_inside(task->angle, data->qpos[2]);
  for (int i = 2; i < NQ; i++) inside = inside && is_inside(task->state, data->qpos[i]);
  for (int i = 0; i < NV; i++) inside = inside && is_inside(task->state, data->qvel[i]);
  return inside;
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const hopper *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  bool healthy = is_healthy(task, self->data);
  double forward = task->forward_weight * sac_mujoco_x_speed(&task->mujoco, self);
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = forward + (healthy ? task->healthy_reward : 0) - cost;
  result->terminated = task->ends_unhealthy && !healthy;
}

const sac_env_def sac_hopper = {
    .version = SAC_ENV_VERSION,
    .id = "Hopper-v5",
    .help = "make a one-legged robot hop without falling (MuJoCo)",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = sac_mujoco_close,
    .create = sac_mujoco_create,
    .destroy = sac_mujoco_destroy,
    .reset = reset,
    .step = step,
    .engine = sac_mujoco_engine,
    .set_state = set_state,
    .save = sac_mujoco_save,
    .load = sac_mujoco_load,
};
