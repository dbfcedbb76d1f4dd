// The marks of what gcc and a device's compiler both compile. The device's own are defined before
// the first header that needs them (kernels/kernel.cuh).
#pragma once

#ifndef SAC_HOST_DEVICE
/// A function for both. Always inlined, so that a loop over an element formula becomes vector code.
#define SAC_HOST_DEVICE static inline __attribute__((always_inline))
/// A constant table for both.
#define SAC_TABLE static const
#endif
