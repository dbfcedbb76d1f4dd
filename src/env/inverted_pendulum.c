// InvertedPendulum-v5: balance a pole on a cart. Observation, reward, end and start states are
// Gymnasium's.
#include "env/mujoco.h"

enum { NQ = 2, NV = 2, NU = 1 };

typedef struct inverted_pendulum {
  sac_mujoco mujoco;
  double noise_scale;
} inverted_pendulum;

enum { FRAME_SKIP, NOISE_SCALE, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(2),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.01),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "inverted_pendulum.xml",
      .nq = NQ,
      .nv = NV,
      .nu = NU,
      .camera = {
          .distance = 2.5, .elevation = -5, .at = {0, 0, 0.25}, .stays = true, .light = 0.4f}};
  inverted_pendulum task = {.noise_scale = given[NOISE_SCALE].value[0]};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = NQ + NV;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static void observe(const inverted_pendulum *task, const sac_mujoco_env *self, double *obs) {
  sac_mujoco_observe(&task->mujoco, self->data, 0, INFINITY, obs);
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const inverted_pendulum *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const inverted_pendulum *task = shared;
  double state[NQ + NV];
  sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, false, state);
  set_state(shared, env, state, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const inverted_pendulum *task = shared;
  result->fault = sac_mujoco_advance(&task->mujoco, env, action);
  observe(task, env, obs);
  bool finite = true;
  for (int i = 0; i < NQ + NV; i++) finite = finite && isfinite(obs[i]);
  result->terminated = !finite || fabs(obs[1]) > 0.2;
  result->reward = !result->terminated;
}

const sac_env_def sac_inverted_pendulum =
    SAC_MUJOCO_ENV("InvertedPendulum-v5", open_task, "balance a pole on a cart");
