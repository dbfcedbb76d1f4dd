// The floating-point type of networks, batches and replay: float, or double in the build that
// checks gradients.
#pragma once

#ifndef SAC_REAL
#define SAC_REAL float
#endif

typedef SAC_REAL sac_real;
