// Policies by kind: a = f(noise; s) from a network over observations, its log-probability, and the
// gradient of J_pi. A kind is one file beside this one and one line in policy.c's table.
#pragma once

#include "config/config.h"
#include "nn/mlp.h"

typedef struct sac_policy_kind sac_policy_kind;

/// Policies of all seeds; one network a seed.
typedef struct sac_policy {
  const sac_policy_kind *kind;
  int n_seeds, obs_dim, act_dim;
  int noise_dim;      ///< standard normals that a draw takes for each row
  int network_input;  ///< values that the network sees: obs_dim, and the noise of an implicit one
  sac_mlp mlp;        ///< from observations to what the kind makes a distribution of
  sac_params params;  ///< tensors named as in a Stable-Baselines3 actor
  sac_gaussian gaussian;  ///< log sigma, squash and its correction
  /// Candidates that the deterministic action is chosen from by Q; 1: it needs no choice. Without
  /// noise the candidates of a row are drawn from as many rows.
  int candidates;
  bool draws_candidates;  ///< they are draws; else `sample` without noise gives them
  // of the kinds that have them
  sac_gmm gmm;
  sac_flow flow;
  size_t flow_weight;  ///< offset of the couplings' weights within a member
} sac_policy;

/// What a sample leaves for its backward pass, and room for both.
typedef struct sac_policy_pass {
  sac_mlp_pass mlp;
  sac_stack tape, delta;  ///< of a flow
  sac_stack input;        ///< (n_seeds, max_rows, network_input) of an implicit policy
  sac_real *silence;      ///< (noise_dim) zeros, likewise
} sac_policy_pass;

/// What policies are made for. `kind` NULL takes the one that policy.type names.
typedef struct sac_policy_options {
  const sac_config *cfg;
  const sac_policy_kind *kind;
  int n_seeds, obs_dim, act_dim;
  sac_backend *backend;
  bool frozen;  ///< never trained: no gradients and moments
} sac_policy_options;

/// Describe and allocate the policies.
sac_status sac_policy_create(const sac_policy_options *options, sac_policy *policy, sac_error *err);
void sac_policy_release(sac_policy *policy);

/// The policy of one seed alone: a part of `policy`, without gradients and moments of its own.
sac_policy sac_policy_of_seed(const sac_policy *policy, int i_seed);

/// Lay out `pass` for up to `max_rows` rows; `backward` adds the gradients' room. With a measuring
/// arena nothing is taken.
void sac_policy_pass_carve(const sac_policy *policy, int max_rows, bool backward, sac_arena *arena,
                           sac_policy_pass *pass);

/// Make the backend ready for this number of rows.
sac_status sac_policy_reserve(const sac_policy *policy, int max_rows, sac_error *err);

/// What `sac_policy_sample` reads and writes. `noise.data` NULL gives the deterministic action, or
/// in row r candidate r mod `candidates` for it.
typedef struct sac_policy_draw {
  int rows;
  sac_stack obs;     // (n_seeds, rows, obs_dim), may be columns of wider rows; data NULL: those of
                     // the last sample
  sac_stack noise;   // (n_seeds, rows, noise_dim)
  sac_stack action;  // (n_seeds, rows, A)
  sac_stack log_pi;  // (n_seeds, rows, 1); data may be NULL
  sac_stack u;       // (n_seeds, rows, A) the action before the squash; data may be NULL
} sac_policy_draw;

/// a = f(noise; s) and log pi(a|s) of every row; leaves the pass ready for sac_policy_backward.
void sac_policy_sample(const sac_policy *policy, sac_policy_pass *pass,
                       const sac_policy_draw *draw);

/// The actions of the last sample before tanh, (n_seeds, max_rows, A), of a kind that keeps them.
sac_stack sac_policy_unsquashed(const sac_policy *policy, const sac_policy_pass *pass);

/// What the gradient of J_pi = mean(alpha (log pi - prior log p0(a)) - Q) is made of, for the first
/// `rows` rows of the last sample: dQ/da, or for a kind that learns by the likelihood ratio what
/// J_pi is the mean of.
typedef struct sac_policy_gradient {
  int rows, n_critics;
  bool normal_prior;          // p0 = N(0, I) over the action, else uniform
  sac_stack noise;            // (n_seeds, rows, noise_dim)
  sac_stack action;           // (n_seeds, rows, A)
  sac_stack dq, seed;         // (n_seeds * n_critics, rows, A and 1) dQ/da as sac_gaussian_backward
  const sac_real *log_alpha;  // (n_seeds)
  sac_stack integrand, baseline;  // (n_seeds, rows, 1) as sac_gmm_backward
  sac_stack du;  // (n_seeds, rows, A) of kinds that keep the actions before tanh, in place of all
                 // others: a loss's gradient with respect to these; data NULL: J_pi's
} sac_policy_gradient;

/// params.grad of every tensor, overwritten.
void sac_policy_backward(sac_policy *policy, sac_policy_pass *pass,
                         const sac_policy_gradient *gradient);

/// What the score-function gradient of J = -mean(w log pi(u|s)) is made of: actions u, before the
/// squash, that were drawn before, and weights held fixed.
typedef struct sac_policy_score_terms {
  int rows;
  sac_stack obs;      // (n_seeds, rows, obs_dim), may be columns of wider rows
  sac_stack u;        // (n_seeds, rows, A)
  sac_stack weight;   // (n_seeds, rows, 1)
  sac_real *loss;     // (n_seeds) J
  sac_real *entropy;  // (n_seeds) -mean(log pi)
} sac_policy_score_terms;

/// params.grad of every tensor, overwritten; loss and entropy. Of kinds that have a score.
void sac_policy_score(sac_policy *policy, sac_policy_pass *pass,
                      const sac_policy_score_terms *terms);

/// One kind. The network's own pass is carved, and its layers reserved, for every kind.
struct sac_policy_kind {
  const char *name;          ///< policy.type
  bool by_likelihood_ratio;  ///< its gradient takes integrand and baseline instead of dQ/da
  bool invertible;           ///< noise and action are one to one: it may be a lower layer
  /// SAC_BAD_CONFIG where it cannot be made for these sizes; NULL where it always can.
  sac_status (*check)(const sac_policy_options *options, sac_error *err);
  /// Shapes and tensors of a policy whose sizes are known.
  void (*describe)(const sac_config *cfg, sac_policy *policy);
  /// Room beside the network's; NULL where none is needed.
  void (*carve)(const sac_policy *policy, int max_rows, bool backward, sac_arena *arena,
                sac_policy_pass *pass);
  /// The backend made ready for layers beside the network's; NULL where there are none.
  sac_status (*reserve)(const sac_policy *policy, int max_rows, sac_error *err);
  void (*sample)(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw);
  /// NULL where the actions before tanh are not kept.
  sac_stack (*unsquashed)(const sac_policy *policy, const sac_policy_pass *pass);
  void (*backward)(sac_policy *policy, sac_policy_pass *pass, const sac_policy_gradient *gradient);
  /// NULL where the kind does without.
  void (*score)(sac_policy *policy, sac_policy_pass *pass, const sac_policy_score_terms *terms);
};

extern const sac_policy_kind sac_gaussian_policy, sac_gmm_policy, sac_realnvp_policy,
    sac_implicit_policy;

// Parts that kinds share.

/// A network from observations to `outputs` values, its hidden layers of policy.hidden described as
/// "latent_pi.0", "latent_pi.2" ...; the output layer is the kind's to describe.
void sac_policy_describe_network(const sac_config *cfg, int outputs, sac_policy *policy);
/// The same with other hidden layers.
void sac_policy_describe_layers(const sac_config *cfg, const sac_config_list *hidden, int outputs,
                                sac_policy *policy);
/// The network's output for the observations of `draw`, where it has any.
void sac_policy_look(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw);
/// squash, log sigma and their options.
sac_gaussian sac_policy_gaussian(const sac_config *cfg, int act_dim);
