// Texts that are no configuration: each gets an answer, none a crash or a hang.
#include <random>

#include "config/loading.h"

namespace {

std::string FirstLine(const std::string &text) {
  return Lines(Parse(text).text).at(0);
}

TEST(YamlWalk, SyntaxErrorsHaveTheirPlace) {
  EXPECT_EQ(FirstLine("env:\n\tid: A\n").rfind("f.yaml:2:1: is not YAML: ", 0), 0u);
  EXPECT_NE(FirstLine("env:\n\tid: A\n").find("tabs cannot indent"), std::string::npos);
  EXPECT_EQ(FirstLine("env: {id: A\n").rfind("f.yaml:2:1: is not YAML: ", 0), 0u);
  EXPECT_EQ(FirstLine("env: {id: A}\nrun: *none\n").rfind("f.yaml:2:6: is not YAML: ", 0), 0u);
  EXPECT_EQ(FirstLine("env: {id: A}\n\xff\n").rfind("f.yaml:2:1: is not YAML: ", 0), 0u);
  EXPECT_EQ(FirstLine(std::string("env: {id: A}\0", 13)).rfind("f.yaml:1:13: is not YAML", 0), 0u);
}

TEST(YamlWalk, ASyntaxErrorIsTheOnlyMistakeOfItsFile) {
  EXPECT_EQ(Lines(Parse("run: [").text).size(), 1u);
}

TEST(YamlWalk, OneMappingInOneDocument) {
  EXPECT_EQ(FirstLine("env: {id: A}\n---\nrun: {}\n"),
            "f.yaml:3:1: a second document begins, must be one");
  EXPECT_EQ(FirstLine("- a\n- b\n"),
            "f.yaml:1:1: the file holds [a, b], must be a mapping of sections");
  EXPECT_EQ(FirstLine("text"), "f.yaml:1:1: the file holds text, must be a mapping of sections");
  EXPECT_EQ(Parse("---\nenv: {id: A}\n...\n").status, SAC_OK);
  EXPECT_EQ(Parse("\xef\xbb\xbf"
                  "env: {id: A}\n")
                .status,
            SAC_OK);
}

TEST(YamlWalk, AliasesStandForTheirValueAndCyclesEnd) {
  Loaded c = Parse("env: {id: A}\npolicy: {hidden: &h [8, 9]}\ncritic: {hidden: *h}\n");
  ASSERT_EQ(c.status, SAC_OK) << c.text;
  EXPECT_EQ(c->critic.hidden.at[1], 9);
  EXPECT_EQ(Parse("env: &e {id: A, kwargs: *e}\n").status, SAC_BAD_CONFIG);
  EXPECT_EQ(Parse("env: {id: A}\npolicy: {hidden: &h [*h]}\n").status, SAC_BAD_CONFIG);
  EXPECT_EQ(Parse("environment: &e {environment: *e}\n").status, SAC_BAD_CONFIG);
}

TEST(YamlWalk, MergeKeysTagsAndOddKeysAreRefused) {
  EXPECT_EQ(FirstLine("<<: {env: {id: A}}"),
            "f.yaml:1:1: <<: merge keys are not supported, write the keys out");
  EXPECT_NE(FirstLine("env: {id: !!python/object A}").find("a tag or a zero byte"),
            std::string::npos);
  EXPECT_NE(FirstLine("env: {id: \"a\\0b\"}").find("a tag or a zero byte"), std::string::npos);
  EXPECT_EQ(FirstLine("env: {id: A, ? [a, b] : 3}"),
            "f.yaml:1:16: a key is [a, b], must be a word");
  EXPECT_NE(FirstLine("run: {" + std::string(200, 'x') + ": 1}").find("unknown key run.xxx"),
            std::string::npos);
  EXPECT_NE(FirstLine("algorithm.gamma: 1").find("in a file keys are nested"), std::string::npos);
}

TEST(YamlWalk, ValuesOfTheWrongShapeAreRefused) {
  for (const char *text :
       {"run: {seed: {a: 1}}", "run: {seed: [1]}", "run: {seeds: {}}", "run: {seeds: 3}",
        "policy: {hidden: [[1]]}", "policy: {squash: [true]}", "policy: {log_std: 3}",
        "run: {name: [a]}", "algorithm: {ent_coef: [auto]}"}) {
    Loaded c = Parse(std::string("env: {id: A}\n") + text);
    EXPECT_EQ(c.status, SAC_BAD_CONFIG) << text;
    EXPECT_EQ(Lines(c.text).size(), 1u) << c.text;
  }
  EXPECT_EQ(Parse("env: {id: A, kwargs: 3}").text,
            "f.yaml:1:22: env.kwargs is 3, must be a mapping of its keys");
}

TEST(YamlWalk, SectionsOfOtherProgramsAreTranslatedInside) {
  Loaded c = Parse(
      "env: {id: A}\n"
      "algorithm_params:\n  config: {discount: 0.9, n_epochs: 3, nonsense: 1}\n"
      "polcy: {hidden: [3]}\n");
  std::vector<std::string> lines = Lines(c.text);
  ASSERT_EQ(lines.size(), 4u) << c.text;
  EXPECT_NE(lines[0].find("unknown key algorithm_params,"), std::string::npos);
  EXPECT_NE(lines[1].find("f.yaml:3:12: unknown key algorithm_params.config.discount"),
            std::string::npos);
  EXPECT_NE(lines[1].find("nearest: algorithm.gamma"), std::string::npos);
  EXPECT_NE(lines[2].find("nearest: algorithm.total_timesteps"), std::string::npos);
  EXPECT_NE(lines[3].find("nearest: policy"), std::string::npos);
}

TEST(YamlWalk, DeepAndWideTextsEnd) {
  std::string maps;
  for (int i = 0; i < 9000; i++) maps += "{a: ";
  EXPECT_EQ(Parse(std::string(60000, '[')).text,
            "f.yaml:1:101: is not YAML for us: brackets are nested deeper than 100");
  EXPECT_EQ(Parse(maps).status, SAC_BAD_CONFIG);
  EXPECT_EQ(Parse(std::string(60000, '-')).status, SAC_BAD_CONFIG);
  std::string keys;
  for (int i = 0; i < 6000; i++) keys += "k" + std::to_string(i) + ": 1\n";
  Loaded c = Parse(keys);
  EXPECT_EQ(c.status, SAC_BAD_CONFIG);
  EXPECT_EQ(c.text.substr(c.text.rfind("\n... and ")).find("\n... and "), 0u);
}

TEST(YamlWalk, NoDamagedTextCrashes) {
  const std::string good =
      "env: {id: A, kwargs: {g: [1, 2], f: true}}\nalgorithm:\n  gamma: 0.9\n  adam: {eps: 1e-8}\n"
      "policy: {hidden: [3, 4], log_std: {min: -3, max: 1}}\nrun: {seeds: [5], name: \"x\"}\n";
  ASSERT_EQ(Parse(good).status, SAC_OK) << Parse(good).text;
  std::mt19937 draw(1);
  for (int i = 0; i < 3000; i++) {
    std::string text = good;
    for (int k = draw() % 3; k >= 0; k--) text[draw() % text.size()] = (char)draw();
    Loaded c = Parse(text);
    EXPECT_EQ(c.status == SAC_OK, c.text.empty());
  }
  for (size_t length = 0; length < good.size(); length++) Parse(good.substr(0, length));
}

}  // namespace
