// The mixture of Gaussians against float64 formulas; its likelihood-ratio gradient against central
// differences of log pi with the action held.
#include <algorithm>

#include "ops/fixture.h"

using namespace sac_test;

namespace {

using Values = std::vector<double>;

const double kHalfLogTwoPi = 0.5 * std::log(2 * std::acos(-1.0));

double log_std_of(const sac_gaussian &g, double raw) {
  double low = g.log_std_min, high = g.log_std_max;
  if (g.mode == SAC_LOG_STD_CLAMP) return std::min(std::max(raw, low), high);
  if (g.mode == SAC_LOG_STD_TANH) return low + 0.5 * (high - low) * (std::tanh(raw) + 1);
  return std::log(std::log1p(std::exp(raw)) + 1e-5);
}

/// One row's head: [means K A | log stds K A | logits K].
struct Row {
  sac_gmm gmm;
  Values head;

  size_t dims() const { return (size_t)gmm.gaussian.act_dim; }
  size_t parts() const { return (size_t)gmm.components; }
  double mean(size_t k, size_t j) const { return head[k * dims() + j]; }
  double log_std(size_t k, size_t j) const {
    return log_std_of(gmm.gaussian, head[(parts() + k) * dims() + j]);
  }
  Values weights() const {
    Values w(head.end() - (long)parts(), head.end());
    double sum = 0;
    for (double &x : w) sum += x = std::exp(x);
    for (double &x : w) x /= sum;
    return w;
  }
  size_t component_at(double uniform) const {
    Values w = weights();
    size_t k = 0;
    for (double sum = w[0]; k + 1 < parts() && uniform >= sum; sum += w[++k]) {
    }
    return k;
  }
  double log_density(const Values &u) const {
    Values w = weights();
    double sum = 0, volume = 0;
    for (size_t k = 0; k < parts(); k++) {
      double part = std::log(w[k]);
      for (size_t j = 0; j < dims(); j++) {
        double z = (u[j] - mean(k, j)) / std::exp(log_std(k, j));
        part -= 0.5 * z * z + log_std(k, j) + kHalfLogTwoPi;
      }
      sum += std::exp(part);
    }
    for (double x : u)
      if (gmm.gaussian.squash) volume += std::log(1 / (std::cosh(x) * std::cosh(x)));
    return std::log(sum) - volume;
  }
};

struct Bench {
  Bench(const sac_gmm &shape, int n_, int rows_, int pad = 0)
      : gmm(shape),
        n(n_),
        rows(rows_),
        head(n, rows, shape.components * (2 * shape.gaussian.act_dim + 1), pad),
        noise(n, rows, shape.gaussian.act_dim + 2, pad),
        action(n, rows, shape.gaussian.act_dim, pad),
        log_pi(n, rows, 1, pad) {
    head.fill(1, 0.7), noise.fill(2);
  }
  sac_gmm_forward forward() {
    return {n, rows, gmm, head.view(), noise.view(), action.view(), log_pi.view()};
  }
  Row row(int i, int r) {
    Row one = {gmm, Values((size_t)head.cols())};
    for (int k = 0; k < head.cols(); k++) one.head[(size_t)k] = (double)head.at(i, r, k);
    return one;
  }
  double uniform(int i, int r) {
    int last = gmm.gaussian.act_dim;
    return std::exp(-0.5 * (std::pow((double)noise.at(i, r, last), 2) +
                            std::pow((double)noise.at(i, r, last + 1), 2)));
  }
  Values drawn(int i, int r) {
    Row one = row(i, r);
    size_t k = one.component_at(uniform(i, r));
    Values u;
    for (size_t j = 0; j < one.dims(); j++)
      u.push_back(one.mean(k, j) + std::exp(one.log_std(k, j)) * (double)noise.at(i, r, (int)j));
    return u;
  }
  sac_gmm gmm;
  int n, rows;
  Stack head, noise, action, log_pi;
};

std::vector<sac_gmm> shapes() {
  std::vector<sac_gmm> all;
  for (sac_log_std_mode mode : {SAC_LOG_STD_CLAMP, SAC_LOG_STD_TANH, SAC_LOG_STD_SOFTPLUS})
    for (bool squash : {false, true})
      for (int components : {1, 4}) all.push_back({{3, squash, true, mode, -5, 2}, components});
  all.push_back({{1, true, true, SAC_LOG_STD_CLAMP, -20, 2}, 64});
  return all;
}

class GmmOps : public Ops {};

TEST_P(GmmOps, ActionAndDensityAreThoseOfTheMixture) {
  for (const sac_gmm &gmm : shapes())
    for (int rows : {1, 19, 130}) {
      if (!takes(200.0 * rows * gmm.components)) continue;
      Bench bench(gmm, 2, rows, 3);
      sac_gmm_forward op = bench.forward();
      ops->gmm_forward(backend, &op);
      for (int i = 0; i < 2; i++)
        for (int r = 0; r < rows; r++) {
          Values u = bench.drawn(i, r);
          for (int j = 0; j < gmm.gaussian.act_dim; j++) {
            double x = u[(size_t)j];
            ASSERT_NEAR(gmm.gaussian.squash ? std::tanh(x) : x, bench.action.at(i, r, j),
                        tolerance(1e-5, 1e-12) * (1 + std::abs(x)));
          }
          double want = bench.row(i, r).log_density(u);
          ASSERT_NEAR(want, bench.log_pi.at(i, r, 0),
                      tolerance(1e-5, 1e-9) * (10 + std::abs(want)));
        }
      bench.action.expect_padding_kept(), bench.log_pi.expect_padding_kept();
    }
}

TEST_P(GmmOps, ComponentsComeAsOftenAsTheyWeigh) {
  const int rows = 20000;
  if (!takes(rows * 10.0)) return;
  sac_gmm gmm = {{1, false, true, SAC_LOG_STD_CLAMP, -20, 2}, 4};
  Bench bench(gmm, 1, rows);
  const double weight[] = {0.1, 0.2, 0.3, 0.4};
  for (int r = 0; r < rows; r++)
    for (int k = 0; k < 4; k++) {
      bench.head.at(0, r, k) = (sac_real)k;
      bench.head.at(0, r, 4 + k) = -20;
      bench.head.at(0, r, 8 + k) = (sac_real)std::log(weight[k]);
    }
  sac_gmm_forward op = bench.forward();
  ops->gmm_forward(backend, &op);
  int count[4] = {0};
  for (int r = 0; r < rows; r++) count[(int)std::lround((double)bench.action.at(0, r, 0))]++;
  for (int k = 0; k < 4; k++) {
    double se = std::sqrt(weight[k] * (1 - weight[k]) / rows);
    EXPECT_NEAR(weight[k], (double)count[k] / rows, 4 * se) << k;
  }
}

TEST_P(GmmOps, WithoutNoiseRowsTakeTheMeansInTurn) {
  sac_gmm gmm = {{2, true, true, SAC_LOG_STD_CLAMP, -20, 2}, 3};
  Bench bench(gmm, 2, 21);
  sac_gmm_forward op = bench.forward();
  op.noise.data = nullptr;
  ops->gmm_forward(backend, &op);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 21; r++) {
      for (int j = 0; j < 2; j++)
        ASSERT_NEAR(std::tanh((double)bench.head.at(i, r, r % 3 * 2 + j)), bench.action.at(i, r, j),
                    op_tolerance());
      ASSERT_TRUE(std::isnan(bench.log_pi.at(i, r, 0))) << "log_pi was written";
    }
}

TEST_P(GmmOps, GradientIsTheScoreTimesItsFactor) {
  for (const sac_gmm &gmm : shapes()) {
    const int n = 2, rows = 20;
    if (!takes(500.0 * rows * gmm.components)) continue;
    Bench bench(gmm, n, rows, 2);
    Stack integrand(n, rows, 1, 1), baseline(n, rows, 1), dhead(n, rows, bench.head.cols(), 2);
    integrand.fill(3), baseline.fill(4);
    sac_gmm_backward op = {n,
                           rows,
                           gmm,
                           bench.head.view(),
                           bench.noise.view(),
                           integrand.view(),
                           baseline.view(),
                           dhead.view()};
    ops->gmm_backward(backend, &op);
    for (int i = 0; i < n; i++)
      for (int r = 0; r < rows; r += 3) {
        Row row = bench.row(i, r);
        Values u = bench.drawn(i, r);
        double factor = (double)integrand.at(i, r, 0) + (double)baseline.at(i, r, 0);
        for (size_t k = 0; k < row.head.size(); k += 1 + row.head.size() / 40) {
          // central differences of fourth order, the action held
          const double h = 1e-4;
          auto at = [&](double step) {
            Row moved = row;
            moved.head[k] += step;
            return moved.log_density(u);
          };
          double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
          double want = factor * slope / rows;
          ASSERT_NEAR(want, dhead.at(i, r, (int)k), tolerance(5e-5, 1e-7) * (std::abs(want) + 0.1))
              << "output " << k;
        }
      }
    dhead.expect_padding_kept();
  }
}

TEST_P(GmmOps, NaNInOneRowReachesThatRowOnly) {
  sac_gmm gmm = {{2, true, true, SAC_LOG_STD_CLAMP, -20, 2}, 3};
  Bench bench(gmm, 1, 20);
  bench.head.at(0, 7, 13) = kPoison;
  sac_gmm_forward op = bench.forward();
  ops->gmm_forward(backend, &op);
  for (int r = 0; r < 20; r++) ASSERT_EQ(r == 7, std::isnan(bench.log_pi.at(0, r, 0)) != 0);
}

SAC_EVERY_PLACE(GmmOps);

}  // namespace
