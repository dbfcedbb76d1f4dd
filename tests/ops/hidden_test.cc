// Dropout, layer normalisation and activation of hidden layers against float64, and their gradients
// against formulas and, in the double build, against central differences.
#include "ops/fixture.h"

#include <algorithm>

extern "C" {}

using namespace sac_test;

namespace {

struct Shape {
  int n, networks, rows, units, pad;
};
const Shape kShapes[] = {{1, 1, 1, 1, 0},   {2, 1, 3, 5, 2},    {4, 2, 17, 16, 0},
                         {2, 2, 65, 33, 3}, {2, 1, 100, 64, 0}, {2, 2, 40, 256, 0},
                         {1, 1, 9, 301, 1}};

/// One layer: its tensors, and the op over them.
struct Layer {
  Layer(const Shape &s_, bool norm_, double share, sac_activation activation_ = SAC_LINEAR)
      : s(s_),
        norm(norm_),
        activation(activation_),
        z(s.n, s.rows, s.units, s.pad),
        y(s.n, s.rows, s.units, s.pad),
        x(s.n, s.rows, s.units, s.pad),
        rate(s.n, s.rows, 1, s.pad),
        scale(s.n, 1, s.units),
        shift(s.n, 1, s.units) {
    z.fill(1, 2), scale.fill(2), shift.fill(3);
    dropout.share = share, dropout.layer = 2, dropout.networks = s.networks;
    dropout.purpose = SAC_DRAW_DROP_NOW, dropout.key = key, dropout.update = &update;
  }
  void forward(const sac_ops *ops, sac_backend *backend) {
    y = z;
    sac_hidden_forward op = {};
    op.n = s.n, op.rows = s.rows, op.units = s.units, op.dropout = dropout;
    op.y = y.view(), op.activation = activation;
    if (norm) {
      op.scale = scale.view(), op.shift = shift.view();
      op.normalised = x.view(), op.rate = rate.view();
    }
    ops->hidden_forward(backend, &op);
  }
  /// The factor of a unit: 0 where it stays out.
  double kept(int i, int r, int j) const {
    if (!(dropout.share > 0)) return 1;
    uint32_t block = (uint32_t)((i % s.networks * 8 + dropout.layer) * 2048 + j / 4);
    sac_words words = sac_draw(key[i / s.networks], dropout.purpose, update, (uint32_t)r, block);
    return (double)words.at[j % 4] < dropout.share * 4294967296.0 ? 0 : 1 / (1 - dropout.share);
  }
  /// x of a row before scale and shift (or u without a norm), and its rate.
  std::vector<double> normalised(int i, int r, double *rate_of = nullptr) {
    std::vector<double> u;
    double mean = 0, var = 0;
    for (int j = 0; j < s.units; j++) u.push_back((double)z.at(i, r, j) * kept(i, r, j));
    if (!norm) return u;
    for (double one : u) mean += one / s.units;
    for (double one : u) var += (one - mean) * (one - mean) / s.units;
    double by = 1 / std::sqrt(var + 1e-5);
    for (double &one : u) one = (one - mean) * by;
    if (rate_of) *rate_of = by;
    return u;
  }

  Shape s;
  bool norm;
  sac_activation activation;
  uint64_t key[4] = {7, 8, 9, 10}, update = 0x123456789ull;
  sac_dropout dropout = {};
  Stack z, y, x, rate, scale, shift;
};

class HiddenOps : public Ops {
 protected:
  // the shim's threads take a hundredth of a second to meet over a row
  bool on_shim() const { return std::string(GetParam().simd) == "shim"; }
  bool takes_rows(const Shape &s, int most) const { return !on_shim() || s.n * s.rows <= most; }
};

TEST_P(HiddenOps, ForwardIsDropoutNormalisationAndActivation) {
  for (const Shape &s : kShapes)
    for (bool norm : {false, true})
      for (double share : {0.0, 0.3})
        for (sac_activation activation : {SAC_LINEAR, SAC_RELU, SAC_TANH}) {
          if (!takes(4.0 * s.n * s.rows * s.units) || !takes_rows(s, norm ? 9 : 100)) continue;
          Layer layer(s, norm, share, activation);
          layer.forward(ops, backend);
          for (int i = 0; i < s.n; i++)
            for (int r = 0; r < s.rows; r++) {
              double rate = 0;
              std::vector<double> x = layer.normalised(i, r, &rate);
              for (int j = 0; j < s.units; j++) {
                double h = x[(size_t)j], size = 2 + std::abs(h);
                if (norm) {
                  ASSERT_NEAR(h, layer.x.at(i, r, j), op_tolerance() * 4 * size) << r << " " << j;
                  h = h * (double)layer.scale.at(i, 0, j) + (double)layer.shift.at(i, 0, j);
                }
                if (activation == SAC_RELU) h = std::max(h, 0.0);
                if (activation == SAC_TANH) h = std::tanh(h);
                ASSERT_NEAR(h, layer.y.at(i, r, j), op_tolerance() * 10 * size) << r << " " << j;
              }
              if (norm) {
                ASSERT_NEAR(rate, layer.rate.at(i, r, 0), op_tolerance() * 4 * rate);
              }
            }
          layer.y.expect_padding_kept();
          if (norm) layer.x.expect_padding_kept();
        }
}

TEST_P(HiddenOps, BackwardIsTheChainRule) {
  for (const Shape &s : kShapes)
    for (bool norm : {false, true})
      for (double share : {0.0, 0.3}) {
        if (!takes(8.0 * s.n * s.rows * s.units) || !takes_rows(s, norm ? 9 : 100)) continue;
        Layer layer(s, norm, share);
        layer.forward(ops, backend);
        Stack dy(s.n, s.rows, s.units, s.pad), dscale(s.n, 1, s.units), dshift(s.n, 1, s.units);
        dy.fill(4);
        Stack given = dy;
        sac_hidden_backward op = {};
        op.n = s.n, op.rows = s.rows, op.units = s.units, op.dropout = layer.dropout;
        op.dy = dy.view();
        if (norm) {
          op.scale = layer.scale.view(), op.normalised = layer.x.view();
          op.rate = layer.rate.view(), op.dscale = dscale.view(), op.dshift = dshift.view();
        }
        ops->hidden_backward(backend, &op);
        for (int i = 0; i < s.n; i++) {
          std::vector<double> want_scale((size_t)s.units), want_shift((size_t)s.units);
          for (int r = 0; r < s.rows; r++) {
            double rate = 1, sum = 0, sum_x = 0;
            std::vector<double> x = layer.normalised(i, r, &rate), dx;
            for (int j = 0; j < s.units; j++) {
              double d = (double)given.at(i, r, j);
              want_scale[(size_t)j] += d * x[(size_t)j], want_shift[(size_t)j] += d;
              dx.push_back(norm ? d * (double)layer.scale.at(i, 0, j) : d);
              sum += dx.back() / s.units, sum_x += dx.back() * x[(size_t)j] / s.units;
            }
            for (int j = 0; j < s.units; j++) {
              double dz =
                  norm ? rate * (dx[(size_t)j] - sum - x[(size_t)j] * sum_x) : dx[(size_t)j];
              ASSERT_NEAR(dz * layer.kept(i, r, j), dy.at(i, r, j),
                          op_tolerance() * 40 * (1 + rate))
                  << r << " " << j;
            }
          }
          for (int j = 0; norm && j < s.units; j++) {
            ASSERT_NEAR(want_scale[(size_t)j], dscale.at(i, 0, j), op_tolerance() * 10 * s.rows);
            ASSERT_NEAR(want_shift[(size_t)j], dshift.at(i, 0, j), op_tolerance() * 5 * s.rows);
          }
        }
        dy.expect_padding_kept();
      }
}

// J = sum of c h: the gradient of z, scale and shift by central differences of the forward op
TEST_P(HiddenOps, BackwardIsTheDifferenceQuotientOfForward) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  for (double share : {0.0, 0.4}) {
    Layer layer({2, 1, 4, 7, 1}, true, share);
    Stack c(2, 4, 7, 1), dscale(2, 1, 7), dshift(2, 1, 7);
    c.fill(4);
    layer.forward(ops, backend);
    Stack dy = c;
    sac_hidden_backward op = {};
    op.n = 2, op.rows = 4, op.units = 7, op.dropout = layer.dropout, op.dy = dy.view();
    op.scale = layer.scale.view(), op.normalised = layer.x.view(), op.rate = layer.rate.view();
    op.dscale = dscale.view(), op.dshift = dshift.view();
    ops->hidden_backward(backend, &op);
    auto slope = [&](sac_real &at) {
      const double h = 1e-6;
      double ends[2];
      sac_real before = at;
      for (int k = 0; k < 2; k++) {
        at = (sac_real)((double)before + (k ? -h : h));
        layer.forward(ops, backend);
        ends[k] = 0;
        for (int i = 0; i < 2; i++)
          for (int r = 0; r < 4; r++)
            for (int j = 0; j < 7; j++)
              ends[k] += (double)c.at(i, r, j) * (double)layer.y.at(i, r, j);
      }
      at = before;
      return (ends[0] - ends[1]) / (2 * h);
    };
    for (int i = 0; i < 2; i++)
      for (int j = 0; j < 7; j++) {
        for (int r = 0; r < 4; r++) ASSERT_NEAR(slope(layer.z.at(i, r, j)), dy.at(i, r, j), 1e-7);
        ASSERT_NEAR(slope(layer.scale.at(i, 0, j)), dscale.at(i, 0, j), 1e-7);
        ASSERT_NEAR(slope(layer.shift.at(i, 0, j)), dshift.at(i, 0, j), 1e-7);
      }
  }
}

TEST_P(HiddenOps, OnlyListedRowsArePassedBack) {
  const Shape s = {2, 2, 20, 33, 0};
  Layer layer(s, true, 0.3);
  layer.forward(ops, backend);
  Stack all(s.n, s.rows, s.units), some = all;
  all.fill(4), some.fill(4);
  Stack given = some;
  sac_hidden_backward op = {};
  op.n = s.n, op.rows = s.rows, op.units = s.units, op.dropout = layer.dropout;
  op.scale = layer.scale.view(), op.normalised = layer.x.view(), op.rate = layer.rate.view();
  op.dy = all.view();
  ops->hidden_backward(backend, &op);
  std::vector<int32_t> row((size_t)(s.n * s.rows), -1), count = {3, 0};
  row[0] = 1, row[1] = 2, row[2] = 19;
  op.dy = some.view(), op.row = row.data(), op.row_count = count.data();
  ops->hidden_backward(backend, &op);
  for (int i = 0; i < s.n; i++)
    for (int r = 0; r < s.rows; r++)
      for (int j = 0; j < s.units; j++) {
        bool listed = i == 0 && (r == 1 || r == 2 || r == 19);
        ASSERT_EQ(listed ? all.at(i, r, j) : given.at(i, r, j), some.at(i, r, j));
      }
}

// neither threads nor the rows beside it change a bit of a row
TEST_P(HiddenOps, ARowIsItsOwn) {
  const Shape s = {2, 1, on_shim() ? 7 : 300, 70, 0};
  Device one({GetParam().simd, 1});
  Layer many(s, true, 0.2, SAC_RELU), again = many, few({2, 1, 5, 70, 0}, true, 0.2, SAC_RELU);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 5; r++)
      for (int j = 0; j < 70; j++) few.z.at(i, r, j) = many.z.at(i, r, j);
  few.scale = many.scale, few.shift = many.shift;
  again.dropout.key = again.key, again.dropout.update = &again.update;
  many.forward(ops, backend), few.forward(ops, backend), again.forward(one.ops(), one.backend);
  ASSERT_TRUE(many.y.same_bits(again.y));
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 5; r++)
      for (int j = 0; j < 70; j++) ASSERT_EQ(many.y.at(i, r, j), few.y.at(i, r, j));
  Stack dy(2, s.rows, 70), dscale(2, 1, 70), dshift(2, 1, 70);
  dy.fill(4);
  Stack dy2 = dy, dscale2 = dscale, dshift2 = dshift;
  auto backward = [&](Device &where, Layer &layer, Stack &d, Stack &scale, Stack &shift) {
    sac_hidden_backward op = {};
    op.n = 2, op.rows = s.rows, op.units = 70, op.dropout = layer.dropout, op.dy = d.view();
    op.scale = layer.scale.view(), op.normalised = layer.x.view(), op.rate = layer.rate.view();
    op.dscale = scale.view(), op.dshift = shift.view();
    where.ops()->hidden_backward(where.backend, &op);
  };
  backward(*device, many, dy, dscale, dshift);
  backward(one, again, dy2, dscale2, dshift2);
  ASSERT_TRUE(dy.same_bits(dy2) && dscale.same_bits(dscale2) && dshift.same_bits(dshift2));
}

// which units stay out is drawn anew for each network, layer, purpose, update and row
TEST_P(HiddenOps, MasksAreDrawnAnewForEveryUse) {
  const Shape s = {2, 2, 50, 64, 0};
  std::vector<std::vector<sac_real>> seen;
  for (int k = 0; k < 4; k++) {
    Layer layer(s, false, 0.25);
    layer.z.set(1);
    if (k == 1) layer.dropout.layer = 3;
    if (k == 2) layer.dropout.purpose = SAC_DRAW_DROP_NEXT;
    if (k == 3) layer.update++;
    layer.forward(ops, backend);
    double out = 0;
    for (int i = 0; i < 2; i++) {
      std::vector<sac_real> all;
      for (int r = 0; r < 50; r++)
        for (int j = 0; j < 64; j++) {
          sac_real h = layer.y.at(i, r, j);
          ASSERT_TRUE(h == 0 || std::abs((double)h - 1 / 0.75) < 1e-6) << h;
          all.push_back(h), out += h == 0;
        }
      ASSERT_EQ(std::count(seen.begin(), seen.end(), all), 0);
      seen.push_back(all);
    }
    ASSERT_NEAR(out / (2 * 50 * 64), 0.25, 4 * std::sqrt(0.25 * 0.75 / (2 * 50 * 64)));
  }
}

TEST_P(HiddenOps, ANaNStaysInItsRow) {
  Layer layer({1, 1, 3, 20, 0}, true, 0, SAC_RELU);
  layer.z.at(0, 1, 4) = kPoison;
  layer.forward(ops, backend);
  for (int r = 0; r < 3; r++)
    for (int j = 0; j < 20; j++) ASSERT_EQ(r == 1, std::isnan(layer.y.at(0, r, j)));
}

SAC_EVERY_PLACE(HiddenOps);

}  // namespace
