// Advantages of a rollout against the sums they are made of, written out in float64.
#include "ops/fixture.h"

using namespace sac_test;

namespace {

struct Shape {
  int n, steps, envs, pad;
};
const Shape kShapes[] = {
    {1, 1, 1, 0}, {2, 5, 3, 1}, {1, 64, 17, 0}, {3, 20, 33, 2}, {1, 200, 1, 0}};

// a rollout in which episodes end here and there, either way, and V(s') is not V of the next row
// where they do
struct Rollout {
  explicit Rollout(const Shape &s)
      : shape(s),
        reward(make()),
        terminated(make()),
        truncated(make()),
        log_pi(make()),
        v(make()),
        v_next(make()),
        advantage(make()),
        y(make()),
        log_alpha((size_t)s.n) {
    reward.fill(1, 2), log_pi.fill(2, 2), v.fill(3, 3), v_next.fill(4, 3);
    terminated.set(0), truncated.set(0);
    for (int i = 0; i < s.n; i++) {
      log_alpha[(size_t)i] = (sac_real)(-0.4 - 0.3 * i);
      for (int r = 0; r < s.steps * s.envs; r++) {
        if (r % 7 == 3) terminated.at(i, r, 0) = 1, v_next.at(i, r, 0) = kPoison;
        if (r % 11 == 5) truncated.at(i, r, 0) = 1;
      }
    }
  }
  Stack make() { return Stack(shape.n, shape.steps * shape.envs, 1, shape.pad); }
  sac_advantages op(double lambda) {
    sac_advantages step = {};
    step.n = shape.n, step.steps = shape.steps, step.envs = shape.envs;
    step.gamma = (sac_real)0.9, step.lambda = (sac_real)lambda, step.reward_scale = (sac_real)0.5;
    step.reward = reward.view(), step.terminated = terminated.view();
    step.truncated = truncated.view(), step.log_pi = log_pi.view();
    step.v = v.view(), step.v_next = v_next.view(), step.log_alpha = log_alpha.data();
    step.advantage = advantage.view(), step.y = y.view();
    return step;
  }
  int row(int t, int env) const { return t * shape.envs + env; }
  bool ends(int i, int r) { return terminated.at(i, r, 0) == 1 || truncated.at(i, r, 0) == 1; }
  double rho(int i, int r) {
    return 0.5 * (double)reward.at(i, r, 0) -
           std::exp((double)log_alpha[(size_t)i]) * (double)log_pi.at(i, r, 0);
  }
  double delta(int i, int r) {
    double next =
        terminated.at(i, r, 0) == 1 ? 0 : (double)(sac_real)0.9 * (double)v_next.at(i, r, 0);
    return rho(i, r) + next - (double)v.at(i, r, 0);
  }

  Shape shape;
  Stack reward, terminated, truncated, log_pi, v, v_next, advantage, y;
  std::vector<sac_real> log_alpha;
};

class AdvantageOps : public Ops {};

TEST_P(AdvantageOps, AreTheDecayedSumsOfTheTemporalDifferences) {
  for (const Shape &s : kShapes)
    for (double lambda : {0.0, 0.7, 1.0}) {
      Rollout rollout(s);
      sac_advantages op = rollout.op(lambda);
      ops->advantages(backend, &op);
      double decay = (double)op.gamma * (double)op.lambda;
      for (int i = 0; i < s.n; i++)
        for (int env = 0; env < s.envs; env++)
          for (int t = 0; t < s.steps; t++) {
            double want = 0, size = 0;
            for (int k = t; k < s.steps; k++) {
              int r = rollout.row(k, env);
              want += std::pow(decay, k - t) * rollout.delta(i, r);
              size += std::pow(decay, k - t) * 10;
              if (rollout.ends(i, r)) break;
            }
            int r = rollout.row(t, env);
            ASSERT_NEAR(want, rollout.advantage.at(i, r, 0), op_tolerance() * size) << t;
            ASSERT_NEAR(want + (double)rollout.v.at(i, r, 0), rollout.y.at(i, r, 0),
                        op_tolerance() * size);
          }
      rollout.advantage.expect_padding_kept();
      rollout.y.expect_padding_kept();
    }
}

// lambda = 1: y is the reward to go with the step's own entropy, bootstrapped where the episode
// goes on beyond what was seen, and the baseline comes off outside of that sum
TEST_P(AdvantageOps, WithLambdaOneTheTargetIsTheRewardToGo) {
  for (const Shape &s : kShapes) {
    Rollout rollout(s);
    sac_advantages op = rollout.op(1);
    // within an episode V(s') is V of the next row, as training has it
    for (int i = 0; i < s.n; i++)
      for (int r = 0; r + s.envs < s.steps * s.envs; r++)
        if (!rollout.ends(i, r)) rollout.v_next.at(i, r, 0) = rollout.v.at(i, r + s.envs, 0);
    ops->advantages(backend, &op);
    for (int i = 0; i < s.n; i++)
      for (int env = 0; env < s.envs; env++)
        for (int t = 0; t < s.steps; t++) {
          double want = 0, weight = 1;
          for (int k = t; k < s.steps; k++, weight *= (double)op.gamma) {
            int r = rollout.row(k, env);
            want += weight * rollout.rho(i, r);
            bool last = rollout.ends(i, r) || k + 1 == s.steps;
            if (last && rollout.terminated.at(i, r, 0) == 0)
              want += weight * (double)op.gamma * (double)rollout.v_next.at(i, r, 0);
            if (last) break;
          }
          int r = rollout.row(t, env);
          ASSERT_NEAR(want, rollout.y.at(i, r, 0), op_tolerance() * 400);
          ASSERT_NEAR(want - (double)rollout.v.at(i, r, 0), rollout.advantage.at(i, r, 0),
                      op_tolerance() * 400);
        }
  }
}

TEST_P(AdvantageOps, StandardisedRowsHaveMeanZeroAndDeviationOne) {
  for (int rows : {2, 17, 257, 2048}) {
    const int n = 3;
    Stack x(n, rows, 1, 2);
    x.fill(5, 3);
    for (int i = 0; i < n; i++)
      for (int r = 0; r < rows; r++) x.at(i, r, 0) += (sac_real)(10 * i);
    Stack given = x;
    sac_standardise op = {n, rows, (sac_real)1e-8, x.view()};
    ops->standardise(backend, &op);
    for (int i = 0; i < n; i++) {
      double mean = 0, square = 0;
      for (int r = 0; r < rows; r++) mean += (double)given.at(i, r, 0) / rows;
      for (int r = 0; r < rows; r++) square += std::pow((double)given.at(i, r, 0) - mean, 2) / rows;
      for (int r = 0; r < rows; r++)
        ASSERT_NEAR(((double)given.at(i, r, 0) - mean) / (std::sqrt(square) + 1e-8), x.at(i, r, 0),
                    op_tolerance() * 10);
    }
    x.expect_padding_kept();
  }
}

TEST_P(AdvantageOps, StandardisedEqualRowsAreZero) {
  Stack x(1, 40, 1);
  x.set((sac_real)0.3);
  sac_standardise op = {1, 40, (sac_real)1e-8, x.view()};
  ops->standardise(backend, &op);
  for (int r = 0; r < 40; r++) ASSERT_NEAR(0, x.at(0, r, 0), tolerance(2, 1e-3));
}

SAC_EVERY_PLACE(AdvantageOps);

}  // namespace
