// Real-NVP flows (Dinh et al. 2017, eq. 7 and 8) under a condition: forward, gradient, inverse.
#include "backend/couplings.h"
#include "backend/formulas/linear.h"
#include "cpu/squash.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

/// SAC_CHUNK rows on their way through a flow.
typedef struct passing {
  lanes x[SAC_FLOW_ACT_MAX];                // the values so far
  lanes condition[SAC_FLOW_CONDITION_MAX];  // after its activation
  lanes hidden[2 * SAC_FLOW_HIDDEN_MAX];    // units of S, then of T
  lanes scale[SAC_FLOW_ACT_MAX], shift[SAC_FLOW_ACT_MAX];
  lanes log_det;
} passing;

static void require_fit(const sac_flow *flow) {
  SAC_ASSERT(flow->act_dim <= SAC_FLOW_ACT_MAX && flow->condition <= SAC_FLOW_CONDITION_MAX &&
             flow->hidden <= SAC_FLOW_HIDDEN_MAX);
}

static size_t work_of(const sac_flow *flow, int n, int rows) {
  return (size_t)n * (size_t)rows * (sac_flow_weights(flow) + 32 * (size_t)flow->act_dim);
}

static void add_scaled(lanes sum, sac_real factor, const lanes x) {
  for (int r = 0; r < SAC_CHUNK; r++) sum[r] += factor * x[r];
}

static void load_all(const sac_stack *stack, int i, int first, int count, int column, int cols,
                     lanes *x) {
  for (int j = 0; j < cols; j++) sac_lanes_load(stack, i, first, count, column + j, x[j]);
}

static void store_all(const sac_stack *stack, int i, int first, int count, int column, int cols,
                      lanes *x) {
  for (int j = 0; j < cols; j++) sac_lanes_store(stack, i, first, count, column + j, x[j]);
}

static void load_condition(const sac_flow *flow, const sac_stack *condition, int i, int first,
                           int count, passing *p) {
  load_all(condition, i, first, count, 0, flow->condition, p->condition);
  for (int j = 0; j < flow->condition; j++)
    for (int r = 0; r < SAC_CHUNK; r++)
      p->condition[j][r] = sac_activate(p->condition[j][r], flow->activation);
}

// units = tanh(W [kept | condition] + b)
static void find_units(const sac_flow *flow, const sac_flow_layer *layer, const sac_real *weight,
                       passing *p) {
  for (int k = 0; k < 2 * flow->hidden; k++) {
    const sac_real *w = weight + layer->hidden + (size_t)k * (size_t)layer->in;
    sac_real *unit = p->hidden[k], bias = weight[layer->hidden_bias + (size_t)k];
    for (int r = 0; r < SAC_CHUNK; r++) unit[r] = bias;
    for (int j = 0; j < layer->kept; j++) add_scaled(unit, w[j], p->x[layer->kept_first + j]);
    for (int j = 0; j < flow->condition; j++) add_scaled(unit, w[layer->kept + j], p->condition[j]);
    for (int r = 0; r < SAC_CHUNK; r++) unit[r] = sac_math_tanh(unit[r]);
  }
}

// out = W units + b
static void find_outputs(const sac_flow *flow, const sac_flow_layer *layer, const sac_real *weight,
                         const sac_real *bias, lanes *units, lanes *out) {
  for (int j = 0; j < layer->changed; j++) {
    for (int r = 0; r < SAC_CHUNK; r++) out[j][r] = bias[j];
    for (int k = 0; k < flow->hidden; k++)
      add_scaled(out[j], weight[j * flow->hidden + k], units[k]);
  }
}

static void find_scale_and_shift(const sac_flow *flow, const sac_flow_layer *layer,
                                 const sac_real *weight, passing *p) {
  find_units(flow, layer, weight, p);
  find_outputs(flow, layer, weight + layer->scale, weight + layer->scale_bias, p->hidden, p->scale);
  find_outputs(flow, layer, weight + layer->shift, weight + layer->shift_bias,
               p->hidden + flow->hidden, p->shift);
  for (int j = 0; j < layer->changed; j++)
    for (int r = 0; r < SAC_CHUNK; r++)
      p->scale[j][r] = sac_flow_scale(p->scale[j][r], flow->scale_max);
}

static void note_coupling(const sac_flow_forward *op, const sac_flow_layer *layer, int l, int i,
                          int first, int count, passing *p) {
  const sac_flow *flow = &op->flow;
  int at = l * sac_flow_tape_layer(flow);
  store_all(&op->tape, i, first, count, at, layer->kept, p->x + layer->kept_first);
  store_all(&op->tape, i, first, count, at += layer->kept, flow->condition, p->condition);
  store_all(&op->tape, i, first, count, at += flow->condition, 2 * flow->hidden, p->hidden);
  store_all(&op->tape, i, first, count, at += 2 * flow->hidden, layer->changed, p->scale);
  store_all(&op->tape, i, first, count, at + layer->changed, layer->changed,
            p->x + layer->changed_first);
}

static void couple(const sac_flow_layer *layer, passing *p) {
  for (int j = 0; j < layer->changed; j++) {
    sac_real *x = p->x[layer->changed_first + j];
    for (int r = 0; r < SAC_CHUNK; r++) {
      x[r] = x[r] * sac_math_exp(p->scale[j][r]) + p->shift[j][r];
      p->log_det[r] += p->scale[j][r];
    }
  }
}

static void uncouple(const sac_flow_layer *layer, passing *p) {
  for (int j = 0; j < layer->changed; j++) {
    sac_real *x = p->x[layer->changed_first + j];
    for (int r = 0; r < SAC_CHUNK; r++) {
      x[r] = (x[r] - p->shift[j][r]) * sac_math_exp(-p->scale[j][r]);
      p->log_det[r] += p->scale[j][r];
    }
  }
}

// log pi += log N(h) of each value
static void add_base_density(const sac_flow *flow, lanes *noise, lanes log_pi) {
  for (int j = 0; j < flow->act_dim; j++)
    for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] += sac_normal_log_density(noise[j][r], 0);
}

// log pi -= sum S + sum c(u)
static void take_volume(const sac_flow *flow, lanes *u, const lanes log_det, lanes log_pi) {
  for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] -= log_det[r];
  for (int j = 0; j < flow->act_dim; j++) {
    lanes volume;
    sac_lanes_volume(flow->squash, flow->exact_correction, u[j], volume);
    for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] -= volume[r];
  }
}

static void store_action(const sac_flow *flow, const sac_stack *action, int i, int first, int count,
                         lanes *u) {
  for (int j = 0; j < flow->act_dim; j++) {
    lanes a;
    sac_lanes_squash(flow->squash, u[j], a);
    sac_lanes_store(action, i, first, count, j, a);
  }
}

static void forward_chunk(const sac_flow_forward *op, int i, int first, int count) {
  const sac_flow *flow = &op->flow;
  const sac_real *weight = sac_stack_member(&op->weight, i);
  passing p = {.log_det = {0}};
  lanes log_pi = {0};
  load_condition(flow, &op->condition, i, first, count, &p);
  load_all(&op->noise, i, first, count, 0, flow->act_dim, p.x);
  add_base_density(flow, p.x, log_pi);
  for (int l = 0; l < flow->layers; l++) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    find_scale_and_shift(flow, &layer, weight, &p);
    note_coupling(op, &layer, l, i, first, count, &p);
    couple(&layer, &p);
  }
  store_all(&op->tape, i, first, count, flow->layers * sac_flow_tape_layer(flow), flow->act_dim,
            p.x);
  store_action(flow, &op->action, i, first, count, p.x);
  if (!op->log_pi.data) return;
  take_volume(flow, p.x, p.log_det, log_pi);
  sac_lanes_store(&op->log_pi, i, first, count, 0, log_pi);
}

static void forward_part(void *context, int i_part) {
  const sac_flow_forward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    forward_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(flow_forward)(sac_backend *backend, const sac_flow_forward *op) {
  require_fit(&op->flow);
  sac_cpu_run(backend, work_of(&op->flow, op->n, op->rows), op->n * sac_rows_blocks(op->rows),
              forward_part, op);
}

static void inverse_chunk(const sac_flow_inverse *op, int i, int first, int count) {
  const sac_flow *flow = &op->flow;
  const sac_real *weight = sac_stack_member(&op->weight, i);
  passing p = {.log_det = {0}};
  lanes log_pi = {0}, none = {0};
  load_condition(flow, &op->condition, i, first, count, &p);
  load_all(&op->action, i, first, count, 0, flow->act_dim, p.x);
  for (int j = 0; j < flow->act_dim && flow->squash; j++)
    for (int r = 0; r < SAC_CHUNK; r++) p.x[j][r] = sac_unsquash(p.x[j][r]);
  take_volume(flow, p.x, none, log_pi);
  for (int l = flow->layers - 1; l >= 0; l--) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    find_scale_and_shift(flow, &layer, weight, &p);
    uncouple(&layer, &p);
  }
  store_all(&op->noise, i, first, count, 0, flow->act_dim, p.x);
  if (!op->log_pi.data) return;
  add_base_density(flow, p.x, log_pi);
  for (int r = 0; r < SAC_CHUNK; r++) log_pi[r] -= p.log_det[r];
  sac_lanes_store(&op->log_pi, i, first, count, 0, log_pi);
}

static void inverse_part(void *context, int i_part) {
  const sac_flow_inverse *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    inverse_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(flow_inverse)(sac_backend *backend, const sac_flow_inverse *op) {
  require_fit(&op->flow);
  sac_cpu_run(backend, work_of(&op->flow, op->n, op->rows), op->n * sac_rows_blocks(op->rows),
              inverse_part, op);
}

/// SAC_CHUNK rows on their way back: dJ/d of what is of that name in `passing`.
typedef struct returning {
  lanes x[SAC_FLOW_ACT_MAX];
  lanes condition[SAC_FLOW_CONDITION_MAX];
  lanes hidden[2 * SAC_FLOW_HIDDEN_MAX];
  lanes scale[SAC_FLOW_ACT_MAX], shift[SAC_FLOW_ACT_MAX];
} returning;

// dJ_pi/du
static void begin_return(const sac_flow_backward *op, int i, int first, int count, sac_real alpha,
                         sac_real mean, returning *d) {
  const sac_flow *flow = &op->flow;
  int u_at = flow->layers * sac_flow_tape_layer(flow);
  bool prior = op->normal_prior;
  for (int j = 0; j < flow->act_dim; j++) {
    lanes u, action, jacobian, slope, g;
    sac_lanes_load(&op->tape, i, first, count, u_at + j, u);
    sac_lanes_load(&op->action, i, first, count, j, action);
    sac_lanes_sum_critics(&op->dq, &op->seed, op->n_critics, i, first, count, j, g);
    sac_lanes_squash_slopes(flow->squash, flow->exact_correction, u, action, jacobian, slope);
    for (int r = 0; r < SAC_CHUNK; r++)
      d->x[j][r] = mean * sac_action_gradient(alpha, slope[r], prior, action[r], jacobian[r], g[r]);
  }
}

// x' = x exp(S) + T, and log pi falls by S
static void return_coupling(const sac_flow *flow, const sac_flow_layer *layer, sac_real lambda,
                            const passing *p, returning *d) {
  for (int j = 0; j < layer->changed; j++) {
    sac_real *dx = d->x[layer->changed_first + j];
    const sac_real *before = p->x[layer->changed_first + j], *scale = p->scale[j];
    for (int r = 0; r < SAC_CHUNK; r++) {
      sac_real grown = sac_math_exp(scale[r]);
      sac_real slope = sac_flow_scale_slope(scale[r], flow->scale_max);
      d->shift[j][r] = dx[r];
      d->scale[j][r] = (dx[r] * before[r] * grown + lambda) * slope;
      dx[r] *= grown;
    }
  }
}

static void return_outputs(const sac_flow *flow, const sac_flow_layer *layer,
                           const sac_real *weight, lanes *d_out, const lanes *units,
                           lanes *d_units) {
  for (int k = 0; k < flow->hidden; k++) {
    for (int r = 0; r < SAC_CHUNK; r++) d_units[k][r] = 0;
    for (int j = 0; j < layer->changed; j++)
      add_scaled(d_units[k], weight[j * flow->hidden + k], d_out[j]);
    for (int r = 0; r < SAC_CHUNK; r++) d_units[k][r] *= 1 - units[k][r] * units[k][r];
  }
}

static void return_units(const sac_flow *flow, const sac_flow_layer *layer, const sac_real *weight,
                         returning *d) {
  for (int k = 0; k < 2 * flow->hidden; k++) {
    const sac_real *w = weight + layer->hidden + (size_t)k * (size_t)layer->in;
    for (int j = 0; j < layer->kept; j++)
      add_scaled(d->x[layer->kept_first + j], w[j], d->hidden[k]);
    for (int j = 0; j < flow->condition; j++)
      add_scaled(d->condition[j], w[layer->kept + j], d->hidden[k]);
  }
}

// the units, S and the changed values of coupling l
static void recall_coupling(const sac_flow_backward *op, const sac_flow_layer *layer, int l, int i,
                            int first, int count, passing *p) {
  const sac_flow *flow = &op->flow;
  int at = l * sac_flow_tape_layer(flow) + layer->in;
  load_all(&op->tape, i, first, count, at, 2 * flow->hidden, p->hidden);
  load_all(&op->tape, i, first, count, at += 2 * flow->hidden, layer->changed, p->scale);
  load_all(&op->tape, i, first, count, at + layer->changed, layer->changed,
           p->x + layer->changed_first);
}

static void store_deltas(const sac_flow_backward *op, const sac_flow_layer *layer, int l, int i,
                         int first, int count, returning *d) {
  int at = l * sac_flow_delta_layer(&op->flow), units = 2 * op->flow.hidden;
  store_all(&op->delta, i, first, count, at, units, d->hidden);
  store_all(&op->delta, i, first, count, at + units, layer->changed, d->scale);
  store_all(&op->delta, i, first, count, at + units + layer->changed, layer->changed, d->shift);
}

static void return_condition(const sac_flow_backward *op, int i, int first, int count, passing *p,
                             returning *d) {
  const sac_flow *flow = &op->flow;
  for (int j = 0; j < flow->condition; j++)
    for (int r = 0; r < SAC_CHUNK; r++)
      d->condition[j][r] *= sac_activation_slope(p->condition[j][r], flow->activation);
  store_all(&op->dcondition, i, first, count, 0, flow->condition, d->condition);
}

static void backward_chunk(const sac_flow_backward *op, int i, int first, int count) {
  const sac_flow *flow = &op->flow;
  const sac_real *weight = sac_stack_member(&op->weight, i);
  // a loss of u alone does not weigh log pi
  sac_real alpha = op->du.data ? (sac_real)0 : sac_math_exp(op->log_alpha[i]);
  sac_real mean = 1 / (sac_real)op->rows;
  passing p;
  returning d;
  load_condition(flow, &op->condition, i, first, count, &p);
  for (int j = 0; j < flow->condition; j++)
    for (int r = 0; r < SAC_CHUNK; r++) d.condition[j][r] = 0;
  if (op->du.data)
    load_all(&op->du, i, first, count, 0, flow->act_dim, d.x);
  else
    begin_return(op, i, first, count, alpha, mean, &d);
  for (int l = flow->layers - 1; l >= 0; l--) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    recall_coupling(op, &layer, l, i, first, count, &p);
    return_coupling(flow, &layer, -alpha * mean, &p, &d);
    return_outputs(flow, &layer, weight + layer.scale, d.scale, p.hidden, d.hidden);
    return_outputs(flow, &layer, weight + layer.shift, d.shift, p.hidden + flow->hidden,
                   d.hidden + flow->hidden);
    return_units(flow, &layer, weight, &d);
    store_deltas(op, &layer, l, i, first, count, &d);
  }
  return_condition(op, i, first, count, &p, &d);
}

static void backward_part(void *context, int i_part) {
  const sac_flow_backward *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    backward_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(flow_backward)(sac_backend *backend, const sac_flow_backward *op) {
  require_fit(&op->flow);
  sac_cpu_run(backend, work_of(&op->flow, op->n, op->rows), op->n * sac_rows_blocks(op->rows),
              backward_part, op);
}
