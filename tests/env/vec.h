// A vector environment, its threads and its rows, for tests.
#pragma once

#include "env/fixture.h"

namespace sac_test {

class Vec {
 public:
  Vec(std::vector<std::string> overrides, int n_threads = 1, uint64_t seed = 5) {
    sac_error err = {};
    cfg = configure(overrides);
    EXPECT_EQ(sac_threads_create(n_threads, &threads, &err), SAC_OK) << err.text;
    sac_vec_env_options options = {cfg.get(), seed, true, threads, nullptr};
    EXPECT_EQ(sac_vec_env_create(&options, &raw, &err), SAC_OK) << err.text;
    n = sac_vec_env_count(raw);
    obs_dim = sac_vec_env_task(raw)->spec.obs_dim;
    act_dim = sac_vec_env_task(raw)->spec.act_dim;
    ld = 2 * obs_dim + act_dim + 2 + 3;
    rows.assign(static_cast<size_t>(n * ld), -77);
    obs.assign(static_cast<size_t>(n * (obs_dim + 1)), -77);
    episodes.resize(static_cast<size_t>(n));
    EXPECT_EQ(sac_vec_env_reset(raw, obs.data(), obs_dim + 1, &err), SAC_OK) << err.text;
  }
  ~Vec() {
    sac_vec_env_destroy(raw);
    sac_threads_destroy(threads);
  }

  sac_transitions parts() {
    sac_real *row = rows.data();
    return {row,
            row + obs_dim,
            row + obs_dim + act_dim,
            row + obs_dim + act_dim + 1,
            row + obs_dim + act_dim + 2,
            row + 2 * obs_dim + act_dim + 2,
            ld,
            false,
            0,
            row + ld - 1};
  }
  sac_status step(int number, sac_error *err = nullptr) {
    sac_transitions transitions = parts();
    for (int i = 0; i < n; i++)
      for (int j = 0; j < act_dim; j++) transitions.action[i * ld + j] = some_action(number, j, i);
    return step_on(err);
  }
  sac_status step_on(sac_error *err) {
    sac_transitions transitions = parts();
    return sac_vec_env_step(raw, &transitions, obs.data(), obs_dim + 1, episodes.data(), err);
  }
  std::vector<uint8_t> save() {
    std::vector<uint8_t> bytes(sac_vec_env_state_bytes(raw) * static_cast<size_t>(n));
    sac_vec_env_save(raw, bytes.data());
    return bytes;
  }

  std::unique_ptr<sac_config> cfg;
  sac_threads *threads = nullptr;
  sac_vec_env *raw = nullptr;
  int n, obs_dim, act_dim, ld;
  std::vector<sac_real> rows, obs;
  std::vector<sac_episode> episodes;
};

}  // namespace sac_test
