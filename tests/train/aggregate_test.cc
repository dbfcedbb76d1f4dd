// Statistics over seeds against numpy: scripts/aggregate_reference.py made the numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

extern "C" {
#include "train/aggregate.h"
}

namespace {

sac_aggregate aggregate(const std::vector<double> &values, const std::vector<int> &sizes) {
  sac_scores scores = {values.data(), (int)sizes.size(), sizes.data()};
  sac_aggregate out;
  EXPECT_EQ(sac_aggregate_scores(&scores, &out, nullptr), SAC_OK);
  return out;
}

void expect_near(const sac_statistic &is, double value, double low, double high) {
  EXPECT_NEAR(is.value, value, 1e-9 * std::abs(value));
  EXPECT_NEAR(is.low, low, 1e-9 * std::abs(low));
  EXPECT_NEAR(is.high, high, 1e-9 * std::abs(high));
}

TEST(Aggregate, OneTask) {
  sac_aggregate out =
      aggregate({-148.2, -151.9, -139.4, -163.0, -145.5, -150.1, -147.7, -155.3}, {8});
  expect_near(out.mean, -150.1375, -154.7875, -145.9990625);
  expect_near(out.median, -149.14999999999998, -155.3, -145.5);
  expect_near(out.iqm, -149.475, -155.325, -145.67374999999998);
}

TEST(Aggregate, FiveSeeds) {
  sac_aggregate out = aggregate({9.1, 3.5, 8.8, -2.0, 7.25}, {5});
  expect_near(out.mean, 5.33, 1.3199999999999998, 8.491499999999991);
  expect_near(out.median, 7.25, -2.0, 9.1);
  expect_near(out.iqm, 6.516666666666667, 1.0833333333333333, 9.0);
}

TEST(Aggregate, TwoTasks) {
  sac_aggregate out = aggregate({0.2, 0.9, 0.4, 0.55, 0.71, 1.4, 0.8, 1.9}, {5, 3});
  expect_near(out.mean, 0.8575000000000002, 0.6275, 1.0787499999999999);
  expect_near(out.median, 0.755, 0.47500000000000003, 0.9);
  expect_near(out.iqm, 0.74, 0.5375000000000001, 1.025);
}

TEST(Aggregate, OrderChangesNoStatistic) {
  sac_aggregate a = aggregate({3, 1, 2, 10, -5}, {5}), b = aggregate({10, -5, 1, 2, 3}, {5});
  EXPECT_DOUBLE_EQ(a.mean.value, b.mean.value);
  EXPECT_EQ(a.median.value, b.median.value);
  EXPECT_EQ(a.iqm.value, 2);
  EXPECT_EQ(b.iqm.value, 2);
}

TEST(Aggregate, OneValueIsCertain) {
  double value = -150;
  sac_aggregate out;
  ASSERT_EQ(sac_aggregate_returns(&value, 1, &out, nullptr), SAC_OK);
  EXPECT_EQ(out.n, 1);
  for (const sac_statistic &one : {out.mean, out.median, out.iqm}) {
    EXPECT_EQ(one.value, -150);
    EXPECT_EQ(one.low, -150);
    EXPECT_EQ(one.high, -150);
  }
}

TEST(Aggregate, OfNothingThereIsNothing) {
  sac_aggregate out;
  ASSERT_EQ(sac_aggregate_returns(nullptr, 0, &out, nullptr), SAC_OK);
  EXPECT_EQ(out.n, 0);
  EXPECT_TRUE(std::isnan(out.mean.value) && std::isnan(out.iqm.high));
}

// strata stay apart: equal values within each leave nothing to chance
TEST(Aggregate, ResamplesWithinStrata) {
  sac_aggregate apart = aggregate({1, 1, 1, 9, 9, 9}, {3, 3}),
                mixed = aggregate({1, 1, 1, 9, 9, 9}, {6});
  EXPECT_EQ(apart.mean.low, 5);
  EXPECT_EQ(apart.mean.high, 5);
  EXPECT_LT(mixed.mean.low, 4);
  EXPECT_GT(mixed.mean.high, 6);
}

}  // namespace
