// Particles of soft Q-learning against float64 loops, quadrature and known fixed points.
#include "ops/fixture.h"

#include <algorithm>
#include <functional>

extern "C" {}

using namespace sac_test;

namespace {

const double kPi = std::acos(-1.0);

// log(1 - tanh^2 u)
double log_jacobian(double u) {
  u = std::abs(u);
  return 2 * (std::log(2.0) - u - std::log1p(std::exp(-2 * u)));
}

sac_stack none() {
  sac_stack s = {};
  s.share = 1;
  return s;
}

class ParticleOps : public Ops {};

// ---- proposals

struct Proposal {
  Proposal(int n_, int rows_, int count_, int act_dim_, int n_particles_)
      : n(n_),
        rows(rows_),
        count(count_),
        act_dim(act_dim_),
        n_particles(n_particles_),
        particle(n, rows * std::max(1, n_particles), act_dim, 1),
        moment(n, rows, 2 * act_dim, 1),
        action(n, rows * count, act_dim, 2),
        log_q(n, rows * count, 1, 1) {
    for (int i = 0; i < n; i++) key.push_back(77 + (uint64_t)i);
  }
  void run(const sac_ops *ops, sac_backend *backend, bool shared = false) {
    sac_proposal_draw op = {};
    op.n = n, op.rows = rows, op.count = count, op.act_dim = act_dim, op.shared = shared;
    op.n_particles = n_particles, op.particle = n_particles ? particle.view() : none();
    op.moment = n_particles ? moment.view() : none();
    op.key = key.data(), op.update = &update, op.action = action.view(), op.log_q = log_q.view();
    ops->proposal_draw(backend, &op);
  }
  sac_words words(int i, int row, int j) const {
    return sac_draw(key[(size_t)i], SAC_DRAW_PROPOSAL, update, (uint32_t)row, (uint32_t)j / 4);
  }
  int n, rows, count, act_dim, n_particles;
  Stack particle, moment, action, log_q;
  std::vector<uint64_t> key;
  uint64_t update = 0x123456789aull;
};

TEST_P(ParticleOps, UniformProposalsAreTheWordsOfTheirPlace) {
  for (bool shared : {false, true}) {
    Proposal p(2, 5, 19, 6, 0);
    p.run(ops, backend, shared);
    for (int i = 0; i < p.n; i++)
      for (int r = 0; r < p.rows * p.count; r++) {
        for (int j = 0; j < p.act_dim; j++) {
          sac_words w = p.words(i, shared ? r % p.count : r, j);
          ASSERT_EQ(p.action.at(i, r, j), 2 * (sac_real)sac_uniform(w.at[j % 4]) - 1);
          ASSERT_LT(std::abs(p.action.at(i, r, j)), 1);
        }
        ASSERT_NEAR(p.log_q.at(i, r, 0), -6 * std::log(2.0), op_tolerance() * 5);
      }
    p.action.expect_padding_kept(), p.log_q.expect_padding_kept();
  }
}

TEST_P(ParticleOps, FittedProposalsAreAMixtureWithTheDensityItSays) {
  for (int count : {1, 7, 16})
    for (int n_particles : {1, 9, 32}) {
      Proposal p(2, 3, count, 3, n_particles);
      p.particle.fill(3, 0.7);
      p.run(ops, backend);
      for (int i = 0; i < p.n; i++)
        for (int r = 0; r < p.rows * count; r++) {
          double log_normal = 0, share = (count + 1) / 2 / (double)count;
          for (int j = 0; j < 3; j++) {
            double mean = 0, square = 0;
            for (int k = 0; k < n_particles; k++)
              mean += (double)p.particle.at(i, r / count * n_particles + k, j) / n_particles;
            for (int k = 0; k < n_particles; k++)
              square += std::pow(p.particle.at(i, r / count * n_particles + k, j) - mean, 2) /
                        n_particles;
            double sigma = std::max(1e-2, std::sqrt(square)), u;
            sac_words w = p.words(i, r, j);
            if (r % count % 2 == 0) {
              double radius = std::sqrt(-2 * std::log((double)sac_uniform(w.at[j % 4 / 2 * 2])));
              double angle = 2 * kPi * (double)sac_uniform(w.at[j % 4 / 2 * 2 + 1]);
              u = mean + sigma * radius * (j % 2 ? std::sin(angle) : std::cos(angle));
            } else {
              u = std::atanh(2 * (double)sac_uniform(w.at[j % 4]) - 1);
            }
            ASSERT_NEAR(p.action.at(i, r, j), std::tanh(u), op_tolerance() * 10);
            log_normal += -0.5 * std::pow((u - mean) / sigma, 2) - std::log(sigma) -
                          0.5 * std::log(2 * kPi) - log_jacobian(u);
          }
          double want = std::log(share * std::exp(log_normal) + (1 - share) * std::pow(0.5, 3));
          ASSERT_NEAR(p.log_q.at(i, r, 0), want, op_tolerance() * (50 + std::abs(log_normal)));
        }
      p.action.expect_padding_kept(), p.log_q.expect_padding_kept(), p.moment.expect_padding_kept();
    }
}

// ---- the soft value

struct Value {
  Value(int n_, int rows_, int count_, int n_critics_)
      : n(n_),
        rows(rows_),
        count(count_),
        n_critics(n_critics_),
        q(n * n_critics, rows * count, 1, 1),
        log_q(n, rows * count, 1),
        v(n, rows, 1, 1),
        log_alpha((size_t)n, (sac_real)std::log(0.7)),
        sample_size((size_t)n) {}
  void run(const sac_ops *ops, sac_backend *backend) {
    sac_sampled_value op = {};
    op.n = n, op.rows = rows, op.count = count, op.n_critics = n_critics;
    op.q = q.view(), op.log_q = log_q.view(), op.log_alpha = log_alpha.data();
    op.v = v.view(), op.sample_size = sample_size.data();
    ops->sampled_value(backend, &op);
  }
  int n, rows, count, n_critics;
  Stack q, log_q, v;
  std::vector<sac_real> log_alpha, sample_size;
};

TEST_P(ParticleOps, SampledValueIsTheLogOfTheMeanWeight) {
  for (int n_critics : {1, 3})
    for (int count : {1, 16, 50}) {
      Value x(2, 37, count, n_critics);
      x.q.fill(1, 30), x.log_q.fill(2);
      x.run(ops, backend);
      for (int i = 0; i < x.n; i++) {
        double alpha = std::exp((double)x.log_alpha[(size_t)i]), sizes = 0;
        for (int r = 0; r < x.rows; r++) {
          std::vector<double> w;
          for (int k = r * count; k < (r + 1) * count; k++) {
            double least = INFINITY;
            for (int c = 0; c < n_critics; c++)
              least = std::min(least, (double)x.q.at(i * n_critics + c, k, 0));
            w.push_back(least / alpha - (double)x.log_q.at(i, k, 0));
          }
          double most = *std::max_element(w.begin(), w.end()), sum = 0, squares = 0;
          for (double l : w) sum += std::exp(l - most), squares += std::exp(2 * (l - most));
          ASSERT_NEAR(x.v.at(i, r, 0), alpha * (most + std::log(sum / count)),
                      op_tolerance() * 100);
          sizes += sum * sum / squares / x.rows;
        }
        EXPECT_NEAR(x.sample_size[(size_t)i], sizes, op_tolerance() * 100 * count);
      }
      x.v.expect_padding_kept();
    }
}

TEST_P(ParticleOps, SampledValueOfNaNIsNaN) {
  Value x(1, 2, 20, 2);
  x.q.fill(1), x.log_q.fill(2);
  x.q.at(1, 33, 0) = kPoison;
  x.run(ops, backend);
  EXPECT_TRUE(std::isfinite(x.v.at(0, 0, 0)));
  EXPECT_TRUE(std::isnan(x.v.at(0, 1, 0)));
}

// Q(a) = -20 |a - 0.3|^2 over (-1, 1)^A at alpha 0.7, whose value is known; every proposal's exp V
// is right on average, and one of many actions near it
TEST_P(ParticleOps, SampledValueIsTheIntegral) {
  const double alpha = 0.7, c = 0.3, sharp = 20 / alpha;
  for (int act_dim : {1, 2})
    for (int n_particles : {0, 24}) {
      const int rows = 2000, count = 16;
      if (!takes((double)rows * count * 4)) GTEST_SKIP() << "left to the other runs";
      Proposal p(1, rows, count, act_dim, n_particles);
      // particles as a sampler that is a little off would have them
      p.particle.fill(5, 0.25);
      for (int r = 0; n_particles && r < rows * n_particles; r++)
        for (int j = 0; j < act_dim; j++) p.particle.at(0, r, j) += (sac_real)0.4;
      p.run(ops, backend);
      Value x(1, rows, count, 1);
      for (int r = 0; r < rows * count; r++) {
        double q = 0;
        for (int j = 0; j < act_dim; j++) q -= 20 * std::pow(p.action.at(0, r, j) - c, 2);
        x.q.at(0, r, 0) = (sac_real)q;
        x.log_q.at(0, r, 0) = p.log_q.at(0, r, 0);
      }
      x.run(ops, backend);
      double one = std::sqrt(kPi / sharp) / 2 *
                   (std::erf(std::sqrt(sharp) * (1 - c)) + std::erf(std::sqrt(sharp) * (1 + c)));
      double exact = std::pow(one, act_dim), mean = 0, square = 0;
      for (int r = 0; r < rows; r++) {
        double z = std::exp((double)x.v.at(0, r, 0) / alpha);
        mean += z / rows, square += z * z / rows;
      }
      double error = std::sqrt((square - mean * mean) / rows);
      EXPECT_NEAR(mean, exact, 4 * error) << act_dim << " " << n_particles;
      EXPECT_LT(error, 0.1 * exact);
      // the fitted proposal is worth far more draws
      EXPECT_GT(x.sample_size[0], n_particles ? 4 : 1);
    }
}

// ---- the score

struct Score {
  Score(int n_, int rows_, int n_critics_, int act_dim_)
      : n(n_),
        rows(rows_),
        n_critics(n_critics_),
        act_dim(act_dim_),
        particle(n, rows, act_dim, 1),
        dq(n * n_critics, rows, act_dim, 2),
        seed(n * n_critics, rows, 1),
        q(n * n_critics, rows, 1),
        score(n, rows, act_dim, 1),
        log_density(n, rows, 1, 1),
        log_alpha((size_t)n, (sac_real)std::log(0.3)) {
    seed.set(0);
  }
  void run(const sac_ops *ops, sac_backend *backend, sac_particle_space space, bool density) {
    sac_particle_score op = {};
    op.n = n, op.rows = rows, op.n_critics = n_critics, op.act_dim = act_dim, op.space = space;
    op.particle = particle.view(), op.dq = dq.view(), op.seed = seed.view(), op.q = q.view();
    op.log_alpha = log_alpha.data(), op.score = score.view();
    op.log_density = density ? log_density.view() : none();
    ops->particle_score(backend, &op);
  }
  int n, rows, n_critics, act_dim;
  Stack particle, dq, seed, q, score, log_density;
  std::vector<sac_real> log_alpha;
};

TEST_P(ParticleOps, ScoreIsTheSlopeOfTheLogDensity) {
  for (sac_particle_space space : {SAC_PARTICLES_U, SAC_PARTICLES_ACTION_REPO}) {
    Score x(2, 77, 3, 4);
    x.particle.fill(1, space == SAC_PARTICLES_U ? 2 : 0.3), x.dq.fill(2), x.q.fill(3);
    for (int i = 0; i < 2; i++)
      for (int r = 0; r < 77; r++)
        for (int k = 0; k < 3; k++) {
          bool decides = k == r % 3;
          x.seed.at(i * 3 + k, r, 0) = decides;
          // the others are not read
          for (int j = 0; j < 4 && !decides; j++) x.dq.at(i * 3 + k, r, j) = kPoison;
        }
    x.run(ops, backend, space, space == SAC_PARTICLES_U);
    for (int i = 0; i < 2; i++)
      for (int r = 0; r < 77; r++) {
        double density = (double)x.q.at(i * 3 + r % 3, r, 0) / 0.3;
        for (int j = 0; j < 4; j++) {
          double u = x.particle.at(i, r, j), a = space == SAC_PARTICLES_U ? std::tanh(u) : u;
          double slope = (double)x.dq.at(i * 3 + r % 3, r, j) / 0.3;
          double want = space == SAC_PARTICLES_U ? slope * (1 - a * a) - 2 * a
                                                 : slope - 2 * a / (1 - a * a + 1e-6);
          ASSERT_NEAR(x.score.at(i, r, j), want, op_tolerance() * 20 * (1 + std::abs(want)));
          density += log_jacobian(u);
        }
        if (space != SAC_PARTICLES_U) continue;
        ASSERT_NEAR(x.log_density.at(i, r, 0), density, op_tolerance() * 100);
      }
    x.score.expect_padding_kept();
  }
}

// with Q = sum sin(3 a_j) the density's difference quotient is the score
TEST_P(ParticleOps, ScoreIsTheDifferenceQuotient) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  auto density_at = [&](Score &x, double shift) {
    for (int r = 0; r < x.rows; r++) {
      x.seed.at(0, r, 0) = 1, x.q.at(0, r, 0) = 0;
      for (int j = 0; j < x.act_dim; j++) {
        x.particle.at(0, r, j) =
            (sac_real)(0.3 * (r - 4) + 0.1 * j + (j == r % x.act_dim ? shift : 0));
        double a = std::tanh((double)x.particle.at(0, r, j));
        x.q.at(0, r, 0) += (sac_real)std::sin(3 * a);
        x.dq.at(0, r, j) = (sac_real)(3 * std::cos(3 * a));
      }
    }
    x.run(ops, backend, SAC_PARTICLES_U, true);
  };
  Score x(1, 9, 1, 2), above(1, 9, 1, 2), below(1, 9, 1, 2);
  density_at(x, 0), density_at(above, 1e-6), density_at(below, -1e-6);
  for (int r = 0; r < 9; r++)
    EXPECT_NEAR(x.score.at(0, r, r % 2),
                (above.log_density.at(0, r, 0) - below.log_density.at(0, r, 0)) / 2e-6, 1e-7);
}

// ---- Stein variational gradient descent

struct Stein {
  Stein(int n_, int rows_, int n_fixed_, int n_updated_, int act_dim_)
      : n(n_),
        rows(rows_),
        n_fixed(n_fixed_),
        n_updated(n_updated_),
        act_dim(act_dim_),
        fixed(n, rows * n_fixed, act_dim, 1),
        score(n, rows * n_fixed, act_dim),
        updated(n, rows * n_updated, act_dim, 2),
        kernel(n, rows, n_updated * n_fixed, 3),
        square(n, rows, 1),
        dupdated(n, rows * n_updated, act_dim, 1),
        loss((size_t)n) {}
  void run(const sac_ops *ops, sac_backend *backend, sac_particle_space space = SAC_PARTICLES_U) {
    sac_stein_gradient op = {};
    op.n = n, op.rows = rows, op.n_fixed = n_fixed, op.n_updated = n_updated;
    op.act_dim = act_dim, op.space = space;
    op.fixed = fixed.view(), op.score = score.view(), op.updated = updated.view();
    op.kernel = kernel.view(), op.square = square.view(), op.dupdated = dupdated.view();
    op.loss = loss.data();
    ops->stein_gradient(backend, &op);
  }
  double distance(int i, int row, int k, int j) {
    double sum = 0;
    for (int d = 0; d < act_dim; d++)
      sum += std::pow(
          (double)fixed.at(i, row * n_fixed + k, d) - (double)updated.at(i, row * n_updated + j, d),
          2);
    return sum;
  }
  double bandwidth(int i, int row) {
    std::vector<double> all;
    for (int k = 0; k < n_fixed; k++)
      for (int j = 0; j < n_updated; j++) all.push_back(distance(i, row, k, j));
    // the authors take the (count / 2 + 1)-th largest
    std::sort(all.begin(), all.end(), std::greater<double>());
    return std::max(all[all.size() / 2] / std::log(n_fixed), 1e-3);
  }
  double direction(int i, int row, int j, int d, double h) {
    double sum = 0;
    for (int k = 0; k < n_fixed; k++) {
      double x = fixed.at(i, row * n_fixed + k, d), y = updated.at(i, row * n_updated + j, d);
      sum += std::exp(-distance(i, row, k, j) / h) *
             ((double)score.at(i, row * n_fixed + k, d) - 2 / h * (x - y)) / n_fixed;
    }
    return sum;
  }
  /// D_j itself, from the gradient before the squashing.
  double step(int row, int j, int d) {
    return -(double)dupdated.at(0, row * n_updated + j, d) * rows * n_updated;
  }
  int n, rows, n_fixed, n_updated, act_dim;
  Stack fixed, score, updated, kernel, square, dupdated;
  std::vector<sac_real> loss;
};

TEST_P(ParticleOps, SteinGradientIsThePapers) {
  struct Shape {
    int n, rows, n_fixed, n_updated, act_dim;
  };
  for (const Shape &s :
       {Shape{1, 1, 2, 1, 1}, {2, 3, 5, 4, 2}, {2, 9, 16, 16, 3}, {1, 2, 33, 7, 6}})
    for (sac_particle_space space : {SAC_PARTICLES_U, SAC_PARTICLES_ACTION_REPO}) {
      Stein x(s.n, s.rows, s.n_fixed, s.n_updated, s.act_dim);
      x.fixed.fill(1, 0.5), x.updated.fill(2, 0.5), x.score.fill(3);
      x.run(ops, backend, space);
      for (int i = 0; i < s.n; i++) {
        double loss = 0, mean = 1.0 / (s.rows * s.n_updated);
        for (int r = 0; r < s.rows; r++) {
          double h = x.bandwidth(i, r);
          for (int j = 0; j < s.n_updated; j++)
            for (int d = 0; d < s.act_dim; d++) {
              double want = x.direction(i, r, j, d, h), y = x.updated.at(i, r * s.n_updated + j, d);
              double scale = space == SAC_PARTICLES_U ? mean : 1 - y * y;
              ASSERT_NEAR(x.dupdated.at(i, r * s.n_updated + j, d), -want * scale,
                          op_tolerance() * 20 * (1 + std::abs(want)) * (1 + std::abs(scale)));
              loss += want * want * mean;
            }
        }
        EXPECT_NEAR(x.loss[(size_t)i], loss, op_tolerance() * 50 * (1 + loss));
      }
      x.dupdated.expect_padding_kept(), x.kernel.expect_padding_kept();
    }
}

// particles in one place push nobody away: what is left is the climb to the maximum
TEST_P(ParticleOps, SteinGradientOfOnePlaceIsTheScore) {
  Stein x(1, 1, 3, 2, 2);
  x.fixed.set((sac_real)0.4), x.updated.set((sac_real)0.4), x.score.set((sac_real)1.7);
  x.run(ops, backend);
  for (int j = 0; j < 2; j++)
    for (int d = 0; d < 2; d++) EXPECT_NEAR(x.step(0, j, d), 1.7, op_tolerance() * 5);
}

TEST_P(ParticleOps, KernelIsSymmetricAndItsSlopeIsNot) {
  Stein x(1, 1, 6, 6, 2), turned(1, 1, 6, 6, 2);
  x.fixed.fill(1), x.updated.fill(2), x.score.set(0), turned.score.set(0);
  for (int k = 0; k < 6; k++)
    for (int d = 0; d < 2; d++) {
      turned.fixed.at(0, k, d) = x.updated.at(0, k, d);
      turned.updated.at(0, k, d) = x.fixed.at(0, k, d);
    }
  x.run(ops, backend), turned.run(ops, backend);
  for (int k = 0; k < 6; k++)
    for (int j = 0; j < 6; j++)
      ASSERT_EQ(x.kernel.at(0, 0, j * 6 + k), turned.kernel.at(0, 0, k * 6 + j));
  for (int d = 0; d < 2; d++) {
    double sum = 0;
    for (int j = 0; j < 6; j++) sum += x.step(0, j, d) + turned.step(0, j, d);
    EXPECT_NEAR(0, sum, op_tolerance() * 20);
  }
}

// at the least bandwidth, a constant: without a score D is the difference quotient of mean k
TEST_P(ParticleOps, KernelSlopeIsTheDifferenceQuotient) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  Stein x(1, 1, 5, 3, 2);
  x.fixed.fill(1, 0.01), x.updated.fill(2, 0.01), x.score.set(0);
  x.run(ops, backend);
  for (int j = 0; j < 3; j++)
    for (int d = 0; d < 2; d++) {
      double mean[2];
      for (int side = 0; side < 2; side++) {
        Stein moved = x;
        for (int k = 0; k < 5; k++) moved.fixed.at(0, k, d) += (sac_real)(side ? 1e-7 : -1e-7);
        moved.run(ops, backend);
        mean[side] = 0;
        for (int k = 0; k < 5; k++) mean[side] += (double)moved.kernel.at(0, 0, j * 5 + k) / 5;
      }
      EXPECT_NEAR(x.step(0, j, d), (mean[1] - mean[0]) / 2e-7, 1e-5);
    }
}

SAC_EVERY_PLACE(ParticleOps);

// ---- where Stein variational gradient descent ends

struct Target {
  const char *name;
  double (*slope)(double a);
  double square, square_of_authors;  // E a^2 of exp Q, and of exp(Q) (1 - a^2); 0: not looked at
};

const Target kTargets[] = {
    {"Q = 0", [](double) { return 0.0; }, 0.3333, 0.2},
    {"Q = 3 a^2", [](double a) { return 6 * a; }, 0.6261, 0.3917},
    {"Q = 2 cos 6a", [](double a) { return -12 * std::sin(6 * a); }, 0.3538, 0},
};

// E a^2 over 100 particles that all move, fixed and updated alike, by adaptive steps
double settle(const Target &target, sac_particle_space space, Device &device) {
  const int n = 100;
  Stein x(1, 1, n, n, 1);
  Score at(1, n, 1, 1);
  at.log_alpha[0] = 0, at.seed.set(1), at.q.set(0);
  std::mt19937 words(1);
  std::normal_distribution<double> normal;
  std::vector<double> particle, speed(n, 0);
  for (int k = 0; k < n; k++) {
    double u = normal(words);
    particle.push_back(space == SAC_PARTICLES_U ? u : std::tanh(u));
  }
  for (int round = 0; round < 2000; round++) {
    for (int k = 0; k < n; k++) {
      sac_real p = (sac_real)particle[(size_t)k];
      at.particle.at(0, k, 0) = x.fixed.at(0, k, 0) = x.updated.at(0, k, 0) = p;
      at.dq.at(0, k, 0) = (sac_real)target.slope(space == SAC_PARTICLES_U ? std::tanh(p) : p);
    }
    at.run(device.ops(), device.backend, space, false);
    for (int k = 0; k < n; k++) x.score.at(0, k, 0) = at.score.at(0, k, 0);
    x.run(device.ops(), device.backend, space);
    for (int k = 0; k < n; k++) {
      double &p = particle[(size_t)k], &v = speed[(size_t)k];
      double scale = space == SAC_PARTICLES_U ? 1.0 / n : 1 - p * p;
      double direction = -(double)x.dupdated.at(0, k, 0) / scale;
      v = round ? 0.9 * v + 0.1 * direction * direction : direction * direction;
      p += 0.01 * direction / std::sqrt(v + 1e-8);
      if (space != SAC_PARTICLES_U) p = std::max(-0.999999, std::min(0.999999, p));
    }
  }
  double square = 0;
  for (double p : particle) square += std::pow(space == SAC_PARTICLES_U ? std::tanh(p) : p, 2) / n;
  return square;
}

TEST(SteinDescent, SettlesAtExpQ) {
  Device device({"portable", 1});
  for (const Target &target : kTargets)
    EXPECT_NEAR(settle(target, SAC_PARTICLES_U, device), target.square, 0.02) << target.name;
}

// the authors' program draws from another density: exp(Q) (1 - a^2)
TEST(SteinDescent, OfTheAuthorsProgramSettlesElsewhere) {
  Device device({"portable", 1});
  for (const Target &target : kTargets) {
    if (target.square_of_authors == 0) continue;
    EXPECT_NEAR(settle(target, SAC_PARTICLES_ACTION_REPO, device), target.square_of_authors, 0.02)
        << target.name;
  }
}

}  // namespace
