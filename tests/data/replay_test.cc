#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "machine.h"

extern "C" {
#include "data/replay.h"
}

namespace {

using sac_test::Machine;

enum { kObs = 3, kAct = 2, kBatch = 128 };

class Replay : public testing::Test {
 protected:
  ~Replay() override { sac_replay_release(&replay); }
  void create(int n_seeds, size_t capacity) {
    sac_error err = {};
    sac_row_layout layout = sac_row_layout_make(kObs, kAct);
    ASSERT_EQ(sac_replay_create(machine.backend, layout, n_seeds, capacity, &replay, &err), SAC_OK)
        << err.text;
  }
  // every part of row `number` of a seed can be told from its value
  std::vector<sac_real> row_of(int seed, uint64_t number) const {
    std::vector<sac_real> row((size_t)replay.layout.width, 0);
    for (size_t i = 0; i < 2 * kObs + kAct + 2; i++)
      row[i] = (sac_real)(number * 16 + i + 1000000.0 * seed);
    return row;
  }
  void push(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
      for (int seed = 0; seed < replay.n_seeds; seed++)
        sac_replay_push(&replay, seed, row_of(seed, replay.pushed).data(), 1);
      sac_replay_advance(&replay, 1);
    }
  }
  // the numbers of the rows that update `update` draws for a seed
  std::vector<uint64_t> draw(uint64_t update, int rows, int seed = 0) {
    int n = replay.n_seeds;
    if (!now_.data) make_batch(n);
    machine.write(update_, {update});
    sac_replay_gather gather = {};
    gather.n = n;
    gather.rows = rows;
    gather.layout = replay.layout;
    gather.ring = replay.ring;
    gather.capacity = replay.capacity;
    gather.count = replay.count_device;
    gather.key = key_;
    gather.update = update_;
    gather.now = now_;
    gather.both = both_;
    gather.reward = reward_;
    gather.terminated = terminated_;
    machine.backend->ops->replay_gather(machine.backend, &gather);
    std::vector<sac_real> first = machine.read(now_.data + (size_t)seed * now_.stride, now_.stride);
    std::vector<uint64_t> numbers;
    for (int r = 0; r < rows; r++)
      numbers.push_back((uint64_t)((double)first[(size_t)(r * now_.ld)] - 1e6 * seed) / 16);
    return numbers;
  }
  sac_stack stack(int n, int rows, int cols) {
    sac_real *data = machine.take((size_t)(n * rows * cols));
    return {data, (size_t)(rows * cols), cols, 1};
  }
  void make_batch(int n) {
    now_ = stack(n, kBatch, kObs + kAct);
    both_ = stack(n, 2 * kBatch, kObs + kAct);
    reward_ = stack(n, kBatch, 1);
    terminated_ = stack(n, kBatch, 1);
    key_ = machine.take<uint64_t>((size_t)n);
    update_ = machine.take<uint64_t>(1);
    std::vector<uint64_t> keys;
    for (int i = 0; i < n; i++) keys.push_back(100 + (uint64_t)i);
    machine.write(key_, keys);
  }

  Machine machine;
  sac_replay replay = {};
  sac_stack now_ = {}, both_ = {}, reward_ = {}, terminated_ = {};
  uint64_t *key_ = nullptr, *update_ = nullptr;
};

TEST_F(Replay, RowsBeginOnCacheLines) {
  for (int obs : {1, 3, 17, 23, 376})
    for (int act : {1, 6, 17}) {
      sac_row_layout layout = sac_row_layout_make(obs, act);
      EXPECT_EQ((size_t)layout.width * sizeof(sac_real) % 64, 0u);
      EXPECT_GE(layout.width, 2 * obs + act + 3);
      EXPECT_LT((size_t)(layout.width - 2 * obs - act - 3) * sizeof(sac_real), 64u);
      EXPECT_EQ(sac_row_begins(&layout), 2 * obs + act + 2);
      EXPECT_EQ(sac_row_values(&layout), 2 * obs + act + 3);
    }
  create(1, 10);
  EXPECT_EQ((uintptr_t)replay.ring % 64, 0u);
}

TEST_F(Replay, TheRingKeepsTheNewestRows) {
  create(2, 7);
  for (uint64_t pushed = 1; pushed <= 23; pushed++) {
    push(1);
    uint64_t count = pushed < 7 ? pushed : 7;
    ASSERT_EQ(sac_replay_count(&replay), count);
    EXPECT_EQ(machine.read(replay.count_device, 2), std::vector<uint64_t>(2, count));
    for (int seed = 0; seed < 2; seed++) {
      std::vector<sac_real> rows((size_t)replay.layout.width * count), expected;
      sac_replay_read(&replay, seed, pushed - count, count, rows.data());
      for (uint64_t number = pushed - count; number < pushed; number++) {
        std::vector<sac_real> row = row_of(seed, number);
        expected.insert(expected.end(), row.begin(), row.end());
      }
      EXPECT_EQ(rows, expected) << pushed;
    }
  }
}

TEST_F(Replay, ManyRowsAtOnceWrapToo) {
  create(1, 7);
  push(5);
  std::vector<sac_real> rows;
  for (uint64_t number = 5; number < 11; number++) {
    std::vector<sac_real> row = row_of(0, number);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  sac_replay_push(&replay, 0, rows.data(), 6);
  EXPECT_EQ(sac_replay_count(&replay), 5u);  // not yet
  sac_replay_advance(&replay, 6);
  std::vector<sac_real> found((size_t)replay.layout.width * 7);
  sac_replay_read(&replay, 0, 4, 7, found.data());
  std::vector<sac_real> first = row_of(0, 4);
  EXPECT_EQ(std::vector<sac_real>(found.begin(), found.begin() + replay.layout.width), first);
  EXPECT_EQ(std::vector<sac_real>(found.begin() + replay.layout.width, found.end()), rows);
}

TEST_F(Replay, SampleNeverReturnsUnwrittenRows) {
  create(1, 50);
  push(1);
  for (uint64_t number : draw(0, kBatch)) EXPECT_EQ(number, 0u);
  push(2);
  for (uint64_t update = 0; update < 20; update++)
    for (uint64_t number : draw(update, kBatch)) EXPECT_LT(number, 3u);
  push(100);  // wrapped twice: rows 53 .. 102 live
  for (uint64_t update = 0; update < 20; update++)
    for (uint64_t number : draw(update, kBatch)) {
      EXPECT_GE(number, 53u);
      EXPECT_LT(number, 103u);
    }
}

TEST_F(Replay, SampleTakesWholeRows) {
  create(2, 50);
  push(33);
  for (int seed = 0; seed < 2; seed++) {
    std::vector<uint64_t> numbers = draw(3, kBatch, seed);
    for (int r = 0; r < kBatch; r++) {
      std::vector<sac_real> row = row_of(seed, numbers[(size_t)r]);
      auto at = [&](sac_stack s, int i, int col) {
        return machine.read(s.data + (size_t)seed * s.stride + (size_t)(i * s.ld + col), 1)[0];
      };
      for (int c = 0; c < kObs + kAct; c++) EXPECT_EQ(at(now_, r, c), row[(size_t)c]);
      for (int c = 0; c < kObs; c++) {
        EXPECT_EQ(at(both_, r, c), row[(size_t)c]);
        EXPECT_EQ(at(both_, kBatch + r, c), row[(size_t)(kObs + kAct + 2 + c)]);
      }
      EXPECT_EQ(at(reward_, r, 0), row[kObs + kAct]);
      EXPECT_EQ(at(terminated_, r, 0), row[kObs + kAct + 1]);
    }
  }
}

// chi-square over the rows, for counts that do not divide the words
TEST_F(Replay, SampleIsUniform) {
  for (uint64_t count : {3, 37, 300}) {
    sac_replay_release(&replay);
    create(1, 1000);
    push(count);
    std::map<uint64_t, int> seen;
    const int updates = 200;
    for (uint64_t update = 0; update < updates; update++)
      for (uint64_t number : draw(update, kBatch)) seen[number]++;
    double expected = (double)updates * kBatch / (double)count, chi_square = 0;
    for (uint64_t number = 0; number < count; number++)
      chi_square += std::pow(seen[number] - expected, 2) / expected;
    double freedom = (double)count - 1;
    EXPECT_NEAR(chi_square, freedom, 5 * std::sqrt(2 * freedom)) << count;
  }
}

TEST_F(Replay, DrawsDependOnSeedUpdateAndRowOnly) {
  create(2, 50);
  push(40);
  std::vector<uint64_t> first = draw(7, kBatch);
  EXPECT_NE(first, draw(8, kBatch));
  EXPECT_NE(first, draw(7, kBatch, 1));
  EXPECT_EQ(first, draw(7, kBatch));
  std::vector<uint64_t> fewer = draw(7, 5);
  EXPECT_EQ(fewer, std::vector<uint64_t>(first.begin(), first.begin() + 5));
}

TEST_F(Replay, PushedMayBeSetBack) {
  create(1, 7);
  push(20);
  sac_replay_set_pushed(&replay, 0);
  EXPECT_EQ(sac_replay_count(&replay), 0u);
  EXPECT_EQ(machine.read(replay.count_device, 1)[0], 0u);
  push(2);
  EXPECT_EQ(machine.read(replay.count_device, 1)[0], 2u);
  sac_replay_set_pushed(&replay, 100);
  EXPECT_EQ(machine.read(replay.count_device, 1)[0], 7u);
}

TEST_F(Replay, MoreThanTheMemoryIsRefusedWithSizes) {
  sac_error err = {};
  sac_row_layout layout = sac_row_layout_make(376, 17);
  ASSERT_EQ(sac_replay_create(machine.backend, layout, 1, 1000000000, &replay, &err), SAC_FAILED);
  std::string text = err.text;
  EXPECT_EQ(text.find("algorithm.buffer_size: 1000000000 rows of "), 0u) << text;
  for (const char *part : {"GB", "available", "at most"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(replay.ring, nullptr);
}

}  // namespace
