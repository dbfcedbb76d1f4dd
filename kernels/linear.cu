// The three linear ops as products (see gemm.cuh).
#include "kernels/gemm.cuh"

// y (rows, out) = x (rows, in) times weight (out, in) turned
void sac_cuda_linear_forward(sac_backend *backend, const sac_linear_forward *op) {
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
void sac_cuda_linear_backward_input(sac_backend *backend, const sac_linear_backward_input *op) {
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
void sac_cuda_linear_backward_weight(sac_backend *backend, const sac_linear_backward_weight *op) {
  sac_product product = {};
  product.members = op->n;
  product.m = op->out, product.n = op->in, product.k = op->rows;
  product.a = op->dy, product.b = op->x, product.c = op->dweight;
  product.a_turned = true;
  product.finish = SAC_FINISH_PLAIN;
  product.a_sum = op->dbias;
  sac_cuda_multiply(backend, &product);
}
