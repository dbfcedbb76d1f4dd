#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "train/fixture.h"

namespace {

using sac_test::contains;
using sac_test::small_run;
using sac_test::Training;

struct Measured {
  sac_status status;
  sac_evaluation result;
  std::string text;
};

Measured evaluate(const std::string &path, int episodes = 3, bool stochastic = false) {
  sac_evaluation_options options = {episodes, 10000, stochastic, nullptr, nullptr, nullptr};
  Measured out = {};
  sac_error err = {};
  out.status = sac_evaluate(path.c_str(), &options, &out.result, &err);
  out.text = err.text;
  return out;
}

class Evaluate : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run.train(small_run({"checkpoint.every=150", "eval.every=300", "eval.episodes=3"})),
              SAC_OK)
        << run.err.text;
  }
  Training run;
};

TEST_F(Evaluate, ARunMeansItsNewestCheckpoint) {
  Measured newest = evaluate(run.folder());
  ASSERT_EQ(newest.status, SAC_OK) << newest.text;
  EXPECT_STREQ(newest.result.env, "Pendulum-v1");
  EXPECT_EQ(newest.result.length_mean, 200);
  EXPECT_EQ(evaluate(run.checkpoint(300)).result.return_mean, newest.result.return_mean);
  EXPECT_NE(evaluate(run.checkpoint(150)).result.return_mean, newest.result.return_mean);
  // the same that the training measured
  EXPECT_EQ(evaluate(run.folder() + "/checkpoints/best.safetensors").result.return_mean,
            newest.result.return_mean);
  std::string last = run.events[run.events.size() - 2];
  size_t at = last.find("\"eval_return_mean\":");
  ASSERT_NE(at, std::string::npos) << last;
  EXPECT_NEAR(std::atof(last.c_str() + at + 19), newest.result.return_mean, 1e-4);
}

TEST_F(Evaluate, IsTheSameTwiceAndDrawnOnesDiffer) {
  EXPECT_EQ(evaluate(run.folder()).result.return_mean, evaluate(run.folder()).result.return_mean);
  double drawn = evaluate(run.folder(), 3, true).result.return_mean;
  EXPECT_EQ(evaluate(run.folder(), 3, true).result.return_mean, drawn);
  EXPECT_NE(drawn, evaluate(run.folder()).result.return_mean);
}

TEST_F(Evaluate, FallsBackWhereTheNewestIsDamaged) {
  Measured older = evaluate(run.checkpoint(150));
  std::filesystem::resize_file(run.checkpoint(300), 3000);
  EXPECT_EQ(evaluate(run.checkpoint(300)).status, SAC_BAD_CHECKPOINT);
  testing::internal::CaptureStderr();
  Measured found = evaluate(run.folder());
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(contains(said, "skipped " + run.checkpoint(300))) << said;
  EXPECT_EQ(found.status, SAC_OK) << found.text;
  EXPECT_EQ(found.result.return_mean, older.result.return_mean);
}

TEST_F(Evaluate, NeedsNoReplay) {
  std::filesystem::remove_all(run.folder() + "/checkpoints/replay");
  EXPECT_EQ(evaluate(run.folder()).status, SAC_OK);
}

TEST_F(Evaluate, WhatIsNoRunIsNamed) {
  Measured missing = evaluate(run.place / "nothing");
  EXPECT_EQ(missing.status, SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(missing.text, "nothing")) << missing.text;
  Measured empty = evaluate(run.place.path);
  EXPECT_EQ(empty.status, SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(empty.text, "config.yaml")) << empty.text;
  std::filesystem::copy_file(run.checkpoint(300), run.place / "lone.safetensors");
  EXPECT_EQ(evaluate(run.place / "lone.safetensors").status, SAC_BAD_CHECKPOINT);
}

}  // namespace
