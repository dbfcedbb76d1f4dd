// Multilayer perceptrons in stacks: forward, backward to the parameters, backward to the input.
#pragma once

#include "base/arena.h"
#include "nn/params.h"

#define SAC_LAYERS_MAX 9

/// The shape of a stack of equal networks, and where each layer's tensors lie in its parameters.
typedef struct sac_mlp {
  int n;                          ///< members
  int n_layers;                   ///< hidden layers + 1
  int width[SAC_LAYERS_MAX + 1];  ///< input, hidden ..., output
  sac_activation activation;      ///< of the hidden layers; the last layer is linear
  int constant_outputs;           ///< the last so many outputs are their bias: their weights stay 0
  // between the product and the activation of a hidden layer; set before it describes itself
  double dropout;   ///< share of units left out by passes that say so
  bool layer_norm;  ///< normalise the units of a row, then scale and shift them
  size_t weight[SAC_LAYERS_MAX], bias[SAC_LAYERS_MAX];  ///< offsets within a member
  size_t scale[SAC_LAYERS_MAX], shift[SAC_LAYERS_MAX];  ///< of the hidden layers' normalisation
} sac_mlp;

/// What a forward pass leaves for the backward pass: one workspace a network, used again by every
/// pass.
typedef struct sac_mlp_pass {
  int max_rows;
  sac_stack x;                       ///< (n, rows, width[0]) the input of the last forward
  sac_stack hidden[SAC_LAYERS_MAX];  ///< (n, max_rows, width[l+1]) after the activation; the last
                                     ///< one is the output
  sac_stack dout;                    ///< (n, max_rows, output) dJ/d output, filled by a loss
  sac_stack delta[SAC_LAYERS_MAX];   ///< (n, max_rows, width[l+1]) dJ/d(product of hidden layer l)
  sac_stack normalised[SAC_LAYERS_MAX];  ///< (n, max_rows, width[l+1]) with layer_norm, for the
                                         ///< gradients
  sac_stack rate[SAC_LAYERS_MAX];        ///< (n, max_rows, 1) likewise
  /// Which units the next forward pass leaves out, and so its gradients: set by whoever trains a
  /// network with dropout. Without `key` it leaves out none.
  sac_dropout dropout;
} sac_mlp_pass;

/// `n` matrices, rows of which start on a cache line where they are long enough for it to matter.
sac_stack sac_stack_carve(sac_arena *arena, int n, int rows, int cols);

/// Fill the shape: `n` networks from `in` values over `hidden_count` hidden layers to `out` values.
void sac_mlp_shape(sac_mlp *mlp, int n, int in, const int64_t *hidden, int hidden_count, int out,
                   sac_activation activation);

/// The op's activation for a choice of the configuration.
sac_activation sac_activation_of(int choice);

/// Add the tensors of the hidden layers to `params`, numbered behind `prefix` as in a PyTorch
/// Sequential of [Linear, Dropout, LayerNorm, activation] without those that the network lacks:
/// "0.weight", "2.weight" (LayerNorm's), "4.weight" ... with both. Returns the number that follows.
int sac_mlp_add_hidden(sac_mlp *mlp, sac_params *params, const char *prefix);

/// How many modules of that Sequential a hidden layer has.
static inline int sac_mlp_modules(bool layer_norm, double dropout) {
  return 2 + layer_norm + (dropout > 0);
}

/// The output of the last forward pass. (n, max_rows, output)
static inline sac_stack sac_mlp_output(const sac_mlp *mlp, const sac_mlp_pass *pass) {
  return pass->hidden[mlp->n_layers - 1];
}

/// Lay out `pass` for up to `max_rows` rows; `backward` adds the gradients' room. With a measuring
/// arena nothing is taken.
void sac_mlp_pass_carve(const sac_mlp *mlp, int max_rows, bool backward, sac_arena *arena,
                        sac_mlp_pass *pass);

/// Make the backend ready for every layer at this number of rows.
sac_status sac_mlp_reserve(const sac_mlp *mlp, sac_backend *backend, int max_rows, sac_error *err);

/// Output of every member for `rows` rows of x, with the parameters `value` (n, count).
void sac_mlp_forward(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, sac_stack x,
                     int rows);

/// From pass->dout of the first `rows` rows: params->grad of every tensor, overwritten.
void sac_mlp_backward(const sac_mlp *mlp, sac_params *params, sac_mlp_pass *pass, int rows);

/// Which rows of each member carry a gradient, as sac_linear_backward_input takes them; both NULL
/// for all.
typedef struct sac_row_list {
  const int32_t *row, *row_count;
} sac_row_list;

/// From pass->dout to dx = dJ/dx of the input columns from `first_column` on, without parameter
/// gradients.
void sac_mlp_backward_input(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass,
                            int rows, sac_row_list list, int first_column, sac_stack dx);
