// Names and the way back.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "problem/names.h"
}

namespace {

int find(const sac_names &names, const std::string &name) {
  return sac_names_find(&names, name.c_str(), name.size());
}

TEST(Names, EveryNameLeadsBackToItsNumber) {
  std::vector<std::string> texts;
  std::vector<const char *> from;
  for (int i = 0; i < 1000; i++) texts.push_back("state " + std::to_string(i * 7919 % 1000));
  for (const std::string &text : texts) from.push_back(text.c_str());
  sac_names names;
  int twice;
  ASSERT_EQ(sac_names_create(&names, 1000, from.data(), &twice, nullptr), SAC_OK);
  EXPECT_EQ(twice, -1);
  for (int i = 0; i < 1000; i++) {
    EXPECT_EQ(find(names, texts[i]), i);
    EXPECT_EQ(names.at[i], texts[i]);
  }
  EXPECT_EQ(find(names, "state"), -1);
  EXPECT_EQ(find(names, "state 1000"), -1);
  sac_names_release(&names);
  EXPECT_EQ(find(names, "state 1"), -1);
}

TEST(Names, TheSecondOfTwoIsTold) {
  const char *const from[] = {"a", "b", "a", "b"};
  sac_names names;
  int twice;
  ASSERT_EQ(sac_names_create(&names, 4, from, &twice, nullptr), SAC_OK);
  EXPECT_EQ(twice, 2);
  sac_names_release(&names);
}

TEST(Names, ACountNamesItsNumbers) {
  sac_names names;
  ASSERT_EQ(sac_names_count(&names, 120000, nullptr), SAC_OK);
  EXPECT_STREQ(names.at[119999], "119999");
  EXPECT_EQ(find(names, "73"), 73);
  EXPECT_EQ(find(names, "073"), -1);
  EXPECT_EQ(find(names, "120000"), -1);
  sac_names_release(&names);
}

}  // namespace
