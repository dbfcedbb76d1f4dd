// Real-NVP flows (Dinh et al. 2017, eq. 7 and 8) under a condition: forward, gradient, inverse.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

#define SAC_FLOW_SIZE static __host__ __device__ __forceinline__
extern "C" {
#include "backend/couplings.h"
#include "backend/formulas/gaussian.h"
#include "backend/formulas/linear.h"
}

// A block owns a row: its threads share out the units, then the outputs of each coupling, whose
// values wait in shared memory. Bytes: the tape, about 4 (A + E + 2W) a coupling, and the weights,
// which stay in the cache. Limit: latency.
enum { THREADS = 64 };

/// A row on its way through a flow, in shared memory.
typedef struct passing {
  sac_real *x;          // (A) the values so far
  sac_real *condition;  // (E) after its activation
  sac_real *hidden;     // (2W) units of S, then of T
  sac_real *scale;      // (A)
  sac_real *shift;      // (A)
} passing;

// arrays of a block in shared memory
#define SHARE_PASSING(p)                                          \
  SAC_SHARED(sac_real, shared_x, SAC_FLOW_ACT_MAX);               \
  SAC_SHARED(sac_real, shared_condition, SAC_FLOW_CONDITION_MAX); \
  SAC_SHARED(sac_real, shared_hidden, 2 * SAC_FLOW_HIDDEN_MAX);   \
  SAC_SHARED(sac_real, shared_scale, SAC_FLOW_ACT_MAX);           \
  SAC_SHARED(sac_real, shared_shift, SAC_FLOW_ACT_MAX);           \
  passing p = {shared_x, shared_condition, shared_hidden, shared_scale, shared_shift}

static __device__ __forceinline__ void load_row(const sac_real *from, int count, sac_real *to) {
  for (int j = (int)threadIdx.x; j < count; j += THREADS) to[j] = from[j];
}

static __device__ __forceinline__ void load_condition(const sac_flow *flow, const sac_real *from,
                                                      sac_real *to) {
  for (int j = (int)threadIdx.x; j < flow->condition; j += THREADS)
    to[j] = sac_activate(from[j], flow->activation);
}

// units = tanh(W [kept | condition] + b)
static __device__ __forceinline__ void find_units(const sac_flow *flow, const sac_flow_layer *layer,
                                                  const sac_real *weight, const passing *p) {
  for (int k = (int)threadIdx.x; k < 2 * flow->hidden; k += THREADS) {
    const sac_real *w = weight + layer->hidden + (size_t)k * (size_t)layer->in;
    sac_real sum = weight[layer->hidden_bias + (size_t)k];
    for (int j = 0; j < layer->kept; j++) sum += w[j] * p->x[layer->kept_first + j];
    for (int j = 0; j < flow->condition; j++) sum += w[layer->kept + j] * p->condition[j];
    p->hidden[k] = sac_math_tanh(sum);
  }
  __syncthreads();
}

static __device__ __forceinline__ sac_real find_output(const sac_flow *flow, const sac_real *weight,
                                                       sac_real bias, const sac_real *units) {
  sac_real sum = bias;
  for (int k = 0; k < flow->hidden; k++) sum += weight[k] * units[k];
  return sum;
}

static __device__ __forceinline__ void find_scale_and_shift(const sac_flow *flow,
                                                            const sac_flow_layer *layer,
                                                            const sac_real *weight,
                                                            const passing *p) {
  find_units(flow, layer, weight, p);
  for (int e = (int)threadIdx.x; e < 2 * layer->changed; e += THREADS) {
    int j = e % layer->changed;
    if (e < layer->changed)
      p->scale[j] =
          sac_flow_scale(find_output(flow, weight + layer->scale + (size_t)(j * flow->hidden),
                                     weight[layer->scale_bias + (size_t)j], p->hidden),
                         flow->scale_max);
    else
      p->shift[j] = find_output(flow, weight + layer->shift + (size_t)(j * flow->hidden),
                                weight[layer->shift_bias + (size_t)j], p->hidden + flow->hidden);
  }
  __syncthreads();
}

static __device__ __forceinline__ void note_coupling(const sac_flow *flow,
                                                     const sac_flow_layer *layer, sac_real *tape,
                                                     const passing *p) {
  sac_real *units = tape + layer->in, *scale = units + 2 * flow->hidden;
  for (int j = (int)threadIdx.x; j < layer->in; j += THREADS)
    tape[j] = j < layer->kept ? p->x[layer->kept_first + j] : p->condition[j - layer->kept];
  for (int k = (int)threadIdx.x; k < 2 * flow->hidden; k += THREADS) units[k] = p->hidden[k];
  for (int j = (int)threadIdx.x; j < layer->changed; j += THREADS) {
    scale[j] = p->scale[j];
    scale[layer->changed + j] = p->x[layer->changed_first + j];
  }
}

static __device__ __forceinline__ void couple(const sac_flow_layer *layer, const passing *p) {
  for (int j = (int)threadIdx.x; j < layer->changed; j += THREADS) {
    sac_real *x = p->x + layer->changed_first + j;
    *x = *x * sac_math_exp(p->scale[j]) + p->shift[j];
  }
  __syncthreads();
}

static __device__ __forceinline__ void uncouple(const sac_flow_layer *layer, const passing *p) {
  for (int j = (int)threadIdx.x; j < layer->changed; j += THREADS) {
    sac_real *x = p->x + layer->changed_first + j;
    *x = (*x - p->shift[j]) * sac_math_exp(-p->scale[j]);
  }
  __syncthreads();
}

static __device__ __forceinline__ sac_real sum_of(const sac_real *x, int count) {
  sac_real sum = 0;
  for (int j = 0; j < count; j++) sum += x[j];
  return sum;
}

// log N(h) of each value
static __device__ __forceinline__ sac_real base_density(const sac_flow *flow, const sac_real *h) {
  sac_real sum = 0;
  for (int j = 0; j < flow->act_dim; j++) sum += sac_normal_log_density(h[j], 0);
  return sum;
}

// sum c(u)
static __device__ __forceinline__ sac_real squash_volume(const sac_flow *flow, const sac_real *u) {
  sac_real sum = 0;
  for (int j = 0; j < flow->act_dim; j++)
    sum += sac_squash_volume(u[j], flow->squash, flow->exact_correction);
  return sum;
}

static __global__ void flow_forward_kernel(const __grid_constant__ sac_flow_forward op) {
  SHARE_PASSING(p);
  const sac_flow *flow = &op.flow;
  int i = (int)(blockIdx.x / (unsigned)op.rows), row = (int)(blockIdx.x % (unsigned)op.rows);
  const sac_real *weight = sac_stack_member(&op.weight, i);
  sac_real *tape = sac_stack_row(&op.tape, i, row), log_pi = 0, log_det = 0;
  load_condition(flow, sac_stack_row(&op.condition, i, row), p.condition);
  load_row(sac_stack_row(&op.noise, i, row), flow->act_dim, p.x);
  __syncthreads();
  if (threadIdx.x == 0) log_pi = base_density(flow, p.x);
  for (int l = 0; l < flow->layers; l++) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    find_scale_and_shift(flow, &layer, weight, &p);
    note_coupling(flow, &layer, tape + l * sac_flow_tape_layer(flow), &p);
    if (threadIdx.x == 0) log_det += sum_of(p.scale, layer.changed);
    __syncthreads();
    couple(&layer, &p);
  }
  load_row(p.x, flow->act_dim, tape + flow->layers * sac_flow_tape_layer(flow));
  sac_real *action = sac_stack_row(&op.action, i, row);
  for (int j = (int)threadIdx.x; j < flow->act_dim; j += THREADS)
    action[j] = sac_squashed(p.x[j], flow->squash);
  if (threadIdx.x == 0 && op.log_pi.data)
    *sac_stack_row(&op.log_pi, i, row) = log_pi - log_det - squash_volume(flow, p.x);
}

static void require_fit(const sac_flow *flow) {
  sac_cuda_require(flow->act_dim <= SAC_FLOW_ACT_MAX && flow->condition <= SAC_FLOW_CONDITION_MAX &&
                       flow->hidden <= SAC_FLOW_HIDDEN_MAX,
                   "a flow within its limits");
}

void sac_cuda_flow_forward(sac_backend *backend, const sac_flow_forward *op) {
  require_fit(&op->flow);
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->condition, op->n, op->rows, op->flow.condition);
  sac_cuda_reads_stack(&uses, &op->weight, op->n, 1, (int)sac_flow_weights(&op->flow));
  sac_cuda_reads_stack(&uses, &op->noise, op->n, op->rows, op->flow.act_dim);
  sac_cuda_writes_stack(&uses, &op->tape, op->n, op->rows, sac_flow_tape(&op->flow));
  sac_cuda_writes_stack(&uses, &op->action, op->n, op->rows, op->flow.act_dim);
  sac_cuda_writes_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, flow_forward_kernel, (unsigned)(op->n * op->rows), THREADS, *op);
  sac_cuda_step_end(backend);
}

static __global__ void flow_inverse_kernel(const __grid_constant__ sac_flow_inverse op) {
  SHARE_PASSING(p);
  const sac_flow *flow = &op.flow;
  int i = (int)(blockIdx.x / (unsigned)op.rows), row = (int)(blockIdx.x % (unsigned)op.rows);
  const sac_real *weight = sac_stack_member(&op.weight, i),
                 *action = sac_stack_row(&op.action, i, row);
  sac_real log_pi = 0;
  load_condition(flow, sac_stack_row(&op.condition, i, row), p.condition);
  for (int j = (int)threadIdx.x; j < flow->act_dim; j += THREADS)
    p.x[j] = flow->squash ? sac_unsquash(action[j]) : action[j];
  __syncthreads();
  if (threadIdx.x == 0) log_pi = -squash_volume(flow, p.x);
  for (int l = flow->layers - 1; l >= 0; l--) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    find_scale_and_shift(flow, &layer, weight, &p);
    if (threadIdx.x == 0) log_pi -= sum_of(p.scale, layer.changed);
    uncouple(&layer, &p);
  }
  load_row(p.x, flow->act_dim, sac_stack_row(&op.noise, i, row));
  if (threadIdx.x == 0 && op.log_pi.data)
    *sac_stack_row(&op.log_pi, i, row) = log_pi + base_density(flow, p.x);
}

void sac_cuda_flow_inverse(sac_backend *backend, const sac_flow_inverse *op) {
  require_fit(&op->flow);
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->condition, op->n, op->rows, op->flow.condition);
  sac_cuda_reads_stack(&uses, &op->weight, op->n, 1, (int)sac_flow_weights(&op->flow));
  sac_cuda_reads_stack(&uses, &op->action, op->n, op->rows, op->flow.act_dim);
  sac_cuda_writes_stack(&uses, &op->noise, op->n, op->rows, op->flow.act_dim);
  sac_cuda_writes_stack(&uses, &op->log_pi, op->n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, flow_inverse_kernel, (unsigned)(op->n * op->rows), THREADS, *op);
  sac_cuda_step_end(backend);
}

// dJ_pi/du
static __device__ __forceinline__ void begin_return(const sac_flow_backward *op, int i, int row,
                                                    sac_real alpha, sac_real mean, sac_real *dx) {
  const sac_flow *flow = &op->flow;
  const sac_real *u = sac_stack_row(&op->tape, i, row) + flow->layers * sac_flow_tape_layer(flow);
  const sac_real *action = sac_stack_row(&op->action, i, row);
  for (int j = (int)threadIdx.x; j < flow->act_dim; j += THREADS) {
    sac_real jacobian = sac_squash_jacobian(u[j], flow->squash);
    sac_real slope = sac_squash_slope(action[j], jacobian, flow->squash, flow->exact_correction);
    sac_real dq = sac_sum_critics(&op->dq, &op->seed, op->n_critics, i, row, j);
    dx[j] = mean * sac_action_gradient(alpha, slope, op->normal_prior, action[j], jacobian, dq);
  }
}

// x' = x exp(S) + T, and log pi falls by S; `before` are the values that were changed
static __device__ __forceinline__ void return_coupling(const sac_flow *flow,
                                                       const sac_flow_layer *layer, sac_real lambda,
                                                       const sac_real *scale,
                                                       const sac_real *before, const passing *d) {
  for (int j = (int)threadIdx.x; j < layer->changed; j += THREADS) {
    sac_real *dx = d->x + layer->changed_first + j, grown = sac_math_exp(scale[j]);
    d->shift[j] = *dx;
    d->scale[j] =
        (*dx * before[j] * grown + lambda) * sac_flow_scale_slope(scale[j], flow->scale_max);
    *dx *= grown;
  }
  __syncthreads();
}

static __device__ __forceinline__ void return_outputs(const sac_flow *flow,
                                                      const sac_flow_layer *layer,
                                                      const sac_real *weight, const sac_real *units,
                                                      const passing *d) {
  for (int k = (int)threadIdx.x; k < 2 * flow->hidden; k += THREADS) {
    bool of_scale = k < flow->hidden;
    const sac_real *w = weight + (of_scale ? layer->scale : layer->shift);
    const sac_real *d_out = of_scale ? d->scale : d->shift;
    sac_real sum = 0;
    for (int j = 0; j < layer->changed; j++)
      sum += w[j * flow->hidden + k % flow->hidden] * d_out[j];
    d->hidden[k] = sum * (1 - units[k] * units[k]);
  }
  __syncthreads();
}

static __device__ __forceinline__ void return_units(const sac_flow *flow,
                                                    const sac_flow_layer *layer,
                                                    const sac_real *weight, const passing *d) {
  for (int j = (int)threadIdx.x; j < layer->in; j += THREADS) {
    sac_real *to = j < layer->kept ? d->x + layer->kept_first + j : d->condition + j - layer->kept;
    sac_real sum = *to;
    for (int k = 0; k < 2 * flow->hidden; k++)
      sum += weight[layer->hidden + (size_t)k * (size_t)layer->in + (size_t)j] * d->hidden[k];
    *to = sum;
  }
  __syncthreads();
}

static __device__ __forceinline__ void store_deltas(const sac_flow *flow,
                                                    const sac_flow_layer *layer, const passing *d,
                                                    sac_real *delta) {
  sac_real *outputs = delta + 2 * flow->hidden;
  load_row(d->hidden, 2 * flow->hidden, delta);
  load_row(d->scale, layer->changed, outputs);
  load_row(d->shift, layer->changed, outputs + layer->changed);
}

static __global__ void flow_backward_kernel(const __grid_constant__ sac_flow_backward op) {
  SHARE_PASSING(d);
  const sac_flow *flow = &op.flow;
  int i = (int)(blockIdx.x / (unsigned)op.rows), row = (int)(blockIdx.x % (unsigned)op.rows);
  const sac_real *weight = sac_stack_member(&op.weight, i), *tape = sac_stack_row(&op.tape, i, row);
  // a loss of u alone does not weigh log pi
  sac_real alpha = op.du.data ? (sac_real)0 : sac_math_exp(op.log_alpha[i]);
  sac_real mean = 1 / (sac_real)op.rows;
  for (int j = (int)threadIdx.x; j < flow->condition; j += THREADS) d.condition[j] = 0;
  if (op.du.data)
    load_row(sac_stack_row(&op.du, i, row), flow->act_dim, d.x);
  else
    begin_return(&op, i, row, alpha, mean, d.x);
  __syncthreads();
  for (int l = flow->layers - 1; l >= 0; l--) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    const sac_real *units = tape + l * sac_flow_tape_layer(flow) + layer.in;
    const sac_real *scale = units + 2 * flow->hidden;
    return_coupling(flow, &layer, -alpha * mean, scale, scale + layer.changed, &d);
    return_outputs(flow, &layer, weight, units, &d);
    return_units(flow, &layer, weight, &d);
    store_deltas(flow, &layer, &d,
                 sac_stack_row(&op.delta, i, row) + l * sac_flow_delta_layer(flow));
    __syncthreads();
  }
  const sac_real *condition = sac_stack_row(&op.condition, i, row);
  sac_real *dcondition = sac_stack_row(&op.dcondition, i, row);
  for (int j = (int)threadIdx.x; j < flow->condition; j += THREADS)
    dcondition[j] =
        d.condition[j] *
        sac_activation_slope(sac_activate(condition[j], flow->activation), flow->activation);
}

void sac_cuda_flow_backward(sac_backend *backend, const sac_flow_backward *op) {
  require_fit(&op->flow);
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->condition, op->n, op->rows, op->flow.condition);
  sac_cuda_reads_stack(&uses, &op->weight, op->n, 1, (int)sac_flow_weights(&op->flow));
  sac_cuda_reads_stack(&uses, &op->tape, op->n, op->rows, sac_flow_tape(&op->flow));
  sac_cuda_reads_stack(&uses, &op->action, op->n, op->rows, op->flow.act_dim);
  sac_cuda_reads_stack(&uses, &op->dq, op->n * op->n_critics, op->rows, op->flow.act_dim);
  sac_cuda_reads_stack(&uses, &op->seed, op->n * op->n_critics, op->rows, 1);
  if (op->log_alpha) sac_cuda_reads(&uses, op->log_alpha, (size_t)op->n * sizeof *op->log_alpha);
  sac_cuda_reads_stack(&uses, &op->du, op->n, op->rows, op->flow.act_dim);
  sac_cuda_writes_stack(&uses, &op->delta, op->n, op->rows, sac_flow_delta(&op->flow));
  sac_cuda_writes_stack(&uses, &op->dcondition, op->n, op->rows, op->flow.condition);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, flow_backward_kernel, (unsigned)(op->n * op->rows), THREADS, *op);
  sac_cuda_step_end(backend);
}
