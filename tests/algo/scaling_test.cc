// An agent that scales is one without that is given the scaled numbers.
#include "algo/fixture.h"

using sac_test::Agent;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::normals;
using sac_test::same_bits;

namespace {

const std::vector<std::string> kSmall = {"policy.hidden=[6]", "critic.hidden=[7]"};
// powers of two, so that scaling rounds nothing
const sac_real kMean[kObs] = {0.5, 0, -1}, kScale[kObs] = {2, 0.25, 1}, kRewardScale = 0.5;

class Scaling : public ::testing::TestWithParam<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, Scaling, ::testing::Values("cpu", "shim", "cuda"),
                         [](const ::testing::TestParamInfo<const char *> &info) {
                           return std::string(info.param);
                         });

TEST_P(Scaling, UpdatesSeeScaledObservationsAndRewards) {
  Agent scaled(sac_test::join(kSmall, {"env.normalize_obs=true", "env.normalize_reward=true"}), {4},
               8, 1, GetParam());
  Agent plain(kSmall, {4}, 8, 1, GetParam());
  if (!scaled.usable()) GTEST_SKIP() << "there is no such device";
  scaled.fill_replay({1}, 40, 50);
  // the same rows, scaled by hand
  sac_error err = {};
  sac_row_layout layout = sac_row_layout_make(kObs, kAct);
  ASSERT_EQ(SAC_OK, sac_replay_create(plain.machine.backend, layout, 1, 50, &plain.replay, &err));
  std::vector<sac_real> rows(40 * (size_t)layout.width);
  sac_replay_read(&scaled.replay, 0, 0, 40, rows.data());
  for (size_t r = 0; r < 40; r++) {
    sac_real *row = &rows[r * (size_t)layout.width];
    for (int j = 0; j < kObs; j++) {
      row[j] = (row[j] - kMean[j]) * kScale[j];
      sac_real *next = row + sac_row_next_obs(&layout);
      next[j] = (next[j] - kMean[j]) * kScale[j];
    }
    row[sac_row_reward(&layout)] *= kRewardScale;
  }
  sac_replay_push(&plain.replay, 0, rows.data(), 40);
  sac_replay_advance(&plain.replay, 40);
  sac_agent_set_scaling(scaled.agent, 0, kMean, kScale, kRewardScale);
  for (int i = 0; i < 5; i++) {
    sac_agent_update(scaled.agent, &scaled.replay);
    sac_agent_update(plain.agent, &plain.replay);
  }
  for (size_t i = 0; i < plain.params().size(); i++) {
    const sac_params &ours = *scaled.params()[i], &theirs = *plain.params()[i];
    EXPECT_TRUE(same_bits(scaled.values(ours, ours.value), plain.values(theirs, theirs.value)))
        << theirs.prefix;
  }
}

TEST_P(Scaling, ActionsAreThoseForScaledObservations) {
  Agent scaled(sac_test::join(kSmall, {"env.normalize_obs=true"}), {4}, 8, 1, GetParam());
  Agent plain(kSmall, {4}, 8, 1, GetParam());
  if (!scaled.usable()) GTEST_SKIP() << "there is no such device";
  sac_agent_set_scaling(scaled.agent, 0, kMean, kScale, 1);
  std::vector<sac_real> given = normals(3, 4 * kObs), seen = given;
  for (size_t k = 0; k < seen.size(); k++) seen[k] = (seen[k] - kMean[k % kObs]) * kScale[k % kObs];
  std::vector<sac_real> actions[2];
  Agent *agents[2] = {&scaled, &plain};
  for (int i = 0; i < 2; i++) {
    sac_test::Machine &machine = agents[i]->machine;
    void *memory = nullptr;
    ASSERT_EQ(SAC_OK, machine.backend->ops->alloc(
                          machine.backend, 4 * (kObs + kAct) * sizeof(sac_real), &memory, nullptr));
    sac_real *obs = static_cast<sac_real *>(memory), *action = obs + 4 * kObs;
    machine.write(obs, i == 0 ? given : seen);
    sac_act act = {4, {obs, 0, kObs, 1}, {nullptr, 0, kAct, 1}, {action, 0, kAct, 1}};
    sac_agent_act(agents[i]->agent, &act);
    actions[i] = machine.read(action, 4 * kAct);
    EXPECT_TRUE(same_bits(i == 0 ? given : seen, machine.read(obs, 4 * kObs))) << "rows are kept";
    machine.backend->ops->release(machine.backend, memory);
  }
  EXPECT_TRUE(same_bits(actions[0], actions[1]));
}

}  // namespace
