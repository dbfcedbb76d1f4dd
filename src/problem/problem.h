// The problems of `sac solve`, read from YAML: a table, or linear dynamics with quadratic cost.
#pragma once

#include "inference/linear_control.h"
#include "inference/soft_backup.h"
#include "problem/stage_reader.h"

/// The keys of a problem's file: K(constant, name, users, help). Users: TABLE, LINEAR or ANY kind.
// clang-format off
#define SAC_PROBLEM_KEYS(K)                                                                     \
  K(TITLE, title, ANY, "a text for the output")                                                 \
  K(MODE, mode, ANY,                                                                            \
    "exact (conditioned on success, luck included), variational (the best policy in the real "  \
    "dynamics), or both (the default)")                                                         \
  K(TEMPERATURE, temperature, ANY,                                                              \
    "alpha, above 0; 1 unless given. An episode is successful with probability "                \
    "exp(return / alpha)")                                                                      \
  K(HORIZON, horizon, ANY,                                                                      \
    "number of decisions, t = 0 .. horizon - 1; without it they go on for ever")                \
  K(DISCOUNT, discount, ANY,                                                                    \
    "probability that the episode goes on after a decision, in (0, 1]; 1 unless given, below "  \
    "1 without a horizon. Exact inference ends in a state of value 0: a constant added to all " \
    "rewards then matters")                                                                     \
  K(TOLERANCE, tolerance, ANY,                                                                  \
    "error allowed in every V without a horizon, rounding aside; 1e-12 unless given")           \
  K(STATES, states, TABLE, "names, or a number of states (named 0, 1, ...)")                    \
  K(ACTIONS, actions, TABLE, "names, or a number of actions")                                   \
  K(TRANSITIONS, transitions, TABLE,                                                            \
    "{STATE: {ACTION: {NEXT: PROBABILITY}}}; one NEXT alone is certain, one NEXT for a STATE "  \
    "holds for all its actions; or lists in the order of the names, P[s][a][s']; or a file "    \
    "NAME.csv with the header state,action,next,probability. An action that is not named, or "  \
    "null, cannot be chosen there")                                                             \
  K(REWARDS, rewards, TABLE,                                                                    \
    "{STATE: {ACTION: NUMBER}}, {STATE: NUMBER}, one NUMBER, lists r[s][a], or NAME.csv with "  \
    "the header state,action,reward; 0 where not given")                                        \
  K(PRIOR, prior, TABLE,                                                                        \
    "uniform (the default), none (V = alpha log sum_a exp(Q / alpha)), or probabilities as "    \
    "rewards are written (state,action,probability)")                                           \
  K(START, start, ANY,                                                                          \
    "a state, or {STATE: PROBABILITY}; the first state unless given. Linear: {mean: [...], "    \
    "covariance: [[...]]}, N(0, I) unless given")                                               \
  K(ABSORBING, absorbing, TABLE, "states that end the episode, with value 0")                   \
  K(GOALS, goals, TABLE, "absorbing states that the start must be able to reach")               \
  K(CHANGES, changes, TABLE,                                                                    \
    "[{at: TIME, transitions: ..., rewards: ..., prior: ...}]: what holds from that time on; "  \
    "what is not named stays")                                                                  \
  K(A, A, LINEAR, "s' = A s + B a + w: rows of numbers, n x n")                                 \
  K(B, B, LINEAR, "n x m")                                                                      \
  K(Q, Q, LINEAR, "reward -(s'Q s + a'R a) / 2: n x n, positive semi-definite")                 \
  K(R, R, LINEAR, "m x m, positive definite")                                                   \
  K(W, W, LINEAR, "covariance of w, n x n; 0 unless given")                                     \
  K(POLICY, policy, LINEAR,                                                                     \
    "{K: m x n, covariance: m x m}: a linear policy N(-K s, covariance) to be evaluated, with " \
    "its gradient")
// clang-format on

typedef enum sac_problem_key {
#define K(constant, name, users, help) SAC_KEY_##constant,
  SAC_PROBLEM_KEYS(K)
#undef K
      SAC_PROBLEM_N_KEYS
} sac_problem_key;

typedef enum sac_problem_kind { SAC_PROBLEM_TABLE, SAC_PROBLEM_LINEAR } sac_problem_kind;

typedef struct sac_problem {
  sac_problem_kind kind;
  char title[SAC_CONFIG_TEXT_MAX];
  bool wants[2];  // of sac_inference_mode
  sac_prior prior;
  sac_names states, actions;  // of a table
  bool has_goals;
  sac_mdp mdp;
  sac_linear_problem linear;
} sac_problem;

/// The values of all keys.
typedef struct sac_problem_values {
  const char *file;
  sac_config_mistakes *mistakes;
  sac_value whole;  // the file's root
  sac_value of[SAC_PROBLEM_N_KEYS];
} sac_problem_values;

/// Read a file and overrides (`key=value`, the value in YAML). Fails with SAC_BAD_CONFIG and one
/// line for each mistake, each with its place. Release it in any case.
sac_status sac_problem_load(const char *path, int n_overrides, const char *const *overrides,
                            sac_problem *problem, sac_error *err);
void sac_problem_release(sac_problem *problem);

/// Name and meaning of a key; NULL past the last.
const char *sac_problem_key_name(int i);
const char *sac_problem_key_help(int i);
