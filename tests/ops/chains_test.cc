// Markov chains against float64 loops, and what makes them right: reversible trajectories, energies
// that are kept, the moments of their target.
#include "ops/fixture.h"

#include <functional>

using namespace sac_test;

namespace {

class ChainOps : public Ops {};

double log_jacobian(double u) {
  u = std::abs(u);
  return 2 * (std::log(2.0) - u - std::log1p(std::exp(-2 * u)));
}

struct Trajectory {
  Trajectory(int n_, int rows_, int act_dim_)
      : n(n_),
        rows(rows_),
        act_dim(act_dim_),
        u(n, rows, act_dim, 1),
        score(n, rows, act_dim),
        momentum(n, rows, act_dim),
        next_u(n, rows, act_dim, 2),
        next_score(n, rows, act_dim),
        next_momentum(n, rows, act_dim),
        action(n, rows, act_dim),
        log_density(n, rows, 1),
        next_log_density(n, rows, 1),
        noise(n, rows, 2),
        energy(n, rows, 1, 1),
        accepted(n, rows, 1, 1) {
    accepted.set(0);
  }
  void leap(const sac_ops *ops, sac_backend *backend, double kick, bool first) {
    sac_leapfrog op = {};
    op.n = n, op.rows = rows, op.act_dim = act_dim;
    op.step_size = (sac_real)step_size, op.kick = (sac_real)kick;
    op.u = (first ? u : next_u).view(), op.score = (first ? score : next_score).view();
    op.momentum = (first ? momentum : next_momentum).view();
    op.next_u = next_u.view(), op.next_momentum = next_momentum.view(), op.action = action.view();
    ops->leapfrog(backend, &op);
  }
  void settle(const sac_ops *ops, sac_backend *backend, bool always) {
    sac_metropolis op = {};
    op.n = n, op.rows = rows, op.act_dim = act_dim;
    op.always = always, op.step_size = (sac_real)step_size;
    op.momentum = momentum.view(), op.next_u = next_u.view(), op.next_score = next_score.view();
    op.next_momentum = next_momentum.view(), op.next_log_density = next_log_density.view();
    op.noise = noise.view(), op.u = u.view(), op.score = score.view();
    op.log_density = log_density.view(), op.energy = energy.view(), op.accepted = accepted.view();
    ops->metropolis(backend, &op);
  }
  int n, rows, act_dim;
  double step_size = 0.2;
  Stack u, score, momentum, next_u, next_score, next_momentum, action, log_density,
      next_log_density, noise, energy, accepted;
};

TEST_P(ChainOps, LeapfrogKicksThenDrifts) {
  Trajectory t(2, 67, 3);
  t.u.fill(1), t.momentum.fill(2), t.score.fill(3);
  t.leap(ops, backend, 0.5, true);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 67; r++)
      for (int j = 0; j < 3; j++) {
        double p = (double)t.momentum.at(i, r, j) + 0.5 * 0.2 * (double)t.score.at(i, r, j);
        double u = (double)t.u.at(i, r, j) + 0.2 * p;
        ASSERT_NEAR(t.next_momentum.at(i, r, j), p, op_tolerance() * 5);
        ASSERT_NEAR(t.next_u.at(i, r, j), u, op_tolerance() * 5);
        ASSERT_NEAR(t.action.at(i, r, j), std::tanh(u), op_tolerance() * 5);
      }
  t.next_u.expect_padding_kept();
}

TEST_P(ChainOps, MetropolisTakesByTheEnergy) {
  for (bool always : {false, true}) {
    Trajectory t(2, 67, 3);
    unsigned words = 1;
    for (Stack *x : {&t.u, &t.score, &t.momentum, &t.next_u, &t.next_score, &t.next_momentum,
                     &t.log_density, &t.next_log_density, &t.noise})
      x->fill(words++);
    t.next_log_density.at(0, 3, 0) = kPoison, t.next_log_density.at(1, 5, 0) = -INFINITY;
    t.next_score.at(0, 7, 1) = (sac_real)INFINITY;
    Trajectory was = t;
    t.settle(ops, backend, always);
    int moved = 0;
    for (int i = 0; i < 2; i++)
      for (int r = 0; r < 67; r++) {
        double energy = 0;
        for (int j = 0; j < 3; j++) {
          double p = was.momentum.at(i, r, j), e = was.step_size / 2;
          double q = (double)was.next_momentum.at(i, r, j) + e * (double)was.next_score.at(i, r, j);
          energy += (q * q - p * p) / 2;
        }
        energy += (double)was.log_density.at(i, r, 0) - (double)was.next_log_density.at(i, r, 0);
        double limit =
            (std::pow(was.noise.at(i, r, 0), 2) + std::pow(was.noise.at(i, r, 1), 2)) / 2;
        bool moves = std::isfinite(energy) && (always || energy < limit);
        moved += moves;
        ASSERT_EQ(t.accepted.at(i, r, 0), moves) << i << " " << r;
        Stack &u = moves ? was.next_u : was.u, &g = moves ? was.next_score : was.score;
        for (int j = 0; j < 3; j++) {
          ASSERT_EQ(t.u.at(i, r, j), u.at(i, r, j));
          ASSERT_EQ(t.score.at(i, r, j), g.at(i, r, j));
        }
        ASSERT_EQ(t.log_density.at(i, r, 0),
                  (moves ? was.next_log_density : was.log_density).at(i, r, 0));
        if (!std::isfinite(energy)) continue;
        ASSERT_NEAR(t.energy.at(i, r, 0), energy, op_tolerance() * 20);
      }
    EXPECT_EQ(moved == 2 * 67 - 3, always);
    EXPECT_GT(moved, 20);
    t.u.expect_padding_kept(), t.energy.expect_padding_kept();
  }
}

// ---- whole chains

struct Target {
  const char *name;
  double (*q)(double a);
  double (*slope)(double a);

  /// E a^2 of exp Q over (-1, 1), by the midpoint rule.
  double square() const {
    double mass = 0, sum = 0;
    for (int k = 0; k < 2000; k++) {
      double a = (k + 0.5) / 1000 - 1, p = std::exp(q(a));
      mass += p, sum += p * a * a;
    }
    return sum / mass;
  }
};
const Target kTargets[] = {
    {"Q = 0", [](double) { return 0.0; }, [](double) { return 0.0; }},
    {"Q = 3 a^2", [](double a) { return 3 * a * a; }, [](double a) { return 6 * a; }},
    {"Q = cos 6a", [](double a) { return std::cos(6 * a); },
     [](double a) { return -6 * std::sin(6 * a); }},
};

// log density and score at u, summed over the dimensions
void look(const Target &target, Stack &u, Stack &score, Stack &log_density) {
  for (int r = 0; r < u.rows(); r++) {
    double density = 0;
    for (int j = 0; j < u.cols(); j++) {
      double x = u.at(0, r, j), a = std::tanh(x);
      density += target.q(a) + log_jacobian(x);
      score.at(0, r, j) = (sac_real)(target.slope(a) * (1 - a * a) - 2 * a);
    }
    log_density.at(0, r, 0) = (sac_real)density;
  }
}

// `leaps` leapfrog steps, up to the last half kick
void fly(const Target &target, Trajectory &t, int leaps, const sac_ops *ops, sac_backend *backend) {
  for (int leap = 0; leap < leaps; leap++) {
    t.leap(ops, backend, leap == 0 ? 0.5 : 1, leap == 0);
    look(target, t.next_u, t.next_score, t.next_log_density);
  }
}

// the last half kick, which a trajectory's end needs when nobody judges it
void kick(Trajectory &t) {
  for (int r = 0; r < t.rows; r++)
    for (int j = 0; j < t.act_dim; j++)
      t.next_momentum.at(0, r, j) += (sac_real)(t.step_size / 2) * t.next_score.at(0, r, j);
}

TEST_P(ChainOps, TrajectoriesAreReversible) {
  const Target &target = kTargets[2];
  Trajectory t(1, 40, 2), back(1, 40, 2);
  t.u.fill(1), t.momentum.fill(2);
  t.step_size = back.step_size = 0.1;
  look(target, t.u, t.score, t.log_density);
  fly(target, t, 10, ops, backend);
  kick(t);
  for (int r = 0; r < 40; r++)
    for (int j = 0; j < 2; j++) {
      back.u.at(0, r, j) = t.next_u.at(0, r, j);
      back.momentum.at(0, r, j) = -t.next_momentum.at(0, r, j);
    }
  look(target, back.u, back.score, back.log_density);
  fly(target, back, 10, ops, backend);
  kick(back);
  double moved = 0;
  for (int r = 0; r < 40; r++)
    for (int j = 0; j < 2; j++) {
      ASSERT_NEAR(back.next_u.at(0, r, j), t.u.at(0, r, j), tolerance(2e-5, 1e-10));
      ASSERT_NEAR(back.next_momentum.at(0, r, j), -t.momentum.at(0, r, j), tolerance(2e-5, 1e-10));
      moved = std::max(moved, std::abs((double)t.next_u.at(0, r, j) - (double)t.u.at(0, r, j)));
    }
  EXPECT_GT(moved, 0.5);
}

// over the same time, steps of half the size make a quarter of the error
TEST_P(ChainOps, EnergyIsKeptToTheSquareOfTheStep) {
  const Target &target = kTargets[2];
  std::vector<double> errors;
  for (int leaps : {5, 10, 20}) {
    Trajectory t(1, 200, 2);
    t.u.fill(1), t.momentum.fill(2), t.noise.set(0);
    t.step_size = 0.5 / leaps;
    look(target, t.u, t.score, t.log_density);
    fly(target, t, leaps, ops, backend);
    t.settle(ops, backend, false);
    double sum = 0;
    for (int r = 0; r < 200; r++) sum += std::abs((double)t.energy.at(0, r, 0)) / 200;
    errors.push_back(sum);
  }
  EXPECT_LT(errors[0], 0.3);
  EXPECT_NEAR(errors[0] / errors[1], 4, 0.6);
  EXPECT_NEAR(errors[1] / errors[2], 4, 0.4);
}

struct Method {
  const char *name;
  int leaps, rounds;
  bool always;
  double step_size, tolerance;
};

double square_of_chains(const Target &target, const Method &method, const sac_ops *ops,
                        sac_backend *backend, double *rate) {
  const int rows = 1500;
  Trajectory t(1, rows, 1);
  t.step_size = method.step_size;
  t.u.fill(1);
  look(target, t.u, t.score, t.log_density);
  uint64_t key = 5, step = 0;
  for (int round = 0; round < method.rounds; round++) {
    Stack drawn(1, rows, 3);
    sac_normal_fill fill = {1, rows, 3, round * rows, &key, SAC_DRAW_ACT, &step, drawn.view()};
    ops->normal_fill(backend, &fill);
    for (int r = 0; r < rows; r++) {
      t.momentum.at(0, r, 0) = drawn.at(0, r, 0);
      for (int j = 0; j < 2; j++) t.noise.at(0, r, j) = drawn.at(0, r, 1 + j);
    }
    fly(target, t, method.leaps, ops, backend);
    t.settle(ops, backend, method.always);
  }
  double square = 0;
  *rate = 0;
  for (int r = 0; r < rows; r++) {
    square += std::pow(std::tanh((double)t.u.at(0, r, 0)), 2) / rows;
    *rate += (double)t.accepted.at(0, r, 0) / rows / method.rounds;
  }
  return square;
}

// four standard errors of 1500 independent chains are 0.03
TEST_P(ChainOps, ChainsHaveTheMomentsOfTheirTarget) {
  const Method methods[] = {{"ULA", 1, 150, true, 0.15, 0.045},
                            {"MALA", 1, 80, false, 0.4, 0.03},
                            {"HMC", 5, 20, false, 0.25, 0.03}};
  if (!takes(1e6)) GTEST_SKIP() << "left to the other runs";
  for (const Target &target : kTargets)
    for (const Method &method : methods) {
      double rate = 0;
      double square = square_of_chains(target, method, ops, backend, &rate);
      EXPECT_NEAR(square, target.square(), method.tolerance) << method.name << " " << target.name;
      EXPECT_GT(rate, 0.5) << method.name << " " << target.name;
      EXPECT_EQ(rate > 0.9999, method.always) << method.name << " " << target.name;
    }
}

SAC_EVERY_PLACE(ChainOps);

}  // namespace
