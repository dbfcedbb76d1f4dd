// The element functions over strided sweeps of all float bit patterns, against libm in float64.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tolerance.h"

extern "C" {
#include "backend/formulas/gaussian.h"
#include "backend/formulas/losses.h"
#include "backend/formulas/random.h"
}

using sac_test::scale_of_tolerance;

namespace {

constexpr uint32_t kStride = 4099;  // prime: about a million patterns
constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Error in units in the last place of the float nearest `want`.
double ulps(float got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e9;
  float nearest = (float)want;
  if (std::isinf(nearest) || std::isinf(got)) return got == nearest ? 0 : 1e9;
  int exponent = 0;
  std::frexp(nearest, &exponent);
  double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::abs((double)got - want) / ulp;
}

/// Largest error of f over every kStride-th float, NaNs and infinities included, where `keep`.
template <class F, class G, class K>
double worst(F f, G reference, K keep) {
  double most = 0;
  float at = 0;
  for (uint64_t bits = 0; bits < (1ull << 32); bits += kStride) {
    float x = sac_float_from_bits((uint32_t)bits);
    if (!keep(x)) continue;
    double error = ulps(f(x), reference((double)x));
    if (error > most) most = error, at = x;
  }
  EXPECT_LT(most, 1e8) << "at " << at;
  return most;
}

bool every(float) {
  return true;
}

TEST(Formulas, ExpIsWithinTwoUlp) {
  EXPECT_LT(
      worst([](float x) { return sac_float_exp(x); }, [](double x) { return std::exp(x); }, every),
      2 * scale_of_tolerance());
  EXPECT_EQ(kInf, sac_float_exp(kInf));
  EXPECT_EQ(0, sac_float_exp(-kInf));
  EXPECT_EQ(1, sac_float_exp(0));
  EXPECT_TRUE(std::isnan(sac_float_exp(kNaN)));
}

TEST(Formulas, ExpIsAccurateWherePoliciesUseIt) {
  double most = 0;
  for (float x = -25; x < 5; x += 1e-4f)
    most = std::max(most, ulps(sac_float_exp(x), std::exp((double)x)));
  EXPECT_LT(most, 2 * scale_of_tolerance());
}

TEST(Formulas, LogIsWithinTwoUlp) {
  EXPECT_LT(
      worst([](float x) { return sac_float_log(x); }, [](double x) { return std::log(x); }, every),
      2 * scale_of_tolerance());
  EXPECT_EQ(-kInf, sac_float_log(0));
  EXPECT_EQ(-kInf, sac_float_log(-0.0f));
  EXPECT_EQ(kInf, sac_float_log(kInf));
  EXPECT_EQ(0, sac_float_log(1));
  EXPECT_TRUE(std::isnan(sac_float_log(-1)));
  EXPECT_TRUE(std::isnan(sac_float_log(kNaN)));
}

TEST(Formulas, LogIsAccurateNearOne) {
  double most = 0;
  for (float x = 0.5f; x < 2; x += 1e-5f)
    most = std::max(most, ulps(sac_float_log(x), std::log((double)x)));
  EXPECT_LT(most, 2 * scale_of_tolerance());
}

TEST(Formulas, TanhIsWithinThreeUlp) {
  EXPECT_LT(worst([](float x) { return sac_float_tanh(x); }, [](double x) { return std::tanh(x); },
                  every),
            3 * scale_of_tolerance());
  EXPECT_EQ(1, sac_float_tanh(kInf));
  EXPECT_EQ(-1, sac_float_tanh(-kInf));
  EXPECT_EQ(-0.0f, sac_float_tanh(-0.0f));
  EXPECT_TRUE(std::isnan(sac_float_tanh(kNaN)));
}

TEST(Formulas, TanhNeverLeavesTheUnitInterval) {
  for (float x = -12; x < 12; x += 1e-3f) EXPECT_LE(std::abs(sac_float_tanh(x)), 1);
}

TEST(Formulas, SincosIsWithinItsAbsoluteError) {
  const double pi = std::acos(-1.0);
  double most = 0;
  for (uint32_t word = 0; word < 0xffffff00u; word += 0x2001) {
    float turn = sac_uniform(word), sine, cosine;
    sac_float_sincos(turn, &sine, &cosine);
    most = std::max(most, std::abs(sine - std::sin(2 * pi * turn)));
    most = std::max(most, std::abs(cosine - std::cos(2 * pi * turn)));
  }
  EXPECT_LT(most, 1.3e-7 * scale_of_tolerance());
}

TEST(Formulas, Log1pIsAccurateFromZeroToOne) {
  double most = 0;
  for (uint32_t bits = 0; bits <= 0x3f800000u; bits += 1021) {
    float y = sac_float_from_bits(bits);
    double want = std::log1p((double)y);
    most = std::max(most, std::abs((double)sac_math_log1p(y) - want) / std::max(want, 1e-37));
  }
  EXPECT_LT(most, sac_test::tolerance(3e-7, 1e-15));
}

double exact_correction(double u) {
  u = std::abs(u);
  return 2 * (std::log(2.0) - u - std::log1p(std::exp(-2 * u)));
}

TEST(Formulas, SquashCorrectionIsFiniteAndExactFarOut) {
  // ALGORITHMS of the paper's appendix C: -10.61372 at 6, -16.6137 at 9, where log(1 - a^2) fails
  EXPECT_NEAR(-10.61372, sac_squash_correction(6), 1e-4);
  EXPECT_NEAR(-16.61370, sac_squash_correction(-9), 1e-4);
  for (double u = -50; u < 50; u += 0.003) {
    double want = exact_correction((sac_real)u);
    ASSERT_NEAR(want, sac_squash_correction((sac_real)u),
                sac_test::tolerance(3e-7, 1e-14) * (1 + std::abs(want)))
        << u;
  }
}

TEST(Formulas, Sech2KeepsItsRelativeAccuracyFarOut) {
  for (double u = -40; u < 40; u += 0.003) {
    double cosh = std::cosh((double)(sac_real)u), want = 1 / (cosh * cosh);
    ASSERT_NEAR(1, sac_math_sech2((sac_real)u) / want, sac_test::tolerance(1e-6, 1e-13)) << u;
  }
}

TEST(Formulas, SoftplusAndSigmoidNeitherOverflowNorLoseSmallValues) {
  for (double x = -80; x < 200; x += 0.01) {
    double softplus =
        std::max((double)(sac_real)x, 0.0) + std::log1p(std::exp(-std::abs((double)(sac_real)x)));
    ASSERT_NEAR(1, sac_math_softplus((sac_real)x) / softplus, sac_test::tolerance(6e-7, 1e-13))
        << x;
    double sigmoid = 1 / (1 + std::exp(-(double)(sac_real)x));
    ASSERT_NEAR(1, sac_math_sigmoid((sac_real)x) / sigmoid, sac_test::tolerance(6e-7, 1e-13)) << x;
  }
}

TEST(Formulas, IndexIsUnbiasedOverAllWords) {
  // with count 3 * 2^30 each quotient must be rejected exactly where 2^32 mod count asks for it
  const uint32_t count = 3u << 30;
  uint64_t accepted = 0, rejected = 0;
  uint32_t index = 0;
  for (uint64_t word = 0; word < (1ull << 32); word += 65537) {
    bool ok = sac_index_accept((uint32_t)word, count, &index);
    accepted += ok, rejected += !ok;
    EXPECT_TRUE(!ok || index < count);
  }
  EXPECT_NEAR(0.25, (double)rejected / (double)(accepted + rejected), 1e-3);
}

TEST(Formulas, IndicesOfASmallCountAreEquallyLikely) {
  const int count = 7, draws = 140000;
  int seen[count] = {0};
  for (int k = 0; k < draws; k++) seen[sac_index_draw(5, SAC_DRAW_REPLAY, 3, (uint32_t)k, count)]++;
  double chi2 = 0, want = (double)draws / count;
  for (int n : seen) chi2 += (n - want) * (n - want) / want;
  EXPECT_LT(chi2, 22.5);  // 6 degrees of freedom: exceeded once in a thousand
}

TEST(Formulas, ARejectedWordIsFollowedByTheNext) {
  // a count just above 2^31 rejects nearly half of the words
  const uint32_t count = (1u << 31) + 1;
  double sum = 0;
  const int draws = 20000;
  for (int k = 0; k < draws; k++) {
    uint32_t index = sac_index_draw(9, SAC_DRAW_REPLAY, 0, (uint32_t)k, count);
    ASSERT_LT(index, count);
    sum += (double)index / count;
  }
  EXPECT_NEAR(0.5, sum / draws, 4 / std::sqrt(12.0 * draws));
}

TEST(Formulas, MinimumTakesTheFirstOfEqualsAndShowsNaN) {
  EXPECT_FALSE(sac_minimum_moves(1, 1));
  EXPECT_TRUE(sac_minimum_moves((sac_real)0.5, 1));
  EXPECT_TRUE(sac_minimum_moves(kNaN, 1));
  EXPECT_FALSE(sac_minimum_moves(1, kNaN));
}

}  // namespace
