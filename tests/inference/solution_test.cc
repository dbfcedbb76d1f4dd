// Exact and variational inference over a horizon: known tables, every trajectory of random ones,
// and what must hold of all.
#include "inference/tables.h"

namespace {

using namespace sac_test;

constexpr auto kExact = SAC_INFERENCE_EXACT, kVariational = SAC_INFERENCE_VARIATIONAL;

// safe (0) leads to mid (1); risky (1) to good (2) or bad (3) with one half each
Table lottery(double temperature) {
  Table table;
  table.n_states = 4;
  table.n_actions = table.horizon = 2;
  table.temperature = temperature;
  table.start = {1, 0, 0, 0};
  Stage stage;
  stage.p.assign(4 * 2 * 4, 0);
  stage.p[0 * 8 + 0 * 4 + 1] = 1;
  stage.p[0 * 8 + 1 * 4 + 2] = stage.p[0 * 8 + 1 * 4 + 3] = 0.5;
  for (int s = 1; s < 4; s++) stage.p[s * 8 + s] = stage.p[s * 8 + 4 + s] = 1;
  stage.r = {0, 0, -1, -1, 0, 0, -6, -6};
  stage.prior.assign(8, 0.5);
  table.stages = {stage};
  return table;
}

Table chain(double temperature, bool given_prior) {
  Table table;
  table.n_states = 3;
  table.n_actions = 2;
  table.horizon = 4;
  table.temperature = temperature;
  table.start = {0.6, 0.3, 0.1};
  Stage stage;
  stage.p = {.7, .2, .1, .1, .6, .3, .3, .4, .3, .05, .05, .9, .5, .25, .25, .2, .3, .5};
  stage.r = {-1, -.5, -2, -.25, 0, -1.5};
  stage.prior = given_prior ? Vector{.5, .5, .8, .2, .25, .75} : Vector(6, 0.5);
  table.stages = {stage};
  return table;
}

TEST(Solution, TheLotteryIsWonOnlyInAnOptimalEnvironment) {
  Problem problem(lottery(1));
  Solution exact = solve(problem, kExact), real = solve(problem, kVariational);
  EXPECT_NEAR(q_at(problem, exact.get(), 0, 0, 0), -1, 1e-12);
  EXPECT_NEAR(q_at(problem, exact.get(), 0, 0, 1), -0.6906714954, 1e-10);
  EXPECT_NEAR(q_at(problem, real.get(), 0, 0, 1), -3, 1e-12);
  EXPECT_NEAR(exact->value, -0.833422614901, 1e-12);
  EXPECT_NEAR(real->value, -1.566219169517, 1e-12);
  EXPECT_NEAR(pi_at(problem, exact.get(), 0, 0, 1), 0.576721348260, 1e-12);
  EXPECT_NEAR(pi_at(problem, real.get(), 0, 0, 1), 0.119202922022, 1e-12);
  EXPECT_NEAR(exact->worth.expected_return, -2.153442696520, 1e-12);
  EXPECT_NEAR(real->worth.expected_return, -1.238405844044, 1e-12);
  EXPECT_NEAR(exact->worth.objective, -2.165261663637, 1e-12);
  EXPECT_NEAR(real->worth.objective, -1.566219169517, 1e-12);
  EXPECT_NEAR(exact->posterior[4 + 2], 0.5752953337, 1e-10);
  EXPECT_NEAR(exact->posterior[4 + 3], 0.0014260146, 1e-10);
  EXPECT_NEAR(exact->posterior[4 + 1], 0.4232786517, 1e-10);
  double believed[2];
  sac_soft_backup_dynamics(problem.mdp.stages[0], problem.choice(0, 0, 1), exact->v + 4, 1,
                           believed);
  EXPECT_NEAR(believed[0], 1 / (1 + std::exp(-6.0)), 1e-14);
}

TEST(Solution, TheLotteryOfTheCold) {
  Problem problem(lottery(0.1));
  Solution exact = solve(problem, kExact), real = solve(problem, kVariational);
  EXPECT_NEAR(pi_at(problem, exact.get(), 0, 0, 1), 0.999909208384, 1e-12);
  EXPECT_NEAR(pi_at(problem, real.get(), 0, 0, 1), 2.061153618e-09, 1e-17);
}

struct ChainRow {
  bool given_prior;
  double temperature;
  sac_inference_mode mode;
  double v[3], pi[3], expected_return, objective;
};

// from an independent float64 solution, confirmed by enumeration
const ChainRow chain_rows[] = {{false,
                                1,
                                kExact,
                                {-2.6651922108, -2.6136745000, -2.4306175174},
                                {.3615131711, .1339625783, .8083593250},
                                -1.957238830660,
                                -2.639337263758},
                               {false,
                                1,
                                kVariational,
                                {-2.6779712898, -2.6268567126, -2.4449540560},
                                {.3619297445, .1338289930, .8085300415},
                                -1.956872263581,
                                -2.639335193229},
                               {true,
                                .5,
                                kExact,
                                {-2.9433105980, -3.1272653385, -2.8363069410},
                                {.2838865306, .0877804119, .8649919744},
                                -1.674797853447,
                                -3.027076280462},
                               {true,
                                .5,
                                kVariational,
                                {-2.9846698713, -3.1622218678, -2.8756674816},
                                {.2871157311, .0865569375, .8659077287},
                                -1.673397533651,
                                -3.027035231259}};

TEST(Solution, TheChainHasItsKnownNumbers) {
  for (const ChainRow &row : chain_rows) {
    Problem problem(chain(row.temperature, row.given_prior));
    Solution solution = solve(problem, row.mode);
    for (int s = 0; s < 3; s++) {
      EXPECT_NEAR(v_at(solution.get(), 0, s), row.v[s], 6e-11);
      EXPECT_NEAR(pi_at(problem, solution.get(), 0, s, 0), row.pi[s], 6e-11);
    }
    EXPECT_NEAR(solution->worth.expected_return, row.expected_return, 1e-12);
    EXPECT_NEAR(solution->worth.objective, row.objective, 1e-12);
  }
  Problem uniform(chain(1, false)), given(chain(.5, true));
  EXPECT_NEAR(solve(uniform, kExact)->log_p_o, -2.623764856288, 1e-12);
  EXPECT_NEAR(std::exp(solve(uniform, kExact)->log_p_o), 0.072529285823738, 1e-15);
  EXPECT_NEAR(.5 * solve(given, kExact)->log_p_o, -2.978780952192, 1e-12);
}

// posterior of actions and states, and p(O), by counting successful trajectories
void expect_counts(const Table &table) {
  Problem problem(table);
  Solution exact = solve(problem, kExact);
  int horizon = table.horizon, n = table.n_states;
  double success = 0;
  Vector states((horizon + 1) * n), choices(horizon * n * table.n_actions);
  auto prior = [&](int t, int s, int a) { return table.prior(t, s, a); };
  enumerate(table, prior, [&](const Trajectory &it) {
    double weight = it.weight * std::exp(it.reward / table.temperature);
    success += weight;
    for (int t = 0; t <= horizon; t++) {
      if (it.states[t] < 0) continue;
      states[t * n + it.states[t]] += weight;
      if (t < horizon && it.actions[t] >= 0)
        choices[(t * n + it.states[t]) * table.n_actions + it.actions[t]] += weight;
    }
  });
  EXPECT_NEAR(exact->log_p_o, std::log(success), 1e-12);
  for (int t = 0; t <= horizon; t++) {
    EXPECT_NEAR(exact->log_evidence[t], std::log(success), 1e-12) << t;
    for (int s = 0; s < n; s++) {
      EXPECT_NEAR(exact->posterior[t * n + s], states[t * n + s] / success, 1e-12);
      for (int a = 0; t < horizon && a < table.n_actions; a++) {
        if (states[t * n + s] <= 0 || !table.has(t, s, a)) continue;
        double counted = choices[(t * n + s) * table.n_actions + a] / states[t * n + s];
        EXPECT_NEAR(pi_at(problem, exact.get(), t, s, a), counted, 1e-12);
      }
    }
  }
}

// return, entropy and divergence of the found policies, by going through what they do
void expect_worth(const Table &table, sac_inference_mode mode) {
  Problem problem(table);
  Solution solution = solve(problem, mode);
  double reward = 0, entropy = 0, divergence = 0;
  Vector visits((table.horizon + 1) * table.n_states);
  auto policy = [&](int t, int s, int a) { return pi_at(problem, solution.get(), t, s, a); };
  enumerate(table, policy, [&](const Trajectory &it) {
    reward += it.weight * it.reward;
    for (int t = 0; t <= table.horizon && it.states[t] >= 0; t++) {
      visits[t * table.n_states + it.states[t]] += it.weight;
      if (t == table.horizon || it.actions[t] < 0) continue;
      double log_pi = std::log(policy(t, it.states[t], it.actions[t]));
      entropy -= it.weight * log_pi;
      divergence += it.weight * (log_pi - std::log(table.prior(t, it.states[t], it.actions[t])));
    }
  });
  EXPECT_NEAR(solution->worth.expected_return, reward, 1e-12);
  EXPECT_NEAR(solution->worth.entropy, entropy, 1e-12);
  EXPECT_NEAR(solution->worth.divergence, divergence, 1e-12);
  EXPECT_NEAR(solution->worth.objective, reward - table.temperature * divergence, 1e-12);
  for (size_t i = 0; i < visits.size(); i++) EXPECT_NEAR(solution->visits[i], visits[i], 1e-12);
  // variational inference gets what it expects
  if (mode == kVariational) {
    EXPECT_NEAR(solution->worth.objective, solution->value, 1e-12);
  }
}

TEST(Solution, EqualsCountingAllTrajectories) {
  Random random(1);
  for (Kind kind : {Kind::kDense, Kind::kSparse, Kind::kDeterministic, Kind::kHoles})
    for (int i = 0; i < 12; i++) {
      Table table = random_table(random, kind);
      SCOPED_TRACE(testing::Message() << static_cast<int>(kind) << " " << i);
      expect_counts(table);
      expect_worth(table, kExact);
      expect_worth(table, kVariational);
    }
}

TEST(Solution, EqualsCountingWhereDynamicsChangeWithTime) {
  Random random(2);
  for (int i = 0; i < 12; i++) {
    Table table = random_table(random, i % 2 ? Kind::kDense : Kind::kSparse, 1 + i % 4);
    expect_counts(table);
    expect_worth(table, kExact);
    expect_worth(table, kVariational);
  }
}

TEST(Solution, EqualsCountingWhereEpisodesMayEnd) {
  Random random(3);
  for (int i = 0; i < 12; i++) {
    Table table = random_table(random, i % 2 ? Kind::kDense : Kind::kHoles);
    table.discount = uniform(random, 0.3, 0.99);
    expect_counts(table);
    expect_worth(table, kExact);
    expect_worth(table, kVariational);
  }
}

TEST(Solution, HopeIsNeverBelowReality) {
  Random random(4);
  for (int i = 0; i < 50; i++) {
    bool certain = i % 5 == 0;
    Problem problem(random_table(random, certain ? Kind::kDeterministic : Kind::kDense));
    Solution exact = solve(problem, kExact), real = solve(problem, kVariational);
    for (int k = 0; k < problem.mdp.horizon * problem.mdp.n_states; k++) {
      EXPECT_GE(exact->v[k], real->v[k] - 1e-14);
      if (certain) {
        EXPECT_NEAR(exact->v[k], real->v[k], 1e-13);
      }
    }
  }
}

// any policy, as rows of choices
Vector random_policy(Random &random, const Problem &problem, int stride) {
  Vector policy(sac_mdp_times(&problem.mdp) * stride);
  for (int t = 0; t < sac_mdp_times(&problem.mdp); t++) {
    const sac_mdp_stage *stage = sac_mdp_at(&problem.mdp, t);
    for (int s = 0; s < stage->n_states; s++) {
      int first = stage->first_choice[s], count = stage->first_choice[s + 1] - first;
      Vector row = count > 0 ? simplex(random, count, random() % 3 == 0) : Vector();
      for (int i = 0; i < count; i++) policy[t * stride + first + i] = row[i];
    }
  }
  return policy;
}

TEST(Solution, NoPolicyIsWorthMoreThanTheVariationalOne) {
  Random random(5);
  for (int i = 0; i < 20; i++) {
    Problem problem(random_table(random, i % 2 ? Kind::kDense : Kind::kHoles));
    Solution best = solve(problem, kVariational), exact = solve(problem, kExact);
    EXPECT_LE(exact->worth.objective, best->worth.objective + 1e-13);
    for (int k = 0; k < 100; k++) {
      sac_policy_value other;
      Vector policy = random_policy(random, problem, best->stride);
      ASSERT_EQ(sac_policy_evaluate(&problem.mdp, policy.data(), best->stride, &other, nullptr),
                SAC_OK);
      EXPECT_LE(other.objective, best->worth.objective + 1e-13);
    }
  }
}

// J(pi) = E V*_0 - alpha E sum_t KL(pi || pi*), of any policy
TEST(Solution, WhatAPolicyLosesIsItsDistanceFromTheBest) {
  Random random(6);
  for (int i = 0; i < 30; i++) {
    Table table = random_table(random, Kind::kDense);
    Problem problem(table);
    Solution best = solve(problem, kVariational);
    Vector policy = random_policy(random, problem, best->stride),
           visits((table.horizon + 1) * table.n_states);
    sac_policy_value worth;
    ASSERT_EQ(sac_policy_evaluate(&problem.mdp, policy.data(), best->stride, &worth, nullptr),
              SAC_OK);
    sac_policy_visits(&problem.mdp, policy.data(), best->stride, visits.data());
    double lost = 0;
    for (int t = 0; t < table.horizon; t++)
      for (int s = 0; s < table.n_states; s++)
        for (int a = 0; a < table.n_actions; a++) {
          size_t at = t * best->stride + problem.choice(t, s, a);
          if (policy[at] <= 0) continue;
          lost += visits[t * table.n_states + s] * policy[at] *
                  (std::log(policy[at]) - std::log(best->policy[at]));
        }
    EXPECT_NEAR(worth.objective, best->value - table.temperature * lost, 1e-12);
  }
}

TEST(Solution, OnlyTheRatioOfRewardAndTemperatureMatters) {
  Random random(7);
  for (int i = 0; i < 20; i++) {
    Table table = random_table(random, Kind::kDense), scaled = table;
    double kappa = std::exp(uniform(random, -4, 4));
    scaled.temperature *= kappa;
    for (double &r : scaled.stages[0].r) r *= kappa;
    Problem one(table), other(scaled);
    for (sac_inference_mode mode : {kExact, kVariational}) {
      Solution a = solve(one, mode), b = solve(other, mode);
      for (int k = 0; k < a->n_times * a->stride; k++)
        EXPECT_NEAR(a->policy[k], b->policy[k], 1e-12);
    }
  }
}

TEST(Solution, PoliciesSumToOne) {
  Random random(8);
  for (int i = 0; i < 20; i++) {
    Table table = random_table(random, Kind::kHoles);
    if (i % 2) table.temperature = 1e-4;
    Problem problem(table);
    for (sac_inference_mode mode : {kExact, kVariational}) {
      Solution solution = solve(problem, mode);
      const sac_mdp_stage *stage = problem.mdp.stages[0];
      for (int s = 0; s < stage->n_states; s++) {
        double sum = 0;
        for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++)
          sum += solution->policy[c];
        EXPECT_NEAR(sum, stage->first_choice[s] < stage->first_choice[s + 1], 1e-15 * 8);
      }
    }
  }
}

// in the cold: the best action, and in exact inference also the best of what can follow
TEST(Solution, TheColdTakesTheBest) {
  Random random(9);
  for (int i = 0; i < 20; i++) {
    Table table = random_table(random, Kind::kSparse);
    table.temperature = 1e-9;
    Problem problem(table);
    for (sac_inference_mode mode : {kExact, kVariational}) {
      Solution solution = solve(problem, mode);
      Vector v(table.n_states);
      for (int t = table.horizon - 1; t >= 0; t--) {
        Vector now(table.n_states, -INFINITY);
        for (int s = 0; s < table.n_states; s++)
          for (int a = 0; a < table.n_actions; a++) {
            double mean = 0, most = -INFINITY;
            for (int next = 0; next < table.n_states; next++) {
              if (table.p(t, s, a, next) <= 0) continue;
              mean += table.p(t, s, a, next) * v[next];
              most = std::max(most, v[next]);
            }
            now[s] = std::max(now[s], table.r(t, s, a) + (mode == kExact ? most : mean));
          }
        v = now;
        for (int s = 0; s < table.n_states; s++)
          EXPECT_NEAR(v_at(solution.get(), t, s), v[s], 1e-6);
      }
    }
  }
}

TEST(Solution, WithoutAPriorEveryDecisionAddsALogarithm) {
  Random random(10);
  for (int i = 0; i < 12; i++) {
    Table table = random_table(random, Kind::kDense);
    table.discount = i % 3 ? 1 : 0.8;
    table.stages[0].prior.assign(table.stages[0].prior.size(), 1.0 / table.n_actions);
    Table none = table;
    none.stages[0].prior.assign(none.stages[0].prior.size(), 1);
    Problem with(table), without(none);
    for (sac_inference_mode mode : {kExact, kVariational}) {
      Solution a = solve(with, mode), b = solve(without, mode);
      for (int t = 0; t < table.horizon; t++) {
        double shift_v, shift_q;
        bool exists = sac_solution_no_prior(a.get(), &with.mdp, t, &shift_v, &shift_q);
        EXPECT_EQ(exists, mode == kVariational || table.discount == 1);
        if (!exists) continue;
        for (int s = 0; s < table.n_states; s++) {
          EXPECT_NEAR(v_at(a.get(), t, s) + shift_v, v_at(b.get(), t, s), 1e-12);
          for (int c = 0; c < a->stride; c++) {
            EXPECT_NEAR(a->q[t * a->stride + c] + shift_q, b->q[t * b->stride + c], 1e-12);
            EXPECT_NEAR(a->policy[t * a->stride + c], b->policy[t * b->stride + c], 1e-13);
          }
        }
      }
    }
  }
}

// nothing overflows, nothing is lost to -infinity
TEST(Solution, ExtremeNumbersStayNumbers) {
  Random random(11);
  const double sizes[][2] = {{1e4, 1e-3}, {1e100, 1e-100}, {1e-300, 1e100}, {1e4, 1e8}, {0, 1e-12}};
  for (auto [size, temperature] : sizes)
    for (Kind kind : {Kind::kDense, Kind::kSparse, Kind::kHoles})
      for (int discounting = 0; discounting < 2; discounting++) {
        Table table = random_table(random, kind);
        table.temperature = temperature;
        table.horizon = 20;
        table.discount = discounting ? 0.5 : 1;
        for (double &r : table.stages[0].r) r = r > 0 ? 0 : r * size;
        Problem problem(table);
        for (sac_inference_mode mode : {kExact, kVariational}) {
          Solution solution = solve(problem, mode);
          for (int k = 0; k < (table.horizon + 1) * table.n_states; k++) {
            ASSERT_TRUE(std::isfinite(solution->v[k]));
            ASSERT_TRUE(solution->visits[k] >= 0 && solution->visits[k] <= 1 + 1e-12);
            if (mode == kExact) {
              ASSERT_TRUE(solution->posterior[k] >= 0 && solution->posterior[k] <= 1 + 1e-6);
            }
          }
          const sac_mdp_stage *stage = problem.mdp.stages[0];
          for (int t = 0; t < table.horizon; t++)
            for (int c = 0; c < stage->n_choices; c++) {
              ASSERT_TRUE(std::isfinite(solution->q[t * solution->stride + c]));
              double pi = solution->policy[t * solution->stride + c];
              ASSERT_TRUE(pi >= 0 && pi <= 1);
            }
          ASSERT_TRUE(std::isfinite(solution->worth.objective));
          ASSERT_TRUE(std::isfinite(solution->worth.expected_return));
          if (mode == kExact) {
            ASSERT_TRUE(std::isfinite(solution->log_p_o));
          }
        }
      }
}

TEST(Solution, MessagesThatDoNotFitAreRefused) {
  Problem problem(chain(1, false));
  problem.mdp.horizon = 2000000000;
  sac_solution *solution = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_solution_create(&problem.mdp, kExact, &solution, &err), SAC_FAILED);
  EXPECT_NE(std::string(err.text).find("GB"), std::string::npos) << err.text;
}

}  // namespace
