// The linear ops: three are products (see gemm.cuh), one is a sum.
#include "kernels/gemm.cuh"
#include "kernels/order.cuh"
#include "kernels/reduce.cuh"

// y (rows, out) = x (rows, in) times weight (out, in) turned
static void forward(sac_backend *backend, const sac_linear_forward *op) {
  sac_product product = {};
  product.members = op->n;
  product.m = op->rows, product.n = op->out, product.k = op->in;
  product.a = op->x, product.b = op->weight, product.c = op->y;
  product.b_turned = true;
  product.finish = SAC_FINISH_ACTIVATE;
  product.activation = op->activation;
  product.bias = op->bias;
  sac_cuda_multiply(backend, &product);
}

// dx (rows, in) = dy (rows, out) times weight (out, in)
static void backward_input(sac_backend *backend, const sac_linear_backward_input *op) {
  sac_product product = {};
  product.members = op->n;
  product.m = op->rows, product.n = op->in, product.k = op->out;
  product.a = op->dy, product.b = op->weight, product.c = op->dx;
  product.finish = op->activation == SAC_LINEAR ? SAC_FINISH_PLAIN : SAC_FINISH_MASK;
  product.activation = op->activation;
  product.h = op->h;
  product.row = op->row, product.row_count = op->row_count;
  sac_cuda_multiply(backend, &product);
}

// dweight (out, in) = dy (rows, out) turned times x (rows, in); dbias is dy summed over its rows
static void backward_weight(sac_backend *backend, const sac_linear_backward_weight *op) {
  sac_product product = {};
  product.members = op->n;
  product.m = op->out, product.n = op->in, product.k = op->rows;
  product.a = op->dy, product.b = op->x, product.c = op->dweight;
  product.a_turned = true;
  product.finish = SAC_FINISH_PLAIN;
  product.a_sum = op->dbias;
  sac_cuda_multiply(backend, &product);
}

void sac_cuda_linear_forward(sac_backend *backend, const sac_linear_forward *layer, int n_layers) {
  for (int l = 0; l < n_layers; l++) forward(backend, &layer[l]);
}

void sac_cuda_linear_backward_input(sac_backend *backend, const sac_linear_backward_input *layer,
                                    int n_layers) {
  for (int l = 0; l < n_layers; l++) backward_input(backend, &layer[l]);
}

void sac_cuda_linear_backward_weight(sac_backend *backend, const sac_linear_backward_weight *layer,
                                     int n_layers) {
  for (int l = 0; l < n_layers; l++) backward_weight(backend, &layer[l]);
}

// One block an output of a member, whose threads take the rows in turn. Bytes: dy once. Limit:
// latency.
static __global__ void __launch_bounds__(SAC_REDUCE_THREADS)
    bias_kernel(const __grid_constant__ sac_linear_backward_bias op) {
  int o = (int)blockIdx.x, i = (int)blockIdx.y;
  double sum = 0;
  for (int row = (int)threadIdx.x; row < op.rows; row += SAC_REDUCE_THREADS)
    sum += (double)sac_stack_row(&op.dy, i, row)[o];
  sum = sac_block_sum(sum);
  if (threadIdx.x == 0) sac_stack_member(&op.dbias, i)[o] = (sac_real)sum;
}

void sac_cuda_linear_backward_bias(sac_backend *backend, const sac_linear_backward_bias *op) {
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->dy, op->n, op->rows, op->out);
  sac_cuda_writes_stack(&uses, &op->dbias, op->n, 1, op->out);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, bias_kernel, dim3((unsigned)op->out, (unsigned)op->n), SAC_REDUCE_THREADS,
               *op);
  sac_cuda_step_end(backend);
}
