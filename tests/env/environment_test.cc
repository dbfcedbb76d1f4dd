#include "env/fixture.h"

#include <limits>

#include <mujoco/mujoco.h>

using sac_test::Environment;
using sac_test::kEnvironments;
using sac_test::open_task;

namespace {

TEST(Environment, TimeLimitTruncatesAndDoesNotTerminate) {
  auto task = open_task({"env.id=Pendulum-v1", "env.max_episode_steps=3"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  double total = 0;
  for (int i = 1; i <= 3; i++) {
    sac_outcome outcome = environment.step(i);
    EXPECT_EQ(outcome.truncated, i == 3);
    EXPECT_FALSE(outcome.terminated);
    total += outcome.reward;
  }
  EXPECT_EQ(environment.raw.step, 3);
  EXPECT_EQ(environment.raw.total_reward, total);
}

// one step of three frames is three steps with the same action
TEST(Environment, FrameSkipRepeatsTheActionAndSumsRewards) {
  for (const std::string &id : kEnvironments) {
    auto single_task = open_task({"env.id=" + id});
    auto triple_task = open_task({"env.id=" + id, "env.frame_skip=3", "env.max_episode_steps=4"});
    Environment single(single_task.get()), triple(triple_task.get());
    sac_environment_reset(&single.raw, 3);
    sac_environment_reset(&triple.raw, 3);
    sac_outcome outcome = {};
    for (int i = 1; i <= 4 && !outcome.terminated; i++) {
      double reward = 0;
      bool terminated = false;
      for (int frame = 0; frame < 3 && !terminated; frame++) {
        sac_outcome one = single.step(i);
        reward += one.reward;
        terminated = one.terminated;
      }
      outcome = triple.step(i);
      EXPECT_EQ(outcome.reward, reward) << id;
      EXPECT_EQ(outcome.terminated, terminated) << id;
      EXPECT_EQ(outcome.truncated, i == 4) << id;
      EXPECT_EQ(triple.obs(), single.obs()) << id;
    }
  }
}

TEST(Environment, FrameSkipStopsAtTheEnd) {
  const std::vector<std::string> falling = {"env.id=Hopper-v5"};
  auto single_task = open_task(falling);
  auto long_task = open_task({"env.id=Hopper-v5", "env.frame_skip=1000"});
  Environment single(single_task.get()), skipping(long_task.get());
  sac_environment_reset(&single.raw, 3);
  sac_environment_reset(&skipping.raw, 3);
  double reward = 0;
  bool terminated = false;
  for (int i = 0; i < 1000 && !terminated; i++) {
    sac_outcome outcome = single.step(5);
    reward += outcome.reward;
    terminated = outcome.terminated;
  }
  ASSERT_TRUE(terminated);
  sac_outcome outcome = skipping.step(5);
  EXPECT_TRUE(outcome.terminated);
  EXPECT_EQ(outcome.reward, reward);
  EXPECT_EQ(skipping.obs(), single.obs());
}

// saved right after a reset and in mid-episode, restored into an instance with another past
TEST(Environment, RestoredInstanceGoesOnBitForBit) {
  for (const std::string &id : kEnvironments) {
    auto task = open_task({"env.id=" + id, "env.kwargs={}"});
    for (int past : {0, 1, 37}) {
      Environment original(task.get()), restored(task.get());
      sac_environment_reset(&original.raw, 11);
      for (int i = 0; i < past; i++) original.step(i);
      sac_environment_reset(&restored.raw, 12);
      for (int i = 0; i < 9; i++) restored.step(50 + i);

      // one byte off, so that alignment is not taken for granted
      std::vector<uint8_t> saved = original.save();
      saved.insert(saved.begin(), 0);
      sac_environment_load(&restored.raw, saved.data() + 1);
      EXPECT_EQ(restored.save(), original.save()) << id;
      EXPECT_EQ(restored.raw.step, past);
      for (int i = 0; i < 100; i++) {
        sac_outcome expected = original.step(past + i), found = restored.step(past + i);
        ASSERT_EQ(found.reward, expected.reward) << id << " step " << i << " after " << past;
        ASSERT_EQ(found.terminated, expected.terminated) << id;
        ASSERT_EQ(restored.obs(), original.obs()) << id;
      }
      EXPECT_EQ(restored.save(), original.save()) << id;
    }
  }
}

TEST(Environment, SeedsGiveDifferentStarts) {
  for (const std::string &id : kEnvironments) {
    auto task = open_task({"env.id=" + id});
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 1);
    std::vector<double> first = environment.obs();
    sac_environment_reset(&environment.raw, 2);
    EXPECT_NE(environment.obs(), first) << id;
    sac_environment_reset(&environment.raw, 1);
    EXPECT_EQ(environment.obs(), first) << id;
  }
}

TEST(Environment, ActionThatIsNoNumberIsNotTaken) {
  auto task = open_task({"env.id=HalfCheetah-v5"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  std::vector<double> before = environment.obs();
  std::vector<sac_real> action(6, 0);
  action[4] = std::numeric_limits<sac_real>::quiet_NaN();
  sac_outcome outcome;
  sac_environment_step(&environment.raw, action.data(), &outcome);
  EXPECT_EQ(environment.trouble(),
            "environment 7 (HalfCheetah-v5), step 1 of its episode: action[4] is nan");
  EXPECT_EQ(environment.obs(), before);
}

// what one step from such a state of the linear-quadratic task is called
std::string trouble_from(double state) {
  auto task = open_task({"env.id=LinearQuadratic-v0"}, false);
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  task->def->set_state(task->shared, environment.raw.instance, &state, environment.raw.obs);
  environment.step(1);
  return environment.trouble();
}

TEST(Environment, NumbersBeyondNetworkInputAreTrouble) {
  const bool wide = sizeof(sac_real) == 8;
  std::string text = trouble_from(wide ? std::numeric_limits<double>::infinity() : 4e38);
  EXPECT_NE(text.find("step 1 of its episode: observation[0] is "), std::string::npos) << text;
  text = trouble_from(wide ? 1e200 : 1e30);
  EXPECT_NE(text.find("step 1 of its episode: reward is -"), std::string::npos) << text;
}

// the engine answers a bad state by silently starting over; that must not pass for a transition
TEST(Environment, SilentResetOfTheEngineIsTrouble) {
  for (const std::string id : {"HalfCheetah-v5", "Hopper-v5"}) {
    auto task = open_task({"env.id=" + id});
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 1);
    std::vector<double> state(static_cast<size_t>(task->spec.state_dim), 0.0);
    state.back() = 1e9;
    task->def->set_state(task->shared, environment.raw.instance, state.data(), environment.raw.obs);
    environment.step(1);
    EXPECT_NE(environment.trouble().find("step 1 of its episode: MuJoCo: "), std::string::npos)
        << environment.trouble();
    sac_environment_reset(&environment.raw, 1);
    environment.step(1);
    EXPECT_EQ(environment.trouble(), "") << id;
  }
  FILE *log = std::fopen("MUJOCO_LOG.TXT", "r");
  EXPECT_EQ(log, nullptr);
  if (log) std::fclose(log);
}

TEST(Environment, FatalErrorOfTheEngineIsToldAndEnds) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  auto task = open_task({"env.id=Hopper-v5"});
  EXPECT_EXIT(mju_error("out of stack"), testing::ExitedWithCode(SAC_BAD_ENV),
              "sac: MuJoCo failed: .*out of stack");
}

}  // namespace
