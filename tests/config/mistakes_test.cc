#include <gtest/gtest.h>

#include <algorithm>
#include <string>

extern "C" {
#include "config/mistakes.h"
}

namespace {

TEST(Mistakes, LinesThatDoNotFitAreCounted) {
  sac_error err = {};
  sac_config_mistakes mistakes = {};
  mistakes.err = &err;
  for (int i = 0; i < 1000; i++) sac_config_mistake(&mistakes, "f:1:1", "number %d is wrong", i);
  EXPECT_EQ(sac_config_mistakes_close(&mistakes), SAC_BAD_CONFIG);
  std::string text = err.text;
  size_t lines = (size_t)std::count(text.begin(), text.end(), '\n');
  EXPECT_EQ(text.find("f:1:1: number 0 is wrong\nf:1:1: number 1 is wrong\n"), 0u);
  EXPECT_EQ(text.substr(text.rfind('\n')), "\n... and " + std::to_string(1000 - lines) + " more");
}

TEST(Mistakes, NoneIsNoError) {
  sac_config_mistakes mistakes = {};
  EXPECT_EQ(sac_config_mistakes_close(&mistakes), SAC_OK);
}

TEST(Mistakes, ShownTextsAreOneCleanLine) {
  char shown[16];
  sac_config_show(
      "a\nb\x01"
      "c\x7f",
      shown, sizeof shown);
  EXPECT_STREQ(shown, "a?b?c?");
  sac_config_show("123456789012345", shown, sizeof shown);
  EXPECT_STREQ(shown, "123456789012345");
  sac_config_show("1234567890123456", shown, sizeof shown);
  EXPECT_STREQ(shown, "123456789012...");
  // a character of two bytes is left out whole
  sac_config_show("12345678901\xc3\xa9 and more", shown, sizeof shown);
  EXPECT_STREQ(shown, "12345678901...");
}

}  // namespace
