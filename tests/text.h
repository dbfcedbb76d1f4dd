// What tests ask of texts and files.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sac_test {

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

/// All of a file; empty where there is none.
inline std::string contents(const std::string &path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Paths of the files of a folder of the repository whose names end so, in their order.
inline std::vector<std::string> files_of(const std::string &folder, const std::string &ending) {
  std::vector<std::string> found;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ending) found.push_back(entry.path().string());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sac_test
