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
  int widest = 1;
  pass->max_rows = max_rows;
  for (int l = 0; l < mlp->n_layers; l++) {
    int width = mlp->width[l + 1];
    pass->hidden[l] = sac_stack_carve(arena, mlp->n, max_rows, width);
    if (l + 1 == mlp->n_layers) continue;
    if (width > widest) widest = width;
    if (!mlp->layer_norm || !backward) continue;
    pass->normalised[l] = sac_stack_carve(arena, mlp->n, max_rows, width);
    pass->rate[l] = sac_stack_carve(arena, mlp->n, max_rows, 1);
  }
  if (!backward) return;
  pass->dout = sac_stack_carve(arena, mlp->n, max_rows, mlp->width[mlp->n_layers]);
  for (int i = 0; i < 2; i++) pass->delta[i] = sac_stack_carve(arena, mlp->n, max_rows, widest);
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

void sac_mlp_forward(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, sac_stack x,
                     int rows) {
  SAC_ASSERT(rows <= pass->max_rows);
  pass->x = x;
  for (int l = 0; l < mlp->n_layers; l++) {
    sac_linear_forward step = {
        .n = mlp->n, .rows = rows, .in = mlp->width[l], .out = mlp->width[l + 1]};
    step.x = l == 0 ? x : pass->hidden[l - 1];
    step.weight = weight_of(mlp, params, params->value, l);
    step.bias = bias_of(mlp, params, params->value, l);
    step.y = pass->hidden[l];
    bool hidden = l + 1 < mlp->n_layers, more = hidden && has_more(mlp, pass);
    step.activation = hidden && !more ? mlp->activation : SAC_LINEAR;
    params->backend->ops->linear_forward(params->backend, &step);
    if (more) finish_hidden(mlp, params, pass, l, rows);
  }
}

// dJ/d(product of hidden layer l) in the place of dJ/d(what its activation took), over the rows of
// `step`
static void pass_hidden(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, int l,
                        sac_hidden_backward step) {
  if (!has_more(mlp, pass)) return;
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

// dJ/d(input of layer l before its activation), from dJ/d(output of layer l)
static sac_stack pass_down(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass, int l,
                           int rows, sac_row_list list, sac_stack dy) {
  sac_linear_backward_input step = {
      .n = mlp->n, .rows = rows, .in = mlp->width[l], .out = mlp->width[l + 1]};
  step.dy = dy;
  step.weight = weight_of(mlp, params, params->value, l);
  step.h = pass->hidden[l - 1];
  step.dx = pass->delta[l % 2];
  step.activation = mlp->activation;
  step.row = list.row;
  step.row_count = list.row_count;
  params->backend->ops->linear_backward_input(params->backend, &step);
  return step.dx;
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
  sac_stack dy = pass->dout;
  if (mlp->constant_outputs > 0) backward_constants(mlp, params, dy, rows);
  for (int l = mlp->n_layers - 1; l >= 0; l--) {
    sac_linear_backward_weight step = {
        .n = mlp->n, .rows = rows, .in = mlp->width[l], .out = mlp->width[l + 1]};
    if (l == mlp->n_layers - 1) step.out -= mlp->constant_outputs;
    step.dy = dy;
    step.x = l == 0 ? pass->x : pass->hidden[l - 1];
    step.dweight = weight_of(mlp, params, params->grad, l);
    step.dbias = bias_of(mlp, params, params->grad, l);
    params->backend->ops->linear_backward_weight(params->backend, &step);
    if (l == 0) break;
    dy = pass_down(mlp, params, pass, l, rows, (sac_row_list){0}, dy);
    sac_hidden_backward hidden = {.rows = rows, .dy = dy};
    if (mlp->layer_norm) {
      hidden.dscale = vector_of(mlp, params, params->grad, l - 1, mlp->scale[l - 1]);
      hidden.dshift = vector_of(mlp, params, params->grad, l - 1, mlp->shift[l - 1]);
    }
    pass_hidden(mlp, params, pass, l - 1, hidden);
  }
}

void sac_mlp_backward_input(const sac_mlp *mlp, const sac_params *params, sac_mlp_pass *pass,
                            int rows, sac_row_list list, int first_column, sac_stack dx) {
  sac_stack dy = pass->dout;
  for (int l = mlp->n_layers - 1; l > 0; l--) {
    dy = pass_down(mlp, params, pass, l, rows, list, dy);
    sac_hidden_backward hidden = {
        .rows = rows, .dy = dy, .row = list.row, .row_count = list.row_count};
    pass_hidden(mlp, params, pass, l - 1, hidden);
  }
  sac_linear_backward_input step = {.n = mlp->n, .rows = rows, .out = mlp->width[1]};
  step.in = mlp->width[0] - first_column;
  step.dy = dy;
  step.weight = weight_of(mlp, params, params->value, 0);
  step.weight.data += first_column;
  step.dx = dx;
  step.activation = SAC_LINEAR;
  step.row = list.row;
  step.row_count = list.row_count;
  params->backend->ops->linear_backward_input(params->backend, &step);
}
