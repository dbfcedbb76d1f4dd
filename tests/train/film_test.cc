#include <gtest/gtest.h>

#include <filesystem>

#include "temporary_folder.h"
#include "train/fixture.h"

extern "C" {
#include "env/environment.h"
#include "train/film.h"
}

namespace {

using sac_test::config_of;
using sac_test::names_in;

class Film : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(sac_task_open(config_of({"env.id=Pendulum-v1"}).get(), true, &task, &err), SAC_OK);
    ASSERT_EQ(sac_environment_create(task, &environment, &err), SAC_OK);
  }
  void TearDown() override {
    sac_environment_destroy(&environment);
    sac_task_close(task);
  }
  /// Film episodes of so many steps; the status of the first call that fails.
  sac_status shoot(const std::string &path, int episodes, int steps) {
    sac_status status = sac_film_open(path.c_str(), task, episodes, &film, &err);
    sac_real push[1] = {0.5};
    for (int i = 0; i < episodes && status == SAC_OK; i++) {
      sac_environment_reset(&environment, 1);
      status = sac_film_take(film, &environment, &err);
      for (int step = 0; step < steps && status == SAC_OK; step++) {
        sac_outcome outcome;
        sac_environment_step(&environment, push, &outcome);
        status = sac_film_take(film, &environment, &err);
      }
    }
    return status;
  }

  sac_test::TemporaryFolder place;
  sac_task *task = nullptr;
  sac_environment environment = {};
  sac_film *film = nullptr;
  sac_error err = {};
};

TEST_F(Film, ThePathSaysWhatKindItIs) {
  for (const char *path : {"a.mp4", "a/b.png", "new/", "/tmp", "strange.mp4.png"})
    EXPECT_EQ(sac_film_check(path, nullptr), SAC_OK) << path;
  for (const char *path : {"a", "a.gif", "mp4", "a.png.txt", ""})
    EXPECT_EQ(sac_film_check(path, nullptr), SAC_BAD_CONFIG) << path;
}

TEST_F(Film, AFolderHoldsEveryStepOfEveryEpisode) {
  std::string folder = place / "made/here/";
  ASSERT_EQ(shoot(folder, 2, 3), SAC_OK) << err.text;
  ASSERT_EQ(sac_film_close(film, &err), SAC_OK) << err.text;
  std::vector<std::string> names = names_in(folder);
  ASSERT_EQ(names.size(), 8u);
  EXPECT_EQ(names[0], "frame-000000.png");
  EXPECT_EQ(names[7], "frame-000007.png");
  // the same start, then another state
  EXPECT_EQ(sac_test::contents(folder + names[0]), sac_test::contents(folder + names[4]));
  EXPECT_NE(sac_test::contents(folder + names[0]), sac_test::contents(folder + names[1]));
}

TEST_F(Film, ASheetAppearsWhenItIsComplete) {
  std::string path = place / "sheet.png";
  ASSERT_EQ(shoot(path, 1, 30), SAC_OK) << err.text;
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_EQ(sac_film_close(film, &err), SAC_OK) << err.text;
  EXPECT_EQ(names_in(place.path), std::vector<std::string>{"sheet.png"});
}

TEST_F(Film, OneThatIsAbandonedLeavesNoSheet) {
  ASSERT_EQ(shoot(place / "sheet.png", 1, 3), SAC_OK) << err.text;
  sac_film_abandon(film);
  EXPECT_TRUE(names_in(place.path).empty());
}

TEST_F(Film, AFullDiskIsNamed) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  char temporary[64];
  std::snprintf(temporary, sizeof temporary, "sheet.png.%ld.tmp", static_cast<long>(getpid()));
  std::filesystem::create_symlink("/dev/full", place / temporary);
  ASSERT_EQ(shoot(place / "sheet.png", 1, 3), SAC_OK) << err.text;
  EXPECT_EQ(sac_film_close(film, &err), SAC_BAD_DISK);
  EXPECT_TRUE(names_in(place.path).empty());
}

}  // namespace
