// The matrix product under the three linear ops: C = A B for every member of a stack, with bias,
// activation or mask on the way out. Every element of C is the sum of four quarters of k, each
// summed in the order of k, whatever kernel computes it: a result depends neither on the number of
// members nor on the tile it falls into.
#pragma once

#include "kernels/cuda.cuh"

/// What happens to the sums before they are stored.
typedef enum sac_finish {
  SAC_FINISH_PLAIN,     // C = sum
  SAC_FINISH_ACTIVATE,  // C = act(sum + bias)
  SAC_FINISH_MASK       // C = sum * act'(h)
} sac_finish;

/// One product of every member. With `row` (members, rows) and `row_count` (members) only those
/// rows of A, C and h take part.
typedef struct sac_product {
  int members, m, n, k;
  sac_stack a;      // (m, k), or (k, m) when a_turned
  sac_stack b;      // (k, n), or (n, k) when b_turned
  sac_stack c;      // (m, n)
  sac_stack bias;   // (1, n)
  sac_stack h;      // (m, n)
  sac_stack a_sum;  // (1, m) sum of A over k, or data NULL
  bool a_turned, b_turned;
  sac_finish finish;
  sac_activation activation;
  const int32_t *row, *row_count;
} sac_product;

void sac_cuda_multiply(sac_backend *backend, const sac_product *product);
