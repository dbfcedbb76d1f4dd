#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "base/status.h"
}

namespace {

const char *nearest(const char *word, const std::vector<const char *> &choices) {
  return sac_nearest(word, choices.data(), (int)choices.size());
}

TEST(Status, ErrorHoldsCodeAndText) {
  sac_error err = {};
  EXPECT_EQ(sac_error_set(&err, SAC_BAD_DISK, "%s: %d", "file", 7), SAC_BAD_DISK);
  EXPECT_EQ(err.code, SAC_BAD_DISK);
  EXPECT_STREQ(err.text, "file: 7");
}

TEST(Status, ErrorMayBeLeftOut) {
  EXPECT_EQ(sac_error_set(nullptr, SAC_BAD_ENV, "nobody reads this %d", 1), SAC_BAD_ENV);
}

TEST(Status, LongTextsAreCutNotOverrun) {
  auto err = std::make_unique<sac_error>();
  std::string text(2 * sizeof err->text, 'x');
  sac_error_set(err.get(), SAC_FAILED, "%s", text.c_str());
  EXPECT_EQ(std::strlen(err->text), sizeof err->text - 1);
}

sac_status fail_second(int *calls) {
  ++*calls;
  SAC_TRY(*calls < 2 ? SAC_OK : SAC_BAD_NUMBER);
  SAC_TRY(fail_second(calls));
  *calls = 100;
  return SAC_OK;
}

TEST(Status, TryForwardsTheFirstFailure) {
  int calls = 0;
  EXPECT_EQ(fail_second(&calls), SAC_BAD_NUMBER);
  EXPECT_EQ(calls, 2);
}

TEST(Status, NearestFindsTheMisspelled) {
  std::vector<const char *> keys = {"algorithm.gamma", "algorithm.tau", "env.n_envs"};
  EXPECT_STREQ(nearest("algorithm.gama", keys), "algorithm.gamma");
  EXPECT_STREQ(nearest("algoritm.tau", keys), "algorithm.tau");
  EXPECT_STREQ(nearest("env.nenvs", keys), "env.n_envs");
  EXPECT_STREQ(nearest("ALGORITHM.TAU", keys), "algorithm.tau");
}

TEST(Status, NearestIsTheFirstOfEquals) {
  EXPECT_STREQ(nearest("bat", {"cat", "hat"}), "cat");
  EXPECT_STREQ(nearest("hat", {"cat", "hat"}), "hat");
}

TEST(Status, NothingIsNearAStranger) {
  EXPECT_EQ(nearest("zzzzzzzz", {"gamma", "tau"}), nullptr);
  EXPECT_EQ(nearest("gamma", {}), nullptr);
}

TEST(Status, NearestBearsEmptyAndVeryLongWords) {
  std::string very_long(100000, 'a');
  nearest("", {"a", ""});
  EXPECT_EQ(nearest(very_long.c_str(), {"tau"}), nullptr);
  EXPECT_STREQ(nearest(very_long.c_str(), {"tau", very_long.c_str()}), very_long.c_str());
}

TEST(Status, FailedAssertionNamesItsPlace) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(SAC_ASSERT(1 + 1 == 3), "1 \\+ 1 == 3 is false .*status_test.cc:[0-9]+");
}

}  // namespace
