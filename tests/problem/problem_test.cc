// Keys, overrides and kinds of problems.
#include "problem/loading.h"

namespace {

using namespace sac_test;

class Problem : public Problems {};

const char walk[] = "states: 2\nactions: 1\nhorizon: 2\ntransitions: [1, 0]\n";

TEST_F(Problem, DefaultsAreThoseOfTheReference) {
  ASSERT_EQ(load(walk), SAC_OK) << lines[0];
  EXPECT_TRUE(problem.wants[SAC_INFERENCE_EXACT] && problem.wants[SAC_INFERENCE_VARIATIONAL]);
  EXPECT_EQ(problem.mdp.temperature, 1);
  EXPECT_EQ(problem.mdp.discount, 1);
  EXPECT_EQ(problem.mdp.tolerance, 1e-12);
  EXPECT_EQ(problem.prior, SAC_PRIOR_UNIFORM);
  EXPECT_EQ(problem.mdp.start[0], 1);
}

TEST_F(Problem, OverridesWinAndAreCheckedAlike) {
  ASSERT_EQ(load(walk, {"mode=variational", "temperature=1/4", "horizon=", "discount=0.5",
                        "start={0: 0.5, 1: 0.5}", "title=a walk"}),
            SAC_OK)
      << lines[0];
  EXPECT_FALSE(problem.wants[SAC_INFERENCE_EXACT]);
  EXPECT_EQ(problem.mdp.temperature, 0.25);
  EXPECT_EQ(problem.mdp.horizon, 0);
  EXPECT_EQ(problem.mdp.start[1], 0.5);
  EXPECT_STREQ(problem.title, "a walk");
  EXPECT_EQ(
      mistakes(walk, {"mode=exat", "temperature=-1", "mode=both", "transitions=[[{1: 0.5}], 0]"}),
      (Lines{"override 3 ('mode=both'): mode is given twice",
             "override 1 ('mode=exat'): mode is exat, must be exact, variational or both, "
             "nearest: exact",
             "override 2 ('temperature=-1'): temperature is -1, must be in [1e-100, 1e+100]",
             "override 4 ('transitions=[[{1: 0.5}], 0]'): transitions.0.0 sums to 0.5, must be "
             "1 (within 1e-09)"}));
}

TEST_F(Problem, UnknownKeysGetOurs) {
  EXPECT_EQ(
      mistakes(std::string(walk) + "alpha: 1\ntransitons: 3\ngamma: 0.5\nr: 1\n"),
      (Lines{"p.yaml:5:1: unknown key alpha, must be one that `sac solve` lists, nearest: "
             "temperature",
             "p.yaml:6:1: unknown key transitons, must be one that `sac solve` lists, nearest: "
             "transitions",
             "p.yaml:7:1: unknown key gamma, must be one that `sac solve` lists, nearest: "
             "discount",
             "p.yaml:8:1: unknown key r, must be one that `sac solve` lists, nearest: "
             "rewards"}));
}

TEST_F(Problem, TimeMustBeBounded) {
  EXPECT_EQ(mistakes("states: 1\nactions: 1\ntransitions: [0]\n"),
            (Lines{"p.yaml:1:1: the file leaves open how long it goes on: give a horizon "
                   "(decisions), or a discount below 1"}));
  EXPECT_EQ(mistakes("states: 1\nactions: 1\ntransitions: [0]\nhorizon: 0\ndiscount: 1.5\n"),
            (Lines{"p.yaml:5:11: discount is 1.5, must be in (0, 1]",
                   "p.yaml:4:10: horizon is 0, must be a whole number in [1, 1000000000]"}));
}

TEST_F(Problem, WhatIsMissingIsExplained) {
  EXPECT_EQ(mistakes("horizon: 2\nstates: 3\n").size(), 2u);
  EXPECT_EQ(lines[0].rfind("p.yaml:1:1: the file has no actions: names, or a number", 0), 0u)
      << lines[0];
  EXPECT_EQ(lines[1].rfind("p.yaml:1:1: the file has no transitions: ", 0), 0u) << lines[1];
  EXPECT_EQ(mistakes(""), (Lines{"p.yaml: holds nothing"}));
  EXPECT_EQ(mistakes("[1, 2]"),
            (Lines{"p.yaml:1:1: the file is [1, 2], must be a mapping of keys"}));
  EXPECT_EQ(mistakes("states: [a\n").at(0).rfind("p.yaml:2:1: is not YAML", 0), 0u) << lines[0];
}

TEST_F(Problem, KindsDoNotMix) {
  EXPECT_EQ(mistakes(std::string(walk) + "A: 1\n"),
            (Lines{"p.yaml:5:4: A belongs to a linear-quadratic problem, this is a table"}));
  EXPECT_EQ(mistakes("A: 1\nB: 1\nQ: 1\nR: 1\nhorizon: 1\nrewards: 3\n"),
            (Lines{"p.yaml:6:10: rewards belongs to a table, this is a linear-quadratic problem"}));
}

TEST_F(Problem, AMissingFileIsToldByName) {
  sac_error err = {};
  sac_problem nothing;
  EXPECT_EQ(sac_problem_load("/no/such.yaml", 0, nullptr, &nothing, &err), SAC_BAD_CONFIG);
  EXPECT_NE(std::string(err.text).find("/no/such.yaml"), std::string::npos);
  sac_problem_release(&nothing);
}

class LinearReader : public Problems {};

const char linear[] =
    "A: [[1, 0.5], [0, 1]]\nB: [[0], [1]]\nQ: [[1, 0], [0, 2]]\nR: 0.5\nhorizon: 3\n";

TEST_F(LinearReader, MatricesAreRowsOfNumbers) {
  ASSERT_EQ(load(std::string(linear) + "W: [[0.5, 0], [0, 0]]\nstart: {mean: [1, 2]}\n"
                                       "policy: {K: [[0.25, 1/3]], covariance: 2}\n"),
            SAC_OK)
      << lines[0];
  const sac_linear_problem &it = problem.linear;
  EXPECT_EQ(problem.kind, SAC_PROBLEM_LINEAR);
  EXPECT_EQ(it.a.at[1], 0.5);
  EXPECT_EQ(it.b.cols, 1);
  EXPECT_EQ(it.w.at[0], 0.5);
  EXPECT_EQ(it.start_mean.at[1], 2);
  EXPECT_EQ(it.start_covariance.at[3], 1);
  EXPECT_TRUE(it.has_policy);
  EXPECT_DOUBLE_EQ(it.policy.k.at[1], 1.0 / 3);
  EXPECT_EQ(it.policy.covariance.at[0], 2);
  EXPECT_EQ(it.horizon, 3);
}

TEST_F(LinearReader, ShapesAndSignsAreChecked) {
  EXPECT_EQ(mistakes("A: [[1, 0.5], [0, 1]]\nB: [[0], [1], [2]]\nQ: [[1, 1], [0, 2]]\nR: -0.5\n"
                     "W: [[1, 2], [2, 1]]\nhorizon: 3\nstart: {mean: 1, covarience: 2}\n"
                     "policy: {K: [1, 2], covariance: 0}\n"),
            (Lines{"p.yaml:2:4: B has 3 rows, must have 2 as A",
                   "p.yaml:3:4: Q must be symmetric and positive semi-definite",
                   "p.yaml:4:4: R must be symmetric and positive definite",
                   "p.yaml:5:4: W must be symmetric and positive semi-definite",
                   "p.yaml:7:18: start.covarience is unknown, must be mean or covariance, nearest: "
                   "covariance",
                   "p.yaml:8:14: policy.K[0] is 1, must be a row of 1 to 12 numbers",
                   "p.yaml:8:33: policy.covariance must be symmetric and positive definite"}));
  EXPECT_EQ(mistakes("A: [[1, 2], [3]]\nB: 1\nQ: 1\nR: 1\nhorizon: 1\n"),
            (Lines{"p.yaml:1:13: A[1] has 1 numbers, must have 2 as the row before"}));
  EXPECT_EQ(mistakes("A: [[1, .inf]]\nB: 1\nQ: 1\nR: 1\nhorizon: 1\n").size(), 1u);
}

TEST_F(LinearReader, ExactInferenceNeedsAHorizonWithoutDiscount) {
  ASSERT_EQ(load("A: 1\nB: 1\nQ: 1\nR: 1\ndiscount: 0.9\n"), SAC_OK);
  EXPECT_FALSE(problem.wants[SAC_INFERENCE_EXACT]);
  EXPECT_EQ(mistakes("A: 1\nB: 1\nQ: 1\nR: 1\ndiscount: 0.9\nmode: exact\n")[0].rfind(
                "p.yaml:6:7: mode exact has no closed form with a discount", 0),
            0u);
}

}  // namespace
