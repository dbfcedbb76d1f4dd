// Loading a configuration from texts, for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "config/config.h"
}

struct Loaded {
  std::unique_ptr<sac_config> cfg = std::make_unique<sac_config>();
  sac_status status = SAC_OK;
  std::string text;  // of the error
  sac_config *operator->() const { return cfg.get(); }
};

inline Loaded Finish(Loaded loaded, sac_status status, const sac_error &err) {
  loaded.status = status;
  if (status != SAC_OK) {
    loaded.text = err.text;
    EXPECT_EQ(err.code, status);
  }
  return loaded;
}

inline Loaded Parse(const std::string &text) {
  Loaded loaded;
  sac_error err = {};
  sac_status status = sac_config_parse("f.yaml", text.data(), text.size(), loaded.cfg.get(), &err);
  return Finish(std::move(loaded), status, err);
}

inline std::string WriteFile(const std::string &text) {
  std::string path = testing::TempDir() + "sac_config_test_" +
                     testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
  FILE *file = fopen(path.c_str(), "wb");
  fwrite(text.data(), 1, text.size(), file);
  fclose(file);
  return path;
}

/// From a file that holds `text`, under overrides.
inline Loaded Load(const std::string &text, const std::vector<const char *> &overrides) {
  Loaded loaded;
  sac_error err = {};
  std::string path = WriteFile(text);
  sac_status status = sac_config_load(path.c_str(), (int)overrides.size(), overrides.data(),
                                      loaded.cfg.get(), &err);
  remove(path.c_str());
  return Finish(std::move(loaded), status, err);
}

inline Loaded LoadBench(const std::vector<const char *> &overrides) {
  Loaded loaded;
  sac_error err = {};
  sac_status status = sac_config_load_bench(nullptr, (int)overrides.size(), overrides.data(),
                                            loaded.cfg.get(), &err);
  return Finish(std::move(loaded), status, err);
}

/// A file with the required key and `lines` for the algorithm section.
inline std::string WithAlgorithm(const std::string &lines) {
  return "env: {id: Pendulum-v1}\nalgorithm:\n" + lines;
}

inline std::string Written(const sac_config *cfg) {
  char *text = nullptr;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  sac_config_write(cfg, out);
  fclose(out);
  std::string written(text, size);
  free(text);
  return written;
}

inline std::vector<std::string> Lines(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at <= text.size() && !text.empty();) {
    size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}
