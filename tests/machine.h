// Threads and an opened backend for the tests of the rooms above it, and values in its memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "shim/use.h"

extern "C" {
#include "backend/backend.h"
#include "config/config.h"
}

namespace sac_test {

class Machine {
 public:
  /// `device` is "cpu"; "shim", the CUDA kernels on the CPU; or "cuda", a GPU, without which
  /// `backend` stays NULL and `why` says why.
  explicit Machine(int n_threads = 1, const std::string &device = "cpu") {
    sac_error err = {};
    EXPECT_EQ(sac_threads_create(n_threads, &threads, &err), SAC_OK) << err.text;
    std::unique_ptr<UseCuda> use;
    if (device != "cpu") use = std::make_unique<UseCuda>(device == "shim");
    sac_backend_options options = {device == "cpu" ? "cpu" : "cuda", SAC_MATMUL_FP32, threads,
                                   nullptr};
    if (sac_backend_open(&options, &backend, &err) == SAC_OK) return;
    why = err.text;
    EXPECT_EQ(device, "cuda") << why;
  }
  ~Machine() {
    if (!backend) {
      sac_threads_destroy(threads);
      return;
    }
    for (void *memory : memory_) backend->ops->release(backend, memory);
    sac_backend_close(backend);
    sac_threads_destroy(threads);
  }
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  /// Zeroed values that live as long as the machine.
  template <typename T = sac_real>
  T *take(size_t count) {
    void *memory = nullptr;
    EXPECT_EQ(backend->ops->alloc(backend, count * sizeof(T), &memory, nullptr), SAC_OK);
    memory_.push_back(memory);
    return static_cast<T *>(memory);
  }
  template <typename T>
  void write(T *to, const std::vector<T> &values) {
    backend->ops->upload(backend, to, values.data(), values.size() * sizeof(T));
  }
  template <typename T>
  std::vector<T> read(const T *from, size_t count) {
    std::vector<T> values(count);
    backend->ops->download(backend, values.data(), from, count * sizeof(T));
    return values;
  }

  sac_threads *threads = nullptr;
  sac_backend *backend = nullptr;
  std::string why;

 private:
  std::vector<void *> memory_;
};

/// Overrides in which a later value of a key replaces an earlier one.
inline std::vector<std::string> latest(const std::vector<std::string> &overrides) {
  std::vector<std::string> kept;
  for (const std::string &text : overrides) {
    std::string key = text.substr(0, text.find('=') + 1);
    auto same = [&](const std::string &other) { return other.compare(0, key.size(), key) == 0; };
    kept.erase(std::remove_if(kept.begin(), kept.end(), same), kept.end());
    kept.push_back(text);
  }
  return kept;
}

/// A configuration made of overrides alone, for Pendulum-v1 unless they say otherwise.
inline std::unique_ptr<sac_config> config_of(std::vector<std::string> overrides) {
  auto cfg = std::make_unique<sac_config>();
  overrides.insert(overrides.begin(), "env.id=Pendulum-v1");
  overrides = latest(overrides);
  std::vector<const char *> texts;
  for (const std::string &text : overrides) texts.push_back(text.c_str());
  sac_error err = {};
  if (sac_config_load(nullptr, static_cast<int>(texts.size()), texts.data(), cfg.get(), &err))
    ADD_FAILURE() << err.text;
  return cfg;
}

/// `count` values drawn from N(0, scale^2).
inline std::vector<sac_real> normals(unsigned seed, size_t count, double scale = 1) {
  std::mt19937 words(seed);
  std::normal_distribution<double> normal(0, scale);
  std::vector<sac_real> values(count);
  for (sac_real &value : values) value = static_cast<sac_real>(normal(words));
  return values;
}

}  // namespace sac_test
