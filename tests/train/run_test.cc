#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "train/fixture.h"

extern "C" {
#include "algo/agent.h"
}

namespace {

using sac_test::HandRun;
using sac_test::small_run;

struct ResumeCase {
  const char *name;
  std::vector<std::string> overrides;
  int steps;
};
void PrintTo(const ResumeCase &one, std::ostream *out) {
  *out << one.name;
}

class Resume : public testing::TestWithParam<ResumeCase> {};

// twice N steps, and N steps, a checkpoint, new objects and N steps: the same bits, with any number
// of threads before and after
TEST_P(Resume, EqualsNeverHavingStopped) {
  const ResumeCase &wanted = GetParam();
  auto options = [&](int threads) {
    std::vector<std::string> all = small_run(wanted.overrides);
    all.push_back("run.threads=" + std::to_string(threads));
    return all;
  };
  HandRun whole(options(1)), whole_of_two(options(2)), first(options(1));
  whole.go(2 * wanted.steps);
  whole_of_two.go(2 * wanted.steps);
  first.go(wanted.steps);
  std::string expected = whole.digest(), path = first.save();
  EXPECT_EQ(whole_of_two.digest(), expected) << "two threads differ from one";
  for (int threads : {1, 2}) {
    HandRun second(options(threads));
    ASSERT_EQ(second.load_from(first, path), SAC_OK) << second.err.text;
    EXPECT_EQ(second.digest(), sac_test::digest_of(path)) << "before the first step";
    second.go(wanted.steps);
    EXPECT_EQ(second.digest(), expected) << threads << " threads";
    EXPECT_GT(second.run->progress.updates, 0u);
  }
}

// rollouts of 21 rows, of which a checkpoint after an odd number of steps holds a part
std::vector<std::string> on_policy(const std::vector<std::string> &more = {}) {
  std::vector<std::string> all = {"algorithm.name=maxent_pg", "env.n_envs=3",
                                  "algorithm.pg={rollout_steps: 7, minibatch: 8, value_steps: 3}",
                                  "env.max_episode_steps=10"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const ResumeCase kResumes[] = {
    {"Pendulum", {"env.id=Pendulum-v1"}, 130},
    {"PendulumV1", {"env.id=Pendulum-v1", "algorithm.name=sac_v1"}, 130},
    {"MultigoalSql",
     {"env.id=Multigoal-v0", "algorithm.name=sql", "algorithm.sql.value_proposal=policy",
      "algorithm.target_update_interval=7", "algorithm.tau=1"},
     130},
    {"MultigoalSqlFlow", {"env.id=Multigoal-v0", "algorithm.name=sql", "policy.type=realnvp"}, 130},
    {"MultigoalSqlChains",
     {"env.id=Multigoal-v0", "algorithm.name=sql", "algorithm.sql.sampler=mcmc",
      "algorithm.sql.mcmc.steps=3"},
     60},
    {"PendulumManyEnvironments",
     {"env.id=Pendulum-v1", "env.n_envs=3", "algorithm.train_freq=2",
      "algorithm.gradient_steps=-1"},
     90},
    {"PendulumDelays",
     {"env.id=Pendulum-v1", "algorithm.policy_delay=2", "algorithm.target_update_interval=3",
      "algorithm.n_critics=3", "algorithm.target_subset=2"},
     101},
    {"PendulumExploration",
     {"env.id=Pendulum-v1", "env.n_envs=3", "env.max_episode_steps=23",
      "algorithm.exploration.deterministic=0.2", "algorithm.exploration.gaussian=0.3",
      "algorithm.exploration.parameter=0.4"},
     90},
    {"PendulumLag",
     {"env.id=Pendulum-v1", "run.overlap=lag1", "env.n_envs=3", "algorithm.train_freq=2",
      "algorithm.gradient_steps=-1", "env.normalize_obs=true", "env.max_episode_steps=23"},
     91},
    {"PendulumSmallRing", {"env.id=Pendulum-v1", "algorithm.buffer_size=60"}, 150},
    {"PendulumSeveralSteps",
     {"env.id=Pendulum-v1", "env.n_envs=3", "algorithm.n_steps=4", "env.max_episode_steps=25",
      "algorithm.buffer_size=100"},
     90},
    {"PendulumPriority",
     {"env.id=Pendulum-v1", "algorithm.priority.enabled=true", "algorithm.buffer_size=60"},
     150},
    {"PendulumDroq",
     {"env.id=Pendulum-v1", "algorithm.gradient_steps=3", "algorithm.policy_delay=3",
      "algorithm.actor_q=mean", "critic.layer_norm=true", "critic.dropout=0.1"},
     80},
    {"PendulumRedq",
     {"env.id=Pendulum-v1", "algorithm.gradient_steps=2", "algorithm.policy_delay=2",
      "algorithm.actor_q=mean", "algorithm.n_critics=5"},
     80},
    {"HopperV1EveryOption",
     {"env.id=Hopper-v5", "algorithm.name=sac_v1", "env.n_envs=2", "env.normalize_reward=true",
      "algorithm.n_steps=3", "algorithm.priority.enabled=true", "critic.dropout=0.1",
      "critic.layer_norm=true", "policy.layer_norm=true", "algorithm.max_grad_value=0.1"},
     60},
    {"Lqr", {"env.id=LinearQuadratic-v0"}, 130},
    {"LqrV1Unsquashed",
     {"env.id=LinearQuadratic-v0", "algorithm.name=sac_v1", "policy.squash=false",
      "algorithm.update_order=sequential"},
     130},
    {"MountainCar", {"env.id=MountainCarContinuous-v0"}, 130},
    {"PendulumPolicyGradient", on_policy(), 31},
    {"PendulumPolicyGradientBetweenRollouts", on_policy(), 35},
    {"PendulumReinforce", on_policy({"algorithm.pg.form=reinforce"}), 24},
    {"PendulumPolicyGradientNormalised",
     on_policy({"env.normalize_obs=true", "env.normalize_reward=true"}), 31},
    {"HopperPolicyGradient", on_policy({"env.id=Hopper-v5", "env.max_episode_steps=400"}), 40},
    {"HalfCheetah", {"env.id=HalfCheetah-v5", "env.n_envs=2", "env.max_episode_steps=37"}, 60},
    {"HalfCheetahV1", {"env.id=HalfCheetah-v5", "algorithm.name=sac_v1"}, 60},
    {"Hopper", {"env.id=Hopper-v5"}, 80},
};
INSTANTIATE_TEST_SUITE_P(Cases, Resume, testing::ValuesIn(kResumes),
                         [](const testing::TestParamInfo<ResumeCase> &info) {
                           return info.param.name;
                         });

// rows of the replay: (count, width)
std::vector<std::vector<sac_real>> rows_of(const HandRun &self) {
  const sac_replay &replay = self.learner->replay;
  uint64_t count = sac_replay_count(&replay);
  std::vector<std::vector<sac_real>> rows;
  for (uint64_t i = replay.pushed - count; i < replay.pushed; i++) {
    rows.emplace_back((size_t)replay.layout.width);
    sac_replay_read(&replay, 0, i, 1, rows.back().data());
  }
  return rows;
}

// rows of a rollout say what the policy did and how likely that was, and where an episode was cut
TEST(RunStep, RolloutRowsHoldWhatThePolicySaid) {
  HandRun self(small_run(on_policy({"policy.hidden=[9]"})));
  self.go(20);  // the third rollout lacks one step; the policy moved twice
  EXPECT_EQ(self.run->progress.updates, 2u);
  const sac_row_layout &layout = self.learner->replay.layout;
  const sac_replay &replay = self.learner->replay;
  std::vector<sac_real> row((size_t)layout.width);
  uint64_t first = replay.pushed - replay.pushed % replay.capacity;
  EXPECT_EQ(replay.pushed - first, 18u);
  int cuts = 0;
  double entropy = 0;
  for (uint64_t r = first; r < replay.pushed; r++) {
    sac_replay_read(&replay, 0, r, 1, row.data());
    double u = row[(size_t)sac_rollout_u(&layout)];
    EXPECT_NEAR(row[(size_t)sac_row_action(&layout)], std::tanh(u), 1e-6);
    EXPECT_EQ(row[(size_t)sac_row_terminated(&layout)], 0);
    uint64_t step = r / 3 + 1;
    EXPECT_EQ(row[(size_t)sac_rollout_truncated(&layout)], step % 10 == 0) << step;
    cuts += step % 10 == 0;
    entropy -= (double)row[(size_t)sac_rollout_log_pi(&layout)] / 18;
  }
  EXPECT_EQ(cuts, 3);
  // the same density from the stored u and the policy that acted
  sac_agent *agent = self.learner->agent;
  size_t width = (size_t)layout.width;
  sac_stack rows = {replay.ring, replay.capacity * width, layout.width, 1};
  sac_stack from_u = sac_agent_columns(rows, sac_rollout_u(&layout));
  sac_policy_pass pass = agent->policy_pass;
  double scored = 0;
  for (int part = 0; part < 3; part++) {  // a pass has eight rows
    sac_policy_score_terms terms = {
        6,    sac_agent_rows(rows, 6 * part), sac_agent_rows(from_u, 6 * part),
        rows, agent->losses.policy,           agent->losses.entropy};
    sac_policy_score(&agent->policy, &pass, &terms);
    scored += sac_agent_losses(agent, 0).entropy / 3;
  }
  EXPECT_NEAR(scored, entropy, 1e-5);
}

TEST(RunStep, APolicyGradientLearnsOnceARollout) {
  HandRun self(small_run(on_policy({"algorithm.learning_starts=1000"})));
  for (int steps : {7, 14, 21}) {
    self.go(6);
    EXPECT_EQ(self.run->progress.updates, (uint64_t)steps / 7 - 1);
    self.go(1);
    EXPECT_EQ(self.run->progress.updates, (uint64_t)steps / 7);
  }
}

TEST(RunStep, TruncationIsBootstrappedAndTerminationIsNot) {
  HandRun limited(small_run({"env.max_episode_steps=10"}));
  limited.go(35);
  EXPECT_EQ(limited.run->progress.episodes, 3u);
  int at = sac_row_terminated(&limited.learner->replay.layout);
  for (const auto &row : rows_of(limited)) EXPECT_EQ(row[(size_t)at], 0);

  HandRun ended(small_run({"env.id=Hopper-v5", "algorithm.learning_starts=300"}));
  ended.go(150);
  int terminated = 0;
  at = sac_row_terminated(&ended.learner->replay.layout);
  for (const auto &row : rows_of(ended)) terminated += row[(size_t)at] == 1;
  EXPECT_GT(terminated, 0);
  EXPECT_EQ((uint64_t)terminated, ended.run->progress.episodes);
}

// the row that ends an episode holds the state before the restart
TEST(RunStep, RowsHoldTheFinalObservation) {
  HandRun run(small_run({"env.max_episode_steps=10"}));
  run.go(35);
  const sac_row_layout &layout = run.learner->replay.layout;
  std::vector<std::vector<sac_real>> rows = rows_of(run);
  for (size_t i = 0; i + 1 < rows.size(); i++) {
    std::vector<sac_real> next(rows[i].begin() + sac_row_next_obs(&layout),
                               rows[i].begin() + sac_row_next_obs(&layout) + layout.obs_dim);
    std::vector<sac_real> obs(rows[i + 1].begin(), rows[i + 1].begin() + layout.obs_dim);
    EXPECT_EQ(next == obs, i % 10 != 9) << i;
  }
}

// every row but the newest tells by the next one of its environment whether the episode went on
TEST(RunStep, RowsTellWhereAnEpisodeBegins) {
  HandRun run(small_run({"env.max_episode_steps=10", "env.n_envs=2"}));
  run.go(35);
  int at = sac_row_begins(&run.run->learner->replay.layout);
  std::vector<std::vector<sac_real>> rows = rows_of(run);
  for (size_t i = 0; i < rows.size(); i++) EXPECT_EQ(rows[i][(size_t)at], i / 2 % 10 == 0) << i;

  // Hopper falls: the row after an end begins, and no other
  HandRun falls(small_run({"env.id=Hopper-v5", "algorithm.learning_starts=300"}));
  falls.go(150);
  at = sac_row_begins(&falls.run->learner->replay.layout);
  rows = rows_of(falls);
  for (size_t i = 1; i < rows.size(); i++) {
    bool ended = rows[i - 1][(size_t)sac_row_terminated(&falls.run->learner->replay.layout)] == 1;
    EXPECT_EQ(rows[i][(size_t)at] == 1, ended) << i;
  }
}

TEST(RunStep, WarmUpIsUniformAndThenThePolicyActs) {
  HandRun run(small_run({"algorithm.learning_starts=400", "algorithm.total_timesteps=500"}));
  run.go(400);
  const sac_row_layout &layout = run.learner->replay.layout;
  double sum = 0, squares = 0;
  for (const auto &row : rows_of(run)) {
    double action = row[(size_t)sac_row_action(&layout)];
    EXPECT_LT(std::abs(action), 1);
    sum += action;
    squares += action * action;
  }
  EXPECT_NEAR(sum / 400, 0, 5 * std::sqrt(1.0 / 3 / 400));
  EXPECT_NEAR(squares / 400, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / 400));
  EXPECT_EQ(run.run->progress.updates, 0u);  // they begin past learning_starts
  run.go(1);
  EXPECT_EQ(run.run->progress.updates, 1u);
}

TEST(RunLearn, UpdatesComeAsStableBaselines3Counts) {
  HandRun every_two(small_run({"algorithm.train_freq=2", "algorithm.gradient_steps=3"}));
  every_two.go(50);
  EXPECT_EQ(every_two.run->progress.updates, 3u * 5);  // after steps 42, 44 .. 50
  HandRun all(small_run({"env.n_envs=4", "algorithm.train_freq=2", "algorithm.gradient_steps=-1"}));
  all.go(16);
  EXPECT_EQ(all.run->progress.timesteps, 64u);
  EXPECT_EQ(all.run->progress.updates, 8u * 3);  // after vector steps 12, 14, 16
  EXPECT_EQ(all.learner->agent != nullptr, true);
}

std::vector<sac_real> policy_of(const HandRun &self) {
  const sac_params &params = self.learner->agent->policy.params;
  return {params.value, params.value + params.count};
}

// the step after the first update acts as if it had not been made, and learns it then
TEST(RunLearn, WithALagAStepActsBeforeTheUpdatesOfTheOneBefore) {
  HandRun lag(small_run({"run.overlap=lag1"})), late(small_run()), plain(small_run());
  for (HandRun *run : {&lag, &late, &plain}) run->go(40);
  for (HandRun *run : {&lag, &late, &plain}) ASSERT_EQ(run->step(), SAC_OK);
  EXPECT_EQ(lag.run->progress.updates_owed, 1u);
  ASSERT_EQ(lag.learn(), SAC_OK);
  EXPECT_EQ(lag.run->progress.updates, 0u);
  ASSERT_EQ(plain.learn(), SAC_OK);
  for (HandRun *run : {&lag, &late, &plain}) ASSERT_EQ(run->step(), SAC_OK);
  EXPECT_EQ(lag.run->progress.updates, 1u);
  EXPECT_EQ(lag.run->progress.updates_owed, 1u);
  EXPECT_EQ(rows_of(lag), rows_of(late));
  EXPECT_NE(rows_of(lag), rows_of(plain));
  EXPECT_EQ(policy_of(lag), policy_of(plain));
  EXPECT_NE(policy_of(lag), policy_of(late));
}

TEST(RunLearn, AStopLeavesTheRestToTheNextCall) {
  volatile int stop = 0;
  HandRun run(small_run({"algorithm.gradient_steps=5"})),
      plain(small_run({"algorithm.gradient_steps=5"}));
  run.go(60);
  plain.go(60);
  stop = 1;
  ASSERT_EQ(run.step(), SAC_OK);
  ASSERT_EQ(run.learn(&stop), SAC_OK);
  EXPECT_EQ(run.run->progress.updates_owed, 5u);
  stop = 0;
  ASSERT_EQ(run.learn(&stop), SAC_OK);
  plain.go(1);
  EXPECT_EQ(run.digest(), plain.digest());
}

TEST(RunFault, ABrokenObservationNeverEntersTheReplay) {
  HandRun run(small_run({"env.id=LinearQuadratic-v0", "env.kwargs={W: [0.0]}"}));
  // the environment's saved state is put far outside of what a float holds
  std::vector<uint8_t> state(sac_vec_env_state_bytes(run.run->envs));
  run.go(20);
  sac_vec_env_save(run.run->envs, state.data());
  double huge = 1e300;
  for (size_t at = 24; at + 8 <= state.size(); at += 8) {
    double value;
    std::memcpy(&value, &state[at], 8);
    if (std::isfinite(value) && value != 0 && std::abs(value) < 100 && std::abs(value) > 1e-6)
      std::memcpy(&state[at], &huge, 8);
  }
  sac_vec_env_load(run.run->envs, state.data(), sac_learner_rows(run.learner, 0, false),
                   run.learner->replay.layout.width);
  EXPECT_EQ(run.step(), SAC_BAD_NUMBER);
  EXPECT_NE(std::string(run.run->failure.text).find("environment 0 (LinearQuadratic-v0), step 21"),
            std::string::npos)
      << run.run->failure.text;
  EXPECT_EQ(run.learner->replay.pushed, 20u);
  for (const auto &row : rows_of(run))
    for (sac_real value : row) EXPECT_TRUE(std::isfinite(value));
}

TEST(RunFault, ABrokenActionNeverEntersTheReplay) {
  HandRun run(small_run());
  run.go(60);
  uint64_t pushed = run.learner->replay.pushed;
  sac_params *actor = sac_agent_params(run.learner->agent, 0);
  sac_real nan = std::numeric_limits<sac_real>::quiet_NaN();
  run.learner->backend->ops->upload(run.learner->backend, actor->value, &nan, sizeof nan);
  sac_status status = SAC_OK;
  for (int i = 0; i < 5 && status == SAC_OK; i++) status = run.step();
  EXPECT_EQ(status, SAC_BAD_NUMBER);
  EXPECT_NE(std::string(run.run->failure.text).find("action[0] is nan"), std::string::npos)
      << run.run->failure.text;
  EXPECT_LE(run.learner->replay.pushed - pushed, 4u);
  for (const auto &row : rows_of(run))
    for (sac_real value : row) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
