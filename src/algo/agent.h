// What every off-policy max-ent algorithm is made of: policy, critics, temperature, one batch, and
// the update as a fixed sequence of ops.
#pragma once

#include "algo/algorithm.h"
#include "algo/hierarchy.h"
#include "algo/sampler.h"
#include "config/config.h"
#include "data/rollout.h"
#include "nn/critic.h"
#include "nn/policy.h"

/// The minibatch of all seeds and what the networks say about it. S, A, B and N are observation,
/// action, batch and critics; every stack has n_seeds members.
typedef struct sac_batch {
  sac_stack now;                 // (B, S + A)  [s | a]
  sac_stack both;                // (2B, S + A) [s | a~] of the policy's action at s, then [s' | a']
  sac_stack reward, terminated;  // (B, 1)
  sac_stack noise;               // (2B, noise_dim) for s, then for s'
  sac_stack log_pi;              // (2B, 1) likewise
  sac_stack y;                   // (B, 1) target of the Q functions
  sac_stack v_target;            // (B, 1) target of the value function
  sac_stack discount;            // (B, 1) of the next state; data NULL where it is gamma
  sac_stack weight;              // (B, 1) of the row in J_Q; data NULL where all are 1
  uint32_t *place;               // (n_seeds, B) in the replay, where drawn by priority; else NULL
  sac_stack dq;                  // (N members a seed; B, A) dm/da
  sac_stack integrand;           // (B, 1) what J_pi is the mean of, for the likelihood ratio
  sac_stack log_pi_again;        // (B, 1) of the second action that its baseline is made from
  int32_t *row, *row_count;      // (n_seeds * N, B), (n_seeds * N): which critic decides which row
} sac_batch;

/// A rollout of R rows as an on-policy algorithm learns from it, and its minibatch.
typedef struct sac_lesson {
  int rollout_rows;        // R
  sac_row_layout layout;   // of the rollout's rows
  sac_mlp_pass v, v_next;  // V(s), V(s') of the whole rollout
  sac_stack reward;        // (R, 1) scaled; data NULL where the rollout's own count
  sac_stack estimate;      // (R, 2) [A | y] advantages and targets of V
  sac_stack row;           // (B, width) rows of the rollout
  sac_stack row_estimate;  // (B, 2) and what was estimated for them
} sac_lesson;

/// Losses of the last update, in backend memory.
typedef struct sac_losses {
  size_t count;                                  // values, one after the other from q on
  sac_real *q;                                   // (n_seeds * N)
  sac_real *v, *policy, *temperature, *entropy;  // (n_seeds)
  sac_real *sample_size;  // (n_seeds) no loss: that of soft values by sampling
} sac_losses;

/// How observations and rewards are scaled before a network or a target sees them; data NULL where
/// they are not. In backend memory.
typedef struct sac_scaling {
  sac_real *obs_mean, *obs_scale;        // (n_seeds, S)
  sac_real *reward_mean, *reward_scale;  // (n_seeds): the mean stays 0
  sac_stack seen;                        // (n_seeds, rows, S) observations to act on
} sac_scaling;

/// What the deterministic action of a policy with candidates is chosen in, SAC_CHOICE_ROWS rows a
/// time; empty for the others.
enum { SAC_CHOICE_ROWS = 16 };
typedef struct sac_choice {
  sac_stack judged;  // (n_seeds, SAC_CHOICE_ROWS * candidates, S + A) [s | candidate]
  sac_stack noise;   // (n_seeds, SAC_CHOICE_ROWS * candidates, noise_dim); data NULL: needs none
  sac_policy_pass policy_pass;
  sac_mlp_pass q_pass;
} sac_choice;

struct sac_agent {
  const sac_algorithm_def *def;
  sac_config cfg;
  sac_backend *backend;
  int n_seeds, obs_dim, actor_obs_dim, act_dim, batch_size, n_critics;
  sac_policy policy;
  sac_hierarchy *lower;    // what turns its actions into the environments'; NULL: nothing
  sac_critic q;            // N a seed; with targets where the algorithm keeps them
  sac_critic value;        // V and its target, where the algorithm has them (value.params.n > 0)
  sac_params temperature;  // log_ent_coef, one value a seed
  bool learns_temperature;
  sac_real target_entropy;
  sac_policy_pass policy_pass, act_pass;
  sac_mlp_pass q_pass, value_pass;
  // of the target networks: that of the network itself, but where steps overlap one of their own
  sac_mlp_pass q_target_pass, value_target_pass;
  sac_choice choice;
  int act_rows;             // rows the act pass takes
  sac_batch batch;          // off-policy
  sac_lesson lesson;        // on-policy
  sac_particles particles;  // where the algorithm has them
  sac_chains chains;        // where it acts by them: steps > 0
  sac_losses losses;
  sac_scaling scaling;
  void *memory;                 // what passes, batch and losses were carved from
  uint64_t *key;                // (n_seeds) run seeds, in backend memory
  uint64_t *update;             // number of the next update, in backend memory
  uint64_t *fault;              // (n_seeds) bits of sac_fault set by checks, in backend memory
  uint64_t n_updates;           // the host's copy of `update`
  const sac_replay *replay;     // that the sequences draw from
  sac_sequence sequence[2][2];  // an update with and without the policy's and the targets' turn
  void (*on_phase)(void *context,
                   sac_phase phase);  // called before each phase of an update; may be NULL
  void *on_phase_context;
};

/// `n` matrices of `rows` x `cols` that lie close; with a measuring arena nothing is taken.
sac_stack sac_agent_carve(sac_arena *arena, int n, int rows, int cols);

/// Parts of the batch as the networks take them.
sac_stack sac_agent_rows(sac_stack both, int first_row);  // from a row on
sac_stack sac_agent_columns(sac_stack rows, int first_column);

/// Take the memory of passes, batch and losses, or say in SAC_FAILED what would not fit.
sac_status sac_agent_allocate(sac_agent *agent, const sac_agent_options *options, sac_error *err);

/// Draw the batch of the next update: rows, scaled, and noise.
void sac_agent_draw_batch(sac_agent *agent, const sac_replay *replay);

/// Tell whoever measures that `phase` begins.
static inline void sac_agent_phase(sac_agent *agent, sac_phase phase) {
  if (agent->on_phase) agent->on_phase(agent->on_phase_context, phase);
}

/// Observations (n_seeds, rows, S) as the policy is to see them: scaled where the agent does that.
sac_stack sac_agent_see(sac_agent *agent, int rows, sac_stack obs);

/// The action with the largest Q of the policy's candidates, for every row of `act`.
void sac_agent_choose(sac_agent *agent, const sac_act *act);
/// Draw the noise of candidates, the same for every row.
void sac_agent_prepare_choice(sac_agent *agent);

// Steps that algorithms share, each named after its equation in ALGORITHMS' sources.

/// (a~, log pi) at s, and with `next` (a', log pi') at s', in one pass over the rows.
void sac_agent_sample_actions(sac_agent *agent, bool next);
/// The actions at rows `first_row` on where the prior is normal; data NULL where it is uniform.
sac_stack sac_agent_prior_action(const sac_agent *agent, int first_row);
/// Set what the next forward pass of a critic leaves out, where critics have dropout: a stream of
/// words for each purpose.
void sac_agent_drop(sac_agent *agent, sac_mlp_pass *pass, int networks, sac_purpose purpose);
/// J = 1/2 mean (output - y)^2 of a critic's last forward pass: loss and gradient. Rows of J_Q are
/// weighted where they were drawn by priority.
void sac_agent_regress(sac_agent *agent, sac_critic *critic, sac_mlp_pass *pass, sac_stack y,
                       bool huber, sac_real *loss);
/// Q_i(s, a) towards y: losses.q, gradient; and the new priorities of the rows.
void sac_agent_regress_q(sac_agent *agent);
/// Q_i(s, a~) into the pass of q.
void sac_agent_judge_actions(sac_agent *agent);
/// min_i Q_i(s, a~) - alpha log pi(a~|s) + alpha log p0(a~) of the judged actions: batch.v_target.
void sac_agent_value_actions(sac_agent *agent);
/// J_pi from the judged actions: losses.policy, the policy's gradient.
void sac_agent_climb_q(sac_agent *agent);
/// dJ/dlog alpha and the loss.
void sac_agent_regress_temperature(sac_agent *agent);
/// One Adam step on a network; with `target`, that then follows by tau.
void sac_agent_step(sac_agent *agent, sac_params *params, double lr, sac_params *target);

// Steps of on-policy algorithms, from the rollout that lies ready.

/// Carve `agent->lesson`, and make the backend ready for its passes.
void sac_lesson_carve(sac_agent *agent, sac_arena *arena);
sac_status sac_lesson_reserve(const sac_agent *agent, sac_error *err);
/// V of the whole rollout, then lesson.estimate: generalised advantages with `lambda`, the entropy
/// of each step in its own reward, and the targets of V; standardised where that is wanted.
void sac_lesson_estimate(sac_agent *agent, double lambda);
/// Minibatch number `i` of the update, in shuffled passes over the rollout.
void sac_lesson_draw(sac_agent *agent, int i);
/// -mean(A log pi(u|s)) of the minibatch: losses.policy, losses.entropy, the policy's gradient.
void sac_lesson_score(sac_agent *agent);
/// V(s) of the minibatch towards y: losses.v, the value network's gradient.
void sac_lesson_regress_value(sac_agent *agent);

/// Whether this update moves the policy, or the targets.
bool sac_agent_policy_turn(const sac_agent *agent);
bool sac_agent_target_turn(const sac_agent *agent);
