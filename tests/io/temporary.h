// A path of its own for each test, removed at the end.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

struct TemporaryFile {
  std::string path = testing::TempDir() + "sac_io_" +
                     testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() +
                     "_" + testing::UnitTest::GetInstance()->current_test_info()->name();
  ~TemporaryFile() { remove(path.c_str()); }

  void Write(const std::string &bytes) const {
    FILE *file = fopen(path.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
    fclose(file);
  }

  std::string Read() const {
    std::string bytes;
    FILE *file = fopen(path.c_str(), "rb");
    EXPECT_NE(file, nullptr) << path;
    for (int c; file && (c = fgetc(file)) != EOF;) bytes.push_back((char)c);
    if (file) fclose(file);
    return bytes;
  }
};
