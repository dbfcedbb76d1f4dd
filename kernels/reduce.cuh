// Sums over a block in an order of their own: the same bits whatever the device does first.
#pragma once

#include "kernels/kernel.cuh"

/// Threads of a block that reduces; every such kernel is launched with as many.
enum { SAC_REDUCE_THREADS = 256, SAC_REDUCE_WARPS = SAC_REDUCE_THREADS / SAC_WARP };

/// The sum of `x` over the block, in thread 0; the others get a part of it.
static __device__ __forceinline__ double sac_block_sum(double x) {
  SAC_SHARED(double, partial, SAC_REDUCE_WARPS);
  int lane = (int)threadIdx.x % SAC_WARP, warp = (int)threadIdx.x / SAC_WARP;
  for (int d = SAC_WARP / 2; d > 0; d /= 2) x += __shfl_down_sync(SAC_ALL_LANES, x, d);
  if (lane == 0) partial[warp] = x;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int w = 1; w < SAC_REDUCE_WARPS; w++) x += partial[w];
  __syncthreads();
  return x;
}
