// Pictures by the engine's renderer; skipped where no OpenGL context can be had.
#include "env/picture.h"

#include "env/fixture.h"

extern "C" {
#include "env/gl.h"
}

using sac_test::Environment;
using sac_test::kEnvironments;
using sac_test::open_task;
using sac_test::Picture;

extern "C" {
// of LeakSanitizer, where it is there
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
// of ThreadSanitizer
__attribute__((weak)) void __tsan_init();
}

namespace {

class MujocoPicture : public testing::Test {
 protected:
  void SetUp() override {
    if (__tsan_init) GTEST_SKIP() << "the driver's own threads are unknown to ThreadSanitizer";
    static const std::string trouble = try_out();
    if (!trouble.empty()) GTEST_SKIP() << trouble;
  }
  // Once, with the first picture, the loader makes thread-local blocks for the driver.
  // LeakSanitizer knows them by their caller, which is lost in the malloc of this program
  // (allocation_test.cc).
  static std::string try_out() {
    sac_gl *gl = nullptr;
    sac_error err = {};
    if (__lsan_disable) __lsan_disable();
    if (sac_gl_open(&gl, &err) == SAC_OK) {
      EXPECT_GT(std::strlen(sac_gl_describe(gl)), 5u);
      auto task = open_task({"env.id=Reacher-v5"});
      Environment environment(task.get());
      Picture picture(16, 16);
      sac_environment_reset(&environment.raw, 1);
      draw(environment, &picture);
    }
    sac_gl_close(gl);
    if (__lsan_enable) __lsan_enable();
    return err.text;
  }
  static void draw(const Environment &environment, Picture *picture) {
    sac_error err = {};
    ASSERT_EQ(sac_environment_draw(&environment.raw, &picture->raw, &err), SAC_OK) << err.text;
  }
};

bool is_mujoco(const std::string &id) {
  return id.find("-v5") != std::string::npos;
}

TEST_F(MujocoPicture, EveryTaskShowsItsRobotMove) {
  for (const std::string &id : kEnvironments) {
    if (!is_mujoco(id)) continue;
    auto task = open_task({"env.id=" + id});
    Environment environment(task.get());
    sac_environment_reset(&environment.raw, 1);
    Picture picture(96, 96);
    draw(environment, &picture);
    EXPECT_GT(picture.drawn(), 96 * 96 / 50) << id;
    std::vector<uint8_t> first = picture.bytes;
    draw(environment, &picture);
    EXPECT_EQ(picture.bytes, first) << id;
    for (int i = 0; i < 5; i++) environment.step(i);
    draw(environment, &picture);
    EXPECT_NE(picture.bytes, first) << id;
  }
}

// also beyond the frame buffer that a model's file asks for (640 x 480), and no square
TEST_F(MujocoPicture, AnySizeIsFilled) {
  auto task = open_task({"env.id=HalfCheetah-v5"});
  Environment environment(task.get());
  sac_environment_reset(&environment.raw, 1);
  for (auto [width, height] : {std::pair{33, 17}, std::pair{900, 700}}) {
    Picture picture(width, height);
    draw(environment, &picture);
    // the floor is chequered to the very corners, the sky is not what the picture held before
    EXPECT_NE(picture.at(0, height - 1), picture.at(0, 0));
    EXPECT_NE(picture.at(width - 1, 0), (sac_test::Pixel{7, 7, 7}));
    EXPECT_NE(picture.at(width - 1, height - 1), (sac_test::Pixel{7, 7, 7}));
  }
}

TEST_F(MujocoPicture, DrawingChangesNothing) {
  auto task = open_task({"env.id=Ant-v5"});
  Environment watched(task.get()), alone(task.get());
  Picture picture(64, 64);
  sac_environment_reset(&watched.raw, 4);
  sac_environment_reset(&alone.raw, 4);
  for (int i = 0; i < 20; i++) {
    draw(watched, &picture);
    watched.step(i);
    alone.step(i);
  }
  EXPECT_EQ(watched.save(), alone.save());
  EXPECT_EQ(watched.obs(), alone.obs());
}

// what is drawn is a function of the state, also of one that was just loaded
TEST_F(MujocoPicture, ALoadedStateLooksTheSame) {
  auto task = open_task({"env.id=Hopper-v5"});
  Environment environment(task.get()), copy(task.get());
  Picture picture(64, 64);
  sac_environment_reset(&environment.raw, 4);
  for (int i = 0; i < 3; i++) environment.step(i);
  draw(environment, &picture);
  std::vector<uint8_t> first = picture.bytes;
  sac_environment_load(&copy.raw, environment.save().data());
  draw(copy, &picture);
  EXPECT_EQ(picture.bytes, first);
}

}  // namespace
