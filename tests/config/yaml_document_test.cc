// Documents whose nodes know their places.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

extern "C" {
#include "config/yaml_document.h"
}

namespace {

class YamlDocument : public testing::Test {
 protected:
  bool open(const std::string &content) {
    text = content;
    yaml = {};
    yaml.file = "f.yaml";
    yaml.text = text.data();
    yaml.mistakes = &mistakes;
    mistakes = {};
    mistakes.err = &err;
    return sac_yaml_open(&yaml, text.size());
  }

  const yaml_node_t *value(int i) {
    const yaml_node_t *root = sac_yaml_root(&yaml);
    return sac_yaml_node(&yaml, root->data.mapping.pairs.start[i].value);
  }

  std::string text;
  sac_yaml yaml = {};
  sac_config_mistakes mistakes = {};
  sac_error err = {};
};

TEST_F(YamlDocument, NodesKnowTheirPlacesAndWhatTheyAre) {
  ASSERT_TRUE(open("a: 1\nb:   [x, [y], {z: 1}]\nc: \"1\"\nd: ~\ne: !!int 3\n"));
  EXPECT_STREQ(sac_yaml_place(&yaml, value(1)), "f.yaml:2:6");
  char shown[SAC_YAML_SHOWN_MAX];
  sac_yaml_show(&yaml, value(1), shown);
  EXPECT_STREQ(shown, "[x, [...], {...}]");
  sac_yaml_show(&yaml, value(2), shown);
  EXPECT_STREQ(shown, "\"1\"");
  EXPECT_STREQ(sac_yaml_scalar(value(0)), "1");
  EXPECT_FALSE(sac_yaml_is_quoted(value(0)));
  EXPECT_TRUE(sac_yaml_is_quoted(value(2)));
  EXPECT_TRUE(sac_yaml_is_empty(value(3)));
  EXPECT_FALSE(sac_yaml_is_empty(value(2)));
  EXPECT_TRUE(sac_yaml_is_plain(value(0)));
  EXPECT_FALSE(sac_yaml_is_plain(value(4)));
  EXPECT_TRUE(sac_yaml_close(&yaml));
  EXPECT_EQ(mistakes.count, 0);
}

TEST_F(YamlDocument, OverridesHaveOnePlace) {
  yaml = {};
  text = "[1, 2]";
  yaml.fixed_where = "override 1";
  yaml.text = text.data();
  yaml.mistakes = &mistakes;
  ASSERT_TRUE(sac_yaml_open(&yaml, text.size()));
  EXPECT_STREQ(sac_yaml_place(&yaml, sac_yaml_root(&yaml)), "override 1");
  EXPECT_TRUE(sac_yaml_close(&yaml));
}

TEST_F(YamlDocument, OneDocumentIsOne) {
  ASSERT_TRUE(open("a: 1\n---\nb: 2\n"));
  EXPECT_TRUE(sac_yaml_close(&yaml));
  EXPECT_STREQ(err.text, "f.yaml:3:1: a second document begins, must be one");
  ASSERT_TRUE(open(""));
  EXPECT_EQ(sac_yaml_root(&yaml), nullptr);
  EXPECT_TRUE(sac_yaml_close(&yaml));
  EXPECT_FALSE(open("a: [1\n"));
  EXPECT_FALSE(sac_yaml_close(&yaml));
  EXPECT_EQ(std::string(err.text).rfind("f.yaml:2:1: is not YAML", 0), 0u);
  ASSERT_TRUE(open("a: 1\n---\n[\n"));
  EXPECT_FALSE(sac_yaml_close(&yaml));
  EXPECT_FALSE(open(std::string(200, '[')));
  EXPECT_FALSE(sac_yaml_close(&yaml));
}

}  // namespace
