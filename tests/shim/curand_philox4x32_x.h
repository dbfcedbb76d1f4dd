// cuRAND's Philox on the CPU: the toolkit's own header where the Makefile found one, in its host
// form, else the same ten rounds written down again (Salmon et al., SC11).
#pragma once

#include <cuda_runtime.h>

#ifdef SAC_CURAND
#define QUALIFIERS static inline
#define NV_IF_ELSE_TARGET(where, on_host, on_device) on_host
#include SAC_CURAND
#else
static inline uint4 curand_Philox4x32_10(uint4 c, uint2 key) {
  for (int round = 0; round < 10; round++) {
    uint64_t low = (uint64_t)c.x * 0xD2511F53u, high = (uint64_t)c.z * 0xCD9E8D57u;
    c = {(uint32_t)(high >> 32) ^ c.y ^ key.x, (uint32_t)high, (uint32_t)(low >> 32) ^ c.w ^ key.y,
         (uint32_t)low};
    key.x += 0x9E3779B9u;
    key.y += 0xBB67AE85u;
  }
  return c;
}
#endif
