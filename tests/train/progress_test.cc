#include <gtest/gtest.h>

#include <cmath>

extern "C" {
#include "train/progress.h"
}

namespace {

TEST(Progress, MeansLookBackOnTheNewestEpisodes) {
  sac_progress progress = {};
  EXPECT_TRUE(std::isnan(sac_progress_return(&progress, 10)));
  EXPECT_TRUE(std::isnan(sac_progress_length(&progress, 10)));
  for (int i = 1; i <= 250; i++) {
    sac_progress_episode(&progress, i, 2 * i);
    if (i != 3) continue;
    EXPECT_EQ(sac_progress_return(&progress, 10), 2);
  }
  EXPECT_EQ(progress.episodes, 250u);
  EXPECT_EQ(sac_progress_return(&progress, 1), 250);
  EXPECT_EQ(sac_progress_return(&progress, 10), 245.5);
  EXPECT_EQ(sac_progress_length(&progress, 10), 491);
  // no further than the window
  EXPECT_EQ(sac_progress_return(&progress, 1000), sac_progress_return(&progress, 100));
  EXPECT_EQ(sac_progress_return(&progress, 100), 200.5);
}

TEST(Progress, ActsAtTheFirstStepAtOrPastEachMultiple) {
  sac_progress progress = {};
  int times = 0;
  for (uint64_t before = 0; before < 1000; before += 7) {
    progress.timesteps = before + 7;
    bool due = sac_progress_due(&progress, before, 100);
    EXPECT_EQ(due, progress.timesteps / 100 > before / 100) << before;
    times += due;
  }
  EXPECT_EQ(times, 10);
  progress.timesteps = 100;
  EXPECT_TRUE(sac_progress_due(&progress, 99, 100));
  EXPECT_FALSE(sac_progress_due(&progress, 99, 0));
  EXPECT_TRUE(sac_progress_due(&progress, 0, 1));
}

}  // namespace
