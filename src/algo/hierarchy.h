// Frozen policies below the one that is trained (Haarnoja et al. 2018, Latent Space Policies): its
// action is the noise of the next lower one, whose action is the noise of the next, down to the
// environment's. Each sees the first values of the observation, as many as it was trained on.
#pragma once

#include "nn/policy.h"

enum { SAC_HIERARCHY_LAYERS_MAX = 8 };

/// One frozen policy.
typedef struct sac_hierarchy_layer {
  sac_policy policy;
  sac_policy_pass pass;
  char *identity;  ///< what shapes it: its policy.* keys as the fingerprint writes them
} sac_hierarchy_layer;

/// The policies from the one just below the trained one down to the environment's.
typedef struct sac_hierarchy sac_hierarchy;
struct sac_hierarchy {
  sac_backend *backend;
  int n_layers, max_rows;
  sac_hierarchy_layer layer[SAC_HIERARCHY_LAYERS_MAX];
  void *memory;   ///< of the passes
  uint64_t hash;  ///< XXH3 of identities and weights, in this order
};

/// An empty one for up to `max_rows` rows; frees with destroy.
sac_status sac_hierarchy_create(sac_backend *backend, int max_rows, sac_hierarchy **hierarchy,
                                sac_error *err);
void sac_hierarchy_destroy(sac_hierarchy *hierarchy);

/// Add a policy below those there are, weights zero; `identity` is copied.
sac_status sac_hierarchy_add(sac_hierarchy *hierarchy, const sac_policy_options *options,
                             const char *identity, sac_error *err);

/// After the last: room to act in.
sac_status sac_hierarchy_finish(sac_hierarchy *hierarchy, sac_error *err);

/// The same policies on another device, for `max_rows` rows.
sac_status sac_hierarchy_copy(const sac_hierarchy *from, sac_backend *backend, int max_rows,
                              sac_hierarchy **copy, sac_error *err);

/// Whether the environment's actions come in (-1, 1).
bool sac_hierarchy_squashes(const sac_hierarchy *hierarchy);

/// What `sac_hierarchy_act` reads and writes, in backend memory.
typedef struct sac_descent {
  int rows;
  sac_stack obs;     // (1, rows, S) as the environments give them
  sac_stack latent;  // (1, rows, A) what the trained policy does
  sac_stack action;  // (1, rows, A) what the environments get; may be `latent`
} sac_descent;
void sac_hierarchy_act(sac_hierarchy *hierarchy, const sac_descent *descent);
