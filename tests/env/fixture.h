// What the environment tests share: configurations from overrides, opened tasks, plain actions.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "env/vec_env.h"
}

namespace sac_test {

/// All, in the order of the program's list.
inline const std::vector<std::string> kEnvironments = {"Pendulum-v1",
                                                       "MountainCarContinuous-v0",
                                                       "LinearQuadratic-v0",
                                                       "Multigoal-v0",
                                                       "InvertedPendulum-v5",
                                                       "InvertedDoublePendulum-v5",
                                                       "Reacher-v5",
                                                       "Pusher-v5",
                                                       "Swimmer-v5",
                                                       "Hopper-v5",
                                                       "HalfCheetah-v5",
                                                       "Walker2d-v5",
                                                       "Ant-v5",
                                                       "Humanoid-v5",
                                                       "HumanoidStandup-v5",
                                                       "AntDirection-v0",
                                                       "AntCrossMaze-v0",
                                                       "AntSimpleMaze-v0",
                                                       "Minitaur-v0"};

/// A configuration made of overrides alone.
inline std::unique_ptr<sac_config> configure(const std::vector<std::string> &overrides) {
  auto cfg = std::make_unique<sac_config>();
  std::vector<const char *> texts;
  for (const std::string &text : overrides) texts.push_back(text.c_str());
  sac_error err = {};
  if (sac_config_load(nullptr, static_cast<int>(texts.size()), texts.data(), cfg.get(), &err))
    ADD_FAILURE() << err.text;
  return cfg;
}

using Task = std::unique_ptr<sac_task, void (*)(sac_task *)>;

/// An opened task; the test fails when it does not open.
inline Task open_task(const std::vector<std::string> &overrides, bool squash = true) {
  sac_task *task = nullptr;
  sac_error err = {};
  if (sac_task_open(configure(overrides).get(), squash, &task, &err)) ADD_FAILURE() << err.text;
  return Task(task, sac_task_close);
}

/// The text of the error with which a task does not open.
inline std::string opening_error(const std::vector<std::string> &overrides, sac_status expected,
                                 bool squash = true) {
  sac_task *task = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_task_open(configure(overrides).get(), squash, &task, &err), expected);
  EXPECT_EQ(task, nullptr);
  sac_task_close(task);
  return err.text;
}

/// Some action in (-1, 1), different in every step, dimension and environment.
inline sac_real some_action(int step, int dimension, int environment = 0) {
  return static_cast<sac_real>(0.9 * std::sin(0.7 * step + 1.3 * dimension + 2.1 * environment));
}

class Environment {
 public:
  explicit Environment(const sac_task *task) {
    sac_error err = {};
    if (sac_environment_create(task, &raw, &err)) ADD_FAILURE() << err.text;
  }
  ~Environment() { sac_environment_destroy(&raw); }

  sac_outcome step(int number) {
    std::vector<sac_real> action;
    for (int j = 0; j < raw.task->spec.act_dim; j++) action.push_back(some_action(number, j));
    sac_outcome outcome;
    sac_environment_step(&raw, action.data(), &outcome);
    return outcome;
  }
  std::vector<double> obs() const {
    return std::vector<double>(raw.obs, raw.obs + raw.task->spec.obs_dim);
  }
  std::vector<uint8_t> save() const {
    std::vector<uint8_t> bytes(sac_environment_bytes(raw.task));
    sac_environment_save(&raw, bytes.data());
    return bytes;
  }
  std::string trouble() const {
    sac_error err = {};
    sac_environment_check(&raw, "environment 7", &err);
    return err.text;
  }

  sac_environment raw;
};

}  // namespace sac_test
