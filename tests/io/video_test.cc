// Videos through a script that is called ffmpeg.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temporary_folder.h"
#include "text.h"

extern "C" {
#include "io/video.h"
}

using sac_test::contains;
using sac_test::contents;

namespace {

class Video : public testing::Test {
 protected:
  void SetUp() override {
    path_before = std::getenv("PATH");
    std::filesystem::create_directory(place / "bin");
    std::filesystem::create_directory(place / "out");
    setenv("PATH", ((place / "bin") + ":" + path_before).c_str(), 1);
  }
  void TearDown() override { setenv("PATH", path_before.c_str(), 1); }

  void ffmpeg(const std::string &script) {
    std::ofstream(place / "bin/ffmpeg") << "#!/bin/sh\nfor out; do :; done\n" << script << "\n";
    std::filesystem::permissions(place / "bin/ffmpeg", std::filesystem::perms::all);
  }
  sac_status open(const std::string &name) {
    path = place / "out/" + name;
    return sac_video_open(path.c_str(), 7, 5, 12.5, &video, &err);
  }
  /// Hand over pictures until one fails.
  sac_status write(int count) {
    std::vector<uint8_t> rgb(7 * 5 * 3, 65);
    sac_picture picture = {7, 5, rgb.data(), nullptr, nullptr};
    sac_status status = SAC_OK;
    for (int i = 0; i < count && status == SAC_OK; i++)
      status = sac_video_write(video, &picture, &err);
    return status;
  }
  size_t files() const {
    auto all = std::filesystem::directory_iterator(place / "out");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  sac_test::TemporaryFolder place;
  std::string path_before, path;
  sac_video *video = nullptr;
  sac_error err = {};
};

TEST_F(Video, FfmpegIsHandedEveryPictureAndTheirForm) {
  ffmpeg("for a; do printf '%s\\n' \"$a\"; done >\"${0%/*}/arguments\"; cat >\"${out#file:}\"");
  ASSERT_EQ(open("a 'b' $(c).mp4"), SAC_OK) << err.text;
  ASSERT_EQ(write(3), SAC_OK) << err.text;
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_EQ(sac_video_close(video, &err), SAC_OK) << err.text;
  EXPECT_EQ(contents(path), std::string(3 * 7 * 5 * 3, 'A'));
  EXPECT_EQ(files(), 1u);
  std::string arguments = contents(place / "bin/arguments");
  for (const char *pair :
       {"-f\nrawvideo\n", "-pixel_format\nrgb24\n", "-video_size\n7x5\n", "-framerate\n12.5\n",
        "-i\npipe:0\n", "-c:v\nlibx264\n", "-pix_fmt\nyuv420p\n", "pad=ceil(iw/2)*2"})
    EXPECT_TRUE(contains(arguments, pair)) << pair << arguments;
}

TEST_F(Video, WithoutFfmpegTheCureIsTold) {
  setenv("PATH", (place / "nothing").c_str(), 1);
  EXPECT_EQ(open("v.mp4"), SAC_FAILED);
  EXPECT_TRUE(contains(err.text, "apt-get install ffmpeg")) << err.text;
  EXPECT_EQ(files(), 0u);
}

TEST_F(Video, TheLastLineOfAFailureIsTold) {
  ffmpeg("cat >/dev/null; echo one >&2; echo 'Unknown encoder' >&2; exit 3");
  ASSERT_EQ(open("v.mp4"), SAC_OK) << err.text;
  ASSERT_EQ(write(1), SAC_OK) << err.text;
  EXPECT_EQ(sac_video_close(video, &err), SAC_FAILED);
  EXPECT_TRUE(contains(err.text, "v.mp4: ffmpeg ended with exit code 3: Unknown encoder"))
      << err.text;
  EXPECT_EQ(files(), 0u);
}

// its death raises no signal here
TEST_F(Video, FfmpegMayDieMidway) {
  ffmpeg("head -c 100 >/dev/null; echo 'out of luck' >&2; kill -9 $$");
  ASSERT_EQ(open("v.mp4"), SAC_OK) << err.text;
  EXPECT_EQ(write(1000000), SAC_FAILED);
  EXPECT_TRUE(contains(err.text, "was killed by signal 9: out of luck")) << err.text;
  sac_video_abandon(video);
  EXPECT_EQ(files(), 0u);
}

TEST_F(Video, AFullDiskIsToldAsSuch) {
  ffmpeg("echo 'av_interleaved_write_frame(): No space left on device' >&2; echo bye >&2; exit 1");
  ASSERT_EQ(open("v.mp4"), SAC_OK) << err.text;
  EXPECT_EQ(write(1000000), SAC_BAD_DISK);
  EXPECT_TRUE(contains(err.text, "the disk is full")) << err.text;
  sac_video_abandon(video);
}

TEST_F(Video, AbandoningKillsFfmpeg) {
  ffmpeg("exec sleep 60");
  auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(open("v.mp4"), SAC_OK) << err.text;
  sac_video_abandon(video);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(files(), 0u);
}

TEST_F(Video, APlaceThatCannotBeWrittenIsNamed) {
  ffmpeg("cat >/dev/null");
  EXPECT_EQ(open("missing/v.mp4"), SAC_BAD_DISK);
  EXPECT_TRUE(contains(err.text, "missing/v.mp4")) << err.text;
}

}  // namespace
