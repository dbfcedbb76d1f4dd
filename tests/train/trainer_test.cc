#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "train/fixture.h"

namespace {

using sac_test::contains;
using sac_test::contents;
using sac_test::digest_of;
using sac_test::names_in;
using sac_test::small_run;
using sac_test::Training;

const std::vector<std::string> kEvery100 =
    small_run({"checkpoint.every=100", "eval.every=100", "eval.episodes=2", "log.every=50"});

std::vector<std::string> with(const std::vector<std::string> &more) {
  std::vector<std::string> all = kEvery100;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// the first fields of the rows of metrics.csv
std::vector<std::string> logged(const Training &self) {
  std::vector<std::string> steps;
  std::stringstream in(contents(self.folder() + "/metrics.csv"));
  for (std::string line; std::getline(in, line);) steps.push_back(line.substr(0, line.find(',')));
  return steps;
}

TEST(Trainer, LeavesAWholeRunFolder) {
  Training self;
  ASSERT_EQ(self.train(kEvery100), SAC_OK) << self.err.text;
  EXPECT_EQ(self.outcome.timesteps, 300u);
  EXPECT_EQ(self.outcome.updates, 260u);
  EXPECT_FALSE(self.outcome.stopped);
  EXPECT_EQ(std::string(self.outcome.folder), self.folder());
  EXPECT_EQ(names_in(self.folder()),
            (std::vector<std::string>{"checkpoints", "config.yaml", "env.json", "log.txt",
                                      "metrics.csv", "metrics.jsonl", "status.json"}));
  EXPECT_EQ(
      names_in(self.folder() + "/checkpoints"),
      (std::vector<std::string>{"best.safetensors", "replay", "step-000000000100.safetensors",
                                "step-000000000200.safetensors", "step-000000000300.safetensors"}));
  EXPECT_EQ(logged(self),
            (std::vector<std::string>{"timesteps", "50", "100", "150", "200", "250", "300"}));
  EXPECT_TRUE(contains(contents(self.folder() + "/status.json"), "\"done\""));
}

void stop_and_resume(const std::vector<std::string> &options) {
  Training whole;
  ASSERT_EQ(whole.train(options), SAC_OK) << whole.err.text;
  std::string expected = digest_of(whole.checkpoint(300));
  for (int event : {1, 2, 3, 5, 7}) {
    Training parts;
    parts.stop_at_event = event;
    ASSERT_EQ(parts.train(options), SAC_OK) << parts.err.text;
    EXPECT_TRUE(parts.outcome.stopped);
    EXPECT_LT(parts.outcome.timesteps, 300u);
    EXPECT_TRUE(contains(contents(parts.folder() + "/status.json"), "\"stopped\""));
    parts.stop_at_event = -1;
    ASSERT_EQ(parts.resume(), SAC_OK) << parts.err.text;
    EXPECT_EQ(digest_of(parts.checkpoint(300)), expected) << event;
    EXPECT_EQ(logged(parts), logged(whole)) << event;
  }
}

TEST(Trainer, ResumedAnywhereItEndsAsIfNeverStopped) {
  stop_and_resume(kEvery100);
}

TEST(Trainer, SoItDoesWhereUpdatesLag) {
  stop_and_resume(with({"run.overlap=lag1", "algorithm.gradient_steps=2"}));
}

TEST(Trainer, TheUpdatesOfTheLastStepAreMadeByALongerRun) {
  Training whole, parts;
  ASSERT_EQ(whole.train(with({"run.overlap=lag1"})), SAC_OK) << whole.err.text;
  ASSERT_EQ(parts.train(with({"run.overlap=lag1", "algorithm.total_timesteps=200"})), SAC_OK);
  ASSERT_EQ(parts.resume({"algorithm.total_timesteps=300"}), SAC_OK) << parts.err.text;
  EXPECT_EQ(digest_of(parts.checkpoint(300)), digest_of(whole.checkpoint(300)));
  // and a run that does not lag any more makes them first
  Training changed;
  ASSERT_EQ(changed.train(with({"run.overlap=lag1", "algorithm.total_timesteps=200"})), SAC_OK);
  ASSERT_EQ(changed.resume({"algorithm.total_timesteps=300", "run.overlap=none"}), SAC_OK);
  EXPECT_EQ(changed.outcome.updates, whole.outcome.updates + 1);
}

TEST(Trainer, RunningStatisticsAreResumedToo) {
  const std::vector<std::string> normalising =
      with({"env.normalize_obs=true", "env.normalize_reward=true"});
  Training plain, whole, parts;
  ASSERT_EQ(plain.train(kEvery100), SAC_OK) << plain.err.text;
  ASSERT_EQ(whole.train(normalising), SAC_OK) << whole.err.text;
  EXPECT_NE(digest_of(plain.checkpoint(300)), digest_of(whole.checkpoint(300)));
  parts.stop_at_event = 3;
  ASSERT_EQ(parts.train(normalising), SAC_OK) << parts.err.text;
  EXPECT_LT(parts.outcome.timesteps, 300u);
  parts.stop_at_event = -1;
  ASSERT_EQ(parts.resume(), SAC_OK) << parts.err.text;
  EXPECT_EQ(digest_of(parts.checkpoint(300)), digest_of(whole.checkpoint(300)));
  EXPECT_EQ(logged(parts), logged(whole));
}

TEST(Trainer, AResumeMayGoFurtherAndChangeWhatIsNotState) {
  Training longer, parts;
  ASSERT_EQ(longer.train(with({"algorithm.total_timesteps=400"})), SAC_OK);
  ASSERT_EQ(parts.train(kEvery100), SAC_OK);
  ASSERT_EQ(parts.resume({"algorithm.total_timesteps=400", "run.threads=2"}), SAC_OK)
      << parts.err.text;
  EXPECT_EQ(parts.events[0], "{\"event\":\"resumed\",\"timesteps\":300}");
  EXPECT_EQ(digest_of(parts.checkpoint(400)), digest_of(longer.checkpoint(400)));
}

TEST(Trainer, AResumeOfAnotherShapeIsRefusedAndChangesNothing) {
  Training self;
  ASSERT_EQ(self.train(kEvery100), SAC_OK);
  std::string config = contents(self.folder() + "/config.yaml");
  EXPECT_EQ(self.resume({"policy.hidden=[5]"}), SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(self.err.text, "policy.hidden")) << self.err.text;
  EXPECT_EQ(contents(self.folder() + "/config.yaml"), config);
  EXPECT_EQ(self.resume(), SAC_OK) << self.err.text;
}

TEST(Trainer, ARunFolderIsNotTrainedIntoTwice) {
  Training self;
  ASSERT_EQ(self.train(kEvery100), SAC_OK);
  EXPECT_EQ(self.train(kEvery100), SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(self.err.text, "sac resume")) << self.err.text;
}

TEST(Trainer, ResumeFallsBackToTheNewestValidCheckpoint) {
  Training whole, self;
  ASSERT_EQ(whole.train(kEvery100), SAC_OK);
  ASSERT_EQ(self.train(kEvery100), SAC_OK);
  std::filesystem::resize_file(self.checkpoint(300), 2000);
  self.listener.quiet = false;
  testing::internal::CaptureStderr();
  ASSERT_EQ(self.resume(), SAC_OK) << self.err.text;
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(contains(said, "skipped " + self.checkpoint(300))) << said;
  EXPECT_EQ(self.events[0], "{\"event\":\"resumed\",\"timesteps\":200}");
  EXPECT_EQ(digest_of(self.checkpoint(300)), digest_of(whole.checkpoint(300)));
  EXPECT_EQ(logged(self), logged(whole));
}

TEST(Trainer, AfterAFallBackThatWasStoppedItsCheckpointStays) {
  Training self;
  ASSERT_EQ(self.train(kEvery100), SAC_OK);
  std::filesystem::resize_file(self.checkpoint(300), 2000);
  self.stop_at_event = 1;  // at once
  ASSERT_EQ(self.resume({"checkpoint.keep=1"}), SAC_OK) << self.err.text;
  EXPECT_EQ(self.outcome.timesteps, 200u);
  EXPECT_TRUE(std::filesystem::exists(self.checkpoint(200)));
  self.stop_at_event = -1;
  ASSERT_EQ(self.resume(), SAC_OK) << self.err.text;
  EXPECT_EQ(self.events[0], "{\"event\":\"resumed\",\"timesteps\":200}");
}

TEST(Trainer, ADamagedBlockOfTheReplayCountsAsDamage) {
  Training self;
  ASSERT_EQ(self.train(kEvery100), SAC_OK);
  // the block of rows 200 .. 299, which only the last checkpoint needs
  std::string replay = self.folder() + "/checkpoints/replay/";
  std::filesystem::resize_file(replay + names_in(replay)[2], 100);
  ASSERT_EQ(self.resume(), SAC_OK) << self.err.text;
  EXPECT_EQ(self.events[0], "{\"event\":\"resumed\",\"timesteps\":200}");
  digest_of(self.checkpoint(300));
}

TEST(Trainer, WithoutAValidCheckpointResumeSaysSo) {
  Training self;
  ASSERT_EQ(self.train(small_run()), SAC_OK);
  std::filesystem::resize_file(self.checkpoint(300), 2000);
  EXPECT_EQ(self.resume(), SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(self.err.text, "none of its 1 checkpoints")) << self.err.text;
  std::filesystem::remove(self.checkpoint(300));
  EXPECT_EQ(self.resume(), SAC_BAD_CHECKPOINT);
  std::filesystem::remove_all(self.folder());
  EXPECT_EQ(self.resume(), SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(self.err.text, "not a run folder")) << self.err.text;
}

TEST(Trainer, KeepsTheNewestAndTheBest) {
  Training self;
  ASSERT_EQ(self.train(with({"checkpoint.every=50", "checkpoint.keep=2"})), SAC_OK);
  EXPECT_EQ(names_in(self.folder() + "/checkpoints"),
            (std::vector<std::string>{"best.safetensors", "replay", "step-000000000250.safetensors",
                                      "step-000000000300.safetensors"}));
}

TEST(Trainer, WeightsThatAreNotFiniteNeverReachACheckpoint) {
  Training self;
  // rewards whose squares overflow, from the first update on
  ASSERT_EQ(self.train(with({"env.id=LinearQuadratic-v0", "env.kwargs={Q: [1.0e+12], W: [1.0e+08]}",
                             "algorithm.reward_scale=1000000", "algorithm.learning_starts=150"})),
            sizeof(sac_real) == 4 ? SAC_BAD_NUMBER : SAC_OK);
  if (sizeof(sac_real) > 4) GTEST_SKIP() << "nothing overflows in the double build";
  EXPECT_TRUE(contains(self.err.text, "update 1: q_loss is inf")) << self.err.text;
  EXPECT_TRUE(contains(contents(self.folder() + "/status.json"), "\"failed\""));
  EXPECT_TRUE(std::filesystem::exists(self.checkpoint(100)));
  for (const std::string &name : names_in(self.folder() + "/checkpoints")) {
    if (!contains(name, ".safetensors")) continue;
    sac_safetensors *file = nullptr;
    std::string path = self.folder() + "/checkpoints/" + name;
    ASSERT_EQ(sac_safetensors_open(path.c_str(), true, &file, nullptr), SAC_OK);
    for (int i = 0; i < sac_safetensors_count(file); i++) {
      const sac_tensor *tensor = sac_safetensors_at(file, i);
      if (tensor->dtype != SAC_DTYPE_REAL) continue;
      const sac_real *values = static_cast<const sac_real *>(tensor->data);
      for (size_t k = 0; k < sac_tensor_count(tensor); k++)
        ASSERT_TRUE(std::isfinite(values[k])) << name << " " << tensor->name;
    }
    sac_safetensors_close(file);
  }
}

TEST(Trainer, TheBestIsTheBestThatWasEvaluated) {
  Training self;
  ASSERT_EQ(self.train(with({"run.seed=2", "eval.every=50", "algorithm.q_lr=0.001"})), SAC_OK);
  double best = -INFINITY, last = best;
  int evaluations = 0;
  for (const std::string &event : self.events) {
    size_t at = event.find("\"eval_return_mean\":-");
    if (at == std::string::npos) continue;
    last = std::atof(event.c_str() + at + 19);
    best = std::max(best, last);
    evaluations++;
  }
  EXPECT_EQ(evaluations, 6);
  EXPECT_GT(best, last) << "the case says nothing";
  sac_evaluation_options options = {2, 10000, false, nullptr, nullptr, nullptr};
  sac_evaluation found = {};
  std::string path = self.folder() + "/checkpoints/best.safetensors";
  ASSERT_EQ(sac_evaluate(path.c_str(), &options, &found, nullptr), SAC_OK);
  EXPECT_NEAR(found.return_mean, best, 1e-4);
}

// a folder in the place of a checkpoint: it cannot be given its name
TEST(Trainer, ASaveThatFailsStopsOrIsOnlyTold) {
  for (const char *on_error : {"stop", "warn"}) {
    Training self;
    self.on_event = [&] { std::filesystem::create_directories(self.checkpoint(200) + "/taken"); };
    bool warns = std::string(on_error) == "warn";
    EXPECT_EQ(self.train(with({std::string("checkpoint.on_error=") + on_error})),
              warns ? SAC_OK : SAC_BAD_DISK);
    EXPECT_EQ(self.outcome.timesteps, warns ? 300u : 200u);
    std::string log = contents(self.folder() + "/log.txt");
    EXPECT_TRUE(contains(log, "step-000000000200.safetensors: cannot be given its name")) << log;
    EXPECT_EQ(std::filesystem::exists(self.checkpoint(300)), warns);
    digest_of(self.checkpoint(100));
  }
}

// without Adam's eps, which float rounds to zero here, a unit whose gradient is zero becomes 0 / 0
// in the first update, at step 41, while the losses are still finite
TEST(Trainer, WeightsThatBrokeSinceTheLastCheckpointLeaveItInPlace) {
  if (sizeof(sac_real) > 4) GTEST_SKIP() << "the double build keeps so small an eps";
  Training self;
  EXPECT_EQ(self.train(small_run(
                {"algorithm.adam.eps=1.0e-300", "critic.activation=tanh", "checkpoint.every=1"})),
            SAC_BAD_NUMBER);
  EXPECT_TRUE(contains(self.err.text, "update 1: a weight of")) << self.err.text;
  EXPECT_EQ(
      names_in(self.folder() + "/checkpoints"),
      (std::vector<std::string>{"replay", "step-000000000038.safetensors",
                                "step-000000000039.safetensors", "step-000000000040.safetensors"}));
  digest_of(self.checkpoint(40));
}

TEST(Trainer, LeftoversOfAKilledProcessAreSwept) {
  Training self;
  ASSERT_EQ(self.train(kEvery100), SAC_OK);
  for (const char *name : {"/status.json.7.tmp", "/checkpoints/step-000000000200.safetensors.7.tmp",
                           "/checkpoints/replay/rows-1.7.tmp"})
    std::ofstream(self.folder() + name) << "half";
  ASSERT_EQ(self.resume(), SAC_OK) << self.err.text;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(self.folder()))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
}

}  // namespace
