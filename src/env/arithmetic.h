// Arithmetic in the way of the reference environments, to the last bit.
#pragma once

#include <math.h>

/// NaN stays NaN, as in NumPy's clip.
static inline double sac_clamp(double value, double low, double high) {
  return value < low ? low : value > high ? high : value;
}

/// `value ** 2` of a NumPy scalar: the library's pow, which now and then differs from value *
/// value. The exponent is volatile because compilers turn pow(x, 2) into x * x.
static inline double sac_square(double value) {
  volatile double two = 2;
  return pow(value, two);
}
static inline float sac_square_float(float value) {
  volatile float two = 2;
  return powf(value, two);
}
