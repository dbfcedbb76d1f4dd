#include <gtest/gtest.h>

#include <chrono>
#include <thread>

extern "C" {
#include "base/clock.h"
}

namespace {

TEST(Clock, GoesForwardAtTheRateOfTime) {
  auto begin = std::chrono::steady_clock::now();
  double before = sac_clock_s();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  double passed = sac_clock_s() - before;
  std::chrono::duration<double> at_most = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(passed, 0.02);
  EXPECT_LE(passed, at_most.count());
}

TEST(Clock, ProcessTimeBeganWithTheProcess) {
  double before = sac_clock_process_s(), clock = sac_clock_s();
  // the kernel's account has ticks of 10 ms; no test run lasts an hour
  EXPECT_GE(before, -0.02);
  EXPECT_LT(before, 3600);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_NEAR(sac_clock_process_s() - before, sac_clock_s() - clock, 0.02);
}

}  // namespace
