// Agents over a batch or a replay that the test fills, and what is in their memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "machine.h"

extern "C" {
#include "algo/agent.h"
}

namespace sac_test {

enum { kObs = 3, kAct = 2 };

inline std::vector<std::string> join(std::vector<std::string> a,
                                     const std::vector<std::string> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Agent {
 public:
  Agent(const std::vector<std::string> &overrides, std::vector<uint64_t> seeds, int batch_size,
        int n_threads = 1, const std::string &device = "cpu")
      : machine(n_threads, device), n_seeds((int)seeds.size()), rows(batch_size) {
    if (!machine.backend) return;
    auto cfg = config_of(overrides);
    sac_agent_options options = {};
    options.cfg = cfg.get();
    options.backend = machine.backend;
    options.n_seeds = n_seeds;
    options.seeds = seeds.data();
    options.obs_dim = options.actor_obs_dim = kObs;
    options.act_dim = kAct;
    options.batch_size = rows;
    options.act_rows = 4;
    experience = sac_algorithm_experience(cfg.get(), kObs, kAct);
    if (experience.on_policy) options.rollout_rows = (int)experience.capacity;
    sac_error err = {};
    EXPECT_EQ(sac_agent_create(&options, &agent, &err), SAC_OK) << err.text;
  }
  ~Agent() {
    sac_agent_destroy(agent);
    sac_replay_release(&replay);
  }
  /// False where there is no such device.
  bool usable() const { return machine.backend != nullptr; }

  Agent(const Agent &) = delete;
  Agent &operator=(const Agent &) = delete;

  std::vector<sac_params *> params() {
    std::vector<sac_params *> all;
    for (int i = 0; sac_params *one = sac_agent_params(agent, i); i++) all.push_back(one);
    return all;
  }
  std::vector<sac_real> values(const sac_params &params, const sac_real *block) {
    return machine.read(block, (size_t)params.n * params.count);
  }

  /// Rows of a matrix in a member of a stack.
  void put(sac_stack stack, int member, int first_row, int first_column,
           const std::vector<sac_real> &from, int cols) {
    for (int r = 0; r * cols < (int)from.size(); r++)
      machine.write(stack.data + (size_t)member * stack.stride +
                        (size_t)(first_row + r) * (size_t)stack.ld + first_column,
                    std::vector<sac_real>(from.begin() + r * cols, from.begin() + (r + 1) * cols));
  }

  /// A batch of everyday transitions in place of a draw from a replay; one row in three terminated.
  void fill_batch(unsigned words, double reward_scale = 1) {
    sac_batch &batch = agent->batch;
    for (int s = 0; s < n_seeds; s++) {
      unsigned base = words + 100 * (unsigned)s;
      size_t n = (size_t)rows;
      std::vector<sac_real> obs = normals(base, n * kObs), action = normals(base + 1, n * kAct);
      for (sac_real &a : action) a = std::tanh(a);
      std::vector<sac_real> ended(n);
      for (size_t r = 0; r < n; r++) ended[r] = r % 3 == 2;
      put(batch.now, s, 0, 0, obs, kObs);
      put(batch.now, s, 0, kObs, action, kAct);
      put(batch.both, s, 0, 0, obs, kObs);
      put(batch.both, s, rows, 0, normals(base + 2, n * kObs), kObs);
      put(batch.reward, s, 0, 0, normals(base + 3, n, reward_scale), 1);
      put(batch.terminated, s, 0, 0, ended, 1);
      int noise = agent->policy.noise_dim;
      put(batch.noise, s, 0, 0, normals(base + 4, 2 * n * (size_t)noise), noise);
      std::vector<sac_real> share(n);
      for (size_t r = 0; r < n; r++) share[r] = (sac_real)(0.9 - 0.1 * (double)(r % 4));
      if (batch.discount.data) put(batch.discount, s, 0, 0, share, 1);
      if (batch.weight.data) put(batch.weight, s, 0, 0, share, 1);
    }
  }

  /// A replay with `count` rows for each seed, drawn from seeds[i] alone; on-policy, a rollout.
  void fill_replay(const std::vector<unsigned> &seeds, int count, int capacity) {
    sac_error err = {};
    sac_row_layout layout = experience.layout;
    if (experience.on_policy) count = capacity = (int)experience.capacity;
    EXPECT_EQ(sac_replay_create(machine.backend, layout, n_seeds, (size_t)capacity, &replay, &err),
              SAC_OK)
        << err.text;
    EXPECT_EQ(sac_replay_prepare(&replay, &agent->cfg, &err), SAC_OK) << err.text;
    size_t width = (size_t)layout.width;
    for (int s = 0; s < n_seeds; s++) {
      std::vector<sac_real> all = normals(seeds[(size_t)s], (size_t)count * width, 0.5);
      for (size_t r = 0; r < (size_t)count; r++) {
        all[r * width + (size_t)sac_row_terminated(&layout)] = r % 7 == 3;
        all[r * width + (size_t)sac_row_begins(&layout)] = r % 7 == 4 || r % 10 == 0;
        if (experience.on_policy)
          all[r * width + (size_t)sac_rollout_truncated(&layout)] = r % 11 == 5;
        for (int i = 0; i < kAct; i++)
          all[r * width + kObs + (size_t)i] =
              (sac_real)std::tanh(all[r * width + kObs + (size_t)i]);
      }
      sac_replay_push(&replay, s, all.data(), count);
    }
    sac_replay_advance(&replay, count);
  }

  Machine machine;
  int n_seeds, rows;
  sac_experience experience = {};
  sac_agent *agent = nullptr;
  sac_replay replay = {};
};

inline bool same_bits(const std::vector<sac_real> &a, const std::vector<sac_real> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

}  // namespace sac_test
