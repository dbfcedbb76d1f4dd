// The lower layers of a hierarchy in files: read from the run that hierarchy.lower names, kept in
// every checkpoint of the upper one, read from there again. A checkpoint holds all it needs: the
// policies below as "lower.0.actor.*" (the one just below), "lower.1.actor.*" ..., what shapes
// them, and the hash of all that, by which it names them.
#pragma once

#include "algo/hierarchy.h"
#include "env/environment.h"
#include "train/tensors.h"

/// A folder in `cfg->hierarchy.lower` becomes its newest valid checkpoint, so that the run stays
/// with that. SAC_BAD_CONFIG with the key's place where there is nothing.
sac_status sac_lower_resolve(sac_config *cfg, sac_error *err);

/// Open what `cfg->hierarchy.lower` names, on `backend` for `max_rows` rows; *hierarchy is NULL
/// where it names nothing. Where it is gone, `own`, the run's folder or a checkpoint of it, stands
/// in; may be NULL. SAC_BAD_CONFIG with the key's place where there is nothing, or what is there
/// cannot be a lower layer.
sac_status sac_lower_open(const sac_config *cfg, const char *own, sac_backend *backend,
                          int max_rows, sac_hierarchy **hierarchy, sac_error *err);

/// Whether the environment's actions come in (-1, 1).
bool sac_lower_squashes(const sac_config *cfg, const sac_hierarchy *hierarchy);

/// The copies that `own`, a checkpoint of the upper run or its folder's newest, has of them.
sac_status sac_lower_open_own(const sac_config *cfg, const char *own, sac_backend *backend,
                              int max_rows, sac_hierarchy **hierarchy, sac_error *err);

/// SAC_BAD_CONFIG where they do not fit the environment.
sac_status sac_lower_check(const sac_config *cfg, const sac_hierarchy *hierarchy,
                           const sac_env_spec *spec, sac_error *err);

/// Add the layers to a checkpoint.
void sac_lower_add(const sac_hierarchy *hierarchy, sac_tensors *tensors);

/// SAC_BAD_CONFIG where a checkpoint was made with other lower layers.
sac_status sac_lower_compare(const sac_config *cfg, const sac_hierarchy *hierarchy,
                             const sac_safetensors *file, sac_error *err);
