// Pictures of the tasks in the plane, and what holds for those of all tasks.
#include "env/picture.h"

#include "env/fixture.h"

using sac_test::Environment;
using sac_test::kEnvironments;
using sac_test::open_task;
using sac_test::Picture;
using sac_test::Pixel;

namespace {

void put(const Environment &environment, const std::vector<double> &state) {
  const sac_task *task = environment.raw.task;
  task->def->set_state(task->shared, environment.raw.instance, state.data(), environment.raw.obs);
}

void draw(const Environment &environment, Picture *picture) {
  sac_error err = {};
  ASSERT_EQ(sac_environment_draw(&environment.raw, &picture->raw, &err), SAC_OK) << err.text;
}

bool is_red(const Pixel &pixel) {
  return pixel[0] > 150 && pixel[1] < 120 && pixel[2] < 120;
}
bool is_blue(const Pixel &pixel) {
  return pixel[2] > 150 && pixel[0] < 120;
}

TEST(Picture, ThePendulumsRodPointsWhereItsAngleSays) {
  auto task = open_task({"env.id=Pendulum-v1"});
  Environment environment(task.get());
  Picture picture(200, 200);
  for (double angle : {0.0, M_PI / 2, M_PI, -M_PI / 2, 0.7}) {
    put(environment, {angle, 0});
    draw(environment, &picture);
    // two thirds of the way to the rod's end, and the same way to the other side
    double x = -0.66 * std::sin(angle), y = 0.66 * std::cos(angle), scale = 200 / 2.6;
    auto pixel = [&](double sign) {
      return picture.at(static_cast<int>(100 + sign * scale * x),
                        static_cast<int>(100 - sign * scale * y));
    };
    EXPECT_TRUE(is_red(pixel(1))) << angle;
    EXPECT_EQ(pixel(-1), (Pixel{255, 255, 255})) << angle;
    EXPECT_LT(picture.at(100, 100)[0], 60);
  }
}

// the middle of the blue pixels
int car_column(const Picture &picture) {
  long sum = 0, count = 0;
  for (int y = 0; y < picture.raw.height; y++)
    for (int x = 0; x < picture.raw.width; x++)
      if (is_blue(picture.at(x, y))) {
        sum += x;
        count++;
      }
  return count ? static_cast<int>(sum / count) : -1;
}

TEST(Picture, TheMountainCarStandsAtItsPosition) {
  auto task = open_task({"env.id=MountainCarContinuous-v0"});
  Environment environment(task.get());
  Picture picture(400, 400);
  for (double position : {-1.1, -0.5236, 0.4}) {
    put(environment, {position, 0});
    draw(environment, &picture);
    // within the lean of the car on its slope
    EXPECT_NEAR(car_column(picture), 200 + 200 * (position + 0.3), 16) << position;
  }
}

TEST(Picture, ATaskWithoutOneIsNamed) {
  auto task = open_task({"env.id=LinearQuadratic-v0"});
  Environment environment(task.get());
  Picture picture(10, 10);
  sac_error err = {};
  EXPECT_EQ(sac_environment_draw(&environment.raw, &picture.raw, &err), SAC_BAD_CONFIG);
  EXPECT_STREQ(err.text, "there are no pictures of LinearQuadratic-v0");
}

TEST(Picture, StepsASecondAreTheReferences) {
  const std::pair<const char *, double> rates[] = {
      {"Pendulum-v1", 20},      {"MountainCarContinuous-v0", 30}, {"HalfCheetah-v5", 20},
      {"Hopper-v5", 125},       {"Humanoid-v5", 1000.0 / 15},     {"Reacher-v5", 50},
      {"LinearQuadratic-v0", 0}};
  for (const auto &[id, rate] : rates)
    EXPECT_NEAR(open_task({std::string("env.id=") + id})->spec.frame_rate, rate, 1e-9) << id;
}

}  // namespace
