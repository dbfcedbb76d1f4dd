// Keys against each other, and what depends on the algorithm.
#include <cmath>

#include "config/loading.h"

namespace {

TEST(Resolve, EachAlgorithmHasItsTemperatureAndOrder) {
  Loaded sac = Parse(WithAlgorithm("  name: sac\n"));
  EXPECT_TRUE(sac->algorithm.ent_coef.learned);
  EXPECT_EQ(sac->algorithm.update_order, SAC_UPDATE_ORDER_SEQUENTIAL);
  Loaded v1 = Parse(WithAlgorithm("  name: sac_v1\n"));
  EXPECT_FALSE(v1->algorithm.ent_coef.learned);
  EXPECT_EQ(v1->algorithm.ent_coef.initial, 1.0);
  EXPECT_EQ(v1->algorithm.update_order, SAC_UPDATE_ORDER_SIMULTANEOUS);
  Loaded paper = Parse(WithAlgorithm("  {name: sac_v1, update_order: sequential, ent_coef: 0.5}"));
  EXPECT_EQ(paper->algorithm.update_order, SAC_UPDATE_ORDER_SEQUENTIAL);
  EXPECT_EQ(paper->algorithm.ent_coef.initial, 0.5);
  Loaded pg = Parse(WithAlgorithm("  name: maxent_pg\n"));
  EXPECT_FALSE(pg->algorithm.ent_coef.learned);
  EXPECT_EQ(pg->algorithm.ent_coef.initial, 1.0);
}

TEST(Resolve, APolicyGradientHasOneDeviationForAllStatesUnlessGivenAnother) {
  Loaded sac = Parse(WithAlgorithm("  name: sac\n"));
  EXPECT_TRUE(sac->policy.log_std.state_dependent);
  EXPECT_TRUE(std::isnan(sac->policy.log_std.init));
  Loaded pg = Parse(WithAlgorithm("  name: maxent_pg\n"));
  EXPECT_FALSE(pg->policy.log_std.state_dependent);
  EXPECT_EQ(pg->policy.log_std.init, -0.5);
  Loaded other = Parse(WithAlgorithm("  name: maxent_pg\n") +
                       "policy: {log_std: {state_dependent: true, init: null}}\n");
  EXPECT_TRUE(other->policy.log_std.state_dependent);
  EXPECT_TRUE(std::isnan(other->policy.log_std.init));
}

TEST(Resolve, APolicyGradientNeedsNoReplay) {
  EXPECT_EQ(Parse(WithAlgorithm("  {name: maxent_pg}\n") + "policy: {type: gmm}\n").text,
            "f.yaml:4:16: policy.type must be gaussian for algorithm.name maxent_pg");
  EXPECT_EQ(Parse(WithAlgorithm("  {name: maxent_pg, buffer_size: 2, batch_size: 3}")).status,
            SAC_OK);
  EXPECT_EQ(Parse("env: {id: A, n_envs: 60000}\nalgorithm:\n  {name: maxent_pg, pg: "
                  "{rollout_steps: 40000}}")
                .text,
            "f.yaml:3:41: algorithm.pg.rollout_steps is 40000, must be at most 35791 with "
            "env.n_envs 60000");
}

TEST(Resolve, SoftQLearningHasItsTemperatureAndSampler) {
  Loaded sql = Parse(WithAlgorithm("  name: sql\n"));
  EXPECT_FALSE(sql->algorithm.ent_coef.learned);
  EXPECT_EQ(sql->algorithm.ent_coef.initial, 1.0);
  EXPECT_EQ(sql->policy.type, SAC_POLICY_IMPLICIT);
  EXPECT_EQ(sql->run.rollout_policy, SAC_ROLLOUT_HOST);
  EXPECT_EQ(Parse(WithAlgorithm("  {name: sql, sql: {sampler: mcmc}}"))->run.rollout_policy,
            SAC_ROLLOUT_DEVICE);
  EXPECT_EQ(Parse(WithAlgorithm("  {name: sql, ent_coef: auto}")).text,
            "f.yaml:3:25: algorithm.ent_coef is auto, must be a number in (0, 1000000] for "
            "algorithm.name sql (sac learns it)");
}

TEST(Resolve, SoftQLearningRefusesWhatItCannotSample) {
  const std::pair<const char *, const char *> cases[] = {
      {"policy: {type: gaussian}",
       "f.yaml:1:16: policy.type must be implicit or realnvp for algorithm.name "
       "sql"},
      {"policy: {squash: false}",
       "f.yaml:1:18: policy.squash must be true for algorithm.name sql"}};
  for (auto [text, message] : cases)
    EXPECT_EQ(Parse(std::string(text) + "\nenv: {id: A}\nalgorithm: {name: sql}").text, message);
  EXPECT_EQ(Parse(WithAlgorithm("  {name: sql, action_prior: normal}")).text,
            "f.yaml:3:29: algorithm.action_prior must be uniform for algorithm.name sql");
  EXPECT_EQ(
      Parse(WithAlgorithm("  {name: sql, sql: {kernel_update_ratio: 0.95}}")).text,
      "f.yaml:3:42: algorithm.sql.kernel_update_ratio is 0.95, must leave at least 2 of the 16 "
      "particles of algorithm.sql.kernel_n_particles to hold still and 1 to move");
  EXPECT_EQ(Parse("env: {id: A}\nrun: {rollout_policy: host}\nalgorithm: {name: sql, sql: "
                  "{sampler: mcmc}}")
                .text,
            "f.yaml:2:23: run.rollout_policy is host, must be auto or device with "
            "algorithm.sql.sampler mcmc");
  EXPECT_EQ(Parse("env: {id: A}\npolicy: {type: implicit}").text,
            "f.yaml:2:16: policy.type is implicit, which only algorithm.name sql learns: it has no "
            "density");
}

TEST(Resolve, ListedSeedsAreTheEpisodesOfAnEvaluation) {
  EXPECT_EQ(Parse("env: {id: A}\neval: {seeds: [5, 9, 5], episodes: 20}")->eval.episodes, 3);
  EXPECT_EQ(Parse("env: {id: A}\neval: {episodes: 20}")->eval.episodes, 20);
}

TEST(Resolve, EnvironmentsOnTheDeviceBringThePolicyThere) {
  EXPECT_EQ(Parse("env: {id: A}")->run.rollout_policy, SAC_ROLLOUT_HOST);
  EXPECT_EQ(Parse("env: {id: A, n_envs: 5}")->run.rollout_policy, SAC_ROLLOUT_DEVICE);
  EXPECT_EQ(Parse("env: {id: A, device: cuda}")->run.rollout_policy, SAC_ROLLOUT_DEVICE);
  EXPECT_EQ(Parse("env: {id: A, device: cuda}\nrun: {device: cpu}").text,
            "f.yaml:1:22: env.device is cuda, must be cpu where run.device is cpu");
  EXPECT_EQ(Parse("env: {id: A, device: cuda}\nrun: {rollout_policy: host}").text,
            "f.yaml:2:23: run.rollout_policy is host, must be auto or device where env.device is "
            "cuda");
}

TEST(Resolve, WhatAnAlgorithmCannotDoIsAMistake) {
  EXPECT_EQ(Parse(WithAlgorithm("  {name: sac_v1, ent_coef: auto}")).text,
            "f.yaml:3:28: algorithm.ent_coef is auto, must be a number in (0, 1000000] for "
            "algorithm.name sac_v1 (sac learns it)");
  EXPECT_EQ(Parse(WithAlgorithm("  {name: sac_v1, ent_coef: auto_0.1}")).status, SAC_BAD_CONFIG);
  EXPECT_EQ(Parse(WithAlgorithm("  {name: maxent_pg, ent_coef: auto}")).text,
            "f.yaml:3:31: algorithm.ent_coef is auto, must be a number in (0, 1000000] for "
            "algorithm.name maxent_pg (sac learns it)");
  EXPECT_EQ(Parse(WithAlgorithm("  {update_order: simultaneous}")).text,
            "f.yaml:3:18: algorithm.update_order is simultaneous, must be auto or sequential for "
            "algorithm.name sac (sac_v1 has both)");
}

TEST(Resolve, KeysThatContradictEachOther) {
  const std::pair<const char *, const char *> cases[] = {
      {"algorithm: {batch_size: 64, buffer_size: 32}",
       "f.yaml:2:25: algorithm.batch_size is 64, must be at most algorithm.buffer_size, which is "
       "32"},
      {"algorithm: {buffer_size: 32}",
       "f.yaml:2:26: algorithm.batch_size is 256, must be at most algorithm.buffer_size, which is "
       "32"},
      {"algorithm: {target_subset: 3}",
       "f.yaml:2:28: algorithm.target_subset is 3, must be at most algorithm.n_critics, which is "
       "2"},
      {"policy: {log_std: {min: 2, max: 1}}",
       "f.yaml:2:25: policy.log_std.min is 2, must be below policy.log_std.max, which is 1"},
      {"policy: {log_std: {init: -20}}",
       "f.yaml:2:26: policy.log_std.init is -20, must lie between policy.log_std.min and "
       "policy.log_std.max, which are -20 and 2"},
      {"policy: {log_std: {init: 1, max: 1}}",
       "f.yaml:2:26: policy.log_std.init is 1, must lie between policy.log_std.min and "
       "policy.log_std.max, which are -20 and 1"},
      {"policy: {log_std: {min: 2}}",
       "f.yaml:2:25: policy.log_std.min is 2, must be below policy.log_std.max, which is 2"},
      {"run: {seeds: [1, 3, 2, 3]}", "f.yaml:2:14: run.seeds has 3 twice, must be different seeds"},
      {"run: {name: a/b}",
       "f.yaml:2:13: run.name is a/b, must be one folder name; run.logdir says where it lies"}};
  for (auto [lines, text] : cases)
    EXPECT_EQ(Parse(std::string("env: {id: A}\n") + lines).text, text);
  EXPECT_EQ(Parse("env: {id: A, n_envs: 512}\nalgorithm: {buffer_size: 256}").status,
            SAC_BAD_CONFIG);
}

TEST(Resolve, AWrongValueIsNotComparedAnyFurther) {
  Loaded c = Parse(WithAlgorithm("  {batch_size: x, buffer_size: 32}"));
  EXPECT_EQ(Lines(c.text).size(), 1u) << c.text;
}

TEST(Resolve, ASingleCriticNeedsNoSubset) {
  EXPECT_EQ(Parse(WithAlgorithm("  n_critics: 1"))->algorithm.target_subset, 1);
  EXPECT_EQ(Parse(WithAlgorithm("  {n_critics: 1, target_subset: 2}")).status, SAC_BAD_CONFIG);
  EXPECT_EQ(Parse(WithAlgorithm("  n_critics: 10"))->algorithm.target_subset, 2);
}

TEST(Resolve, OneSeedOfAListReplacesTheSeed) {
  Loaded c = Parse("env: {id: A}\nrun: {seed: 3, seeds: [7]}");
  EXPECT_EQ(c->run.seed, 7);
  EXPECT_EQ(c->run.seeds.count, 0);
}

std::vector<std::string> Notes(const Loaded &c) {
  std::vector<std::string> notes;
  sac_config_notes(
      c.cfg.get(),
      [](void *context, const char *line) {
        static_cast<std::vector<std::string> *>(context)->push_back(line);
      },
      &notes);
  return notes;
}

TEST(Resolve, GivenKeysThatAreNotUsedAreNoted) {
  EXPECT_TRUE(Notes(Parse("env: {id: A}")).empty());
  std::vector<std::string> sac = {
      "f.yaml:3:10: algorithm.v_lr is not used: algorithm sac does without it"};
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {v_lr: 0.0003}"))), sac);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: sac_v1, alpha_lr: 1e-3, target_entropy: -1,"
                                      " target_subset: 1, v_lr: 1e-3}")))
                .size(),
            3u);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {ent_coef: 0.1, alpha_lr: 1e-3}"))).size(), 1u);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {total_timesteps: 5000}"))).size(), 1u);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: sac, pg: {minibatch: 8}}"))).size(), 1u);
}

TEST(Resolve, KeysOfAReplayAreNotedWhereThereIsNone) {
  std::vector<std::string> none, buffer = {
                                     "f.yaml:3:34: algorithm.buffer_size is not used: "
                                     "algorithm maxent_pg does without it"};
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: maxent_pg, v_lr: 1e-3, max_grad_norm: 1, "
                                      "total_timesteps: 3000}"))),
            none);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: maxent_pg, buffer_size: 1e3}"))), buffer);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: maxent_pg, batch_size: 2, q_lr: 1, tau: 1, "
                                      "alpha_lr: 1, target_entropy: 1, learning_starts: 9}")))
                .size(),
            6u);
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: maxent_pg, pg: {form: reinforce, gae_lambda: 1}}")))
                .size(),
            1u);
  // a rollout that never becomes whole
  EXPECT_EQ(Notes(Parse(WithAlgorithm("  {name: maxent_pg, total_timesteps: 63}"))).size(), 1u);
}

TEST(Resolve, ProbabilitiesOfExplorationAddUpToAtMostOne) {
  EXPECT_EQ(Parse(WithAlgorithm("  exploration: {deterministic: 0.1, gaussian: 0.6, "
                                "parameter: 0.3}\n"))
                .status,
            SAC_OK);
  EXPECT_EQ(Parse(WithAlgorithm("  exploration: {gaussian: 0.6, parameter: 0.6}\n")).text,
            "f.yaml:3:43: algorithm.exploration: deterministic, gaussian and parameter are "
            "probabilities that add up to 1.2, must be at most 1");
  EXPECT_EQ(
      Lines(Parse(WithAlgorithm("  exploration: {gaussian: 2, parameter: 0.6}\n")).text).size(),
      1u);
}

}  // namespace
