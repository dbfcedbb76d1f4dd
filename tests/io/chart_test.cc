// Charts through a script that is called gnuplot, and through gnuplot itself where it is there.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "temporary_folder.h"
#include "text.h"

extern "C" {
#include "io/chart.h"
}

using sac_test::contains;
using sac_test::contents;

namespace {

class Chart : public testing::Test {
 protected:
  void SetUp() override {
    path_before = std::getenv("PATH");
    std::filesystem::create_directory(place / "bin");
    std::filesystem::create_directory(place / "out");
  }
  void TearDown() override { setenv("PATH", path_before.c_str(), 1); }

  /// Let gnuplot be this script; none where it is empty.
  void gnuplot(const std::string &script) {
    std::string path = (place / "bin") + (script.empty() ? "" : ":" + path_before);
    setenv("PATH", path.c_str(), 1);
    if (script.empty()) return;
    std::ofstream(place / "bin/gnuplot") << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(place / "bin/gnuplot", std::filesystem::perms::all);
  }

  sac_status draw(const std::string &name) {
    path = place / "out/" + name;
    return sac_chart_write(&chart, path.c_str(), &err);
  }

  size_t files() const {
    auto all = std::filesystem::directory_iterator(place / "out");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  const double x[3] = {0, 0.5, 2}, y[3] = {1, NAN, -3}, low[3] = {0, 0, -4}, high[3] = {2, 2, -2};
  const char *ticks[3] = {"a", "it's `id` $HOME", "line\nbreak"};
  const sac_series line = {"mean \"of\" five", SAC_MARK_LINE, 3, x, y, low, high};
  const sac_series bars[2] = {{"one", SAC_MARK_BARS, 3, nullptr, low, nullptr, nullptr},
                              {nullptr, SAC_MARK_BARS, 3, nullptr, high, nullptr, nullptr}};
  const sac_panel panels[2] = {{"curve", "x", "y", nullptr, 0, 1, &line, false, false},
                               {"bars", nullptr, nullptr, ticks, 3, 2, bars, false, false}};
  sac_chart chart = {"a 'title'", 640, 320, 2, 2, panels};

  sac_test::TemporaryFolder place;
  std::string path_before, path;
  sac_error err = {};
};

TEST_F(Chart, TheScriptHoldsEveryNumberAndQuotesEveryText) {
  gnuplot("echo \"$@\" >\"${0%/*}/arguments\"; cat");
  ASSERT_EQ(draw("a '$(x)'.svg"), SAC_OK) << err.text;
  EXPECT_EQ(contents(place / "bin/arguments"), "-d\n");
  EXPECT_EQ(files(), 1u);
  std::string script = contents(path);
  for (const char *part :
       {"set terminal svg", "size 640,320", "layout 1,2 title 'a ''title'''", "0.5 NaN 0 2\n",
        "2 -3 -4 -2\n", "title 'mean \"of\" five'", "filledcurves", "'it''s `id` $HOME' 1",
        "'line break' 2", "($1+-0.2):2:(0.376) with boxes", "($1+0.2):2:(0.376) with boxes",
        "set yrange [-4.36:2.36]"})
    EXPECT_TRUE(contains(script, part)) << part << "\n" << script;
  EXPECT_FALSE(contains(script, path));
  ASSERT_EQ(draw("b.PNG"), SAC_OK) << err.text;
  EXPECT_TRUE(contains(contents(path), "set terminal pngcairo"));
}

TEST_F(Chart, AxesMayBeLogarithmicAndLinesDotted) {
  gnuplot("cat");
  const sac_series dotted = {"dots", SAC_MARK_LINE_POINTS, 3, x, high, nullptr, nullptr};
  const sac_panel both[2] = {{"", "x", "y", nullptr, 0, 1, &dotted, true, false},
                             {"", "x", "y", nullptr, 0, 1, &line, false, true}};
  chart.panels = both;
  ASSERT_EQ(draw("a.svg"), SAC_OK) << err.text;
  std::string script = contents(path), second = script.substr(script.find("plot $d0") + 1);
  EXPECT_TRUE(contains(script, "set logscale x\n")) << script;
  EXPECT_TRUE(contains(script, "with linespoints"));
  EXPECT_TRUE(contains(second, "unset logscale\nset logscale y\n")) << second;
}

TEST_F(Chart, OtherEndingsAreRefused) {
  gnuplot("cat");
  EXPECT_EQ(draw("a.pdf"), SAC_BAD_CONFIG);
  EXPECT_TRUE(contains(err.text, "must end in .svg or .png")) << err.text;
  EXPECT_EQ(files(), 0u);
}

TEST_F(Chart, WithoutGnuplotTheCureIsTold) {
  gnuplot("");
  EXPECT_EQ(draw("a.svg"), SAC_FAILED);
  EXPECT_TRUE(contains(err.text,
                       "a plot needs gnuplot, which is not on PATH: apt-get install "
                       "gnuplot-nox"))
      << err.text;
  EXPECT_EQ(files(), 0u);
}

TEST_F(Chart, AFailureLeavesNothingButItsReason) {
  gnuplot("cat >/dev/null; echo half a picture; echo 'line 7: no such thing' >&2; exit 3");
  EXPECT_EQ(draw("a.svg"), SAC_FAILED);
  EXPECT_TRUE(contains(err.text, "gnuplot ended with exit code 3: line 7: no such thing"))
      << err.text;
  EXPECT_EQ(files(), 0u);
  path = place / "none/a.svg";
  EXPECT_EQ(sac_chart_write(&chart, path.c_str(), &err), SAC_BAD_DISK);
}

TEST_F(Chart, GnuplotDrawsIt) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot here";
  ASSERT_EQ(draw("a.svg"), SAC_OK) << err.text;
  std::string svg = contents(path);
  for (const char *part : {"<svg", "</svg>", "a 'title'", "mean \"of\" five", "it's `id` $HOME"})
    EXPECT_TRUE(contains(svg, part)) << part;
  ASSERT_EQ(draw("a.png"), SAC_OK) << err.text;
  EXPECT_EQ(contents(path).substr(1, 3), "PNG");
}

}  // namespace
