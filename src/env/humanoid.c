// Humanoid-v5: make a humanoid walk without falling. Observation, reward, end and start states are
// Gymnasium's.
#include "env/arithmetic.h"
#include "env/humanoid_body.h"

typedef struct humanoid {
  sac_mujoco mujoco;
  sac_humanoid_view view;
  double forward_weight, control_weight, contact_weight, healthy_reward, noise_scale;
  sac_range contact_cost, height;  // what the contact cost is clipped to; where it is healthy
  bool ends_unhealthy;
  double mass;  // kg, of all bodies
} humanoid;

enum {
  FRAME_SKIP,
  FORWARD_WEIGHT,
  CONTROL_WEIGHT,
  CONTACT_WEIGHT,
  CONTACT_RANGE,
  HEALTHY_REWARD,
  TERMINATE,
  Z_RANGE,
  NOISE_SCALE,
  VIEW,
  N_KEYWORDS = VIEW + SAC_HUMANOID_N_VIEW
};

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [FORWARD_WEIGHT] = SAC_MUJOCO_WEIGHT("forward_reward_weight", 1.25, "the forward speed"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 0.1, "the squared control"),
    [CONTACT_WEIGHT] = SAC_MUJOCO_WEIGHT("contact_cost_weight", 5e-7, "the squared contact forces"),
    [CONTACT_RANGE] = SAC_KEYWORD_RANGE("contact_cost_range", -INFINITY, 10.0,
                                        "what the contact cost is clipped to"),
    [HEALTHY_REWARD] = SAC_MUJOCO_HEALTHY_REWARD(5.0),
    [TERMINATE] = SAC_MUJOCO_TERMINATE,
    [Z_RANGE] = SAC_KEYWORD_RANGE("healthy_z_range", 1.0, 2.0, "bounds of the height in m"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(1e-2),
    [VIEW] = SAC_HUMANOID_VIEW,
};

static sac_status read_keywords(const sac_env_keyword *given, humanoid *task, sac_error *err) {
  SAC_TRY(sac_keyword_range(&given[CONTACT_RANGE], &task->contact_cost, err));
  SAC_TRY(sac_keyword_range(&given[Z_RANGE], &task->height, err));
  task->forward_weight = given[FORWARD_WEIGHT].value[0];
  task->control_weight = given[CONTROL_WEIGHT].value[0];
  task->contact_weight = given[CONTACT_WEIGHT].value[0];
  task->healthy_reward = given[HEALTHY_REWARD].value[0];
  task->ends_unhealthy = given[TERMINATE].value[0] != 0;
  task->noise_scale = given[NOISE_SCALE].value[0];
  task->view = sac_humanoid_view_read(&given[VIEW]);
  return SAC_OK;
}

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "humanoid.xml",
                                  .nq = SAC_HUMANOID_NQ,
                                  .nv = SAC_HUMANOID_NV,
                                  .nu = SAC_HUMANOID_NU,
                                  .camera = {.distance = 4, .elevation = -12, .at = {0, 0, 1}}};
  humanoid task = {.mujoco = {.needs_contacts = true}};
  SAC_TRY(read_keywords(given, &task, err));
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  humanoid *opened = *shared;
  opened->mass = sac_sum(opened->mujoco.model->body_mass, SAC_HUMANOID_BODIES);
  spec->obs_dim = sac_humanoid_view_dim(&task.view);
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

// of the centre of mass
static double find_x(const humanoid *task, const sac_mujoco_env *self) {
  double sum = 0;
  for (int i = 0; i < SAC_HUMANOID_BODIES; i++)
    sum += task->mujoco.model->body_mass[i] * self->data->xipos[3 * i];
  return sum / task->mass;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const humanoid *task = shared;
  sac_mujoco_env *self = env;
  sac_mujoco_begin(&task->mujoco, self, state);
  self->x_before = find_x(task, self);
  sac_humanoid_observe(&task->view, &task->mujoco, self->data, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const humanoid *task = shared;
  double state[SAC_HUMANOID_NQ + SAC_HUMANOID_NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, false, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const humanoid *task = shared;
  const sac_mujoco *mujoco = &task->mujoco;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(mujoco, self, action);
  sac_humanoid_observe(&task->view, &task->mujoco, self->data, obs);
  bool healthy = sac_is_inside(task->height, self->data->qpos[2]);
  double forward = task->forward_weight * sac_mujoco_x_speed(mujoco, self, find_x(task, self));
  double cost =
      task->control_weight * sac_humanoid_effort(self->data) +
      sac_humanoid_contact_cost(mujoco, self->data, task->contact_weight, task->contact_cost);
  result->reward = forward + (healthy ? task->healthy_reward : 0) - cost;
  result->terminated = task->ends_unhealthy && !healthy;
}

const sac_env_def sac_humanoid =
    SAC_MUJOCO_ENV("Humanoid-v5", open_task, "make a humanoid walk without falling");
