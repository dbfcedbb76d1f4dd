// What every kernel file begins with: CUDA's headers, the shared formulas compiled for the device,
// and the two things that a build without nvcc (tests/shim) spells otherwise.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <curand_philox4x32_x.h>

/// The formulas of base/, backend/ and env/ are the device's here, and their Philox words cuRAND's
/// own.
#define SAC_ON_DEVICE
#define SAC_HOST_DEVICE static __device__ __forceinline__
#define SAC_TABLE static __device__ const
SAC_HOST_DEVICE void sac_curand_rounds(uint32_t c[4], uint64_t key) {
  uint4 words = curand_Philox4x32_10(make_uint4(c[0], c[1], c[2], c[3]),
                                     make_uint2((uint32_t)key, (uint32_t)(key >> 32)));
  c[0] = words.x;
  c[1] = words.y;
  c[2] = words.z;
  c[3] = words.w;
}
#define SAC_PHILOX_ROUNDS sac_curand_rounds

extern "C" {
#include "backend/backend.h"
#include "backend/elementary.h"
}

#ifndef SAC_LAUNCH
/// Start `kernel` on `grid` blocks of `threads` threads.
#define SAC_LAUNCH(kernel, grid, threads, stream, ...) \
  kernel<<<grid, threads, 0, stream>>>(__VA_ARGS__)
/// An array that the threads of a block share.
#define SAC_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#endif

enum { SAC_WARP = 32 };
#define SAC_ALL_LANES 0xffffffffu

/// This thread's place along x of the whole launch.
static __device__ __forceinline__ size_t sac_thread_index() {
  return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/// dm/da of dimension j over a seed's critics that have a say in the row: those whose `seed` (see
/// sac_policy_loss) is not zero.
static __device__ __forceinline__ sac_real sac_sum_critics(const sac_stack *dq,
                                                           const sac_stack *seed, int n_critics,
                                                           int i, int row, int j) {
  sac_real sum = 0;
  for (int k = i * n_critics; k < (i + 1) * n_critics; k++)
    if (*sac_stack_row(seed, k, row) != 0) sum += sac_stack_row(dq, k, row)[j];
  return sum;
}

/// Blocks of `size` that cover `count`.
static inline unsigned sac_blocks(size_t count, size_t size) {
  return (unsigned)((count + size - 1) / size);
}
