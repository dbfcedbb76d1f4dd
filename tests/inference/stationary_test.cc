// Soft value iteration without a horizon: known numbers, linear solves, and an honest bound.
#include "inference/tables.h"

namespace {

using namespace sac_test;

constexpr auto kExact = SAC_INFERENCE_EXACT, kVariational = SAC_INFERENCE_VARIATIONAL;

Table chain() {
  Table table;
  table.n_states = 3;
  table.n_actions = 2;
  table.temperature = 0.5;
  table.discount = 0.95;
  table.start = {0.6, 0.3, 0.1};
  Stage stage;
  stage.p = {.7, .2, .1, .1, .6, .3, .3, .4, .3, .05, .05, .9, .5, .25, .25, .2, .3, .5};
  stage.r = {-1, -.5, -2, -.25, 0, -1.5};
  stage.prior.assign(6, 0.5);
  table.stages = {stage};
  return table;
}

TEST(Stationary, TheChainHasItsKnownNumbers) {
  const double no_prior[] = {-3.3107519434, -3.0990086171, -2.9900121988};
  const double exact[] = {-1.9750724738, -1.8105742994, -1.6167133527};
  Table table = chain(), flat = chain();
  flat.stages[0].prior.assign(6, 1);
  Problem problem(table), without(flat);
  Solution real = solve(problem, kVariational), hope = solve(problem, kExact),
           none = solve(without, kVariational);
  double shift_v, shift_q;
  ASSERT_TRUE(sac_solution_no_prior(real.get(), &problem.mdp, 0, &shift_v, &shift_q));
  EXPECT_NEAR(shift_v, 6.931471805599, 1e-12);
  for (int s = 0; s < 3; s++) {
    EXPECT_NEAR(none->v[s], no_prior[s], 1e-10);
    EXPECT_NEAR(real->v[s], no_prior[s] - 6.931471805599, 1e-10);
    EXPECT_NEAR(hope->v[s], exact[s], 1e-10);
  }
}

// x of (I - M) x = b, by Gauss and Jordan with pivots
Vector solve_fixed_point(Vector m, Vector b) {
  int n = static_cast<int>(b.size());
  for (double &x : m) x = -x;
  for (int i = 0; i < n; i++) m[i * n + i] += 1;
  for (int k = 0; k < n; k++) {
    int pivot = k;
    for (int i = k; i < n; i++)
      if (std::fabs(m[i * n + k]) > std::fabs(m[pivot * n + k])) pivot = i;
    for (int j = 0; j < n; j++) std::swap(m[k * n + j], m[pivot * n + j]);
    std::swap(b[k], b[pivot]);
    for (int i = 0; i < n; i++) {
      if (i == k) continue;
      double factor = m[i * n + k] / m[k * n + k];
      for (int j = 0; j < n; j++) m[i * n + j] -= factor * m[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  for (int i = 0; i < n; i++) b[i] /= m[i * n + i];
  return b;
}

// exp(V / alpha) solves a linear system: W = sum_a p exp(r / alpha) (gamma P W + 1 - gamma)
TEST(Stationary, ExactInferenceSolvesItsLinearSystem) {
  Random random(21);
  for (int i = 0; i < 40; i++) {
    Table table = random_table(random, i % 2 ? Kind::kDense : Kind::kSparse);
    table.horizon = 0;
    table.discount = uniform(random, 0.1, 0.9);
    // rewards above 0 too, as far as the evidence stays finite
    for (double &r : table.stages[0].r) r = r * table.temperature - 0.9 * table.temperature;
    int n = table.n_states;
    Vector m(n * n), b(n);
    for (int s = 0; s < n; s++)
      for (int a = 0; a < table.n_actions; a++) {
        double weight = table.prior(0, s, a) * std::exp(table.r(0, s, a) / table.temperature);
        b[s] += weight * (1 - table.discount);
        for (int next = 0; next < n; next++)
          m[s * n + next] += weight * table.discount * table.p(0, s, a, next);
      }
    Vector w = solve_fixed_point(m, b);
    Problem problem(table);
    Solution exact = solve(problem, kExact);
    for (int s = 0; s < n; s++) EXPECT_NEAR(exact->v[s], table.temperature * std::log(w[s]), 1e-11);
  }
}

TEST(Stationary, TheBoundHoldsForEveryTolerance) {
  Random random(22);
  for (int i = 0; i < 30; i++) {
    Table table = random_table(random, i % 2 ? Kind::kDense : Kind::kHoles);
    table.horizon = 0;
    table.discount = uniform(random, 0.5, 0.99);
    if (table.absorbing(0, 0)) continue;
    for (double &r : table.stages[0].r) r = std::min(r, 0.0);
    for (sac_inference_mode mode : {kExact, kVariational}) {
      Problem fine(table);
      Solution best = solve(fine, mode);
      for (double tolerance : {1.0, 1e-2, 1e-5, 1e-9}) {
        table.tolerance = tolerance;
        Problem coarse(table);
        Solution found = solve(coarse, mode);
        EXPECT_LE(found->error_bound, tolerance + 1e-10);
        double error = 0;
        for (int s = 0; s < table.n_states; s++)
          error = std::max(error, std::fabs(found->v[s] - best->v[s]));
        EXPECT_LE(error, found->error_bound + best->error_bound);
      }
      table.tolerance = 1e-12;
    }
  }
}

// the backup of the whole table brings any two values closer by gamma
TEST(Stationary, BackupsContract) {
  Random random(23);
  for (int i = 0; i < 30; i++) {
    Table table = random_table(random, Kind::kDense);
    table.discount = uniform(random, 0.1, 0.99);
    Problem problem(table);
    sac_soft_backup backup = sac_soft_backup_of(&problem.mdp, kVariational);
    int n = table.n_states, choices = problem.mdp.stages[0]->n_choices;
    Vector x(n), y(n), q(choices), policy(choices), x_after(n), y_after(n);
    double before = 0, after = 0;
    for (int s = 0; s < n; s++) {
      x[s] = uniform(random, -50, 50);
      y[s] = uniform(random, -50, 50);
      before = std::max(before, std::fabs(x[s] - y[s]));
    }
    sac_soft_backup_all(&backup, problem.mdp.stages[0], x.data(), q.data(), x_after.data(),
                        policy.data());
    sac_soft_backup_all(&backup, problem.mdp.stages[0], y.data(), q.data(), y_after.data(),
                        policy.data());
    for (int s = 0; s < n; s++) after = std::max(after, std::fabs(x_after[s] - y_after[s]));
    EXPECT_LE(after, table.discount * before + 1e-12);
  }
}

// the worth of any policy solves a linear system too
TEST(Stationary, PoliciesAreEvaluatedToTheEnd) {
  Random random(24);
  for (int i = 0; i < 30; i++) {
    Table table = random_table(random, i % 2 ? Kind::kDense : Kind::kSparse);
    table.horizon = 0;
    table.discount = uniform(random, 0.1, 0.95);
    Problem problem(table);
    int n = table.n_states;
    Vector policy(problem.mdp.stages[0]->n_choices), m(n * n), reward(n), entropy(n), divergence(n);
    for (int s = 0; s < n; s++) {
      Vector row = simplex(random, table.n_actions, false);
      for (int a = 0; a < table.n_actions; a++) {
        policy[problem.choice(0, s, a)] = row[a];
        reward[s] += row[a] * table.r(0, s, a);
        entropy[s] -= row[a] * std::log(row[a]);
        divergence[s] += row[a] * std::log(row[a] / table.prior(0, s, a));
        for (int next = 0; next < n; next++)
          m[s * n + next] += row[a] * table.discount * table.p(0, s, a, next);
      }
    }
    sac_policy_value found;
    ASSERT_EQ(sac_policy_evaluate(&problem.mdp, policy.data(), sac_mdp_stride(&problem.mdp), &found,
                                  nullptr),
              SAC_OK);
    auto expect = [&](const Vector &b, double value) {
      Vector x = solve_fixed_point(m, b);
      double sum = 0;
      for (int s = 0; s < n; s++) sum += table.start[s] * x[s];
      EXPECT_NEAR(value, sum, 1e-11);
    };
    expect(reward, found.expected_return);
    expect(entropy, found.entropy);
    expect(divergence, found.divergence);
    EXPECT_LE(found.error_bound, 1e-10);
  }
}

TEST(Stationary, VariationalInferenceGetsWhatItExpects) {
  Random random(25);
  for (int i = 0; i < 20; i++) {
    Table table = random_table(random, Kind::kHoles);
    table.horizon = 0;
    table.discount = 0.9;
    for (double &r : table.stages[0].r) r = std::min(r, 0.0);
    Problem problem(table);
    Solution real = solve(problem, kVariational), exact = solve(problem, kExact);
    EXPECT_NEAR(real->value, real->worth.objective, 1e-10);
    EXPECT_LE(exact->worth.objective, real->worth.objective + 1e-10);
  }
}

TEST(Stationary, EvidenceThatIsNotFiniteIsToldAsSuch) {
  Table table = chain();
  for (double &r : table.stages[0].r) r += 3;
  Problem problem(table);
  sac_solution *solution = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_solution_create(&problem.mdp, kExact, &solution, &err), SAC_BAD_NUMBER);
  EXPECT_NE(std::string(err.text).find("outgrow the discount"), std::string::npos) << err.text;
  EXPECT_EQ(sac_solution_create(&problem.mdp, kVariational, &solution, &err), SAC_OK);
  sac_solution_destroy(solution);
}

TEST(Stationary, ExtremeNumbersStayNumbers) {
  Table table = chain();
  table.temperature = 1e-3;
  for (double &r : table.stages[0].r) r *= 1e4;
  Problem problem(table);
  for (sac_inference_mode mode : {kExact, kVariational}) {
    Solution solution = solve(problem, mode);
    for (int s = 0; s < 3; s++) EXPECT_TRUE(std::isfinite(solution->v[s]));
    EXPECT_TRUE(std::isfinite(solution->worth.objective));
    EXPECT_LT(solution->error_bound, 1e-6);
  }
}

}  // namespace
