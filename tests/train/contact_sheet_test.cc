#include <gtest/gtest.h>

#include <vector>

extern "C" {
#include "train/contact_sheet.h"
}

namespace {

constexpr int kSize = 8, kTile = 4, kGap = 4;

class Sheet {
 public:
  explicit Sheet(int episodes) {
    sac_error err = {};
    EXPECT_EQ(sac_contact_sheet_create(episodes, kSize, kSize, &sheet, &err), SAC_OK) << err.text;
  }
  ~Sheet() { sac_contact_sheet_destroy(sheet); }

  /// An episode whose picture at a step is of one colour: the step in the two upper bytes.
  void episode(int steps) {
    for (int step = 0; step <= steps; step++) {
      if (!sac_contact_sheet_wants(sheet, step)) continue;
      std::vector<uint8_t> rgb;
      for (int i = 0; i < kSize * kSize; i++)
        rgb.insert(rgb.end(), {static_cast<uint8_t>(step / 256), static_cast<uint8_t>(step), 9});
      sac_picture picture = {kSize, kSize, rgb.data(), nullptr, nullptr};
      sac_contact_sheet_add(sheet, &picture);
      drawn++;
    }
    sac_contact_sheet_end_episode(sheet);
  }
  /// The step that a tile shows, or -1.
  int step_at(int column, int row) const {
    const sac_picture *all = sac_contact_sheet_picture(sheet);
    int x = kGap + column * (kTile + kGap), y = kGap + row * (kTile + kGap);
    const uint8_t *pixel = all->rgb + 3 * (y * all->width + x);
    return pixel[2] == 9 ? pixel[0] * 256 + pixel[1] : -1;
  }

  sac_contact_sheet *sheet = nullptr;
  int drawn = 0;
};

TEST(ContactSheet, OneEpisodeFillsASquareEvenly) {
  for (int steps : {15, 40, 200, 999, 1000, 5000}) {
    Sheet sheet(1);
    sheet.episode(steps);
    const sac_picture *all = sac_contact_sheet_picture(sheet.sheet);
    EXPECT_EQ(all->width, 4 * (kTile + kGap) + kGap);
    EXPECT_EQ(all->height, all->width);
    EXPECT_EQ(sheet.step_at(0, 0), 0);
    for (int i = 0; i < 16; i++)
      EXPECT_NEAR(sheet.step_at(i % 4, i / 4), i * steps / 15.0, steps / 15.0) << steps;
    EXPECT_LE(sheet.drawn, 64 + 32 * 8);
  }
}

TEST(ContactSheet, SeveralEpisodesHaveARowEach) {
  Sheet sheet(3);
  sheet.episode(7);
  sheet.episode(70);
  sheet.episode(2);
  for (int i = 0; i < 8; i++) {
    EXPECT_EQ(sheet.step_at(i, 0), i);
    EXPECT_NEAR(sheet.step_at(i, 1), 10 * i, 1);
    EXPECT_EQ(sheet.step_at(i, 2), i < 3 ? i : -1);
  }
}

TEST(ContactSheet, EpisodesBeyondItsRowsAreLeftOut) {
  Sheet sheet(SAC_CONTACT_SHEET_ROWS + 5);
  for (int i = 0; i < SAC_CONTACT_SHEET_ROWS; i++) sheet.episode(1);
  EXPECT_EQ(sheet.step_at(1, SAC_CONTACT_SHEET_ROWS - 1), 1);
  EXPECT_FALSE(sac_contact_sheet_wants(sheet.sheet, 0));
}

}  // namespace
