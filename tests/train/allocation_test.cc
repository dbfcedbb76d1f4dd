// Counts every allocation of the test's thread and of those that it starts: training steps make
// none. Threads that were there before are a graphics library's. The definitions below take the
// place of the C library's in this program and hand on to it, or to a sanitiser's where it is
// there.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include "train/fixture.h"

namespace {
std::atomic<long> allocations{0};
std::atomic<int> test_number{0};
thread_local int seen_in = -1;  // the test in which a thread allocated first

void count_allocation() {
  if (seen_in < 0) seen_in = test_number;
  if (seen_in == test_number) allocations++;
}
}  // namespace

#define SAC_TEST_WEAK __attribute__((weak))

extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
SAC_TEST_WEAK void *__interceptor_malloc(size_t size);
SAC_TEST_WEAK void *__interceptor_calloc(size_t count, size_t size);
SAC_TEST_WEAK void *__interceptor_realloc(void *memory, size_t size);
SAC_TEST_WEAK void *__interceptor_memalign(size_t alignment, size_t size);

void *malloc(size_t size) noexcept {
  count_allocation();
  return (__interceptor_malloc ? __interceptor_malloc : __libc_malloc)(size);
}
void *calloc(size_t count, size_t size) noexcept {
  count_allocation();
  return (__interceptor_calloc ? __interceptor_calloc : __libc_calloc)(count, size);
}
void *realloc(void *memory, size_t size) noexcept {
  count_allocation();
  return (__interceptor_realloc ? __interceptor_realloc : __libc_realloc)(memory, size);
}
void *memalign(size_t alignment, size_t size) noexcept {
  count_allocation();
  return (__interceptor_memalign ? __interceptor_memalign : __libc_memalign)(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) noexcept {
  return memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) noexcept {
  *memory = memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
}

namespace {

using sac_test::HandRun;
using sac_test::small_run;

bool counting_works() {
  long before = allocations;
  void *volatile memory = std::malloc(100);
  std::free(memory);
  void *volatile aligned = aligned_alloc(64, 128);
  std::free(aligned);
  return allocations == before + 2;
}

/// Until all threads of a pool are at work: a sanitiser allocates in a thread that starts.
void await_all(sac_threads *threads) {
  struct Gathering {
    std::atomic<int> here;
    int wanted;
  } gathering = {{0}, sac_threads_count(threads)};
  auto part = [](void *context, int) {
    auto *self = static_cast<Gathering *>(context);
    for (++self->here; self->here < self->wanted;) std::this_thread::yield();
  };
  sac_threads_run(threads, gathering.wanted, part, &gathering);
}

class Allocation : public testing::TestWithParam<const char *> {
 protected:
  void SetUp() override {
    seen_in = ++test_number;
    if (!counting_works()) GTEST_SKIP() << "another allocator, such as valgrind's, is in its place";
  }
};

TEST_P(Allocation, ATrainingStepMakesNone) {
  const std::vector<std::string> algorithms[] = {
      {"algorithm.name=sac"},
      {"algorithm.name=sac_v1"},
      {"algorithm.name=maxent_pg",
       "algorithm.pg={rollout_steps: 10, minibatch: 8, value_steps: 2}"},
      {"algorithm.name=sql"},
      {"algorithm.name=sac", "critic.layer_norm=true", "critic.dropout=0.1",
       "policy.layer_norm=true", "algorithm.n_steps=3", "algorithm.priority.enabled=true",
       "algorithm.n_critics=3"}};
  for (const auto &algorithm : algorithms) {
    std::vector<std::string> all = {GetParam(), "run.threads=2", "env.max_episode_steps=50"};
    all.insert(all.end(), algorithm.begin(), algorithm.end());
    HandRun self(small_run(all));
    self.go(60);  // past the warm-up and the end of an episode
    await_all(self.team.threads);
    long before = allocations;
    for (int i = 0; i < 1000; i++) {
      if (self.step() != SAC_OK) break;
      if (self.learn() != SAC_OK) break;
    }
    EXPECT_EQ(allocations - before, 0) << algorithm[0];
    EXPECT_EQ(self.run->progress.timesteps, 1060u) << self.run->failure.text;
    EXPECT_EQ(self.run->progress.updates, self.learner->on_policy ? 106u : 1020u);
  }
}

TEST_P(Allocation, ExploringMakesNone) {
  HandRun self(
      small_run({GetParam(), "env.max_episode_steps=11", "env.n_envs=2",
                 "algorithm.gradient_steps=1", "algorithm.exploration.deterministic=0.3",
                 "algorithm.exploration.gaussian=0.3", "algorithm.exploration.parameter=0.3"}));
  self.go(60);
  long before = allocations;
  for (int i = 0; i < 300; i++)
    if (self.step() != SAC_OK) break;
  EXPECT_EQ(allocations - before, 0);
  EXPECT_EQ(self.run->progress.timesteps, 720u) << self.run->failure.text;
}

// seeds that are each a thread's work, and more threads than seeds
TEST_P(Allocation, NorDoManySeeds) {
  for (const char *threads : {"run.threads=2", "run.threads=4"}) {
    auto cfg = sac_test::config_of(
        small_run({GetParam(), threads, "env.max_episode_steps=50", "run.seeds=[1,2,3]"}));
    uint64_t seeds[SAC_CONFIG_LIST_MAX];
    sac_team team = {};
    sac_error err = {};
    ASSERT_EQ(sac_team_open(&team, cfg.get(), sac_team_seeds(cfg.get(), seeds), seeds, &err),
              SAC_OK)
        << err.text;
    auto go = [&](uint64_t timesteps) {
      while (sac_team_lead(&team) && !sac_team_is_at(&team, timesteps))
        sac_team_go(&team, timesteps);
    };
    go(60);
    await_all(team.threads);
    long before = allocations;
    go(560);
    EXPECT_EQ(allocations - before, 0) << threads;
    for (int i = 0; i < 3; i++) EXPECT_EQ(team.runs[i].progress.updates, 520u);
    sac_team_close(&team);
  }
}

TEST(AllocationOfKinds, NorDoesOneOfAnyKindOfPolicyOverALowerLayer) {
  sac_test::Training lower;
  ASSERT_EQ(lower.train(small_run({"policy.type=realnvp", "policy.flow={preprocess: [7]}",
                                   "algorithm.total_timesteps=60", "eval.every=0"})),
            SAC_OK)
      << lower.err.text;
  for (const char *type : {"policy.type=gaussian", "policy.type=gmm", "policy.type=realnvp"}) {
    HandRun self(small_run({type, "policy.flow={preprocess: [7]}",
                            "hierarchy.lower=" + lower.folder(), "run.threads=2"}));
    self.go(60);
    await_all(self.team.threads);
    long before = allocations;
    self.go(300);
    EXPECT_EQ(allocations - before, 0) << type;
  }
}

INSTANTIATE_TEST_SUITE_P(Environments, Allocation,
                         testing::Values("env.id=Pendulum-v1", "env.id=LinearQuadratic-v0",
                                         "env.id=HalfCheetah-v5", "env.id=Hopper-v5"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name = info.param;
                           name = name.substr(7);
                           return name.substr(0, name.find('-'));
                         });

}  // namespace
