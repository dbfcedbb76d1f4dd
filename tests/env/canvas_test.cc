#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "env/picture.h"

extern "C" {
#include "env/canvas.h"
}

using sac_test::Picture;
using sac_test::Pixel;

namespace {

constexpr sac_color kWhite = {255, 255, 255}, kInk = {200, 100, 0};
constexpr Pixel kWhitePixel = {255, 255, 255}, kInkPixel = {200, 100, 0};

// a window of 10 x 10 units, ten pixels each, its middle at (1, 2)
class Canvas : public testing::Test {
 protected:
  Canvas() { sac_canvas_clear(&canvas, kWhite); }
  /// The pixel at a point of the plane.
  Pixel at(double x, double y) const {
    return picture.at(static_cast<int>(10 * (x + 4)), static_cast<int>(10 * (7 - y)));
  }
  /// Covered area in square units, from how much of the green each pixel lost.
  double area() const {
    double sum = 0;
    for (size_t i = 1; i < picture.bytes.size(); i += 3) sum += (255 - picture.bytes[i]) / 155.0;
    return sum / 100;
  }
  Picture picture{100, 100};
  sac_canvas canvas = {&picture.raw, {1, 2}, 10};
};

TEST_F(Canvas, ClearSetsEveryPixel) {
  sac_canvas_clear(&canvas, kInk);
  EXPECT_EQ(picture.drawn(), 0);
  EXPECT_EQ(picture.at(99, 99), kInkPixel);
}

TEST_F(Canvas, ADiscLiesWhereItIsPut) {
  sac_canvas_disc(&canvas, {3, 4}, 2, kInk);
  EXPECT_EQ(at(3, 4), kInkPixel);
  EXPECT_EQ(at(3, 5.8), kInkPixel);
  EXPECT_EQ(at(3, 6.2), kWhitePixel);
  EXPECT_EQ(at(0.8, 4), kWhitePixel);
  EXPECT_NEAR(area(), M_PI * 4, 0.01 * M_PI * 4);
}

TEST_F(Canvas, ALineHasItsWidthAndRoundEnds) {
  sac_canvas_line(&canvas, {-1, 0}, {2, 4}, 1, kInk);
  EXPECT_EQ(at(0.5, 2), kInkPixel);
  EXPECT_EQ(at(0.5, 3.2), kWhitePixel);
  EXPECT_NEAR(area(), 5 + M_PI / 4, 0.06);
}

TEST_F(Canvas, APathJoinsItsPoints) {
  const sac_point corner[] = {{-2, 0}, {2, 0}, {2, 4}};
  sac_canvas_path(&canvas, corner, 3, 0.5, kInk);
  EXPECT_EQ(at(-1, 0), kInkPixel);
  EXPECT_EQ(at(2, 3), kInkPixel);
  EXPECT_EQ(at(0, 2), kWhitePixel);
}

TEST_F(Canvas, EdgesAreSmooth) {
  sac_canvas_disc(&canvas, {1, 2}, 2.03, kInk);
  int between = 0;
  for (int x = 0; x < 100; x++) between += picture.at(x, 40)[1] > 100 && picture.at(x, 40)[1] < 255;
  EXPECT_GE(between, 1);
  EXPECT_LE(between, 4);
}

TEST_F(Canvas, WhatLiesOutsideIsLeftOut) {
  const double huge = 1e300, nan = std::numeric_limits<double>::quiet_NaN();
  sac_canvas_disc(&canvas, {100, 100}, 3, kInk);
  sac_canvas_disc(&canvas, {huge, -huge}, 3, kInk);
  sac_canvas_disc(&canvas, {nan, 0}, 3, kInk);
  EXPECT_EQ(picture.drawn(), 0);
  sac_canvas_disc(&canvas, {-4, 7}, 1, kInk);
  EXPECT_NEAR(area(), M_PI / 4, 0.02);
}

}  // namespace
