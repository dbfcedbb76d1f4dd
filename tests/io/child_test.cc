// Programs that read what we send.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

extern "C" {
#include "io/child.h"
}

namespace {

class Child : public testing::Test {
 protected:
  sac_status start(const char *script, int output = -1) {
    const char *arguments[] = {"sh", "-c", script, nullptr};
    sac_child_options options = {
        "sh", const_cast<char *const *>(arguments), output, "a test", "the/file", "buy one"};
    return sac_child_start(&options, &child, &err);
  }

  sac_child *child = nullptr;
  sac_error err = {};
};

TEST_F(Child, WhatItWritesGoesWhereItIsTold) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(start("tr a-z A-Z", ends[1]), SAC_OK) << err.text;
  close(ends[1]);
  ASSERT_EQ(sac_child_send(child, "some words", 10, &err), SAC_OK);
  ASSERT_EQ(sac_child_close(child, &err), SAC_OK) << err.text;
  char text[32] = "";
  EXPECT_EQ(read(ends[0], text, sizeof text), 10);
  EXPECT_STREQ(text, "SOME WORDS");
  close(ends[0]);
}

TEST_F(Child, ItsLastWordsAreTold) {
  ASSERT_EQ(start("echo first >&2; echo last words >&2; exit 7"), SAC_OK);
  EXPECT_EQ(sac_child_close(child, &err), SAC_FAILED);
  EXPECT_STREQ(err.text, "the/file: sh ended with exit code 7: last words");
  ASSERT_EQ(start("kill -9 $$"), SAC_OK);
  EXPECT_EQ(sac_child_close(child, &err), SAC_FAILED);
  EXPECT_STREQ(err.text, "the/file: sh was killed by signal 9: it did not say why");
}

TEST_F(Child, SendingToTheDeadIsAnErrorNotASignal) {
  ASSERT_EQ(start("exec <&-; exit 3"), SAC_OK);
  std::string much(1 << 22, 'x');
  EXPECT_EQ(sac_child_send(child, much.data(), much.size(), &err), SAC_FAILED);
  EXPECT_NE(std::string(err.text).find("exit code 3"), std::string::npos) << err.text;
  sac_child_abandon(child);
}

TEST_F(Child, AbandoningEndsIt) {
  ASSERT_EQ(start("sleep 1000"), SAC_OK);
  sac_child_abandon(child);
  sac_child_abandon(nullptr);
}

TEST_F(Child, AMissingProgramIsToldWithItsCure) {
  const char *arguments[] = {"no-such-program", nullptr};
  sac_child_options options = {
      "no-such-program", const_cast<char *const *>(arguments), -1, "a test", "the/file", "buy one"};
  EXPECT_EQ(sac_child_start(&options, &child, &err), SAC_FAILED);
  EXPECT_STREQ(err.text, "a test needs no-such-program, which is not on PATH: buy one");
}

}  // namespace
