#include "env/ant_body.h"

#include "env/arithmetic.h"

double *sac_ant_observe(const sac_mujoco *mujoco, const mjData *data, int n_hidden,
                        const sac_range *force, double *obs) {
  obs = sac_mujoco_observe(mujoco, data, n_hidden, INFINITY, obs);
  for (int i = 0; force && i < SAC_ANT_FORCES; i++)
    *obs++ = sac_clamp(data->cfrc_ext[6 + i], force->low, force->high);
  return obs;
}

bool sac_ant_is_healthy(const mjData *data, sac_range height) {
  bool finite = true;
  for (int i = 0; i < SAC_ANT_NQ; i++) finite = finite && isfinite(data->qpos[i]);
  for (int i = 0; i < SAC_ANT_NV; i++) finite = finite && isfinite(data->qvel[i]);
  return finite && height.low <= data->qpos[2] && data->qpos[2] <= height.high;
}

double sac_ant_speed(const sac_mujoco *mujoco, sac_mujoco_env *env) {
  const double *at = env->data->qpos;
  return hypot(sac_mujoco_x_speed(mujoco, env, at[0]), sac_mujoco_y_speed(mujoco, env, at[1]));
}
