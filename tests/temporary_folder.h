// A folder of its own for each test, removed with all it holds at the end.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sac_test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    path = testing::TempDir() + "sac_test_XXXXXX";
    if (!mkdtemp(path.data())) ADD_FAILURE() << path << " cannot be made";
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  std::string operator/(const std::string &name) const { return path + "/" + name; }

  std::string path;
};

}  // namespace sac_test
