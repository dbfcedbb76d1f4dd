// Problems from texts in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "temporary_folder.h"

extern "C" {
#include "problem/problem.h"
}

namespace sac_test {

/// A folder that problems and their CSV files lie in.
class Problems : public testing::Test {
 protected:
  ~Problems() override { sac_problem_release(&problem); }

  void write(const std::string &name, const std::string &text) {
    std::ofstream(folder / name) << text;
  }

  /// Load `text` with overrides; `lines` gets the mistakes without the folder's name.
  sac_status load(const std::string &text, const std::vector<const char *> &overrides = {}) {
    sac_problem_release(&problem);
    write("p.yaml", text);
    sac_error err = {};
    sac_status status =
        sac_problem_load((folder / "p.yaml").c_str(), static_cast<int>(overrides.size()),
                         overrides.data(), &problem, &err);
    lines.clear();
    std::stringstream all(err.text);
    for (std::string line; std::getline(all, line);) {
      for (size_t at; (at = line.find(folder.path + "/")) != std::string::npos;)
        line.erase(at, folder.path.size() + 1);
      lines.push_back(line);
    }
    return status;
  }

  /// The mistakes of a text that is wrong.
  std::vector<std::string> mistakes(const std::string &text,
                                    const std::vector<const char *> &overrides = {}) {
    EXPECT_EQ(load(text, overrides), SAC_BAD_CONFIG);
    return lines;
  }

  TemporaryFolder folder;
  sac_problem problem = {};
  std::vector<std::string> lines;
};

using Lines = std::vector<std::string>;

}  // namespace sac_test
