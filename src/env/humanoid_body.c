#include "env/humanoid_body.h"

#include <string.h>

#include "env/arithmetic.h"

enum {
  NQ = SAC_HUMANOID_NQ,
  NV = SAC_HUMANOID_NV,
  NU = SAC_HUMANOID_NU,
  SHOWN_BODIES = SAC_HUMANOID_BODIES - 1,  // the world's own entry is left out
  FREE = 6                                 // velocities of the free joint, which has no actuator
};

sac_humanoid_view sac_humanoid_view_read(const sac_env_keyword *given) {
  return (sac_humanoid_view){.n_hidden = given[0].value[0] != 0 ? 2 : 0,
                             .inertia = given[1].value[0] != 0,
                             .velocity = given[2].value[0] != 0,
                             .actuators = given[3].value[0] != 0,
                             .contacts = given[4].value[0] != 0};
}

int sac_humanoid_view_dim(const sac_humanoid_view *view) {
  return NQ - view->n_hidden + NV + (view->inertia ? 10 * SHOWN_BODIES : 0) +
         (view->velocity ? 6 * SHOWN_BODIES : 0) + (view->actuators ? NV - FREE : 0) +
         (view->contacts ? 6 * SHOWN_BODIES : 0);
}

static double *append(double *obs, bool shown, const double *from, int count) {
  if (!shown) return obs;
  memcpy(obs, from, sizeof *obs * (size_t)count);
  return obs + count;
}

void sac_humanoid_observe(const sac_humanoid_view *view, const sac_mujoco *mujoco,
                          const mjData *data, double *obs) {
  obs = sac_mujoco_observe(mujoco, data, view->n_hidden, INFINITY, obs);
  obs = append(obs, view->inertia, data->cinert + 10, 10 * SHOWN_BODIES);
  obs = append(obs, view->velocity, data->cvel + 6, 6 * SHOWN_BODIES);
  obs = append(obs, view->actuators, data->qfrc_actuator + FREE, NV - FREE);
  append(obs, view->contacts, data->cfrc_ext + 6, 6 * SHOWN_BODIES);
}

double sac_humanoid_effort(const mjData *data) {
  double squares[NU];
  for (int i = 0; i < NU; i++) squares[i] = data->ctrl[i] * data->ctrl[i];
  return sac_sum(squares, NU);
}

double sac_humanoid_contact_cost(const sac_mujoco *mujoco, const mjData *data, double weight,
                                 sac_range range) {
  const sac_range all = {-INFINITY, INFINITY};
  return sac_clamp(weight * sac_mujoco_contacts(mujoco, data, all), range.low, range.high);
}
