// Stages, choices, and what can be reached when.
#include "inference/tables.h"

namespace {

using namespace sac_test;

// every state stays, but for `from`, which leads to `to`
Stage line(int n_states, int from, int to) {
  Stage stage;
  stage.p.assign(n_states * n_states, 0);
  stage.r.assign(n_states, 0);
  stage.prior.assign(n_states, 1);
  for (int s = 0; s < n_states; s++) stage.p[s * n_states + s] = s != from;
  stage.p[from * n_states + to] = 1;
  return stage;
}

Table walk(int horizon, std::vector<Stage> stages) {
  Table table;
  table.n_states = 4;
  table.n_actions = 1;
  table.horizon = horizon;
  table.start = {1, 0, 0, 0};
  table.stages = stages;
  return table;
}

std::vector<int> reach(const Problem &problem) {
  std::vector<int> earliest(problem.mdp.n_states);
  EXPECT_EQ(sac_mdp_reach(&problem.mdp, earliest.data(), nullptr), SAC_OK);
  return earliest;
}

TEST(Mdp, ReachCountsDecisions) {
  Stage steps = line(4, 0, 1);
  steps.p[1 * 4 + 1] = 0;
  steps.p[1 * 4 + 2] = 1;
  EXPECT_EQ(reach(Problem(walk(5, {steps}))), (std::vector<int>{0, 1, 2, -1}));
  EXPECT_EQ(reach(Problem(walk(1, {steps}))), (std::vector<int>{0, 1, -1, -1}));
  Table endless = walk(0, {steps});
  endless.discount = 0.5;
  EXPECT_EQ(reach(Problem(endless)), (std::vector<int>{0, 1, 2, -1}));
}

// the way from 1 to 2 is open only while nobody can be there yet
TEST(Mdp, ReachMindsWhenAWayIsOpen) {
  EXPECT_EQ(reach(Problem(walk(5, {line(4, 1, 2), line(4, 0, 1), line(4, 3, 0)}))),
            (std::vector<int>{0, 2, -1, -1}));
  EXPECT_EQ(reach(Problem(walk(5, {line(4, 0, 1), line(4, 1, 2), line(4, 3, 0)}))),
            (std::vector<int>{0, 1, 2, -1}));
}

TEST(Mdp, ChoicesAreFoundByTheirAction) {
  const sac_transition list[] = {
      {0, 2, 1, 0, 0, 1}, {0, 5, 0, 0, 0, .5}, {0, 5, 1, 0, 0, .5}, {2, 0, 2, 0, 0, 1}};
  sac_mdp_stage *stage = nullptr;
  ASSERT_EQ(sac_mdp_stage_create(3, 6, list, 4, &stage, nullptr), SAC_OK);
  EXPECT_EQ(stage->n_choices, 3);
  EXPECT_EQ(sac_mdp_choice_find(stage, 0, 2), 0);
  EXPECT_EQ(sac_mdp_choice_find(stage, 0, 5), 1);
  EXPECT_EQ(sac_mdp_choice_find(stage, 0, 3), -1);
  EXPECT_EQ(sac_mdp_choice_find(stage, 1, 0), -1);
  EXPECT_EQ(sac_mdp_choice_find(stage, 2, 0), 2);
  EXPECT_EQ(stage->prior[1], 0.5);
  EXPECT_EQ(stage->first_outcome[2], 3);
  sac_mdp_stage_destroy(stage);
}

}  // namespace
