// HalfCheetah-v5: make a flat cheetah run. Observation, reward and start states are Gymnasium's.
#include "env/mujoco.h"

enum { NQ = 9, NV = 9, NU = 6 };

typedef struct half_cheetah {
  sac_mujoco mujoco;
  double forward_weight, control_weight, noise_scale;
  int n_hidden;  // leading positions that the observation leaves out
} half_cheetah;

enum { FRAME_SKIP, FORWARD_WEIGHT, CONTROL_WEIGHT, NOISE_SCALE, EXCLUDE_POSITION, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [FORWARD_WEIGHT] = SAC_MUJOCO_WEIGHT("forward_reward_weight", 1.0, "the forward speed"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 0.1, "the squared action"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.1),
    [EXCLUDE_POSITION] = SAC_MUJOCO_EXCLUDE("x position"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "half_cheetah.xml",
      .nq = NQ,
      .nv = NV,
      .nu = NU,
      .camera = {.distance = 3.2, .elevation = -12, .at = {0, 0, 0.45}}};
  half_cheetah task = {.forward_weight = given[FORWARD_WEIGHT].value[0],
                       .control_weight = given[CONTROL_WEIGHT].value[0],
                       .noise_scale = given[NOISE_SCALE].value[0],
                       .n_hidden = given[EXCLUDE_POSITION].value[0] != 0};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = NQ + NV - task.n_hidden;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const half_cheetah *task, const sac_mujoco_env *self, double *obs) {
  sac_mujoco_observe(&task->mujoco, self->data, task->n_hidden, INFINITY, obs);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const half_cheetah *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const half_cheetah *task = shared;
  double state[NQ + NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, true, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const half_cheetah *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  double speed = sac_mujoco_x_speed(&task->mujoco, self, self->data->qpos[0]);
  double forward = task->forward_weight * speed;
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = forward - cost;
}

const sac_env_def sac_half_cheetah =
    SAC_MUJOCO_ENV("HalfCheetah-v5", open_task, "make a flat cheetah run");
