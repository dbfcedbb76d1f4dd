// Adam, target tracking and the finite check against float64 and against bits.
#include "ops/fixture.h"

using namespace sac_test;

namespace {

struct State {
  std::vector<sac_real> value, grad, m, v, target;
  uint64_t step = 0;
};

State draw_state(size_t values, unsigned seed) {
  std::mt19937 words(seed);
  std::normal_distribution<double> normal;
  State s;
  for (std::vector<sac_real> *x : {&s.value, &s.grad, &s.m, &s.v, &s.target}) x->resize(values);
  for (size_t i = 0; i < values; i++) {
    s.value[i] = (sac_real)normal(words), s.grad[i] = (sac_real)normal(words);
    s.m[i] = (sac_real)(0.1 * normal(words)), s.target[i] = (sac_real)normal(words);
    s.v[i] = (sac_real)std::pow(0.1 * normal(words), 2);
  }
  return s;
}

sac_adam op_of(State &s, int n, int share, size_t count, double max_norm, bool target) {
  sac_adam op = {};
  op.n = n, op.share = share, op.count = count;
  op.value = s.value.data(), op.grad = s.grad.data(), op.m = s.m.data(), op.v = s.v.data();
  op.target = target ? s.target.data() : nullptr, op.step = &s.step;
  op.lr = 3e-2, op.beta1 = 0.9, op.beta2 = 0.999, op.eps = 1e-8, op.tau = 0.02;
  op.max_grad_norm = max_norm;
  return op;
}

class OptimiserOps : public Ops {};

TEST_P(OptimiserOps, AdamIsThePaperAlgorithmOverManySteps) {
  const int n = 6, share = 2;
  for (size_t count : {(size_t)1, (size_t)37, (size_t)5000})
    for (double max_norm : {0.0, 0.5, 1e9}) {
      if (!takes(100 * (double)count)) continue;
      State s = draw_state((size_t)n * count, 1);
      std::vector<double> value(s.value.begin(), s.value.end()), m(s.m.begin(), s.m.end());
      std::vector<double> v(s.v.begin(), s.v.end()), target(s.target.begin(), s.target.end());
      sac_adam op = op_of(s, n, share, count, max_norm, true);
      for (int t = 1; t <= 4; t++) {
        ops->adam(backend, &op);
        for (int group = 0; group < n / share; group++) {
          size_t first = (size_t)(group * share) * count, end = first + (size_t)share * count;
          double square = 0;
          for (size_t i = first; i < end; i++) square += (double)s.grad[i] * (double)s.grad[i];
          double scale = max_norm > 0 ? std::min(1.0, max_norm / std::sqrt(square)) : 1;
          for (size_t i = first; i < end; i++) {
            double g = (double)s.grad[i] * scale;
            m[i] = 0.9 * m[i] + 0.1 * g, v[i] = 0.999 * v[i] + 0.001 * g * g;
            double m_hat = m[i] / (1 - std::pow(0.9, t)), v_hat = v[i] / (1 - std::pow(0.999, t));
            value[i] -= op.lr * m_hat / (std::sqrt(v_hat) + op.eps);
            target[i] = (1 - op.tau) * target[i] + op.tau * value[i];
          }
        }
      }
      ASSERT_EQ(4u, s.step);
      for (size_t i = 0; i < (size_t)n * count; i++) {
        ASSERT_NEAR(value[i], s.value[i], op_tolerance() * (5 + std::abs(value[i])))
            << i << " max " << max_norm;
        ASSERT_NEAR(m[i], s.m[i], op_tolerance());
        ASSERT_NEAR(v[i], s.v[i], op_tolerance());
        ASSERT_NEAR(target[i], s.target[i], op_tolerance() * 2);
      }
    }
}

// elements first, then the norm of what is left
TEST_P(OptimiserOps, ElementsOfAGradientAreCutBeforeItsNorm) {
  const size_t count = 5000;
  for (double max_norm : {0.0, 2.0}) {
    State s = draw_state(count, 8), cut = s;
    for (sac_real &g : cut.grad) g = std::min(std::max(g, (sac_real)-0.25), (sac_real)0.25);
    ASSERT_NE(cut.grad, s.grad) << "the case says nothing";
    sac_adam op = op_of(s, 1, 1, count, max_norm, true),
             same = op_of(cut, 1, 1, count, max_norm, true);
    op.max_grad_value = 0.25;
    ops->adam(backend, &op), ops->adam(backend, &same);
    ASSERT_EQ(cut.value, s.value);
    ASSERT_EQ(cut.v, s.v);
    ASSERT_EQ(cut.target, s.target);
  }
  State s = draw_state(40, 6);
  s.grad[17] = kPoison;
  sac_adam op = op_of(s, 1, 1, 40, 0, false);
  op.max_grad_value = 0.25;
  ops->adam(backend, &op);
  ASSERT_TRUE(std::isnan(s.value[17])) << "a NaN must show";
}

TEST_P(OptimiserOps, FirstStepMovesByTheLearningRateWhateverTheGradientsSize) {
  State s = draw_state(64, 3);
  for (size_t i = 0; i < 64; i++)
    s.m[i] = s.v[i] = 0, s.grad[i] = (sac_real)std::pow(10.0, (int)(i % 10) - 5);
  State before = s;
  sac_adam op = op_of(s, 1, 1, 64, 0, false);
  ops->adam(backend, &op);
  for (size_t i = 0; i < 64; i++) ASSERT_NEAR(-0.03, s.value[i] - before.value[i], 1e-4);
  ASSERT_EQ(before.target, s.target);
}

TEST_P(OptimiserOps, TwoThreadsGiveTheBitsOfOne) {
  Device one({GetParam().simd, 1});
  for (double max_norm : {0.0, 1.0}) {
    const size_t count = 70001;
    State a = draw_state(3 * count, 4), b = a;
    sac_adam op_a = op_of(a, 3, 3, count, max_norm, true),
             op_b = op_of(b, 3, 3, count, max_norm, true);
    for (int t = 0; t < 3; t++) ops->adam(backend, &op_a), ops->adam(one.backend, &op_b);
    ASSERT_EQ(a.value, b.value);
    ASSERT_EQ(a.m, b.m);
    ASSERT_EQ(a.v, b.v);
    ASSERT_EQ(a.target, b.target);
  }
}

TEST_P(OptimiserOps, ADeadParametersMomentsEndAtZero) {
  State s = draw_state(16, 5);
  for (size_t i = 0; i < 16; i++) s.grad[i] = 0;
  sac_adam op = op_of(s, 1, 1, 16, 0, false);
  for (int t = 0; t < 1200; t++) ops->adam(backend, &op);
  for (size_t i = 0; i < 16; i++) {
    ASSERT_EQ(0, s.m[i]);
    ASSERT_GT(s.v[i], 0);
  }
}

TEST_P(OptimiserOps, ANaNGradientReachesItsParameter) {
  State s = draw_state(40, 6);
  s.grad[17] = kPoison;
  sac_adam op = op_of(s, 1, 1, 40, 0, false);
  ops->adam(backend, &op);
  for (size_t i = 0; i < 40; i++) ASSERT_EQ(i == 17, std::isnan(s.value[i]) != 0);
}

TEST_P(OptimiserOps, PolyakMovesTheTargetByTau) {
  for (size_t count : {(size_t)1, (size_t)100, (size_t)9001}) {
    State s = draw_state(count, 7);
    std::vector<sac_real> before = s.target;
    sac_polyak op = {count, s.value.data(), s.target.data(), 0.1};
    ops->polyak(backend, &op);
    for (size_t i = 0; i < count; i++)
      ASSERT_NEAR(0.9 * (double)before[i] + 0.1 * (double)s.value[i], s.target[i], op_tolerance());
    op.tau = 1;
    ops->polyak(backend, &op);
    ASSERT_EQ(s.value, s.target);
  }
}

TEST_P(OptimiserOps, FiniteCheckFindsOneBadValueAnywhere) {
  const sac_real inf = std::numeric_limits<sac_real>::infinity();
  for (size_t count : {(size_t)1, (size_t)33, (size_t)100000}) {
    std::vector<sac_real> values(count, std::numeric_limits<sac_real>::max());
    uint64_t flag = 1;
    sac_finite_check op = {1, count, count, values.data(), &flag, 4};
    ops->finite_check(backend, &op);
    ASSERT_EQ(1u, flag);
    for (sac_real bad : {kPoison, inf, -inf})
      for (size_t at : {(size_t)0, count / 2, count - 1}) {
        flag = 1, values[at] = bad;
        ops->finite_check(backend, &op);
        ASSERT_EQ(5u, flag) << at;
        values[at] = 0;
      }
  }
}

TEST_P(OptimiserOps, FiniteCheckTellsWhoseValueIsBad) {
  const sac_real inf = std::numeric_limits<sac_real>::infinity();
  for (size_t share : {(size_t)1, (size_t)7, (size_t)5000})
    for (size_t turns : {(size_t)1, (size_t)2}) {
      const size_t n = 3;
      std::vector<sac_real> values(n * turns * share, 1);
      sac_finite_check op = {(int)n, values.size(), share, values.data(), nullptr, 2};
      for (size_t at = 0; at<values.size(); at += share> 1 ? share / 2 : 1) {
        std::vector<uint64_t> flag = {1, 0, 1}, expected = flag;
        op.flag = flag.data();
        values[at] = at % 2 ? inf : kPoison;
        expected[at / share % n] |= 2;
        ops->finite_check(backend, &op);
        ASSERT_EQ(expected, flag) << at << " of turns of " << share;
        values[at] = 1;
      }
    }
}

SAC_EVERY_PLACE(OptimiserOps);

}  // namespace
