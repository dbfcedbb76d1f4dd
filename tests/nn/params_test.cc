#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "machine.h"

extern "C" {
#include "nn/params.h"
}

namespace {

using sac_test::Machine;

// two weights and their biases, 24 inputs
sac_params described(int n_seeds, int networks) {
  sac_params params = {};
  params.prefix = "net.qf";
  params.numbered = networks > 1;
  params.n = n_seeds * networks;
  params.networks = networks;
  sac_params_add(&params, "0.weight", 40, 24, 24, 40);
  sac_params_add(&params, "0.bias", 40, 0, 24, 40);
  sac_params_add(&params, "2.weight", 3, 40, 40, 3);
  sac_params_add(&params, "2.bias", 3, 0, 40, 3);
  return params;
}

class Params : public testing::Test {
 protected:
  ~Params() override {
    for (sac_params &params : made) sac_params_release(&params);
  }
  sac_params make(int n_seeds, int networks, int init, const std::vector<uint64_t> &seeds,
                  int stream = 0) {
    sac_params params = described(n_seeds, networks);
    EXPECT_EQ(sac_params_allocate(&params, machine.backend, true, nullptr), SAC_OK);
    EXPECT_EQ(sac_params_init(&params, init, seeds.data(), stream, nullptr), SAC_OK);
    made.push_back(params);
    return params;
  }
  std::vector<sac_real> values(const sac_params &params, int member) {
    return machine.read(params.value + (size_t)member * params.count, params.count);
  }
  std::vector<sac_real> view(const sac_params &params, int member, int i) {
    return machine.read(sac_params_at(&params, params.value, member, &params.views[i]),
                        sac_param_size(&params.views[i]));
  }
  Machine machine;
  std::vector<sac_params> made;
};

TEST_F(Params, ViewsCoverTheMemberWithoutOverlap) {
  sac_params params = described(1, 2);
  size_t end = 0;
  for (int i = 0; i < params.n_views; i++) {
    EXPECT_EQ(params.views[i].offset, end) << params.views[i].name;
    end += sac_param_size(&params.views[i]);
  }
  EXPECT_EQ(end, params.count);
  EXPECT_EQ(end, 24u * 40 + 40 + 40 * 3 + 3);
}

TEST_F(Params, BlocksLieOneAfterTheOtherAndStartAtZero) {
  sac_params params = make(2, 2, SAC_INIT_GLOROT, {1, 2});
  size_t size = 4 * params.count;
  EXPECT_EQ(params.count % 16, 0u);
  EXPECT_EQ(params.grad, params.value + size);
  EXPECT_EQ(params.m, params.grad + size);
  EXPECT_EQ(params.v, params.m + size);
  std::vector<sac_real> rest = machine.read(params.grad, 3 * size);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), sac_real(0)), (long)rest.size());
  EXPECT_EQ(machine.read(params.step, 1)[0], 0u);
}

TEST_F(Params, UntrainedOnesHaveValuesOnly) {
  sac_params params = described(1, 1);
  ASSERT_EQ(sac_params_allocate(&params, machine.backend, false, nullptr), SAC_OK);
  EXPECT_NE(params.value, nullptr);
  EXPECT_EQ(params.grad, nullptr);
  EXPECT_EQ(params.m, nullptr);
  EXPECT_EQ(params.step, nullptr);
  sac_params_release(&params);
  sac_params_release(&params);  // twice is harmless
}

TEST_F(Params, SingleValuesLieSideBySide) {
  sac_params params = {};
  params.prefix = "";
  params.n = 3;
  params.networks = 1;
  sac_params_add(&params, "log_ent_coef", 1, 0, 0, 0);
  ASSERT_EQ(sac_params_allocate(&params, machine.backend, true, nullptr), SAC_OK);
  EXPECT_EQ(params.count, 1u);
  char name[96];
  sac_params_name(&params, 0, &params.views[0], name);
  EXPECT_STREQ(name, "log_ent_coef");
  sac_params_release(&params);
}

TEST_F(Params, NamesHoldTheNetworksNumber) {
  char name[96];
  sac_params params = described(2, 3);
  sac_params_name(&params, 2, &params.views[2], name);
  EXPECT_STREQ(name, "net.qf2.2.weight");
  params = described(2, 1);
  params.prefix = "value.";
  sac_params_name(&params, 0, &params.views[1], name);
  EXPECT_STREQ(name, "value.0.bias");
}

// uniform over (-limit, limit): all inside, close to both ends, and the variance of it
void expect_uniform(const std::vector<sac_real> &values, double limit) {
  double squares = 0, low = 0, high = 0;
  for (sac_real value : values) {
    squares += (double)value * value;
    low = std::min(low, (double)value);
    high = std::max(high, (double)value);
  }
  EXPECT_LE(high, limit);
  EXPECT_GE(low, -limit);
  EXPECT_GT(high, 0.98 * limit);
  EXPECT_LT(low, -0.98 * limit);
  double n = (double)values.size(), variance = limit * limit / 3;
  EXPECT_NEAR(squares / n, variance, 5 * variance * std::sqrt(0.8 / n));
}

TEST_F(Params, GlorotHasItsLimitsAndZeroBiases) {
  sac_params params = make(1, 1, SAC_INIT_GLOROT, {7});
  expect_uniform(view(params, 0, 0), std::sqrt(6.0 / (24 + 40)));
  for (int i : {1, 3}) {
    std::vector<sac_real> bias = view(params, 0, i);
    EXPECT_EQ(std::count(bias.begin(), bias.end(), sac_real(0)), (long)bias.size());
  }
}

TEST_F(Params, TorchHasItsLimitsForWeightsAndBiases) {
  sac_params params = make(64, 1, SAC_INIT_TORCH, std::vector<uint64_t>(64, 3));
  expect_uniform(view(params, 0, 0), 1 / std::sqrt(24.0));
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 64; seed++) seeds.push_back(seed);
  params = make(64, 1, SAC_INIT_TORCH, seeds);
  std::vector<sac_real> biases, weights;
  for (int member = 0; member < 64; member++) {
    std::vector<sac_real> bias = view(params, member, 1), weight = view(params, member, 2);
    biases.insert(biases.end(), bias.begin(), bias.end());
    weights.insert(weights.end(), weight.begin(), weight.end());
  }
  expect_uniform(biases, 1 / std::sqrt(24.0));
  expect_uniform(weights, 1 / std::sqrt(40.0));
}

TEST_F(Params, SeedsNetworksAndStreamsDiffer) {
  std::set<std::vector<sac_real>> seen;
  for (int stream : {0, 1, 2}) {
    sac_params params = make(3, 64, SAC_INIT_GLOROT, {1, 2, 3}, stream);
    for (int member = 0; member < params.n; member++)
      EXPECT_TRUE(seen.insert(view(params, member, 0)).second) << stream << " " << member;
  }
}

TEST_F(Params, ASeedInAStackStartsAsItDoesAlone) {
  sac_params stack = make(3, 2, SAC_INIT_TORCH, {10, 11, 12}, 1);
  for (int seed = 0; seed < 3; seed++) {
    sac_params alone = make(1, 2, SAC_INIT_TORCH, {10u + (unsigned)seed}, 1);
    for (int network = 0; network < 2; network++)
      EXPECT_EQ(values(stack, 2 * seed + network), values(alone, network));
  }
}

// the shorter side's vectors are orthogonal and as long as the gain
TEST_F(Params, OrthogonalWeightsAreSoWithTheirGain) {
  sac_params params = described(1, 1);
  params.views[2].gain = 0.01f;
  ASSERT_EQ(sac_params_allocate(&params, machine.backend, true, nullptr), SAC_OK);
  const uint64_t seed = 3;
  ASSERT_EQ(sac_params_init(&params, SAC_INIT_ORTHOGONAL, &seed, 0, nullptr), SAC_OK);
  made.push_back(params);
  for (int i : {0, 2}) {
    std::vector<sac_real> w = view(params, 0, i);
    int rows = params.views[i].rows, cols = params.views[i].cols;
    int count = std::min(rows, cols), size = std::max(rows, cols);
    double square = i == 0 ? 2 : 1e-4;
    for (int a = 0; a < count; a++)
      for (int b = 0; b <= a; b++) {
        double dot = 0;
        for (int k = 0; k < size; k++)
          dot += (double)w[(size_t)(rows <= cols ? a * cols + k : k * cols + a)] *
                 (double)w[(size_t)(rows <= cols ? b * cols + k : k * cols + b)];
        EXPECT_NEAR(dot, a == b ? square : 0, 2e-6 * square) << a << " " << b;
      }
    for (sac_real bias : view(params, 0, i + 1)) EXPECT_EQ(bias, 0);
  }
}

TEST_F(Params, OrthogonalWeightsDifferBySeedNetworkAndTensor) {
  sac_params params = make(2, 2, SAC_INIT_ORTHOGONAL, {5, 6});
  std::set<sac_real> first;
  for (int member = 0; member < 4; member++)
    for (int i : {0, 2}) first.insert(view(params, member, i)[0]);
  EXPECT_EQ(first.size(), 8u);
}

TEST_F(Params, AConstantStartsThere) {
  for (int init : {SAC_INIT_GLOROT, SAC_INIT_TORCH, SAC_INIT_ORTHOGONAL}) {
    sac_params params = described(1, 1);
    params.views[2].fan_in = params.views[3].fan_in = 0;
    params.views[3].initial = -0.5;
    ASSERT_EQ(sac_params_allocate(&params, machine.backend, true, nullptr), SAC_OK);
    const uint64_t seed = 3;
    ASSERT_EQ(sac_params_init(&params, init, &seed, 0, nullptr), SAC_OK);
    made.push_back(params);
    for (sac_real weight : view(params, 0, 2)) EXPECT_EQ(weight, 0);
    for (sac_real bias : view(params, 0, 3)) EXPECT_EQ(bias, -0.5);
  }
}

}  // namespace
