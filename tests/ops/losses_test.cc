// Targets and losses against float64 loops.
#include "ops/fixture.h"

#include <set>

using namespace sac_test;

namespace {

const double kHalfLogTwoPi = 0.5 * std::log(2 * std::acos(-1.0));

struct Shape {
  int n, rows, n_critics, act_dim, pad;
};
const Shape kShapes[] = {
    {1, 1, 1, 1, 0}, {2, 3, 2, 2, 1}, {3, 17, 3, 6, 0}, {1, 257, 2, 3, 4}, {2, 1024, 10, 1, 0}};

double log_prior(Stack &action, int i, int r) {
  double sum = 0;
  for (int j = 0; j < action.cols(); j++) {
    double a = action.at(i, r, j);
    sum -= 0.5 * a * a + kHalfLogTwoPi;
  }
  return sum;
}

sac_stack none() {
  sac_stack s = {};
  s.share = 1;
  return s;
}

class LossOps : public Ops {};

TEST_P(LossOps, SoftQTargetIsTheSoftBellmanEquation) {
  for (const Shape &s : kShapes)
    for (bool prior : {false, true}) {
      Stack reward(s.n, s.rows, 1, s.pad), terminated(s.n, s.rows, 1, s.pad);
      Stack q(s.n * s.n_critics, s.rows, 1), log_pi(s.n, s.rows, 1), action(s.n, s.rows, s.act_dim);
      Stack y(s.n, s.rows, 1, s.pad);
      reward.fill(1), q.fill(2, 3), log_pi.fill(3), action.fill(4), terminated.set(0);
      for (int i = 0; i < s.n; i++)
        for (int r = 0; r < s.rows; r += 3) {
          // where the episode ended nothing of the next state counts, not even NaN
          terminated.at(i, r, 0) = 1, log_pi.at(i, r, 0) = kPoison;
          q.at(i * s.n_critics, r, 0) = kPoison, action.at(i, r, 0) = kPoison;
        }
      std::vector<sac_real> log_alpha((size_t)s.n, (sac_real)-1.3);
      std::vector<uint64_t> key((size_t)s.n, 1);
      uint64_t update = 5;
      sac_soft_q_target op = {};
      op.n = s.n, op.rows = s.rows, op.n_critics = op.subset = s.n_critics, op.act_dim = s.act_dim;
      op.gamma = (sac_real)0.97, op.reward_scale = (sac_real)2.5;
      op.reward = reward.view(), op.terminated = terminated.view(), op.q = q.view();
      op.log_pi = log_pi.view(), op.prior_action = prior ? action.view() : none();
      op.log_alpha = log_alpha.data(), op.key = key.data(), op.update = &update, op.y = y.view();
      ops->soft_q_target(backend, &op);
      double alpha = std::exp((double)log_alpha[0]);
      for (int i = 0; i < s.n; i++)
        for (int r = 0; r < s.rows; r++) {
          double want = (double)op.reward_scale * (double)reward.at(i, r, 0);
          if (r % 3 != 0) {
            double least = q.at(i * s.n_critics, r, 0);
            for (int k = 1; k < s.n_critics; k++)
              least = std::min(least, (double)q.at(i * s.n_critics + k, r, 0));
            double next = least - alpha * (double)log_pi.at(i, r, 0);
            if (prior) next += alpha * log_prior(action, i, r);
            want += (double)op.gamma * next;
          }
          ASSERT_NEAR(want, y.at(i, r, 0), op_tolerance() * 20) << i << " " << r;
        }
      y.expect_padding_kept();
    }
}

TEST_P(LossOps, SubsetTakesEachSetOfCriticsEquallyOften) {
  // critic k answers with -2^k: the target tells the largest index drawn, and which were drawn
  const int n_critics = 5, subset = 2, draws = 4000;
  Stack reward(1, 1, 1), terminated(1, 1, 1), q(n_critics, 1, 1), log_pi(1, 1, 1), y(1, 1, 1);
  reward.set(0), terminated.set(0), log_pi.set(0);
  int least[n_critics] = {0};
  for (uint64_t update = 0; update < draws; update++) {
    for (int k = 0; k < n_critics; k++) q.at(k, 0, 0) = (sac_real)k;
    sac_real log_alpha = 0;
    uint64_t key = 77;
    sac_soft_q_target op = {};
    op.n = op.rows = 1, op.n_critics = n_critics, op.subset = subset, op.act_dim = 1;
    op.gamma = op.reward_scale = 1;
    op.reward = reward.view(), op.terminated = terminated.view(), op.q = q.view();
    op.log_pi = log_pi.view(), op.prior_action = none(), op.log_alpha = &log_alpha;
    op.key = &key, op.update = &update, op.y = y.view();
    ops->soft_q_target(backend, &op);
    least[(int)y.at(0, 0, 0)]++;
  }
  // of the ten pairs, 4 have least 0, 3 have 1, 2 have 2, 1 has 3
  for (int k = 0; k < n_critics; k++) {
    double p = (4 - k) / 10.0;
    ASSERT_NEAR(p, least[k] / (double)draws, 4 * std::sqrt(p * (1 - p) / draws)) << k;
  }
}

TEST_P(LossOps, ValueTargetBootstrapsUnlessTerminated) {
  Stack reward(2, 100, 1), terminated(2, 100, 1, 3), v(2, 100, 1), y(2, 100, 1);
  reward.fill(1), v.fill(2), terminated.set(0);
  terminated.at(1, 40, 0) = 1, v.at(1, 40, 0) = kPoison;
  sac_value_target op = {2,        100,      (sac_real)0.9, 5, reward.view(), terminated.view(),
                         v.view(), y.view(), none()};
  ops->value_target(backend, &op);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 100; r++) {
      double want = 5.0 * (double)reward.at(i, r, 0);
      if (i != 1 || r != 40) want += (double)op.gamma * (double)v.at(i, r, 0);
      ASSERT_NEAR(want, y.at(i, r, 0), op_tolerance() * 10);
    }
}

TEST_P(LossOps, SoftValueIsTheLeastCriticPlusEntropy) {
  for (const Shape &s : kShapes)
    for (bool prior : {false, true}) {
      Stack q(s.n * s.n_critics, s.rows, 1), log_pi(s.n, s.rows, 1), action(s.n, s.rows, s.act_dim);
      Stack v(s.n, s.rows, 1, s.pad);
      q.fill(2, 3), log_pi.fill(3), action.fill(4);
      std::vector<sac_real> log_alpha((size_t)s.n, (sac_real)0.4);
      sac_soft_value op = {s.n,
                           s.rows,
                           s.n_critics,
                           s.act_dim,
                           q.view(),
                           log_pi.view(),
                           prior ? action.view() : none(),
                           log_alpha.data(),
                           v.view()};
      ops->soft_value(backend, &op);
      for (int i = 0; i < s.n; i++)
        for (int r = 0; r < s.rows; r++) {
          double least = 1e9;
          for (int k = 0; k < s.n_critics; k++)
            least = std::min(least, (double)q.at(i * s.n_critics + k, r, 0));
          double entropy = (prior ? log_prior(action, i, r) : 0) - (double)log_pi.at(i, r, 0);
          ASSERT_NEAR(least + std::exp((double)log_alpha[0]) * entropy, v.at(i, r, 0),
                      op_tolerance() * 40);
        }
      v.expect_padding_kept();
    }
}

TEST_P(LossOps, ANaNCriticShowsInTheMinimum) {
  for (int bad = 0; bad < 3; bad++) {
    Stack q(3, 2, 1), log_pi(1, 2, 1), v(1, 2, 1);
    q.fill(1), log_pi.set(0), q.at(bad, 1, 0) = kPoison;
    sac_real log_alpha = 0;
    sac_soft_value op = {1, 2, 3, 1, q.view(), log_pi.view(), none(), &log_alpha, v.view()};
    ops->soft_value(backend, &op);
    ASSERT_FALSE(std::isnan(v.at(0, 0, 0)));
    ASSERT_TRUE(std::isnan(v.at(0, 1, 0)));
  }
}

TEST_P(LossOps, RegressionIsHalfTheMeanSquareOrHuber) {
  for (const Shape &s : kShapes)
    for (bool huber : {false, true}) {
      int members = s.n * s.n_critics;
      Stack q(members, s.rows, 1, s.pad), y(members, s.rows, 1, 0, s.n_critics);
      Stack dq(members, s.rows, 1, s.pad);
      q.fill(1, 2), y.fill(2);
      std::vector<sac_real> loss((size_t)members, kPoison);
      sac_regression_loss op = {members,  s.rows,    huber,       q.view(),
                                y.view(), dq.view(), loss.data(), none()};
      ops->regression_loss(backend, &op);
      for (int i = 0; i < members; i++) {
        double sum = 0;
        for (int r = 0; r < s.rows; r++) {
          double d = (double)q.at(i, r, 0) - (double)y.at(i, r, 0), size = std::abs(d);
          sum += huber && size > 1 ? size - 0.5 : 0.5 * d * d;
          double slope = huber ? std::min(std::max(d, -1.0), 1.0) : d;
          ASSERT_NEAR(slope / s.rows, dq.at(i, r, 0), op_tolerance() * 5 / s.rows);
        }
        ASSERT_NEAR(sum / s.rows, loss[(size_t)i], op_tolerance() * (1 + sum / s.rows));
      }
      dq.expect_padding_kept();
    }
}

TEST_P(LossOps, RowsHaveWeightsInTheRegression) {
  for (const Shape &s : kShapes)
    for (bool huber : {false, true}) {
      int members = s.n * s.n_critics;
      Stack q(members, s.rows, 1), y(members, s.rows, 1, 0, s.n_critics), dq(members, s.rows, 1);
      Stack weight(members, s.rows, 1, s.pad, s.n_critics);
      q.fill(1, 2), y.fill(2), weight.fill(3);
      std::vector<sac_real> loss((size_t)members, kPoison);
      sac_regression_loss op = {members,  s.rows,    huber,       q.view(),
                                y.view(), dq.view(), loss.data(), weight.view()};
      ops->regression_loss(backend, &op);
      for (int i = 0; i < members; i++) {
        double sum = 0, sizes = 0;
        for (int r = 0; r < s.rows; r++) {
          double d = (double)q.at(i, r, 0) - (double)y.at(i, r, 0), size = std::abs(d);
          double w = (double)weight.at(i, r, 0);
          double term = huber && size > 1 ? size - 0.5 : 0.5 * d * d;
          sum += w * term, sizes += std::abs(w) * term;
          double slope = w * (huber ? std::min(std::max(d, -1.0), 1.0) : d);
          ASSERT_NEAR(slope / s.rows, dq.at(i, r, 0), op_tolerance() * 20 / s.rows);
        }
        ASSERT_NEAR(sum / s.rows, loss[(size_t)i], op_tolerance() * (1 + sizes / s.rows));
      }
    }
}

TEST_P(LossOps, RowsOfSeveralStepsHaveADiscountOfTheirOwn) {
  const int n = 2, rows = 70;
  Stack reward(n, rows, 1), terminated(n, rows, 1), v(n, rows, 1), log_pi(n, rows, 1);
  Stack discount(n, rows, 1, 2), y(n, rows, 1), soft(n, rows, 1);
  reward.fill(1), v.fill(2), discount.fill(3), log_pi.fill(4), terminated.set(0);
  terminated.at(1, 3, 0) = 1, discount.at(1, 3, 0) = kPoison;
  sac_value_target plain = {n,        rows,     (sac_real)0.9,  2, reward.view(), terminated.view(),
                            v.view(), y.view(), discount.view()};
  ops->value_target(backend, &plain);
  std::vector<sac_real> log_alpha((size_t)n, 0);
  uint64_t key[n] = {1, 2}, update = 3;
  sac_soft_q_target op = {};
  op.n = n, op.rows = rows, op.n_critics = op.subset = op.act_dim = 1;
  op.gamma = (sac_real)0.9, op.reward_scale = 2;
  op.reward = reward.view(), op.terminated = terminated.view(), op.q = v.view();
  op.log_pi = log_pi.view(), op.log_alpha = log_alpha.data(), op.y = soft.view();
  op.key = key, op.update = &update, op.discount = discount.view();
  ops->soft_q_target(backend, &op);
  for (int i = 0; i < n; i++)
    for (int r = 0; r < rows; r++) {
      bool ends = i == 1 && r == 3;
      double factor = ends ? 0 : (double)discount.at(i, r, 0), next = (double)v.at(i, r, 0);
      double now = 2 * (double)reward.at(i, r, 0), entropy = -(double)log_pi.at(i, r, 0);
      ASSERT_NEAR(now + factor * next, y.at(i, r, 0), op_tolerance() * 20);
      ASSERT_NEAR(now + factor * (next + entropy), soft.at(i, r, 0), op_tolerance() * 40);
    }
}

TEST_P(LossOps, PolicyLossClimbsTheChosenCriticAndListsItsRows) {
  for (const Shape &s : kShapes)
    for (sac_actor_q actor_q : {SAC_ACTOR_MIN, SAC_ACTOR_FIRST, SAC_ACTOR_MEAN})
      for (bool prior : {false, true}) {
        int members = s.n * s.n_critics;
        if (!takes(20.0 * members * s.rows)) continue;
        Stack q(members, s.rows, 1), log_pi(s.n, s.rows, 1), action(s.n, s.rows, s.act_dim);
        Stack seed(members, s.rows, 1, s.pad);
        Stack integrand(s.n, s.rows, 1, s.pad);
        q.fill(1, 2), log_pi.fill(2), action.fill(3);
        // ties go to the lowest index
        for (int k = 1; k < s.n_critics; k++) q.at(k, 0, 0) = q.at(0, 0, 0);
        std::vector<int32_t> row((size_t)(members * s.rows), -1), count((size_t)members, -1);
        std::vector<sac_real> log_alpha((size_t)s.n, (sac_real)-0.5), loss((size_t)s.n),
            entropy((size_t)s.n);
        sac_policy_loss op = {s.n,
                              s.rows,
                              s.n_critics,
                              s.act_dim,
                              actor_q,
                              q.view(),
                              log_pi.view(),
                              prior ? action.view() : none(),
                              log_alpha.data(),
                              seed.view(),
                              row.data(),
                              count.data(),
                              loss.data(),
                              entropy.data(),
                              integrand.view()};
        ops->policy_loss(backend, &op);
        for (int i = 0; i < s.n; i++) {
          double want = 0, entropy_want = 0;
          std::vector<std::vector<int32_t>> rows((size_t)s.n_critics);
          for (int r = 0; r < s.rows; r++) {
            int chosen = 0;
            double mean = 0;
            for (int k = 0; k < s.n_critics; k++) {
              double value = q.at(i * s.n_critics + k, r, 0);
              mean += value / s.n_critics;
              if (value < (double)q.at(i * s.n_critics + chosen, r, 0)) chosen = k;
            }
            if (actor_q == SAC_ACTOR_FIRST) chosen = 0;
            rows[(size_t)chosen].push_back(r);
            for (int k = 0; k < s.n_critics; k++) {
              double weight = actor_q == SAC_ACTOR_MEAN ? 1.0 / s.n_critics : k == chosen;
              ASSERT_NEAR(weight, seed.at(i * s.n_critics + k, r, 0), 1e-7);
            }
            double m =
                actor_q == SAC_ACTOR_MEAN ? mean : (double)q.at(i * s.n_critics + chosen, r, 0);
            double density = (double)log_pi.at(i, r, 0) - (prior ? log_prior(action, i, r) : 0);
            double part = std::exp((double)log_alpha[0]) * density - m;
            ASSERT_NEAR(part, integrand.at(i, r, 0), op_tolerance() * 40);
            want += part;
            entropy_want -= (double)log_pi.at(i, r, 0);
          }
          ASSERT_NEAR(want / s.rows, loss[(size_t)i], op_tolerance() * 40);
          ASSERT_NEAR(entropy_want / s.rows, entropy[(size_t)i], op_tolerance() * 5);
          for (int k = 0; k < s.n_critics && actor_q != SAC_ACTOR_MEAN; k++) {
            size_t member = (size_t)(i * s.n_critics + k);
            ASSERT_EQ((int32_t)rows[(size_t)k].size(), count[member]);
            for (size_t at = 0; at < rows[(size_t)k].size(); at++)
              ASSERT_EQ(rows[(size_t)k][at], row[member * (size_t)s.rows + at]);
          }
        }
        seed.expect_padding_kept();
      }
}

TEST_P(LossOps, TemperatureFollowsTheEntropyGap) {
  for (int rows : {1, 3, 257})
    for (bool plain : {false, true}) {
      Stack log_pi(2, rows, 1, 2);
      log_pi.fill(1, 2);
      std::vector<sac_real> log_alpha = {(sac_real)0.3, -2}, gradient(2), loss(2);
      sac_temperature_loss op = {
          2, rows, plain, -3, log_pi.view(), log_alpha.data(), gradient.data(), loss.data()};
      ops->temperature_loss(backend, &op);
      for (int i = 0; i < 2; i++) {
        double mean = 0, x = (double)log_alpha[(size_t)i];
        for (int r = 0; r < rows; r++) mean += ((double)log_pi.at(i, r, 0) - 3) / rows;
        double slope = plain ? std::exp(x) : 1, value = plain ? std::exp(x) : x;
        ASSERT_NEAR(-slope * mean, gradient[(size_t)i], op_tolerance() * 10);
        ASSERT_NEAR(-value * mean, loss[(size_t)i], op_tolerance() * 20);
      }
    }
}

SAC_EVERY_PLACE(LossOps);

}  // namespace
