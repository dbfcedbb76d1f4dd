#include "env/fixture.h"
#include "text.h"

#include <cstdlib>
#include <set>

using sac_test::contains;
using sac_test::open_task;
using sac_test::opening_error;

namespace {

TEST(Task, EveryEnvironmentOpensAndDescribesItself) {
  // Gymnasium's documented sizes and limits, in the order of kEnvironments
  const struct {
    int obs, act, limit;
  } wanted[] = {{3, 1, 200},    {2, 1, 999},    {1, 1, 50},     {2, 2, 30},      {4, 1, 1000},
                {9, 1, 1000},   {10, 2, 50},    {23, 7, 100},   {8, 2, 1000},    {11, 3, 1000},
                {17, 6, 1000},  {17, 6, 1000},  {105, 8, 1000}, {348, 17, 1000}, {348, 17, 1000},
                {105, 8, 1000}, {109, 8, 1000}, {109, 8, 1000}, {28, 8, 1000}};
  ASSERT_EQ(std::size(wanted), sac_test::kEnvironments.size());
  for (size_t i = 0; i < sac_test::kEnvironments.size(); i++) {
    auto task = open_task({"env.id=" + sac_test::kEnvironments[i]});
    EXPECT_EQ(task->spec.obs_dim, wanted[i].obs);
    // no task of these hides anything from the policy: what the definition leaves at 0 is settled
    EXPECT_EQ(task->spec.actor_obs_dim, wanted[i].obs);
    EXPECT_EQ(task->spec.act_dim, wanted[i].act);
    EXPECT_EQ(task->time_limit, wanted[i].limit);
    EXPECT_EQ(std::string(sac_env_def_at(static_cast<int>(i))->id), sac_test::kEnvironments[i]);
  }
  EXPECT_EQ(sac_env_def_at(static_cast<int>(sac_test::kEnvironments.size())), nullptr);
}

TEST(Task, EveryEnvironmentHasAFileThatTrainsIt) {
  std::set<std::string> trained;
  for (const std::string &path : sac_test::files_of("configs", ".yaml")) {
    auto cfg = std::make_unique<sac_config>();
    sac_error err = {};
    ASSERT_EQ(sac_config_load(path.c_str(), 0, nullptr, cfg.get(), &err), SAC_OK) << err.text;
    trained.insert(cfg->env.id);
  }
  for (const std::string &id : sac_test::kEnvironments) EXPECT_EQ(trained.count(id), 1u) << id;
}

TEST(Task, UnknownEnvironmentNamesTheNearest) {
  std::string text = opening_error({"env.id=HalfChetah-v5"}, SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "override 1")) << text;
  EXPECT_TRUE(contains(text, "did you mean HalfCheetah-v5?")) << text;
  EXPECT_TRUE(contains(text, "LinearQuadratic-v0")) << text;
}

TEST(Task, EveryWrongKeywordIsToldAtOnce) {
  std::string text =
      opening_error({"env.id=Hopper-v5",
                     "env.kwargs={helthy_reward: 2, frame_skip: 1.5, reset_noise_scale: -1, "
                     "terminate_when_unhealthy: 1, healthy_reward: true, healthy_z_range: 3}"},
                    SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "did you mean env.kwargs.healthy_reward?")) << text;
  EXPECT_TRUE(contains(text, "env.kwargs.frame_skip must be a whole number")) << text;
  EXPECT_TRUE(contains(text, "env.kwargs.reset_noise_scale is -1, must be in [0, inf]")) << text;
  EXPECT_TRUE(contains(text, "env.kwargs.terminate_when_unhealthy must be true or false")) << text;
  EXPECT_TRUE(contains(text, "env.kwargs.healthy_reward must be a number")) << text;
  EXPECT_TRUE(contains(text, "override 2")) << text;
}

TEST(Task, KeywordsThatDoNotFitEachOtherAreRefused) {
  std::string text =
      opening_error({"env.id=Hopper-v5", "env.kwargs={healthy_z_range: [2, 1]}"}, SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "override 2")) << text;
  EXPECT_TRUE(contains(text, "healthy_z_range must be two values, the lower one first")) << text;

  text = opening_error({"env.id=LinearQuadratic-v0", "env.kwargs={A: [1, 0.1, 0, 1]}"},
                       SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "env.kwargs.B has 1 values, must have 2 x 1")) << text;
  text =
      opening_error({"env.id=LinearQuadratic-v0", "env.kwargs={A: [1, 0.1, 0]}"}, SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "env.kwargs.A has 3 values, must be a square matrix")) << text;
  text = opening_error({"env.id=LinearQuadratic-v0", "env.kwargs={W: -1}"}, SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "W must be symmetric and positive semi-definite")) << text;
  text = opening_error({"env.id=LinearQuadratic-v0", "env.kwargs={A: 3, B: 0}"}, SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(text, "no finite solution")) << text;
}

TEST(Task, KeywordsReachTheEnvironment) {
  auto task = open_task({"env.id=HalfCheetah-v5",
                         "env.kwargs={exclude_current_positions_from_observation: false}",
                         "env.max_episode_steps=7", "env.frame_skip=2"});
  EXPECT_EQ(task->spec.obs_dim, 18);
  EXPECT_EQ(task->time_limit, 7);
  EXPECT_EQ(task->frame_skip, 2);
  task = open_task({"env.id=LinearQuadratic-v0",
                    "env.kwargs={A: [1, 0.1, 0, 1], B: [0, 0.1], Q: [1, 0, 0, 0.1], R: 0.1, "
                    "W: [1.0e-4, 0, 0, 1.0e-4], gamma: 0.99, alpha: 0.2}"});
  EXPECT_EQ(task->spec.obs_dim, 2);
  EXPECT_NEAR(task->spec.action_high[0], 6 * 1.2416542435, 1e-8);
}

TEST(Task, SquashedActionsSpanTheBounds) {
  auto task = open_task({"env.id=Pendulum-v1"});
  const sac_real canonical[] = {-1, 0, 1};
  const float own[] = {-2, 0, 2};
  for (int i = 0; i < 3; i++) {
    float action;
    sac_task_action(task.get(), &canonical[i], &action);
    EXPECT_EQ(action, own[i]);
  }
}

TEST(Task, UnsquashedActionsPassUnclipped) {
  auto task = open_task({"env.id=Pendulum-v1"}, false);
  const sac_real canonical = 17.25;
  float action;
  sac_task_action(task.get(), &canonical, &action);
  EXPECT_EQ(action, 17.25f);
}

TEST(Task, MissingAssetSaysWhatToRun) {
  const char *before = std::getenv("SAC_ASSETS");
  std::string kept = before ? before : "";
  setenv("SAC_ASSETS", "/nowhere", 1);
  std::string text = opening_error({"env.id=Hopper-v5"}, SAC_BAD_ENV);
  if (before)
    setenv("SAC_ASSETS", kept.c_str(), 1);
  else
    unsetenv("SAC_ASSETS");
  EXPECT_TRUE(contains(text, "hopper.xml is not in SAC_ASSETS=/nowhere")) << text;
}

}  // namespace
