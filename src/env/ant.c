// Ant-v5: make a four-legged robot run. Observation, reward, end and start states are Gymnasium's.
#include "env/ant_body.h"

enum { NQ = SAC_ANT_NQ, NV = SAC_ANT_NV };

typedef struct ant {
  sac_mujoco mujoco;
  double forward_weight, control_weight, contact_weight, healthy_reward, noise_scale;
  sac_range height, force;  // where the robot is healthy; what contact forces are clipped to
  bool ends_unhealthy, shows_contacts;
  int main_body;
  int n_hidden;  // leading positions that the observation leaves out
} ant;

enum {
  FRAME_SKIP,
  FORWARD_WEIGHT,
  CONTROL_WEIGHT,
  CONTACT_WEIGHT,
  HEALTHY_REWARD,
  MAIN_BODY,
  TERMINATE,
  Z_RANGE,
  FORCE_RANGE,
  NOISE_SCALE,
  EXCLUDE_POSITION,
  INCLUDE_CONTACTS,
  N_KEYWORDS
};

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [FORWARD_WEIGHT] = SAC_MUJOCO_WEIGHT("forward_reward_weight", 1.0, "the forward speed"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 0.5, "the squared action"),
    [CONTACT_WEIGHT] = SAC_MUJOCO_WEIGHT("contact_cost_weight", 5e-4, "the squared contact forces"),
    [HEALTHY_REWARD] = SAC_MUJOCO_HEALTHY_REWARD(1.0),
    [MAIN_BODY] = SAC_KEYWORD_WHOLE("main_body", SAC_ANT_TORSO, 0, SAC_ANT_BODIES - 1,
                                    "number of the body whose speed counts"),
    [TERMINATE] = SAC_MUJOCO_TERMINATE,
    [Z_RANGE] = SAC_KEYWORD_RANGE("healthy_z_range", 0.2, 1.0, "bounds of the height in m"),
    [FORCE_RANGE] =
        SAC_KEYWORD_RANGE("contact_force_range", -1.0, 1.0, "what contact forces are clipped to"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.1),
    [EXCLUDE_POSITION] = SAC_MUJOCO_EXCLUDE("x and y position"),
    [INCLUDE_CONTACTS] = SAC_KEYWORD_FLAG("include_cfrc_ext_in_observation", true,
                                          "show the contact forces in the observation"),
};

static sac_status read_keywords(const sac_env_keyword *given, ant *task, sac_error *err) {
  SAC_TRY(sac_keyword_range(&given[Z_RANGE], &task->height, err));
  SAC_TRY(sac_keyword_range(&given[FORCE_RANGE], &task->force, err));
  task->forward_weight = given[FORWARD_WEIGHT].value[0];
  task->control_weight = given[CONTROL_WEIGHT].value[0];
  task->contact_weight = given[CONTACT_WEIGHT].value[0];
  task->healthy_reward = given[HEALTHY_REWARD].value[0];
  task->main_body = (int)given[MAIN_BODY].value[0];
  task->ends_unhealthy = given[TERMINATE].value[0] != 0;
  task->noise_scale = given[NOISE_SCALE].value[0];
  task->n_hidden = given[EXCLUDE_POSITION].value[0] != 0 ? 2 : 0;
  task->shows_contacts = given[INCLUDE_CONTACTS].value[0] != 0;
  return SAC_OK;
}

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "ant.xml", .nq = NQ, .nv = NV, .nu = SAC_ANT_NU, .camera = SAC_ANT_CAMERA};
  ant task = {.mujoco = {.needs_contacts = true}};
  SAC_TRY(read_keywords(given, &task, err));
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = NQ + NV - task.n_hidden + (task.shows_contacts ? SAC_ANT_FORCES : 0);
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const ant *task, const sac_mujoco_env *self, double *obs) {
  sac_ant_observe(&task->mujoco, self->data, task->n_hidden,
                  task->shows_contacts ? &task->force : NULL, obs);
}

static double find_x(const ant *task, const sac_mujoco_env *self) {
  return self->data->xpos[3 * task->main_body];
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const ant *task = shared;
  sac_mujoco_env *self = env;
  sac_mujoco_begin(&task->mujoco, self, state);
  self->x_before = find_x(task, self);
  observe(task, self, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const ant *task = shared;
  double state[NQ + NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, true, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const ant *task = shared;
  const sac_mujoco *mujoco = &task->mujoco;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(mujoco, self, action);
  observe(task, self, obs);
  bool healthy = sac_ant_is_healthy(self->data, task->height);
  double forward = sac_mujoco_x_speed(mujoco, self, find_x(task, self)) * task->forward_weight;
  double contact = task->contact_weight * sac_mujoco_contacts(mujoco, self->data, task->force);
  double cost = sac_mujoco_control_cost(mujoco, task->control_weight, action) + contact;
  result->reward = forward + (healthy ? task->healthy_reward : 0) - cost;
  result->terminated = task->ends_unhealthy && !healthy;
}

const sac_env_def sac_ant = SAC_MUJOCO_ENV("Ant-v5", open_task, "make a four-legged robot run");
