// What inference on a table gives: messages, evidence, posteriors, the policy and what it is worth.
#pragma once

#include "inference/policy_value.h"
#include "inference/soft_backup.h"

/// Over a horizon there are n_times = horizon policies; without one, n_times = 1, both rows of `v`
/// are the same and what belongs to a time is NULL.
typedef struct sac_solution {
  sac_inference_mode mode;
  int n_times, n_states;
  int stride;            // the most choices of any stage
  double *v;             // (n_times + 1, n_states), the last row 0
  double *q, *policy;    // (n_times, stride)
  double *visits;        // (n_times + 1, n_states) p(s_t) of the policy in the real dynamics
  double *forward;       // (n_times + 1, n_states) log f_t(s) = log p(s_t, O_{<t}); exact only
  double *posterior;     // (n_times + 1, n_states) p(s_t|O); exact only
  double *log_evidence;  // (n_times + 1) log p(O) as found at every t; exact only
  double value;          // E V_0(s_0)
  double log_p_o;        // log p(O) of the whole; exact only
  int sweeps;            // of the iteration without a horizon
  double error_bound;    // on every V: iteration and rounding; 0 over a horizon
  sac_policy_value worth;
} sac_solution;

/// Solve. SAC_FAILED when memory cannot hold the messages, saying how much there would be;
/// SAC_BAD_NUMBER when nothing finite solves the problem.
sac_status sac_solution_create(const sac_mdp *mdp, sac_inference_mode mode, sac_solution **solution,
                               sac_error *err);
void sac_solution_destroy(sac_solution *solution);

/// What V_t and Q_t would be with no prior at all (V = alpha log sum_a exp(Q / alpha)): V +
/// *shift_v and Q + *shift_q, with the same policy. False when no shift does it: the prior is not
/// uniform over as many choices everywhere, some state is absorbing, or exact inference discounts.
bool sac_solution_no_prior(const sac_solution *solution, const sac_mdp *mdp, int t, double *shift_v,
                           double *shift_q);
