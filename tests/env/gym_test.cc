// Gymnasium environments in worker processes, against toy environments of a fake Gymnasium
// (tests/env/fake_gym), whose numbers are known and which misbehave in every way.
#include "env/fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "env/vec.h"
#include "text.h"

using sac_test::contains;
using sac_test::Environment;
using sac_test::open_task;
using sac_test::opening_error;
using sac_test::some_action;
using sac_test::Vec;

namespace {

using Overrides = std::vector<std::string>;

class Gym : public testing::Test {
 protected:
  Gym() {
    setenv("PYTHONPATH", "tests/env/fake_gym", 1);
    marker = testing::TempDir() + "gym_test_marker";
    setenv("FAKE_GYM_MARKER", marker.c_str(), 1);
    std::remove(marker.c_str());
  }
  // whatever was run, nothing may be left of it
  ~Gym() override {
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    unsetenv("PYTHONPATH");
    std::remove(marker.c_str());
  }

  std::string marker;
};

// the state of the toy, followed in C++
struct Toy {
  double position, scale = 1;
  int count = 0;
  double act(float a, float b) {
    count++;
    position += scale * static_cast<double>(a);
    sum = a + b;
    return position - static_cast<double>(b);
  }
  std::vector<double> obs() const {
    return {static_cast<double>(static_cast<float>(position)), static_cast<double>(count),
            static_cast<double>(sum)};
  }
  float sum = 0;
};

TEST_F(Gym, SpacesMakeTheSpec) {
  auto task = open_task({"env.id=gym:Toy-v0"});
  EXPECT_EQ(task->spec.obs_dim, 3);
  EXPECT_EQ(task->spec.actor_obs_dim, 3);
  EXPECT_EQ(task->spec.act_dim, 2);
  EXPECT_EQ(task->time_limit, 7);
  EXPECT_TRUE(task->spec.float32_obs);
  EXPECT_EQ(task->spec.action_low[1], -2);
  EXPECT_EQ(task->spec.action_high[1], 2);
  EXPECT_STREQ(task->def->id, "gym:Toy-v0");
  task = open_task({"env.id=gym:Endless-v0", "env.kwargs={wide: true}"});
  EXPECT_FALSE(task->spec.float32_obs);
  EXPECT_EQ(task->time_limit, 0);
}

TEST_F(Gym, NumbersAndSeedsAreTheEnvironmentsOwn) {
  auto task = open_task({"env.id=gym:Endless-v0"});
  Environment environment(task.get());
  for (uint64_t seed : {uint64_t{0}, uint64_t{12}, ~uint64_t{0}}) {
    sac_environment_reset(&environment.raw, seed);
    Toy toy = {static_cast<double>(seed % 1000) / 8};
    ASSERT_EQ(environment.trouble(), "");
    EXPECT_EQ(environment.obs(), toy.obs());
    for (int i = 0; i < 20; i++) {
      float a = 2 * static_cast<float>(some_action(i, 0)), b = 2 * some_action(i, 1);
      double reward = toy.act(a, b);
      EXPECT_EQ(environment.step(i).reward, reward);
      EXPECT_EQ(environment.obs(), toy.obs());
    }
  }
}

TEST_F(Gym, KeywordsArePassedOn) {
  auto task = open_task({"env.id=gym:Endless-v0",
                         "env.kwargs={scale: 0.25, flag: true, table: [1, 2.5, 3], end: 2, "
                         "obs_shape: [3, 1]}"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 8);
  Toy toy = {8.0 / 8 + 3 + 1, 0.25};
  EXPECT_EQ(environment.obs(), toy.obs());
  toy.act(2 * some_action(1, 0), 2 * some_action(1, 1));
  EXPECT_FALSE(environment.step(1).terminated);
  EXPECT_EQ(environment.obs(), toy.obs());
  EXPECT_TRUE(environment.step(2).terminated);
}

TEST_F(Gym, ModuleIsImportedFirst) {
  auto task = open_task({"env.id=gym:extra_envs:Extra-v0"});
  EXPECT_EQ(task->time_limit, 5);
}

TEST_F(Gym, WorkersChangeNothing) {
  std::vector<std::vector<sac_real>> seen;
  for (const char *workers : {"1", "2", "3", "9"}) {
    Vec vec({"env.id=gym:Toy-v0", "env.n_envs=5", "env.kwargs={end: 5}", "env.frame_skip=2",
             std::string("env.workers=") + workers},
            workers[0] == '2' ? 2 : 1);
    std::vector<sac_real> all;
    for (int i = 0; i < 12; i++) {
      sac_error err = {};
      ASSERT_EQ(vec.step(i, &err), SAC_OK) << err.text;
      all.insert(all.end(), vec.rows.begin(), vec.rows.end());
      all.insert(all.end(), vec.obs.begin(), vec.obs.end());
    }
    seen.push_back(all);
  }
  for (const auto &other : seen) EXPECT_EQ(other, seen[0]);
}

TEST_F(Gym, TimeLimitIsTheVectorEnvironments) {
  for (const auto &limit : {std::pair<Overrides, int>{{}, 7}, {{"env.max_episode_steps=9"}, 9}}) {
    Overrides overrides = limit.first;
    overrides.push_back("env.id=gym:Toy-v0");
    auto task = open_task(overrides);
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 1);
    for (int i = 1; i <= limit.second; i++) {
      sac_outcome outcome = environment.step(i);
      EXPECT_EQ(outcome.truncated, i == limit.second);
      EXPECT_FALSE(outcome.terminated);
    }
  }
}

// it bootstraps as a time limit does, and ends the frames of a step
TEST_F(Gym, TruncationByTheEnvironmentItselfCounts) {
  auto task = open_task({"env.id=gym:Endless-v0", "env.kwargs={cut: 3}", "env.frame_skip=2"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  EXPECT_FALSE(environment.step(1).truncated);
  sac_outcome outcome = environment.step(2);
  EXPECT_TRUE(outcome.truncated);
  EXPECT_FALSE(outcome.terminated);
  EXPECT_EQ(environment.obs()[1], 3);
}

TEST_F(Gym, LoadingBeginsTheEpisodeAnew) {
  auto task = open_task({"env.id=gym:Toy-v0"});
  EXPECT_TRUE(sac_task_restarts(task.get()));
  Environment environment(task.get()), other(task.get());
  sac_environment_reset(&environment.raw, 77);
  sac_environment_reset(&other.raw, 3);
  std::vector<double> start = environment.obs();
  for (int i = 0; i < 4; i++) environment.step(i);
  std::vector<uint8_t> saved = environment.save();
  sac_environment_load(&other.raw, saved.data());
  EXPECT_EQ(other.obs(), start);
  EXPECT_EQ(other.raw.step, 0);
  EXPECT_EQ(other.raw.total_reward, 0);
  EXPECT_FALSE(sac_task_restarts(open_task({"env.id=Hopper-v5"}).get()));
}

TEST_F(Gym, WhatCannotBeOpenedSaysWhy) {
  const struct {
    Overrides overrides;
    const char *text;
  } cases[] = {
      {{"env.id=gym:Nowhere-v0"}, "NameNotFound: Environment `Nowhere-v0` doesn't exist."},
      {{"env.id=gym:no_such_module:Toy-v0"},
       "ModuleNotFoundError: No module named 'no_such_module'"},
      {{"env.id=gym:Discrete-v0"}, "the action space is Discrete(4), must be a Box"},
      {{"env.id=gym:Discrete-v0", "env.kwargs={obs: true}"},
       "the observation space is Discrete(4), must be a Box"},
      {{"env.id=gym:Toy-v0", "env.kwargs={speed: 3}"}, "TypeError: "},
      {{"env.id=gym:Toy-v0", "env.python=/nowhere/python"},
       "/nowhere/python could not be run: No such file or directory; env.python names another"},
      {{"env.id=gym:Toy-v0", "env.python=false"}, "exited with status 1"},
  };
  for (const auto &it : cases) {
    std::string text = opening_error(it.overrides, SAC_BAD_ENV);
    EXPECT_TRUE(contains(text, it.text)) << text;
    EXPECT_TRUE(contains(text, "override 1")) << text;
    EXPECT_FALSE(contains(text, "Have a look around")) << text;
  }
}

// how the third step of such an environment is reported, after two good ones
std::string failure(const Overrides &overrides, sac_status expected, int good = 2) {
  auto task = open_task(overrides);
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  for (int i = 0; i < good; i++) {
    environment.step(i);
    EXPECT_EQ(environment.trouble(), "");
  }
  environment.step(good);
  EXPECT_EQ(sac_environment_check(&environment.raw, "it", nullptr), expected);
  std::string text = environment.trouble();
  // whoever goes on all the same hears it again
  environment.step(good + 1);
  EXPECT_NE(environment.trouble(), "");
  return text;
}

TEST_F(Gym, FailuresAreNamed) {
  std::string text = failure({"env.id=gym:Crash-v0"}, SAC_BAD_ENV);
  EXPECT_TRUE(contains(text, "environment 7 (gym:Crash-v0), step 3 of its episode: worker 0"));
  EXPECT_TRUE(contains(text, "exited with status 3, its last words: the motor is on fire")) << text;
  text = failure({"env.id=gym:Crash-v0", "env.kwargs={kill: true}"}, SAC_BAD_ENV);
  EXPECT_TRUE(contains(text, "was killed by signal 9 (Killed), its last words: the")) << text;
  text = failure({"env.id=gym:Raise-v0"}, SAC_BAD_ENV);
  EXPECT_TRUE(contains(text, "step 3 of its episode: ValueError: no such joint"));
  EXPECT_FALSE(contains(text, "and more")) << text;
  text = failure({"env.id=gym:Hang-v0", "env.worker_timeout_s=0.4"}, SAC_BAD_ENV);
  EXPECT_TRUE(contains(text, "gave no answer within 0.4 s and was killed")) << text;
}

TEST_F(Gym, GarbageIsNamed) {
  const struct {
    int what;
    sac_status status;
    const char *text;
  } cases[] = {{0, SAC_BAD_NUMBER, "observation[0] is nan"},
               {1, SAC_BAD_ENV, "the observation has shape (2,) of float32, must have (3,)"},
               {2, SAC_BAD_ENV, "the reward is 'much', must be a number"},
               {3, SAC_BAD_ENV, "must have (3,) of numbers"},
               {4, SAC_BAD_NUMBER, "reward is inf"},
               {5, SAC_BAD_ENV, "ValueError: not enough values to unpack"}};
  for (const auto &it : cases) {
    std::string kwargs = "env.kwargs={what: " + std::to_string(it.what) + "}";
    auto task = open_task({"env.id=gym:Strange-v0", kwargs});
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 1);
    environment.step(1);
    EXPECT_EQ(environment.trouble(), "");
    environment.step(2);
    EXPECT_EQ(sac_environment_check(&environment.raw, "it", nullptr), it.status) << it.what;
    EXPECT_TRUE(contains(environment.trouble(), it.text)) << environment.trouble();
  }
}

TEST_F(Gym, FailureOfAResetIsNamed) {
  for (const char *policy : {"stop", "respawn"}) {
    auto task =
        open_task({"env.id=gym:BadReset-v0", std::string("env.on_worker_failure=") + policy});
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 1);
    EXPECT_EQ(sac_environment_check(&environment.raw, "it", nullptr), SAC_BAD_ENV);
    EXPECT_TRUE(contains(environment.trouble(), "RuntimeError: no start"));
  }
}

TEST_F(Gym, VectorEnvironmentStopsWithTheEnvironmentNamed) {
  Vec vec({"env.id=gym:Crash-v0", "env.n_envs=3", "env.workers=3"});
  sac_error err = {};
  EXPECT_EQ(vec.step(1), SAC_OK);
  EXPECT_EQ(vec.step(2), SAC_OK);
  EXPECT_EQ(vec.step(3, &err), SAC_BAD_ENV);
  EXPECT_TRUE(contains(err.text, "environment 0 (gym:Crash-v0), step 3")) << err.text;
}

// two environments share the process that crashes, the third has its own
TEST_F(Gym, RespawnedProcessCutsItsEpisodesOff) {
  for (const char *id : {"Crash-v0", "Raise-v0", "Hang-v0"}) {
    Vec vec({std::string("env.id=gym:") + id, "env.n_envs=3", "env.workers=2",
             std::string("env.kwargs={once: ") + (id[0] == 'C' ? "true}" : "false}"),
             "env.on_worker_failure=respawn", "env.worker_timeout_s=0.5"});
    sac_transitions rows = vec.parts();
    int n_cut = 0;
    for (int i = 1; i <= 3; i++) {
      std::vector<sac_real> acted_on = vec.obs;
      sac_error err = {};
      ASSERT_EQ(vec.step(i, &err), SAC_OK) << err.text;
      for (int j = 0; j < 3; j++) {
        const sac_episode &episode = vec.episodes[static_cast<size_t>(j)];
        EXPECT_FALSE(episode.terminated);
        if (!episode.truncated) continue;
        n_cut++;
        EXPECT_EQ(episode.length, 3);
        EXPECT_EQ(rows.reward[j * rows.ld], 0);
        EXPECT_EQ(rows.terminated[j * rows.ld], 0);
        for (int k = 0; k < 3; k++)
          EXPECT_EQ(rows.next_obs[j * rows.ld + k], acted_on[static_cast<size_t>(j * 4 + k)]);
        EXPECT_EQ(vec.obs[static_cast<size_t>(j * 4 + 1)], 0) << "a new episode has begun";
      }
    }
    EXPECT_TRUE(id[0] == 'C' ? n_cut == 2 || n_cut == 1 : n_cut == 3) << id << " " << n_cut;
    EXPECT_EQ(vec.step(4), SAC_OK);
  }
}

// the process leaves a mark in its step, while nobody waits for it
TEST_F(Gym, StepsBeginBeforeTheyAreWaitedFor) {
  Vec vec({"env.id=gym:Crash-v0", "env.kwargs={at: 1, once: true}", "env.n_envs=2", "env.workers=2",
           "env.on_worker_failure=respawn"});
  sac_transitions rows = vec.parts();
  for (int i = 0; i < vec.n; i++)
    for (int j = 0; j < vec.act_dim; j++) rows.action[i * rows.ld + j] = 0;
  sac_error err = {};
  sac_vec_env_turn turn = {vec.raw, &rows, vec.obs.data(), vec.obs_dim + 1, vec.episodes.data(),
                           SAC_OK,  &err};
  sac_vec_env_begin_all(&turn, 1);
  bool marked = false;
  for (int i_ms = 0; i_ms < 20000 && !marked; i_ms++) {
    usleep(1000);
    marked = access(marker.c_str(), F_OK) == 0;
  }
  EXPECT_TRUE(marked);
  sac_vec_env_end_all(&turn, 1);
  EXPECT_EQ(turn.status, SAC_OK) << err.text;
}

TEST_F(Gym, ProcessThatNeverAnswersAStepIsGivenUp) {
  auto task =
      open_task({"env.id=gym:Crash-v0", "env.kwargs={at: 1}", "env.on_worker_failure=respawn"});
  Environment environment(task.get());
  int n_cut = 0;
  for (; n_cut < 10; n_cut++) {
    sac_environment_reset(&environment.raw, 1);
    sac_outcome outcome = environment.step(1);
    if (environment.trouble() != "") break;
    EXPECT_TRUE(outcome.truncated);
  }
  EXPECT_EQ(n_cut, 3);
  EXPECT_TRUE(contains(environment.trouble(), "exited with status 3"));
}

TEST_F(Gym, PrintingStopsNothing) {
  auto task = open_task({"env.id=gym:Chatty-v0"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 40; i++) environment.step(i);
  EXPECT_GT(testing::internal::GetCapturedStderr().size(), 150000u);
  EXPECT_EQ(environment.trouble(), "");
}

TEST_F(Gym, SlotsAreTakenAgain) {
  auto task = open_task({"env.id=gym:Toy-v0", "env.workers=2"});
  for (int i = 0; i < 150; i++) {
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 8);
    ASSERT_EQ(environment.obs()[0], 1);
    std::vector<sac_real> action(2, 0);
    sac_environment_send(&environment.raw, action.data());
  }
}

}  // namespace
