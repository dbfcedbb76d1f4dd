// HumanoidStandup-v5: make a lying humanoid stand up. Observation, reward and start states are
// Gymnasium's.
#include "env/humanoid_body.h"

typedef struct humanoid_standup {
  sac_mujoco mujoco;
  sac_humanoid_view view;
  double control_weight, impact_weight, noise_scale;
  sac_range impact_cost;  // what the impact cost is clipped to
} humanoid_standup;

enum {
  FRAME_SKIP,
  HEIGHT_WEIGHT,
  CONTROL_WEIGHT,
  IMPACT_WEIGHT,
  IMPACT_RANGE,
  NOISE_SCALE,
  VIEW,
  N_KEYWORDS = VIEW + SAC_HUMANOID_N_VIEW
};

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [HEIGHT_WEIGHT] =
        SAC_MUJOCO_WEIGHT("uph_cost_weight", 1.0, "the height; not used, as in Gymnasium"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("ctrl_cost_weight", 0.1, "the squared control"),
    [IMPACT_WEIGHT] = SAC_MUJOCO_WEIGHT("impact_cost_weight", 5e-7, "the squared contact forces"),
    [IMPACT_RANGE] = SAC_KEYWORD_RANGE("impact_cost_range", -INFINITY, 10.0,
                                       "what the impact cost is clipped to"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(1e-2),
    [VIEW] = SAC_HUMANOID_VIEW,
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "humanoidstandup.xml",
                                  .nq = SAC_HUMANOID_NQ,
                                  .nv = SAC_HUMANOID_NV,
                                  .nu = SAC_HUMANOID_NU,
                                  .camera = {.distance = 4, .elevation = -15, .at = {0, 0, 0.6}}};
  humanoid_standup task = {.mujoco = {.needs_contacts = true},
                           .view = sac_humanoid_view_read(&given[VIEW]),
                           .control_weight = given[CONTROL_WEIGHT].value[0],
                           .impact_weight = given[IMPACT_WEIGHT].value[0],
                           .noise_scale = given[NOISE_SCALE].value[0]};
  SAC_TRY(sac_keyword_range(&given[IMPACT_RANGE], &task.impact_cost, err));
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = sac_humanoid_view_dim(&task.view);
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const humanoid_standup *task = shared;
  sac_mujoco_env *self = env;
  sac_mujoco_begin(&task->mujoco, self, state);
  sac_humanoid_observe(&task->view, &task->mujoco, self->data, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const humanoid_standup *task = shared;
  double state[SAC_HUMANOID_NQ + SAC_HUMANOID_NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, false, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const humanoid_standup *task = shared;
  const sac_mujoco *mujoco = &task->mujoco;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(mujoco, self, action);
  sac_humanoid_observe(&task->view, &task->mujoco, self->data, obs);
  // the height is divided by the engine's own time step, not by that of the task
  double height = self->data->qpos[2] / mujoco->model->opt.timestep;
  double effort = task->control_weight * sac_humanoid_effort(self->data);
  double impact =
      sac_humanoid_contact_cost(mujoco, self->data, task->impact_weight, task->impact_cost);
  result->reward = height - effort - impact + 1;
}

const sac_env_def sac_humanoid_standup =
    SAC_MUJOCO_ENV("HumanoidStandup-v5", open_task, "make a lying humanoid stand up");
