// The vector type of this build's instruction set, and the names that tell the builds apart: every
// file of this room but cpu.c is compiled once for each SAC_SIMD of the Makefile.
#pragma once

#include "base/real.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define SAC_JOIN3(a, b, c) a##b##_##c
#define SAC_JOIN(a, b, c) SAC_JOIN3(a, b, c)
/// sac_cpu_avx2_linear_forward, ...: the external names of this build.
#define SAC_CPU(name) SAC_JOIN(sac_cpu_, SAC_SIMD, name)

// A product tile of SAC_TILE_ROWS x SAC_TILE_WIDTH vectors fills the registers; a wide tile loads
// less for each multiply-add, which matters where two hardware threads share a core's front end.
#define SAC_TILE_ROWS 6
#if defined(__AVX512F__)
#define SAC_VECTOR_BYTES 64
#define SAC_TILE_WIDTH 4
#elif defined(__AVX2__)
#define SAC_VECTOR_BYTES 32
#define SAC_TILE_WIDTH 2
#else
#define SAC_VECTOR_BYTES 16
#define SAC_TILE_WIDTH 2
#endif
#define SAC_LANES (SAC_VECTOR_BYTES / SAC_REAL_BYTES)

/// Before a loop of at most 24 known steps: straight-line code, so that arrays become registers.
#if defined(__clang__)
#define SAC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SAC_UNROLL _Pragma("GCC unroll 24")
#endif

/// Before the loop over k of a product.
#if defined(__clang__)
#define SAC_UNROLL_STEPS _Pragma("clang loop unroll_count(4)")
#else
#define SAC_UNROLL_STEPS _Pragma("GCC unroll 4")
#endif

typedef sac_real sac_vector __attribute__((vector_size(SAC_VECTOR_BYTES)));
typedef sac_real sac_vector_loose
    __attribute__((vector_size(SAC_VECTOR_BYTES), aligned(SAC_REAL_BYTES), may_alias));
typedef __typeof__((sac_vector){0} < (sac_vector){0}) sac_vector_mask;
#if SAC_REAL_BYTES == 4
typedef uint32_t sac_vector_words __attribute__((vector_size(SAC_VECTOR_BYTES)));
#else
typedef uint64_t sac_vector_words __attribute__((vector_size(SAC_VECTOR_BYTES)));
#endif

static inline sac_vector sac_vector_load(const sac_real *from) {
  return *(const sac_vector_loose *)from;
}

static inline void sac_vector_store(sac_real *to, sac_vector x) {
  *(sac_vector_loose *)to = x;
}

static inline sac_vector sac_vector_fill(sac_real x) {
  return x - (sac_vector){0};
}

// The first `count` lanes from and to memory, the others zero or left alone. Lanes are moved as
// 32-bit words, so that one version serves float and double.
#if defined(__AVX512F__)
static inline __mmask16 sac_words_mask(int count) {
  return (__mmask16)((1u << (count * SAC_REAL_BYTES / 4)) - 1u);
}
static inline sac_vector sac_vector_load_some(const sac_real *from, int count) {
  return (sac_vector)_mm512_maskz_loadu_epi32(sac_words_mask(count), from);
}
static inline void sac_vector_store_some(sac_real *to, sac_vector x, int count) {
  _mm512_mask_storeu_epi32(to, sac_words_mask(count), (__m512i)x);
}
#elif defined(__AVX2__)
static inline __m256i sac_words_mask(int count) {
  __m256i words = _mm256_set1_epi32(count * SAC_REAL_BYTES / 4);
  return _mm256_cmpgt_epi32(words, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline sac_vector sac_vector_load_some(const sac_real *from, int count) {
  return (sac_vector)_mm256_maskload_epi32((const int *)from, sac_words_mask(count));
}
static inline void sac_vector_store_some(sac_real *to, sac_vector x, int count) {
  _mm256_maskstore_epi32((int *)to, sac_words_mask(count), (__m256i)x);
}
#else
static inline sac_vector sac_vector_load_some(const sac_real *from, int count) {
  sac_vector x = {0};
  for (int i = 0; i < count; i++) x[i] = from[i];
  return x;
}
static inline void sac_vector_store_some(sac_real *to, sac_vector x, int count) {
  for (int i = 0; i < count; i++) to[i] = x[i];
}
#endif

/// x where the mask is not set, else zero.
static inline sac_vector sac_vector_clear(sac_vector_mask mask, sac_vector x) {
  return (sac_vector)((sac_vector_mask)x & ~mask);
}

/// x, or zero where it is below. NaN stays: where a maximum cannot compare it takes its second
/// operand.
static inline sac_vector sac_vector_relu(sac_vector x) {
#if defined(__AVX512F__) && SAC_REAL_BYTES == 4
  return (sac_vector)_mm512_max_ps(_mm512_setzero_ps(), (__m512)x);
#elif defined(__AVX2__) && !defined(__AVX512F__) && SAC_REAL_BYTES == 4
  return (sac_vector)_mm256_max_ps(_mm256_setzero_ps(), (__m256)x);
#else
  return sac_vector_clear(x < (sac_vector){0}, x);
#endif
}

/// Bit j says that lane j is not zero; NaN is not.
static inline unsigned sac_vector_nonzero(sac_vector x) {
#if defined(__AVX512F__) && SAC_REAL_BYTES == 4
  return _mm512_cmp_ps_mask((__m512)x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
#elif defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)x, _mm512_setzero_pd(), _CMP_NEQ_UQ);
#elif defined(__AVX2__) && SAC_REAL_BYTES == 4
  return (unsigned)_mm256_movemask_ps((__m256)(x != (sac_vector){0}));
#elif defined(__AVX2__)
  return (unsigned)_mm256_movemask_pd((__m256d)(x != (sac_vector){0}));
#else
  unsigned bits = 0;
  for (int j = 0; j < SAC_LANES; j++) bits |= (unsigned)(x[j] != 0) << j;
  return bits;
#endif
}

// Transposition of a square of vectors swaps bit by bit of (row, lane): at distance d, the two rows
// i and i + d exchange the lanes whose bit d differs.
#define SAC_LOW(j, d) (((j) & (d)) ? (j) - (d) + SAC_LANES : (j))
#define SAC_HIGH(j, d) (((j) & (d)) ? (j) + SAC_LANES : (j) + (d))
#if SAC_LANES == 16
#define SAC_EACH_LANE(f, d)                                                                 \
  f(0, d), f(1, d), f(2, d), f(3, d), f(4, d), f(5, d), f(6, d), f(7, d), f(8, d), f(9, d), \
      f(10, d), f(11, d), f(12, d), f(13, d), f(14, d), f(15, d)
#elif SAC_LANES == 8
#define SAC_EACH_LANE(f, d) f(0, d), f(1, d), f(2, d), f(3, d), f(4, d), f(5, d), f(6, d), f(7, d)
#elif SAC_LANES == 4
#define SAC_EACH_LANE(f, d) f(0, d), f(1, d), f(2, d), f(3, d)
#else
#define SAC_EACH_LANE(f, d) f(0, d), f(1, d)
#endif
#define SAC_SWAP(x, d)                                                                       \
  for (int i = 0; i < SAC_LANES; i++) {                                                      \
    if (i & (d)) continue;                                                                   \
    sac_vector low = __builtin_shufflevector(x[i], x[i + (d)], SAC_EACH_LANE(SAC_LOW, d));   \
    sac_vector high = __builtin_shufflevector(x[i], x[i + (d)], SAC_EACH_LANE(SAC_HIGH, d)); \
    x[i] = low;                                                                              \
    x[i + (d)] = high;                                                                       \
  }
#if SAC_LANES == 16
#define SAC_SWAP_ALL(x) SAC_SWAP(x, 8) SAC_SWAP(x, 4) SAC_SWAP(x, 2) SAC_SWAP(x, 1)
#elif SAC_LANES == 8
#define SAC_SWAP_ALL(x) SAC_SWAP(x, 4) SAC_SWAP(x, 2) SAC_SWAP(x, 1)
#elif SAC_LANES == 4
#define SAC_SWAP_ALL(x) SAC_SWAP(x, 2) SAC_SWAP(x, 1)
#else
#define SAC_SWAP_ALL(x) SAC_SWAP(x, 1)
#endif

/// Sum over the lanes, halving: lane i takes lane i + d for d = LANES / 2 .. 1, as does lane i + d.
#define SAC_OTHER(j, d) ((j) ^ (d))
#define SAC_FOLD(x, d) x += __builtin_shufflevector(x, x, SAC_EACH_LANE(SAC_OTHER, d))
static inline sac_real sac_vector_sum(sac_vector x) {
#if SAC_LANES >= 16
  SAC_FOLD(x, 8);
#endif
#if SAC_LANES >= 8
  SAC_FOLD(x, 4);
#endif
#if SAC_LANES >= 4
  SAC_FOLD(x, 2);
#endif
  SAC_FOLD(x, 1);
  return x[0];
}

static inline void sac_vector_transpose(sac_vector x[SAC_LANES]) {
  SAC_SWAP_ALL(x)
}
