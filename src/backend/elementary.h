// exp, log, tanh and their kin for the element formulas: branch-free in float, so that a loop over
// them becomes vector code on every device; in the double build they are libm's.
// Each states its largest error in units in the last place (ulp), over every finite result that is
// not denormal; NaN gives NaN, and infinities the limit. Polynomials: minimax fits in float64.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/philox.h"
#include "base/real.h"

SAC_HOST_DEVICE uint32_t sac_float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

SAC_HOST_DEVICE float sac_float_from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/// condition ? yes : no, by bits: a plain choice may become a branch, and then no vector code.
SAC_HOST_DEVICE float sac_float_select(int condition, float yes, float no) {
  uint32_t mask = 0u - (uint32_t)condition;
  return sac_float_from_bits((sac_float_bits(yes) & mask) | (sac_float_bits(no) & ~mask));
}

/// e^x, 2 ulp; gradual underflow to 0 below -103.98, infinity above 88.73.
SAC_HOST_DEVICE float sac_float_exp(float x) {
  float y = sac_float_select(x > 89.0f, 89.0f, x);
  y = sac_float_select(y < -105.0f, -105.0f, y);
  // y = n log 2 + r: adding 1.5 * 2^23 rounds to a whole number, held in the low bits
  float shifted = y * 1.44269504f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = (y - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 0.0013813145f;
  p = p * r + 0.008369419f;
  p = p * r + 0.041668456f;
  p = p * r + 0.16666515f;
  p = p * r + 0.49999994f;
  p = 1.0f + (r + r * r * p);
  // 2^n in two halves, so that neither leaves the range of a float
  uint32_t power = sac_float_bits(shifted) - 0x4B400000u;
  uint32_t half = (uint32_t)((int32_t)power >> 1);
  return p * sac_float_from_bits((half + 127u) << 23) *
         sac_float_from_bits((power - half + 127u) << 23);
}

/// log x, 2 ulp; -infinity at 0, NaN below.
SAC_HOST_DEVICE float sac_float_log(float x) {
  int tiny = x < 1.17549435e-38f;
  uint32_t bits = sac_float_bits(sac_float_select(tiny, x * 8388608.0f, x));
  // x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2))
  int32_t power = (int32_t)(bits - 0x3F3504F3u) >> 23;
  float f = sac_float_from_bits(bits - ((uint32_t)power << 23)) - 1.0f;
  float n = (float)(power - 23 * tiny);
  float p = 0.06746644f;
  p = p * f - 0.116756566f;
  p = p * f + 0.118881635f;
  p = p * f - 0.124055885f;
  p = p * f + 0.14219552f;
  p = p * f - 0.16667996f;
  p = p * f + 0.20002119f;
  p = p * f - 0.2500001f;
  p = p * f + 0.33333313f;
  float tail = f * f * (f * p - 0.5f) - n * 2.12194440e-4f;
  float y = (f + tail) + n * 0.693359375f;
  // what is not positive and finite: 0, below 0, infinity, NaN
  float edge = sac_float_select(x == 0.0f, -INFINITY, sac_float_select(x < 0.0f, NAN, x));
  return sac_float_select((x > 0.0f) & (x < INFINITY), y, edge);
}

/// tanh x, 2 ulp.
SAC_HOST_DEVICE float sac_float_tanh(float x) {
  float size = fabsf(x), z = x * x;
  float p = -0.005704985f;
  p = p * z + 0.020639086f;
  p = p * z - 0.053739715f;
  p = p * z + 0.13331442f;
  p = p * z - 0.3333328f;
  float small = x + x * z * p;
  float large = 1.0f - 2.0f / (sac_float_exp(2.0f * size) + 1.0f);
  return sac_float_select(size < 0.625f, small, sac_float_select(x < 0.0f, -large, large));
}

/// sin and cos of `turn` whole turns, 0 <= turn <= 1; absolute error 1.2e-7.
SAC_HOST_DEVICE void sac_float_sincos(float turn, float *sine, float *cosine) {
  float shifted = turn * 4.0f + 12582912.0f;
  uint32_t quarter = sac_float_bits(shifted);
  float f = turn - (shifted - 12582912.0f) * 0.25f, z = f * f;
  float s = 41.469894f;
  s = s * z - 76.69778f;
  s = s * z + 81.6052f;
  s = s * z - 41.3417f;
  s = f * (s * z + 6.2831855f);
  float c = 59.245964f;
  c = c * z - 85.44374f;
  c = c * z + 64.93932f;
  c = c * z - 19.739208f;
  c = 1.0f + z * c;
  float of_sine = quarter & 1u ? c : s, of_cosine = quarter & 1u ? s : c;
  *sine = quarter & 2u ? -of_sine : of_sine;
  *cosine = (quarter + 1u) & 2u ? -of_cosine : of_cosine;
}

#if SAC_REAL_BYTES == 4
SAC_HOST_DEVICE sac_real sac_math_exp(sac_real x) {
  return sac_float_exp(x);
}
SAC_HOST_DEVICE sac_real sac_math_log(sac_real x) {
  return sac_float_log(x);
}
SAC_HOST_DEVICE sac_real sac_math_tanh(sac_real x) {
  return sac_float_tanh(x);
}
SAC_HOST_DEVICE sac_real sac_math_sqrt(sac_real x) {
  return sqrtf(x);
}
SAC_HOST_DEVICE sac_real sac_math_size(sac_real x) {
  return fabsf(x);
}
SAC_HOST_DEVICE void sac_math_sincos(sac_real turn, sac_real *sine, sac_real *cosine) {
  sac_float_sincos(turn, sine, cosine);
}
/// log(1 + y) for 0 <= y <= 1, 2 ulp: the rounding of 1 + y is put back.
SAC_HOST_DEVICE sac_real sac_math_log1p(sac_real y) {
  float u = 1.0f + y;
  return sac_float_log(u) + (y - (u - 1.0f)) / u;
}
#else
SAC_HOST_DEVICE sac_real sac_math_exp(sac_real x) {
  return exp(x);
}
SAC_HOST_DEVICE sac_real sac_math_log(sac_real x) {
  return log(x);
}
SAC_HOST_DEVICE sac_real sac_math_tanh(sac_real x) {
  return tanh(x);
}
SAC_HOST_DEVICE sac_real sac_math_sqrt(sac_real x) {
  return sqrt(x);
}
SAC_HOST_DEVICE sac_real sac_math_size(sac_real x) {
  return fabs(x);
}
SAC_HOST_DEVICE void sac_math_sincos(sac_real turn, sac_real *sine, sac_real *cosine) {
  *sine = sin(6.283185307179586477 * turn);
  *cosine = cos(6.283185307179586477 * turn);
}
SAC_HOST_DEVICE sac_real sac_math_log1p(sac_real y) {
  return log1p(y);
}
#endif

/// log(1 + e^x), without overflow.
SAC_HOST_DEVICE sac_real sac_math_softplus(sac_real x) {
  sac_real rest = sac_math_log1p(sac_math_exp(-sac_math_size(x)));
  return x > 0 ? x + rest : rest;
}

/// 1 / (1 + e^-x), the derivative of softplus.
SAC_HOST_DEVICE sac_real sac_math_sigmoid(sac_real x) {
  return 1 / (1 + sac_math_exp(-x));
}

/// 1 - tanh^2 x, with full relative accuracy where tanh x is near 1.
SAC_HOST_DEVICE sac_real sac_math_sech2(sac_real x) {
  sac_real e = sac_math_exp(-2 * sac_math_size(x));
  return 4 * e / ((1 + e) * (1 + e));
}
