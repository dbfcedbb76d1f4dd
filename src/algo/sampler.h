// The particles of soft Q-learning (arXiv 1702.08165): several actions for each state, drawn by the
// policy or proposed to integrate over, what the critics say of them, and Markov chains.
#pragma once

#include "algo/algorithm.h"
#include "nn/critic.h"
#include "nn/policy.h"

/// Room to find the score of actions in: their values and slopes.
typedef struct sac_judgement {
  sac_stack rows;            // (R, S + A) [s | a]
  sac_stack log_pi;          // (R, 1) zeros: no density enters
  sac_stack dq;              // (N members a seed; R, A) dm/da
  int32_t *row, *row_count;  // (n_seeds * N, R), (n_seeds * N): which critic decides which row
  sac_mlp_pass pass;         // of the critics
  sac_real *unused;          // (n_seeds) each: loss and entropy of a policy with a density
} sac_judgement;

/// A batch's particles: K of the policy for each state, of which the first n_updated of all states
/// come first and then the n_fixed others, or all of a state's side by side.
typedef struct sac_particles {
  int n_fixed, n_updated, n_value;
  sac_stack rows;            // (B * max(K, K_V), S + A) [s | a]
  sac_stack noise;           // (B * K, noise_dim)
  sac_stack moment;          // (B, 2A) of the proposal
  sac_stack log_q;           // (B * K_V, 1) log density of the proposed actions
  sac_stack v;               // (B, 1) their soft value
  sac_stack score;           // (B * n_fixed, A)
  sac_stack kernel, square;  // (B, n_updated * n_fixed) and (B, 1)
  sac_stack du;              // (B * n_updated, A) the loss's gradient
  sac_mlp_pass value_pass;   // of the target critics at the proposed actions
  sac_judgement judgement;   // of the fixed ones
} sac_particles;

/// Chains on exp(Q / alpha), one for each row to act on.
typedef struct sac_chains {
  int steps, leapfrog;  // leapfrog 1 makes Langevin's steps of them
  bool always;          // no proposal is refused
  sac_real step_size;
  sac_judgement judgement;
  sac_stack u, score, log_density;  // (R, A), (R, A), (R, 1) where they are
  sac_stack next_u, next_score, next_momentum, next_log_density;
  sac_stack accepted;  // (R, 1) steps taken in the last walk
  int rows;            // of the last walk
} sac_chains;

/// What is scored: actions that lie in the judgement's rows.
typedef struct sac_scored {
  int rows;
  sac_particle_space space;
  sac_stack particle;     // (rows, A) the same in `space`
  sac_stack score;        // (rows, A)
  sac_stack log_density;  // (rows, 1); data may be NULL
} sac_scored;

void sac_judgement_carve(sac_agent *agent, int rows, sac_arena *arena, sac_judgement *judgement);
/// d log p and log p under exp(Q / alpha), Q by algorithm.actor_q.
void sac_judgement_score(sac_agent *agent, sac_judgement *judgement, const sac_scored *scored);

/// Read the sizes from the agent's configuration.
void sac_particles_init(sac_agent *agent);
/// Rows that the policy draws in an update.
int sac_particles_rows(const sac_agent *agent);
/// Lay out particles and chains in the agent's memory.
void sac_particles_carve(sac_agent *agent, sac_arena *arena);
sac_status sac_particles_reserve(sac_agent *agent, sac_error *err);

/// K actions of the policy at s' of each state, side by side.
void sac_particles_draw_next(sac_agent *agent);
/// [s' | a] of K_V proposed actions for each state, and log q.
void sac_particles_propose(sac_agent *agent);
/// K actions of the policy at s, the updated ones first.
void sac_particles_draw(sac_agent *agent);
/// Where they lie in the space of the kernel. (max rows, A)
sac_stack sac_particles_at(const sac_agent *agent);
/// The scores of the fixed ones.
void sac_particles_score(sac_agent *agent);

void sac_chains_init(sac_agent *agent);
void sac_chains_carve(sac_agent *agent, sac_arena *arena);

/// Whether the agent acts by chains.
bool sac_chains_walks(const sac_agent *agent);
/// Actions for the rows of `draw`, whose observations are as the networks see them, from chains
/// that begin at the policy's.
void sac_chains_walk(sac_agent *agent, const sac_policy_draw *draw);
/// Normals that a walk takes for each row.
int sac_chains_noise_dim(const sac_agent *agent);
/// Share of seed `i_seed`'s proposals taken in the last walk; NaN where there was none.
double sac_chains_acceptance(sac_agent *agent, int i_seed);
