// Environments from shared libraries: the example steps as it says, wrong ones are told apart.
#include "env/fixture.h"
#include "shim/use.h"
#include "text.h"

using sac_test::contains;
using sac_test::open_task;
using sac_test::opening_error;

namespace {

std::string plugin(const std::string &name) {
  return "env.plugin=" + sac_test::build_folder() + "/plugins/" + name + ".so";
}

TEST(Plugin, TheExampleIsAnEnvironmentLikeAnother) {
  auto task =
      open_task({"env.id=Corridor-v0", plugin("corridor"), "env.kwargs={length: 0.05, effort: 1}"});
  ASSERT_NE(nullptr, task);
  EXPECT_EQ(2, task->spec.obs_dim);
  EXPECT_EQ(100, task->time_limit);
  sac_test::Environment environment(task.get());
  sac_environment_reset(&environment.raw, 250);
  EXPECT_EQ((std::vector<double>{0.025, 0}), environment.obs());
  sac_outcome outcome = {};
  sac_real push = 1;
  sac_environment_step(&environment.raw, &push, &outcome);
  EXPECT_EQ(0.02 + 0.025, environment.obs()[0]);
  EXPECT_NEAR(-1.1, outcome.reward, 1e-12);
  EXPECT_FALSE(outcome.terminated);
  sac_environment_step(&environment.raw, &push, &outcome);
  EXPECT_TRUE(outcome.terminated);
  EXPECT_NEAR(9, outcome.reward, 1e-12);
}

TEST(Plugin, ItsKeywordsAreChecked) {
  std::string text = opening_error(
      {"env.id=Corridor-v0", plugin("corridor"), "env.kwargs={lenth: 3}"}, SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "did you mean env.kwargs.length?")) << text;
}

TEST(Plugin, OneThatCannotBeIsToldWhy) {
  const struct {
    std::string id, plugin;
    sac_status status;
    const char *words;
  } cases[] = {
      {"Corridor-v0", "env.plugin=/nowhere/a.so", SAC_BAD_ENV, "env.plugin cannot be opened"},
      {"Corridor-v0", "env.plugin=README.md", SAC_BAD_ENV, "env.plugin cannot be opened"},
      {"Corridor-v0", "env.plugin=" + sac_test::build_folder() + "/shim/libmisfit.so", SAC_BAD_ENV,
       "does not export sac_env_plugin"},
      {"Corridor-v0", plugin("version"), SAC_BAD_ENV, "was built for version 99"},
      {"Corridor-v0", plugin("lacks_step"), SAC_BAD_ENV, "step and set_state is missing"},
      {"Corridor-v0", plugin("absurd"), SAC_BAD_ENV,
       "the obs_dim of Corridor-v0 is -7, must be in [1, 1000000]"},
      {"Pendulum-v1", plugin("corridor"), SAC_BAD_CONFIG,
       "env.id is 'Pendulum-v1', must be Corridor-v0"},
  };
  for (const auto &it : cases) {
    std::string text = opening_error({"env.id=" + it.id, it.plugin}, it.status);
    EXPECT_TRUE(contains(text, it.words)) << it.plugin << ": " << text;
    EXPECT_TRUE(contains(text, "override")) << text;
  }
}

}  // namespace
