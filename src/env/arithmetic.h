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

/// `numpy.linalg.norm` of a short vector: its BLAS adds the squares by fused multiply-adds.
SAC_HOST_DEVICE double sac_norm(const double *x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum = fma(x[i], x[i], sum);
  return sqrt(sum);
}

/// `numpy.sum` of at most 128 values that lie one after the other: eight running sums from eight
/// values on, else one.
#define SAC_NUMPY_SUM(name, type)                         \
  SAC_HOST_DEVICE type name(const type *x, int n) {       \
    type sum = 0, part[8];                                \
    int i = 0;                                            \
    if (n >= 8) {                                         \
      for (int j = 0; j < 8; j++) part[j] = x[j];         \
      for (i = 8; i < n - n % 8; i += 8)                  \
        for (int j = 0; j < 8; j++) part[j] += x[i + j];  \
      sum = ((part[0] + part[1]) + (part[2] + part[3])) + \
            ((part[4] + part[5]) + (part[6] + part[7]));  \
    }                                                     \
    for (; i < n; i++) sum += x[i];                       \
    return sum;                                           \
  }
SAC_NUMPY_SUM(sac_sum, double)
SAC_NUMPY_SUM(sac_sum_float, float)
