#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "env/riccati.h"
}

namespace {

sac_riccati_problem scalar_problem() {
  sac_riccati_problem problem = {};
  problem.n = problem.m = 1;
  problem.a[0] = 0.9;
  problem.b[0] = 0.5;
  problem.q[0] = 1;
  problem.r[0] = 0.5;
  problem.w[0] = 0.01;
  problem.gamma = 0.95;
  problem.alpha = 0.1;
  return problem;
}

sac_riccati_problem double_integrator() {
  sac_riccati_problem problem = {};
  problem.n = 2;
  problem.m = 1;
  const double a[] = {1, 0.1, 0, 1}, b[] = {0, 0.1}, q[] = {1, 0, 0, 0.1}, w[] = {1e-4, 0, 0, 1e-4};
  std::memcpy(problem.a, a, sizeof a);
  std::memcpy(problem.b, b, sizeof b);
  std::memcpy(problem.q, q, sizeof q);
  std::memcpy(problem.w, w, sizeof w);
  problem.r[0] = 0.1;
  problem.gamma = 0.99;
  problem.alpha = 0.2;
  return problem;
}

// numbers from an independent float64 solution, confirmed by value iteration on a grid
TEST(Riccati, ScalarExampleHasTheKnownSolution) {
  sac_riccati_problem problem = scalar_problem();
  sac_riccati optimum;
  ASSERT_EQ(sac_riccati_solve(&problem, &optimum, nullptr), SAC_OK);
  EXPECT_NEAR(optimum.p[0], 1.730970016481, 1e-9);
  EXPECT_NEAR(optimum.k[0], 0.812188907201, 1e-9);
  EXPECT_NEAR(optimum.std[0], 0.331295620, 1e-9);
  EXPECT_NEAR(optimum.c, -0.536053463629, 1e-9);
}

TEST(Riccati, DoubleIntegratorHasTheKnownSolution) {
  sac_riccati_problem problem = double_integrator();
  sac_riccati optimum;
  ASSERT_EQ(sac_riccati_solve(&problem, &optimum, nullptr), SAC_OK);
  const double p[] = {9.210708608499, 3.466541784104, 3.466541784104, 3.002674969321};
  for (int i = 0; i < 4; i++) EXPECT_NEAR(optimum.p[i], p[i], 1e-9);
  EXPECT_NEAR(optimum.k[0], 2.645470923254, 1e-9);
  EXPECT_NEAR(optimum.k[1], 2.556020790911, 1e-9);
  EXPECT_NEAR(optimum.std[0], 1.2416542435, 1e-9);
  EXPECT_NEAR(optimum.c, 22.647205572183, 1e-9);
}

using Matrix = std::vector<double>;

Matrix times(const Matrix &x, const Matrix &y, int rows, int inner, int cols) {
  Matrix out(rows * cols);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++)
      for (int k = 0; k < inner; k++) out[i * cols + j] += x[i * inner + k] * y[k * cols + j];
  return out;
}

Matrix transposed(const Matrix &x, int rows, int cols) {
  Matrix out(rows * cols);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++) out[j * rows + i] = x[i * cols + j];
  return out;
}

// three states, two actions: the cost of acting by -K s, by repeated evaluation of that policy
// alone
TEST(Riccati, ValueIsTheCostOfItsOwnPolicy) {
  const int n = 3, m = 2;
  const Matrix a = {0.9, 0.2, 0, -0.1, 1.01, 0.3, 0.05, 0, 0.7}, b = {0.5, 0, 0.1, 0.4, 0, 1};
  const Matrix q = {2, 0.3, 0, 0.3, 1, 0, 0, 0, 0.5}, r = {0.5, 0.1, 0.1, 0.3};
  sac_riccati_problem problem = {};
  problem.n = n;
  problem.m = m;
  std::copy(a.begin(), a.end(), problem.a);
  std::copy(b.begin(), b.end(), problem.b);
  std::copy(q.begin(), q.end(), problem.q);
  std::copy(r.begin(), r.end(), problem.r);
  problem.gamma = 0.97;
  problem.alpha = 0.3;
  sac_riccati optimum;
  ASSERT_EQ(sac_riccati_solve(&problem, &optimum, nullptr), SAC_OK);

  const Matrix k(optimum.k, optimum.k + m * n), kt = transposed(k, m, n);
  Matrix closed = a, bk = times(b, k, n, m, n), cost = times(times(kt, r, n, m, m), k, n, m, n);
  for (int i = 0; i < n * n; i++) {
    closed[i] -= bk[i];
    cost[i] += q[i];
  }
  Matrix p(n * n);
  for (int step = 0; step < 3000; step++) {
    Matrix next = times(times(transposed(closed, n, n), p, n, n, n), closed, n, n, n);
    for (int i = 0; i < n * n; i++) p[i] = cost[i] + problem.gamma * next[i];
  }
  for (int i = 0; i < n * n; i++) EXPECT_NEAR(optimum.p[i], p[i], 1e-9);
}

TEST(Riccati, RefusesWhatHasNoSolution) {
  sac_error err = {};
  sac_riccati optimum;
  sac_riccati_problem problem = scalar_problem();
  problem.r[0] = 0;
  EXPECT_EQ(sac_riccati_solve(&problem, &optimum, &err), SAC_BAD_CONFIG);
  EXPECT_NE(std::string(err.text).find("positive definite"), std::string::npos) << err.text;

  problem = scalar_problem();
  problem.a[0] = 2;
  problem.b[0] = 0;
  EXPECT_EQ(sac_riccati_solve(&problem, &optimum, &err), SAC_BAD_CONFIG);
  EXPECT_NE(std::string(err.text).find("no finite solution"), std::string::npos) << err.text;
}

TEST(Cholesky, FactorsSemiDefiniteMatricesOnly) {
  const double singular[] = {4, 2, 2, 1}, indefinite[] = {1, 2, 2, 1}, zero[] = {0, 0, 0, 0};
  double factor[4];
  ASSERT_TRUE(sac_cholesky(2, singular, factor));
  EXPECT_DOUBLE_EQ(factor[0], 2);
  EXPECT_DOUBLE_EQ(factor[2], 1);
  EXPECT_DOUBLE_EQ(factor[3], 0);
  EXPECT_FALSE(sac_cholesky(2, indefinite, factor));
  EXPECT_TRUE(sac_cholesky(2, zero, factor));
}

}  // namespace
