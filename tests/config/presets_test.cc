// Every preset is in the program as its file has it, loads, and sets what it is named for.
#include "config/loading.h"
#include "text.h"

#include <cstring>
#include <set>

extern "C" {
#include "config/presets.h"
}

namespace {

std::vector<const sac_preset *> Presets() {
  std::vector<const sac_preset *> all;
  while (const sac_preset *preset = sac_preset_at((int)all.size())) all.push_back(preset);
  return all;
}

// as `sac train preset/NAME env.id=...` would, unless the preset has a task of its own
Loaded LoadPreset(const std::string &name, std::vector<const char *> overrides = {}) {
  Loaded loaded;
  sac_error err = {};
  std::string text = sac_preset_find(name.c_str())->text;
  bool has_task =
      text.find("env: {id: ") != std::string::npos || text.find("\n  id: ") != std::string::npos;
  if (!has_task) overrides.push_back("env.id=Hopper-v5");
  sac_status status = sac_config_load(name.c_str(), (int)overrides.size(), overrides.data(),
                                      loaded.cfg.get(), &err);
  return Finish(std::move(loaded), status, err);
}

TEST(Presets, EveryFileOfTheFolderIsInTheProgram) {
  std::set<std::string> files, names;
  for (const std::string &path : sac_test::files_of("configs/presets", ".yaml"))
    files.insert(path.substr(strlen("configs/presets/")));
  for (const sac_preset *preset : Presets()) {
    std::string file = std::string(preset->name).substr(strlen(SAC_PRESET_PREFIX)) + ".yaml";
    EXPECT_EQ(sac_test::contents("configs/presets/" + file), preset->text) << file;
    names.insert(file);
  }
  EXPECT_EQ(files, names);
}

TEST(Presets, EveryOneLoadsWithoutANoteAndResolvesToItself) {
  for (const sac_preset *preset : Presets()) {
    Loaded first = LoadPreset(preset->name);
    ASSERT_EQ(first.status, SAC_OK) << first.text;
    sac_config_notes(
        first.cfg.get(), [](void *, const char *line) { ADD_FAILURE() << line; }, nullptr);
    std::string written = Written(first.cfg.get());
    EXPECT_EQ(written.find("defaults"), std::string::npos);
    Loaded second = Parse(written);
    ASSERT_EQ(second.status, SAC_OK) << preset->name << ": " << second.text;
    EXPECT_EQ(written, Written(second.cfg.get()));
  }
}

TEST(Presets, EveryOneBeginsWithALineThatSaysWhatItIs) {
  for (const sac_preset *preset : Presets()) {
    std::string line = std::string(preset->text).substr(0, std::string(preset->text).find('\n'));
    EXPECT_EQ(line.substr(0, 2), "# ") << preset->name;
    EXPECT_EQ(line.back(), '.') << preset->name << ": " << line;
    std::stringstream lines(preset->text);
    while (std::getline(lines, line)) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(Presets, TheRewardScaleOf2018FollowsTheTask) {
  EXPECT_EQ(LoadPreset("preset/sac_v1_paper")->algorithm.reward_scale, 5);
  EXPECT_EQ(LoadPreset("preset/sac_v1_humanoid")->algorithm.reward_scale, 20);
  EXPECT_EQ(LoadPreset("preset/sac_v1_humanoid_standup")->algorithm.reward_scale, 100);
  Loaded swimmer = LoadPreset("preset/sac_v1_swimmer");
  EXPECT_EQ(swimmer->algorithm.reward_scale, 25);
  EXPECT_EQ(swimmer->algorithm.name, SAC_ALGORITHM_SAC_V1);
  EXPECT_STREQ(sac_config_where(swimmer.cfg.get(), "algorithm.reward_scale"),
               "preset/sac_v1_swimmer:4:27");
  EXPECT_STREQ(sac_config_where(swimmer.cfg.get(), "algorithm.tau"), "preset/sac_v1_paper:17:8");
}

TEST(Presets, SoftlearningDiffersFromThePaperWhereItsProgramDoes) {
  Loaded paper = LoadPreset("preset/sac_v2_paper"), program = LoadPreset("preset/softlearning");
  EXPECT_EQ(paper->algorithm.actor_q, SAC_ACTOR_Q_MIN);
  EXPECT_EQ(program->algorithm.actor_q, SAC_ACTOR_Q_MEAN);
  EXPECT_EQ(paper->policy.log_std.mode, SAC_LOG_STD_MODE_CLAMP);
  EXPECT_EQ(program->policy.log_std.mode, SAC_LOG_STD_MODE_SOFTPLUS);
  EXPECT_EQ(paper->algorithm.alpha_loss, SAC_ALPHA_LOSS_PLAIN);
  EXPECT_EQ(program->algorithm.alpha_loss, SAC_ALPHA_LOSS_PLAIN);
  EXPECT_EQ(program->algorithm.adam.eps, 1e-7);
}

TEST(Presets, RedqUpdatesTwentyTimesAStepAndItsPolicyOnce) {
  Loaded c = LoadPreset("preset/redq");
  EXPECT_EQ(c->algorithm.n_critics, 10);
  EXPECT_EQ(c->algorithm.target_subset, 2);
  EXPECT_EQ(c->algorithm.gradient_steps, 20);
  EXPECT_EQ(c->algorithm.policy_delay, 20);
  EXPECT_EQ(c->algorithm.actor_q, SAC_ACTOR_Q_MEAN);
}

TEST(Presets, DroqTakesTwoCriticsOfRedqWithDropoutAndNormalisation) {
  Loaded c = LoadPreset("preset/droq");
  EXPECT_EQ(c->algorithm.n_critics, 2);
  EXPECT_EQ(c->algorithm.gradient_steps, 20);
  EXPECT_EQ(c->critic.dropout, 0.01);
  EXPECT_TRUE(c->critic.layer_norm);
  EXPECT_FALSE(c->policy.layer_norm);
}

TEST(Presets, CatalystsTemperatureIsOneOverItsScaleAndItsMixIsWhole) {
  Loaded c = LoadPreset("preset/catalyst_rl_gym");
  EXPECT_EQ(c->algorithm.ent_coef.initial, 1 / 200.0);
  EXPECT_FALSE(c->algorithm.ent_coef.learned);
  EXPECT_EQ(c->algorithm.reward_scale, 1.0);
  EXPECT_EQ(c->algorithm.max_grad_value, 1.0);
  EXPECT_EQ(c->algorithm.critic_loss, SAC_CRITIC_LOSS_HUBER);
  EXPECT_DOUBLE_EQ(c->algorithm.exploration.gaussian + c->algorithm.exploration.parameter, 0.9);
  EXPECT_EQ(c->env.frame_skip, 2);
  EXPECT_EQ(c->env.history.observations, 2);
  EXPECT_TRUE(c->policy.layer_norm && c->critic.layer_norm);
}

TEST(Presets, AnUnknownOneIsToldWithTheNearest) {
  EXPECT_STREQ(sac_preset_nearest("preset/softlerning"), "preset/softlearning");
  EXPECT_STREQ(sac_preset_nearest("redc"), "preset/redq");
  EXPECT_STREQ(sac_preset_nearest("preset/swimmer"), "preset/sac_v1_swimmer");
  EXPECT_EQ(sac_preset_nearest("preset/zzzzzz"), nullptr);
  EXPECT_EQ(sac_preset_nearest("preset/"), nullptr);
  EXPECT_EQ(sac_preset_find("redq"), nullptr);
  auto cfg = std::make_unique<sac_config>();
  sac_error err = {};
  EXPECT_EQ(sac_config_load("preset/redg", 0, nullptr, cfg.get(), &err), SAC_BAD_CONFIG);
  EXPECT_STREQ(
      err.text,
      "preset/redg: there is no such preset, must be one that `sac config` lists, nearest: "
      "preset/redq");
}

}  // namespace
