// Runs over small networks, stepped by hand or by the trainer, and the files they leave.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "machine.h"
#include "temporary_folder.h"
#include "text.h"

extern "C" {
#include "io/safetensors.h"
#include "sac/sac.h"
#include "train/checkpoint_folder.h"
#include "train/team.h"
}

namespace sac_test {

/// Networks and intervals that make a few hundred steps a whole run.
inline std::vector<std::string> small_run(const std::vector<std::string> &more = {}) {
  std::vector<std::string> all = {"env.id=Pendulum-v1",        "run.threads=1",
                                  "policy.hidden=[12,7]",      "critic.hidden=[11,9]",
                                  "algorithm.batch_size=16",   "algorithm.learning_starts=40",
                                  "algorithm.buffer_size=500", "algorithm.total_timesteps=300"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline std::vector<std::string> names_in(const std::string &folder) {
  std::vector<std::string> names;
  if (!std::filesystem::exists(folder)) return names;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// The digest of a checkpoint file.
inline std::string digest_of(const std::string &path) {
  sac_error err = {};
  sac_safetensors *file = nullptr;
  char digest[17] = "";
  EXPECT_EQ(sac_safetensors_open(path.c_str(), true, &file, &err), SAC_OK) << err.text;
  if (!file) return "";
  EXPECT_EQ(sac_checkpoint_digest(file, digest, &err), SAC_OK) << err.text;
  sac_safetensors_close(file);
  return digest;
}

/// A run in memory, stepped by hand, with a folder of its own for checkpoints.
class HandRun {
 public:
  explicit HandRun(const std::vector<std::string> &overrides) {
    auto cfg = config_of(overrides);
    uint64_t seed = (uint64_t)cfg->run.seed;
    std::filesystem::create_directories(folder / "checkpoints/replay");
    std::string replay = folder / "checkpoints/replay";
    EXPECT_EQ(sac_team_open(&team, cfg.get(), 1, &seed, &err), SAC_OK) << err.text;
    run = team.runs;
    learner = &team.lanes->learner;
    EXPECT_EQ(sac_replay_log_open(&run->replay_log, replay.c_str(), &err), SAC_OK) << err.text;
  }
  ~HandRun() { sac_team_close(&team); }
  HandRun(const HandRun &) = delete;
  HandRun &operator=(const HandRun &) = delete;

  /// A step of the environments, and the updates that follow it; what failed is in the run.
  sac_status step() {
    sac_lane_step(team.lanes);
    return run->failure.code;
  }
  sac_status learn(const volatile int *stop = nullptr) {
    sac_lane_learn(team.lanes, stop);
    return run->failure.code;
  }
  void go(int steps) {
    for (int i = 0; i < steps; i++) {
      ASSERT_EQ(step(), SAC_OK) << run->failure.text;
      ASSERT_EQ(learn(), SAC_OK) << run->failure.text;
    }
  }
  /// Save under this number of steps, and tell the path.
  std::string save(bool complete = true) {
    char path[SAC_PATH_MAX];
    sac_error err = {};
    sac_state state = sac_run_state(run);
    EXPECT_EQ(sac_checkpoint_path(folder.path.c_str(), run->progress.timesteps, path, &err),
              SAC_OK);
    EXPECT_EQ(sac_checkpoint_save(&state, path, complete, &err), SAC_OK) << err.text;
    return path;
  }
  sac_status load(const std::string &path, bool complete = true) {
    sac_state state = sac_run_state(run);
    err = {};
    return sac_checkpoint_load(&state, path.c_str(), complete, &err);
  }
  /// Load from another run's folder, whose blocks this one then extends.
  sac_status load_from(const HandRun &other, const std::string &path) {
    std::filesystem::copy(other.folder / "checkpoints", folder / "checkpoints",
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
    return load(folder / "checkpoints/" + std::filesystem::path(path).filename().string());
  }
  std::string digest() { return digest_of(save()); }

  TemporaryFolder folder;
  sac_team team = {};
  sac_run *run = nullptr;
  sac_learner *learner = nullptr;
  sac_error err = {};
};

/// `sac train` and `sac resume` without the program: a folder and what the trainer told.
class Training {
 public:
  sac_status train(const std::vector<std::string> &overrides) {
    return call(overrides, [&](int n, const char *const *texts) {
      return sac_train(nullptr, n, texts, folder().c_str(), &listener, &outcome, &err);
    });
  }
  sac_status resume(const std::vector<std::string> &overrides = {}) {
    return call(overrides, [&](int n, const char *const *texts) {
      return sac_resume(folder().c_str(), n, texts, &listener, &outcome, &err);
    });
  }
  std::string folder() const { return place / "run"; }
  std::string checkpoint(int timesteps) const {
    char path[SAC_PATH_MAX];
    sac_checkpoint_path(folder().c_str(), (uint64_t)timesteps, path, nullptr);
    return path;
  }

  TemporaryFolder place;
  std::vector<std::string> events;
  volatile int stop = 0;
  sac_listener listener = {true, &stop, note_event, this};
  sac_run_outcome outcome = {};
  sac_error err = {};
  int stop_at_event = -1;          // stop once so many events were told
  std::function<void()> on_event;  // called at each of them

 private:
  template <typename Call>
  sac_status call(const std::vector<std::string> &overrides, Call made) {
    std::vector<const char *> texts;
    std::vector<std::string> all = latest(overrides);
    for (const std::string &text : all) texts.push_back(text.c_str());
    events.clear();
    stop = 0;
    return made((int)texts.size(), texts.data());
  }
  static void note_event(void *context, const char *json) {
    auto *self = static_cast<Training *>(context);
    self->events.push_back(json);
    if ((int)self->events.size() == self->stop_at_event) self->stop = 1;
    if (self->on_event) self->on_event();
  }
};

}  // namespace sac_test
