// Single steps: limits, certainty, the prior's zeros.
#include "inference/tables.h"

namespace {

using namespace sac_test;

constexpr auto kExact = SAC_INFERENCE_EXACT, kVariational = SAC_INFERENCE_VARIATIONAL;

class SoftBackup : public testing::Test {
 protected:
  // two choices of one state; the first leads to `n` states with these probabilities
  void make(const Vector &probabilities) {
    int n = static_cast<int>(probabilities.size());
    std::vector<sac_transition> list;
    for (int i = 0; i < n; i++) list.push_back({0, 0, i, 0, 0, probabilities[i]});
    list.push_back({0, 1, 0, 0, 0, 1});
    ASSERT_EQ(sac_mdp_stage_create(n, 2, list.data(), n + 1, &stage, nullptr), SAC_OK);
  }
  ~SoftBackup() override { sac_mdp_stage_destroy(stage); }

  double q(sac_inference_mode mode, double temperature, const Vector &v, double discount = 1) {
    sac_soft_backup backup = {mode, temperature, discount};
    return sac_soft_backup_q(&backup, stage, 0, v.data());
  }

  sac_mdp_stage *stage = nullptr;
};

TEST_F(SoftBackup, CertainOutcomesAreTakenAsTheyAre) {
  make({1});
  EXPECT_EQ(q(kExact, 0.37, {-1.1}), -1.1);
  EXPECT_EQ(q(kVariational, 0.37, {-1.1}), -1.1);
}

// alpha log E exp(V / alpha) = E V + var V / (2 alpha) + O(1 / alpha^2)
TEST_F(SoftBackup, TheHeatKeepsEveryDigit) {
  make({0.25, 0.75});
  const Vector v = {1, -3};
  double mean = 0.25 - 2.25, variance = 0.25 * 0.75 * 16;
  for (double temperature : {1e6, 1e9, 1e12, 1e15})
    EXPECT_NEAR(q(kExact, temperature, v), mean + variance / 2 / temperature,
                1e-15 + 40 / temperature / temperature);
}

TEST_F(SoftBackup, RareLuckIsNotLost) {
  make({1e-30, 1 - 1e-30});
  EXPECT_NEAR(q(kExact, 1, {0, -500}), -30 * std::log(10.0), 1e-12);
  EXPECT_NEAR(q(kExact, 1e-3, {0, -500}), -0.03 * std::log(10.0), 1e-14);
}

TEST_F(SoftBackup, DiscountEndsInAStateOfValueZero) {
  make({0.5, 0.5});
  const Vector v = {-1, 2};
  double expected = std::log(0.8 * (0.5 * std::exp(-1.0) + 0.5 * std::exp(2.0)) + 0.2);
  EXPECT_NEAR(q(kExact, 1, v, 0.8), expected, 1e-15);
  EXPECT_NEAR(q(kVariational, 1, v, 0.8), 0.4, 1e-15);
}

TEST_F(SoftBackup, WhatThePriorExcludesIsNeverDone) {
  make({0.5, 0.5});
  stage->prior[0] = 0;
  stage->prior[1] = 1;
  sac_soft_backup backup = {kExact, 1, 1};
  const Vector next = {-7, 50};
  Vector found(2), v(2), policy(2);
  sac_soft_backup_all(&backup, stage, next.data(), found.data(), v.data(), policy.data());
  EXPECT_GT(found[0], 40);
  EXPECT_EQ(v[0], -7);
  EXPECT_EQ(policy[0], 0);
  EXPECT_EQ(policy[1], 1);
  EXPECT_EQ(v[1], 0);
}

}  // namespace
