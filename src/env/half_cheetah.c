// HalfCheetah-v5: make a flat cheetah run. Observation, reward and start states are Gymnasium's.
#include "base/status.h"
#include "env/keyword.h"
#include "env/mujoco.h"
#include "env/numpy_random.h"

#include <string.h>

enum { NQ = 9, NV = 9, NU = 6 };

typedef struct half_cheetah {
  sac_mujoco mujoco;
  double forward_weight, control_weight, noise_scale;
  int n_hidden;  // leading positions that the observation leaves out
} half_cheetah;

enum { FRAME_SKIP, FORWARD_WEIGHT, CONTROL_WEIGHT, NOISE_SCALE, EXCLUDE_POSITION, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_KEYWORD_WHOLE("frame_skip", 5, 1, 1000, "engine steps in one step"),
    [FORWARD_WEIGHT] = SAC_KEYWORD_NUMBER("forward_reward_weight", 1.0, -INFINITY, INFINITY,
                                          "weight of the forward speed"),
    [CONTROL_WEIGHT] = SAC_KEYWORD_NUMBER("ctrl_cost_weight", 0.1, -INFINITY, INFINITY,
                                          "weight of the squared action"),
    [NOISE_SCALE] =
        SAC_KEYWORD_NUMBER("reset_noise_scale", 0.1, 0, INFINITY, "spread of the start states"),
    [EXCLUDE_POSITION] = SAC_KEYWORD_FLAG("exclude_current_positions_from_observation", true,
                                          "leave the x position out of the observation"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "half_cheetah.xml", .nq = NQ, .nv = NV, .nu = NU};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, sizeof(half_cheetah), spec, shared, err));
  half_cheetah *task = *shared;
  task->forward_weight = given[FORWARD_WEIGHT].value[0];
  task->control_weight = given[CONTROL_WEIGHT].value[0];
  task->noise_scale = given[NOISE_SCALE].value[0];
  task->n_hidden = given[EXCLUDE_POSITION].value[0] != 0;
  spec->obs_dim = NQ + NV - task->n_hidden;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const half_cheetah *task, const sac_mujoco_env *self, double *obs) {
  int n_positions = NQ - task->n_hidden;
  memcpy(obs, self->data->qpos + task->n_hidden, sizeof *obs * (size_t)n_positions);
  memcpy(obs + n_positions, self->data->qvel, sizeof *obs * NV);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const half_cheetah *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const half_cheetah *task = shared;
  double state[NQ + NV], scale = task->noise_scale;
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  for (int i = 0; i < NQ; i++)
    state[i] = task->mujoco.model->qpos0[i] + sac_numpy_random_uniform(&random, -scale, scale);
  for (int i = 0; i < NV; i++) state[NQ + i] = scale * sac_numpy_random_normal(&random);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const half_cheetah *task = shared;
  result->fault = sac_mujoco_advance(&task->mujoco, env, action);
  observe(task, env, obs);
  double forward = task->forward_weight * sac_mujoco_x_speed(&task->mujoco, env);
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = forward - cost;
}

const sac_env_def sac_half_cheetah = {
    .version = SAC_ENV_VERSION,
    .id = "HalfCheetah-v5",
    .help = "make a flat cheetah run (MuJoCo)",
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
