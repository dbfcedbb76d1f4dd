// Maximum-entropy linear-quadratic control against known numbers, grids, forward moments and finite
// differences.
#include "inference/tables.h"

extern "C" {
#include "env/riccati.h"
#include "inference/linear_control.h"
}

namespace {

using namespace sac_test;

constexpr auto kExact = SAC_INFERENCE_EXACT, kVariational = SAC_INFERENCE_VARIATIONAL;

sac_matrix matrix(int rows, int cols, const Vector &numbers) {
  sac_matrix out = sac_matrix_zero(rows, cols);
  std::copy(numbers.begin(), numbers.end(), out.at);
  return out;
}

sac_linear_problem scalar(int horizon) {
  sac_linear_problem problem = {};
  problem.a = matrix(1, 1, {.9});
  problem.b = matrix(1, 1, {.5});
  problem.q = matrix(1, 1, {1});
  problem.r = matrix(1, 1, {.5});
  problem.w = matrix(1, 1, {.01});
  problem.horizon = horizon;
  problem.discount = horizon > 0 ? 1 : .95;
  problem.temperature = .1;
  problem.start_mean = sac_matrix_zero(1, 1);
  problem.start_covariance = sac_matrix_identity(1);
  return problem;
}

struct Destroy {
  void operator()(sac_linear_solution *solution) const { sac_linear_destroy(solution); }
};
using Linear = std::unique_ptr<sac_linear_solution, Destroy>;

Linear solve(const sac_linear_problem &problem, sac_inference_mode mode) {
  sac_linear_solution *solution = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_linear_solve(&problem, mode, &solution, &err), SAC_OK) << err.text;
  return Linear(solution);
}

TEST(LinearControl, TheScalarExampleHasItsKnownSolution) {
  Linear found = solve(scalar(0), kVariational);
  EXPECT_NEAR(found->v[0].p.at[0], 1.730970016481, 1e-12);
  EXPECT_NEAR(found->policy[0].k.at[0], 0.812188907201, 1e-12);
  EXPECT_NEAR(std::sqrt(found->policy[0].covariance.at[0]), 0.331295620, 1e-9);
  EXPECT_NEAR(found->v[0].c, -0.536053463629, 1e-12);
}

TEST(LinearControl, TheDoubleIntegratorHasItsKnownSolution) {
  sac_linear_problem problem = scalar(0);
  problem.a = matrix(2, 2, {1, .1, 0, 1});
  problem.b = matrix(2, 1, {0, .1});
  problem.q = matrix(2, 2, {1, 0, 0, .1});
  problem.r = matrix(1, 1, {.1});
  problem.w = matrix(2, 2, {1e-4, 0, 0, 1e-4});
  problem.discount = .99;
  problem.temperature = .2;
  problem.start_mean = sac_matrix_zero(2, 1);
  problem.start_covariance = sac_matrix_identity(2);
  Linear found = solve(problem, kVariational);
  const double p[] = {9.210708608499, 3.466541784104, 3.466541784104, 3.002674969321};
  for (int i = 0; i < 4; i++) EXPECT_NEAR(found->v[0].p.at[i], p[i], 1e-11);
  EXPECT_NEAR(found->policy[0].k.at[0], 2.645470923254, 1e-11);
  EXPECT_NEAR(found->policy[0].k.at[1], 2.556020790911, 1e-11);
  EXPECT_NEAR(std::sqrt(found->policy[0].covariance.at[0]), 1.2416542435, 1e-10);
  EXPECT_NEAR(found->v[0].c, 22.647205572183, 1e-10);
}

TEST(LinearControl, OptimismTrustsTheNoise) {
  Linear real = solve(scalar(6), kVariational), hope = solve(scalar(6), kExact);
  EXPECT_NEAR(real->v[0].p.at[0], 1.757138860902, 1e-12);
  EXPECT_NEAR(real->policy[0].k.at[0], 0.841265401002, 1e-12);
  EXPECT_NEAR(real->policy[0].covariance.at[0], 0.106526066555, 1e-12);
  EXPECT_NEAR(hope->v[0].p.at[0], 1.676808392538, 1e-12);
  EXPECT_NEAR(hope->policy[0].k.at[0], 0.752009325042, 1e-12);
  EXPECT_NEAR(hope->policy[0].covariance.at[0], 0.116443408329, 1e-12);
  EXPECT_NEAR(real->value, real->worth.objective, 1e-12);
  EXPECT_GT(hope->value, real->value);
  EXPECT_LT(hope->worth.objective, real->worth.objective);
}

sac_matrix random_matrix(Random &random, int rows, int cols, double size) {
  sac_matrix out = sac_matrix_zero(rows, cols);
  for (int i = 0; i < rows * cols; i++) out.at[i] = uniform(random, -size, size);
  return out;
}

// X'X of `rank` rows, and some of the identity
sac_matrix random_square(Random &random, int n, int rank, double definite) {
  sac_matrix out =
      sac_matrix_congruence(sac_matrix_identity(rank), random_matrix(random, rank, n, 1));
  return sac_matrix_add(out, sac_matrix_scale(definite, sac_matrix_identity(n)));
}

sac_linear_problem random_problem(Random &random, int n, int m, int horizon) {
  sac_linear_problem problem = {};
  problem.a = random_matrix(random, n, n, .9 / n);
  problem.b = random_matrix(random, n, m, 1);
  problem.q = random_square(random, n, 1, 0);
  problem.r = random_square(random, m, m, .2);
  problem.w = random_square(random, n, n > 1 ? n - 1 : 1, 0);
  problem.horizon = horizon;
  problem.discount = horizon > 0 ? 1 : .9;
  problem.temperature = std::exp(uniform(random, -2, 1));
  problem.start_mean = random_matrix(random, n, 1, 1);
  problem.start_covariance = random_square(random, n, n, .1);
  return problem;
}

TEST(LinearControl, AgreesWithTheEnvironmentsClosedForm) {
  Random random(31);
  for (int i = 0; i < 20; i++) {
    int n = 1 + i % 4, m = 1 + i % 3;
    sac_linear_problem problem = random_problem(random, n, m, 0);
    sac_riccati_problem theirs = {};
    theirs.n = n;
    theirs.m = m;
    std::copy_n(problem.a.at, n * n, theirs.a);
    std::copy_n(problem.b.at, n * m, theirs.b);
    std::copy_n(problem.q.at, n * n, theirs.q);
    std::copy_n(problem.r.at, m * m, theirs.r);
    std::copy_n(problem.w.at, n * n, theirs.w);
    theirs.gamma = problem.discount;
    theirs.alpha = problem.temperature;
    sac_riccati expected;
    ASSERT_EQ(sac_riccati_solve(&theirs, &expected, nullptr), SAC_OK);
    Linear found = solve(problem, kVariational);
    for (int k = 0; k < n * n; k++) EXPECT_NEAR(found->v[0].p.at[k], expected.p[k], 1e-10);
    for (int k = 0; k < n * m; k++) EXPECT_NEAR(found->policy[0].k.at[k], expected.k[k], 1e-10);
    for (int k = 0; k < m * m; k++)
      EXPECT_NEAR(found->policy[0].covariance.at[k], expected.covariance[k], 1e-11);
    EXPECT_NEAR(found->v[0].c, expected.c, 1e-9);
    EXPECT_NEAR(found->value, found->worth.objective, 1e-9);
  }
}

// value iteration over a grid of actions; V is a parabola through three points, the noise three
// Gauss-Hermite nodes: exact for parabolas
TEST(LinearControl, AgreesWithValueIterationOnAGrid) {
  const double alpha = .1, gamma = .95, step = .01, node = .1 * std::sqrt(3.0);
  double p = 0, c = 0, mean = 0, deviation = 0;
  for (int sweep = 0; sweep < 600; sweep++) {
    double v[2];
    for (int at = 0; at < 2; at++) {
      double s = at, most = -INFINITY, sum = 0, first = 0, second = 0;
      Vector q;
      for (double a = -6; a <= 6; a += step) {
        double next = .9 * s + .5 * a, expected = 0;
        for (int k = -1; k <= 1; k++) {
          double x = next + k * node;
          expected += (k == 0 ? 2.0 / 3 : 1.0 / 6) * (c - p * x * x / 2);
        }
        q.push_back(-(s * s + .5 * a * a) / 2 + gamma * expected);
        most = std::max(most, q.back());
      }
      for (size_t i = 0; i < q.size(); i++) {
        double a = -6 + step * static_cast<double>(i), weight = std::exp((q[i] - most) / alpha);
        sum += weight;
        first += weight * a;
        second += weight * a * a;
      }
      v[at] = most + alpha * std::log(sum * step);
      mean = first / sum;
      deviation = std::sqrt(second / sum - mean * mean);
    }
    c = v[0];
    p = 2 * (v[0] - v[1]);
  }
  Linear found = solve(scalar(0), kVariational);
  EXPECT_NEAR(found->v[0].p.at[0], p, 1e-9);
  EXPECT_NEAR(found->v[0].c, c, 1e-9);
  EXPECT_NEAR(-found->policy[0].k.at[0], mean, 1e-9);
  EXPECT_NEAR(std::sqrt(found->policy[0].covariance.at[0]), deviation, 1e-9);
}

// the scalar example as a table of states and actions, solved by inference on tables
TEST(LinearControl, BothModesAgreeWithInferenceOnAGrid) {
  const int n = 121, m = 81, horizon = 3;
  const double step = .05, push = .1, deviation = .1, alpha = .1;
  auto state = [&](int i) { return step * (i - n / 2); };
  auto action = [&](int j) { return push * (j - m / 2); };
  std::vector<sac_transition> list;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++) {
      double mean = .9 * state(i) + .5 * action(j), sum = 0;
      size_t first = list.size();
      for (int k = 0; k < n; k++) {
        double z = (state(k) - mean) / deviation;
        if (std::fabs(z) > 9) continue;
        list.push_back({i, j, k, 0, 0, std::exp(-z * z / 2)});
        sum += list.back().probability;
      }
      // what leaves the grid stays at its edge
      if (list.size() == first) list.push_back({i, j, mean < 0 ? 0 : n - 1, 0, 0, sum = 1});
      for (size_t k = first; k < list.size(); k++) list[k].probability /= sum;
    }
  sac_mdp mdp = {};
  mdp.n_states = n;
  mdp.n_actions = m;
  mdp.horizon = horizon;
  mdp.discount = 1;
  mdp.temperature = alpha;
  mdp.n_stages = 1;
  mdp.start = static_cast<double *>(calloc(n, sizeof(double)));
  mdp.start[n / 2] = 1;
  mdp.stage_from = static_cast<int *>(calloc(1, sizeof(int)));
  mdp.stages = static_cast<sac_mdp_stage **>(calloc(1, sizeof(void *)));
  ASSERT_EQ(
      sac_mdp_stage_create(n, m, list.data(), static_cast<int>(list.size()), mdp.stages, nullptr),
      SAC_OK);
  sac_mdp_stage *stage = mdp.stages[0];
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++) {
      stage->reward[i * m + j] = -(state(i) * state(i) + .5 * action(j) * action(j)) / 2;
      stage->prior[i * m + j] = push;  // the measure of a cell
    }
  for (sac_inference_mode mode : {kExact, kVariational}) {
    sac_solution *grid = nullptr;
    ASSERT_EQ(sac_solution_create(&mdp, mode, &grid, nullptr), SAC_OK);
    Linear found = solve(scalar(horizon), mode);
    int at = n / 2 + 10;
    double s = state(at), mean = 0, square = 0;
    for (int j = 0; j < m; j++) {
      mean += grid->policy[at * m + j] * action(j);
      square += grid->policy[at * m + j] * action(j) * action(j);
    }
    EXPECT_NEAR(grid->v[n / 2], found->v[0].c, 1e-9);
    EXPECT_NEAR(grid->v[at], found->v[0].c - found->v[0].p.at[0] * s * s / 2, 1e-9);
    EXPECT_NEAR(mean, -found->policy[0].k.at[0] * s, 1e-9);
    EXPECT_NEAR(square - mean * mean, found->policy[0].covariance.at[0], 1e-9);
    sac_solution_destroy(grid);
  }
  sac_mdp_release(&mdp);
}

sac_linear_policy random_policy(Random &random, int n, int m) {
  // so small that the closed loop stays stable
  return {random_matrix(random, m, n, .14 / (m * n)), random_square(random, m, m, .2)};
}

// E sum_t gamma^t r, forward through the moments of the states
double simulate(const sac_linear_problem &problem, const sac_linear_policy &policy, int steps) {
  sac_matrix loop = sac_matrix_subtract(problem.a, sac_matrix_multiply(problem.b, policy.k));
  sac_matrix noise = sac_matrix_add(
      problem.w, sac_matrix_congruence(policy.covariance, sac_matrix_transpose(problem.b)));
  sac_matrix mean = problem.start_mean;
  sac_matrix moment = sac_matrix_add(problem.start_covariance,
                                     sac_matrix_multiply(mean, sac_matrix_transpose(mean)));
  double sum = 0, weight = 1;
  for (int t = 0; t < steps; t++) {
    sac_matrix actions = sac_matrix_add(
        policy.covariance, sac_matrix_congruence(moment, sac_matrix_transpose(policy.k)));
    sum -=
        weight * (sac_matrix_inner(problem.q, moment) + sac_matrix_inner(problem.r, actions)) / 2;
    moment = sac_matrix_add(sac_matrix_congruence(moment, sac_matrix_transpose(loop)), noise);
    weight *= problem.discount;
  }
  return sum;
}

sac_linear_worth evaluate(const sac_linear_problem &problem, const sac_linear_policy &policy) {
  sac_linear_worth worth;
  sac_error err = {};
  EXPECT_EQ(sac_linear_evaluate(&problem, &policy, true, &worth, &err), SAC_OK) << err.text;
  return worth;
}

TEST(LinearControl, TheReturnOfAnyPolicyIsThatOfItsMoments) {
  Random random(32);
  for (int i = 0; i < 20; i++) {
    int n = 1 + i % 3, m = 1 + i % 2, horizon = i % 4 ? 0 : 7;
    sac_linear_problem problem = random_problem(random, n, m, horizon);
    if (horizon > 0) problem.discount = .8;
    sac_linear_policy policy = random_policy(random, n, m);
    double expected = simulate(problem, policy, horizon > 0 ? horizon : 2000);
    EXPECT_NEAR(evaluate(problem, policy).expected_return, expected,
                1e-9 * (1 + std::fabs(expected)));
  }
}

TEST(LinearControl, GradientsAreThoseOfFiniteDifferences) {
  Random random(33);
  const double h = 1e-5;
  for (int i = 0; i < 20; i++) {
    int n = 1 + i % 3, m = 1 + i % 2;
    sac_linear_problem problem = random_problem(random, n, m, i % 4 ? 0 : 6);
    if (problem.horizon > 0 && i % 8) problem.discount = .7;
    sac_linear_policy policy = random_policy(random, n, m);
    sac_linear_worth worth = evaluate(problem, policy);
    for (int k = 0; k < m * n; k++) {
      sac_linear_policy up = policy, down = policy;
      up.k.at[k] += h;
      down.k.at[k] -= h;
      double slope =
          (evaluate(problem, up).objective - evaluate(problem, down).objective) / (2 * h);
      EXPECT_NEAR(worth.grad_k.at[k], slope, 1e-6 * (1 + std::fabs(slope)));
    }
    for (int a = 0; a < m; a++)
      for (int b = 0; b <= a; b++) {
        sac_linear_policy up = policy, down = policy;
        up.covariance.at[a * m + b] += h;
        down.covariance.at[a * m + b] -= h;
        if (a != b) up.covariance.at[b * m + a] += h;
        if (a != b) down.covariance.at[b * m + a] -= h;
        double slope =
            (evaluate(problem, up).objective - evaluate(problem, down).objective) / (2 * h);
        double found = worth.grad_covariance.at[a * m + b];
        if (a != b) found += worth.grad_covariance.at[b * m + a];
        EXPECT_NEAR(found, slope, 1e-6 * (1 + std::fabs(slope)));
      }
  }
}

TEST(LinearControl, TheOptimumIsWhereGradientsVanish) {
  Random random(34);
  for (int i = 0; i < 10; i++) {
    sac_linear_problem problem = random_problem(random, 3, 2, 0);
    Linear found = solve(problem, kVariational);
    EXPECT_LT(sac_matrix_largest(found->worth.grad_k), 1e-9);
    EXPECT_LT(sac_matrix_largest(found->worth.grad_covariance), 1e-9);
    for (int k = 0; k < 20; k++)
      EXPECT_LE(evaluate(problem, random_policy(random, 3, 2)).objective, found->value);
  }
}

TEST(LinearControl, HopeIsNeverBelowReality) {
  Random random(35);
  for (int i = 0; i < 20; i++) {
    sac_linear_problem problem = random_problem(random, 1 + i % 4, 1 + i % 3, 1 + i % 7);
    if (i % 5 == 0) problem.w = sac_matrix_scale(0, problem.w);
    Linear hope = solve(problem, kExact), real = solve(problem, kVariational);
    EXPECT_GE(hope->value, real->value - 1e-12);
    EXPECT_LE(hope->worth.objective, real->worth.objective + 1e-12);
    if (i % 5 == 0) {
      EXPECT_NEAR(hope->value, real->value, 1e-11 * (1 + std::fabs(real->value)));
    }
  }
}

TEST(LinearControl, WhatHasNoFiniteCostIsToldAsSuch) {
  sac_linear_problem problem = scalar(0);
  sac_linear_solution *solution = nullptr;
  sac_error err = {};
  problem.a.at[0] = 2;
  problem.b.at[0] = 0;
  EXPECT_EQ(sac_linear_solve(&problem, kVariational, &solution, &err), SAC_BAD_NUMBER);
  EXPECT_NE(std::string(err.text).find("controllable"), std::string::npos) << err.text;
  problem.b.at[0] = 1;
  sac_linear_policy wild = {matrix(1, 1, {0}), matrix(1, 1, {1})};
  sac_linear_worth worth;
  EXPECT_EQ(sac_linear_evaluate(&problem, &wild, true, &worth, &err), SAC_BAD_NUMBER);
  EXPECT_NE(std::string(err.text).find("infinite"), std::string::npos) << err.text;
}

TEST(LinearControl, ExtremeTemperaturesStayNumbers) {
  for (double temperature : {1e-100, 1e-12, 1e12}) {
    sac_linear_problem problem = scalar(50);
    problem.temperature = temperature;
    for (sac_inference_mode mode : {kExact, kVariational}) {
      Linear found = solve(problem, mode);
      EXPECT_TRUE(std::isfinite(found->value)) << temperature;
      EXPECT_GT(found->policy[0].covariance.at[0], 0);
    }
  }
}

}  // namespace
