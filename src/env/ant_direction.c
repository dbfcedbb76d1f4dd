// AntDirection-v0: run fast, in any direction (Haarnoja et al. 2018, Latent Space Policies, section
// 6.2): what the lower layer of a hierarchy is trained on. Robot and observation are Ant-v5's.
#include "env/ant_body.h"

#include "env/arithmetic.h"

typedef struct ant_direction {
  sac_mujoco mujoco;
  double velocity_weight, survive_reward, control_weight, contact_weight, noise_scale;
  sac_range height, force;
} ant_direction;

enum {
  FRAME_SKIP,
  VELOCITY_WEIGHT,
  SURVIVE_REWARD,
  CONTROL_WEIGHT,
  CONTACT_WEIGHT,
  NOISE_SCALE,
  N_KEYWORDS
};

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [VELOCITY_WEIGHT] = SAC_MUJOCO_WEIGHT("velocity_reward_weight", 1.0, "the speed in the plane"),
    [SURVIVE_REWARD] = SAC_MUJOCO_WEIGHT("survive_reward", 0.05, "each step in health"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 0.01, "half the squared action"),
    [CONTACT_WEIGHT] =
        SAC_MUJOCO_WEIGHT("contact_cost_weight", 1e-3, "half the squared contact forces"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.1),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "ant.xml",
                                  .nq = SAC_ANT_NQ,
                                  .nv = SAC_ANT_NV,
                                  .nu = SAC_ANT_NU,
                                  .camera = SAC_ANT_CAMERA};
  ant_direction task = {.mujoco = {.needs_contacts = true},
                        .velocity_weight = given[VELOCITY_WEIGHT].value[0],
                        .survive_reward = given[SURVIVE_REWARD].value[0],
                        .control_weight = given[CONTROL_WEIGHT].value[0],
                        .contact_weight = given[CONTACT_WEIGHT].value[0],
                        .noise_scale = given[NOISE_SCALE].value[0],
                        .height = {0.2, 1},
                        .force = {-1, 1}};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = SAC_ANT_OBS;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const ant_direction *task = shared;
  sac_mujoco_env *self = env;
  sac_mujoco_begin(&task->mujoco, self, state);
  sac_ant_observe(&task->mujoco, self->data, 2, &task->force, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const ant_direction *task = shared;
  double state[SAC_ANT_NQ + SAC_ANT_NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, true, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const ant_direction *task = shared;
  const sac_mujoco *mujoco = &task->mujoco;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(mujoco, self, action);
  sac_ant_observe(&task->mujoco, self->data, 2, &task->force, obs);
  double speed = sac_ant_speed(mujoco, self);
  double contact = task->contact_weight * sac_mujoco_contacts(mujoco, self->data, task->force);
  double cost = sac_mujoco_control_cost(mujoco, task->control_weight, action) + contact;
  result->reward = task->velocity_weight * speed + task->survive_reward - 0.5 * cost;
  result->terminated = !sac_ant_is_healthy(self->data, task->height);
}

const sac_env_def sac_ant_direction =
    SAC_MUJOCO_ENV("AntDirection-v0", open_task, "make a four-legged robot run in any direction");
