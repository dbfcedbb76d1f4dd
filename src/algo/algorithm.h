// The algorithms by name, and what the trainer may ask of any of them.
#pragma once

#include "config/config.h"
#include "data/replay.h"
#include "nn/params.h"

typedef struct sac_agent sac_agent;
typedef struct sac_hierarchy sac_hierarchy;

/// Parts of an update, for timing.
typedef enum sac_phase {
  SAC_PHASE_GATHER,
  SAC_PHASE_TARGET,
  SAC_PHASE_CRITIC,
  SAC_PHASE_POLICY,
  SAC_PHASE_OPTIMISER,
  SAC_PHASE_COUNT
} sac_phase;

/// Bits that finite checks set.
typedef enum sac_fault { SAC_FAULT_LOSS = 1, SAC_FAULT_WEIGHTS = 2 } sac_fault;

/// One algorithm: a line in algo_list.h, a file with these two functions.
typedef struct sac_algorithm_def {
  const char *name;                 ///< algorithm.name
  bool uses_next_action;            ///< its target needs (a', log pi') at s'
  bool uses_value;                  ///< it has a value network V and, off-policy, its target
  bool on_policy;                   ///< it learns from rollouts of its own policy, without Q
  bool uses_particles;              ///< it draws several actions a state, without their density
  void (*learn)(sac_agent *agent);  ///< one update from the batch that lies ready
} sac_algorithm_def;

/// What a run keeps for its algorithm to learn from.
typedef struct sac_experience {
  bool on_policy;         ///< rollouts (data/rollout.h), each learned from once; else a replay
  sac_row_layout layout;  ///< of a row
  size_t capacity;        ///< rows a seed
  int batch_size;         ///< rows a seed of each gradient step
} sac_experience;
sac_experience sac_algorithm_experience(const sac_config *cfg, int obs_dim, int act_dim);

/// SAC_BAD_CONFIG where the algorithm learns from no replay, which `what` is about.
sac_status sac_algorithm_require_replay(const sac_config *cfg, const char *what, sac_error *err);

/// What an agent is made for.
typedef struct sac_agent_options {
  const sac_config *cfg;
  sac_backend *backend;
  int n_seeds;
  const uint64_t *seeds;  ///< (n_seeds) run seeds, in host memory
  int obs_dim, actor_obs_dim, act_dim;
  int batch_size;         ///< rows a seed; algorithm.batch_size where not a trace
  int rollout_rows;       ///< rows a seed of the rollouts that it learns from; 0 for none
  int act_rows;           ///< most rows that sac_agent_act is called with
  size_t promised_bytes;  ///< memory that replays will take as they fill, beside the agents'
  int agents;             ///< such agents that this machine is to hold at once; 0 counts as 1
  sac_hierarchy *lower;   ///< policies below, which outlive the agent; NULL where there are none
} sac_agent_options;

/// Create the networks, drawn from the seeds, with targets equal to them. Frees with destroy.
sac_status sac_agent_create(const sac_agent_options *options, sac_agent **agent, sac_error *err);
void sac_agent_destroy(sac_agent *agent);

/// Seeds in its stacks.
int sac_agent_seeds(const sac_agent *agent);
/// Whether the environments' actions come in (-1, 1).
bool sac_agent_squashes(const sac_agent *agent);

/// Standard normals that `sac_agent_act` takes for each row.
int sac_agent_noise_dim(const sac_agent *agent);

/// What `sac_agent_act` reads and writes, in backend memory.
typedef struct sac_act {
  int rows;          // a seed
  sac_stack obs;     // (n_seeds, rows, S)
  sac_stack noise;   // (n_seeds, rows, noise_dim): data NULL for the deterministic action
  sac_stack action;  // (n_seeds, rows, A) for the environments: that of the lowest layer
} sac_act;
void sac_agent_act(sac_agent *agent, const sac_act *act);

/// What networks see of seed `i_seed` from now on: observations (x - mean) * scale, with `obs_mean`
/// and `obs_scale` (S) in host memory, rewards times `reward_scale`, both bounded (sac_normalise).
/// An agent whose configuration normalises neither ignores it.
void sac_agent_set_scaling(sac_agent *agent, int i_seed, const sac_real *obs_mean,
                           const sac_real *obs_scale, sac_real reward_scale);

/// One gradient step: draw a batch, learn from it. On-policy: all that is learned from the rollout,
/// which `replay` is. Every call of an agent names the same replay.
void sac_agent_update(sac_agent *agent, const sac_replay *replay);

/// Set every Philox stream of the agent to the update with this number.
void sac_agent_set_updates(sac_agent *agent, uint64_t n_updates);

/// Call `on_phase` before each phase of every update from now on, or nothing with NULL.
void sac_agent_watch(sac_agent *agent, void (*on_phase)(void *context, sac_phase phase),
                     void *context);

/// The agent's parameter blocks in the order of checkpoints; NULL past the last.
sac_params *sac_agent_params(sac_agent *agent, int i);

/// Names of `params` for its optimiser: "actor", "critic", "value", "ent_coef"; NULL where it has
/// none.
const char *sac_agent_optimiser(const sac_agent *agent, const sac_params *params);

/// Losses of seed `i_seed` in the last update; NaN where the algorithm has none.
typedef struct sac_loss_values {
  double q, v, policy, ent_coef, ent_coef_loss, entropy;
  double sample_size;  ///< effective number of the actions that a soft value is estimated from
  double acceptance;   ///< share of the Markov chains' proposals that were taken
} sac_loss_values;
sac_loss_values sac_agent_losses(sac_agent *agent, int i_seed);

/// Wait for the updates issued so far: bits of sac_fault for each seed in `faults` (n_seeds), zero
/// where its losses were finite. SAC_FAILED when the device has failed.
sac_status sac_agent_wait(sac_agent *agent, uint64_t *faults, sac_error *err);

/// SAC_BAD_NUMBER, naming what, when a loss of seed `i_seed` was, or a weight is, not finite. With
/// `weights`, looks at every parameter.
sac_status sac_agent_check(sac_agent *agent, int i_seed, bool weights, sac_error *err);
