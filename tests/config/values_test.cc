// Numbers, choices and lists, through overrides of keys of each type.
#include <cmath>

#include "config/loading.h"

extern "C" {
#include "config/format.h"
}

namespace {

Loaded With(const std::string &override) {
  return Load("env: {id: A}\nalgorithm: {buffer_size: 2e6}", {override.c_str()});
}

TEST(Values, IntegersAreExactWhateverTheirForm) {
  const std::pair<const char *, int64_t> cases[] = {
      {"1e6", 1000000}, {"1_000_000", 1000000}, {"1.5e3", 1500},      {"1000.0", 1000},
      {"+7", 7},        {"12e0", 12},           {"10000e-2", 100},    {"1E2", 100},
      {"2.50e1", 25},   {"1048576", 1048576},   {"104857_6", 1048576}};
  for (auto [text, value] : cases) {
    Loaded c = With(std::string("algorithm.batch_size=") + text);
    ASSERT_EQ(c.status, SAC_OK) << c.text;
    EXPECT_EQ(c->algorithm.batch_size, value) << text;
  }
}

TEST(Values, OtherFormsAreNoIntegers) {
  for (const char *text : {"1.5",     "1e-3", "0x10",   "010",
                           "1__0",    "_1",   "1_",     "1e",
                           "e3",      "abc",  "",       "null",
                           ".nan",    ".inf", "true",   "1 000",
                           "'5'",     "--1",  "1e5000", "99999999999999999999",
                           "1048577", "0",    "-1",     "1.0000000000000000001"}) {
    Loaded c = With(std::string("algorithm.batch_size=") + text);
    EXPECT_EQ(c.status, SAC_BAD_CONFIG) << text;
    EXPECT_NE(c.text.find("must be"), std::string::npos) << c.text;
    EXPECT_NE(c.text.find("in [1, 1048576]"), std::string::npos) << c.text;
  }
}

TEST(Values, LargeIntegersKeepEveryDigit) {
  Loaded c = With("run.seed=9007199254740991");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_EQ(c->run.seed, 9007199254740991);
  EXPECT_EQ(With("run.seed=9007199254740992").status, SAC_BAD_CONFIG);
}

TEST(Values, NumbersRespectOpenAndClosedEnds) {
  EXPECT_EQ(With("algorithm.gamma=0").status, SAC_OK);
  EXPECT_EQ(With("algorithm.gamma=1").status, SAC_OK);
  EXPECT_EQ(With("algorithm.gamma=1.0000001").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("algorithm.tau=0").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("algorithm.tau=1").status, SAC_OK);
  EXPECT_EQ(With("algorithm.adam.beta1=1").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("algorithm.adam.beta1=.5")->algorithm.adam.beta1, 0.5);
  for (const char *text :
       {"nan", ".nan", "inf", "-.inf", "1e999", "0x1p-1", "", "null", "'0.5'", "0.5x", "1,5", "."})
    EXPECT_EQ(With(std::string("algorithm.gamma=") + text).status, SAC_BAD_CONFIG) << text;
}

TEST(Values, OneValueOutsideOfARange) {
  EXPECT_EQ(With("algorithm.gradient_steps=-1")->algorithm.gradient_steps, -1);
  EXPECT_EQ(With("algorithm.gradient_steps=-2").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("algorithm.gradient_steps=0").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("env.max_episode_steps=null")->env.max_episode_steps, 0);
  EXPECT_EQ(With("env.max_episode_steps=0").status, SAC_BAD_CONFIG);
  EXPECT_TRUE(std::isnan(With("algorithm.max_grad_norm=~")->algorithm.max_grad_norm));
  EXPECT_EQ(With("algorithm.max_grad_norm=auto").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("algorithm.target_entropy=-3.5")->algorithm.target_entropy, -3.5);
  EXPECT_EQ(With("algorithm.target_entropy=null").status, SAC_BAD_CONFIG);
}

TEST(Values, TheTemperatureIsLearnedOrFixed) {
  Loaded c = With("algorithm.ent_coef=auto_0.1");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_TRUE(c->algorithm.ent_coef.learned);
  EXPECT_EQ(c->algorithm.ent_coef.initial, 0.1);
  c = With("algorithm.ent_coef=0.2");
  EXPECT_FALSE(c->algorithm.ent_coef.learned);
  EXPECT_EQ(c->algorithm.ent_coef.initial, 0.2);
  for (const char *text :
       {"0", "-1", "auto_", "auto_0", "auto_x", "automatic", "autoo", "1e7", "auto_-1"})
    EXPECT_EQ(With(std::string("algorithm.ent_coef=") + text).status, SAC_BAD_CONFIG) << text;
}

TEST(Values, ChoicesNameTheNearestWord) {
  EXPECT_EQ(With("algorithm.actor_q=mean")->algorithm.actor_q, SAC_ACTOR_Q_MEAN);
  EXPECT_NE(With("algorithm.actor_q=meen").text.find("must be min, first or mean, nearest: mean"),
            std::string::npos);
}

TEST(Values, WhatLaterVersionsBringIsSaidToBeMissing) {
  const std::pair<const char *, const char *> cases[] = {
      {"hierarchy.freeze_lower=false", "not available in this version, must be true"}};
  for (auto [override, text] : cases)
    EXPECT_NE(With(override).text.find(text), std::string::npos) << With(override).text;
  EXPECT_NE(With("algorithm.n_steps=0").text.find("must be in [1, 1000]"), std::string::npos);
  EXPECT_NE(With("critic.dropout=1").text.find("must be in [0, 1)"), std::string::npos);
}

TEST(Values, ListsHaveLimitsOfLengthAndValue) {
  EXPECT_EQ(With("policy.hidden=[1,2,3,4,5,6,7,8]")->policy.hidden.at[7], 8);
  EXPECT_EQ(With("policy.hidden=[1,2,3,4,5,6,7,8,9]").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("policy.hidden=[]").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("policy.hidden=[8193]").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("policy.hidden=256").status, SAC_BAD_CONFIG);
  std::string many = "run.seeds=[";
  for (int i = 0; i < 500; i++) many += std::to_string(i) + ",";
  EXPECT_EQ(With(many + "1]").status, SAC_BAD_CONFIG);
}

TEST(Values, TextsHaveALimitAndNoControlCharacters) {
  EXPECT_EQ(With("run.logdir=" + std::string(255, 'x')).status, SAC_OK);
  EXPECT_EQ(With("run.logdir=" + std::string(256, 'x')).status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("run.logdir=\"a\\nb\"").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("run.logdir=").status, SAC_BAD_CONFIG);
  EXPECT_EQ(With("run.logdir=''").status, SAC_BAD_CONFIG);
  EXPECT_STREQ(With("run.logdir='null'")->run.logdir, "null");
  EXPECT_STREQ(With("run.logdir=\xc3\xa9t\xc3\xa9")->run.logdir, "\xc3\xa9t\xc3\xa9");
}

TEST(Values, NumbersAreWrittenShortestAndWithAPoint) {
  const std::pair<double, const char *> cases[] = {{1.0, "1.0"},
                                                   {0.1, "0.1"},
                                                   {1e-8, "1.0e-08"},
                                                   {3e-4, "0.0003"},
                                                   {-20.0, "-20.0"},
                                                   {1e300, "1.0e+300"},
                                                   {0.1 + 0.2, "0.30000000000000004"},
                                                   {1.5e-7, "1.5e-07"}};
  for (auto [number, text] : cases) {
    char shown[48];
    double back;
    sac_config_number_format(number, shown, sizeof shown);
    EXPECT_STREQ(shown, text);
    ASSERT_TRUE(sac_config_number_parse(shown, &back));
    EXPECT_EQ(back, number);
  }
}

}  // namespace
