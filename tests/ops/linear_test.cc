// The three linear ops against plain float64 loops.
#include "ops/fixture.h"

#include <algorithm>
#include <memory>

using namespace sac_test;

namespace {

struct Shape {
  int n, rows, in, out, pad;
};

// ragged against every tile: one row, one column, one past and one before a panel, several blocks
// of k
const Shape kShapes[] = {{1, 1, 1, 1, 0},       {2, 3, 1, 17, 0},     {1, 17, 3, 1, 3},
                         {3, 5, 17, 3, 2},      {2, 8, 32, 32, 0},    {2, 33, 31, 33, 1},
                         {1, 257, 257, 257, 0}, {2, 256, 23, 256, 0}, {1, 1024, 3, 12, 0},
                         {1, 100, 64, 2, 4},    {1, 7, 600, 45, 0},   {2, 600, 17, 18, 0},
                         {1, 2, 256, 256, 0},   {1, 257, 3, 17, 0},   {10, 13, 9, 1, 0},
                         {1, 300, 64, 64, 0},   {4, 64, 48, 16, 0}};

double activate(double x, sac_activation activation) {
  if (activation == SAC_RELU) return x < 0 ? 0 : x;
  return activation == SAC_TANH ? std::tanh(x) : x;
}

double slope(double h, sac_activation activation) {
  if (activation == SAC_RELU) return h > 0;
  return activation == SAC_TANH ? 1 - h * h : 1;
}

void expect_near(double want, double size, double got, const char *what) {
  ASSERT_NEAR(want, got, op_tolerance() * (size + 1e-3)) << what;
}

class LinearOps : public Ops {
 protected:
  // `zeros` is the share of zeros in what is summed over
  void check_forward(const Shape &s, sac_activation activation, int share, double zeros = 0);
  void check_backward_input(const Shape &s, sac_activation activation, double zeros = 0);
  void check_backward_weight(const Shape &s, double zeros = 0);
};

void LinearOps::check_forward(const Shape &s, sac_activation activation, int share, double zeros) {
  Stack x(s.n, s.rows, s.in, s.pad, share), weight(s.n, s.out, s.in, s.pad), bias(s.n, 1, s.out);
  Stack y(s.n, s.rows, s.out, s.pad);
  x.fill(1).thin(4, zeros), weight.fill(2, 1 / std::sqrt(s.in)), bias.fill(3);
  sac_linear_forward op = {s.n,           s.rows,      s.in,     s.out,     x.view(),
                           weight.view(), bias.view(), y.view(), activation};
  ops->linear_forward(backend, &op, 1);
  for (int i = 0; i < s.n; i++)
    for (int r = 0; r < s.rows; r++)
      for (int o = 0; o < s.out; o++) {
        double sum = bias.at(i, 0, o), size = std::abs(sum);
        for (int k = 0; k < s.in; k++) {
          double term = (double)x.at(i, r, k) * (double)weight.at(i, o, k);
          sum += term, size += std::abs(term);
        }
        expect_near(activate(sum, activation), size, y.at(i, r, o), "y");
      }
  y.expect_padding_kept();
}

void LinearOps::check_backward_input(const Shape &s, sac_activation activation, double zeros) {
  Stack dy(s.n, s.rows, s.out, s.pad), weight(s.n, s.out, s.in, s.pad), h(s.n, s.rows, s.in);
  Stack dx(s.n, s.rows, s.in, s.pad);
  dy.fill(1).thin(4, zeros), weight.fill(2), h.fill(3, 0.5);
  sac_linear_backward_input op = {s.n,        s.rows,        s.in,     s.out,
                                  dy.view(),  weight.view(), h.view(), dx.view(),
                                  activation, nullptr,       nullptr};
  ops->linear_backward_input(backend, &op, 1);
  for (int i = 0; i < s.n; i++)
    for (int r = 0; r < s.rows; r++)
      for (int k = 0; k < s.in; k++) {
        double sum = 0, size = 0;
        for (int o = 0; o < s.out; o++) {
          double term = (double)dy.at(i, r, o) * (double)weight.at(i, o, k);
          sum += term, size += std::abs(term);
        }
        expect_near(sum * slope(h.at(i, r, k), activation), size, dx.at(i, r, k), "dx");
      }
  dx.expect_padding_kept();
}

void LinearOps::check_backward_weight(const Shape &s, double zeros) {
  Stack dy(s.n, s.rows, s.out, s.pad), x(s.n, s.rows, s.in, s.pad);
  Stack dweight(s.n, s.out, s.in), dbias(s.n, 1, s.out);
  dy.fill(1).thin(4, zeros), x.fill(2);
  sac_linear_backward_weight op = {s.n,       s.rows,   s.in,           s.out,
                                   dy.view(), x.view(), dweight.view(), dbias.view()};
  ops->linear_backward_weight(backend, &op, 1);
  for (int i = 0; i < s.n; i++)
    for (int o = 0; o < s.out; o++) {
      double total = 0, total_size = 0;
      for (int r = 0; r < s.rows; r++)
        total += (double)dy.at(i, r, o), total_size += std::abs((double)dy.at(i, r, o));
      expect_near(total, total_size, dbias.at(i, 0, o), "db");
      for (int k = 0; k < s.in; k++) {
        double sum = 0, size = 0;
        for (int r = 0; r < s.rows; r++) {
          double term = (double)dy.at(i, r, o) * (double)x.at(i, r, k);
          sum += term, size += std::abs(term);
        }
        expect_near(sum, size, dweight.at(i, o, k), "dW");
      }
    }
}

TEST_P(LinearOps, ForwardIsTheAffineMapOfEveryMember) {
  for (const Shape &s : kShapes)
    for (sac_activation activation : {SAC_LINEAR, SAC_RELU, SAC_TANH}) {
      SCOPED_TRACE(::testing::Message() << s.n << " " << s.rows << " " << s.in << " " << s.out);
      if (!takes((double)s.n * s.rows * s.in * s.out)) continue;
      ASSERT_NO_FATAL_FAILURE(check_forward(s, activation, 1));
    }
}

TEST_P(LinearOps, MembersThatShareAnInputReadTheSameOne) {
  ASSERT_NO_FATAL_FAILURE(check_forward({6, 19, 11, 13, 2}, SAC_RELU, 2));
  ASSERT_NO_FATAL_FAILURE(check_forward({6, 19, 40, 1, 2}, SAC_LINEAR, 3));
}

TEST_P(LinearOps, BackwardInputIsTheMaskedProductWithTheWeight) {
  for (const Shape &s : kShapes)
    for (sac_activation activation : {SAC_LINEAR, SAC_RELU, SAC_TANH}) {
      SCOPED_TRACE(::testing::Message() << s.n << " " << s.rows << " " << s.in << " " << s.out);
      if (!takes((double)s.n * s.rows * s.in * s.out)) continue;
      ASSERT_NO_FATAL_FAILURE(check_backward_input(s, activation));
    }
}

TEST_P(LinearOps, BackwardWeightSumsOverTheBatch) {
  for (const Shape &s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.n << " " << s.rows << " " << s.in << " " << s.out);
    if (!takes((double)s.n * s.rows * s.in * s.out)) continue;
    ASSERT_NO_FATAL_FAILURE(check_backward_weight(s));
  }
}

// The CPU goes past zeros where there are enough of them: whole strips and ragged ones, words that
// are not full, more rows than are looked at together.
TEST_P(LinearOps, SumsOverManyZerosAreRight) {
  struct Case {
    Shape shape;
    double zeros;
  } const cases[] = {{{2, 70, 256, 256, 0}, 0.4},  {{1, 37, 100, 77, 3}, 0.6},
                     {{1, 1100, 256, 66, 2}, 0.4}, {{1, 300, 66, 270, 1}, 0.5},
                     {{2, 100, 64, 64, 0}, 0.97},  {{1, 33, 64, 96, 0}, 1},
                     {{1, 5, 66000, 64, 0}, 0.4}};
  for (const auto &[s, zeros] : cases) {
    SCOPED_TRACE(::testing::Message() << s.rows << " " << s.in << " " << s.out << " " << zeros);
    if (!takes((double)s.n * s.rows * s.in * s.out)) continue;
    for (sac_activation activation : {SAC_RELU, SAC_TANH}) {
      ASSERT_NO_FATAL_FAILURE(check_forward(s, activation, 1, zeros));
      ASSERT_NO_FATAL_FAILURE(check_backward_input(s, activation, zeros));
    }
    ASSERT_NO_FATAL_FAILURE(check_backward_weight(s, zeros));
  }
}

// The same row alone, where zeros are many, and among full ones, where they are few.
TEST_P(LinearOps, ARowsResultDoesNotDependOnTheZerosOfOthers) {
  const int rows = 60, some = 9, in = 200, out = 144;
  Stack x(1, rows, in), dy(1, rows, out), weight(1, out, in), bias(1, 1, out), h(1, rows, in);
  x.fill(1), dy.fill(2), weight.fill(3), bias.fill(4), h.fill(5);
  Stack thin_x(1, some, in), thin_dy(1, some, out), y(1, rows, out), dx(1, rows, in);
  thin_x.fill(6).thin(8, 0.6), thin_dy.fill(7).thin(9, 0.6);
  for (int r = 0; r < some; r++) {
    for (int k = 0; k < in; k++) x.at(0, r, k) = thin_x.at(0, r, k);
    for (int o = 0; o < out; o++) dy.at(0, r, o) = thin_dy.at(0, r, o);
  }
  Stack thin_y(1, some, out), thin_dx(1, some, in);
  sac_linear_forward forward = {1,           rows,     in,      out, x.view(), weight.view(),
                                bias.view(), y.view(), SAC_RELU};
  ops->linear_forward(backend, &forward, 1);
  forward.rows = some, forward.x = thin_x.view(), forward.y = thin_y.view();
  ops->linear_forward(backend, &forward, 1);
  sac_linear_backward_input input = {
      1, rows, in, out, dy.view(), weight.view(), h.view(), dx.view(), SAC_RELU, nullptr, nullptr};
  ops->linear_backward_input(backend, &input, 1);
  input.rows = some, input.dy = thin_dy.view(), input.dx = thin_dx.view();
  ops->linear_backward_input(backend, &input, 1);
  for (int r = 0; r < some; r++) {
    for (int o = 0; o < out; o++) ASSERT_EQ(y.at(0, r, o), thin_y.at(0, r, o)) << r << " " << o;
    for (int k = 0; k < in; k++) ASSERT_EQ(dx.at(0, r, k), thin_dx.at(0, r, k)) << r << " " << k;
  }
}

// the same for the weights' gradients, whose rows are outputs
TEST_P(LinearOps, AnOutputsGradientDoesNotDependOnTheZerosOfOthers) {
  const int rows = 200, in = 144, out = 60, some = 9;
  Stack x(1, rows, in), dy(1, rows, out), thin(1, rows, some);
  x.fill(1), dy.fill(2), thin.fill(3).thin(4, 0.6);
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < some; o++) dy.at(0, r, o) = thin.at(0, r, o);
  Stack all_dw(1, out, in), all_db(1, 1, out), dw(1, some, in), db(1, 1, some);
  sac_linear_backward_weight op = {1,        rows,          in,           out, dy.view(),
                                   x.view(), all_dw.view(), all_db.view()};
  ops->linear_backward_weight(backend, &op, 1);
  op.out = some, op.dy = thin.view(), op.dweight = dw.view(), op.dbias = db.view();
  ops->linear_backward_weight(backend, &op, 1);
  for (int o = 0; o < some; o++)
    for (int k = 0; k < in; k++) ASSERT_EQ(all_dw.at(0, o, k), dw.at(0, o, k)) << o << " " << k;
}

TEST_P(LinearOps, BackwardInputWritesListedRowsOnlyWithTheSameBits) {
  const int n = 2, rows = 57, in = 37, out = 21;
  Stack dy(n, rows, out), weight(n, out, in), h(n, rows, in), all(n, rows, in), some(n, rows, in);
  dy.fill(1), weight.fill(2), h.fill(3);
  std::vector<int32_t> row((size_t)n * rows), count = {0, 0};
  for (int i = 0; i < n; i++)
    for (int r = 0; r < rows; r++)
      if ((r * 7 + i) % 3 == 0) row[(size_t)(i * rows + count[(size_t)i]++)] = r;
  sac_linear_backward_input op = {n,        rows,       in,       out,     dy.view(), weight.view(),
                                  h.view(), all.view(), SAC_RELU, nullptr, nullptr};
  ops->linear_backward_input(backend, &op, 1);
  op.dx = some.view(), op.row = row.data(), op.row_count = count.data();
  ops->linear_backward_input(backend, &op, 1);
  for (int i = 0; i < n; i++)
    for (int r = 0; r < rows; r++)
      for (int k = 0; k < in; k++) {
        if ((r * 7 + i) % 3 == 0) {
          ASSERT_EQ(all.at(i, r, k), some.at(i, r, k));
        } else {
          ASSERT_TRUE(std::isnan(some.at(i, r, k))) << "row " << r << " was written";
        }
      }
  count = {0, 0};
  some.set(kPoison);
  ops->linear_backward_input(backend, &op, 1);
  for (sac_real x : some.bytes()) ASSERT_TRUE(std::isnan(x));
}

TEST_P(LinearOps, BackwardInputGivesSomeColumnsWhenTheWeightBeginsLater) {
  const int rows = 9, in = 12, from = 7, out = 30;
  Stack dy(1, rows, out), weight(1, out, in), all(1, rows, in), some(1, rows, in - from);
  dy.fill(1), weight.fill(2);
  sac_linear_backward_input op = {1,  rows,       in,         out,     dy.view(), weight.view(),
                                  {}, all.view(), SAC_LINEAR, nullptr, nullptr};
  op.h.share = 1;
  ops->linear_backward_input(backend, &op, 1);
  op.in = in - from, op.dx = some.view(), op.weight.data += from;
  ops->linear_backward_input(backend, &op, 1);
  for (int r = 0; r < rows; r++)
    for (int k = from; k < in; k++) ASSERT_EQ(all.at(0, r, k), some.at(0, r, k - from));
}

TEST_P(LinearOps, ARowsResultDoesNotDependOnTheOtherRows) {
  for (int out : {1, 2, 3, 12, 47, 256}) {
    const int rows = 61, in = 300;
    if (!takes(rows * in * out)) continue;
    Stack x(1, rows, in), weight(1, out, in), bias(1, 1, out), y(1, rows, out), one(1, 1, out);
    x.fill(1), weight.fill(2), bias.fill(3);
    sac_linear_forward op = {1,           rows,     in,      out, x.view(), weight.view(),
                             bias.view(), y.view(), SAC_TANH};
    ops->linear_forward(backend, &op, 1);
    for (int r = 0; r < rows; r += 5) {
      op.rows = 1, op.y = one.view(), op.x = x.view();
      op.x.data = &x.at(0, r, 0);
      ops->linear_forward(backend, &op, 1);
      for (int o = 0; o < out; o++) ASSERT_EQ(y.at(0, r, o), one.at(0, 0, o)) << r << " " << o;
    }
  }
}

TEST_P(LinearOps, NaNAndInfinityStayInTheirRow) {
  const int rows = 20, in = 33, out = 35;
  const sac_real inf = std::numeric_limits<sac_real>::infinity();
  for (sac_activation activation : {SAC_LINEAR, SAC_RELU, SAC_TANH}) {
    Stack x(1, rows, in), weight(1, out, in), bias(1, 1, out), y(1, rows, out), clean(1, rows, out);
    x.fill(1), weight.fill(2), bias.fill(3);
    sac_linear_forward op = {1,           rows,         in,        out, x.view(), weight.view(),
                             bias.view(), clean.view(), activation};
    ops->linear_forward(backend, &op, 1);
    x.at(0, 3, 5) = kPoison, x.at(0, 9, 32) = inf;
    op.y = y.view();
    ops->linear_forward(backend, &op, 1);
    for (int r = 0; r < rows; r++)
      for (int o = 0; o < out; o++) {
        double got = y.at(0, r, o);
        if (r == 3) {
          ASSERT_TRUE(std::isnan(got)) << "NaN was lost at " << o;
        } else if (r == 9) {
          double want = activate((double)weight.at(0, o, 32) > 0 ? inf : -inf, activation);
          ASSERT_EQ(want, got);
        } else {
          ASSERT_EQ(clean.at(0, r, o), y.at(0, r, o));
        }
      }
  }
}

// a network's layers in one call and one after the other
TEST_P(LinearOps, LayersInOneCallGiveTheBitsOfOneByOne) {
  const int n = 3, rows = 61, width[] = {17, 40, 70, 1};
  std::vector<int32_t> row((size_t)n * rows), listed = {rows, 7, 0};
  for (int i = 0; i < n; i++)
    for (int r = 0; r < rows; r++) row[(size_t)(i * rows + r)] = i == 1 ? 8 * r : r;
  for (bool list : {false, true}) {
    std::vector<Stack> y[2], dx[2], dw[2], db[2], weight, bias;
    Stack x(n, rows, width[0], 1), dy(n, rows, width[3]);
    x.fill(1), dy.fill(2);
    for (int l = 0; l < 3; l++) {
      weight.emplace_back(n, width[l + 1], width[l], 1), weight.back().fill(3 + l);
      bias.emplace_back(n, 1, width[l + 1]), bias.back().fill(6 + l);
      for (size_t k = 0; k < 2; k++) {
        y[k].emplace_back(n, rows, width[l + 1], 2), dx[k].emplace_back(n, rows, width[l], 3);
        dw[k].emplace_back(n, width[l + 1], width[l]), db[k].emplace_back(n, 1, width[l + 1]);
      }
    }
    for (size_t k = 0; k < 2; k++) {
      std::vector<sac_linear_forward> f;
      std::vector<sac_linear_backward_input> g;
      std::vector<sac_linear_backward_weight> w;
      for (size_t l = 0; l < 3; l++)
        f.push_back({n, rows, width[l], width[l + 1], l ? y[k][l - 1].view() : x.view(),
                     weight[l].view(), bias[l].view(), y[k][l].view(),
                     l < 2 ? SAC_RELU : SAC_LINEAR});
      for (size_t l = 3; l-- > 0;) {
        sac_stack from = l == 2 ? dy.view() : dx[k][l + 1].view();
        sac_stack h = l ? y[k][l - 1].view() : x.view();
        g.push_back({n, rows, width[l], width[l + 1], from, weight[l].view(), h, dx[k][l].view(),
                     l ? SAC_RELU : SAC_LINEAR, list ? row.data() : nullptr,
                     list ? listed.data() : nullptr});
        w.push_back({n, rows, width[l], width[l + 1], from, h, dw[k][l].view(), db[k][l].view()});
      }
      for (int at = 0; at < 3; at += k ? 1 : 3)
        ops->linear_forward(backend, &f[(size_t)at], k ? 1 : 3);
      for (int at = 0; at < 3; at += k ? 1 : 3)
        ops->linear_backward_input(backend, &g[(size_t)at], k ? 1 : 3);
      // rows that no list names are poison
      for (int at = 0; !list && at < 3; at += k ? 1 : 3)
        ops->linear_backward_weight(backend, &w[(size_t)at], k ? 1 : 3);
    }
    for (size_t l = 0; l < 3; l++) {
      ASSERT_TRUE(y[0][l].same_bits(y[1][l]));
      ASSERT_TRUE(dx[0][l].same_bits(dx[1][l])) << list;
      if (list) continue;
      ASSERT_TRUE(dw[0][l].same_bits(dw[1][l]));
      ASSERT_TRUE(db[0][l].same_bits(db[1][l]));
    }
  }
}

TEST_P(LinearOps, TwoThreadsGiveTheBitsOfOne) {
  Device one({GetParam().simd, 1});
  for (const Shape &s : {Shape{2, 256, 256, 256, 0}, Shape{1, 512, 300, 12, 0}}) {
    if (!takes((double)s.n * s.rows * s.in * s.out)) continue;
    Stack x(s.n, s.rows, s.in), weight(s.n, s.out, s.in), bias(s.n, 1, s.out);
    x.fill(1), weight.fill(2), bias.fill(3);
    std::vector<Stack> y(2, Stack(s.n, s.rows, s.out)), dx(2, Stack(s.n, s.rows, s.in));
    std::vector<Stack> dw(2, Stack(s.n, s.out, s.in)), db(2, Stack(s.n, 1, s.out));
    sac_backend *at[2] = {backend, one.backend};
    for (size_t k = 0; k < 2; k++) {
      sac_linear_forward f = {s.n,           s.rows,      s.in,        s.out,   x.view(),
                              weight.view(), bias.view(), y[k].view(), SAC_RELU};
      ops->linear_forward(at[k], &f, 1);
      sac_linear_backward_input g = {s.n,         s.rows,        s.in,     s.out,
                                     y[k].view(), weight.view(), x.view(), dx[k].view(),
                                     SAC_RELU,    nullptr,       nullptr};
      ops->linear_backward_input(at[k], &g, 1);
      sac_linear_backward_weight w = {s.n,         s.rows,   s.in,         s.out,
                                      y[k].view(), x.view(), dw[k].view(), db[k].view()};
      ops->linear_backward_weight(at[k], &w, 1);
    }
    ASSERT_TRUE(y[0].same_bits(y[1]));
    ASSERT_TRUE(dx[0].same_bits(dx[1]));
    ASSERT_TRUE(dw[0].same_bits(dw[1]));
    ASSERT_TRUE(db[0].same_bits(db[1]));
  }
}

// what cuBLAS multiplies: large products, and those for the tensor cores (the shim's cuBLAS is
// fp32)
TEST(CudaProducts, ByCublasAreThoseOfTheKernels) {
  if (sizeof(sac_real) != 4) GTEST_SKIP() << "cuBLAS multiplies floats only";
  Device here({"shim", 1}), blas({"shim", 1}, SAC_MATMUL_TF32);
  ASSERT_TRUE(here.backend && blas.backend) << here.error.text << blas.error.text;
  for (int share : {1, 3})
    for (sac_activation activation : {SAC_LINEAR, SAC_RELU, SAC_TANH}) {
      const int n = 3, rows = 33, in = 17, out = 40;
      Stack x(n, rows, in, 2, share), weight(n, out, in, 1), bias(n, 1, out), h(n, rows, in, 3);
      x.fill(1), weight.fill(2), bias.fill(3), h.fill(4);
      std::vector<Stack> y(2, Stack(n, rows, out, 1)), dx(2, Stack(n, rows, in, 1));
      std::vector<Stack> dw(2, Stack(n, out, in, 1)), db(2, Stack(n, 1, out));
      Device *devices[] = {&here, &blas};
      for (size_t k = 0; k < 2; k++) {
        sac_backend *backend = devices[k]->backend;
        sac_linear_forward f = {n,           rows,        in,        out, x.view(), weight.view(),
                                bias.view(), y[k].view(), activation};
        devices[k]->ops()->linear_forward(backend, &f, 1);
        sac_linear_backward_input b = {n,           rows,          in,       out,
                                       y[0].view(), weight.view(), h.view(), dx[k].view(),
                                       activation,  nullptr,       nullptr};
        devices[k]->ops()->linear_backward_input(backend, &b, 1);
        sac_linear_backward_weight w = {n,           rows,     in,           out,
                                        y[0].view(), x.view(), dw[k].view(), db[k].view()};
        devices[k]->ops()->linear_backward_weight(backend, &w, 1);
        for (Stack *written : {&y[k], &dx[k], &dw[k]}) written->expect_padding_kept();
      }
      auto expect_close = [&](Stack &a, Stack &b, int count, int cols) {
        for (int i = 0; i < n; i++)
          for (int r = 0; r < count; r++)
            for (int c = 0; c < cols; c++) ASSERT_NEAR(a.at(i, r, c), b.at(i, r, c), 1e-4);
      };
      expect_close(y[0], y[1], rows, out);
      expect_close(dx[0], dx[1], rows, in);
      expect_close(dw[0], dw[1], out, in);
      expect_close(db[0], db[1], 1, out);
    }
}

// two layers: h = act(x W' + b), y = h U' + c
struct TwoLayers {
  Stack x, h, y, weight, bias, last, last_bias;
  sac_activation activation;

  double loss(const sac_ops *ops, sac_backend *backend, Stack &g) {
    const int rows = x.rows(), in = x.cols(), hidden = h.cols(), out = y.cols();
    sac_linear_forward a = {1,           rows,     in,        hidden, x.view(), weight.view(),
                            bias.view(), h.view(), activation};
    sac_linear_forward b = {
        1, rows, hidden, out, h.view(), last.view(), last_bias.view(), y.view(), SAC_LINEAR};
    ops->linear_forward(backend, &a, 1);
    ops->linear_forward(backend, &b, 1);
    double sum = 0;
    for (int r = 0; r < rows; r++)
      for (int o = 0; o < out; o++) sum += (double)g.at(0, r, o) * (double)y.at(0, r, o);
    return sum;
  }

  void expect_gradient(const sac_ops *ops, sac_backend *backend, Stack &g, Stack &parameter,
                       Stack &gradient) {
    const double step = 1e-4;
    for (int r = 0; r < parameter.rows(); r++)
      for (int c = 0; c < parameter.cols(); c += 3) {
        sac_real kept = parameter.at(0, r, c);
        parameter.at(0, r, c) = (sac_real)(kept + step);
        double up = loss(ops, backend, g);
        parameter.at(0, r, c) = (sac_real)(kept - step);
        double down = loss(ops, backend, g);
        parameter.at(0, r, c) = kept;
        double want = (up - down) / (2 * step);
        ASSERT_NEAR(want, gradient.at(0, r, c), gradient_tolerance() * (std::abs(want) + 1));
      }
  }
};

TEST_P(LinearOps, GradientsAreDifferencesOfTheForward) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  for (sac_activation activation : {SAC_LINEAR, SAC_RELU, SAC_TANH}) {
    const int rows = 7, in = 5, hidden = 19, out = 3;
    TwoLayers net = {
        Stack(1, rows, in),  Stack(1, rows, hidden), Stack(1, rows, out), Stack(1, hidden, in),
        Stack(1, 1, hidden), Stack(1, out, hidden),  Stack(1, 1, out),    activation};
    Stack g(1, rows, out), dh(1, rows, hidden), dx(1, rows, in), dweight(1, hidden, in);
    Stack dbias(1, 1, hidden), dlast(1, out, hidden), dlast_bias(1, 1, out);
    net.x.fill(1), net.weight.fill(2, 0.4), net.bias.fill(3, 0.4), net.last.fill(4), g.fill(5);
    net.last_bias.fill(6);
    net.loss(ops, backend, g);
    sac_linear_backward_weight b = {1,        rows,         hidden,       out,
                                    g.view(), net.h.view(), dlast.view(), dlast_bias.view()};
    ops->linear_backward_weight(backend, &b, 1);
    sac_linear_backward_input bi = {
        1,         rows,       hidden,  out,    g.view(), net.last.view(), net.h.view(),
        dh.view(), activation, nullptr, nullptr};
    ops->linear_backward_input(backend, &bi, 1);
    sac_linear_backward_weight a = {
        1, rows, in, hidden, dh.view(), net.x.view(), dweight.view(), dbias.view()};
    ops->linear_backward_weight(backend, &a, 1);
    sac_linear_backward_input ai = {
        1,         rows,       in,      hidden, dh.view(), net.weight.view(), net.x.view(),
        dx.view(), SAC_LINEAR, nullptr, nullptr};
    ops->linear_backward_input(backend, &ai, 1);
    ASSERT_NO_FATAL_FAILURE(net.expect_gradient(ops, backend, g, net.weight, dweight));
    ASSERT_NO_FATAL_FAILURE(net.expect_gradient(ops, backend, g, net.bias, dbias));
    ASSERT_NO_FATAL_FAILURE(net.expect_gradient(ops, backend, g, net.last, dlast));
    ASSERT_NO_FATAL_FAILURE(net.expect_gradient(ops, backend, g, net.last_bias, dlast_bias));
    ASSERT_NO_FATAL_FAILURE(net.expect_gradient(ops, backend, g, net.x, dx));
  }
}

TEST_P(LinearOps, BackwardBiasSumsTheRows) {
  for (const Shape &s : kShapes) {
    if (!takes((double)s.n * s.rows * s.out)) continue;
    Stack dy(s.n, s.rows, s.out, s.pad), dbias(s.n, 1, s.out, s.pad);
    dy.fill(1);
    sac_linear_backward_bias op = {s.n, s.rows, s.out, dy.view(), dbias.view()};
    ops->linear_backward_bias(backend, &op);
    for (int i = 0; i < s.n; i++)
      for (int o = 0; o < s.out; o++) {
        double sum = 0, size = 0;
        for (int r = 0; r < s.rows; r++) {
          sum += (double)dy.at(i, r, o);
          size += std::abs((double)dy.at(i, r, o));
        }
        ASSERT_NO_FATAL_FAILURE(expect_near(sum, size, dbias.at(i, 0, o), "dbias"));
      }
    dbias.expect_padding_kept();
  }
}

SAC_EVERY_PLACE(LinearOps);

}  // namespace
