// Pusher-v5: push an object to a goal with a seven-joint arm. Observation, reward and start states
// are Gymnasium's.
#include <string.h>

#include "env/arithmetic.h"
#include "env/mujoco.h"

enum { NQ = 11, NV = 11, NU = 7, JOINTS = 7, OBS = 2 * JOINTS + 9 };

typedef struct pusher {
  sac_mujoco mujoco;
  double near_weight, distance_weight, control_weight;
  int tip, object, goal;  // bodies
} pusher;

enum { FRAME_SKIP, NEAR_WEIGHT, DISTANCE_WEIGHT, CONTROL_WEIGHT, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [NEAR_WEIGHT] = SAC_MUJOCO_WEIGHT("reward_near_weight", 0.5, "the arm's way to the object"),
    [DISTANCE_WEIGHT] =
        SAC_MUJOCO_WEIGHT("reward_dist_weight", 1.0, "the object's way to the goal"),
    [CONTROL_WEIGHT] = SAC_MUJOCO_WEIGHT("reward_control_weight", 0.1, "the squared action"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {.xml = "pusher_v5.xml",
                                  .nq = NQ,
                                  .nv = NV,
                                  .nu = NU,
                                  .camera = {.distance = 2.6,
                                             .elevation = -35,
                                             .at = {0.25, -0.1, -0.2},
                                             .stays = true,
                                             .light = 0.35f}};
  pusher task = {.near_weight = given[NEAR_WEIGHT].value[0],
                 .distance_weight = given[DISTANCE_WEIGHT].value[0],
                 .control_weight = given[CONTROL_WEIGHT].value[0]};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  pusher *opened = *shared;
  SAC_TRY(sac_mujoco_find_body(&opened->mujoco, "tips_arm", &opened->tip, err));
  SAC_TRY(sac_mujoco_find_body(&opened->mujoco, "object", &opened->object, err));
  SAC_TRY(sac_mujoco_find_body(&opened->mujoco, "goal", &opened->goal, err));
  spec->obs_dim = OBS;
  spec->max_episode_steps = 100;
  return SAC_OK;
}

static void observe(const pusher *task, const sac_mujoco_env *self, double *obs) {
  const mjData *data = self->data;
  const int bodies[] = {task->tip, task->object, task->goal};
  memcpy(obs, data->qpos, sizeof *obs * JOINTS);
  memcpy(obs + JOINTS, data->qvel, sizeof *obs * JOINTS);
  for (int i = 0; i < 3; i++)
    memcpy(obs + 2 * JOINTS + 3 * i, data->xpos + 3 * bodies[i], 3 * sizeof *obs);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const pusher *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

// an object at some distance from the goal, which lies at 0
static void draw_object(sac_numpy_random *random, double *object) {
  do {
    object[0] = sac_numpy_random_uniform(random, -0.3, 0);
    object[1] = sac_numpy_random_uniform(random, -0.2, 0.2);
  } while (!(sac_norm(object, 2) > 0.17));
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const pusher *task = shared;
  double state[NQ + NV];
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  memcpy(state, task->mujoco.model->qpos0, sizeof *state * NQ);
  draw_object(&random, state + JOINTS);
  memset(state + JOINTS + 2, 0, 2 * sizeof *state);
  sac_mujoco_draw_velocities(&task->mujoco, &random, 0.005, false, state + NQ);
  memset(state + NQ + JOINTS, 0, 4 * sizeof *state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const pusher *task = shared;
  sac_mujoco_env *self = env;
  double way[3];
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  double near = -sac_mujoco_distance(self->data, task->object, task->tip, way);
  double distance = -sac_mujoco_distance(self->data, task->object, task->goal, way);
  double cost = sac_mujoco_control_cost(&task->mujoco, task->control_weight, action);
  result->reward = distance * task->distance_weight - cost + near * task->near_weight;
}

const sac_env_def sac_pusher =
    SAC_MUJOCO_ENV("Pusher-v5", open_task, "push an object to a goal with a seven-joint arm");
