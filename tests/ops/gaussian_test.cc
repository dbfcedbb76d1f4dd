// The squashed Gaussian against float64 formulas; in the double build its gradient against central
// differences of the loss it belongs to.
#include "ops/fixture.h"

using namespace sac_test;

namespace {

const double kHalfLogTwoPi = 0.5 * std::log(2 * std::acos(-1.0));

struct Sample {
  double u, action, log_pi;
};

double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

double log_std_of(const sac_gaussian &g, double raw) {
  double low = g.log_std_min, high = g.log_std_max;
  if (g.mode == SAC_LOG_STD_CLAMP) return std::min(std::max(raw, low), high);
  if (g.mode == SAC_LOG_STD_TANH) return low + 0.5 * (high - low) * (std::tanh(raw) + 1);
  return std::log(softplus(raw) + 1e-5);
}

Sample sample(const sac_gaussian &g, double mean, double raw, double noise) {
  double log_std = log_std_of(g, raw), u = mean + std::exp(log_std) * noise;
  double a = g.squash ? std::tanh(u) : u, correction = 0;
  if (g.squash && g.exact_correction)
    correction = 2 * (std::log(2.0) - u - softplus(-2 * u));
  else if (g.squash)
    correction = std::log(1 / (std::cosh(u) * std::cosh(u)) + 1e-6);
  return {u, a, -0.5 * noise * noise - log_std - kHalfLogTwoPi - correction};
}

std::vector<sac_gaussian> kinds(int act_dim) {
  std::vector<sac_gaussian> all;
  for (sac_log_std_mode mode : {SAC_LOG_STD_CLAMP, SAC_LOG_STD_TANH, SAC_LOG_STD_SOFTPLUS})
    for (int squash = 0; squash < 3; squash++)
      all.push_back({act_dim, squash > 0, squash == 1, mode, -5, 2});
  return all;
}

struct Shape {
  int n, rows, act_dim, pad;
};
const Shape kShapes[] = {{1, 1, 1, 0},   {2, 3, 2, 3},    {1, 17, 6, 5},
                         {3, 257, 3, 0}, {1, 1024, 1, 2}, {1, 100, 17, 0}};

class GaussianOps : public Ops {
 protected:
  void check_forward(const Shape &s, const sac_gaussian &g);
  void check_backward(const Shape &s, const sac_gaussian &g, int n_critics, bool prior);
  void check_score(const Shape &s, const sac_gaussian &g);
};

void GaussianOps::check_forward(const Shape &s, const sac_gaussian &g) {
  Stack head(s.n, s.rows, 2 * s.act_dim, s.pad), noise(s.n, s.rows, s.act_dim);
  Stack action(s.n, s.rows, s.act_dim, s.pad), log_pi(s.n, s.rows, 1, s.pad);
  Stack u(s.n, s.rows, s.act_dim, s.pad);
  head.fill(1, 1.5), noise.fill(2);
  sac_gaussian_forward op = {s.n,           s.rows,        g,       head.view(), noise.view(),
                             action.view(), log_pi.view(), u.view()};
  ops->gaussian_forward(backend, &op);
  for (int i = 0; i < s.n; i++)
    for (int r = 0; r < s.rows; r++) {
      double log_pi_want = 0, size = 0;
      for (int j = 0; j < s.act_dim; j++) {
        Sample want = sample(g, head.at(i, r, j), head.at(i, r, s.act_dim + j), noise.at(i, r, j));
        ASSERT_NEAR(want.action, action.at(i, r, j),
                    tolerance(4e-6, 1e-13) * (1 + (g.squash ? 0 : std::abs(want.u))));
        ASSERT_NEAR(want.u, u.at(i, r, j), tolerance(4e-6, 1e-13) * (1 + std::abs(want.u)));
        log_pi_want += want.log_pi, size += std::abs(want.log_pi) + 1;
        // the eps form loses what 1 - a^2 loses
        if (g.squash && !g.exact_correction) size += 0.1 / (1e-6 + 1 - want.action * want.action);
      }
      ASSERT_NEAR(log_pi_want, log_pi.at(i, r, 0), tolerance(4e-6, 1e-9) * size) << r;
    }
  action.expect_padding_kept();
  log_pi.expect_padding_kept();
  u.expect_padding_kept();
}

TEST_P(GaussianOps, ActionAndLogProbabilityFollowAppendixC) {
  for (const Shape &s : kShapes)
    for (const sac_gaussian &g : kinds(s.act_dim)) {
      SCOPED_TRACE(::testing::Message() << s.rows << "x" << s.act_dim << " mode " << g.mode
                                        << " squash " << g.squash << g.exact_correction);
      if (!takes(100.0 * s.n * s.rows)) continue;
      ASSERT_NO_FATAL_FAILURE(check_forward(s, g));
    }
}

TEST_P(GaussianOps, WithoutNoiseTheActionIsTheMeans) {
  Stack head(1, 21, 6), action(1, 21, 3), log_pi(1, 21, 1);
  head.fill(1);
  for (bool squash : {true, false}) {
    sac_gaussian g = {3, squash, true, SAC_LOG_STD_CLAMP, -20, 2};
    sac_gaussian_forward op = {1, 21, g, head.view(), {}, action.view(), log_pi.view(), {}};
    op.noise.share = 1;
    ops->gaussian_forward(backend, &op);
    for (int r = 0; r < 21; r++)
      for (int j = 0; j < 3; j++) {
        double mean = head.at(0, r, j);
        ASSERT_NEAR(squash ? std::tanh(mean) : mean, action.at(0, r, j), op_tolerance());
        ASSERT_TRUE(std::isnan(log_pi.at(0, r, 0))) << "log_pi was written";
      }
  }
}

TEST_P(GaussianOps, ARowsActionDoesNotDependOnTheOtherRows) {
  const int rows = 45, act_dim = 5;
  sac_gaussian g = {act_dim, true, true, SAC_LOG_STD_CLAMP, -20, 2};
  Stack head(1, rows, 2 * act_dim), noise(1, rows, act_dim), action(1, rows, act_dim);
  Stack log_pi(1, rows, 1), one(1, 1, act_dim), one_log_pi(1, 1, 1);
  head.fill(1), noise.fill(2);
  sac_gaussian_forward op = {1, rows, g, head.view(), noise.view(), action.view(), log_pi.view(),
                             {}};
  ops->gaussian_forward(backend, &op);
  for (int r = 0; r < rows; r++) {
    sac_gaussian_forward single = {
        1, 1, g, head.view(), noise.view(), one.view(), one_log_pi.view(), {}};
    single.head.data = &head.at(0, r, 0), single.noise.data = &noise.at(0, r, 0);
    ops->gaussian_forward(backend, &single);
    for (int j = 0; j < act_dim; j++) ASSERT_EQ(action.at(0, r, j), one.at(0, 0, j));
    ASSERT_EQ(log_pi.at(0, r, 0), one_log_pi.at(0, 0, 0));
  }
}

TEST_P(GaussianOps, NaNInOneRowReachesThatRowOnly) {
  sac_gaussian g = {2, true, true, SAC_LOG_STD_CLAMP, -20, 2};
  for (int column = 0; column < 4; column++) {
    Stack head(1, 20, 4), noise(1, 20, 2), action(1, 20, 2), log_pi(1, 20, 1);
    head.fill(1), noise.fill(2);
    head.at(0, 7, column) = kPoison;
    sac_gaussian_forward op = {1, 20, g, head.view(), noise.view(), action.view(), log_pi.view(),
                               {}};
    ops->gaussian_forward(backend, &op);
    for (int r = 0; r < 20; r++) ASSERT_EQ(r == 7, std::isnan(log_pi.at(0, r, 0)) != 0);
    ASSERT_TRUE(std::isnan(action.at(0, 7, column % 2)));
  }
}

TEST_P(GaussianOps, ExtremeHeadsGiveFiniteLogProbabilities) {
  sac_gaussian g = {1, true, true, SAC_LOG_STD_CLAMP, -20, 2};
  for (double mean : {-1e4, -30.0, 0.0, 30.0, 1e4})
    for (double raw : {-1e6, -20.0, 2.0, 1e6}) {
      Stack head(1, 1, 2), noise(1, 1, 1), action(1, 1, 1), log_pi(1, 1, 1);
      head.at(0, 0, 0) = (sac_real)mean, head.at(0, 0, 1) = (sac_real)raw, noise.set(1);
      sac_gaussian_forward op = {1, 1, g, head.view(), noise.view(), action.view(), log_pi.view(),
                                 {}};
      ops->gaussian_forward(backend, &op);
      ASSERT_TRUE(std::isfinite(log_pi.at(0, 0, 0))) << mean << " " << raw;
      ASSERT_LE(std::abs(action.at(0, 0, 0)), 1);
    }
}

// One row's loss with output j of its head moved by `step`:
// alpha (log pi - prior log p0) - sum over climbed critics of <dq, a>
double row_loss(const sac_gaussian_backward &op, Stack &head, Stack &noise, Stack &dq, Stack &seed,
                int i, int r, int j, double step) {
  double loss = 0, alpha = std::exp((double)op.log_alpha[i]);
  int act_dim = op.gaussian.act_dim;
  for (int a = 0; a < act_dim; a++) {
    double mean = head.at(i, r, a), raw = head.at(i, r, act_dim + a);
    Sample x = sample(op.gaussian, mean + (a == j ? step : 0), raw + (a + act_dim == j ? step : 0),
                      noise.at(i, r, a));
    loss += alpha * (x.log_pi + (op.normal_prior ? 0.5 * x.action * x.action : 0));
    for (int k = i * op.n_critics; k < (i + 1) * op.n_critics; k++)
      if (seed.at(k, r, 0) != 0) loss -= (double)dq.at(k, r, a) * x.action;
  }
  return loss;
}

void GaussianOps::check_backward(const Shape &s, const sac_gaussian &g, int n_critics, bool prior) {
  int both = s.n * n_critics;
  Stack head(s.n, s.rows, 2 * s.act_dim, s.pad), noise(s.n, s.rows, s.act_dim);
  Stack action(s.n, s.rows, s.act_dim, s.pad), dq(both, s.rows, s.act_dim), seed(both, s.rows, 1);
  Stack dhead(s.n, s.rows, 2 * s.act_dim, s.pad);
  head.fill(1, 0.8), noise.fill(2), dq.fill(3), seed.set(1);
  for (int i = 0; i < s.n; i++)
    for (int r = 0; r < s.rows; r++)
      for (int k = 0; k < n_critics; k++)
        if ((r + k) % n_critics != 0 && r % 5 != 0) {
          // rows that the policy does not climb are not computed: whatever lies there has no say
          seed.at(i * n_critics + k, r, 0) = 0;
          for (int j = 0; j < s.act_dim; j++) dq.at(i * n_critics + k, r, j) = kPoison;
        }
  sac_gaussian_forward forward = {s.n, s.rows, g, head.view(), noise.view(), action.view(), {}, {}};
  forward.log_pi.share = 1;
  ops->gaussian_forward(backend, &forward);
  std::vector<sac_real> log_alpha((size_t)s.n, (sac_real)-0.7);
  sac_gaussian_backward op = {s.n,       s.rows,      n_critics,        g,
                              prior,     head.view(), noise.view(),     action.view(),
                              dq.view(), seed.view(), log_alpha.data(), dhead.view()};
  ops->gaussian_backward(backend, &op);
  for (int i = 0; i < s.n; i++)
    for (int r = 0; r < s.rows; r += 1 + s.rows / 5)
      for (int j = 0; j < 2 * s.act_dim; j++) {
        // central differences of fourth order
        const double h = 1e-3;
        auto at = [&](double step) { return row_loss(op, head, noise, dq, seed, i, r, j, step); };
        double want = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h) / s.rows;
        ASSERT_NEAR(want, dhead.at(i, r, j),
                    tolerance(2e-5, 1e-7) * (std::abs(want) + 1.0 / s.rows))
            << "row " << r << " output " << j;
      }
  dhead.expect_padding_kept();
}

TEST_P(GaussianOps, GradientIsThatOfThePolicyLoss) {
  for (const Shape &s : {Shape{1, 1, 1, 0}, Shape{2, 37, 3, 2}, Shape{1, 256, 6, 0}})
    for (const sac_gaussian &g : kinds(s.act_dim))
      for (int n_critics : {1, 2, 3})
        for (bool prior : {false, true}) {
          SCOPED_TRACE(::testing::Message()
                       << s.rows << "x" << s.act_dim << " mode " << g.mode << " squash " << g.squash
                       << g.exact_correction << " critics " << n_critics << " prior " << prior);
          if (!takes(400.0 * s.rows)) continue;
          ASSERT_NO_FATAL_FAILURE(check_backward(s, g, n_critics, prior));
        }
}

// -w log pi of one row whose u was drawn before, with output j of its head moved by `step`
double score_loss(const sac_gaussian_score &op, Stack &head, Stack &u, Stack &weight, int i, int r,
                  int j, double step) {
  double log_pi = 0;
  int act_dim = op.gaussian.act_dim;
  for (int a = 0; a < act_dim; a++) {
    double mean = (double)head.at(i, r, a) + (a == j ? step : 0);
    double raw = (double)head.at(i, r, act_dim + a) + (a + act_dim == j ? step : 0);
    double noise = ((double)u.at(i, r, a) - mean) / std::exp(log_std_of(op.gaussian, raw));
    log_pi += sample(op.gaussian, mean, raw, noise).log_pi;
  }
  return -(double)weight.at(i, r, 0) * log_pi;
}

void GaussianOps::check_score(const Shape &s, const sac_gaussian &g) {
  Stack head(s.n, s.rows, 2 * s.act_dim, s.pad), u(s.n, s.rows, s.act_dim, s.pad);
  Stack weight(s.n, s.rows, 1, s.pad), log_pi(s.n, s.rows, 1, s.pad);
  Stack dhead(s.n, s.rows, 2 * s.act_dim, s.pad);
  head.fill(1, 0.8), u.fill(2, 1.5), weight.fill(3, 2);
  std::vector<sac_real> loss((size_t)s.n, kPoison), entropy((size_t)s.n, kPoison);
  sac_gaussian_score op = {
      s.n,           s.rows,       g,           head.view(),   u.view(), weight.view(),
      log_pi.view(), dhead.view(), loss.data(), entropy.data()};
  ops->gaussian_score(backend, &op);
  for (int i = 0; i < s.n; i++) {
    double loss_want = 0, entropy_want = 0, size = 0;
    for (int r = 0; r < s.rows; r++) {
      double row = score_loss(op, head, u, weight, i, r, -1, 0);
      double log_pi_want = -row / (double)weight.at(i, r, 0);
      // deviations under one make z, and its square, as many times larger
      double row_size = 40.0 * s.act_dim + std::abs(log_pi_want);
      ASSERT_NEAR(log_pi_want, log_pi.at(i, r, 0), tolerance(4e-6, 1e-9) * row_size) << r;
      loss_want += row / s.rows, entropy_want -= log_pi_want / s.rows;
      size += (1 + std::abs((double)weight.at(i, r, 0))) * row_size / s.rows;
      if (r % (1 + s.rows / 5)) continue;
      for (int j = 0; j < 2 * s.act_dim; j++) {
        const double h = 1e-3;
        auto at = [&](double step) { return score_loss(op, head, u, weight, i, r, j, step); };
        double want = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h) / s.rows;
        ASSERT_NEAR(want, dhead.at(i, r, j),
                    tolerance(4e-5, 1e-7) * (std::abs(want) + 8.0 / s.rows))
            << "row " << r << " output " << j;
      }
    }
    ASSERT_NEAR(loss_want, loss[(size_t)i], tolerance(4e-6, 1e-9) * size);
    ASSERT_NEAR(entropy_want, entropy[(size_t)i], tolerance(4e-6, 1e-9) * size);
  }
  log_pi.expect_padding_kept();
  dhead.expect_padding_kept();
}

TEST_P(GaussianOps, ScoreGradientIsThatOfTheWeighedLogProbability) {
  for (const Shape &s :
       {Shape{1, 1, 1, 0}, Shape{2, 37, 3, 2}, Shape{1, 256, 6, 0}, Shape{3, 300, 1, 1}})
    for (const sac_gaussian &g : kinds(s.act_dim)) {
      SCOPED_TRACE(::testing::Message() << s.rows << "x" << s.act_dim << " mode " << g.mode
                                        << " squash " << g.squash << g.exact_correction);
      ASSERT_NO_FATAL_FAILURE(check_score(s, g));
    }
}

// an action that tanh rounds to 1 has a finite log-probability and a gradient: u is what is kept
TEST_P(GaussianOps, ScoreOfASaturatedActionIsFinite) {
  sac_gaussian g = {1, true, true, SAC_LOG_STD_CLAMP, -5, 2};
  Stack head(1, 2, 2), u(1, 2, 1), weight(1, 2, 1), log_pi(1, 2, 1), dhead(1, 2, 2);
  head.set(0), weight.set(1), u.at(0, 0, 0) = 15, u.at(0, 1, 0) = -40;
  sac_real loss, entropy;
  sac_gaussian_score op = {
      1, 2, g, head.view(), u.view(), weight.view(), log_pi.view(), dhead.view(), &loss, &entropy};
  ops->gaussian_score(backend, &op);
  for (int r = 0; r < 2; r++) {
    double x = u.at(0, r, 0),
           want = -0.5 * x * x - kHalfLogTwoPi + 2 * (std::abs(x) - std::log(2.0));
    ASSERT_NEAR(want, log_pi.at(0, r, 0), tolerance(1e-3, 1e-9));
    ASSERT_NEAR(-x / 2, dhead.at(0, r, 0), op_tolerance() * 50);
    ASSERT_NEAR(-(x * x - 1) / 2, dhead.at(0, r, 1), op_tolerance() * 2000);
  }
}

TEST_P(GaussianOps, ClampStopsTheGradientOutsideAndPassesItAtTheEnds) {
  sac_gaussian g = {1, true, true, SAC_LOG_STD_CLAMP, -5, 2};
  Stack head(1, 4, 2), noise(1, 4, 1), action(1, 4, 1), dq(1, 4, 1), seed(1, 4, 1), dhead(1, 4, 2);
  const double raw[] = {-5.5, -5, 2, 2.5};
  for (int r = 0; r < 4; r++) head.at(0, r, 0) = 0, head.at(0, r, 1) = (sac_real)raw[r];
  noise.set((sac_real)0.1), dq.set(1), seed.set(1), action.set(0);
  sac_real log_alpha = 0;
  sac_gaussian_backward op = {1,
                              4,
                              1,
                              g,
                              false,
                              head.view(),
                              noise.view(),
                              action.view(),
                              dq.view(),
                              seed.view(),
                              &log_alpha,
                              dhead.view()};
  ops->gaussian_backward(backend, &op);
  EXPECT_EQ(0, dhead.at(0, 0, 1));
  EXPECT_NE(0, dhead.at(0, 1, 1));
  EXPECT_NE(0, dhead.at(0, 2, 1));
  EXPECT_EQ(0, dhead.at(0, 3, 1));
}

SAC_EVERY_PLACE(GaussianOps);

}  // namespace
