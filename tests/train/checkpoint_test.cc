#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "train/fixture.h"

namespace {

using sac_test::contains;
using sac_test::contents;
using sac_test::digest_of;
using sac_test::HandRun;
using sac_test::names_in;
using sac_test::small_run;

TEST(Checkpoint, EqualStatesGiveEqualBytes) {
  HandRun one(small_run()), other(small_run());
  one.go(70);
  other.go(70);
  EXPECT_EQ(contents(one.save()), contents(other.save()));
}

TEST(Checkpoint, TheDigestSeesEveryChange) {
  HandRun self(small_run());
  self.go(70);
  std::string before = self.digest();
  EXPECT_EQ(self.digest(), before);
  sac_progress progress = self.run->progress;
  self.run->progress.episodes++;
  EXPECT_NE(self.digest(), before);
  self.run->progress = progress;
  EXPECT_EQ(self.digest(), before);
  sac_params *critic = sac_agent_params(self.learner->agent, 1);
  sac_real moment = critic->v[5];
  critic->v[5] += 1;
  EXPECT_NE(self.digest(), before);
  critic->v[5] = moment;
  EXPECT_EQ(self.digest(), before);
  self.go(1);
  EXPECT_NE(self.digest(), before);
}

TEST(Checkpoint, TheDigestReadsReplayRows) {
  HandRun self(small_run()), other(small_run());
  self.go(70);
  other.go(70);
  other.learner->replay.ring[3 * other.learner->replay.layout.width] += 1;
  EXPECT_NE(self.digest(), other.digest());
}

TEST(Checkpoint, AnotherConfigurationIsRefusedByItsKey) {
  HandRun self(small_run());
  self.go(50);
  std::string path = self.save();
  const std::vector<std::string> changes[] = {{"run.seed=2"},
                                              {"env.n_envs=2"},
                                              {"env.frame_skip=2"},
                                              {"policy.hidden=[12,8]"},
                                              {"algorithm.buffer_size=501"},
                                              {"algorithm.name=sac_v1"}};
  for (const auto &change : changes) {
    HandRun other(small_run(change));
    EXPECT_EQ(other.load(path), SAC_BAD_CONFIG) << change[0];
    std::string key = change[0].substr(0, change[0].find('='));
    EXPECT_TRUE(contains(other.err.text, key)) << other.err.text;
  }
  HandRun faster(small_run({"algorithm.q_lr=0.1", "algorithm.batch_size=8", "run.threads=2"}));
  EXPECT_EQ(faster.load_from(self, path), SAC_OK) << faster.err.text;
}

// a run saved uniformly may go on by priority: every row then as new as the last; and back
TEST(Checkpoint, PrioritiesMayBeginAndEndAtAResume) {
  const std::vector<std::string> by_priority = {"algorithm.priority.enabled=true"};
  HandRun uniform(small_run()), priority(small_run(by_priority));
  uniform.go(90);
  priority.go(90);
  HandRun begins(small_run(by_priority)), ends(small_run());
  ASSERT_EQ(begins.load_from(uniform, uniform.save()), SAC_OK) << begins.err.text;
  const sac_priorities &tree = begins.run->learner->replay.priorities;
  for (size_t k = 0; k < 500; k++) EXPECT_EQ(tree.nodes[k], k < 90 ? 1 : 0);
  EXPECT_EQ(tree.nodes[tree.count - 1], 90);
  begins.go(5);
  std::string path = priority.save();
  ASSERT_EQ(ends.load_from(priority, path), SAC_OK) << ends.err.text;
  ends.go(5);
  // what lies there from before does not stay
  ASSERT_EQ(begins.load_from(priority, path), SAC_OK) << begins.err.text;
  const sac_priorities &saved = priority.run->learner->replay.priorities;
  for (size_t k = 0; k < tree.count; k++) ASSERT_EQ(tree.nodes[k], saved.nodes[k]) << k;
  EXPECT_EQ(tree.largest[0], saved.largest[0]);
  EXPECT_NE(tree.nodes[tree.count - 1], 90);
}

TEST(Checkpoint, StepsOfATargetMayChangeAtAResume) {
  HandRun one(small_run()), three(small_run({"algorithm.n_steps=3"}));
  one.go(90);
  ASSERT_EQ(three.load_from(one, one.save()), SAC_OK) << three.err.text;
  three.go(20);
  EXPECT_EQ(three.run->progress.updates, one.run->progress.updates + 20);
}

TEST(Checkpoint, WithoutTheReplayLearningWaits) {
  HandRun self(small_run({"checkpoint.include_replay=false"}));
  self.go(100);
  std::string path = self.save();
  EXPECT_TRUE(names_in(self.folder / "checkpoints/replay").empty());
  HandRun other(small_run({"checkpoint.include_replay=false"}));
  ASSERT_EQ(other.load_from(self, path), SAC_OK) << other.err.text;
  EXPECT_EQ(other.run->progress.timesteps, 100u);
  EXPECT_EQ(sac_replay_count(&other.learner->replay), 0u);
  uint64_t updates = other.run->progress.updates;
  other.go(40);
  EXPECT_EQ(other.run->progress.updates, updates);
  other.go(1);
  EXPECT_EQ(other.run->progress.updates, updates + 1);
}

TEST(Checkpoint, ExplorationMayBeginAndEndAtAResume) {
  std::vector<std::string> mixed =
      small_run({"algorithm.exploration.parameter=0.5", "algorithm.exploration.gaussian=0.5"});
  HandRun plain(small_run()), exploring(mixed), from_plain(mixed), from_exploring(small_run()),
      less(small_run({"algorithm.exploration.gaussian=0.5"}));
  plain.go(60), exploring.go(60);
  ASSERT_EQ(from_plain.load_from(plain, plain.save()), SAC_OK) << from_plain.err.text;
  ASSERT_EQ(from_exploring.load_from(exploring, exploring.save()), SAC_OK);
  ASSERT_EQ(less.load_from(exploring, exploring.save()), SAC_OK) << less.err.text;
  from_plain.go(20), from_exploring.go(20), less.go(20), plain.go(20);
  // the episode that began without a mix ends without it
  sac_explorer *explorer = sac_actor_explorer(from_plain.learner->actor, 0);
  EXPECT_EQ(sac_explorer_state_of(explorer).kind[0], SAC_EXPLORE_POLICY);
  EXPECT_EQ(from_plain.run->progress.timesteps, 80u);
}

TEST(Checkpoint, ThePolicyAloneCanBeReadFromAnyOfThem) {
  HandRun self(small_run());
  self.go(60);
  for (bool complete : {true, false}) {
    std::string path = self.save(complete);
    HandRun other(small_run());
    EXPECT_EQ(other.load(path, false), SAC_OK) << other.err.text;
    for (int i = 0; sac_params *params = sac_agent_params(self.learner->agent, i); i++) {
      const sac_params *read = sac_agent_params(other.learner->agent, i);
      for (size_t k = 0; k < (size_t)params->n * params->count; k++)
        ASSERT_EQ(read->value[k], params->value[k]) << params->prefix << k;
    }
  }
  // what holds the agent only cannot be gone on from
  HandRun other(small_run());
  EXPECT_EQ(other.load(self.save(false)), SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(other.err.text, "env.state")) << other.err.text;
}

TEST(Checkpoint, WhatIsNoneOfOursIsRefused) {
  HandRun self(small_run());
  EXPECT_EQ(self.load(self.folder / "missing"), SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(self.err.text, "missing")) << self.err.text;
  EXPECT_EQ(self.load("tests/golden/v2.safetensors"), SAC_BAD_CHECKPOINT);
  sac_safetensors_writer *writer = nullptr;
  ASSERT_EQ(sac_safetensors_writer_create(&writer, nullptr), SAC_OK);
  sac_safetensors_note(writer, "format", "sac-checkpoint");
  sac_safetensors_note(writer, "format_version", "2");
  sac_safetensors_note(writer, "fingerprint", "");
  std::string path = self.folder / "newer.safetensors";
  ASSERT_EQ(sac_safetensors_write(writer, path.c_str(), nullptr), SAC_OK);
  sac_safetensors_writer_destroy(writer);
  EXPECT_EQ(self.load(path), SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(self.err.text, "format version 2")) << self.err.text;
}

TEST(Checkpoint, AnyFlippedBitIsFound) {
  HandRun self(small_run());
  self.go(45);
  std::string path = self.save(), good = contents(path);
  HandRun other(small_run());
  ASSERT_EQ(other.load_from(self, path), SAC_OK) << other.err.text;
  std::string copy = other.folder / "damaged.safetensors";
  for (size_t at = 3; at < good.size(); at += good.size() / 150) {
    std::string bad = good;
    bad[at] = (char)(bad[at] ^ (1 << at % 8));
    std::ofstream(copy, std::ios::binary) << bad;
    EXPECT_EQ(other.load(copy), SAC_BAD_CHECKPOINT) << at;
    EXPECT_TRUE(contains(other.err.text, "damaged.safetensors")) << other.err.text;
  }
}

TEST(Checkpoint, ListIsNewestFirstAndSkipsOtherFiles) {
  HandRun self(small_run());
  for (int i = 0; i < 3; i++) {
    self.go(5);
    self.save();
  }
  for (const char *name : {"best.safetensors", "step-000000000099.safetensors.12.tmp", "step-x"})
    std::ofstream(self.folder / "checkpoints/" + name) << "x";
  char **names;
  int count;
  ASSERT_EQ(sac_checkpoint_list(self.folder.path.c_str(), &names, &count, nullptr), SAC_OK);
  ASSERT_EQ(count, 3);
  for (int i = 0; i < 3; i++) {
    std::string expected = "step-00000000001" + std::to_string(5 - 5 * i) + ".safetensors";
    if (i == 2) expected = "step-000000000005.safetensors";
    if (i == 1) expected = "step-000000000010.safetensors";
    EXPECT_EQ(std::filesystem::path(names[i]).filename(), expected);
  }
  sac_names_free(names, count);
}

TEST(Checkpoint, PruneKeepsTheNewestAndTheirBlocks) {
  HandRun self(small_run());
  for (int i = 0; i < 5; i++) {
    self.go(10);
    self.save();
  }
  std::ofstream(self.folder / "checkpoints/best.safetensors") << "kept";
  ASSERT_EQ(sac_checkpoint_prune(self.folder.path.c_str(), 50, 2, nullptr), SAC_OK);
  EXPECT_EQ(names_in(self.folder / "checkpoints"),
            (std::vector<std::string>{"best.safetensors", "replay", "step-000000000040.safetensors",
                                      "step-000000000050.safetensors"}));
  EXPECT_EQ(names_in(self.folder / "checkpoints/replay").size(), 5u);  // rows from 0 on are live
  EXPECT_EQ(digest_of(self.folder / "checkpoints/step-000000000040.safetensors").size(), 16u);
}

TEST(Checkpoint, PruneRemovesBlocksOfRowsThatWereOverwritten) {
  HandRun self(small_run({"algorithm.buffer_size=25"}));
  for (int i = 0; i < 6; i++) {
    self.go(10);
    self.save();
    ASSERT_EQ(
        sac_checkpoint_prune(self.folder.path.c_str(), self.run->progress.timesteps, 1, nullptr),
        SAC_OK);
  }
  // rows 35 .. 59 live: three blocks of ten
  EXPECT_EQ(names_in(self.folder / "checkpoints/replay").size(), 3u);
  EXPECT_EQ(digest_of(self.folder / "checkpoints/step-000000000060.safetensors").size(), 16u);
}

// the newest that can be used is taken; those passed over are named in the log
TEST(Checkpoint, TheNewestValidOneIsFound) {
  HandRun self(small_run());
  std::string paths[3], folder = self.folder.path, log_path = self.folder / "log.txt";
  for (std::string &path : paths) {
    self.go(50);
    path = self.save();
  }
  auto load_newest = [&](char *used, uint64_t most = UINT64_MAX) {
    sac_log *log = nullptr;
    std::filesystem::remove(log_path);
    EXPECT_EQ(sac_log_open(log_path.c_str(), true, &log, nullptr), SAC_OK);
    sac_state state = sac_run_state(self.run);
    self.err = {};
    sac_checkpoint_search search = {folder.c_str(), most, true, log};
    sac_status status = sac_checkpoint_load_newest(&state, &search, used, &self.err);
    sac_log_close(log);
    return status;
  };
  char used[SAC_PATH_MAX] = "";
  EXPECT_EQ(load_newest(used), SAC_OK);
  EXPECT_EQ(used, paths[2]);
  EXPECT_EQ(contents(log_path), "");
  EXPECT_EQ(load_newest(used, 149), SAC_OK);
  EXPECT_EQ(used, paths[1]);
  EXPECT_EQ(self.run->progress.timesteps, 100u);
  EXPECT_EQ(load_newest(used, 50), SAC_OK);
  EXPECT_EQ(used, paths[0]);
  EXPECT_EQ(contents(log_path), "") << "what was not wanted is not passed over";
  std::filesystem::resize_file(paths[2], 1000);
  EXPECT_EQ(load_newest(used), SAC_OK);
  EXPECT_EQ(used, paths[1]);
  EXPECT_EQ(self.run->progress.timesteps, 100u);
  EXPECT_TRUE(contains(contents(log_path), "skipped " + paths[2])) << contents(log_path);
  std::filesystem::resize_file(paths[1], 0);
  std::filesystem::remove(paths[0]);
  EXPECT_EQ(load_newest(used), SAC_BAD_CHECKPOINT);
  std::string log = contents(log_path);
  EXPECT_TRUE(contains(log, paths[1]) && contains(log, paths[2])) << log;
  EXPECT_TRUE(contains(self.err.text, "none of its 2 checkpoints")) << self.err.text;
}

}  // namespace
