// Draws: the streams of base/philox.h whatever the shape, thread count or instruction set; the
// batch that the replay lays out.
#include "ops/fixture.h"

#include <algorithm>

extern "C" {
#include "backend/formulas.h"
}

using namespace sac_test;

namespace {

class RandomOps : public Ops {};

TEST_P(RandomOps, NormalsAreTheBoxMullerPairsOfTheirPlace) {
  for (int cols : {1, 3, 4, 6, 17})
    for (int rows : {1, 17, 100}) {
      Stack out(2, rows, cols, 3);
      uint64_t key[2] = {11, 12345678901234567u}, step = 0x123456789abull;
      const int first_row = 7;
      sac_normal_fill op = {2, rows, cols, first_row, key, SAC_DRAW_NOISE_NOW, &step, out.view()};
      ops->normal_fill(backend, &op);
      for (int i = 0; i < 2; i++)
        for (int r = 0; r < rows; r++)
          for (int c = 0; c < cols; c++) {
            sac_words w = sac_draw(key[i], SAC_DRAW_NOISE_NOW, step, (uint32_t)(first_row + r),
                                   (uint32_t)c / 4);
            double u = sac_uniform(w.at[c % 4 / 2 * 2]), t = sac_uniform(w.at[c % 4 / 2 * 2 + 1]);
            double angle = 2 * std::acos(-1.0) * t, radius = std::sqrt(-2 * std::log(u));
            double want = radius * (c % 2 ? std::sin(angle) : std::cos(angle));
            ASSERT_NEAR(want, out.at(i, r, c), op_tolerance() * (1 + radius)) << r << " " << c;
          }
      out.expect_padding_kept();
    }
}

TEST_P(RandomOps, NormalsHaveTheMomentsOfAStandardNormal) {
  const int rows = 20000, cols = 6;
  Stack out(1, rows, cols);
  uint64_t key = 3, step = 9;
  sac_normal_fill op = {1, rows, cols, 0, &key, SAC_DRAW_ACT, &step, out.view()};
  ops->normal_fill(backend, &op);
  double moment[5] = {0}, n = rows * cols;
  for (sac_real x : out.bytes())
    for (int k = 1; k < 5; k++) moment[k] += std::pow((double)x, k) / n;
  EXPECT_NEAR(0, moment[1], 4 / std::sqrt(n));
  EXPECT_NEAR(1, moment[2], 4 * std::sqrt(2 / n));
  EXPECT_NEAR(0, moment[3], 4 * std::sqrt(15 / n));
  EXPECT_NEAR(3, moment[4], 4 * std::sqrt(96 / n));
}

TEST_P(RandomOps, TickCountsByOne) {
  uint64_t counter = 41;
  ops->tick(backend, &counter);
  EXPECT_EQ(42u, counter);
}

struct Ring {
  int obs_dim, act_dim, width;
  size_t capacity;
  std::vector<sac_real> rows;
};

/// Row k of member i holds i * 1e4 + k at every place, plus a hundredth of the place; the padding
/// is poisoned.
Ring make_ring(int n, int obs_dim, int act_dim, size_t capacity) {
  int used = 2 * obs_dim + act_dim + 2, lanes = 64 / (int)sizeof(sac_real);
  Ring ring = {obs_dim, act_dim, (used + lanes - 1) / lanes * lanes, capacity, {}};
  ring.rows.assign((size_t)n * capacity * (size_t)ring.width, kPoison);
  for (size_t k = 0; k < (size_t)n * capacity; k++)
    for (int j = 0; j < used; j++)
      ring.rows[k * (size_t)ring.width + (size_t)j] =
          (sac_real)(1e4 * (double)(k / capacity) + (double)(k % capacity) + 0.01 * j);
  return ring;
}

TEST_P(RandomOps, GatherLaysOutTheDrawnTransitions) {
  for (int obs_dim : {1, 3, 17})
    for (int rows : {1, 64, 100, 257}) {
      const int n = 2, act_dim = 6, width = obs_dim + act_dim;
      Ring ring = make_ring(n, obs_dim, act_dim, 900);
      uint64_t count[2] = {900, 5}, key[2] = {1, 2}, update = 33;
      Stack now(n, rows, width, 2), both(n, 2 * rows, width, 1), reward(n, rows, 1),
          end(n, rows, 1);
      sac_replay_gather op = {n,
                              rows,
                              {obs_dim, act_dim, ring.width},
                              ring.rows.data(),
                              900,
                              count,
                              key,
                              &update,
                              now.view(),
                              both.view(),
                              reward.view(),
                              end.view()};
      ops->replay_gather(backend, &op);
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++) {
          uint32_t index =
              sac_index_draw(key[i], SAC_DRAW_REPLAY, update, (uint32_t)r, (uint32_t)count[i]);
          ASSERT_LT(index, count[i]);
          const sac_real *row = &ring.rows[((size_t)i * 900 + index) * (size_t)ring.width];
          for (int j = 0; j < width; j++) ASSERT_EQ(row[j], now.at(i, r, j));
          for (int j = 0; j < obs_dim; j++) {
            ASSERT_EQ(row[j], both.at(i, r, j));
            ASSERT_EQ(row[width + 2 + j], both.at(i, rows + r, j));
          }
          for (int j = obs_dim; j < width; j++) {
            ASSERT_TRUE(std::isnan(both.at(i, r, j))) << "the policy's place was written";
            ASSERT_TRUE(std::isnan(both.at(i, rows + r, j)));
          }
          ASSERT_EQ(row[width], reward.at(i, r, 0));
          ASSERT_EQ(row[width + 1], end.at(i, r, 0));
        }
      now.expect_padding_kept();
      both.expect_padding_kept();
    }
}

TEST_P(RandomOps, GatherDrawsEveryStoredRowAlikeAndNoOther) {
  const int rows = 1000, draws = 60;
  const uint64_t stored = 37;
  Ring ring = make_ring(1, 1, 1, 64);
  Stack now(1, rows, 2), both(1, 2 * rows, 2), reward(1, rows, 1), end(1, rows, 1);
  int seen[64] = {0};
  for (uint64_t update = 0; update < draws; update++) {
    uint64_t count = stored, key = 8;
    sac_replay_gather op = {
        1,       rows,       {1, 1, ring.width}, ring.rows.data(), 64,        &count, &key,
        &update, now.view(), both.view(),        reward.view(),    end.view()};
    ops->replay_gather(backend, &op);
    for (int r = 0; r < rows; r++) seen[(int)now.at(0, r, 0)]++;
  }
  double chi2 = 0, want = (double)rows * draws / (double)stored;
  for (size_t k = 0; k < 64; k++) {
    if (k >= stored) {
      ASSERT_EQ(0, seen[k]) << "an unwritten row was drawn";
    } else {
      chi2 += (seen[k] - want) * (seen[k] - want) / want;
    }
  }
  EXPECT_LT(chi2, 68);  // 36 degrees of freedom: exceeded once in a thousand
}

TEST_P(RandomOps, NormaliseScalesAndBoundsEveryMemberByItsOwnStatistics) {
  for (int cols : {1, 3, 17})
    for (int rows : {1, 17, 257}) {
      const int n = 3;
      Stack x(n, rows, cols, 2), y(n, rows, cols, 1);
      std::vector<sac_real> mean, scale;
      for (int k = 0; k < n * cols; k++) {
        mean.push_back((sac_real)(0.5 * k - 1));
        scale.push_back((sac_real)(0.25 + 0.5 * k));
      }
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++)
          for (int c = 0; c < cols; c++)
            x.at(i, r, c) = (sac_real)(3 * std::sin(r + 2 * c + 5 * i));
      x.at(1, 0, 0) = kPoison;
      x.at(2, 0, 0) = std::numeric_limits<sac_real>::infinity();
      Stack given = x;
      sac_normalise op = {n, rows, cols, x.view(), y.view(), mean.data(), scale.data()};
      ops->normalise(backend, &op);
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++)
          for (int c = 0; c < cols; c++) {
            size_t k = (size_t)(i * cols + c);
            double want = ((double)given.at(i, r, c) - (double)mean[k]) * (double)scale[k];
            if (i == 1 && r == 0 && c == 0) {
              ASSERT_TRUE(std::isnan(y.at(i, r, c)));
            } else {
              want = std::min(std::max(want, -10.0), 10.0);
              ASSERT_NEAR(want, (double)y.at(i, r, c), op_tolerance() * 10);
            }
          }
      y.expect_padding_kept();
      op.y = x.view();  // in place
      ops->normalise(backend, &op);
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++)
          for (int c = 0; c < cols; c++)
            ASSERT_TRUE(std::isnan(y.at(i, r, c)) || y.at(i, r, c) == x.at(i, r, c));
      x.expect_padding_kept();
    }
}

SAC_EVERY_PLACE(RandomOps);

}  // namespace
