// Which steps of a recorded sequence must wait for which. Algorithms issue their steps one after
// the other; what each reads and writes tells which of them could run at the same time, and the
// recording gets branches of its own for those.
#pragma once

#include "kernels/cuda.cuh"

/// Memory that a step reads or writes.
typedef struct sac_cuda_use {
  const char *begin, *end;
  bool writes;
} sac_cuda_use;

/// All of a step's memory.
typedef struct sac_cuda_uses {
  int count;
  sac_cuda_use at[16];
} sac_cuda_uses;

void sac_cuda_reads(sac_cuda_uses *uses, const void *memory, size_t bytes);
void sac_cuda_writes(sac_cuda_uses *uses, const void *memory, size_t bytes);

/// A stack of n members (rows, cols), from its first value to its last; nothing where data is NULL.
void sac_cuda_reads_stack(sac_cuda_uses *uses, const sac_stack *stack, int n, int rows, int cols);
void sac_cuda_writes_stack(sac_cuda_uses *uses, const sac_stack *stack, int n, int rows, int cols);

/// Between the two a step launches its kernels on cuda->now, which is a branch whose earlier steps,
/// and the steps waited for, include every one that touched the same memory (not both reading).
/// Outside of a recording all steps go to the one stream.
void sac_cuda_step_begin(sac_backend *backend, const sac_cuda_uses *uses);
void sac_cuda_step_end(sac_backend *backend);

/// A recording begins, and ends with all branches joined.
void sac_cuda_order_begin(sac_backend *backend);
void sac_cuda_order_end(sac_backend *backend);

/// Make and free branches and what the order is kept in.
cudaError_t sac_cuda_order_open(sac_cuda *cuda);
void sac_cuda_order_close(sac_cuda *cuda);
