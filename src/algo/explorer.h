// The mix of algorithm.exploration: how each environment's episode acts, drawn by probability when
// it begins. Weights perturbed for an episode: Plappert et al. 2018, arXiv 1706.01905.
#pragma once

#include "nn/policy.h"

typedef struct sac_explorer sac_explorer;

/// What an explorer is made for.
typedef struct sac_explorer_options {
  const sac_config *cfg;
  const sac_policy *policy;  ///< that acts, of one seed; read at every draw
  sac_policy_pass *pass;     ///< of it, for `rows` rows
  int rows;                  ///< environments
  uint64_t seed;
} sac_explorer_options;

/// Whether the configuration mixes anything at all: without, there is no explorer.
bool sac_explorer_wanted(const sac_config *cfg);

/// Every environment begins an episode at vector step 0.
sac_status sac_explorer_create(const sac_explorer_options *options, sac_explorer **explorer,
                               sac_error *err);
void sac_explorer_destroy(sac_explorer *explorer);

/// An episode begins in environment `i_env` at vector step `step`: draw how it acts, a function of
/// (seed, step, i_env) only. One that ends with perturbed weights tells how far they led.
void sac_explorer_begin(sac_explorer *explorer, int i_env, uint64_t step);

/// What the policy was asked, and what it drew.
typedef struct sac_explored {
  sac_stack obs;         // (1, rows, S) as the policy sees them
  sac_stack noise;       // (1, rows, noise_dim) that its draws were made from
  sac_stack action;      // (1, rows, A) its draws, replaced where an episode acts otherwise
  const uint64_t *step;  // vector step, in backend memory
} sac_explored;
void sac_explorer_act(sac_explorer *explorer, const sac_explored *explored);

/// Its state, for checkpoints: `kind` (rows) in host memory, as many values as environments;
/// `sigma`, that weights are perturbed by; in backend memory `weights` (rows, count), NULL where
/// none are ever perturbed, and `distance` (rows, 2).
typedef struct sac_explorer_state {
  sac_backend *backend;
  int rows;
  size_t count;
  int32_t *kind;
  double *sigma, *distance;
  sac_real *weights;
} sac_explorer_state;
sac_explorer_state sac_explorer_state_of(sac_explorer *explorer);

/// The state was overwritten: go on from it. Kinds that the configuration does not know any more
/// become the policy's draws.
void sac_explorer_resume(sac_explorer *explorer);
