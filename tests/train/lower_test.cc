// Hierarchies in files: a run over a lower layer is whole by itself, and a wrong one is refused.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "train/fixture.h"

namespace {

using sac_test::contains;
using sac_test::contents;
using sac_test::digest_of;
using sac_test::small_run;
using sac_test::TemporaryFolder;
using sac_test::Training;

std::vector<std::string> with(std::vector<std::string> all, const std::vector<std::string> &more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const std::vector<std::string> kShort =
    small_run({"checkpoint.every=100", "eval.every=100", "eval.episodes=2", "log.every=50",
               "algorithm.total_timesteps=200"});
const std::vector<std::string> kFlow =
    with(kShort, {"policy.type=realnvp", "policy.flow={preprocess: [7], candidates: 5}"});

/// A trained lower layer, and what names it.
struct Lower : Training {
  explicit Lower(const std::vector<std::string> &more = {}) {
    EXPECT_EQ(train(with(kFlow, more)), SAC_OK) << err.text;
  }
  std::string key(const std::string &path) const { return "hierarchy.lower=" + path; }
};

std::string note_of(const std::string &path, const char *key) {
  sac_safetensors *file = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_safetensors_open(path.c_str(), true, &file, &err), SAC_OK) << err.text;
  const char *text = file ? sac_safetensors_text(file, key) : nullptr;
  std::string value = text ? text : "";
  sac_safetensors_close(file);
  return value;
}

TEST(Lower, AnUpperRunResumesAndEvaluatesWithoutItsLowerOne) {
  Lower lower;
  Training upper;
  ASSERT_EQ(upper.train(with(kShort, {lower.key(lower.folder())})), SAC_OK) << upper.err.text;
  // the folder became the checkpoint that was taken
  EXPECT_TRUE(contains(contents(upper.folder() + "/config.yaml"), lower.checkpoint(200)));
  EXPECT_EQ(note_of(upper.checkpoint(200), "lower.hash").size(), 16u);
  std::filesystem::remove_all(lower.folder());
  sac_evaluation result = {};
  sac_evaluation_options options = {};
  options.episodes = 2;
  ASSERT_EQ(sac_evaluate(upper.folder().c_str(), &options, &result, &upper.err), SAC_OK)
      << upper.err.text;
  EXPECT_LT(result.return_mean, 0);
  ASSERT_EQ(upper.resume({"algorithm.total_timesteps=300"}), SAC_OK) << upper.err.text;
  EXPECT_EQ(note_of(upper.checkpoint(300), "lower.hash"),
            note_of(upper.checkpoint(200), "lower.hash"));
}

TEST(Lower, ResumedAnUpperRunEndsAsIfNeverStopped) {
  Lower lower;
  for (const char *type : {"policy.type=gaussian", "policy.type=realnvp"}) {
    std::vector<std::string> options = with(
        kShort, {lower.key(lower.folder()), type, "policy.flow={preprocess: [7], candidates: 5}"});
    Training whole, parts;
    ASSERT_EQ(whole.train(options), SAC_OK) << whole.err.text;
    parts.stop_at_event = 2;
    ASSERT_EQ(parts.train(options), SAC_OK) << parts.err.text;
    ASSERT_TRUE(parts.outcome.stopped);
    parts.stop_at_event = -1;
    ASSERT_EQ(parts.resume(), SAC_OK) << parts.err.text;
    EXPECT_EQ(digest_of(parts.checkpoint(200)), digest_of(whole.checkpoint(200))) << type;
  }
}

TEST(Lower, TrainingLeavesTheLowerLayerAsItIs) {
  Lower lower;
  Training upper;
  ASSERT_EQ(upper.train(with(kShort, {lower.key(lower.checkpoint(200))})), SAC_OK)
      << upper.err.text;
  sac_safetensors *above = nullptr, *below = nullptr;
  ASSERT_EQ(sac_safetensors_open(upper.checkpoint(200).c_str(), true, &above, nullptr), SAC_OK);
  ASSERT_EQ(sac_safetensors_open(lower.checkpoint(200).c_str(), true, &below, nullptr), SAC_OK);
  int compared = 0;
  for (int i = 0; i < sac_safetensors_count(below); i++) {
    const sac_tensor *tensor = sac_safetensors_at(below, i);
    if (std::string(tensor->name).rfind("actor.", 0) != 0) continue;
    const sac_tensor *copy =
        sac_safetensors_find(above, ("lower.0." + std::string(tensor->name)).c_str());
    ASSERT_NE(copy, nullptr) << tensor->name;
    EXPECT_EQ(memcmp(copy->data, tensor->data, sac_tensor_bytes(tensor)), 0) << tensor->name;
    compared++;
  }
  EXPECT_GT(compared, 6);
  sac_safetensors_close(above);
  sac_safetensors_close(below);
}

TEST(Lower, AnyNumberOfLayers) {
  Lower lower;
  Training middle, top;
  ASSERT_EQ(middle.train(with(kFlow, {lower.key(lower.folder())})), SAC_OK) << middle.err.text;
  ASSERT_EQ(top.train(with(kShort, {lower.key(middle.folder())})), SAC_OK) << top.err.text;
  EXPECT_EQ(note_of(top.checkpoint(200), "lower.1.policy"),
            note_of(middle.checkpoint(200), "lower.0.policy"));
  EXPECT_NE(note_of(top.checkpoint(200), "lower.0.policy"), "");
  ASSERT_EQ(top.resume({"algorithm.total_timesteps=250"}), SAC_OK) << top.err.text;
}

struct Wrong {
  const char *name;
  std::vector<std::string> lower;  // overrides of its run
  std::vector<std::string> upper;
  const char *text;
};

TEST(Lower, AWrongOneIsRefusedWithItsReason) {
  const Wrong all[] = {
      {"kind", {"policy.type=gaussian"}, {}, "whose policy.type is gaussian, must be realnvp"},
      {"sees", {"env.normalize_obs=true"}, {}, "trained with env.normalize_obs"},
      {"size", {"env.id=Multigoal-v0"}, {}, "whose actions have 2 values, must have those of"},
      {"prefix", {}, {"hierarchy.lower_obs_dims=2"}, "lower_obs_dims is 2, must be 3 or null"},
      {"wide", {}, {"env.id=LinearQuadratic-v0"}, "which sees 3 values, more than"},
  };
  for (const Wrong &one : all) {
    Lower lower(one.lower);
    Training upper;
    EXPECT_EQ(upper.train(with(with(kShort, {lower.key(lower.folder())}), one.upper)),
              SAC_BAD_CONFIG)
        << one.name;
    EXPECT_TRUE(contains(upper.err.text, one.text)) << one.name << ": " << upper.err.text;
    EXPECT_TRUE(contains(upper.err.text, "override ")) << upper.err.text;
  }
  Training upper;
  EXPECT_EQ(upper.train(with(kShort, {"hierarchy.lower=/nowhere/at/all"})), SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(upper.err.text, "which does not exist")) << upper.err.text;
}

TEST(Lower, AnotherPolicyInItsPlaceIsNoticed) {
  Lower lower, other({"run.seed=7"});
  Training upper;
  ASSERT_EQ(upper.train(with(kShort, {lower.key(lower.folder())})), SAC_OK) << upper.err.text;
  std::filesystem::copy_file(other.checkpoint(200), lower.checkpoint(200),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(upper.resume({"algorithm.total_timesteps=300"}), SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(upper.err.text, note_of(upper.checkpoint(200), "lower.hash")))
      << upper.err.text;
  EXPECT_TRUE(contains(upper.err.text, "put those back")) << upper.err.text;
}

TEST(Lower, AnUpperLayerIsUnsquashedWithANormalPrior) {
  auto cfg = sac_test::config_of({"hierarchy.lower=x"});
  EXPECT_FALSE(cfg->policy.squash);
  EXPECT_EQ(cfg->algorithm.action_prior, SAC_ACTION_PRIOR_NORMAL);
  for (const char *bad : {"policy.squash=true", "algorithm.action_prior=uniform"}) {
    const char *texts[] = {"env.id=A", "hierarchy.lower=x", bad};
    sac_config refused;
    sac_error err = {};
    EXPECT_EQ(sac_config_load(nullptr, 3, texts, &refused, &err), SAC_BAD_CONFIG);
    EXPECT_TRUE(contains(err.text, "with hierarchy.lower")) << err.text;
  }
}

}  // namespace
