// Reacher-v5: reach a target with a two-link arm. Observation, reward and start states are
// Gymnasium's.
#include <string.h>

#include "env/arithmetic.h"
#include "env/mujoco.h"

enum { NQ = 4, NV = 4, NU = 2, OBS = 10 };

typedef struct reacher {
  sac_mujoco mujoco;
  double distance_weight, control_weight;
  int fingertip, target;  // bodies
} reacher;

enum { FRAME_SKIP, DISTANCE_WEIGHT, CONTROL_WEIGHT, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(2),
    [DISTANCE_WEIGHT] = SAC_MUJOCO_WEIGHT("reward_dist_weight", 1.0, "the distance to the target"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("reward_control_weight", 1.0, "the squared action"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "reacher.xml",
      .nq = NQ,
      .nv = NV,
      .nu = NU,
      .camera = {
          .distance = 0.75, .elevation = -89, .at = {0, 0, 0}, .stays = true, .light = 0.1f}};
  reacher task = {.distance_weight = given[DISTANCE_WEIGHT].value[0],
                  .control_weight = given[CONTROL_WEIGHT].value[0]};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  reacher *opened = *shared;
  SAC_TRY(sac_mujoco_find_body(&opened->mujoco, "fingertip", &opened->fingertip, err));
  SAC_TRY(sac_mujoco_find_body(&opened->mujoco, "target", &opened->target, err));
  spec->obs_dim = OBS;
  spec->max_episode_steps = 50;
  return SAC_OK;
}

static void observe(const reacher *task, const sac_mujoco_env *self, double *obs) {
  const mjData *data = self->data;
  double away[3];
  sac_mujoco_distance(data, task->fingertip, task->target, away);
  for (int i = 0; i < 2; i++) {
    obs[i] = cos(data->qpos[i]);
    obs[2 + i] = sin(data->qpos[i]);
    obs[4 + i] = data->qpos[2 + i];
    obs[6 + i] = data->qvel[i];
    obs[8 + i] = away[i];
  }
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const reacher *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

// a target within reach of the arm
static void draw_goal(sac_numpy_random *random, double *goal) {
  do {
    for (int i = 0; i < 2; i++) goal[i] = sac_numpy_random_uniform(random, -0.2, 0.2);
  } while (!(sac_norm(goal, 2) < 0.2));
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const reacher *task = shared;
  double state[NQ + NV];
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  sac_mujoco_draw_positions(&task->mujoco, &random, 0.1, state);
  draw_goal(&random, state + 2);
  sac_mujoco_draw_velocities(&task->mujoco, &random, 0.005, false, state + NQ);
  memset(state + NQ + 2, 0, 2 * sizeof *state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const reacher *task = shared;
  sac_mujoco_env *self = env;
  double away[3];
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  double distance = sac_mujoco_distance(self->data, task->fingertip, task->target, away);
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = -distance * task->distance_weight - cost;
}

const sac_env_def sac_reacher =
    SAC_MUJOCO_ENV("Reacher-v5", open_task, "reach a target with a two-link arm");
