// A finite decision process, sparse: the choices of each state, the outcomes of each choice. It may
// change with time.
#pragma once

#include "base/status.h"

/// Passes over all states after which an iteration without a horizon is given up.
enum { SAC_SWEEPS_MAX = 10000000 };

/// One line of a list of transitions.
typedef struct sac_transition {
  int state, action, next;
  int line, column;  // where the user gave it
  double probability;
} sac_transition;

/// Dynamics, rewards and prior at one time. The choices of state s are first_choice[s] up to but
/// not including first_choice[s + 1]; a state without any is absorbing: nothing follows it. The
/// outcomes of a choice are counted in the same way.
typedef struct sac_mdp_stage {
  int n_states, n_actions, n_choices, n_outcomes;
  int *first_choice;        // (n_states + 1)
  int *action;              // (n_choices) rising within a state
  double *reward;           // (n_choices)
  double *prior;            // (n_choices) p(a|s), or 1 everywhere for none
  int *first_outcome;       // (n_choices + 1)
  int *next;                // (n_outcomes) rising within a choice
  double *probability;      // (n_outcomes) > 0, summing to 1 within a choice
  double *log_probability;  // (n_outcomes)
} sac_mdp_stage;

/// A whole problem. Decisions are made at t = 0 .. horizon - 1, or for ever.
typedef struct sac_mdp {
  int n_states, n_actions;
  int horizon;         // decisions; 0: for ever
  double discount;     // probability of going on after each decision, below 1 without a horizon
  double temperature;  // alpha > 0
  double tolerance;    // error allowed in V without a horizon
  double *start;       // (n_states) p(s_0)
  int n_stages;
  int *stage_from;         // (n_stages) the time each begins at, rising from 0
  sac_mdp_stage **stages;  // (n_stages)
} sac_mdp;

/// Make a stage of transitions sorted by state, action and next, whose probabilities are positive
/// and sum to 1. Rewards are 0 and the prior is uniform over each state's choices.
sac_status sac_mdp_stage_create(int n_states, int n_actions, const sac_transition *transitions,
                                int count, sac_mdp_stage **stage, sac_error *err);
void sac_mdp_stage_destroy(sac_mdp_stage *stage);

/// The choice of an action in a state, or -1.
int sac_mdp_choice_find(const sac_mdp_stage *stage, int state, int action);

/// The stage that holds at time t.
const sac_mdp_stage *sac_mdp_at(const sac_mdp *mdp, int t);

/// Times with a policy of their own: the horizon, or 1 where it never changes.
int sac_mdp_times(const sac_mdp *mdp);

/// The most choices of any stage.
int sac_mdp_stride(const sac_mdp *mdp);

/// The earliest time that each state can be met at, -1 for never; `earliest` is (n_states). Times
/// past the last decision count too.
sac_status sac_mdp_reach(const sac_mdp *mdp, int *earliest, sac_error *err);

/// Release what the problem owns; the struct itself is the caller's.
void sac_mdp_release(sac_mdp *mdp);
