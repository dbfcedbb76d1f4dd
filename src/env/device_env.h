// The vector environment in a backend's memory: env/formula.h stepped by the op table, so that a
// rollout of thousands of environments never crosses the bus. A part of vec_env.h, and only its.
#pragma once

#include "env/environment.h"
#include "env/vec_env.h"

typedef struct sac_device_env sac_device_env;

/// For `task` and options->cfg->env.n_envs. Fails as sac_vec_env_create says.
sac_status sac_device_env_create(const sac_vec_env_options *options, const sac_task *task,
                                 sac_device_env **device, sac_error *err);
void sac_device_env_destroy(sac_device_env *device);

/// As sac_vec_env_step. Of environments in trouble the lowest is named by `broken` (else -1) and
/// what broke by `trouble`; the status is that of the device alone.
sac_status sac_device_env_step(sac_device_env *device, const sac_transitions *rows, sac_real *obs,
                               sac_episode *episodes, int *broken, sac_trouble *trouble,
                               sac_error *err);

/// From and to the bytes of sac_vec_env_save.
void sac_device_env_save(const sac_device_env *device, uint8_t *bytes);
void sac_device_env_load(sac_device_env *device, const uint8_t *bytes, sac_real *obs, int ld);
