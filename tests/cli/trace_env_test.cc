#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "cli/trace.h"
#include "io/safetensors.h"
}

namespace {

const std::string kTraces = "tests/env/traces/";

class Output {
 public:
  Output(const char *id, const char *in, bool has_seed, uint64_t seed,
         std::vector<const char *> overrides = {}) {
    path = testing::TempDir() + "trace_env_test.safetensors";
    sac_trace_env_options options = {};
    options.id = id;
    options.n_overrides = (int)overrides.size();
    options.overrides = overrides.data();
    options.in = in;
    options.has_seed = has_seed;
    options.seed = seed;
    options.out = path.c_str();
    status = sac_trace_env(&options, &err);
    if (status == SAC_OK) status = sac_safetensors_open(path.c_str(), true, &file, &err);
  }
  ~Output() {
    sac_safetensors_close(file);
    std::remove(path.c_str());
  }

  std::string path;
  sac_error err = {};
  sac_status status;
  sac_safetensors *file = nullptr;
};

// name, type, shape and bytes of every tensor but those that only say how it started
void expect_same(const sac_safetensors *found, const std::string &path) {
  sac_safetensors *expected;
  ASSERT_EQ(sac_safetensors_open(path.c_str(), false, &expected, nullptr), SAC_OK);
  for (const char *name : {"obs", "reward", "terminated", "actions"}) {
    const sac_tensor *a = sac_safetensors_find(expected, name);
    const sac_tensor *b = sac_safetensors_find(found, name);
    ASSERT_TRUE(a && b) << name;
    EXPECT_EQ(a->dtype, b->dtype) << path << " " << name;
    ASSERT_EQ(sac_tensor_bytes(a), sac_tensor_bytes(b)) << path << " " << name;
    EXPECT_EQ(std::memcmp(a->data, b->data, sac_tensor_bytes(a)), 0) << path << " " << name;
  }
  sac_safetensors_close(expected);
}

TEST(TraceEnv, FileHoldsWhatGymnasiumGives) {
  const struct {
    const char *id, *name;
    bool has_seed;
    uint64_t seed;
  } cases[] = {{"Pendulum-v1", "Pendulum-v1-seed10000", true, 10000},
               {"MountainCarContinuous-v0", "MountainCarContinuous-v0-state0", false, 0},
               {"HalfCheetah-v5", "HalfCheetah-v5-seed4294967301", true, 4294967301},
               {"Hopper-v5", "Hopper-v5-state1", false, 0}};
  for (const auto &it : cases) {
    std::string in = kTraces + it.name + ".safetensors";
    Output out(it.id, in.c_str(), it.has_seed, it.seed);
    ASSERT_EQ(out.status, SAC_OK) << out.err.text;
    expect_same(out.file, in);
  }
}

TEST(TraceEnv, OwnOutputIsAnInput) {
  Output first("LinearQuadratic-v0", nullptr, true, 3);
  ASSERT_EQ(first.status, SAC_OK) << first.err.text;
  std::string kept = first.path + ".kept";
  ASSERT_EQ(std::rename(first.path.c_str(), kept.c_str()), 0);
  Output second("LinearQuadratic-v0", kept.c_str(), true, 3);
  ASSERT_EQ(second.status, SAC_OK) << second.err.text;
  expect_same(second.file, kept);
  std::remove(kept.c_str());
}

TEST(TraceEnv, TakesKeywords) {
  std::string in = kTraces + "Hopper-v5-keywords.safetensors";
  sac_safetensors *file;
  ASSERT_EQ(sac_safetensors_open(in.c_str(), false, &file, nullptr), SAC_OK);
  std::string kwargs = std::string("env.kwargs=") + sac_safetensors_text(file, "kwargs");
  sac_safetensors_close(file);
  Output out("Hopper-v5", in.c_str(), true, 3, {kwargs.c_str()});
  ASSERT_EQ(out.status, SAC_OK) << out.err.text;
  expect_same(out.file, in);
  Output wrong("Hopper-v5", nullptr, true, 3, {"env.kwargs={healthy_z_rang: 1}"});
  EXPECT_EQ(wrong.status, SAC_BAD_CONFIG);
  EXPECT_NE(std::string(wrong.err.text).find("did you mean env.kwargs.healthy_z_range?"),
            std::string::npos)
      << wrong.err.text;
}

TEST(TraceEnv, WrongInputsAreNamed) {
  std::string cheetah = kTraces + "HalfCheetah-v5-seed0.safetensors";
  Output wrong_task("Hopper-v5", cheetah.c_str(), false, 0);
  EXPECT_EQ(wrong_task.status, SAC_BAD_CHECKPOINT);
  EXPECT_NE(std::string(wrong_task.err.text).find("actions"), std::string::npos);
  Output missing("Hopper-v5", "/nowhere/in.safetensors", false, 0);
  EXPECT_EQ(missing.status, SAC_BAD_CHECKPOINT);
  Output unknown("Hoper-v5", nullptr, false, 0);
  EXPECT_EQ(unknown.status, SAC_BAD_CONFIG);
  EXPECT_NE(std::string(unknown.err.text).find("did you mean Hopper-v5?"), std::string::npos);
}

}  // namespace
