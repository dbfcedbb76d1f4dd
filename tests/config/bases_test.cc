// Files that build on presets and on other files.
#include "config/loading.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

extern "C" {
#include "config/bases.h"
}

namespace {

// a folder of files, and what its first one loads to; positions come without the folder
class Bases : public testing::Test {
 protected:
  void SetUp() override {
    folder = testing::TempDir() + "sac_bases_" +
             testing::UnitTest::GetInstance()->current_test_info()->name() + "/";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "sub");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void Write(const std::string &name, const std::string &text) {
    std::ofstream(folder + name) << text;
  }

  Loaded LoadFile(const std::string &name, const std::vector<const char *> &overrides = {}) {
    Loaded loaded;
    sac_error err = {};
    sac_status status = sac_config_load((folder + name).c_str(), (int)overrides.size(),
                                        overrides.data(), loaded.cfg.get(), &err);
    loaded = Finish(std::move(loaded), status, err);
    loaded.text = Short(loaded.text);
    return loaded;
  }

  std::string Short(std::string text) const {
    for (size_t at; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
    return text;
  }

  std::string Where(const Loaded &loaded, const char *key) const {
    return Short(sac_config_where(loaded.cfg.get(), key));
  }

  std::string folder;
};

TEST_F(Bases, AFileWinsOverItsPresetAndAnOverrideOverBoth) {
  Write("a.yaml", "defaults: preset/redq\nenv: {id: Hopper-v5}\nalgorithm: {n_critics: 5}\n");
  Loaded c = LoadFile("a.yaml", {"algorithm.batch_size=64"});
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_EQ(c->algorithm.n_critics, 5);
  EXPECT_EQ(c->algorithm.batch_size, 64);
  EXPECT_EQ(c->algorithm.gradient_steps, 20);
  EXPECT_EQ(Where(c, "algorithm.n_critics"), "a.yaml:3:24");
  EXPECT_EQ(Where(c, "algorithm.gradient_steps").rfind("preset/redq:", 0), 0u);
  EXPECT_EQ(Written(c.cfg.get()).find("defaults"), std::string::npos);
}

TEST_F(Bases, TheLaterOfAListWinsAndPathsStartAtTheFileThatNamesThem) {
  Write("a.yaml", "defaults: [sub/b.yaml, c.yaml]\nrun: {seed: 3}\n");
  Write("sub/b.yaml", "defaults: d.yaml\nalgorithm: {gamma: 0.1, tau: 0.1}\nrun: {seed: 4}\n");
  Write("sub/d.yaml", "env: {id: A, kwargs: {x: 1, y: 1}}\nalgorithm: {gamma: 0.2, q_lr: 0.2}\n");
  Write("c.yaml", "env: {kwargs: {y: 2}}\nalgorithm: {tau: 0.3}\n");
  Loaded c = LoadFile("a.yaml");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_STREQ(c->env.id, "A");
  EXPECT_EQ(c->run.seed, 3);
  EXPECT_EQ(c->algorithm.gamma, 0.1);
  EXPECT_EQ(c->algorithm.q_lr, 0.2);
  EXPECT_EQ(c->algorithm.tau, 0.3);
  ASSERT_EQ(c->env.kwargs.count, 2);
  EXPECT_EQ(c->env.kwargs.at[0].value[0], 1);
  EXPECT_EQ(c->env.kwargs.at[1].value[0], 2);
  EXPECT_EQ(Where(c, "algorithm.q_lr"), "sub/d.yaml:2:31");
}

TEST_F(Bases, MistakesOfEveryFileAreToldAtTheirOwnPlace) {
  Write("a.yaml", "defaults: b.yaml\nenv: {id: A}\nalgorithm:\n  tau: 2\n");
  Write("b.yaml", "algorithm:\n  gamma: 7\n  taw: 0.1\n");
  std::vector<std::string> lines = Lines(LoadFile("a.yaml").text);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "b.yaml:2:10: algorithm.gamma is 7, must be in [0, 1]");
  EXPECT_EQ(lines[1].rfind("b.yaml:3:3: unknown key algorithm.taw", 0), 0u);
  EXPECT_EQ(lines[2], "a.yaml:4:8: algorithm.tau is 2, must be in (0, 1]");
}

TEST_F(Bases, AValueOfABaseIsCheckedAgainstTheFileAndToldWhereItStands) {
  Write("a.yaml", "defaults: b.yaml\nenv: {id: A}\nalgorithm: {name: sac_v1}\n");
  Write("b.yaml", "algorithm:\n  ent_coef: auto\n");
  EXPECT_EQ(LoadFile("a.yaml").text.rfind("b.yaml:2:13: algorithm.ent_coef is auto", 0), 0u);
}

TEST_F(Bases, WhatCannotBeBuiltOnIsToldWithThePlaceThatNamesIt) {
  Write("a.yaml", "env: {id: A}\ndefaults:\n  - preset/redg\n  - none.yaml\n  - [x]\n  - ''\n");
  std::vector<std::string> expected = {
      "a.yaml:5:5: defaults is [x], must be preset/NAME or a file, or a list of those",
      "a.yaml:6:5: defaults is \"\", must be preset/NAME or a file, or a list of those",
      "a.yaml:3:5: defaults: preset/redg: there is no such preset, must be one that `sac config` "
      "lists, nearest: preset/redq",
      "a.yaml:4:5: defaults: none.yaml: cannot be opened: No such file or directory"};
  EXPECT_EQ(Lines(LoadFile("a.yaml").text), expected);
  Write("b.yaml", "env: {id: A}\ndefaults: {a: 1}\n");
  EXPECT_EQ(
      LoadFile("b.yaml").text,
      "b.yaml:2:11: defaults is a mapping, must be preset/NAME or a file, or a list of those");
  Write("c.yaml", "env: {id: A}\ndefaults:\ndefaults: d.yaml\n");
  EXPECT_EQ(LoadFile("c.yaml").text, "c.yaml:3:1: defaults is given twice");
}

TEST_F(Bases, NothingUnderTheKeyIsNothing) {
  for (const char *nothing : {"", "[]", "null"}) {
    Write("a.yaml", std::string("env: {id: A}\ndefaults: ") + nothing + "\n");
    EXPECT_EQ(LoadFile("a.yaml").status, SAC_OK) << nothing;
  }
}

TEST_F(Bases, ACircleIsToldHoweverItIsNamed) {
  Write("a.yaml", "defaults: sub/b.yaml\nenv: {id: A}\n");
  Write("sub/b.yaml", "defaults: ../sub/../a.yaml\n");
  EXPECT_EQ(LoadFile("a.yaml").text,
            "sub/b.yaml:1:11: defaults is ../sub/../a.yaml, which builds on this file: must not be "
            "a circle");
  Write("c.yaml", "defaults: c.yaml\nenv: {id: A}\n");
  EXPECT_NE(LoadFile("c.yaml").text.find("must not be a circle"), std::string::npos);
}

TEST_F(Bases, OneFileMayBeBuiltOnByTwo) {
  Write("a.yaml", "defaults: [b.yaml, c.yaml]\n");
  Write("b.yaml", "defaults: d.yaml\nalgorithm: {gamma: 0.3}\n");
  Write("c.yaml", "defaults: d.yaml\n");
  Write("d.yaml", "env: {id: A}\nalgorithm: {gamma: 0.1}\n");
  Loaded c = LoadFile("a.yaml");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_EQ(c->algorithm.gamma, 0.1);  // as c.yaml, the later, has it
}

TEST_F(Bases, DepthAndNumberAreBounded) {
  for (int i = 0; i < 12; i++)
    Write("f" + std::to_string(i) + ".yaml",
          "defaults: f" + std::to_string(i + 1) + ".yaml\nenv: {id: A}\n");
  EXPECT_EQ(LoadFile("f0.yaml").text,
            "f7.yaml:1:11: defaults is f8.yaml, but files build on others at most 8 deep");
  Write("many.yaml", "env: {id: A}\ndefaults: [a, b, c, d, e, f, g, h, i]\n");
  EXPECT_EQ(LoadFile("many.yaml").text.rfind("many.yaml:2:36: i is one too many", 0), 0u);
}

TEST_F(Bases, ABrokenBaseIsToldAndTheFileToo) {
  Write("a.yaml", "defaults: b.yaml\nalgorithm: {gamma: 9}\nenv: {id: A}\n");
  Write("b.yaml", "algorithm: {gamma: [\n");
  std::vector<std::string> lines = Lines(LoadFile("a.yaml").text);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].rfind("b.yaml:", 0), 0u);
  EXPECT_NE(lines[0].find("is not YAML"), std::string::npos);
  EXPECT_EQ(lines[1], "a.yaml:2:20: algorithm.gamma is 9, must be in [0, 1]");
}

TEST(BasesOnTheCommandLine, TheKeyIsForFiles) {
  EXPECT_EQ(Load("env: {id: A}", {"defaults=preset/redq"}).text,
            "override 1 ('defaults=preset/redq'): defaults is for files; a command takes a preset "
            "as its CONFIG");
  EXPECT_NE(Parse("default: preset/redq\nenv: {id: A}").text.find("nearest: defaults"),
            std::string::npos);
}

}  // namespace
