#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "algo/fixture.h"
#include "tolerance.h"

namespace {

using sac_test::Agent;
using sac_test::join;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::same_bits;

const std::vector<std::string> kSmall = {"policy.hidden=[17,5]", "critic.hidden=[9,17]"};
const std::vector<std::string> kAlgorithms[] = {
    {"algorithm.name=sac"},
    {"algorithm.name=sac_v1"},
    {"algorithm.name=sql", "algorithm.sql.kernel_n_particles=4",
     "algorithm.sql.value_n_particles=3", "algorithm.sql.candidates=5"}};
const std::vector<std::string> kOnPolicy = {"algorithm.name=maxent_pg", "env.n_envs=3",
                                            "algorithm.pg={rollout_steps: 20, value_steps: 5}"};

// of every kind of policy, in sequences that share what they can
const std::vector<std::string> kKinds[] = {
    {"algorithm.name=sac"}, {"algorithm.name=sac_v1"},
    {"policy.type=gmm"},    {"policy.type=realnvp", "policy.flow={preprocess: [6, 4]}"},
    kAlgorithms[2],         kOnPolicy};

// particles make many rows of a few
int batch_of(const std::vector<std::string> &algorithm) {
  return algorithm[0] == "algorithm.name=sql" ? 3 : 17;
}

bool all_finite(const std::vector<sac_real> &values) {
  for (sac_real value : values)
    if (!std::isfinite(value)) return false;
  return true;
}

// everything that training changes, block by block
std::vector<std::vector<sac_real>> state_of(Agent &agent) {
  std::vector<std::vector<sac_real>> state;
  for (sac_params *params : agent.params()) {
    state.push_back(agent.values(*params, params->value));
    if (!params->grad) continue;
    state.push_back(agent.values(*params, params->m));
    state.push_back(agent.values(*params, params->v));
  }
  return state;
}

struct StackCase {
  const char *name;
  std::vector<std::string> overrides;
  int batch, threads;
  const char *device = "cpu";
};
void PrintTo(const StackCase &one, std::ostream *out) {
  *out << one.name;
}

class AgentStack : public testing::TestWithParam<StackCase> {};

// training seeds side by side gives each of them the bits that it has alone
TEST_P(AgentStack, EverySeedIsAsItIsAlone) {
  const StackCase &wanted = GetParam();
  const std::vector<uint64_t> seeds = {5, 6};
  auto trained = [&](std::vector<uint64_t> some, std::vector<unsigned> rows) {
    auto agent = std::make_unique<Agent>(wanted.overrides, some, wanted.batch, wanted.threads,
                                         wanted.device);
    if (!agent->usable()) return agent;
    agent->fill_replay(rows, 61, 80);
    for (int i = 0; i < 5; i++) sac_agent_update(agent->agent, &agent->replay);
    return agent;
  };
  auto stack = trained(seeds, {50, 60});
  if (!stack->usable()) GTEST_SKIP() << stack->machine.why;
  for (size_t s = 0; s < 2; s++) {
    auto alone = trained({seeds[s]}, {50 + 10 * (unsigned)s});
    std::vector<std::vector<sac_real>> found = state_of(*stack), expected = state_of(*alone);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t k = 0; k < found.size(); k++) {
      size_t size = expected[k].size();
      std::vector<sac_real> part(found[k].begin() + (long)(s * size),
                                 found[k].begin() + (long)((s + 1) * size));
      EXPECT_TRUE(same_bits(part, expected[k])) << "seed " << s << " block " << k;
      EXPECT_TRUE(all_finite(part));
    }
  }
}

const StackCase kStacks[] = {
    {"Sac", kSmall, 33, 1},
    {"SacTwoThreads", kSmall, 33, 2},
    {"SacThreeCritics", join(kSmall, {"algorithm.n_critics=3"}), 32, 1},
    {"SacMean", join(kSmall, {"algorithm.actor_q=mean", "algorithm.policy_delay=2"}), 17, 1},
    {"SacWide", {"policy.hidden=[64,64]", "critic.hidden=[64,64]"}, 100, 2},
    {"SacV1", join(kSmall, {"algorithm.name=sac_v1"}), 33, 1},
    {"SacV1Sequential",
     join(kSmall, {"algorithm.name=sac_v1", "algorithm.update_order=sequential"}), 33, 2},
    {"SacV1ThreeCritics", join(kSmall, {"algorithm.name=sac_v1", "algorithm.n_critics=3"}), 40, 1},
    {"SacDroq",
     join(kSmall, {"critic.layer_norm=true", "critic.dropout=0.3", "policy.layer_norm=true"}), 33,
     2},
    {"SacRedqSeveralStepsByPriority",
     join(kSmall, {"algorithm.n_critics=5", "algorithm.target_subset=2", "algorithm.n_steps=3",
                   "algorithm.priority.enabled=true", "algorithm.max_grad_value=0.01"}),
     33, 2},
    {"SacV1DropoutSeveralStepsByPriority",
     join(kSmall, {"algorithm.name=sac_v1", "critic.dropout=0.3", "critic.layer_norm=true",
                   "algorithm.n_steps=2", "algorithm.priority.enabled=true"}),
     33, 1},
    {"Gmm", join(kSmall, {"policy.type=gmm"}), 33, 2},
    {"GmmV1", join(kSmall, {"policy.type=gmm", "algorithm.name=sac_v1"}), 33, 1},
    {"Realnvp", join(kSmall, {"policy.type=realnvp", "policy.flow={preprocess: [6, 4]}"}), 33, 2},
    {"RealnvpOnShim", join(kSmall, {"policy.type=realnvp", "policy.flow={preprocess: [6, 4]}"}), 33,
     1, "shim"},
    {"GmmOnShim", join(kSmall, {"policy.type=gmm"}), 33, 1, "shim"},
    {"MaxentPg", join(kSmall, kOnPolicy), 33, 1},
    {"MaxentPgTwoThreads", join(kSmall, kOnPolicy), 33, 2},
    {"MaxentPgReinforce", join(join(kSmall, kOnPolicy), {"algorithm.pg.form=reinforce"}), 60, 1},
    {"MaxentPgOnShim", join(kSmall, kOnPolicy), 17, 1, "shim"},
    {"Sql", join(kSmall, {"algorithm.name=sql"}), 33, 1},
    {"SqlByPolicyInActionSpace",
     join(kSmall, {"algorithm.name=sql", "algorithm.sql.value_proposal=policy",
                   "algorithm.sql.svgd_space=action_repo", "algorithm.actor_q=mean"}),
     17, 2},
    {"SqlShared", join(kSmall, {"algorithm.name=sql", "algorithm.sql.shared_value_particles=true"}),
     33, 1},
    {"SqlOnShim", join(join(kSmall, kAlgorithms[2]), {"algorithm.sql.value_proposal=policy"}), 4, 1,
     "shim"},
    {"SacOnShim", join(kSmall, {"algorithm.max_grad_norm=0.1"}), 33, 1, "shim"},
    {"SacV1OnShim", join(kSmall, {"algorithm.name=sac_v1"}), 33, 1, "shim"},
    {"SacOnCuda", join(kSmall, {"algorithm.max_grad_norm=0.1"}), 33, 1, "cuda"},
    {"SacWideOnCuda", {"algorithm.name=sac"}, 256, 1, "cuda"},
};
INSTANTIATE_TEST_SUITE_P(Cases, AgentStack, testing::ValuesIn(kStacks),
                         [](const testing::TestParamInfo<StackCase> &info) {
                           return info.param.name;
                         });

// a device records an update and plays it; one that is watched is issued step by step
class AgentSequence : public testing::TestWithParam<const char *> {};

TEST_P(AgentSequence, PlayedUpdatesAreIssuedUpdates) {
  for (const auto &name : kKinds) {
    auto overrides =
        join(join(kSmall, name), {"algorithm.policy_delay=2", "algorithm.target_update_interval=2",
                                  "algorithm.max_grad_norm=0.5"});
    Agent played(overrides, {1, 2}, batch_of(name), 1, GetParam()),
        issued(overrides, {1, 2}, batch_of(name), 1, GetParam());
    if (!played.usable()) GTEST_SKIP() << played.machine.why;
    sac_agent_watch(
        issued.agent, [](void *, sac_phase) {}, nullptr);
    for (Agent *agent : {&played, &issued}) {
      agent->fill_replay({1, 2}, 40, 50);
      for (int i = 0; i < 8; i++) sac_agent_update(agent->agent, &agent->replay);
    }
    std::vector<std::vector<sac_real>> expected = state_of(issued), found = state_of(played);
    for (size_t k = 0; k < expected.size(); k++)
      EXPECT_TRUE(same_bits(found[k], expected[k])) << name[0] << " block " << k;
  }
}
INSTANTIATE_TEST_SUITE_P(Devices, AgentSequence, testing::Values("cpu", "shim", "cuda"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           return std::string(info.param);
                         });

// the same draws, and results within rounding
TEST_P(AgentSequence, UpdatesAreThoseOfTheCpu) {
  for (const auto &name : kKinds) {
    Agent here(join(kSmall, name), {1, 2}, batch_of(name)),
        there(join(kSmall, name), {1, 2}, batch_of(name), 1, GetParam());
    if (!there.usable()) GTEST_SKIP() << there.machine.why;
    for (Agent *agent : {&here, &there}) {
      agent->fill_replay({1, 2}, 40, 50);
      for (int i = 0; i < 5; i++) sac_agent_update(agent->agent, &agent->replay);
    }
    std::vector<std::vector<sac_real>> expected = state_of(here), found = state_of(there);
    for (size_t k = 0; k < expected.size(); k++) {
      double distance = 0, size = 0;
      for (size_t i = 0; i < expected[k].size(); i++) {
        distance += std::pow(expected[k][i] - found[k][i], 2), size += std::pow(expected[k][i], 2);
      }
      EXPECT_LE(std::sqrt(distance), 1e-4 * std::sqrt(size)) << name[0] << " block " << k;
    }
  }
}

// what units are left out, and which critics a target takes, is drawn alike everywhere; few rows,
// as threads of the shim take their time to meet
const std::vector<std::string> kOptions[] = {
    {"critic.dropout=0.3", "critic.layer_norm=true", "policy.layer_norm=true",
     "algorithm.n_steps=3", "algorithm.max_grad_value=0.02"},
    {"algorithm.n_critics=3", "algorithm.target_subset=2", "algorithm.priority.enabled=true",
     "critic.dropout=0.2", "algorithm.n_steps=2"},
    {"algorithm.name=sac_v1", "critic.dropout=0.3", "algorithm.priority.enabled=true"}};

TEST_P(AgentSequence, OptionsAreThoseOfTheCpuPlayedOrIssued) {
  for (const auto &options : kOptions) {
    auto all = join({"policy.hidden=[5]", "critic.hidden=[6]"}, options);
    Agent here(all, {1}, 3), there(all, {1}, 3, 1, GetParam()), issued(all, {1}, 3, 1, GetParam());
    if (!there.usable()) GTEST_SKIP() << there.machine.why;
    sac_agent_watch(
        issued.agent, [](void *, sac_phase) {}, nullptr);
    for (Agent *agent : {&here, &there, &issued}) {
      agent->fill_replay({1}, 40, 50);
      for (int i = 0; i < 3; i++) sac_agent_update(agent->agent, &agent->replay);
    }
    std::vector<std::vector<sac_real>> expected = state_of(here), found = state_of(there),
                                       again = state_of(issued);
    for (size_t k = 0; k < expected.size(); k++) {
      EXPECT_TRUE(same_bits(found[k], again[k])) << options[0] << " block " << k;
      double distance = 0, size = 0;
      for (size_t i = 0; i < expected[k].size(); i++) {
        distance += std::pow(expected[k][i] - found[k][i], 2), size += std::pow(expected[k][i], 2);
      }
      EXPECT_LE(std::sqrt(distance), 1e-4 * std::sqrt(size)) << options[0] << " block " << k;
    }
  }
}

// without dropout in the configuration nothing is left out, and acting never leaves out anything
TEST(AgentDropout, OnlyUpdatesLeaveUnitsOut) {
  Agent agent(join(kSmall, {"critic.dropout=0.5"}), {1}, 16);
  agent.fill_replay({1}, 40, 50);
  sac_agent_update(agent.agent, &agent.replay);
  sac_stack hidden = agent.agent->q_pass.hidden[0];
  int out = 0, all = 16 * 9;
  for (int r = 0; r < 16; r++)
    for (int j = 0; j < 9; j++) out += hidden.data[r * hidden.ld + j] == 0;
  EXPECT_GT(out, all / 2);  // half of the units, and of the others those below the knee
  EXPECT_LT(out, all);
  EXPECT_EQ(agent.agent->act_pass.mlp.dropout.key, nullptr);
  EXPECT_EQ(agent.agent->policy_pass.mlp.dropout.key, nullptr);
}

// a transition with a large error comes to be drawn more often, and counts less
TEST(AgentPriority, ErrorsDecideWhatIsDrawn) {
  Agent agent(join(kSmall, {"algorithm.priority.enabled=true", "algorithm.priority.alpha=1",
                            "algorithm.q_lr=0", "algorithm.policy_lr=0"}),
              {1}, 64);
  agent.fill_replay({1}, 40, 50);
  size_t width = (size_t)agent.replay.layout.width;
  std::vector<sac_real> row(width);
  sac_replay_read(&agent.replay, 0, 7, 1, row.data());
  row[kObs + kAct] = 200;
  sac_replay_write(&agent.replay, 0, 7, 1, row.data());
  int drawn = 0;
  for (int i = 0; i < 20; i++) {
    sac_agent_update(agent.agent, &agent.replay);
    if (i < 10) continue;  // by then every place was drawn, and has a priority of its own
    std::vector<uint32_t> place = agent.machine.read(agent.agent->batch.place, 64);
    std::vector<sac_real> weight = agent.machine.read(agent.agent->batch.weight.data, 64);
    for (size_t r = 0; r < 64; r++) {
      if (place[r] != 7) continue;
      EXPECT_LT(weight[r], 0.5);
      drawn++;
    }
  }
  EXPECT_GT(drawn, 10 * 64 / 4);
}

// with NaN as the next state of a row that terminated, everything is as with any other state
TEST(AgentUpdate, TerminatedRowsNeverReadTheNextState) {
  for (const auto &name : kAlgorithms) {
    Agent any(join(kSmall, name), {1, 2}, 9), nan(join(kSmall, name), {1, 2}, 9);
    any.fill_batch(3);
    nan.fill_batch(3);
    std::vector<sac_real> poison(kObs, std::numeric_limits<sac_real>::quiet_NaN());
    for (int s = 0; s < 2; s++)
      for (int row = 2; row < 9; row += 3)
        nan.put(nan.agent->batch.both, s, 9 + row, 0, poison, kObs);
    any.agent->def->learn(any.agent);
    nan.agent->def->learn(nan.agent);
    std::vector<std::vector<sac_real>> expected = state_of(any), found = state_of(nan);
    for (size_t k = 0; k < expected.size(); k++) {
      EXPECT_TRUE(all_finite(found[k])) << name[0] << " block " << k;
      EXPECT_TRUE(same_bits(found[k], expected[k])) << name[0] << " block " << k;
    }
    EXPECT_TRUE(all_finite(nan.machine.read(nan.agent->losses.q, 4)));
  }
}

TEST(AgentUpdate, OtherRowsBootstrapFromTheNextState) {
  for (const auto &name : kAlgorithms) {
    Agent one(join(kSmall, name), {1}, 9), other(join(kSmall, name), {1}, 9);
    one.fill_batch(3);
    other.fill_batch(3);
    other.put(other.agent->batch.both, 0, 9 + 4, 0, {1, 2, 3}, kObs);  // row 4 did not terminate
    one.agent->def->learn(one.agent);
    other.agent->def->learn(other.agent);
    for (int row = 0; row < 9; row++) {
      bool same = one.machine.read(one.agent->batch.y.data + row, 1) ==
                  other.machine.read(other.agent->batch.y.data + row, 1);
      EXPECT_EQ(same, row != 4) << name[0] << " row " << row;
    }
  }
}

TEST(AgentUpdate, ANumberThatIsNotFiniteIsNamed) {
  for (const auto &name : kAlgorithms) {
    Agent agent(join(kSmall, name), {1, 2}, 16);
    agent.fill_replay({1, 2}, 40, 50);
    sac_error err = {};
    sac_agent_update(agent.agent, &agent.replay);
    EXPECT_EQ(sac_agent_check(agent.agent, 0, true, &err), SAC_OK) << err.text;
    // the reward of every row of the second seed
    size_t width = (size_t)agent.replay.layout.width;
    std::vector<sac_real> rows(40 * width);
    sac_replay_read(&agent.replay, 1, 0, 40, rows.data());
    for (size_t r = 0; r < 40; r++) rows[r * width + kObs + kAct] = INFINITY;
    sac_replay_write(&agent.replay, 1, 0, 40, rows.data());
    sac_agent_update(agent.agent, &agent.replay);
    uint64_t faults[2];
    EXPECT_EQ(sac_agent_wait(agent.agent, faults, &err), SAC_OK) << err.text;
    EXPECT_EQ(faults[0], 0u);
    EXPECT_EQ(faults[1], (uint64_t)SAC_FAULT_LOSS);
    EXPECT_EQ(sac_agent_check(agent.agent, 0, true, &err), SAC_OK) << err.text;
    EXPECT_EQ(sac_agent_check(agent.agent, 1, false, &err), SAC_BAD_NUMBER);
    EXPECT_NE(std::string(err.text).find("update 2: q_loss is inf"), std::string::npos) << err.text;
  }
}

TEST(AgentUpdate, AWeightThatIsNotFiniteIsNamed) {
  for (int which = 0; which < 3; which++) {
    Agent agent(kSmall, {1, 2}, 16);
    sac_params *params = agent.params()[(size_t)which];
    sac_error err = {};
    agent.machine.write(params->value + params->count * (size_t)params->n - 40,
                        {std::numeric_limits<sac_real>::quiet_NaN()});
    EXPECT_EQ(sac_agent_check(agent.agent, 1, false, &err), SAC_OK);
    EXPECT_EQ(sac_agent_check(agent.agent, 0, true, &err), SAC_OK) << err.text;
    EXPECT_EQ(sac_agent_check(agent.agent, 1, true, &err), SAC_BAD_NUMBER);
    EXPECT_NE(std::string(err.text).find(params->prefix), std::string::npos) << err.text;
  }
}

TEST(AgentUpdate, PolicyAndTargetsMoveInTheirTurn) {
  for (const auto &name : kAlgorithms) {
    bool has_v = name[0] == "algorithm.name=sac_v1";
    Agent agent(join(join(kSmall, name),
                     {"algorithm.policy_delay=2", "algorithm.target_update_interval=3"}),
                {1}, 16);
    agent.fill_replay({1}, 40, 50);
    sac_critic *followed = has_v ? &agent.agent->value : &agent.agent->q;
    for (int update = 1; update <= 6; update++) {
      auto read = [&](const sac_params &params) { return agent.values(params, params.value); };
      std::vector<sac_real> policy = read(agent.agent->policy.params),
                            q = read(agent.agent->q.params);
      std::vector<sac_real> target = read(followed->target);
      sac_agent_update(agent.agent, &agent.replay);
      EXPECT_EQ(read(agent.agent->policy.params) != policy, update % 2 == 0) << update;
      EXPECT_EQ(read(followed->target) != target, update % 3 == 0) << update;
      EXPECT_NE(read(agent.agent->q.params), q);
    }
  }
}

TEST(AgentUpdate, NoiseIsDrawnAnewForEveryUseSeedAndUpdate) {
  Agent agent(kSmall, {1, 2}, 16);
  agent.fill_replay({1, 2}, 40, 50);
  std::set<std::vector<sac_real>> seen;
  for (int update = 0; update < 3; update++) {
    sac_agent_update(agent.agent, &agent.replay);
    sac_stack noise = agent.agent->batch.noise;
    for (int s = 0; s < 2; s++)
      for (int half = 0; half < 2; half++) {
        const sac_real *at = noise.data + (size_t)s * noise.stride + (size_t)half * 16 * kAct;
        EXPECT_TRUE(seen.insert(agent.machine.read(at, 16 * kAct)).second)
            << update << " " << s << " " << half;
      }
  }
}

TEST(AgentUpdate, TargetsFollowByTau) {
  for (const auto &name : kAlgorithms) {
    Agent agent(join(join(kSmall, name), {"algorithm.tau=0.25", "algorithm.q_lr=0.01"}), {1}, 16);
    agent.fill_replay({1}, 40, 50);
    bool has_v = name[0] == "algorithm.name=sac_v1";
    sac_critic *critic = has_v ? &agent.agent->value : &agent.agent->q;
    sac_agent_update(agent.agent, &agent.replay);
    std::vector<sac_real> before = agent.values(critic->target, critic->target.value);
    sac_agent_update(agent.agent, &agent.replay);
    std::vector<sac_real> value = agent.values(critic->params, critic->params.value);
    std::vector<sac_real> after = agent.values(critic->target, critic->target.value);
    for (size_t k = 0; k < after.size(); k++)
      EXPECT_NEAR(after[k], 0.75 * before[k] + 0.25 * value[k], 1e-6);
  }
}

// (kappa r, kappa alpha) with critics kappa times as large: the policy's gradient is kappa times
// as large
TEST(AgentUpdate, RewardScaleAndTemperatureGoTogether) {
  Agent one(join(kSmall, {"algorithm.ent_coef=0.5", "policy.log_std.min=-2"}), {1}, 16);
  Agent scaled(join(kSmall, {"algorithm.ent_coef=2", "policy.log_std.min=-2"}), {1}, 16);
  for (Agent *agent : {&one, &scaled}) {
    auto &options = agent->agent->cfg.algorithm;
    options.q_lr = options.policy_lr = 0;
    agent->fill_batch(3);
  }
  const sac_params &q = scaled.agent->q.params;
  std::vector<sac_real> values = scaled.values(q, q.value);
  for (int member = 0; member < q.n; member++)
    for (int i = q.n_views - 2; i < q.n_views; i++)
      for (size_t k = 0; k < sac_param_size(&q.views[i]); k++)
        values[(size_t)member * q.count + q.views[i].offset + k] *= 4;
  scaled.machine.write(q.value, values);
  for (Agent *agent : {&one, &scaled}) agent->agent->def->learn(agent->agent);
  std::vector<sac_real> a = one.values(one.agent->policy.params, one.agent->policy.params.grad);
  std::vector<sac_real> b =
      scaled.values(scaled.agent->policy.params, scaled.agent->policy.params.grad);
  double size = 0;
  for (size_t k = 0; k < a.size(); k++) size = std::max(size, std::abs((double)b[k]));
  EXPECT_GT(size, 1e-3);
  for (size_t k = 0; k < a.size(); k++)
    EXPECT_NEAR(b[k], 4 * a[k], sac_test::tolerance(1e-6, 1e-14) * size);
}

TEST(AgentTemperature, RisesWhileTheEntropyIsTooLow) {
  for (double target : {-20.0, 20.0}) {
    Agent agent(join(kSmall, {"algorithm.target_entropy=" + std::to_string(target)}), {1, 2}, 16);
    agent.fill_batch(3);
    agent.agent->def->learn(agent.agent);
    for (int s = 0; s < 2; s++) {
      double alpha = sac_agent_losses(agent.agent, s).ent_coef;
      EXPECT_EQ(alpha > 1, target > 0) << alpha;
      EXPECT_NE(alpha, 1);
    }
  }
}

TEST(AgentTemperature, AFixedOneStays) {
  Agent agent(join(kSmall, {"algorithm.ent_coef=0.25"}), {1}, 16);
  agent.fill_batch(3);
  agent.agent->def->learn(agent.agent);
  EXPECT_NEAR(sac_agent_losses(agent.agent, 0).ent_coef, 0.25, 1e-7);
  EXPECT_EQ(sac_agent_optimiser(agent.agent, &agent.agent->temperature), nullptr);
}

TEST(AgentLosses, BelongToTheirSeed) {
  Agent stack(kSmall, {1, 2}, 16);
  stack.fill_batch(3);
  stack.agent->def->learn(stack.agent);
  std::vector<sac_real> q = stack.machine.read(stack.agent->losses.q, 4);
  for (int s = 0; s < 2; s++) {
    sac_loss_values loss = sac_agent_losses(stack.agent, s);
    EXPECT_NEAR(loss.q, (q[2 * (size_t)s] + q[2 * (size_t)s + 1]) / 2, 1e-6 * loss.q);
    EXPECT_TRUE(std::isnan(loss.v));
    EXPECT_TRUE(std::isfinite(loss.policy) && std::isfinite(loss.entropy));
  }
  Agent v1(join(kSmall, {"algorithm.name=sac_v1"}), {1}, 16);
  v1.fill_batch(3);
  v1.agent->def->learn(v1.agent);
  EXPECT_GT(sac_agent_losses(v1.agent, 0).v, 0);
  EXPECT_TRUE(std::isnan(sac_agent_losses(v1.agent, 0).ent_coef_loss));
}

TEST(AgentMemory, MoreThanTheMachineHasIsRefusedWithSizes) {
  sac_test::Machine machine;
  auto cfg = sac_test::config_of({});
  uint64_t seed = 1;
  sac_agent_options options = {};
  options.cfg = cfg.get();
  options.backend = machine.backend;
  options.n_seeds = options.batch_size = options.act_rows = 1;
  options.seeds = &seed;
  options.obs_dim = options.actor_obs_dim = options.act_dim = 1;
  options.promised_bytes = size_t{1} << 50;
  sac_agent *agent = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_agent_create(&options, &agent, &err), SAC_FAILED);
  EXPECT_NE(std::string(err.text).find("the replay 1125899.9 GB"), std::string::npos) << err.text;
  EXPECT_EQ(agent, nullptr);
}

TEST(AgentParams, EachHasItsOptimiserOrNone) {
  auto table = [](const std::vector<std::string> &overrides) {
    Agent agent(overrides, {1}, 4);
    std::vector<std::string> rows;
    for (sac_params *params : agent.params()) {
      const char *name = sac_agent_optimiser(agent.agent, params);
      rows.push_back(std::string(params->prefix) + ":" + (name ? name : "-"));
    }
    return rows;
  };
  EXPECT_EQ(table({"algorithm.name=sac"}),
            (std::vector<std::string>{"actor.:actor", "critic.qf:critic", "critic_target.qf:-",
                                      ":ent_coef"}));
  EXPECT_EQ(table({"algorithm.name=sac_v1"}),
            (std::vector<std::string>{"actor.:actor", "critic.qf:critic", "value.:value",
                                      "value_target.:-", ":-"}));
  EXPECT_EQ(table({"algorithm.name=maxent_pg"}),
            (std::vector<std::string>{"actor.:actor", "value.:value", ":-"}));
}

TEST(AgentPhases, AreToldInTheOrderOfAnUpdate) {
  Agent agent(kSmall, {1}, 16);
  agent.fill_replay({1}, 40, 50);
  std::vector<int> seen;
  auto note = [](void *context, sac_phase phase) {
    static_cast<std::vector<int> *>(context)->push_back(phase);
  };
  sac_agent_watch(agent.agent, note, &seen);
  sac_agent_update(agent.agent, &agent.replay);
  ASSERT_GE(seen.size(), 6u);
  EXPECT_EQ(seen[0], SAC_PHASE_GATHER);
  EXPECT_EQ(seen[1], SAC_PHASE_TARGET);
  EXPECT_EQ(seen[2], SAC_PHASE_CRITIC);
  EXPECT_EQ(seen[3], SAC_PHASE_OPTIMISER);
  size_t told = seen.size();
  sac_agent_watch(agent.agent, nullptr, nullptr);
  sac_agent_update(agent.agent, &agent.replay);
  EXPECT_EQ(seen.size(), told);
}

// a task of one step: the reward is -(a - goal)^2 with a goal that depends on the state
TEST(AgentLearning, FindsTheBestActionOfABandit) {
  // soft Q-learning learns a density: see soft_q_learning_test.cc
  for (const auto &name : {kAlgorithms[0], kAlgorithms[1]}) {
    Agent agent(join({"algorithm.ent_coef=0.003", "policy.hidden=[16]", "critic.hidden=[16,16]",
                      "algorithm.q_lr=0.01", "algorithm.policy_lr=0.005"},
                     name),
                {1}, 32);
    agent.fill_replay({9}, 1000, 1000);
    size_t width = (size_t)agent.replay.layout.width;
    std::vector<sac_real> rows(1000 * width);
    sac_replay_read(&agent.replay, 0, 0, 1000, rows.data());
    for (size_t r = 0; r < 1000; r++) {
      sac_real *row = &rows[r * width], goal = sac_real(0.4) * std::tanh(row[0]);
      row[kObs + kAct] = -(row[kObs] - goal) * (row[kObs] - goal) -
                         (row[kObs + 1] + goal) * (row[kObs + 1] + goal);
      row[kObs + kAct + 1] = 1;
    }
    sac_replay_write(&agent.replay, 0, 0, 1000, rows.data());
    for (int i = 0; i < 1500; i++) sac_agent_update(agent.agent, &agent.replay);
    sac_real *obs = agent.machine.take(4 * kObs), *action = agent.machine.take(4 * kAct);
    agent.machine.write(obs, {-0.7, 0, 0, -0.3, 0.2, 0.1, 0.2, 0, -0.2, 0.6, -0.1, 0});
    sac_act act = {4, {obs, 0, kObs, 1}, {nullptr, 0, kAct, 1}, {action, 0, kAct, 1}};
    sac_agent_act(agent.agent, &act);
    for (int r = 0; r < 4; r++) {
      double goal = 0.4 * std::tanh((double)obs[r * kObs]);
      EXPECT_NEAR(action[r * kAct], goal, 0.1) << name[0];
      EXPECT_NEAR(action[r * kAct + 1], -goal, 0.1) << name[0];
    }
  }
}

}  // namespace
