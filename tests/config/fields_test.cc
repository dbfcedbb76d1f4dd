// The key list itself: what a slip in a row would break.
#include <cstring>
#include <set>
#include <sstream>
#include <string>

#include "config/loading.h"

extern "C" {
#include "config/fields.h"
}

namespace {

TEST(Fields, EveryPathIsUniqueAndLiesInASection) {
  const std::set<std::string> known = {"all", "off-policy", "sac", "sac_v1", "sql", "maxent_pg"};
  std::set<std::string> paths;
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const sac_config_field *field = sac_config_field_at(i);
    std::string path = field->path, section = path.substr(0, path.rfind('.'));
    EXPECT_TRUE(paths.insert(path).second) << path;
    EXPECT_GE(sac_config_section_find(section.c_str()), 0) << path;
    EXPECT_EQ(sac_config_field_find(field->path), i);
    EXPECT_GT(strlen(field->help), 3u) << path;
    std::stringstream users(field->users);
    for (std::string user; users >> user;) EXPECT_TRUE(known.count(user)) << path << ": " << user;
    EXPECT_NE(*field->users, '\0') << path;
  }
}

TEST(Fields, MembersDoNotOverlap) {
  std::set<size_t> offsets;
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++)
    EXPECT_TRUE(offsets.insert(sac_config_field_at(i)->offset).second);
  EXPECT_EQ(sac_config_field_at(sac_config_field_find("algorithm.adam.beta2"))->offset,
            offsetof(sac_config, algorithm.adam.beta2));
}

// every default is inside its own range, or the loader would refuse what the writer wrote
TEST(Fields, DefaultsLoadBack) {
  auto cfg = std::make_unique<sac_config>();
  sac_config_defaults(cfg.get());
  snprintf(cfg->env.id, sizeof cfg->env.id, "A");
  EXPECT_EQ(Parse(Written(cfg.get())).status, SAC_OK) << Parse(Written(cfg.get())).text;
}

TEST(Fields, TheReferenceNamesEveryKeyAndDefault) {
  char *text = nullptr;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  sac_config_reference(out);
  fclose(out);
  std::string reference = text;
  free(text);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const sac_config_field *field = sac_config_field_at(i);
    std::string line = std::string("\n  ") + field->path + ": ";
    if (*field->initial) line += std::string(field->initial) + "\n";
    EXPECT_NE(reference.find(line), std::string::npos) << field->path;
  }
}

}  // namespace
