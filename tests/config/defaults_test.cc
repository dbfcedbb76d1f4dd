// The documented defaults, written out by hand, against the key list; and the shipped files.
#include <cstring>

#include "config/loading.h"
#include "text.h"

namespace {

const char *const kDocumented = R"(
run:    {seed: 1, seeds: [], device: auto, threads: 0, logdir: runs/, name: null,
         matmul_precision: fp32, rollout_policy: auto, overlap: none}
env:    {id: A, plugin: null, device: cpu, n_envs: 1, max_episode_steps: null, frame_skip: 1,
         kwargs: {}, workers: 0, python: null, worker_timeout_s: 60, on_worker_failure: stop,
         normalize_obs: false, normalize_reward: false,
         history: {observations: 0, actions: 0}, action_smoothing: 0.0}
algorithm:
  name: sac
  total_timesteps: 1000000
  gamma: 0.99
  buffer_size: 1000000
  batch_size: 256
  learning_starts: 5000
  train_freq: 1
  gradient_steps: 1
  n_steps: 1
  tau: 0.005
  target_update_interval: 1
  policy_lr: 3.0e-4
  q_lr: 3.0e-4
  v_lr: 3.0e-4
  alpha_lr: 3.0e-4
  ent_coef: auto
  alpha_loss: log_alpha
  target_entropy: auto
  reward_scale: 1.0
  n_critics: 2
  target_subset: 2
  actor_q: min
  policy_delay: 1
  update_order: auto
  critic_loss: mse
  max_grad_norm: null
  max_grad_value: null
  priority: {enabled: false, alpha: 0.6, beta: 0.4, beta_updates: null, eps: 1.0e-6}
  adam: {beta1: 0.9, beta2: 0.999, eps: 1.0e-8}
  exploration: {deterministic: 0.0, gaussian: 0.0, gaussian_sigma: 0.2, parameter: 0.0,
                parameter_sigma: 0.2}
  action_prior: uniform
  pg: {rollout_steps: 64, form: gae, gae_lambda: 0.95, minibatch: 512, value_steps: 16,
       normalize_advantage: true, value_max_grad_norm: null}
  sql: {value_n_particles: 16, value_proposal: uniform, shared_value_particles: false,
        kernel_n_particles: 16, kernel_update_ratio: 0.5, svgd_space: u, sampler: svgd,
        candidates: 100, mcmc: {method: hmc, steps: 20, leapfrog: 5, step_size: 0.1}}
policy:     {type: gaussian, hidden: [256, 256], activation: relu, layer_norm: false, squash: true,
             gmm: {components: 4},
             flow: {coupling_layers: 2, st_hidden: [], preprocess: [256, 256], scale_max: 3.0,
                    candidates: 100},
             log_std: {mode: clamp, min: -20, max: 2, state_dependent: true, init: null},
             squash_correction: exact, init: glorot}
hierarchy:  {lower: null, freeze_lower: true, lower_obs_dims: null}
critic:     {hidden: [256, 256], activation: relu, layer_norm: false, dropout: 0.0, init: glorot}
eval:       {every: 10000, episodes: 10, seed: 10000, seeds: [], deterministic: true}
checkpoint: {every: 50000, keep: 3, include_replay: true, on_error: stop}
log:        {every: 1000, csv: true}
)";

TEST(Defaults, TheDocumentedOnesAreTheOnesInUse) {
  Loaded documented = Parse(kDocumented), bare = Parse("env: {id: A}");
  ASSERT_EQ(documented.status, SAC_OK) << documented.text;
  EXPECT_EQ(Written(documented.cfg.get()), Written(bare.cfg.get()));
}

TEST(Defaults, EveryDocumentedKeyIsKnownAndEveryKeyDocumented) {
  Loaded documented = Parse(kDocumented);
  ASSERT_EQ(documented.status, SAC_OK) << documented.text;
  int n_given = 0, n_bench = 7, n_kwargs = 1;  // those have no place of their own in a file
  for (auto &where : documented->where) n_given += where[0] != '\0';
  EXPECT_EQ(n_given, SAC_CONFIG_N_FIELDS - n_bench - n_kwargs);
}

TEST(Defaults, TheShippedFilesLoadWithoutANote) {
  std::vector<std::string> files = sac_test::files_of("configs", ".yaml");
  for (const std::string &path : files) {
    auto cfg = std::make_unique<sac_config>();
    sac_error err = {};
    EXPECT_EQ(sac_config_load(path.c_str(), 0, nullptr, cfg.get(), &err), SAC_OK) << err.text;
    sac_config_notes(
        cfg.get(), [](void *, const char *line) { ADD_FAILURE() << line; }, nullptr);
  }
  EXPECT_GE(files.size(), 7u);
}

}  // namespace
