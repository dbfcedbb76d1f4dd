#include "env/ant_body.h"

#include <string.h>

#include "env/arithmetic.h"

double *sac_ant_observe(const mjData *data, int n_hidden, const sac_range *force, double *obs) {
  int n_positions = SAC_ANT_NQ - n_hidden;
  memcpy(obs, data->qpos + n_hidden, sizeof *obs * (size_t)n_positions);
  memcpy(obs + n_positions, data->qvel, sizeof *obs * SAC_ANT_NV);
  obs += n_positions + SAC_ANT_NV;
  if (!force) return obs;
  for (int i = 0; i < SAC_ANT_FORCES; i++)
    obs[i] = sac_clamp(data->cfrc_ext[6 + i], force->low, force->high);
  return obs + SAC_ANT_FORCES;
}

void sac_ant_draw(const sac_mujoco *mujoco, sac_numpy_random *random, double spread,
                  double *state) {
  sac_mujoco_draw_positions(mujoco, random, spread, state);
  sac_mujoco_draw_velocities(mujoco, random, spread, true, state + SAC_ANT_NQ);
}

bool sac_ant_is_healthy(const mjData *data, sac_range height) {
  bool finite = true;
  for (int i = 0; i < SAC_ANT_NQ; i++) finite = finite && isfinite(data->qpos[i]);
  for (int i = 0; i < SAC_ANT_NV; i++) finite = finite && isfinite(data->qvel[i]);
  return finite && height.low <= data->qpos[2] && data->qpos[2] <= height.high;
}
