// Draws: the streams of base/philox.h whatever the shape, thread count or instruction set; the
// batch that the replay lays out.
#include "ops/fixture.h"

#include <algorithm>
#include <set>

extern "C" {
#include "backend/formulas/random.h"
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
      sac_replay_gather op = {};
      op.n = n, op.rows = rows, op.layout = {obs_dim, act_dim, ring.width, 0};
      op.ring = ring.rows.data(), op.capacity = 900;
      op.count = count, op.key = key, op.update = &update;
      op.now = now.view(), op.both = both.view(), op.reward = reward.view(),
      op.terminated = end.view();
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
    sac_replay_gather op = {};
    op.n = 1, op.rows = rows, op.layout = {1, 1, ring.width, 0};
    op.ring = ring.rows.data(), op.capacity = 64;
    op.count = &count, op.key = &key, op.update = &update;
    op.now = now.view(), op.both = both.view(), op.reward = reward.view(),
    op.terminated = end.view();
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

// a history of `n_envs` environments with episodes of random lengths, and what its windows are
struct History {
  History(size_t capacity_, int n_envs_, uint64_t pushed_, unsigned seed)
      : capacity(capacity_), n_envs(n_envs_), pushed(pushed_) {
    std::mt19937 words(seed);
    std::vector<bool> begins((size_t)n_envs, true);
    ring.assign(capacity * kWidth, kPoison);
    for (uint64_t k = 0; k < pushed; k++) {
      size_t env = (size_t)(k % (uint64_t)n_envs);
      bool terminated = words() % 6 == 0, truncated = words() % 6 == 0;
      sac_real *row = &ring[(size_t)(k % capacity) * kWidth];
      for (int j = 0; j < kObs; j++) row[j] = (sac_real)((double)k + 0.1 * j);
      row[kObs] = (sac_real)0.5;
      row[kObs + 1] = (sac_real)(std::sin((double)k) * 3);
      row[kObs + 2] = terminated;
      for (int j = 0; j < kObs; j++) row[kObs + 3 + j] = (sac_real)((double)k + 0.5 + 0.1 * j);
      row[2 * kObs + 3] = begins[env];
      begins[env] = terminated || truncated;
    }
  }
  const sac_real *row(uint64_t k) const { return &ring[(size_t)(k % capacity) * kWidth]; }

  enum { kObs = 2, kWidth = 16 };
  size_t capacity;
  int n_envs;
  uint64_t pushed;
  std::vector<sac_real> ring;
};

TEST_P(RandomOps, WindowsSumUpToNStepsWithinAnEpisode) {
  struct Case {
    size_t capacity;
    int n_envs, n_steps;
    uint64_t pushed;
  };
  const Case cases[] = {{40, 1, 3, 25},  {40, 1, 5, 40},  {40, 1, 5, 41},   {37, 3, 4, 30},
                        {37, 3, 4, 37},  {37, 3, 4, 120}, {64, 5, 1, 200},  {64, 8, 1000, 640},
                        {50, 50, 3, 50}, {50, 25, 2, 75}, {100, 7, 3, 1001}};
  const sac_real gamma = (sac_real)0.9;
  for (const Case &c : cases)
    for (bool scales : {false, true}) {
      const int rows = 300, n = 2;
      int longest = 0;
      History first(c.capacity, c.n_envs, c.pushed, 4), second(c.capacity, c.n_envs, c.pushed, 5);
      std::vector<sac_real> ring = first.ring, factor = {(sac_real)1.5, 7};
      ring.insert(ring.end(), second.ring.begin(), second.ring.end());
      uint64_t live = std::min<uint64_t>(c.pushed, c.capacity);
      uint64_t count[n] = {live, live}, pushed[n] = {c.pushed, c.pushed}, key[n] = {1, 2},
               update = 9;
      Stack now(n, rows, 3), both(n, 2 * rows, 3), reward(n, rows, 1, 1), end(n, rows, 1),
          discount(n, rows, 1, 2);
      sac_replay_gather op = {};
      op.n = n, op.rows = rows, op.layout = {History::kObs, 1, History::kWidth, 0};
      op.ring = ring.data(), op.capacity = c.capacity;
      op.count = count, op.key = key, op.update = &update, op.pushed = pushed;
      op.now = now.view(), op.both = both.view(), op.reward = reward.view();
      op.terminated = end.view(), op.discount = discount.view();
      op.n_steps = c.n_steps, op.n_envs = c.n_envs, op.gamma = gamma;
      op.reward_factor = scales ? factor.data() : nullptr;
      ops->replay_gather(backend, &op);
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++) {
          const History &history = i == 0 ? first : second;
          uint64_t k = (uint64_t)std::llround((double)now.at(i, r, 0));
          ASSERT_EQ(history.row(k)[0], now.at(i, r, 0));
          // by the story as it happened, not by the ring
          double sum = 0, power = 1;
          int length = 0;
          for (;; k += (uint64_t)c.n_envs) {
            double one = (double)history.row(k)[History::kObs + 1];
            if (scales) one = std::min(std::max(one * (double)factor[(size_t)i], -10.0), 10.0);
            sum += power * one, power *= (double)gamma, length++;
            uint64_t next = k + (uint64_t)c.n_envs;
            if (length == c.n_steps || next >= c.pushed) break;
            if (history.row(next)[2 * History::kObs + 3] == 1) break;
          }
          if (c.n_steps == 1) {
            ASSERT_EQ(history.row(k)[History::kObs + 1], reward.at(i, r, 0));
            continue;
          }
          longest = std::max(longest, length);
          ASSERT_NEAR(sum, reward.at(i, r, 0), op_tolerance() * 60) << r;
          ASSERT_NEAR(power, discount.at(i, r, 0), op_tolerance() * 5);
          ASSERT_EQ(history.row(k)[History::kObs + 2], end.at(i, r, 0));
          for (int j = 0; j < History::kObs; j++)
            ASSERT_EQ(history.row(k)[History::kObs + 3 + j], both.at(i, rows + r, j));
        }
      if (c.n_steps > 1 && (uint64_t)c.n_envs < live) {
        EXPECT_GT(longest, 1) << "the case says nothing";
      }
      reward.expect_padding_kept();
      discount.expect_padding_kept();
    }
}

TEST_P(RandomOps, GatherTakesPlacesThatWereDrawnBefore) {
  const int rows = 70;
  Ring ring = make_ring(2, 3, 2, 50);
  std::vector<uint32_t> index(2 * rows);
  for (size_t k = 0; k < index.size(); k++) index[k] = (uint32_t)(k * 7 % 50);
  uint64_t count[2] = {50, 50}, key[2] = {1, 2}, update = 3;
  Stack now(2, rows, 5), both(2, 2 * rows, 5), reward(2, rows, 1), end(2, rows, 1);
  sac_replay_gather op = {};
  op.n = 2, op.rows = rows, op.layout = {3, 2, ring.width, 0};
  op.ring = ring.rows.data(), op.capacity = 50;
  op.count = count, op.key = key, op.update = &update, op.index = index.data();
  op.now = now.view(), op.both = both.view(), op.reward = reward.view(), op.terminated = end.view();
  ops->replay_gather(backend, &op);
  for (size_t i = 0; i < 2; i++)
    for (int r = 0; r < rows; r++) {
      size_t place = i * 50 + index[i * (size_t)rows + (size_t)r];
      ASSERT_EQ(ring.rows[place * (size_t)ring.width], now.at((int)i, r, 0));
    }
}

// rows of the shuffles from `first` on, told by the only column
std::vector<int> shuffled(const sac_ops *ops, sac_backend *backend, int total, uint64_t first,
                          int rows, uint64_t key, uint64_t update) {
  Stack x(1, total, 1), y(1, rows, 1);
  for (int r = 0; r < total; r++) x.at(0, r, 0) = (sac_real)r;
  sac_shuffle_gather op = {1, rows, total, 1, first, &key, &update, x.view(), y.view()};
  ops->shuffle_gather(backend, &op);
  std::vector<int> order;
  for (int r = 0; r < rows; r++) order.push_back((int)y.at(0, r, 0));
  return order;
}

TEST_P(RandomOps, EveryPassOfAShuffleHasEachRowOnce) {
  for (int total : {1, 2, 3, 4, 5, 16, 17, 100, 512, 2048}) {
    std::vector<int> order = shuffled(ops, backend, total, 0, 3 * total, 9, 4);
    for (int pass = 0; pass < 3; pass++) {
      std::set<int> seen(order.begin() + pass * total, order.begin() + (pass + 1) * total);
      ASSERT_EQ((int)seen.size(), total);
    }
    if (total < 16) continue;
    std::vector<int> first(order.begin(), order.begin() + total);
    std::vector<int> second(order.begin() + total, order.begin() + 2 * total);
    EXPECT_NE(first, second);
    EXPECT_NE(first, shuffled(ops, backend, total, 0, total, 9, 5)) << "another update";
    EXPECT_NE(first, shuffled(ops, backend, total, 0, total, 8, 4)) << "another key";
  }
}

TEST_P(RandomOps, AMinibatchIsItsPartOfTheShuffles) {
  std::vector<int> whole = shuffled(ops, backend, 70, 0, 210, 3, 1);
  for (uint64_t first : {0u, 32u, 64u, 96u, 128u}) {
    std::vector<int> part = shuffled(ops, backend, 70, first, 32, 3, 1);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + (long)first)) << first;
  }
}

// where a row goes, and which row follows it, over many passes
TEST_P(RandomOps, ShufflesAreUniform) {
  for (int total : {5, 24}) {
    if (!takes(total == 24 ? 1e6 : 1)) continue;
    const int passes = 3000;
    std::vector<int> order = shuffled(ops, backend, total, 0, passes * total, 12, 7);
    std::vector<double> at((size_t)(total * total)), after((size_t)(total * total));
    for (int k = 0; k < passes * total; k++) {
      at[(size_t)(order[(size_t)k] * total + k % total)]++;
      if (k % total) after[(size_t)(order[(size_t)k - 1] * total + order[(size_t)k])]++;
    }
    double chi2_at = 0, chi2_after = 0, want_at = passes, want_after = passes;
    want_at /= total, want_after /= total;
    for (int a = 0; a < total; a++)
      for (int b = 0; b < total; b++) {
        size_t k = (size_t)(a * total + b);
        chi2_at += (at[k] - want_at) * (at[k] - want_at) / want_at;
        if (a != b) chi2_after += (after[k] - want_after) * (after[k] - want_after) / want_after;
      }
    // (total - 1)^2 degrees of freedom, and about total (total - 1): five deviations above
    double free_at = (total - 1) * (total - 1), free_after = total * (total - 1);
    EXPECT_LT(chi2_at, free_at + 5 * std::sqrt(2 * free_at)) << total;
    EXPECT_LT(chi2_after, free_after + 5 * std::sqrt(2 * free_after)) << total;
  }
}

TEST_P(RandomOps, AShuffleMovesWholeRowsOfEveryMember) {
  const int n = 2, total = 50, rows = 33, cols = 21;
  Stack x(n, total, cols, 3), y(n, rows, cols, 2);
  x.fill(1);
  uint64_t key[2] = {4, 5}, update = 2;
  for (int i = 0; i < n; i++)
    for (int r = 0; r < total; r++) x.at(i, r, 0) = (sac_real)r;
  sac_shuffle_gather op = {n, rows, total, cols, 40, key, &update, x.view(), y.view()};
  ops->shuffle_gather(backend, &op);
  for (int i = 0; i < n; i++) {
    std::vector<int> order = shuffled(ops, backend, total, 40, rows, key[i], update);
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < cols; c++) ASSERT_EQ(x.at(i, order[(size_t)r], c), y.at(i, r, c));
  }
  y.expect_padding_kept();
}

SAC_EVERY_PLACE(RandomOps);

}  // namespace
