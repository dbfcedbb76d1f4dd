// Running statistics against those of everything at once.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

extern "C" {
#include "data/normaliser.h"
}

namespace {

// what VecNormalize's start counts for: a weight of 1e-4 at mean 0, variance 1
struct Moments {
  double count = 1e-4, sum = 0, squares = 1e-4;
  void add(double x) {
    count += 1;
    sum += x;
    squares += x * x;
  }
  double mean() const { return sum / count; }
  double var() const { return squares / count - mean() * mean(); }
};

class Normaliser {
 public:
  Normaliser(int obs_dim, int n_envs, double gamma) {
    sac_error err = {};
    EXPECT_EQ(SAC_OK, sac_normaliser_create(obs_dim, n_envs, gamma, &raw, &err)) << err.text;
  }
  ~Normaliser() { sac_normaliser_destroy(raw); }
  sac_normaliser *raw = nullptr;
};

TEST(Normaliser, ObservationsHaveTheMomentsOfAllThatWereSeen) {
  const int dim = 3, n_envs = 4, ld = 5;
  Normaliser self(dim, n_envs, 0.9);
  EXPECT_NEAR(1, (double)self.raw->obs_scale[0], 1e-6);
  std::vector<Moments> all(dim);
  for (int step = 0; step < 50; step++) {
    std::vector<sac_real> rows(n_envs * ld, NAN);
    for (int i = 0; i < n_envs; i++)
      for (int j = 0; j < dim; j++) {
        sac_real x = (sac_real)(100 * j + std::sin(step + 3.0 * i) * (j + 1));
        rows[(size_t)(i * ld + j)] = x;
        all[(size_t)j].add((double)x);
      }
    sac_normaliser_see(self.raw, rows.data(), ld);
  }
  for (int j = 0; j < dim; j++) {
    EXPECT_NEAR(all[(size_t)j].mean(), self.raw->obs.mean[j], 1e-9);
    EXPECT_NEAR(all[(size_t)j].var(), self.raw->obs.var[j], 1e-7);
    EXPECT_NEAR(1 / std::sqrt(all[(size_t)j].var() + 1e-8), (double)self.raw->obs_scale[j], 1e-5);
  }
}

TEST(Normaliser, RewardsAreScaledByTheDiscountedReturn) {
  const int n_envs = 2;
  const double gamma = 0.5;
  Normaliser self(1, n_envs, gamma);
  Moments all;
  double discounted[n_envs] = {0, 0};
  for (int step = 0; step < 40; step++) {
    sac_real reward[n_envs];
    bool ended[n_envs] = {step % 7 == 6, step % 11 == 10};
    for (int i = 0; i < n_envs; i++) {
      reward[i] = (sac_real)(std::cos(step * (i + 1.0)) * 5 - 1);
      discounted[i] = gamma * discounted[i] + (double)reward[i];
      all.add(discounted[i]);
    }
    sac_normaliser_reward(self.raw, reward, 1, ended);
    for (int i = 0; i < n_envs; i++)
      if (ended[i]) discounted[i] = 0;
  }
  EXPECT_NEAR(all.var(), self.raw->returns.var[0], 1e-7);
  EXPECT_NEAR(1 / std::sqrt(all.var() + 1e-8), (double)self.raw->reward_scale, 1e-5);
  EXPECT_EQ(discounted[0], self.raw->discounted[0]);
}

}  // namespace
