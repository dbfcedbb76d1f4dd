// The tensors of an agent under the names that checkpoints and traces use: into a file and out of
// one.
#pragma once

#include "algo/algorithm.h"
#include "io/safetensors.h"

/// A file being put together from backend memory, which is read when the file is written.
typedef struct sac_tensors {
  sac_safetensors_writer *writer;
  struct sac_tensor_source *sources;  ///< where each tensor lies
  int n_sources, max_sources;
} sac_tensors;

/// Make room for everything that a checkpoint or a trace holds of `agent`.
sac_status sac_tensors_begin(sac_tensors *tensors, sac_agent *agent, sac_error *err);
void sac_tensors_end(sac_tensors *tensors);

/// Add a tensor of `dtype` at `at` in backend memory; `shape` has `rank` entries.
void sac_tensors_add(sac_tensors *tensors, sac_backend *backend, const char *name, sac_dtype dtype,
                     int rank, const int64_t *shape, const void *at);

/// Add a tensor in host memory, which must live until the file is written.
void sac_tensors_add_host(sac_tensors *tensors, const char *name, sac_dtype dtype, int rank,
                          const int64_t *shape, const void *at);

/// Add `prefix` + name for every view of `params` of seed `i_seed`, from `block` (its values,
/// gradients ...).
void sac_tensors_add_block(sac_tensors *tensors, const char *prefix, const sac_params *params,
                           const sac_real *block, int i_seed);

/// Add networks, targets, temperature and optimiser state of seed `i_seed`, under `prefix` ("" in a
/// checkpoint).
void sac_tensors_add_state(sac_tensors *tensors, const char *prefix, sac_agent *agent, int i_seed);

/// Whether all, some or none of the tensors of a block were in a file.
typedef enum sac_found { SAC_FOUND_NONE, SAC_FOUND_SOME, SAC_FOUND_ALL } sac_found;

/// Read those tensors of a block that are there; one of another shape is SAC_BAD_CHECKPOINT.
sac_status sac_tensors_get_block(const sac_safetensors *file, const char *prefix,
                                 const sac_params *params, sac_real *block, int i_seed,
                                 sac_found *found, sac_error *err);

/// Read an optimiser's state; `found` as above, over moments and step together.
sac_status sac_tensors_get_optimiser(const sac_safetensors *file, const sac_params *params,
                                     const char *optimiser, int i_seed, sac_found *found,
                                     sac_error *err);

/// Read everything that sac_tensors_add_state adds. SAC_BAD_CHECKPOINT names what is missing.
sac_status sac_tensors_get_state(const sac_safetensors *file, sac_agent *agent, int i_seed,
                                 sac_error *err);
