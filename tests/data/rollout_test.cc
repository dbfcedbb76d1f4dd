#include <gtest/gtest.h>

#include <vector>

#include "machine.h"

extern "C" {
#include "data/rollout.h"
}

namespace {

TEST(Rollout, RowsHoldTheTransitionAndWhatThePolicySaid) {
  for (int obs_dim : {1, 3, 17})
    for (int act_dim : {1, 6}) {
      sac_row_layout plain = sac_row_layout_make(obs_dim, act_dim);
      sac_row_layout layout = sac_rollout_layout_make(obs_dim, act_dim);
      EXPECT_EQ(sac_row_next_obs(&layout), sac_row_next_obs(&plain));
      EXPECT_EQ(sac_rollout_u(&layout), sac_row_begins(&layout) + 1);
      EXPECT_EQ(sac_rollout_log_pi(&layout), sac_rollout_u(&layout) + act_dim);
      EXPECT_EQ(sac_rollout_truncated(&layout), sac_rollout_log_pi(&layout) + 1);
      EXPECT_LT(sac_rollout_truncated(&layout), layout.width);
      EXPECT_EQ((size_t)layout.width * sizeof(sac_real) % 64, 0u);
    }
}

TEST(Rollout, IsFullAtEachOfItsEnds) {
  sac_test::Machine machine;
  sac_replay rollout;
  sac_row_layout layout = sac_rollout_layout_make(2, 1);
  ASSERT_EQ(sac_replay_create(machine.backend, layout, 1, 6, &rollout, nullptr), SAC_OK);
  std::vector<sac_real> rows((size_t)(2 * layout.width));
  EXPECT_FALSE(sac_rollout_full(&rollout));
  for (int step = 1; step <= 9; step++) {
    sac_replay_push(&rollout, 0, rows.data(), 2);
    sac_replay_advance(&rollout, 2);
    EXPECT_EQ(sac_rollout_full(&rollout), step % 3 == 0) << step;
  }
  sac_replay_release(&rollout);
}

}  // namespace
