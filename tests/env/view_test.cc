// Histories and smoothed actions: what the agent sees and what the task gets.
#include "env/fixture.h"

using sac_test::Environment;
using sac_test::open_task;
using sac_test::opening_error;

namespace {

std::vector<double> slice(const std::vector<double> &all, size_t from, size_t count) {
  return std::vector<double>(all.begin() + (long)from, all.begin() + (long)(from + count));
}

TEST(View, StacksPastObservationsAndActionsNewestFirst) {
  auto plain_task = open_task({"env.id=Pendulum-v1"});
  auto task =
      open_task({"env.id=Pendulum-v1", "env.history.observations=2", "env.history.actions=3"});
  ASSERT_EQ(3 * 3 + 3, task->spec.obs_dim);
  EXPECT_EQ(task->spec.obs_dim, task->spec.actor_obs_dim);
  Environment plain(plain_task.get()), stacked(task.get());
  sac_environment_reset(&plain.raw, 4);
  sac_environment_reset(&stacked.raw, 4);
  std::vector<std::vector<double>> obs = {plain.obs(), plain.obs(), plain.obs()};
  std::vector<double> actions(3, 0);
  for (int i = 0; i < 6; i++) {
    for (size_t k = 0; k < 3; k++) {
      EXPECT_EQ(obs[k], slice(stacked.obs(), 3 * k, 3)) << i;
      EXPECT_EQ(actions[k], stacked.obs()[9 + k]) << i;
    }
    EXPECT_EQ(plain.step(i).reward, stacked.step(i).reward);
    obs.insert(obs.begin(), plain.obs());
    actions.insert(actions.begin(), (double)sac_test::some_action(i, 0));
  }
}

TEST(View, OneStepOfTheAgentIsOnePastObservationWhateverTheFrameSkip) {
  auto task = open_task({"env.id=Pendulum-v1", "env.history.observations=1", "env.frame_skip=3"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 4);
  for (int i = 0; i < 4; i++) {
    std::vector<double> before = slice(environment.obs(), 0, 3);
    environment.step(i);
    EXPECT_EQ(before, slice(environment.obs(), 3, 3));
  }
}

TEST(View, SmoothedActionsAreWhatTheTaskGets) {
  auto plain_task = open_task({"env.id=Pendulum-v1"});
  for (bool seen : {true, false}) {
    std::vector<std::string> keys = {"env.id=Pendulum-v1", "env.action_smoothing=0.75"};
    if (seen) keys.push_back("env.history.actions=1");
    auto task = open_task(keys);
    EXPECT_EQ(seen ? 4 : 3, task->spec.obs_dim);
    Environment plain(plain_task.get()), smooth(task.get());
    sac_environment_reset(&plain.raw, 4);
    sac_environment_reset(&smooth.raw, 4);
    double last = 0;
    for (int i = 0; i < 5; i++) {
      sac_real action = sac_test::some_action(i, 0);
      last = (double)(sac_real)(0.75 * last + 0.25 * (double)action);
      sac_real taken = (sac_real)last;
      sac_outcome ours, theirs;
      sac_environment_step(&smooth.raw, &action, &ours);
      sac_environment_step(&plain.raw, &taken, &theirs);
      EXPECT_EQ(theirs.reward, ours.reward) << i;
      EXPECT_EQ(plain.obs(), slice(smooth.obs(), 0, 3)) << i;
      if (seen) {
        EXPECT_EQ(last, smooth.obs()[3]);
      }
    }
  }
}

TEST(View, SavedStateHoldsThePast) {
  for (const std::string &id : {std::string("Pendulum-v1"), std::string("Hopper-v5")}) {
    auto task = open_task({"env.id=" + id, "env.history.observations=2", "env.history.actions=1",
                           "env.action_smoothing=0.5"});
    auto hidden = open_task({"env.id=" + id, "env.action_smoothing=0.5"});
    for (const sac_task *one : {task.get(), hidden.get()}) {
      Environment original(one), restored(one);
      sac_environment_reset(&original.raw, 1);
      sac_environment_reset(&restored.raw, 2);
      for (int i = 0; i < 5; i++) original.step(i);
      restored.step(9);
      sac_environment_load(&restored.raw, original.save().data());
      for (int i = 5; i < 10; i++) {
        EXPECT_EQ(original.step(i).reward, restored.step(i).reward) << id;
        EXPECT_EQ(original.obs(), restored.obs()) << id;
      }
      EXPECT_EQ(original.save(), restored.save());
    }
  }
}

}  // namespace
