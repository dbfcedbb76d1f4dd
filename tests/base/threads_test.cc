#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

extern "C" {
#include "base/threads.h"
}

namespace {

class Pool {
 public:
  explicit Pool(int count) { EXPECT_EQ(sac_threads_create(count, &threads, nullptr), SAC_OK); }
  ~Pool() { sac_threads_destroy(threads); }
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;
  sac_threads *threads = nullptr;
};

void rest() {
  std::this_thread::sleep_for(std::chrono::milliseconds(15));
}

// how often each part ran; plain integers, so that a thread sanitiser sees two threads in one part
struct Count {
  std::vector<int> of;
  static void part(void *context, int i) { static_cast<Count *>(context)->of[(size_t)i]++; }
};

class ThreadsOf : public testing::TestWithParam<int> {};

TEST_P(ThreadsOf, EveryPartRunsExactlyOnce) {
  Pool pool(GetParam());
  EXPECT_EQ(sac_threads_count(pool.threads), GetParam());
  for (int parts : {0, 1, 2, 3, 7, 64, 1000}) {
    Count count{std::vector<int>((size_t)parts, 0)};
    sac_threads_run(pool.threads, parts, Count::part, &count);
    EXPECT_EQ(count.of, std::vector<int>((size_t)parts, 1)) << parts;
  }
}

TEST_P(ThreadsOf, ThousandsOfTinyRoundsLoseNothing) {
  Pool pool(GetParam());
  const int rounds = 3000;
  Count count{std::vector<int>(5, 0)};
  for (int i = 0; i < rounds; i++) sac_threads_run(pool.threads, 2 + i % 4, Count::part, &count);
  EXPECT_EQ(count.of[0], rounds);
  EXPECT_EQ(count.of[1], rounds);
  EXPECT_EQ(count.of[4], rounds / 4);
}

TEST_P(ThreadsOf, WorksAfterEveryThreadFellAsleep) {
  Pool pool(GetParam());
  for (int i = 0; i < 3; i++) {
    rest();
    Count count{std::vector<int>(16, 0)};
    sac_threads_run(pool.threads, 16, Count::part, &count);
    EXPECT_EQ(count.of, std::vector<int>(16, 1));
  }
  rest();  // and it is destroyed while they sleep
}

INSTANTIATE_TEST_SUITE_P(Counts, ThreadsOf, testing::Values(1, 2, 3, 4, 8));

struct Meeting {
  std::atomic<int> arrived{0};
  std::atomic<bool> met{false};
  static void part(void *context, int) {
    auto *self = static_cast<Meeting *>(context);
    self->arrived++;
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (self->arrived < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    self->met = self->arrived == 2;
  }
};

TEST(Threads, PartsRunAtTheSameTime) {
  Pool pool(2);
  for (int i = 0; i < 3; i++) {
    Meeting meeting;
    sac_threads_run(pool.threads, 2, Meeting::part, &meeting);
    EXPECT_TRUE(meeting.met);
    rest();
  }
}

// one part on each thread; the worker's takes far longer than the caller spins for
struct Slow {
  Meeting meeting;
  std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> finished{false};
  static void part(void *context, int i) {
    auto *self = static_cast<Slow *>(context);
    Meeting::part(&self->meeting, i);
    if (std::this_thread::get_id() == self->caller) return;
    rest();
    self->finished = true;
  }
};

TEST(Threads, RunReturnsAfterTheSlowestPart) {
  Pool pool(2);
  for (int i = 0; i < 3; i++) {
    Slow slow;
    sac_threads_run(pool.threads, 2, Slow::part, &slow);
    EXPECT_TRUE(slow.finished);
  }
}

// sums of unequal size: any order of the parts must give the same bits
struct Sums {
  std::vector<float> of = std::vector<float>(40, 0);
  static void part(void *context, int i) {
    float &sum = static_cast<Sums *>(context)->of[(size_t)i];
    for (int k = 1; k < 200 * (i % 7 + 1); k++) sum += 1.0f / (float)(k + i);
  }
};

TEST(Threads, ResultsAreTheSameForEveryCount) {
  Sums alone;
  for (int i = 0; i < 40; i++) Sums::part(&alone, i);
  for (int count : {1, 2, 3, 8}) {
    Pool pool(count);
    Sums sums;
    sac_threads_run(pool.threads, 40, Sums::part, &sums);
    EXPECT_EQ(sums.of, alone.of) << count;
  }
}

// items that want a number of turns each; plain integers, so that a thread sanitiser sees two
// threads with one item
struct Turns {
  explicit Turns(const std::vector<int> &wants) : wanted(wants), had(wants.size(), 0) {}
  static bool turn(void *context, int i) {
    auto *self = static_cast<Turns *>(context);
    size_t item = (size_t)i;
    self->had[item]++;
    return self->had[item] < self->wanted[item];
  }
  std::vector<int> wanted, had;
};

TEST_P(ThreadsOf, EveryItemHasTheTurnsThatItWants) {
  Pool pool(GetParam());
  for (const std::vector<int> &wants : std::vector<std::vector<int>>{
           {}, {5}, {1, 1}, {3, 1, 2}, std::vector<int>(64, 20), {9, 400}}) {
    Turns turns(wants);
    sac_threads_turns(pool.threads, (int)wants.size(), Turns::turn, &turns);
    EXPECT_EQ(turns.had, wants);
  }
}

// with one thread, and with items of equal cost, nobody gets ahead by more than a turn
TEST(Threads, WhoHadTheFewestTurnsIsNext) {
  struct Order {
    static bool turn(void *context, int i) {
      auto *self = static_cast<Order *>(context);
      self->items.push_back(i);
      return self->items.size() < 10;
    }
    std::vector<int> items;
  } order;
  Pool pool(1);
  sac_threads_turns(pool.threads, 3, Order::turn, &order);
  EXPECT_EQ(order.items, (std::vector<int>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}));
}

TEST(Threads, ItemsWorkAtTheSameTime) {
  struct Both {
    static bool turn(void *context, int i) {
      Meeting::part(context, i);
      return false;
    }
  };
  Pool pool(2);
  Meeting meeting;
  sac_threads_turns(pool.threads, 2, Both::turn, &meeting);
  EXPECT_TRUE(meeting.met);
}

TEST(Threads, ZeroMeansTheCoresOfThisProcess) {
  Pool pool(0);
  EXPECT_GE(sac_threads_count(pool.threads), 1);
  EXPECT_LE(sac_threads_count(pool.threads), (int)std::thread::hardware_concurrency());
}

TEST(Threads, DestroyAcceptsNull) {
  sac_threads_destroy(nullptr);
}

}  // namespace
