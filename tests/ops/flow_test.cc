// Flows against float64 formulas written independently: values, log-determinant against a numeric
// Jacobian, the way back, the density's integral, and gradients against central differences.
#include <algorithm>
#include <numeric>

#include "ops/fixture.h"

extern "C" {
#include "backend/couplings.h"
}

using namespace sac_test;

namespace {

using Values = std::vector<double>;

const double kHalfLogTwoPi = 0.5 * std::log(2 * std::acos(-1.0));

sac_flow flow_of(int act_dim, int layers, int hidden, int squash = 1) {
  return {act_dim, 2 * act_dim, layers, hidden, SAC_RELU, 3, squash > 0, squash == 1};
}

/// One row in double precision. The weights of coupling l follow those of the couplings before it:
/// units of S and T (2W, in), their biases, S (C, W), biases, T (C, W), biases.
struct Row {
  const sac_flow &flow;
  Values weight, condition;
  double log_det = 0;

  double activate(double x) const {
    if (flow.activation == SAC_RELU) return std::max(x, 0.0);
    return flow.activation == SAC_TANH ? std::tanh(x) : x;
  }
  // an affine map of `in` at `at`, which moves on past its weights and biases
  static Values affine(const Values &weight, size_t &at, const Values &in, size_t n_out) {
    Values out(n_out);
    for (size_t o = 0; o < n_out; o++) {
      out[o] = weight[at + n_out * in.size() + o];
      for (size_t j = 0; j < in.size(); j++) out[o] += weight[at + o * in.size() + j] * in[j];
    }
    at += n_out * (in.size() + 1);
    return out;
  }
  Values run(Values x) {
    size_t at = 0, first = x.size() / 2, units = (size_t)flow.hidden;
    log_det = 0;
    for (int l = 0; l < flow.layers; l++) {
      bool even = l % 2 == 0;
      size_t kept_at = even ? first : 0, kept = even ? x.size() - first : first;
      size_t changed_at = even ? 0 : first, changed = x.size() - kept;
      if (changed == 0) continue;
      Values in(x.begin() + (long)kept_at, x.begin() + (long)(kept_at + kept));
      for (double c : condition) in.push_back(activate(c));
      Values hidden = affine(weight, at, in, 2 * units);
      for (double &h : hidden) h = std::tanh(h);
      Values scale =
          affine(weight, at, Values(hidden.begin(), hidden.begin() + (long)units), changed);
      Values shift =
          affine(weight, at, Values(hidden.begin() + (long)units, hidden.end()), changed);
      for (size_t j = 0; j < changed; j++) {
        double s =
            flow.scale_max > 0 ? flow.scale_max * std::tanh(scale[j] / flow.scale_max) : scale[j];
        x[changed_at + j] = x[changed_at + j] * std::exp(s) + shift[j];
        log_det += s;
      }
    }
    EXPECT_EQ(at, weight.size());
    return x;
  }
  double action_of(double u) const { return flow.squash ? std::tanh(u) : u; }
  double log_pi(const Values &h) {
    Values u = run(h);
    double sum = -log_det;
    for (double x : h) sum -= 0.5 * x * x + kHalfLogTwoPi;
    for (double x : u) {
      double slope = 1 / (std::cosh(x) * std::cosh(x));
      if (flow.squash) sum -= flow.exact_correction ? std::log(slope) : std::log(slope + 1e-6);
    }
    return sum;
  }
};

// log |det M| by elimination
double log_determinant(std::vector<Values> m) {
  double sum = 0;
  for (size_t k = 0; k < m.size(); k++) {
    size_t best = k;
    for (size_t r = k; r < m.size(); r++)
      if (std::abs(m[r][k]) > std::abs(m[best][k])) best = r;
    std::swap(m[k], m[best]);
    sum += std::log(std::abs(m[k][k]));
    for (size_t r = k + 1; r < m.size(); r++)
      for (size_t c = m.size(); c-- > k;) m[r][c] -= m[r][k] / m[k][k] * m[k][c];
  }
  return sum;
}

// the slope of `at` at 0, of fourth order
template <typename F>
double slope_of(F at) {
  const double h = 2e-4;
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

/// Matrices of one flow and what the ops make of them.
struct Bench {
  Bench(const sac_flow &shape, int n_, int rows_, int pad = 0, double scale = 0.6)
      : flow(shape),
        n(n_),
        rows(rows_),
        condition(n, rows, shape.condition, pad),
        weight(n, 1, (int)sac_flow_weights(&shape)),
        noise(n, rows, shape.act_dim, pad),
        tape(n, rows, sac_flow_tape(&shape), pad),
        action(n, rows, shape.act_dim, pad),
        log_pi(n, rows, 1, pad) {
    condition.fill(1), weight.fill(2, scale), noise.fill(3);
  }
  sac_flow_forward forward() {
    return {n,           rows,          flow,         condition.view(), weight.view(), noise.view(),
            tape.view(), action.view(), log_pi.view()};
  }
  Row row(int i, int r) {
    Row one = {flow, Values((size_t)weight.cols()), Values((size_t)flow.condition), 0};
    for (int k = 0; k < weight.cols(); k++) one.weight[(size_t)k] = (double)weight.at(i, 0, k);
    for (int k = 0; k < flow.condition; k++)
      one.condition[(size_t)k] = (double)condition.at(i, r, k);
    return one;
  }
  Values noise_of(int i, int r) {
    Values h((size_t)flow.act_dim);
    for (int j = 0; j < flow.act_dim; j++) h[(size_t)j] = (double)noise.at(i, r, j);
    return h;
  }
  sac_flow flow;
  int n, rows;
  Stack condition, weight, noise, tape, action, log_pi;
};

std::vector<sac_flow> shapes() {
  std::vector<sac_flow> all;
  for (int squash = 0; squash < 3; squash++)
    for (int act_dim : {1, 2, 3, 8}) all.push_back(flow_of(act_dim, 2, act_dim, squash));
  sac_flow deep = flow_of(3, 5, 7);
  deep.activation = SAC_TANH, deep.scale_max = 0;
  all.push_back(deep);
  sac_flow odd = flow_of(5, 1, 3);
  odd.condition = 4, odd.activation = SAC_LINEAR;
  all.push_back(odd);
  return all;
}

class FlowOps : public Ops {};

TEST_P(FlowOps, ActionAndDensityFollowTheCouplings) {
  // the kernels on the CPU run a thread at a time
  const bool slow = std::string(GetParam().simd) == "shim";
  for (const sac_flow &flow : shapes())
    for (int rows : {1, 19, 130}) {
      if (slow && rows > 20) continue;
      if (!takes(40.0 * rows * (double)sac_flow_weights(&flow))) continue;
      Bench bench(flow, 2, rows, 3);
      sac_flow_forward op = bench.forward();
      ops->flow_forward(backend, &op);
      for (int i = 0; i < 2; i++)
        for (int r = 0; r < rows; r++) {
          Row row = bench.row(i, r);
          Values h = bench.noise_of(i, r), u = row.run(h);
          double want = row.log_pi(h), size = 1 + std::abs(want);
          for (int j = 0; j < flow.act_dim; j++) {
            ASSERT_NEAR(row.action_of(u[(size_t)j]), bench.action.at(i, r, j),
                        tolerance(2e-5, 1e-12) * (1 + std::abs(u[(size_t)j])));
            size += std::abs(u[(size_t)j]) * std::abs(u[(size_t)j]);
            double rest = 1 / std::cosh(u[(size_t)j]);
            if (flow.squash && !flow.exact_correction) size += 0.1 / (1e-6 + rest * rest) * 1e-3;
          }
          ASSERT_NEAR(want, bench.log_pi.at(i, r, 0), tolerance(2e-5, 1e-9) * size);
        }
      bench.action.expect_padding_kept(), bench.log_pi.expect_padding_kept();
      bench.tape.expect_padding_kept();
    }
}

TEST_P(FlowOps, LogDeterminantIsThatOfTheNumericJacobian) {
  for (int act_dim : {1, 2, 3, 8}) {
    Bench bench(flow_of(act_dim, 3, act_dim, 0), 1, 4);
    sac_flow_forward op = bench.forward();
    ops->flow_forward(backend, &op);
    for (int r = 0; r < 4; r++) {
      Row row = bench.row(0, r);
      Values h = bench.noise_of(0, r);
      std::vector<Values> jacobian((size_t)act_dim, Values((size_t)act_dim));
      double base = 0;
      for (size_t j = 0; j < h.size(); j++) {
        for (size_t k = 0; k < h.size(); k++)
          jacobian[k][j] = slope_of([&](double step) {
            Values moved = h;
            moved[j] += step;
            return row.run(moved)[k];
          });
        base -= 0.5 * h[j] * h[j] + kHalfLogTwoPi;
      }
      ASSERT_NEAR(log_determinant(jacobian), base - (double)bench.log_pi.at(0, r, 0),
                  tolerance(5e-5, 1e-8))
          << act_dim << " values, row " << r;
    }
  }
}

TEST_P(FlowOps, TheInverseGivesTheNoiseAndTheDensityBack) {
  for (const sac_flow &flow : shapes()) {
    Bench bench(flow, 2, 21, 2, 0.3);
    sac_flow_forward op = bench.forward();
    ops->flow_forward(backend, &op);
    Stack h(2, 21, flow.act_dim, 1), log_pi(2, 21, 1, 1);
    sac_flow_inverse back = {2,
                             21,
                             flow,
                             bench.condition.view(),
                             bench.weight.view(),
                             bench.action.view(),
                             h.view(),
                             log_pi.view()};
    ops->flow_inverse(backend, &back);
    for (int i = 0; i < 2; i++)
      for (int r = 0; r < 21; r++) {
        // a rounded action near a bound says less about what it came from
        double slope = 1;
        for (int j = 0; flow.squash && j < flow.act_dim; j++)
          slope = std::min(slope, 1 - std::pow((double)bench.action.at(i, r, j), 2));
        double near = tolerance(1e-5, 1e-13) / std::max(slope, 1e-7);
        for (int j = 0; j < flow.act_dim; j++)
          ASSERT_NEAR(bench.noise.at(i, r, j), h.at(i, r, j), near) << "row " << r;
        ASSERT_NEAR(bench.log_pi.at(i, r, 0), log_pi.at(i, r, 0), 10 * near);
      }
    h.expect_padding_kept(), log_pi.expect_padding_kept();
  }
}

TEST_P(FlowOps, TheDensityIntegratesToOne) {
  if (std::string(GetParam().simd) == "shim") return;  // 40,000 rows, a thread at a time
  const int side = 200;
  if (!takes(side * side * 100.0)) return;
  sac_flow flow = flow_of(2, 4, 6);
  Bench bench(flow, 1, side * side, 0, 0.25);
  // narrow enough that the grid sees what tanh presses against the bounds
  for (int l = 0; l < flow.layers; l++) {
    sac_flow_layer layer = sac_flow_layer_at(&flow, l);
    bench.weight.at(0, 0, (int)layer.scale_bias) = (sac_real)-0.7;
    bench.weight.at(0, 0, (int)layer.shift_bias) = (sac_real)0.1;
  }
  Stack h(1, side * side, 2);
  for (int r = 0; r < side * side; r++) {
    for (int k = 0; k < flow.condition; k++) bench.condition.at(0, r, k) = (sac_real)(0.3 * k);
    bench.action.at(0, r, 0) = (sac_real)((2 * (r % side) + 1.0) / side - 1);
    bench.action.at(0, r, 1) = (sac_real)((2 * (r / side) + 1.0) / side - 1);
  }
  sac_flow_inverse op = {1,
                         side * side,
                         flow,
                         bench.condition.view(),
                         bench.weight.view(),
                         bench.action.view(),
                         h.view(),
                         bench.log_pi.view()};
  ops->flow_inverse(backend, &op);
  double sum = 0;
  for (int r = 0; r < side * side; r++) sum += std::exp((double)bench.log_pi.at(0, r, 0));
  EXPECT_NEAR(1, sum * 4 / (side * side), 1e-3);
}

enum Loss { kUniformPrior, kNormalPrior, kOfU };

// J_pi's integrand of a row: alpha (log pi - prior log p0) - <dq, a>; or a loss <dq, u>
double row_loss(Row &row, const Values &h, const Values &dq, double alpha, Loss kind) {
  Values u = row.run(h);
  if (kind == kOfU) return std::inner_product(u.begin(), u.end(), dq.begin(), 0.0);
  double loss = alpha * row.log_pi(h);
  bool prior = kind == kNormalPrior;
  for (size_t j = 0; j < u.size(); j++) {
    double a = row.action_of(u[j]);
    loss += (prior ? alpha * 0.5 * a * a : 0) - dq[j] * a;
  }
  return loss;
}

TEST_P(FlowOps, GradientIsThatOfTheLoss) {
  for (sac_flow flow : shapes())
    for (Loss kind : {kUniformPrior, kNormalPrior, kOfU}) {
      const int n = 2, rows = 3, critics = 2;
      if (flow.activation == SAC_RELU) flow.activation = SAC_TANH;  // no knees
      Bench bench(flow, n, rows, 2, 0.4);
      Stack dq(n * critics, rows, flow.act_dim), seed(n * critics, rows, 1);
      Stack delta(n, rows, sac_flow_delta(&flow), 1), dcondition(n, rows, flow.condition, 1);
      dq.fill(4), seed.set(1);
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++) {
          // the critic that a row does not climb has no say, whatever lies there
          seed.at(i * critics + r % 2, r, 0) = 0;
          for (int j = 0; j < flow.act_dim; j++) dq.at(i * critics + r % 2, r, j) = kPoison;
        }
      Stack du(n, rows, flow.act_dim, 1);
      for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++)
          for (int j = 0; j < flow.act_dim; j++)
            du.at(i, r, j) = dq.at(i * critics + 1 - r % 2, r, j) / rows;
      std::vector<sac_real> log_alpha((size_t)n, (sac_real)-0.7);
      const double alpha = std::exp((double)(sac_real)-0.7);
      sac_flow_forward forward = bench.forward();
      ops->flow_forward(backend, &forward);
      sac_flow_backward op = {n,
                              rows,
                              critics,
                              flow,
                              kind == kNormalPrior,
                              bench.condition.view(),
                              bench.weight.view(),
                              bench.tape.view(),
                              bench.action.view(),
                              dq.view(),
                              seed.view(),
                              log_alpha.data(),
                              {},
                              delta.view(),
                              dcondition.view()};
      if (kind == kOfU) {
        op.action = op.dq = op.seed = {};
        op.log_alpha = nullptr;
        op.du = du.view();
      }
      ops->flow_backward(backend, &op);
      const double relative = tolerance(5e-5, 1e-7);
      for (int i = 0; i < n; i++) {
        std::vector<Row> row;
        std::vector<Values> g, h;
        for (int r = 0; r < rows; r++) {
          row.push_back(bench.row(i, r)), h.push_back(bench.noise_of(i, r));
          g.push_back(Values((size_t)flow.act_dim));
          for (int j = 0; j < flow.act_dim; j++)
            g.back()[(size_t)j] = (double)dq.at(i * critics + 1 - r % 2, r, j);
          for (int k = 0; k < flow.condition; k++) {
            double want = slope_of([&](double step) {
                            Row moved = row.back();
                            moved.condition[(size_t)k] += step;
                            return row_loss(moved, h.back(), g.back(), alpha, kind);
                          }) /
                          rows;
            ASSERT_NEAR(want, dcondition.at(i, r, k), relative * (std::abs(want) + 1));
          }
        }
        // the weights' gradients as linear_backward_weight makes them of tape and delta
        auto check = [&](size_t place, int delta_at, int tape_at) {
          double found = 0;
          for (int r = 0; r < rows; r++)
            found += (double)delta.at(i, r, delta_at) *
                     (tape_at < 0 ? 1 : (double)bench.tape.at(i, r, tape_at));
          double want = slope_of([&](double step) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
              Row moved = row[(size_t)r];
              moved.weight[place] += step;
              sum += row_loss(moved, h[(size_t)r], g[(size_t)r], alpha, kind) / rows;
            }
            return sum;
          });
          ASSERT_NEAR(want, found, relative * (std::abs(want) + 1)) << "weight " << place;
        };
        for (int l = 0; l < flow.layers; l++) {
          sac_flow_layer layer = sac_flow_layer_at(&flow, l);
          int units = flow.hidden, tape = l * sac_flow_tape_layer(&flow);
          int deltas = l * sac_flow_delta_layer(&flow);
          if (layer.changed == 0) continue;
          for (int k = 0; k < 2 * units; k += 1 + units / 3) {
            for (int j = 0; j < layer.in; j += 1 + layer.in / 4)
              ASSERT_NO_FATAL_FAILURE(
                  check(layer.hidden + (size_t)(k * layer.in + j), deltas + k, tape + j));
            ASSERT_NO_FATAL_FAILURE(check(layer.hidden_bias + (size_t)k, deltas + k, -1));
          }
          for (int j = 0; j < layer.changed; j++) {
            int scale = deltas + 2 * units + j, shift = scale + layer.changed;
            for (int k = 0; k < units; k += 2) {
              size_t place = (size_t)(j * units + k);
              ASSERT_NO_FATAL_FAILURE(check(layer.scale + place, scale, tape + layer.in + k));
              ASSERT_NO_FATAL_FAILURE(
                  check(layer.shift + place, shift, tape + layer.in + units + k));
            }
            ASSERT_NO_FATAL_FAILURE(check(layer.scale_bias + (size_t)j, scale, -1));
            ASSERT_NO_FATAL_FAILURE(check(layer.shift_bias + (size_t)j, shift, -1));
          }
        }
      }
      dcondition.expect_padding_kept();
    }
}

TEST_P(FlowOps, ARowsActionDoesNotDependOnTheOtherRows) {
  Bench all(flow_of(3, 2, 5), 1, 45);
  sac_flow_forward op = all.forward();
  ops->flow_forward(backend, &op);
  all.condition.at(0, 7, 2) = kPoison;
  Bench other = all;
  sac_flow_forward again = other.forward();
  ops->flow_forward(backend, &again);
  for (int r = 0; r < 45; r++) {
    ASSERT_EQ(r == 7, std::isnan(other.log_pi.at(0, r, 0)) != 0);
    for (int j = 0; j < 3 && r != 7; j++)
      ASSERT_EQ(all.action.at(0, r, j), other.action.at(0, r, j));
  }
  Bench one(flow_of(3, 2, 5), 1, 1);
  for (int r = 0; r < 45; r++) {
    if (r == 7) continue;
    sac_flow_forward single = one.forward();
    single.weight = all.weight.view();
    single.condition.data = &all.condition.at(0, r, 0), single.noise.data = &all.noise.at(0, r, 0);
    ops->flow_forward(backend, &single);
    for (int j = 0; j < 3; j++) ASSERT_EQ(all.action.at(0, r, j), one.action.at(0, 0, j));
    ASSERT_EQ(all.log_pi.at(0, r, 0), one.log_pi.at(0, 0, 0));
  }
}

SAC_EVERY_PLACE(FlowOps);

}  // namespace
