#include <gtest/gtest.h>
#include <jansson.h>

#include <filesystem>
#include <string>

#include "train/fixture.h"

extern "C" {
#include "train/run_folder.h"
}

namespace {

using sac_test::config_of;
using sac_test::contents;
using sac_test::Machine;
using sac_test::TemporaryFolder;

std::string name_of(const sac_config &cfg, const char *config_path, const char *wanted) {
  char folder[SAC_PATH_MAX];
  sac_error err = {};
  EXPECT_EQ(sac_run_folder_name(&cfg, config_path, wanted, folder, &err), SAC_OK) << err.text;
  return folder;
}

TEST(RunFolder, IsWhatWasWantedOrNamedOrMadeUp) {
  TemporaryFolder place;
  auto cfg = config_of({"run.logdir=" + place.path, "run.seed=7"});
  EXPECT_EQ(name_of(*cfg, "a/b.yaml", (place / "out/").c_str()), place / "out");
  std::string made_up = name_of(*cfg, "a/b.yaml", nullptr);
  EXPECT_EQ(made_up.find(place / "b-seed7-"), 0u) << made_up;
  auto named = config_of({"run.logdir=" + place.path, "run.name=mine"});
  EXPECT_EQ(name_of(*named, "a/b.yaml", nullptr), place / "mine");
}

TEST(RunFolder, OneThatHoldsARunIsRefused) {
  TemporaryFolder place;
  auto cfg = config_of({});
  std::ofstream(place / "config.yaml") << "env: {id: Pendulum-v1}\n";
  char folder[SAC_PATH_MAX];
  sac_error err = {};
  EXPECT_EQ(sac_run_folder_name(cfg.get(), "b.yaml", place.path.c_str(), folder, &err),
            SAC_BAD_CONFIG);
  EXPECT_NE(std::string(err.text).find("sac resume " + place.path), std::string::npos) << err.text;
}

TEST(RunFolder, IsClaimedOnce) {
  TemporaryFolder place;
  char first[SAC_PATH_MAX], second[SAC_PATH_MAX], third[SAC_PATH_MAX];
  for (char *path : {first, second, third})
    snprintf(path, SAC_PATH_MAX, "%s", (place / "a/run").c_str());
  int locks[3] = {-1, -1, -1};
  sac_error err = {};
  ASSERT_EQ(sac_run_folder_claim(first, false, &locks[0], &err), SAC_OK) << err.text;
  EXPECT_EQ(std::string(first), place / "a/run");
  EXPECT_NE(sac_run_folder_claim(second, false, &locks[1], &err), SAC_OK);
  ASSERT_EQ(sac_run_folder_claim(third, true, &locks[2], &err), SAC_OK) << err.text;
  EXPECT_EQ(std::string(third), place / "a/run-2");
  for (int lock : locks) sac_folder_unlock(lock);
}

TEST(RunFolder, HoldsAConfigurationThatLoadsToTheSame) {
  TemporaryFolder place;
  Machine machine;
  auto cfg = config_of({"algorithm.gamma=0.97", "policy.hidden=[3,4]", "run.name=null"});
  ASSERT_EQ(sac_run_folder_update(place.path.c_str(), cfg.get(), machine.backend, nullptr), SAC_OK);
  auto again = std::make_unique<sac_config>();
  sac_error err = {};
  ASSERT_EQ(sac_config_load((place / "config.yaml").c_str(), 0, nullptr, again.get(), &err), SAC_OK)
      << err.text;
  EXPECT_EQ(again->algorithm.gamma, 0.97);
  EXPECT_EQ(again->policy.hidden.count, 2);
  json_t *about = json_loads(contents(place / "env.json").c_str(), 0, nullptr);
  ASSERT_NE(about, nullptr);
  EXPECT_STREQ(json_string_value(json_object_get(about, "sac")), sac_version());
  EXPECT_NE(json_object_get(about, "engine"), nullptr);
  json_decref(about);
}

TEST(RunFolder, TheStatusIsReplacedAsAWhole) {
  TemporaryFolder place;
  for (const char *state : {"running", "stopped"}) {
    sac_run_status status = {state, 7, "a \"quoted\" reason", SAC_OK};
    ASSERT_EQ(sac_run_folder_note(place.path.c_str(), &status, nullptr), SAC_OK);
  }
  json_t *status = json_loads(contents(place / "status.json").c_str(), 0, nullptr);
  ASSERT_NE(status, nullptr);
  EXPECT_STREQ(json_string_value(json_object_get(status, "state")), "stopped");
  EXPECT_STREQ(json_string_value(json_object_get(status, "reason")), "a \"quoted\" reason");
  EXPECT_EQ(json_integer_value(json_object_get(status, "timesteps")), 7);
  EXPECT_EQ(json_object_get(status, "exit_code"), nullptr);
  json_decref(status);
}

// what a full disk or a lost device ended is not the seed's own failure
TEST(RunFolder, AFailureOfNumbersOrEnvironmentIsRemembered) {
  TemporaryFolder place;
  sac_error failure = {};
  uint64_t timesteps = 0;
  sac_run_folder_failure(place.path.c_str(), &failure, &timesteps);
  EXPECT_EQ(failure.code, SAC_OK) << "without a status";
  for (sac_status code : {SAC_OK, SAC_FAILED, SAC_BAD_DISK, SAC_BAD_NUMBER, SAC_BAD_ENV}) {
    sac_run_status status = {"failed", 70, "why", code};
    ASSERT_EQ(sac_run_folder_note(place.path.c_str(), &status, nullptr), SAC_OK);
    sac_run_folder_failure(place.path.c_str(), &failure, &timesteps);
    bool own = code == SAC_BAD_NUMBER || code == SAC_BAD_ENV;
    EXPECT_EQ(failure.code, own ? code : SAC_OK);
    if (!own) continue;
    EXPECT_STREQ(failure.text, "why");
    EXPECT_EQ(timesteps, 70u);
  }
}

}  // namespace
