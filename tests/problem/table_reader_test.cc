// Tables as mappings, lists and CSV files, and what is wrong with them.
#include "problem/loading.h"

namespace {

using namespace sac_test;

class TableReader : public Problems {
 protected:
  double probability(int t, int s, int a, int next) const {
    const sac_mdp_stage *stage = sac_mdp_at(&problem.mdp, t);
    int c = sac_mdp_choice_find(stage, s, a);
    for (int z = c < 0 ? 0 : stage->first_outcome[c]; c >= 0 && z < stage->first_outcome[c + 1];
         z++)
      if (stage->next[z] == next) return stage->probability[z];
    return 0;
  }
  double reward(int t, int s, int a) const {
    const sac_mdp_stage *stage = sac_mdp_at(&problem.mdp, t);
    return stage->reward[sac_mdp_choice_find(stage, s, a)];
  }
  double prior(int t, int s, int a) const {
    const sac_mdp_stage *stage = sac_mdp_at(&problem.mdp, t);
    return stage->prior[sac_mdp_choice_find(stage, s, a)];
  }
};

const char head[] = "states: [here, there, end]\nactions: [stay, go]\nhorizon: 3\nabsorbing: end\n";

TEST_F(TableReader, MappingsSayWhatLeadsWhere) {
  ASSERT_EQ(load(std::string(head) + "transitions:\n"
                                     "  here: {stay: here, go: {there: 2/3, end: 1/3}}\n"
                                     "  there: {go: end}\n"
                                     "rewards: {here: -1, there: {go: 2.5}}\n"
                                     "prior: {here: {stay: 0.25, go: 0.75}}\n"
                                     "start: {here: 0.5, there: 0.5}\n"),
            SAC_OK)
      << lines[0];
  EXPECT_EQ(problem.kind, SAC_PROBLEM_TABLE);
  EXPECT_EQ(problem.prior, SAC_PRIOR_GIVEN);
  EXPECT_EQ(problem.mdp.horizon, 3);
  EXPECT_EQ(probability(0, 0, 0, 0), 1);
  EXPECT_DOUBLE_EQ(probability(0, 0, 1, 1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(probability(0, 0, 1, 2), 1.0 / 3);
  EXPECT_EQ(problem.mdp.stages[0]->n_choices, 3);
  EXPECT_EQ(reward(0, 0, 1), -1);
  EXPECT_EQ(reward(0, 1, 1), 2.5);
  EXPECT_EQ(prior(0, 0, 1), 0.75);
  EXPECT_EQ(prior(0, 1, 1), 1);
  EXPECT_EQ(problem.mdp.start[1], 0.5);
}

TEST_F(TableReader, ListsFollowTheOrderOfTheNames) {
  ASSERT_EQ(load("states: 2\nactions: 2\ndiscount: 0.9\n"
                 "transitions: [[[0.5, 0.5], [1, 0]], [1, {0: 0.25, 1: 0.75}]]\n"
                 "rewards: [[1, 2], 3]\nprior: [[0.1, 0.9], [0.2, 0.8]]\nstart: [0, 1]\n"),
            SAC_OK)
      << lines[0];
  EXPECT_EQ(problem.mdp.horizon, 0);
  EXPECT_EQ(probability(0, 0, 0, 1), 0.5);
  EXPECT_EQ(problem.mdp.stages[0]->n_outcomes, 6);
  EXPECT_EQ(probability(0, 1, 0, 1), 1);
  EXPECT_EQ(probability(0, 1, 1, 1), 0.75);
  EXPECT_EQ(reward(0, 0, 1), 2);
  EXPECT_EQ(reward(0, 1, 0), 3);
  EXPECT_EQ(prior(0, 1, 1), 0.8);
  EXPECT_EQ(problem.mdp.start[1], 1);
}

TEST_F(TableReader, FilesHoldLargeTables) {
  write("p.csv",
        "# any remark\n\nstate, action,next,probability\nthere,go,end,1\n"
        "here,go,end,0.25\r\nhere,go,here,0.75\nhere,stay,here,1\n");
  write("r.csv", "state,action,reward\nhere,go,-4\n");
  write("prior.csv", "state,action,probability\nhere,go,0.2\nhere,stay,0.8\n");
  ASSERT_EQ(load(std::string(head) + "transitions: p.csv\nrewards: r.csv\nprior: prior.csv\n"),
            SAC_OK)
      << lines[0];
  EXPECT_EQ(probability(0, 0, 1, 2), 0.25);
  EXPECT_EQ(reward(0, 0, 1), -4);
  EXPECT_EQ(reward(0, 0, 0), 0);
  EXPECT_EQ(prior(0, 0, 0), 0.8);
  EXPECT_EQ(problem.mdp.start[0], 1);
}

TEST_F(TableReader, WhatChangesReplacesWhatHeld) {
  ASSERT_EQ(load("states: [a, b]\nactions: [x]\nhorizon: 6\ntransitions: {a: b, b: a}\nrewards: 1\n"
                 "changes:\n  - {at: 2, rewards: {a: 5}}\n"
                 "  - {at: 4, transitions: {a: a, b: b}}\n"),
            SAC_OK)
      << lines[0];
  EXPECT_EQ(problem.mdp.n_stages, 3);
  EXPECT_EQ(reward(1, 0, 0), 1);
  EXPECT_EQ(reward(2, 0, 0), 5);
  EXPECT_EQ(reward(3, 1, 0), 0);
  EXPECT_EQ(probability(3, 0, 0, 1), 1);
  EXPECT_EQ(probability(5, 0, 0, 0), 1);
  EXPECT_EQ(reward(5, 0, 0), 5);
}

TEST_F(TableReader, RowsMustBeProbabilities) {
  EXPECT_EQ(
      mistakes(std::string(head) + "transitions:\n"
                                   "  here: {stay: {here: 0.9}, go: {there: 1.5, end: -0.5}}\n"
                                   "  there: {stay: {here: .nan}, go: {end: .inf}}\n"),
      (Lines{"p.yaml:6:41: transitions.here.go.there is 1.5, must be in [0, 1]",
             "p.yaml:6:51: transitions.here.go.end is -0.5, must be in [0, 1]",
             "p.yaml:7:24: transitions.there.stay.here is .nan, must be a finite number in "
             "[0, 1]",
             "p.yaml:7:41: transitions.there.go.end is .inf, must be a finite number in [0, 1]",
             "p.yaml:6:16: transitions.here.stay sums to 0.9, must be 1 (within 1e-09)"}));
}

TEST_F(TableReader, ARowOfNothingIsNoRow) {
  EXPECT_EQ(
      mistakes(std::string(head) + "transitions: {here: {stay: {}, go: {end: 0}}, there: end}\n"),
      (Lines{"p.yaml:5:28: transitions.here.stay names no state",
             "p.yaml:5:36: transitions.here.go sums to 0, must be 1 (within 1e-09)"}));
  ASSERT_EQ(load(std::string(head) + "transitions: {here: {stay: null, go: {end: 1, here: 0}}, "
                                     "there: end}\n"),
            SAC_OK)
      << lines[0];
  EXPECT_EQ(problem.mdp.stages[0]->n_outcomes, 3);
}

TEST_F(TableReader, SumsAlmostOneAreMadeOne) {
  ASSERT_EQ(load(std::string(head) + "transitions: {here: {go: {here: 0.3333333333, there: "
                                     "0.6666666667}}, there: {go: end}}\n"),
            SAC_OK)
      << lines[0];
  EXPECT_EQ(probability(0, 0, 1, 0) + probability(0, 0, 1, 1), 1);
}

TEST_F(TableReader, RewardsMustBeFinite) {
  EXPECT_EQ(
      mistakes(std::string(head) +
               "transitions: {here: there, there: end}\n"
               "rewards: {here: .inf, there: {go: nan, stay: 1e999}, end: 1}\n"),
      (Lines{"p.yaml:6:17: rewards.here is .inf, must be a finite number in [-1e+100, 1e+100]",
             "p.yaml:6:35: rewards.there.go is nan, must be a finite number in [-1e+100, "
             "1e+100]",
             "p.yaml:6:46: rewards.there.stay is 1e999, must be a finite number in [-1e+100, "
             "1e+100]",
             "p.yaml:6:59: rewards.end is about a state that has no transitions"}));
}

TEST_F(TableReader, NamesHaveTheirNearest) {
  EXPECT_EQ(mistakes(std::string(head) + "transitions: {here: {stya: here, go: thre}, there: end}\n"
                                         "rewards: {hre: 1}\nstart: her\n"),
            (Lines{"p.yaml:7:8: start holds 'her', which is not a state, nearest: here",
                   "p.yaml:5:22: transitions.here.stya holds 'stya', which is not an action, "
                   "nearest: stay",
                   "p.yaml:5:38: transitions.here.go holds 'thre', which is not a state, nearest: "
                   "there",
                   "p.yaml:6:11: rewards.hre holds 'hre', which is not a state, nearest: here"}));
}

TEST_F(TableReader, NothingIsSaidTwice) {
  EXPECT_EQ(mistakes("states: [a, b, a]\nactions: 1\nhorizon: 1\ntransitions: {a: a, b: b}\n")[0],
            "p.yaml:1:16: states[2] names 'a', which is there already");
  EXPECT_EQ(mistakes(std::string(head) + "transitions: {here: there, there: end, here: end}\n")[0],
            "p.yaml:5:40: transitions.here is given twice");
  EXPECT_EQ(mistakes(std::string(head) +
                     "transitions: {here: {go: {end: 0.5, end: 0.5}}, there: end}\n")[0],
            "p.yaml:5:26: transitions.here.go has the state end twice");
}

TEST_F(TableReader, EveryStateGoesOnOrEnds) {
  EXPECT_EQ(mistakes("states: [a, b]\nactions: 1\nhorizon: 1\ntransitions: {a: b}\n"),
            (Lines{"p.yaml:4:14: transitions has none from state b: give it some, or list it under "
                   "absorbing"}));
  EXPECT_EQ(mistakes("states: [a, b]\nactions: 1\nhorizon: 1\ntransitions: {a: b, b: b}\n"
                     "absorbing: [b]\n"),
            (Lines{"p.yaml:4:14: transitions has some from state b, which is absorbing"}));
}

TEST_F(TableReader, GoalsMustBeWithinReach) {
  std::string far =
      "states: [a, b, c, goal, island]\nactions: 1\n"
      "transitions: {a: b, b: c, c: goal}\n";
  EXPECT_EQ(load(far + "horizon: 3\ngoals: goal\nabsorbing: island\n"), SAC_OK);
  EXPECT_EQ(
      mistakes(far + "horizon: 2\ngoals: goal\nabsorbing: island\n"),
      (Lines{"p.yaml:5:8: goals holds 'goal', which the start cannot reach within the horizon"}));
  EXPECT_EQ(mistakes(far + "discount: 0.9\ngoals: [goal, island]\n"),
            (Lines{"p.yaml:5:15: goals[1] holds 'island', which the start cannot reach"}));
  // a bridge that is there for one step only
  std::string bridge =
      "states: [a, goal]\nactions: 1\nhorizon: 5\ngoals: goal\ntransitions: {a: a}\n";
  EXPECT_EQ(load(bridge + "changes: [{at: 3, transitions: {a: goal}}]\n"), SAC_OK) << lines[0];
  EXPECT_EQ(mistakes(bridge).size(), 1u);
}

TEST_F(TableReader, MistakesOfFilesHaveTheirLine) {
  write("p.csv",
        "state,action,next,probability\nhere,go,end,0.5\nhere,go,here,half\n"
        "there,fly,end,1\nthere,go,end\nthere,stay,end,1/2\n");
  EXPECT_EQ(mistakes(std::string(head) + "transitions: p.csv\n"),
            (Lines{"p.csv:3:14: half must be a finite number in [0, 1]",
                   "p.csv:4:7: 'fly' is not an action",
                   "p.csv:5:1: has 3 fields, must have 4: state,action,next,probability",
                   "p.csv:2:1: transitions.here.go sums to 0.5, must be 1 (within 1e-09)",
                   "p.csv:6:1: transitions.there.stay sums to 0.5, must be 1 (within 1e-09)"}));
  write("q.csv", "a,b,c\n");
  EXPECT_EQ(mistakes(std::string(head) + "transitions: q.csv\n")[0],
            "q.csv:1:1: the header must be state,action,next,probability");
  write("r.csv", "state,action,reward\nthere,stay,1\nhere,go,-inf\n");
  EXPECT_EQ(mistakes(std::string(head) + "transitions: {here: there, there: {go: end}}\n"
                                         "rewards: r.csv\n"),
            (Lines{"r.csv:2:1: there.stay is about an action that has no transition there",
                   "r.csv:3:9: -inf must be a finite number in [-1e+100, 1e+100]"}));
  write("r.csv", "\xEF\xBB\xBFstate,action,reward\nhere,go,1\nhere,go,2\n");
  EXPECT_EQ(
      mistakes(std::string(head) + "transitions: {here: there, there: end}\nrewards: r.csv\n"),
      (Lines{"r.csv:3:1: here.go is given twice, first in line 2"}));
  EXPECT_EQ(mistakes(std::string(head) + "transitions: none.csv\n")[0],
            "p.yaml:5:14: transitions cannot be read: none.csv: cannot be opened: No such file or "
            "directory");
}

TEST_F(TableReader, PriorsMustSumToOne) {
  EXPECT_EQ(mistakes(std::string(head) + "transitions: {here: there, there: {go: end}}\n"
                                         "prior: {here: {stay: 0.5}, there: {stay: 1}}\n"),
            (Lines{"p.yaml:6:42: prior.there.stay is about an action that has no transition there",
                   "p.yaml:6:15: prior.here sums to 0.5, must be 1 (within 1e-09)"}));
  EXPECT_EQ(mistakes(std::string(head) + "transitions: {here: there, there: {go: end}}\n"
                                         "prior: unifrom\n"),
            (Lines{"p.yaml:6:8: prior is unifrom, must be uniform, none, a CSV file, or a mapping "
                   "from states to actions"}));
}

TEST_F(TableReader, ChangesComeInOrder) {
  std::string base = "states: 1\nactions: 1\ntransitions: [0]\n";
  EXPECT_EQ(
      mistakes(base +
               "horizon: 4\nchanges: [{at: 2}, {at: 1}, {at: 9}, {rewards: 1}, {att: 3}, 7]\n"),
      (Lines{"p.yaml:5:25: changes[1].at is 1, must be a whole number in [3, 3]",
             "p.yaml:5:34: changes[2].at is 9, must be a whole number in [3, 3]",
             "p.yaml:5:38: changes[3] has no `at`, the time it holds from",
             "p.yaml:5:53: changes[4].att is unknown, must be at, transitions, rewards or "
             "prior, nearest: at",
             "p.yaml:5:62: changes[5] is 7, must be a mapping with the keys at, transitions, "
             "rewards, prior"}));
  EXPECT_EQ(mistakes(base + "discount: 0.5\nchanges: []\n")[0],
            "p.yaml:5:10: changes needs a horizon: without one nothing may change with time");
}

TEST_F(TableReader, InheritedMistakesAreToldOnce) {
  EXPECT_EQ(mistakes("states: 1\nactions: 1\nhorizon: 4\ntransitions: [{0: {0: 0.5}}]\n"
                     "changes: [{at: 2, rewards: 1}]\n")
                .size(),
            1u);
}

}  // namespace
