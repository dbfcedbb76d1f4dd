// What Humanoid-v5 and HumanoidStandup-v5 share: the model's sizes, the observation and its
// keywords, the costs.
#pragma once

#include "env/mujoco.h"

enum { SAC_HUMANOID_NQ = 24, SAC_HUMANOID_NV = 23, SAC_HUMANOID_NU = 17, SAC_HUMANOID_BODIES = 14 };

/// Which parts the observation has.
typedef struct sac_humanoid_view {
  int n_hidden;  // leading positions that it leaves out
  bool inertia, velocity, actuators, contacts;
} sac_humanoid_view;

/// The keywords of a view, in the order that sac_humanoid_view_read takes them.
#define SAC_HUMANOID_N_VIEW 5
#define SAC_HUMANOID_VIEW                                                                   \
  SAC_MUJOCO_EXCLUDE("x and y position"),                                                   \
      SAC_KEYWORD_FLAG("include_cinert_in_observation", true, "show the bodies' inertias"), \
      SAC_KEYWORD_FLAG("include_cvel_in_observation", true, "show the bodies' velocities"), \
      SAC_KEYWORD_FLAG("include_qfrc_actuator_in_observation", true,                        \
                       "show the forces of the actuators"),                                 \
      SAC_KEYWORD_FLAG("include_cfrc_ext_in_observation", true, "show the contact forces")

/// From SAC_HUMANOID_N_VIEW resolved keywords.
sac_humanoid_view sac_humanoid_view_read(const sac_env_keyword *given);

/// Width of the observation.
int sac_humanoid_view_dim(const sac_humanoid_view *view);
void sac_humanoid_observe(const sac_humanoid_view *view, const sac_mujoco *mujoco,
                          const mjData *data, double *obs);

/// Sum of squares of the control, in float64.
double sac_humanoid_effort(const mjData *data);

/// weight * sum of squares of the contact forces, clipped to `range`.
double sac_humanoid_contact_cost(const sac_mujoco *mujoco, const mjData *data, double weight,
                                 sac_range range);
