#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "machine.h"
#include "tolerance.h"

extern "C" {
#include "nn/policy.h"
}

namespace {

using sac_test::config_of;
using sac_test::Machine;
using sac_test::normals;

enum { kSeeds = 2, kRows = 5, kObs = 3, kAct = 2 };

class Policy : public testing::Test {
 protected:
  ~Policy() override { sac_policy_release(&policy); }
  void create(const std::vector<std::string> &overrides) {
    auto cfg = config_of(overrides);
    const uint64_t seeds[kSeeds] = {1, 2};
    sac_policy_options options = {cfg.get(), nullptr, kSeeds, kObs, kAct, machine.backend, false};
    ASSERT_EQ(sac_policy_create(&options, &policy, nullptr), SAC_OK);
    ASSERT_EQ(sac_params_init(&policy.params, SAC_INIT_TORCH, seeds, 0, nullptr), SAC_OK);
    sac_arena arena = {};
    sac_policy_pass_carve(&policy, kRows, true, &arena, &pass);
    arena = {machine.take<char>(arena.used), arena.used, 0};
    sac_policy_pass_carve(&policy, kRows, true, &arena, &pass);
    ASSERT_EQ(sac_policy_reserve(&policy, kRows, nullptr), SAC_OK);
    rows = machine.take(kSeeds * kRows * kWidth);
    noise = machine.take(kSeeds * kRows * kAct);
    log_pi = machine.take(kSeeds * kRows);
    machine.write(rows, normals(1, kSeeds * kRows * kWidth));
    machine.write(noise, normals(2, kSeeds * kRows * kAct));
  }
  // the action is written behind the observation, as training does
  void sample(bool stochastic) {
    sac_policy_draw draw = {};
    draw.rows = kRows;
    draw.obs = {rows, kRows * kWidth, kWidth, 1};
    draw.noise = {stochastic ? noise : nullptr, kRows * kAct, kAct, 1};
    draw.action = {rows + kObs, kRows * kWidth, kWidth, 1};
    draw.log_pi = {log_pi, kRows, 1, 1};
    sac_policy_sample(&policy, &pass, &draw);
  }
  double head(int seed, int row, int column) {
    sac_stack out = sac_mlp_output(&policy.mlp, &pass.mlp);
    return machine.read(out.data + (size_t)seed * out.stride + (size_t)(row * out.ld + column),
                        1)[0];
  }
  double action(int seed, int row, int i) {
    return machine.read(rows + (seed * kRows + row) * kWidth + kObs + i, 1)[0];
  }
  double noise_at(int seed, int row, int i) {
    return machine.read(noise + (seed * kRows + row) * kAct + i, 1)[0];
  }
  static constexpr int kWidth = kObs + kAct;
  Machine machine;
  sac_policy policy = {};
  sac_policy_pass pass = {};
  sac_real *rows = nullptr, *noise = nullptr, *log_pi = nullptr;
};

TEST_F(Policy, TensorsAreNamedAsStableBaselines3Does) {
  create({"policy.hidden=[7,5,3]"});
  std::vector<std::string> expected = {
      "actor.latent_pi.0.weight", "actor.latent_pi.0.bias",   "actor.latent_pi.2.weight",
      "actor.latent_pi.2.bias",   "actor.latent_pi.4.weight", "actor.latent_pi.4.bias",
      "actor.mu.weight",          "actor.log_std.weight",     "actor.mu.bias",
      "actor.log_std.bias"};
  std::vector<std::string> found;
  for (int i = 0; i < policy.params.n_views; i++) {
    char name[96];
    sac_params_name(&policy.params, 0, &policy.params.views[i], name);
    found.push_back(name);
  }
  EXPECT_EQ(found, expected);
}

TEST_F(Policy, ViewsCoverTheBlockAndTheHeadIsOneLayer) {
  create({"policy.hidden=[7,5]"});
  size_t end = 0;
  for (int i = 0; i < policy.params.n_views; i++) {
    EXPECT_EQ(policy.params.views[i].offset, end);
    end += sac_param_size(&policy.params.views[i]);
  }
  // mean rows first, then log sigma rows, weights and biases each contiguous
  const sac_param_view *view = policy.params.views + policy.params.n_views - 4;
  EXPECT_EQ(policy.mlp.weight[2], view[0].offset);
  EXPECT_EQ(view[1].offset, view[0].offset + kAct * 5);
  EXPECT_EQ(policy.mlp.bias[2], view[2].offset);
  EXPECT_EQ(view[3].offset, view[2].offset + kAct);
  EXPECT_EQ(policy.mlp.width[3], 2 * kAct);
}

TEST_F(Policy, SamplesTheSquashedGaussianOfItsHead) {
  create({"policy.hidden=[7,5]"});
  sample(true);
  for (int s = 0; s < kSeeds; s++)
    for (int r = 0; r < kRows; r++) {
      double expected = 0;
      for (int i = 0; i < kAct; i++) {
        double log_std = head(s, r, kAct + i), eps = noise_at(s, r, i);
        double u = head(s, r, i) + std::exp(log_std) * eps;
        EXPECT_NEAR(action(s, r, i), std::tanh(u), sac_test::tolerance(1e-6, 1e-14));
        expected += -eps * eps / 2 - log_std - std::log(2 * M_PI) / 2 -
                    std::log1p(-std::tanh(u) * std::tanh(u));
      }
      EXPECT_NEAR(machine.read(log_pi + s * kRows + r, 1)[0], expected,
                  sac_test::tolerance(1e-5, 1e-12));
    }
}

TEST_F(Policy, WithoutNoiseItTakesTheMean) {
  create({"policy.hidden=[7]"});
  sample(false);
  for (int s = 0; s < kSeeds; s++)
    for (int r = 0; r < kRows; r++)
      for (int i = 0; i < kAct; i++)
        EXPECT_NEAR(action(s, r, i), std::tanh(head(s, r, i)), sac_test::tolerance(1e-6, 1e-14));
}

TEST_F(Policy, OptionsOfTheConfigurationReachTheDistribution) {
  create({"policy.squash=false", "policy.log_std={mode: tanh, min: -3, max: 1}",
          "policy.squash_correction=eps", "policy.activation=tanh"});
  EXPECT_FALSE(policy.gaussian.squash);
  EXPECT_FALSE(policy.gaussian.exact_correction);
  EXPECT_EQ(policy.gaussian.mode, SAC_LOG_STD_TANH);
  EXPECT_EQ(policy.gaussian.log_std_min, -3);
  EXPECT_EQ(policy.gaussian.log_std_max, 1);
  EXPECT_EQ(policy.mlp.activation, SAC_TANH);
  sample(true);
  double log_std = -3 + 2 * (std::tanh(head(1, 2, kAct)) + 1);
  EXPECT_NEAR(action(1, 2, 0), head(1, 2, 0) + std::exp(log_std) * noise_at(1, 2, 0),
              sac_test::tolerance(1e-5, 1e-13));
}

// one deviation for all observations, learned from all of them, without weights
TEST_F(Policy, TheDeviationMayBeOneForAllObservations) {
  create({"policy.hidden=[7,5]", "policy.activation=tanh",
          "policy.log_std={state_dependent: false, init: -0.7}"});
  sample(true);
  for (int s = 0; s < kSeeds; s++)
    for (int r = 0; r < kRows; r++)
      for (int i = 0; i < kAct; i++) EXPECT_EQ(head(s, r, kAct + i), (sac_real)-0.7);
  std::vector<sac_real> dout = normals(5, (size_t)kSeeds * pass.mlp.dout.stride);
  machine.write(pass.mlp.dout.data, dout);
  sac_mlp_backward(&policy.mlp, &policy.params, &pass.mlp, kRows);
  const sac_param_view *view = policy.params.views + policy.params.n_views - 4;
  for (int s = 0; s < kSeeds; s++) {
    auto grad = [&](const sac_param_view &one) {
      return machine.read(sac_params_at(&policy.params, policy.params.grad, s, &one),
                          sac_param_size(&one));
    };
    for (sac_real weight : grad(view[1])) EXPECT_EQ(weight, 0);
    for (sac_real weight : grad(view[0])) EXPECT_NE(weight, 0);
    for (int bias = 2; bias < 4; bias++)
      for (int i = 0; i < kAct; i++) {
        double sum = 0;
        for (int r = 0; r < kRows; r++)
          sum += (double)dout[(size_t)s * pass.mlp.dout.stride +
                              (size_t)(r * pass.mlp.dout.ld + (bias - 2) * kAct + i)];
        EXPECT_NEAR(grad(view[bias])[(size_t)i], sum, sac_test::tolerance(1e-5, 1e-13));
      }
  }
}

TEST_F(Policy, TheDeviationStartsWhereItIsSaid) {
  for (const char *mode : {"clamp", "tanh", "softplus"})
    for (const char *dependent : {"true", "false"}) {
      create({"policy.hidden=[4]", std::string("policy.log_std={min: -5, init: -1.2, mode: ") +
                                       mode + ", state_dependent: " + dependent + "}"});
      const sac_param_view &bias = policy.params.views[policy.params.n_views - 1];
      double raw = machine.read(sac_params_at(&policy.params, policy.params.value, 1, &bias), 1)[0];
      double log_std = std::string(mode) == "clamp"  ? raw
                       : std::string(mode) == "tanh" ? -5 + 3.5 * (std::tanh(raw) + 1)
                                                     : std::log(std::log1p(std::exp(raw)));
      EXPECT_NEAR(log_std, -1.2, 1e-5) << mode << " " << dependent;
      sac_policy_release(&policy);
    }
}

}  // namespace
