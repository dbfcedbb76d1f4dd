// The floating-point type of networks, batches and replay: float, or double in the build that
// checks gradients.
#pragma once

#ifndef SAC_REAL
#define SAC_REAL float
#endif

typedef SAC_REAL sac_real;

// the size of sac_real, for the preprocessor
#define SAC_REAL_BYTES_float 4
#define SAC_REAL_BYTES_double 8
#define SAC_REAL_BYTES_OF(type) SAC_REAL_BYTES_##type
#define SAC_REAL_BYTES_PASTE(type) SAC_REAL_BYTES_OF(type)
#define SAC_REAL_BYTES SAC_REAL_BYTES_PASTE(SAC_REAL)
