// What the seeds of one stack share: networks, replays, the acting policy, and the transitions that
// are being made.
#pragma once

#include "algo/actor.h"
#include "algo/algorithm.h"
#include "data/rollout.h"
#include "env/vec_env.h"

/// Opened with `sac_learner_open`; what is not open is NULL. It lies where it was opened: the
/// agent's recorded updates read its replay.
typedef struct sac_learner {
  const sac_config *cfg;
  sac_threads *threads;  ///< borrowed, as is the backend
  sac_backend *backend;
  sac_backend *host;  ///< of the actor's copy of the policy; NULL where there is none
  sac_agent *agent;
  sac_actor *actor;
  sac_replay replay;
  // the staged transitions: n_envs rows a seed in the layout of the replay, [s a r d s']. One block
  // is completed by a step, which leaves the observations to act on next in the other
  int n_seeds, n_envs;
  bool on_policy;     ///< the replay is a rollout (data/rollout.h)
  bool on_device;     ///< whether environments and rows live in the backend's memory
  sac_real *rows[2];  ///< (n_seeds, n_envs, width) there, or in host memory
  int staged;         ///< the block that holds the observations to act on
} sac_learner;

typedef struct sac_learner_options {
  const sac_config *cfg;  ///< outlives the learner
  sac_threads *threads;
  sac_backend *backend;
  int n_seeds;
  const uint64_t *seeds;     ///< (n_seeds)
  const sac_env_spec *spec;  ///< of the environments
  sac_hierarchy *lower;      ///< policies below the trained ones; NULL where there are none
  int act_rows;              ///< rows a seed that the agent acts for, besides the environments'
  int learners;              ///< such learners that this machine is to hold at once
} sac_learner_options;

/// Fails with SAC_FAILED, having opened a part of it, where the memory does not do.
sac_status sac_learner_open(const sac_learner_options *options, sac_learner *learner,
                            sac_error *err);
void sac_learner_close(sac_learner *learner);

/// Whether environments live in the memory of this backend.
bool sac_learner_keeps_envs(const sac_config *cfg, const sac_backend *backend);

/// The rows of seed `i_seed`: those that hold the observations to act on, or those that a step
/// leaves the next ones in.
sac_real *sac_learner_rows(const sac_learner *learner, int i_seed, bool next);

/// The staged rows of a seed as the environments take them; `uniform`: for random actions.
sac_transitions sac_learner_staged(const sac_learner *learner, int i_seed, uint64_t step,
                                   bool uniform);

/// Draw the actions of vector step `step` for every seed; `from_prior`: those of N(0, I), which is
/// for policies over lower ones what uniform actions are for others.
sac_status sac_learner_act(sac_learner *learner, uint64_t step, bool from_prior, sac_error *err);

/// Go on from a step: the rows it left become those to act on, after `stores` kept the completed
/// ones of every seed in the replay.
void sac_learner_advance(sac_learner *learner, bool stores);

/// One gradient step of every seed.
void sac_learner_update(sac_learner *learner);
