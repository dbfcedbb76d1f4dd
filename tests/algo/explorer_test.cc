// How episodes act under algorithm.exploration, beside what the policy alone would do.
#include "algo/fixture.h"

extern "C" {
#include "algo/actor.h"
}

using sac_test::Agent;
using sac_test::join;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::normals;
using sac_test::same_bits;

namespace {

enum { kRows = 4 };

const std::vector<std::string> kSmall = {"policy.hidden=[9,7]", "critic.hidden=[5]"};

std::vector<std::string> mix(double deterministic, double gaussian, double parameter) {
  std::string path = "algorithm.exploration.";
  return join(kSmall, {path + "deterministic=" + std::to_string(deterministic),
                       path + "gaussian=" + std::to_string(gaussian), path + "gaussian_sigma=0.3",
                       path + "parameter=" + std::to_string(parameter)});
}

// actions of an actor for the same observations at every step; seeds of networks and of draws alike
class Acting {
 public:
  explicit Acting(const std::vector<std::string> &overrides, bool copy = false,
                  const std::string &device = "cpu", const std::vector<uint64_t> &all_seeds = {9})
      : seeds(all_seeds),
        agent(overrides, seeds, 8, 1, device),
        layout(sac_row_layout_make(kObs, kAct)) {
    if (!agent.usable()) return;
    sac_actor_options options = {};
    options.agent = agent.agent;
    options.host = copy ? host.backend : nullptr;
    options.rows = kRows;
    options.layout = layout;
    options.seeds = seeds.data();
    sac_error err = {};
    EXPECT_EQ(SAC_OK, sac_actor_create(&options, &actor, &err)) << err.text;
    explorer = sac_actor_explorer(actor, 0);
  }
  ~Acting() { sac_actor_destroy(actor); }

  void begin(int i_env, uint64_t step, int i_seed = 0) {
    sac_actor_begin(actor, i_seed, i_env, step);
  }
  std::vector<sac_real> row(uint64_t step, int i_env) {
    std::vector<sac_real> rows = draw(step);
    auto first = rows.begin() + i_env * kAct;
    return std::vector<sac_real>(first, first + kAct);
  }
  // (seeds, kRows, kAct)
  std::vector<sac_real> draw(uint64_t step) {
    std::vector<sac_real> rows, actions, one = normals(3, kRows * (size_t)layout.width);
    for (size_t s = 0; s < seeds.size(); s++) rows.insert(rows.end(), one.begin(), one.end());
    sac_error err = {};
    EXPECT_EQ(SAC_OK, sac_actor_draw(actor, step, rows.data(), &err)) << err.text;
    for (size_t i = 0; i < kRows * seeds.size(); i++)
      for (int j = 0; j < kAct; j++)
        actions.push_back(rows[i * (size_t)layout.width + (size_t)(sac_row_action(&layout) + j)]);
    return actions;
  }
  int32_t kind(int i_env) { return sac_explorer_state_of(explorer).kind[i_env]; }
  // the next step from `from` on at which an episode of environment 0 begins to act so
  uint64_t begin_as(int32_t wanted, uint64_t from = 1) {
    for (uint64_t step = from;; step++) {
      begin(0, step);
      if (kind(0) == wanted) return step;
    }
  }

  std::vector<uint64_t> seeds;
  sac_test::Machine host;
  Agent agent;
  sac_row_layout layout;
  sac_actor *actor = nullptr;
  sac_explorer *explorer = nullptr;
};

TEST(Explorer, ThereIsNoneWithoutAMix) {
  Acting plain(kSmall), sized(join(kSmall, {"algorithm.exploration.gaussian_sigma=3"}));
  EXPECT_EQ(plain.explorer, nullptr);
  EXPECT_EQ(sized.explorer, nullptr);
}

TEST(Explorer, EachWayIsDrawnWithItsProbability) {
  Acting self(mix(0.15, 0.5, 0.1));
  const double share[] = {0.25, 0.15, 0.5, 0.1};
  const int n = 4000;
  int count[4] = {};
  for (int step = 1; step <= n; step++) {
    self.begin(step % kRows, (uint64_t)step);
    count[self.kind(step % kRows)]++;
  }
  for (int k = 0; k < 4; k++)
    EXPECT_NEAR(count[k], share[k] * n, 4 * std::sqrt(share[k] * (1 - share[k]) * n)) << k;
}

TEST(Explorer, TheDrawDependsOnSeedStepAndEnvironmentAlone) {
  Acting a(mix(0.2, 0.3, 0.3)), b(mix(0.2, 0.3, 0.3)),
      other(mix(0.2, 0.3, 0.3), false, "cpu", {10});
  int differ = 0;
  for (uint64_t step = 50; step > 0; step--) b.begin(2, step);
  for (uint64_t step = 1; step <= 50; step++) {
    a.begin(2, step), b.begin(2, step);
    other.begin(2, step);
    EXPECT_EQ(a.kind(2), b.kind(2));
    differ += a.kind(2) != other.kind(2);
  }
  EXPECT_GT(differ, 10);
}

TEST(Explorer, EpisodesOfThePolicyTakeTheDrawsThatTheyWouldTakeWithoutAMix) {
  Acting plain(kSmall), mixed(mix(0.2, 0.2, 0.2));
  mixed.begin_as(SAC_EXPLORE_POLICY);
  for (uint64_t step = 0; step < 5; step++)
    EXPECT_TRUE(same_bits(plain.row(step, 0), mixed.row(step, 0)));
}

TEST(Explorer, ADeterministicEpisodeTakesThePolicysDeterministicActions) {
  Acting mixed(mix(0.5, 0, 0));
  mixed.begin_as(SAC_EXPLORE_DETERMINISTIC);
  std::vector<sac_real> rows = normals(3, kRows * (size_t)mixed.layout.width);
  sac_test::Machine &machine = mixed.agent.machine;
  sac_real *there = machine.take(rows.size()), *out = machine.take(kRows * kAct);
  machine.write(there, rows);
  sac_act act = {};
  act.rows = kRows;
  act.obs = {there, 0, mixed.layout.width, 1};
  act.action = {out, 0, kAct, 1};
  sac_agent_act(mixed.agent.agent, &act);
  std::vector<sac_real> wanted = machine.read(out, kAct);
  EXPECT_TRUE(same_bits(wanted, mixed.row(7, 0)));
  EXPECT_TRUE(same_bits(wanted, mixed.row(8, 0)));
}

TEST(Explorer, GaussianEpisodesAddNoiseOfTheirDeviationWithinTheBounds) {
  Acting plain(kSmall), mixed(mix(0, 0.5, 0));
  mixed.begin_as(SAC_EXPLORE_GAUSSIAN);
  double square = 0;
  int inside = 0;
  for (uint64_t step = 0; step < 3000; step++) {
    std::vector<sac_real> draw = plain.row(step, 0), noisy = mixed.row(step, 0);
    for (int j = 0; j < kAct; j++) {
      double moved = (double)noisy[(size_t)j] - (double)draw[(size_t)j];
      EXPECT_LE(std::abs(noisy[(size_t)j]), 1);
      // only where the bounds cannot have cut the noise short
      if (std::abs((double)draw[(size_t)j]) > 0.1 || std::abs(moved) > 0.89) continue;
      square += moved * moved, inside++;
    }
  }
  ASSERT_GT(inside, 300);
  double variance = square / inside;
  EXPECT_NEAR(variance, 0.09, 5 * 0.09 * std::sqrt(2.0 / inside));
}

TEST(Explorer, PerturbedWeightsLastAnEpisodeAndDifferFromTheNext) {
  Acting plain(kSmall), mixed(mix(0, 0, 0.5));
  uint64_t first = mixed.begin_as(SAC_EXPLORE_PARAMETER);
  std::vector<sac_real> once = mixed.row(5, 0);
  EXPECT_TRUE(same_bits(once, mixed.row(5, 0)));
  EXPECT_FALSE(same_bits(once, plain.row(5, 0)));
  mixed.begin_as(SAC_EXPLORE_PARAMETER, first + 1);
  EXPECT_FALSE(same_bits(once, mixed.row(5, 0)));
}

TEST(Explorer, ThePerturbationIsAdaptedToTheDistanceWanted) {
  for (const char *target : {"0.05", "0.4"}) {
    Acting plain(kSmall), mixed(join(mix(0, 0, 1), {std::string("algorithm.exploration."
                                                                "parameter_sigma=") +
                                                    target}));
    double square = 0;
    int count = 0;
    for (uint64_t episode = 1; episode <= 60; episode++) {
      mixed.begin(0, 100 * episode);
      for (uint64_t step = 100 * episode; step < 100 * episode + 20; step++) {
        std::vector<sac_real> draw = plain.row(step, 0), perturbed = mixed.row(step, 0);
        if (episode <= 20) continue;
        for (int j = 0; j < kAct; j++, count++)
          square += std::pow((double)perturbed[(size_t)j] - (double)draw[(size_t)j], 2);
      }
    }
    double distance = std::sqrt(square / count);
    EXPECT_GT(distance, 0.6 * atof(target)) << target;
    EXPECT_LT(distance, 1.8 * atof(target)) << target;
  }
}

TEST(Explorer, ACopyOnTheHostExploresAsTheAgentsOwnPolicy) {
  std::vector<std::string> all = join(mix(0.25, 0.25, 0.4), {"algorithm.policy_lr=0.01"});
  Acting own(all), copy(all, true);
  for (Acting *each : {&own, &copy}) each->agent.fill_replay({1}, 40, 50);
  for (uint64_t step = 0; step < 30; step++) {
    EXPECT_TRUE(same_bits(own.draw(step), copy.draw(step))) << step;
    for (Acting *each : {&own, &copy}) {
      sac_agent_update(each->agent.agent, &each->agent.replay);
      if (step % 3 == 2) each->begin((int)(step % kRows), step + 1);
    }
  }
}

TEST(Explorer, SeedsSideBySideExploreAsEachAlone) {
  std::vector<std::string> all = mix(0.25, 0.25, 0.4);
  Acting both(all, false, "cpu", {9, 12}), first(all), second(all, false, "cpu", {12});
  for (uint64_t step = 0; step < 24; step++) {
    std::vector<sac_real> alone = first.draw(step), others = second.draw(step);
    alone.insert(alone.end(), others.begin(), others.end());
    EXPECT_TRUE(same_bits(both.draw(step), alone)) << step;
    int i_env = (int)(step % kRows);
    both.begin(i_env, step + 1), first.begin(i_env, step + 1);
    both.begin(i_env, step + 1, 1), second.begin(i_env, step + 1);
  }
}

TEST(Explorer, TheDeviceExploresAsTheHost) {
  Acting host(mix(0.25, 0.25, 0.4)), device(mix(0.25, 0.25, 0.4), false, "shim");
  if (!device.agent.usable()) GTEST_SKIP() << "no shim";
  for (uint64_t step = 0; step < 12; step++) {
    std::vector<sac_real> here = host.draw(step), there = device.draw(step);
    for (size_t i = 0; i < here.size(); i++) EXPECT_NEAR(here[i], there[i], 2e-5) << step;
    for (Acting *each : {&host, &device}) each->begin((int)(step % kRows), step + 1);
  }
}

}  // namespace
