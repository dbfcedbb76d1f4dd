#include "nn/mlp.h"

#include <stdio.h>

sac_activation sac_activation_of(int choice) {
  return choice == SAC_ACTIVATION_TANH ? SAC_TANH : SAC_RELU;
}

void sac_mlp_shape(sac_mlp *mlp, int n, int in, const int64_t *hidden, int hidden_count, int out,
                   sac_activation activation) {
  SAC_ASSERT(hidden_count < SAC_LAYERS_MAX);
  mlp->n = n;
  mlp->n_layers = hidden_count + 1;
  mlp->activation = activation;
  mlp->width[0] = in;
  for (int l = 0; l < hidden_count; l++) mlp->width[l + 1] = (int)hidden[l];
  mlp->width[mlp->n_layers] = out;
}

int sac_mlp_add_hidden(sac_mlp *mlp, sac_params *params, const char *prefix) {
  int modules = sac_mlp_modules(mlp->layer_norm, mlp->dropout);
  for (int l = 0; l + 1 < mlp->n_layers; l++) {
    char name[32];
    int in = mlp->width[l], out = mlp->width[l + 1], module = l * modules;
    snprintf(name, sizeof name, "%s%d.weight", prefix, module);
    mlp->weight[l] = sac_params_add(params, name, out, in, in, out);
    snprintf(name, sizeof name, "%s%d.bias", prefix, module);
    mlp->bias[l] = sac_params_add(params, name, out, 0, in, out);
    if (!mlp->layer_norm) continue;
    module += modules - 2;
    snprintf(name, sizeof name, "%s%d.weight", prefix, module);
    mlp->scale[l] = sac_params_add_constant(params, name, out, 1);
    snprintf(name, sizeof name, "%s%d.bias", prefix, module);
    mlp->shift[l] = sac_params_add_constant(params, name, out, 0);
  }
  return (mlp->n_layers - 1) * modules;
}

sac_stack sac_stack_carve(sac_arena *arena, int n, int rows, int cols) {
  int ld = cols >= 16 ? (cols + 15) & ~15 : cols;
  size_t stride = ((size_t)rows * (size_t)ld + 15) & ~(size_t)15;
  sac_stack stack = {.stride = stride, .ld = ld, .share = 1};
  stack.data = sac_arena_take(arena, (size_t)n * stride * sizeof(sac_real));
  return stack;
}

void sac_mlp_pass_carve(const sac_mlp *mlp, int max_rows, bool backward, sac_arena *arena,
                        sac_mlp_pass *pass) {
  pass->max_rows = max_rows;
  for (int l = 0; l < mlp->n_layers; l++) {
    int width = mlp->width[l + 1];
    pass->hidden[l] = sac_stack_carve(arena, mlp->n, max_rows, width);
    if (l + 1 == mlp->n_layers || !backward) continue;
    pass->delta[l] = sac_stack_carve(arena, mlp->n, max_rows, width);
    if (!mlp->layer_norm) continue;
    pass->normalised[l] = sac_stack_carve(arena, mlp->n, max_rows, width);
    pass->rate[l] = sac_stack_carve(arena, mlp->n, max_rows, 1);
  }
  if (!backward) return;
  pass->dout = sac_stack_carve(arena, mlp->n, max_rows, mlp->width[mlp->n_layers]);
}

sac_status sac_mlp_reserve(const sac_mlp *mlp, sac_backend *backend, int max_rows, sac_error *err) {
  for (int l = 0; l < mlp->n_layers; l++)
    SAC_TRY(
        backend->ops->reserve(backend, mlp->n, max_rows, mlp->width[l], mlp->width[l + 1], err));
  return SAC_OK;
}

static sac_stack weight_of(const sac_mlp *mlp, const sac_params *params, sac_real *block,
                           int layer) {
  return (sac_stack){block + mlp->weight[layer], params->count, mlp->width[layer], 1};
}

static sac_stack bias_of(const sac_mlp *mlp, const sac_params *params, sac_real *block, int layer) {
  return (sac_stack){block + mlp->bias[layer], params->count, mlp->width[layer + 1], 1};
}

static sac_stack vector_of(const sac_mlp *mlp, const sac_params *params, sac_real *block, int layer,
                           size_t offset) {
  return (sac_stack){block + offset, params->count, mlp->width[layer + 1], 1};
}

// what hidden layer `layer` leaves out in this pass
static sac_dropout dropout_of(const sac_mlp *mlp, const sac_mlp_pass *pass, int layer) {
  sac_dropout dropout = pass->dropout;
  dropout.share = dropout.key ? mlp->dropout : 0;
  dropout.layer = layer;
  return dropout;
}

// whether products of hidden layers are followed by more than their activation
static bool has_more(const sac_mlp *mlp, const sac_mlp_pass *pass) {
  return mlp->layer_norm || (mlp->dropout > 0 && pass->dropout.key);
}

static void finish_hidden(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, int l,
                          int rows) {
  sac_hidden_forward step = {.n = mlp->n,
                             .rows = rows,
                             .units = mlp->width[l + 1],
                             .dropout = dropout_of(mlp, pass, l),
                             .y = pass->hidden[l],
                             .activation = mlp->activation};
  if (mlp->layer_norm) {
    step.scale = vector_of(mlp, params, params->value, l, mlp->scale[l]);
    step.shift = vector_of(mlp, params, params->value, l, mlp->shift[l]);
    step.normalised = pass->normalised[l];
    step.rate = pass->rate[l];
  }
  params->backend->ops->hidden_forward(params->backend, &step);
}

static sac_linear_forward forward_layer(const sac_mlp *mlp, const sac_params *params,
                                        const sac_mlp_pass *pass, int l, int rows) {
  sac_linear_forward layer = {
      .n = mlp->n, .rows = rows, .in = mlp->width[l], .out = mlp->width[l + 1]};
  layer.x = l == 0 ? pass->x : pass->hidden[l - 1];
  layer.weight = weight_of(mlp, params, params->value, l);
  layer.bias = bias_of(mlp, params, params->value, l);
  layer.y = pass->hidden[l];
  bool activates = l + 1 < mlp->n_layers && !has_more(mlp, pass);
  layer.activation = activates ? mlp->activation : SAC_LINEAR;
  return layer;
}

void sac_mlp_forward(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, sac_stack x,
                     int rows) {
  SAC_ASSERT(rows <= pass->max_rows);
  pass->x = x;
  sac_linear_forward layer[SAC_LAYERS_MAX];
  for (int l = 0; l < mlp->n_layers; l++) layer[l] = forward_layer(mlp, params, pass, l, rows);
  sac_backend *backend = params->backend;
  if (!has_more(mlp, pass)) {
    backend->ops->linear_forward(backend, layer, mlp->n_layers);
    return;
  }
  for (int l = 0; l < mlp->n_layers; l++) {
    backend->ops->linear_forward(backend, &layer[l], 1);
    if (l + 1 < mlp->n_layers) finish_hidden(mlp, params, pass, l, rows);
  }
}

// dJ/d(product of hidden layer l) in the place of dJ/d(what its activation took), over the rows of
// `step`
static void pass_hidden(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, int l,
                        sac_hidden_backward step) {
  step.n = mlp->n;
  step.units = mlp->width[l + 1];
  step.dropout = dropout_of(mlp, pass, l);
  if (mlp->layer_norm) {
    step.scale = vector_of(mlp, params, params->value, l, mlp->scale[l]);
    step.normalised = pass->normalised[l];
    step.rate = pass->rate[l];
  }
  params->backend->ops->hidden_backward(params->backend, &step);
}

// from dJ/d(output of layer l) to dJ/d(its input before the activation)
static sac_linear_backward_input input_layer(const sac_mlp *mlp, const sac_params *params,
                                             const sac_mlp_pass *pass, int l, int rows,
                                             sac_row_list list) {
  sac_linear_backward_input layer = {
      .n = mlp->n, .rows = rows, .in = mlp->width[l], .out = mlp->width[l + 1]};
  layer.dy = l + 1 == mlp->n_layers ? pass->dout : pass->delta[l];
  layer.weight = weight_of(mlp, params, params->value, l);
  layer.row = list.row;
  layer.row_count = list.row_count;
  if (l == 0) return layer;
  layer.h = pass->hidden[l - 1];
  layer.dx = pass->delta[l - 1];
  layer.activation = mlp->activation;
  return layer;
}

// from pass->dout down to pass->delta of every hidden layer, with the gradients of what follows
// their products
static void pass_down(const sac_mlp *mlp, sac_params *params, sac_mlp_pass *pass, int rows) {
  sac_linear_backward_input layer[SAC_LAYERS_MAX];
  int count = mlp->n_layers - 1;
  for (int i = 0; i < count; i++)
    layer[i] = input_layer(mlp, params, pass, count - i, rows, (sac_row_list){0});
  sac_backend *backend = params->backend;
  if (!has_more(mlp, pass)) {
    if (count > 0) backend->ops->linear_backward_input(backend, layer, count);
    return;
  }
  for (int i = 0; i < count; i++) {
    int below = count - i - 1;
    backend->ops->linear_backward_input(backend, &layer[i], 1);
    sac_hidden_backward hidden = {.rows = rows, .dy = layer[i].dx};
    if (mlp->layer_norm) {
      hidden.dscale = vector_of(mlp, params, params->grad, below, mlp->scale[below]);
      hidden.dshift = vector_of(mlp, params, params->grad, below, mlp->shift[below]);
    }
    pass_hidden(mlp, params, pass, below, hidden);
  }
}

// the outputs that no weight leads to
static void backward_constants(const sac_mlp *mlp, sac_params *params, sac_stack dy, int rows) {
  int last = mlp->n_layers - 1, first = mlp->width[last + 1] - mlp->constant_outputs;
  sac_linear_backward_bias step = {.n = mlp->n, .rows = rows, .out = mlp->constant_outputs};
  step.dy = dy;
  step.dy.data += first;
  step.dbias = bias_of(mlp, params, params->grad, last);
  step.dbias.data += first;
  params->backend->ops->linear_backward_bias(params->backend, &step);
}

void sac_mlp_backward(const sac_mlp *mlp, sac_params *params, sac_mlp_pass *pass, int rows) {
  if (mlp->constant_outputs > 0) backward_constants(mlp, params, pass->dout, rows);
  pass_down(mlp, params, pass, rows);
  sac_linear_backward_weight layer[SAC_LAYERS_MAX];
  for (int l = 0; l < mlp->n_layers; l++) {
    bool last = l + 1 == mlp->n_layers;
    layer[l] = (sac_linear_backward_weight){
        .n = mlp->n, .rows = rows, .in = mlp->width[l], .out = mlp->width[l + 1]};
    if (last) layer[l].out -= mlp->constant_outputs;
    layer[l].dy = last ? pass->dout : pass->delta[l];
    layer[l].x = l == 0 ? pass->x : pass->hidden[l - 1];
    layer[l].dweight = weight_of(mlp, params, params->grad, l);
    layer[l].dbias = bias_of(mlp, params, params->grad, l);
  }
  params->backend->ops->linear_backward_weight(params->backend, layer, mlp->n_layers);
}

void sac_mlp_backward_input(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass,
                            int rows, sac_row_list list, int first_column, sac_stack dx) {
  sac_linear_backward_input layer[SAC_LAYERS_MAX];
  int count = mlp->n_layers;
  for (int i = 0; i + 1 < count; i++)
    layer[i] = input_layer(mlp, params, pass, count - 1 - i, rows, list);
  sac_linear_backward_input first = input_layer(mlp, params, pass, 0, rows, list);
  first.in -= first_column;
  first.weight.data += first_column;
  first.dx = dx;
  layer[count - 1] = first;
  sac_backend *backend = params->backend;
  if (!has_more(mlp, pass)) {
    backend->ops->linear_backward_input(backend, layer, count);
    return;
  }
  for (int i = 0; i < count; i++) {
    backend->ops->linear_backward_input(backend, &layer[i], 1);
    if (i + 1 == count) break;
    sac_hidden_backward hidden = {
        .rows = rows, .dy = layer[i].dx, .row = list.row, .row_count = list.row_count};
    pass_hidden(mlp, params, pass, count - 2 - i, hidden);
  }
}
