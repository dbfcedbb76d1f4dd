// The policy as a rollout uses it: on the agent's own device, or a copy of it on the host, which
// spares every step the way to the device and back.
#pragma once

#include "algo/algorithm.h"
#include "algo/explorer.h"

typedef struct sac_actor sac_actor;

/// What an actor is made for.
typedef struct sac_actor_options {
  sac_agent *agent;
  sac_backend *host;      ///< where the copy lives; NULL for the agent's own device, as must be
                          ///< where it normalises observations
  int rows;               ///< environments a seed
  bool in_place;          ///< rows lie in the agent's backend memory; not with a copy
  sac_row_layout layout;  ///< of the staged transitions
  bool rollout;           ///< which are a rollout's: u and log pi are noted in them
  const uint64_t *seeds;  ///< (n_seeds of the agent)
} sac_actor_options;

sac_status sac_actor_create(const sac_actor_options *options, sac_actor **actor, sac_error *err);
void sac_actor_destroy(sac_actor *actor);

/// The mix of ways that episodes of a seed act in; NULL where all of them take the policy's draws.
sac_explorer *sac_actor_explorer(const sac_actor *actor, int i_seed);

/// An episode begins in environment `i_env` of a seed, at vector step `step`.
void sac_actor_begin(sac_actor *actor, int i_seed, int i_env, uint64_t step);

/// a ~ pi(.|s) for every environment, or as its episode explores. `rows` (n_seeds, options.rows,
/// layout.width) is in host memory, or where options.in_place says: the observations are read, the
/// actions written. Draws depend on (seed, step, row) only, wherever the policy lives. SAC_FAILED
/// when the device has failed.
sac_status sac_actor_draw(sac_actor *actor, uint64_t step, sac_real *rows, sac_error *err);

/// The same with a drawn from N(0, I), the prior of an action that is the noise of a lower layer.
sac_status sac_actor_draw_prior(sac_actor *actor, uint64_t step, sac_real *rows, sac_error *err);

/// Rows of the shape of those of a draw, whose actions the environments get: what the layers below
/// the agent made of the last draw, in host memory or where options.in_place says. NULL where there
/// are none.
sac_real *sac_actor_applied(const sac_actor *actor);
