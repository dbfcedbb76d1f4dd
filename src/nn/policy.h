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
  int noise_dim;          ///< standard normals that a draw takes for each row
  sac_mlp mlp;            ///< from observations to what the kind makes a distribution of
  sac_params params;      ///< tensors named as in a Stable-Baselines3 actor
  sac_gaussian gaussian;  ///< log sigma, squash and its correction
} sac_policy;

/// What a sample leaves for its backward pass, and room for both.
typedef struct sac_policy_pass {
  sac_mlp_pass mlp;
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

/// What `sac_policy_sample` reads and writes. `noise.data` NULL gives the deterministic action.
typedef struct sac_policy_draw {
  int rows;
  sac_stack obs;     // (n_seeds, rows, obs_dim), may be columns of wider rows
  sac_stack noise;   // (n_seeds, rows, noise_dim)
  sac_stack action;  // (n_seeds, rows, A)
  sac_stack log_pi;  // (n_seeds, rows, 1); data may be NULL
} sac_policy_draw;

/// a = f(noise; s) and log pi(a|s) of every row; leaves the pass ready for sac_policy_backward.
void sac_policy_sample(const sac_policy *policy, sac_policy_pass *pass,
                       const sac_policy_draw *draw);

/// What the gradient of J_pi = mean(alpha (log pi - prior log p0(a)) - Q) is made of, for the first
/// `rows` rows of the last sample.
typedef struct sac_policy_gradient {
  int rows, n_critics;
  bool normal_prior;          // p0 = N(0, I) over the action, else uniform
  sac_stack noise;            // (n_seeds, rows, noise_dim)
  sac_stack action;           // (n_seeds, rows, A)
  sac_stack dq, seed;         // (n_seeds * n_critics, rows, A and 1) dQ/da as sac_gaussian_backward
  const sac_real *log_alpha;  // (n_seeds)
} sac_policy_gradient;

/// params.grad of every tensor, overwritten.
void sac_policy_backward(sac_policy *policy, sac_policy_pass *pass,
                         const sac_policy_gradient *gradient);

/// One kind. The network's own pass is carved, and its layers reserved, for every kind.
struct sac_policy_kind {
  const char *name;  ///< policy.type
  /// Shapes and tensors of a policy whose sizes are known.
  void (*describe)(const sac_config *cfg, sac_policy *policy);
  /// Room beside the network's; NULL where none is needed.
  void (*carve)(const sac_policy *policy, int max_rows, bool backward, sac_arena *arena,
                sac_policy_pass *pass);
  void (*sample)(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw);
  void (*backward)(sac_policy *policy, sac_policy_pass *pass, const sac_policy_gradient *gradient);
};

extern const sac_policy_kind sac_gaussian_policy;

// Parts that kinds share.

/// A network from observations to `outputs` values, its hidden layers of policy.hidden described as
/// "latent_pi.0", "latent_pi.2" ...; the output layer is the kind's to describe.
void sac_policy_describe_network(const sac_config *cfg, int outputs, sac_policy *policy);
/// squash, log sigma and their options.
sac_gaussian sac_policy_gaussian(const sac_config *cfg, int act_dim);
