// The parameters of a stack of equal networks: one block [ value | grad | m | v ] and one table of
// named views, which initialisation, Adam, targets, checkpoints, traces and export all walk.
#pragma once

#include "backend/backend.h"
#include "config/config.h"

/// Most tensors of a network, and how far apart the start values of neighbouring networks are
/// drawn.
#define SAC_PARAM_VIEWS_MAX 72
#define SAC_PARAM_STREAMS 40

/// One tensor within a member of the stack.
typedef struct sac_param_view {
  char
      name[32];  ///< as in a PyTorch state_dict, without the network's prefix: "latent_pi.0.weight"
  int rows, cols;       ///< (out, in) of a weight; a vector of `rows` values has cols 0
  int fan_in, fan_out;  ///< of the layer it belongs to; 0 for what starts at a constant
  sac_real initial;     ///< that constant
  size_t offset;        ///< in values, from the start of the member
  float gain;           ///< of a weight that starts orthogonal
} sac_param_view;

/// Parameters of n = seeds x networks members. Filled by a network while it describes itself
/// (`sac_params_add`), then allocated once.
typedef struct sac_params {
  const char *prefix;  ///< "actor." or, where `networks` are numbered, "critic.qf"
  bool numbered;       ///< names hold the network's number: "critic.qf0.2.weight"
  int n, networks;     ///< members in all, members a seed
  size_t count;        ///< values a member, a multiple of 16 once allocated, or 1
  int n_views;
  sac_param_view views[SAC_PARAM_VIEWS_MAX];
  sac_backend *backend;
  sac_real *value;         ///< (n, count)
  sac_real *grad, *m, *v;  ///< (n, count) each, NULL where the network is not trained
  uint64_t *step;          ///< Adam steps taken, in backend memory; NULL where not trained
} sac_params;

/// Values of one view.
size_t sac_param_size(const sac_param_view *view);

/// Append a tensor to the table and return its offset; it starts at 0 where it starts at a
/// constant, with gain sqrt(2) where it starts orthogonal.
size_t sac_params_add(sac_params *params, const char *name, int rows, int cols, int fan_in,
                      int fan_out);

/// The same for a vector of `rows` values that all start at `initial`.
size_t sac_params_add_constant(sac_params *params, const char *name, int rows, sac_real initial);

/// Allocate the block, zeroed; `trained` adds gradient, moments and step counter.
sac_status sac_params_allocate(sac_params *params, sac_backend *backend, bool trained,
                               sac_error *err);
void sac_params_release(sac_params *params);

/// "critic.qf1.2.weight" for view `view` of network `i_network` of a seed.
void sac_params_name(const sac_params *params, int i_network, const sac_param_view *view,
                     char name[96]);

/// Draw the start values; member i of seed s draws from keys[s]. `stream` tells the networks of an
/// agent apart. `init` is a choice of the configuration. glorot: U(+-sqrt(6 / (fan_in + fan_out))),
/// biases 0; torch: weights and biases U(+-1/sqrt(fan_in)); orthogonal: weights whose rows, or
/// columns where those are fewer, are orthogonal and as long as the gain (Saxe et al., arXiv
/// 1312.6120), biases 0. What starts at a constant is set to it.
sac_status sac_params_init(sac_params *params, int init, const uint64_t *keys, int stream,
                           sac_error *err);

/// The part of `params` that belongs to one view of one member, in backend memory.
static inline sac_real *sac_params_at(const sac_params *params, sac_real *block, int member,
                                      const sac_param_view *view) {
  return block + (size_t)member * params->count + view->offset;
}
