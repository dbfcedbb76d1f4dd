// Defaults, files, overrides and their mistakes, through the public functions.
#include <cmath>

#include "config/loading.h"

namespace {

TEST(Config, DefaultsAreThoseOfTheInterface) {
  Loaded c = Parse("env: {id: Pendulum-v1}");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_EQ(c->run.seed, 1);
  EXPECT_EQ(c->run.seeds.count, 0);
  EXPECT_STREQ(c->run.logdir, "runs/");
  EXPECT_STREQ(c->run.name, "");
  EXPECT_EQ(c->env.n_envs, 1);
  EXPECT_EQ(c->env.max_episode_steps, 0);
  EXPECT_EQ(c->algorithm.total_timesteps, 1000000);
  EXPECT_EQ(c->algorithm.gamma, 0.99);
  EXPECT_EQ(c->algorithm.learning_starts, 5000);
  EXPECT_EQ(c->algorithm.tau, 0.005);
  EXPECT_EQ(c->algorithm.policy_lr, 3e-4);
  EXPECT_TRUE(c->algorithm.ent_coef.learned);
  EXPECT_EQ(c->algorithm.ent_coef.initial, 1.0);
  EXPECT_TRUE(std::isnan(c->algorithm.target_entropy));
  EXPECT_TRUE(std::isnan(c->algorithm.max_grad_norm));
  EXPECT_EQ(c->algorithm.adam.eps, 1e-8);
  EXPECT_EQ(c->policy.hidden.count, 2);
  EXPECT_EQ(c->policy.hidden.at[1], 256);
  EXPECT_TRUE(c->policy.squash);
  EXPECT_EQ(c->policy.log_std.min, -20.0);
  EXPECT_EQ(c->policy.log_std.max, 2.0);
  EXPECT_EQ(c->eval.seed, 10000);
  EXPECT_EQ(c->checkpoint.keep, 3);
  EXPECT_TRUE(c->checkpoint.include_replay);
  EXPECT_EQ(c->checkpoint.on_error, SAC_ON_ERROR_STOP);
  EXPECT_EQ(c->log.every, 1000);
}

TEST(Config, ConstantsOfAChoiceFollowItsWords) {
  EXPECT_STREQ(sac_config_word("algorithm.actor_q", SAC_ACTOR_Q_MEAN), "mean");
  EXPECT_STREQ(sac_config_word("algorithm.name", SAC_ALGORITHM_SAC_V1), "sac_v1");
  EXPECT_STREQ(sac_config_word("policy.log_std.mode", SAC_LOG_STD_MODE_SOFTPLUS), "softplus");
  EXPECT_STREQ(sac_config_word("run.device", SAC_DEVICE_CUDA), "cuda");
}

TEST(Config, EveryMistakeIsToldAtItsPlace) {
  Loaded c = Parse(
      "env: {id: Pendulum-v1, n_envs: 1.5}\n"
      "algorithm:\n"
      "  gamma: 1.2\n"
      "  gama: 0.9\n"
      "  batchsize: 12\n"
      "  tau: 0\n"
      "policy: {squash: yes, hidden: [256, 0]}\n"
      "critic: 3\n");
  EXPECT_EQ(c.status, SAC_BAD_CONFIG);
  std::vector<std::string> expected = {
      "f.yaml:1:32: env.n_envs is 1.5, must be a whole number in [1, 65536]",
      "f.yaml:3:10: algorithm.gamma is 1.2, must be in [0, 1]",
      "f.yaml:4:3: unknown key algorithm.gama, must be one that `sac config` lists, nearest: "
      "algorithm.gamma",
      "f.yaml:5:3: unknown key algorithm.batchsize, must be one that `sac config` lists, nearest: "
      "algorithm.batch_size",
      "f.yaml:6:8: algorithm.tau is 0, must be in (0, 1]",
      "f.yaml:7:18: policy.squash is yes, must be true or false",
      "f.yaml:7:31: policy.hidden is [256, 0], must be a list of 1 to 8 values in [1, 8192]",
      "f.yaml:8:9: critic is 3, must be a mapping of its keys"};
  EXPECT_EQ(Lines(c.text), expected);
}

TEST(Config, OverridesWinOverTheFileAndAreCheckedAlike) {
  std::string file = WithAlgorithm("  gamma: 0.5\n");
  Loaded good = Load(file, {"algorithm.gamma=0.9", "policy.hidden=[32,16]",
                            "run.name=", "policy.log_std={min: -5}", "env.kwargs.g=9.5"});
  ASSERT_EQ(good.status, SAC_OK) << good.text;
  EXPECT_EQ(good->algorithm.gamma, 0.9);
  EXPECT_EQ(good->policy.hidden.at[1], 16);
  EXPECT_EQ(good->policy.log_std.min, -5.0);
  EXPECT_EQ(good->env.kwargs.at[0].value[0], 9.5);
  Loaded bad = Load(file, {"algorithm.gamma=2", "algorithm.gama=1", "gamma", "=1", "run.seed=[",
                           "run.seed=1", "run.seed=2"});
  EXPECT_EQ(bad.status, SAC_BAD_CONFIG);
  std::vector<std::string> lines = Lines(bad.text);
  ASSERT_EQ(lines.size(), 6u) << bad.text;
  EXPECT_EQ(lines[0], "override 1 ('algorithm.gamma=2'): algorithm.gamma is 2, must be in [0, 1]");
  EXPECT_NE(lines[1].find("override 2 ('algorithm.gama=1'): unknown key algorithm.gama"),
            std::string::npos);
  EXPECT_NE(lines[1].find("nearest: algorithm.gamma"), std::string::npos);
  EXPECT_EQ(lines[2], "override 3 ('gamma'): has no '=', must be key=value");
  EXPECT_EQ(lines[3], "override 4 ('=1'): has no key, must be key=value");
  EXPECT_NE(lines[4].find("override 5 ('run.seed=['): is not YAML"), std::string::npos);
  EXPECT_EQ(lines[5], "override 7 ('run.seed=2'): run.seed is given twice");
}

TEST(Config, AMistakeOfTheFileStaysOneUnderAnOverride) {
  Loaded c = Load(WithAlgorithm("  gamma: 7\n"), {"algorithm.gamma=0.9"});
  EXPECT_EQ(c.status, SAC_BAD_CONFIG);
  EXPECT_EQ(Lines(c.text).size(), 1u) << c.text;
}

TEST(Config, KeysGivenTwiceAreMistakes) {
  Loaded c = Parse("env: {id: A, kwargs: {g: 1, g: 2}}\nenv: {}\nrun: {seed: 1, seed: 2}\n");
  std::vector<std::string> expected = {"f.yaml:1:32: env.kwargs.g is given twice",
                                       "f.yaml:2:1: env is given twice",
                                       "f.yaml:3:22: run.seed is given twice"};
  EXPECT_EQ(Lines(c.text), expected);
}

TEST(Config, AFileWithoutAnEnvironmentIsNamed) {
  for (const char *text : {"", "# nothing\n", "env:\nrun:\n", "run: {seed: 3}\n", "{}"}) {
    Loaded c = Parse(text);
    EXPECT_EQ(c.status, SAC_BAD_CONFIG);
    EXPECT_EQ(c.text.rfind("f.yaml: env.id is missing", 0), 0u) << c.text;
  }
  EXPECT_EQ(Load("", {"env.id=Pendulum-v1"}).status, SAC_OK);
}

TEST(Config, KeywordArgumentsKeepValuesKindsAndPlaces) {
  Loaded c = Parse("env:\n  id: A\n  kwargs: {z: [0.7, 1e9], a: true, m: [1]}\n");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  const sac_config_kwargs &k = c->env.kwargs;
  ASSERT_EQ(k.count, 3);
  EXPECT_STREQ(k.at[0].name, "a");
  EXPECT_TRUE(k.at[0].is_flag && !k.at[0].is_list);
  EXPECT_EQ(k.at[0].value[0], 1.0);
  EXPECT_TRUE(k.at[1].is_list && k.at[1].count == 1);
  EXPECT_STREQ(k.at[2].name, "z");
  EXPECT_EQ(k.at[2].count, 2);
  EXPECT_EQ(k.at[2].value[1], 1e9);
  EXPECT_STREQ(k.at[2].where, "f.yaml:3:15");
  EXPECT_STREQ(sac_config_where(c.cfg.get(), "env.kwargs.z"), "f.yaml:3:15");
  EXPECT_STREQ(sac_config_where(c.cfg.get(), "env.id"), "f.yaml:2:7");
  EXPECT_STREQ(sac_config_where(c.cfg.get(), "run.seed"), "run.seed");
}

TEST(Config, KeywordArgumentsThatAreNoNumbersAreRefused) {
  for (const char *value :
       {"text", "[]", "[1, true]", "{a: 1}", ".nan", ".inf", "\"1\"", "[[1]]", "1e999", "null"}) {
    Loaded c = Parse(std::string("env: {id: A, kwargs: {k: ") + value + "}}");
    EXPECT_EQ(c.status, SAC_BAD_CONFIG) << value;
    EXPECT_NE(c.text.find("f.yaml:1:26: env.kwargs.k is "), std::string::npos) << c.text;
  }
  std::string many = "env: {id: A, kwargs: {";
  for (int i = 0; i < 33; i++) many += "k" + std::to_string(i) + ": 1, ";
  EXPECT_NE(Parse(many + "}}").text.find("is one too many"), std::string::npos);
  EXPECT_NE(Parse("env: {id: A, kwargs: {a-b: 1}}").text.find("no valid name"), std::string::npos);
}

TEST(Config, BenchKeysAreForBenchAlone) {
  Loaded bench = LoadBench({"bench.obs=3", "run.seeds=[1,2,3]", "bench.stop_return=-200"});
  ASSERT_EQ(bench.status, SAC_OK) << bench.text;
  EXPECT_EQ(bench->bench.obs, 3);
  EXPECT_EQ(bench->bench.act, 6);
  EXPECT_EQ(bench->bench.stop_return, -200.0);
  EXPECT_EQ(bench->run.seeds.count, 3);
  EXPECT_EQ(Load("env: {id: A}", {"bench.obs=3"}).text,
            "override 1 ('bench.obs=3'): bench.obs is only for `sac bench`");
  EXPECT_EQ(Parse("env: {id: A}\nbench: {obs: 3}").text,
            "f.yaml:2:1: bench is only for `sac bench`");
}

TEST(Config, AGpuIsCalledCuda) {
  EXPECT_EQ(Load("env: {id: A}", {"run.device=GPU"}).text,
            "override 1 ('run.device=GPU'): run.device is GPU, must be auto, cpu or cuda, nearest: "
            "cuda");
}

TEST(Config, UnreadableFilesAreConfigurationErrors) {
  auto cfg = std::make_unique<sac_config>();
  sac_error err = {};
  EXPECT_EQ(sac_config_load("/nonexistent/f.yaml", 0, nullptr, cfg.get(), &err), SAC_BAD_CONFIG);
  EXPECT_STREQ(err.text, "/nonexistent/f.yaml: cannot be opened: No such file or directory");
  EXPECT_EQ(sac_config_load("configs/swimer.yaml", 0, nullptr, cfg.get(), &err), SAC_BAD_CONFIG);
  EXPECT_STREQ(err.text,
               "configs/swimer.yaml: cannot be opened: No such file or directory, nearest: "
               "configs/swimmer.yaml");
  EXPECT_EQ(sac_config_load("/", 0, nullptr, cfg.get(), &err), SAC_BAD_CONFIG);
  EXPECT_EQ(sac_config_load("/dev/zero", 0, nullptr, cfg.get(), &err), SAC_BAD_CONFIG);
  EXPECT_NE(std::string(err.text).find("longer than 65536 bytes"), std::string::npos);
}

TEST(Config, AnErrorIsOptional) {
  auto cfg = std::make_unique<sac_config>();
  EXPECT_EQ(sac_config_parse("f", "a: 1", 4, cfg.get(), nullptr), SAC_BAD_CONFIG);
}

}  // namespace
