// One step of soft dynamic programming: Q of every choice from V of what follows, V and the policy
// of every state from its Q. All in log space (Q = alpha log alpha_t, V = alpha log beta_t of
// Levine 2018), so that no temperature or reward overflows.
#pragma once

#include "inference/mdp.h"

/// Which question is answered.
typedef enum sac_inference_mode {
  SAC_INFERENCE_EXACT,       ///< p(a|s, O): conditioned on success, luck included
  SAC_INFERENCE_VARIATIONAL  ///< the best policy among those that accept the real dynamics
} sac_inference_mode;

typedef struct sac_soft_backup {
  sac_inference_mode mode;
  double temperature;
  double discount;  // exact: with 1 - discount the episode ends, in an absorbing state of value 0
} sac_soft_backup;

/// The backup of a problem.
sac_soft_backup sac_soft_backup_of(const sac_mdp *mdp, sac_inference_mode mode);

/// Q of one choice:
///   exact        r + alpha log(gamma sum_s' P(s'|s,a) exp(V(s') / alpha) + 1 - gamma)
///   variational  r + gamma sum_s' P(s'|s,a) V(s')
/// `v_next` is (n_states).
double sac_soft_backup_q(const sac_soft_backup *backup, const sac_mdp_stage *stage, int choice,
                         const double *v_next);

/// V of one state: alpha log sum_a p(a|s) exp(Q(s,a) / alpha), 0 where it is absorbing. `q` is
/// (n_choices).
double sac_soft_backup_v(const sac_soft_backup *backup, const sac_mdp_stage *stage, int state,
                         const double *q);

/// Every Q (n_choices), V (n_states) and pi(a|s) = p(a|s) exp((Q - V) / alpha) (n_choices). The
/// policy of a state sums to 1.
void sac_soft_backup_all(const sac_soft_backup *backup, const sac_mdp_stage *stage,
                         const double *v_next, double *q, double *v, double *policy);

/// The dynamics that success suggests, P(s'|s,a,O) ~ P(s'|s,a) exp(V(s') / alpha), given that the
/// episode goes on; `out` has a place for every outcome of the choice.
void sac_soft_backup_dynamics(const sac_mdp_stage *stage, int choice, const double *v_next,
                              double temperature, double *out);
