// Swimmer-v5: make a chain of three links swim. Observation, reward and start states are
// Gymnasium's.
#include "env/mujoco.h"

enum { NQ = 5, NV = 5, NU = 2 };

typedef struct swimmer {
  sac_mujoco mujoco;
  double forward_weight, control_weight, noise_scale;
  int n_hidden;  // leading positions that the observation leaves out
} swimmer;

enum { FRAME_SKIP, FORWARD_WEIGHT, CONTROL_WEIGHT, NOISE_SCALE, EXCLUDE_POSITION, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(4),
    [FORWARD_WEIGHT] = SAC_MUJOCO_WEIGHT("forward_reward_weight", 1.0, "the forward speed"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 1e-4, "the squared action"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.1),
    [EXCLUDE_POSITION] = SAC_MUJOCO_EXCLUDE("x and y position"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "swimmer.xml",
                                  .nq = NQ,
                                  .nv = NV,
                                  .nu = NU,
                                  .camera = {.distance = 4.5, .elevation = -50, .at = {0, 0, 0}}};
  swimmer task = {.forward_weight = given[FORWARD_WEIGHT].value[0],
                  .control_weight = given[CONTROL_WEIGHT].value[0],
                  .noise_scale = given[NOISE_SCALE].value[0],
                  .n_hidden = given[EXCLUDE_POSITION].value[0] != 0 ? 2 : 0};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = NQ + NV - task.n_hidden;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const swimmer *task, const sac_mujoco_env *self, double *obs) {
  sac_mujoco_observe(&task->mujoco, self->data, task->n_hidden, INFINITY, obs);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const swimmer *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const swimmer *task = shared;
  double state[NQ + NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, false, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const swimmer *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  double speed = sac_mujoco_x_speed(&task->mujoco, self, self->data->qpos[0]);
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = task->forward_weight * speed - cost;
}

const sac_env_def sac_swimmer =
    SAC_MUJOCO_ENV("Swimmer-v5", open_task, "make a chain of three links swim");
