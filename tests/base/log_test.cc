#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "temporary_folder.h"

extern "C" {
#include "base/log.h"
}

namespace {

using sac_test::TemporaryFolder;

std::string read(const std::string &path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

sac_log *open(const std::string &path) {
  sac_log *log = nullptr;
  EXPECT_EQ(sac_log_open(path.c_str(), true, &log, nullptr), SAC_OK);
  return log;
}

TEST(Log, LinesReachTheFileAtOnce) {
  TemporaryFolder folder;
  sac_log *log = open(folder / "log.txt");
  sac_log_line(log, "step %d of %s", 3, "run");
  EXPECT_EQ(read(folder / "log.txt"), "step 3 of run\n");
  sac_log_close(log);
}

TEST(Log, AResumedRunAppends) {
  TemporaryFolder folder;
  for (const char *line : {"first", "second"}) {
    sac_log *log = open(folder / "log.txt");
    sac_log_line(log, "%s", line);
    sac_log_close(log);
  }
  EXPECT_EQ(read(folder / "log.txt"), "first\nsecond\n");
}

TEST(Log, ProgressIsForTerminalsOnly) {
  TemporaryFolder folder;
  testing::internal::CaptureStderr();
  sac_log *log = nullptr;
  ASSERT_EQ(sac_log_open((folder / "log.txt").c_str(), false, &log, nullptr), SAC_OK);
  sac_log_progress(log, "10 %%");
  sac_log_line(log, "a line");
  sac_log_close(log);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "a line\n");
  EXPECT_EQ(read(folder / "log.txt"), "a line\n");
}

TEST(Log, QuietAndMissingLogsSayNothing) {
  testing::internal::CaptureStderr();
  sac_log *log = nullptr;
  ASSERT_EQ(sac_log_open(nullptr, true, &log, nullptr), SAC_OK);
  sac_log_line(log, "nobody hears this");
  sac_log_close(log);
  sac_log_line(nullptr, "nor this");
  sac_log_progress(nullptr, "nor this");
  sac_log_close(nullptr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Log, AFileThatCannotBeOpenedIsNamed) {
  TemporaryFolder folder;
  sac_log *log = nullptr;
  sac_error err;
  EXPECT_EQ(sac_log_open((folder / "no/log.txt").c_str(), true, &log, &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("no/log.txt"), std::string::npos) << err.text;
}

}  // namespace
