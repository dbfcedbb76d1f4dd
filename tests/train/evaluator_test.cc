#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "train/fixture.h"

extern "C" {
#include "env/environment.h"
}

namespace {

using sac_test::HandRun;
using sac_test::small_run;

struct Measured {
  sac_status status;
  sac_evaluation result;
  std::string text;
};

// the steps that a watcher was shown
struct Watcher {
  static sac_status look(void *context, const sac_environment *environment, sac_error *err) {
    auto *self = static_cast<Watcher *>(context);
    self->steps.push_back(environment->step);
    if (static_cast<int>(self->steps.size()) != self->fails_at) return SAC_OK;
    return sac_error_set(err, SAC_BAD_DISK, "seen enough");
  }
  std::vector<int64_t> steps;
  int fails_at = -1;
};

Measured evaluate(HandRun &self, int lanes, int episodes, uint64_t seed, bool stochastic,
                  Watcher *watcher = nullptr) {
  const sac_run *run = self.run;
  const sac_learner *learner = self.learner;
  sac_evaluator *evaluator = nullptr;
  sac_error err = {};
  Measured out = {};
  EXPECT_EQ(sac_evaluator_create(&run->cfg, lanes, learner->agent, learner->backend,
                                 learner->threads, &evaluator, &err),
            SAC_OK)
      << err.text;
  sac_evaluation_options options = {episodes, seed, stochastic, nullptr, nullptr, nullptr};
  if (watcher) sac_evaluator_watch(evaluator, Watcher::look, watcher);
  out.status = sac_evaluator_run(evaluator, &options, &out.result, &err);
  out.text = err.text;
  sac_evaluator_destroy(evaluator);
  return out;
}

TEST(Evaluator, ListedSeedsStartTheEpisodes) {
  HandRun self(small_run({"env.id=Pendulum-v1"}));
  Measured third = evaluate(self, 2, 1, 103, false), first = evaluate(self, 2, 1, 7, false);
  const sac_run *run = self.run;
  const sac_learner *learner = self.learner;
  sac_evaluator *evaluator = nullptr;
  ASSERT_EQ(SAC_OK, sac_evaluator_create(&run->cfg, 2, learner->agent, learner->backend,
                                         learner->threads, &evaluator, nullptr));
  const int64_t seeds[] = {7, 7, 103, 103};
  sac_evaluation_options options = {4, 5, false, nullptr, nullptr, seeds};
  sac_evaluation result;
  EXPECT_EQ(SAC_OK, sac_evaluator_run(evaluator, &options, &result, nullptr));
  sac_evaluator_destroy(evaluator);
  EXPECT_NEAR((first.result.return_mean + third.result.return_mean) / 2, result.return_mean, 1e-9);
  EXPECT_NE(first.result.return_mean, third.result.return_mean);
}

TEST(Evaluator, IsTheSameForAnyLanesAndThreads) {
  for (bool stochastic : {false, true}) {
    for (const char *env : {"env.id=Pendulum-v1", "env.id=Hopper-v5"}) {
      HandRun one(small_run({env})), two(small_run({env, "run.threads=2"}));
      one.go(60);
      two.go(60);
      sac_evaluation first = evaluate(one, 1, 5, 10000, stochastic).result;
      for (int lanes : {2, 3, 5, 16}) {
        sac_evaluation other = evaluate(lanes == 3 ? two : one, lanes, 5, 10000, stochastic).result;
        EXPECT_EQ(other.return_mean, first.return_mean) << env << " " << lanes;
        EXPECT_EQ(other.return_std, first.return_std) << env << " " << lanes;
        EXPECT_EQ(other.length_mean, first.length_mean) << env << " " << lanes;
      }
      EXPECT_EQ(first.episodes, 5);
      EXPECT_EQ(std::string("env.id=") + first.env, env);
    }
  }
}

// the return of one episode of the policy's mean, by the environment and the policy alone
double return_of_episode(HandRun &self, uint64_t seed, int64_t *length) {
  const sac_run *run = self.run;
  const sac_learner *learner = self.learner;
  sac_environment environment;
  EXPECT_EQ(sac_environment_create(sac_vec_env_task(run->envs), &environment, nullptr), SAC_OK);
  sac_environment_reset(&environment, seed);
  sac_real obs[3], action[1];
  sac_act act = {1, {obs, 0, 3, 1}, {nullptr, 0, 1, 1}, {action, 0, 1, 1}};
  double sum = 0;
  for (sac_outcome outcome = {}; !outcome.terminated && !outcome.truncated;) {
    sac_environment_observe(&environment, obs);
    sac_agent_act(learner->agent, &act);
    sac_environment_step(&environment, action, &outcome);
    sum += outcome.reward;
  }
  *length = environment.step;
  sac_environment_destroy(&environment);
  return sum;
}

TEST(Evaluator, EpisodeIStartsFromSeedPlusI) {
  HandRun self(small_run());
  self.go(60);
  double returns[4], mean = 0, squares = 0;
  for (uint64_t i = 0; i < 4; i++) {
    int64_t length;
    returns[i] = return_of_episode(self, 777 + i, &length);
    EXPECT_EQ(length, 200);
    mean += returns[i] / 4;
  }
  for (double value : returns) squares += (value - mean) * (value - mean) / 4;
  sac_evaluation result = evaluate(self, 3, 4, 777, false).result;
  EXPECT_NEAR(result.return_mean, mean, 1e-9 * std::abs(mean));
  EXPECT_NEAR(result.return_std, std::sqrt(squares), 1e-6 * std::abs(mean));
  EXPECT_EQ(result.length_mean, 200);
  EXPECT_NE(evaluate(self, 3, 4, 778, false).result.return_mean, result.return_mean);
}

TEST(Evaluator, WhoLooksSeesEpisodesInTurnAndChangesNoResult) {
  for (bool stochastic : {false, true}) {
    HandRun self(small_run({"env.id=Hopper-v5", "run.threads=2"}));
    self.go(60);
    Watcher watcher;
    sac_evaluation plain = evaluate(self, 3, 5, 10000, stochastic).result;
    sac_evaluation shown = evaluate(self, 3, 5, 10000, stochastic, &watcher).result;
    EXPECT_EQ(shown.return_mean, plain.return_mean);
    EXPECT_EQ(shown.return_std, plain.return_std);
    EXPECT_EQ(shown.length_mean, plain.length_mean);
    EXPECT_NEAR(static_cast<double>(watcher.steps.size()), 5 * (1 + plain.length_mean), 1e-6);
    EXPECT_EQ(std::count(watcher.steps.begin(), watcher.steps.end(), 0), 5);
    for (size_t i = 1; i < watcher.steps.size(); i++)
      EXPECT_TRUE(watcher.steps[i] == 0 || watcher.steps[i] == watcher.steps[i - 1] + 1) << i;
  }
}

TEST(Evaluator, AFailureOfWhoLooksEndsIt) {
  HandRun self(small_run());
  Watcher watcher;
  watcher.fails_at = 3;
  Measured out = evaluate(self, 2, 4, 1, false, &watcher);
  EXPECT_EQ(out.status, SAC_BAD_DISK);
  EXPECT_EQ(out.text, "seen enough");
  EXPECT_EQ(watcher.steps, (std::vector<int64_t>{0, 1, 2}));
}

TEST(Evaluator, LeavesTheRunAsItWas) {
  HandRun self(small_run()), plain(small_run());
  self.go(60);
  plain.go(60);
  evaluate(self, 4, 6, 1, true);
  self.go(10);
  plain.go(10);
  EXPECT_EQ(self.digest(), plain.digest());
}

TEST(Evaluator, ABrokenPolicyIsNamedWithItsEpisode) {
  HandRun self(small_run());
  sac_params *actor = sac_agent_params(self.learner->agent, 0);
  sac_real nan = std::numeric_limits<sac_real>::quiet_NaN();
  self.learner->backend->ops->upload(self.learner->backend, actor->value, &nan, sizeof nan);
  Measured out = evaluate(self, 2, 3, 1, false);
  EXPECT_EQ(out.status, SAC_BAD_NUMBER);
  EXPECT_EQ(out.text.find("evaluation episode 0 (Pendulum-v1), step 1 of its episode: action[0]"),
            0u)
      << out.text;
}

TEST(Evaluator, StopsWhenAsked) {
  HandRun self(small_run());
  const sac_run *run = self.run;
  const sac_learner *learner = self.learner;
  sac_evaluator *evaluator = nullptr;
  ASSERT_EQ(sac_evaluator_create(&run->cfg, 2, learner->agent, learner->backend, learner->threads,
                                 &evaluator, nullptr),
            SAC_OK);
  volatile int stop = 1;
  sac_evaluation_options options = {1000000, 1, false, nullptr, &stop, nullptr};
  sac_evaluation out;
  EXPECT_EQ(sac_evaluator_run(evaluator, &options, &out, nullptr), SAC_OK);
  sac_evaluator_destroy(evaluator);
}

}  // namespace
