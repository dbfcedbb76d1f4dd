// What a policy is worth where its divergence is infinite.
#include "inference/tables.h"

namespace {

using namespace sac_test;

TEST(PolicyValue, DoingWhatThePriorExcludesCostsEverything) {
  Table table;
  table.n_states = 1;
  table.n_actions = 2;
  table.start = {1};
  table.stages = {{{1, 1}, {-1, -2}, {1, 0}}};
  for (int horizon : {3, 0}) {
    table.horizon = horizon;
    table.discount = horizon > 0 ? 1 : 0.5;
    Problem problem(table);
    Vector policy;
    for (int t = 0; t < sac_mdp_times(&problem.mdp); t++) policy.insert(policy.end(), {0.5, 0.5});
    sac_policy_value found;
    ASSERT_EQ(sac_policy_evaluate(&problem.mdp, policy.data(), 2, &found, nullptr), SAC_OK);
    EXPECT_NEAR(found.expected_return, horizon > 0 ? -4.5 : -3, 1e-11);
    EXPECT_NEAR(found.entropy, (horizon > 0 ? 3 : 2) * std::log(2.0), 1e-11);
    EXPECT_EQ(found.divergence, INFINITY);
    EXPECT_EQ(found.objective, -INFINITY);
  }
}

}  // namespace
