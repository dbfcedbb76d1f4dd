#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

extern "C" {
#include "base/arena.h"
}

namespace {

class Arena : public testing::Test {
 protected:
  void SetUp() override {
    arena.memory = static_cast<char *>(aligned_alloc(64, 1024));
    arena.size = 1024;
  }
  void TearDown() override { free(arena.memory); }
  sac_arena arena = {};
};

TEST_F(Arena, TakesAreAlignedAndDoNotOverlap) {
  char *end = arena.memory;
  for (size_t bytes : {1, 63, 64, 65, 0, 7}) {
    char *part = static_cast<char *>(sac_arena_take(&arena, bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(part) % 64, 0u);
    EXPECT_GE(part, end);
    end = part + bytes;
  }
  EXPECT_LE(end, arena.memory + arena.size);
}

TEST_F(Arena, MeasuresWhatItThenNeeds) {
  sac_arena measured = {};
  for (size_t bytes : {100, 3, 500}) {
    EXPECT_EQ(sac_arena_take(&measured, bytes), nullptr);
    EXPECT_NE(sac_arena_take(&arena, bytes), nullptr);
  }
  EXPECT_EQ(measured.used, arena.used);
}

TEST_F(Arena, ReleaseGivesBackAllSinceTheMark) {
  void *first = sac_arena_take(&arena, 10);
  size_t mark = sac_arena_mark(&arena);
  void *scratch = sac_arena_take(&arena, 100);
  sac_arena_take(&arena, 100);
  sac_arena_release(&arena, mark);
  EXPECT_EQ(sac_arena_take(&arena, 10), scratch);
  EXPECT_NE(scratch, first);
}

TEST_F(Arena, TheLastByteCanBeTakenAndNotOneMore) {
  EXPECT_NE(sac_arena_take(&arena, 1024), nullptr);
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(sac_arena_take(&arena, 1), "internal error");
}

TEST(Memory, SomeIsAvailableAndLessThanTheWhole) {
  size_t available = sac_memory_available();
  EXPECT_GT(available, size_t{1} << 20);
  EXPECT_LE(available, (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE));
}

}  // namespace
