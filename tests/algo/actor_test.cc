// The policy of a rollout: a copy acts as the agent's own does, and follows its updates.
#include "algo/fixture.h"

extern "C" {
#include "algo/actor.h"
}

using sac_test::Agent;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::normals;
using sac_test::same_bits;

namespace {

enum { kRows = 4 };  // as many as the fixture's agents act for at once

struct Actor {
  Actor(Agent &agent, sac_backend *host) : layout(sac_row_layout_make(kObs, kAct)) {
    sac_actor_options options = {};
    options.agent = agent.agent;
    options.host = host;
    options.rows = kRows;
    options.layout = layout;
    options.seeds = &seed;
    sac_error err = {};
    EXPECT_EQ(SAC_OK, sac_actor_create(&options, &actor, &err)) << err.text;
  }
  ~Actor() { sac_actor_destroy(actor); }
  Actor(const Actor &) = delete;
  Actor &operator=(const Actor &) = delete;

  /// The rows after a draw: observations as given, actions of the policy.
  std::vector<sac_real> draw(uint64_t step) {
    std::vector<sac_real> rows = normals(3, kRows * (size_t)layout.width);
    sac_error err = {};
    EXPECT_EQ(SAC_OK, sac_actor_draw(actor, step, rows.data(), &err)) << err.text;
    return rows;
  }

  const uint64_t seed = 9;
  sac_row_layout layout;
  sac_actor *actor = nullptr;
};

TEST(Actor, ACopyActsAsTheAgentsOwnPolicyAfterEveryUpdate) {
  Agent agent({"policy.hidden=[17,5]", "critic.hidden=[9]", "algorithm.policy_lr=0.01"}, {4}, 8);
  agent.fill_replay({1}, 40, 50);
  sac_test::Machine host;
  Actor own(agent, nullptr), copy(agent, host.backend);
  std::vector<sac_real> before;
  for (uint64_t step = 0; step < 4; step++) {
    std::vector<sac_real> here = own.draw(step), there = copy.draw(step);
    EXPECT_TRUE(same_bits(here, there)) << step;
    EXPECT_FALSE(same_bits(here, before)) << step;
    before = here;
    sac_agent_update(agent.agent, &agent.replay);
  }
}

TEST(Actor, WritesActionsOnlyAndDrawsByStep) {
  Agent agent({"policy.hidden=[6]", "critic.hidden=[6]"}, {4}, 8);
  Actor actor(agent, nullptr);
  std::vector<sac_real> given = normals(3, kRows * (size_t)actor.layout.width);
  std::vector<sac_real> rows = actor.draw(7), again = actor.draw(7), later = actor.draw(8);
  EXPECT_TRUE(same_bits(rows, again));
  EXPECT_FALSE(same_bits(rows, later));
  for (size_t i = 0; i < rows.size(); i++) {
    size_t column = i % (size_t)actor.layout.width;
    bool is_action = column >= kObs && column < kObs + kAct;
    if (is_action)
      EXPECT_LE(std::abs(rows[i]), 1);
    else
      EXPECT_EQ(given[i], rows[i]) << i;
  }
}

}  // namespace
