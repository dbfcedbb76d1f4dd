#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "config/fields.h"
#include "config/suggest.h"
}

namespace {

TEST(Suggest, NamesOfOtherProgramsGetOurs) {
  const std::pair<const char *, const char *> cases[] = {
      {"algorithm.discount", "algorithm.gamma"},
      {"algorithm.Q_lr", "algorithm.q_lr"},
      {"algorithm.n_train_repeat", "algorithm.gradient_steps"},
      {"environment", "env"},
      {"trainer.replay_buffer_size", "algorithm.buffer_size"},
      {"algorithm.num_critics", "algorithm.n_critics"},
      {"algorithm.critic_tau", "algorithm.tau"},
      {"sampler_params.config.max_path_length", "env.max_episode_steps"},
      {"learning_rate", "algorithm.policy_lr or algorithm.q_lr"},
      {"policy_frequency", "algorithm.policy_delay"},
      {"algorithm.alpha", "algorithm.ent_coef"}};
  for (auto [theirs, ours] : cases) EXPECT_STREQ(sac_config_suggest(theirs, false), ours) << theirs;
}

TEST(Suggest, ASlipOfThePenIsFoundByTheFullPath) {
  const std::pair<const char *, const char *> cases[] = {
      {"algorithm.gama", "algorithm.gamma"},
      {"batchsize", "algorithm.batch_size"},
      {"gamma", "algorithm.gamma"},
      {"run.gamma", "algorithm.gamma"},
      {"policy.hiden", "policy.hidden"},
      {"critic.hiden", "critic.hidden"},
      {"eval.evry", "eval.every"},
      {"log.evry", "log.every"},
      {"algorithm.adam.betal", "algorithm.adam.beta1"},
      {"algorithm.learning_start", "algorithm.learning_starts"},
      {"env.n_env", "env.n_envs"}};
  for (auto [wrong, ours] : cases) EXPECT_STREQ(sac_config_suggest(wrong, false), ours) << wrong;
  EXPECT_STREQ(sac_config_suggest("polcy", true), "policy");
  EXPECT_STREQ(sac_config_suggest("policy.logstd", true), "policy.log_std");
}

TEST(Suggest, NothingNearIsNothing) {
  EXPECT_EQ(sac_config_suggest("zzzzqqqqxxxx", false), nullptr);
}

TEST(Suggest, EveryTranslationLeadsToKeysThatExist) {
  const char *theirs[] = {"class_name", "lr", "agents", "optimizer", "temperature", "log_std_init"};
  for (const char *name : theirs) {
    std::string ours = sac_config_translate(name);
    for (size_t at = 0; at < ours.size();) {
      size_t end = ours.find(" or ", at);
      std::string key = ours.substr(at, end == std::string::npos ? end : end - at);
      EXPECT_TRUE(sac_config_field_find(key.c_str()) >= 0 ||
                  sac_config_section_find(key.c_str()) >= 0)
          << key;
      at = end == std::string::npos ? ours.size() : end + 4;
    }
  }
}

}  // namespace
