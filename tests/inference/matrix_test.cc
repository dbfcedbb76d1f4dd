// Small matrices against their definitions.
#include "inference/tables.h"

extern "C" {
#include "inference/matrix.h"
}

namespace {

using namespace sac_test;

sac_matrix random_matrix(Random &random, int rows, int cols) {
  sac_matrix out = sac_matrix_zero(rows, cols);
  for (int i = 0; i < rows * cols; i++) out.at[i] = uniform(random, -1, 1);
  return out;
}

void expect_near(const sac_matrix &x, const sac_matrix &y, double tolerance) {
  ASSERT_EQ(x.rows, y.rows);
  ASSERT_EQ(x.cols, y.cols);
  for (int i = 0; i < x.rows * x.cols; i++) EXPECT_NEAR(x.at[i], y.at[i], tolerance);
}

TEST(Matrix, ProductsFollowTheirDefinition) {
  sac_matrix x = {2, 3, {1, 2, 3, 4, 5, 6}}, y = {3, 1, {1, 0, -1}};
  expect_near(sac_matrix_multiply(x, y), {2, 1, {-2, -2}}, 0);
  expect_near(sac_matrix_transpose(x), {3, 2, {1, 4, 2, 5, 3, 6}}, 0);
  EXPECT_EQ(sac_matrix_inner({2, 2, {1, 2, 3, 4}}, {2, 2, {5, 6, 7, 8}}),
            1 * 5 + 2 * 7 + 3 * 6 + 4 * 8);
  EXPECT_EQ(sac_matrix_trace({2, 2, {1, 2, 3, 4}}), 5);
  EXPECT_EQ(sac_matrix_largest({1, 2, {1, -2}}), 2);
}

TEST(Matrix, FactorsSolveAndMeasure) {
  Random random(41);
  for (int n = 1; n <= SAC_MATRIX_MAX; n++) {
    sac_matrix x = sac_matrix_congruence(sac_matrix_identity(n), random_matrix(random, n, n));
    x = sac_matrix_add(x, sac_matrix_scale(0.1, sac_matrix_identity(n)));
    sac_matrix y = random_matrix(random, n, 2), factor;
    ASSERT_TRUE(sac_matrix_factor(x, &factor));
    expect_near(sac_matrix_multiply(factor, sac_matrix_transpose(factor)), x, 1e-13);
    expect_near(sac_matrix_multiply(x, sac_matrix_solve(factor, y)), y, 1e-11);
    double product = 0;
    for (int i = 0; i < n; i++) product += 2 * std::log(factor.at[i * n + i]);
    EXPECT_EQ(sac_matrix_log_det(factor), product);
  }
  sac_matrix factor, singular = {2, 2, {1, 1, 1, 1}}, indefinite = {2, 2, {1, 2, 2, 1}};
  EXPECT_FALSE(sac_matrix_factor(singular, &factor));
  EXPECT_TRUE(sac_matrix_root(singular, &factor));
  EXPECT_FALSE(sac_matrix_root(indefinite, &factor));
}

}  // namespace
