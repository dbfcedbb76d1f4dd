#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "machine.h"

extern "C" {
#include "nn/critic.h"
}

namespace {

using sac_test::config_of;
using sac_test::Machine;

class Critic : public testing::Test {
 protected:
  ~Critic() override { sac_critic_release(&critic); }
  void create(const sac_critic_shape &shape, std::vector<std::string> overrides = {}) {
    overrides.push_back("critic.hidden=[6,4]");
    auto cfg = config_of(overrides);
    const uint64_t seeds[] = {1, 2};
    ASSERT_EQ(sac_critic_create(cfg.get(), shape, machine.backend, &critic, nullptr), SAC_OK);
    ASSERT_EQ(sac_params_init(&critic.params, SAC_INIT_GLOROT, seeds, 1, nullptr), SAC_OK);
  }
  std::vector<std::string> names(const sac_params &params) {
    std::vector<std::string> all;
    for (int network = 0; network < params.networks; network++)
      for (int i = 0; i < params.n_views; i++) {
        char name[96];
        sac_params_name(&params, network, &params.views[i], name);
        all.push_back(name);
      }
    return all;
  }
  std::vector<sac_real> values(const sac_params &params) {
    return machine.read(params.value, (size_t)params.n * params.count);
  }
  Machine machine;
  sac_critic critic = {};
};

const sac_critic_shape kQ = {"critic.qf", "critic_target.qf", true, 2, 2, 5};

TEST_F(Critic, TensorsAreNamedAsStableBaselines3Does) {
  create(kQ);
  std::vector<std::string> expected;
  for (const char *network : {"critic.qf0.", "critic.qf1."})
    for (const char *layer : {"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"})
      expected.push_back(std::string(network) + layer);
  EXPECT_EQ(names(critic.params), expected);
  for (std::string &name : expected) name.replace(0, 6, "critic_target");
  EXPECT_EQ(names(critic.target), expected);
}

// a PyTorch Sequential of [Linear, Dropout, LayerNorm, activation] for each hidden layer
TEST_F(Critic, LayerNormAndDropoutAreModulesOfTheSequential) {
  create(kQ, {"critic.layer_norm=true", "critic.dropout=0.01"});
  std::vector<std::string> all = names(critic.params), expected;
  for (const char *layer : {"0", "2", "4", "6", "8"})
    for (const char *part : {".weight", ".bias"})
      expected.push_back(std::string("critic.qf0.") + layer + part);
  EXPECT_EQ(std::vector<std::string>(all.begin(), all.begin() + 10), expected);
  const sac_param_view &scale = critic.params.views[2], &shift = critic.params.views[3];
  EXPECT_EQ(scale.cols, 0);
  std::vector<sac_real> block = values(critic.params);
  for (int i = 0; i < scale.rows; i++) {
    EXPECT_EQ(block[scale.offset + (size_t)i], 1);
    EXPECT_EQ(block[shift.offset + (size_t)i], 0);
  }
  sac_critic_release(&critic);
  create(kQ, {"critic.layer_norm=true"});
  EXPECT_EQ(names(critic.params)[2], "critic.qf0.1.weight");
  EXPECT_EQ(names(critic.params)[4], "critic.qf0.3.weight");
  sac_critic_release(&critic);
  create(kQ, {"critic.dropout=0.5"});
  EXPECT_EQ(names(critic.params)[2], "critic.qf0.3.weight");
}

TEST_F(Critic, ValueFunctionIsNotNumbered) {
  create({"value.", "value_target.", false, 2, 1, 5});
  EXPECT_EQ(names(critic.params)[0], "value.0.weight");
  EXPECT_EQ(names(critic.target)[5], "value_target.4.bias");
}

TEST_F(Critic, TargetIsAnExactCopyThatIsNotTrained) {
  create(kQ);
  EXPECT_NE(values(critic.target), values(critic.params));
  sac_critic_copy_target(&critic);
  EXPECT_EQ(values(critic.target), values(critic.params));
  EXPECT_EQ(critic.target.grad, nullptr);
  EXPECT_NE(critic.params.grad, nullptr);
}

TEST_F(Critic, WithoutTargetNoneIsAllocated) {
  create({"critic.qf", nullptr, true, 1, 2, 5});
  EXPECT_EQ(critic.target.value, nullptr);
  EXPECT_EQ(critic.params.n, 2);
}

TEST_F(Critic, TwinsStartApart) {
  create(kQ);
  size_t count = critic.params.count;
  std::vector<sac_real> all = values(critic.params);
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < i; j++)
      EXPECT_NE(std::vector<sac_real>(all.begin() + (long)(i * count),
                                      all.begin() + (long)((i + 1) * count)),
                std::vector<sac_real>(all.begin() + (long)(j * count),
                                      all.begin() + (long)((j + 1) * count)));
}

}  // namespace
