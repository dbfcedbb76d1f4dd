// Arithmetic in the way of the reference environments: on the host to the last bit.
#pragma once

#include <math.h>

#include "base/host_device.h"

/// NaN stays NaN, as in NumPy's clip.
SAC_HOST_DEVICE double sac_clamp(double value, double low, double high) {
  return value < low ? low : value > high ? high : value;
}

#ifdef SAC_ON_DEVICE
SAC_HOST_DEVICE double sac_narrow(double value) {
  return (float)value;
}
SAC_HOST_DEVICE double sac_square(double value) {
  return value * value;
}
SAC_HOST_DEVICE float sac_square_float(float value) {
  return value * value;
}
#else
/// The nearest float32. Volatile because GCC 12 at -O2 and above takes two neighbours that are made
/// float and double again for unchanged (its SLP vectoriser; the reference traces show it).
SAC_HOST_DEVICE double sac_narrow(double value) {
  volatile float narrow = (float)value;
  return (double)narrow;
}
/// `value ** 2` of a NumPy scalar: the library's pow, which now and then differs from value *
/// value. The exponent is volatile because compilers turn pow(x, 2) into x * x.
SAC_HOST_DEVICE double sac_square(double value) {
  volatile double two = 2;
  return pow(value, two);
}
SAC_HOST_DEVICE float sac_square_float(float value) {
  volatile float two = 2;
  return powf(value, two);
}
#endif
