#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <vector>

extern "C" {
#include "base/philox.h"
}

namespace {

struct Known {
  uint32_t counter[4];
  uint64_t key;
  uint32_t words[4];
};

// the vectors that Random123 publishes for philox4x32 with ten rounds
const Known kKnown[] = {
    {{0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     0xffffffffffffffff,
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     0x299f31d0a4093822,
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

TEST(Philox, GivesThePublishedWords) {
  for (const Known &known : kKnown) {
    sac_words words = sac_philox(known.counter, known.key);
    for (int i = 0; i < 4; i++) EXPECT_EQ(words.at[i], known.words[i]) << i;
  }
}

TEST(Philox, DrawsDifferInEveryPartOfTheirAddress) {
  std::set<std::vector<uint32_t>> seen;
  auto add = [&](uint64_t key, sac_purpose purpose, uint64_t step, uint32_t row, uint32_t block) {
    sac_words words = sac_draw(key, purpose, step, row, block);
    EXPECT_TRUE(seen.insert(std::vector<uint32_t>(words.at, words.at + 4)).second)
        << key << " " << purpose << " " << step << " " << row << " " << block;
  };
  add(1, SAC_DRAW_INIT, 0, 0, 0);
  add(2, SAC_DRAW_INIT, 0, 0, 0);
  add(1ull << 32, SAC_DRAW_INIT, 0, 0, 0);
  add(1, SAC_DRAW_EVAL, 0, 0, 0);
  add(1, SAC_DRAW_INIT, 1, 0, 0);
  add(1, SAC_DRAW_INIT, 1ull << 32, 0, 0);
  add(1, SAC_DRAW_INIT, (1ull << 56) - 1, 0, 0);
  add(1, SAC_DRAW_INIT, 0, 1, 0);
  add(1, SAC_DRAW_INIT, 0, 0, 1);
}

TEST(Philox, PurposesNeverShareTheCountersLastWord) {
  const uint64_t last_step = (1ull << 56) - 1;
  std::set<uint32_t> seen;
  for (int purpose = SAC_DRAW_INIT; purpose <= SAC_DRAW_EVAL; purpose++)
    for (uint64_t step : {uint64_t{0}, uint64_t{1} << 32, last_step})
      EXPECT_TRUE(seen.insert(sac_counter_top((sac_purpose)purpose, step)).second);
}

TEST(Philox, UniformIsNeverZeroOrOne) {
  for (uint32_t word : {0u, 1u, 511u, 512u, 0x7fffffffu, 0x80000000u, 0xfffffe00u, 0xffffffffu}) {
    EXPECT_GT(sac_uniform(word), 0.0f) << word;
    EXPECT_LT(sac_uniform(word), 1.0f) << word;
    // symmetric about one half, so that the mean has no bias
    EXPECT_EQ(sac_uniform(word) + sac_uniform(~word), 1.0f) << word;
  }
  EXPECT_TRUE(std::isfinite(std::log(sac_uniform(0))));
}

TEST(Philox, UniformHasTheMomentsOfOne) {
  const int n = 1 << 16;
  double sum = 0, squares = 0;
  for (uint32_t i = 0; i < n / 4; i++) {
    sac_words words = sac_draw(5, SAC_DRAW_BENCH, 0, i, 0);
    for (uint32_t word : words.at) {
      sum += sac_uniform(word);
      squares += (double)sac_uniform(word) * sac_uniform(word);
    }
  }
  // five standard errors
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(squares / n, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
}

TEST(Philox, DrawnNormalHasTheMomentsOfOne) {
  const int n = 1 << 16;
  double sum = 0, squares = 0, fourths = 0;
  for (uint32_t i = 0; i < n; i++) {
    double z = sac_draw_normal(5, SAC_DRAW_BENCH, 1, i);
    sum += z, squares += z * z, fourths += z * z * z * z;
  }
  // five standard errors
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourths / n, 3, 5 * std::sqrt(96.0 / n));
}

}  // namespace
