// InvertedDoublePendulum-v5: balance two poles, one on the other, on a cart. Observation, reward,
// end and start states are Gymnasium's.
#include "env/arithmetic.h"
#include "env/mujoco.h"

enum { NQ = 3, NV = 3, NU = 1, OBS = 9 };

typedef struct inverted_double_pendulum {
  sac_mujoco mujoco;
  double healthy_reward, noise_scale;
} inverted_double_pendulum;

enum { FRAME_SKIP, HEALTHY_REWARD, NOISE_SCALE, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [HEALTHY_REWARD] = SAC_MUJOCO_HEALTHY_REWARD(10.0),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.1),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "inverted_double_pendulum.xml",
      .nq = NQ,
      .nv = NV,
      .nu = NU,
      .camera = {
          .distance = 3.4, .elevation = -5, .at = {0, 0, 0.5}, .stays = true, .light = 0.4f}};
  inverted_double_pendulum task = {.healthy_reward = given[HEALTHY_REWARD].value[0],
                                   .noise_scale = given[NOISE_SCALE].value[0]};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = OBS;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const sac_mujoco_env *self, double *obs) {
  const mjData *data = self->data;
  obs[0] = data->qpos[0];
  for (int i = 0; i < 2; i++) {
    obs[1 + i] = sin(data->qpos[1 + i]);
    obs[3 + i] = cos(data->qpos[1 + i]);
  }
  for (int i = 0; i < NV; i++) obs[5 + i] = sac_clamp(data->qvel[i], -10, 10);
  obs[8] = sac_clamp(data->qfrc_constraint[0], -10, 10);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const inverted_double_pendulum *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const inverted_double_pendulum *task = shared;
  double state[NQ + NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, true, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const inverted_double_pendulum *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(self, obs);
  const double *tip = self->data->site_xpos, *speed = self->data->qvel;
  result->terminated = tip[2] <= 1;
  double distance = 0.01 * sac_square(tip[0]) + sac_square(tip[2] - 2);
  double velocity = 0.001 * sac_square(speed[1]) + 0.005 * sac_square(speed[2]);
  result->reward = (result->terminated ? 0 : task->healthy_reward) - distance - velocity;
}

const sac_env_def sac_inverted_double_pendulum =
    SAC_MUJOCO_ENV("InvertedDoublePendulum-v5", open_task, "balance two poles on a cart");
