#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "machine.h"
#include "tolerance.h"

extern "C" {
#include "nn/mlp.h"
}

namespace {

using sac_test::Machine;
using sac_test::normals;

struct Shape {
  std::vector<int64_t> hidden;
  sac_activation activation;
  int n, rows, in, out, share;
};

std::string name_of(const Shape &shape) {
  std::string name = shape.activation == SAC_RELU ? "Relu" : "Tanh";
  for (int64_t width : shape.hidden) name += "_" + std::to_string(width);
  return name + "_Rows" + std::to_string(shape.rows);
}
std::string shape_name(const testing::TestParamInfo<Shape> &info) {
  return name_of(info.param);
}
void PrintTo(const Shape &shape, std::ostream *out) {
  *out << name_of(shape);
}

// a stack of networks with random parameters, its pass and its input
class Network {
 public:
  explicit Network(const Shape &wanted) : shape(wanted) {
    sac_mlp_shape(&mlp, shape.n, shape.in, shape.hidden.data(), (int)shape.hidden.size(), shape.out,
                  shape.activation);
    params.prefix = "net.";
    params.n = shape.n;
    params.networks = 1;
    for (int l = 0; l < mlp.n_layers; l++) {
      char name[32];
      snprintf(name, sizeof name, "%d", l);
      mlp.weight[l] = sac_params_add(&params, name, mlp.width[l + 1], mlp.width[l], 1, 1);
      mlp.bias[l] = sac_params_add(&params, name, mlp.width[l + 1], 0, 1, 1);
    }
    EXPECT_EQ(sac_params_allocate(&params, machine.backend, true, nullptr), SAC_OK);
    machine.write(params.value, normals(1, (size_t)shape.n * params.count, 0.7));
    carve();
    EXPECT_EQ(sac_mlp_reserve(&mlp, machine.backend, pass.max_rows, nullptr), SAC_OK);
    fill_input();
  }
  ~Network() { sac_params_release(&params); }
  Network(const Network &) = delete;

  void forward() { sac_mlp_forward(&mlp, &params, &pass, x, shape.rows); }

  // dJ/d output = weight of each output in J, so that J = sum of weight * output
  void fill_dout() {
    sac_stack dout = pass.dout;
    for (int i = 0; i < shape.n; i++)
      for (int r = 0; r < shape.rows; r++)
        machine.write(dout.data + (size_t)i * dout.stride + (size_t)r * (size_t)dout.ld,
                      normals(100 + (unsigned)(i * shape.rows + r), (size_t)shape.out));
  }
  // J of the members [first, first + count)
  double objective(int first, int count) {
    forward();
    double sum = 0;
    for (int i = first; i < first + count; i++)
      for (int r = 0; r < shape.rows; r++)
        for (int c = 0; c < shape.out; c++)
          sum += (double)at(pass.dout, i, r, c) * (double)at(sac_mlp_output(&mlp, &pass), i, r, c);
    return sum;
  }
  sac_real at(sac_stack stack, int member, int row, int col) {
    return machine.read(stack.data + (size_t)(member / stack.share) * stack.stride +
                            (size_t)row * (size_t)stack.ld + (size_t)col,
                        1)[0];
  }

  // the output by plain loops in double precision
  std::vector<double> plain(int member, int row) {
    std::vector<double> h;
    for (int c = 0; c < shape.in; c++) h.push_back((double)at(x, member, row, c));
    std::vector<sac_real> p =
        machine.read(params.value + (size_t)member * params.count, params.count);
    for (int l = 0; l < mlp.n_layers; l++) {
      std::vector<double> next;
      for (int o = 0; o < mlp.width[l + 1]; o++) {
        double sum = (double)p[mlp.bias[l] + (size_t)o];
        for (int i = 0; i < mlp.width[l]; i++)
          sum += (double)p[mlp.weight[l] + (size_t)(o * mlp.width[l] + i)] * h[(size_t)i];
        bool last = l + 1 == mlp.n_layers;
        if (!last) sum = shape.activation == SAC_TANH ? std::tanh(sum) : std::max(sum, 0.0);
        next.push_back(sum);
      }
      h = next;
    }
    return h;
  }

  Shape shape;
  Machine machine;
  sac_mlp mlp = {};
  sac_params params = {};
  sac_mlp_pass pass = {};
  sac_stack x = {};

 private:
  void carve() {
    sac_arena arena = {};
    sac_mlp_pass_carve(&mlp, shape.rows + 3, true, &arena, &pass);
    size_t bytes = arena.used;
    arena = {};
    arena.memory = machine.take<char>(bytes);
    arena.size = bytes;
    sac_mlp_pass_carve(&mlp, shape.rows + 3, true, &arena, &pass);
    EXPECT_EQ(arena.used, bytes);
  }
  // columns of wider rows, shared by neighbouring members
  void fill_input() {
    int ld = shape.in + 2, matrices = (shape.n + shape.share - 1) / shape.share;
    size_t stride = (size_t)(shape.rows * ld);
    sac_real *data = machine.take((size_t)matrices * stride);
    machine.write(data, normals(2, (size_t)matrices * stride));
    x = {data, stride, ld, shape.share};
  }
};

class Mlp : public testing::TestWithParam<Shape> {};

TEST_P(Mlp, ForwardIsThePlainLoops) {
  Network net(GetParam());
  net.forward();
  for (int i = 0; i < net.shape.n; i++)
    for (int r = 0; r < net.shape.rows; r++) {
      std::vector<double> expected = net.plain(i, r);
      double size = 1;
      for (double value : expected) size = std::max(size, std::abs(value));
      for (int c = 0; c < net.shape.out; c++)
        EXPECT_NEAR(net.at(sac_mlp_output(&net.mlp, &net.pass), i, r, c), expected[(size_t)c],
                    sac_test::tolerance(2e-5, 1e-13) * size)
            << i << " " << r << " " << c;
    }
}

class MlpGradient : public Mlp {};

// (J(x + h) - J(x - h)) / 2h of `count` members; NaN where a knee lies in between
double slope_at(Network &net, int first, int count, sac_real *place) {
  sac_real x = net.machine.read(place, 1)[0];
  double slope[2];
  for (int k = 0; k < 2; k++) {
    double h = 1e-6 * std::max(1.0, std::abs((double)x)) / (k + 1), f[2];
    for (int side = 0; side < 2; side++) {
      net.machine.write(place, {sac_real((double)x + (side ? -h : h))});
      f[side] = net.objective(first, count);
    }
    slope[k] = (f[0] - f[1]) / (2 * h);
  }
  net.machine.write(place, {x});
  bool smooth = std::abs(slope[0] - slope[1]) < 1e-6 * (1 + std::abs(slope[0]));
  return smooth ? slope[0] : std::numeric_limits<double>::quiet_NaN();
}

TEST_P(MlpGradient, OfParametersIsTheDifferenceQuotient) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  Network net(GetParam());
  net.fill_dout();
  net.forward();
  sac_mlp_backward(&net.mlp, &net.params, &net.pass, net.shape.rows);
  size_t size = (size_t)net.shape.n * net.params.count, smooth = 0, used = 0;
  std::vector<sac_real> grad = net.machine.read(net.params.grad, size);
  for (int i = 0; i < net.shape.n; i++)
    for (int v = 0; v < net.params.n_views; v++) {
      const sac_param_view &view = net.params.views[v];
      double worst = 0, largest = 1e-12;
      for (size_t k = 0; k < sac_param_size(&view); k++, used++) {
        size_t place = (size_t)i * net.params.count + view.offset + k;
        double slope = slope_at(net, i, 1, net.params.value + place);
        if (std::isnan(slope)) continue;
        smooth++;
        worst = std::max(worst, std::abs((double)grad[place] - slope));
        largest = std::max(largest, std::abs(slope));
      }
      EXPECT_LE(worst, sac_test::gradient_tolerance() * largest) << i << " " << v;
    }
  EXPECT_GT(smooth, used * 9 / 10);
}

TEST_P(MlpGradient, OfInputsIsTheDifferenceQuotient) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  Network net(GetParam());
  int first = net.shape.in / 2, cols = net.shape.in - first;
  sac_stack dx = {net.machine.take((size_t)(net.shape.n * net.shape.rows * cols)),
                  (size_t)(net.shape.rows * cols), cols, 1};
  net.fill_dout();
  net.forward();
  sac_mlp_backward_input(&net.mlp, &net.params, &net.pass, net.shape.rows, {nullptr, nullptr},
                         first, dx);
  double worst = 0, largest = 1e-12;
  // members that share an input each have a gradient of their own
  int share = net.shape.share;
  for (int i = 0; i < net.shape.n; i += share)
    for (int k = 0; k < net.shape.rows * cols; k++) {
      int r = k / cols, c = k % cols;
      sac_real *place = net.x.data + (size_t)(i / share) * net.x.stride + (size_t)(r * net.x.ld) +
                        (size_t)(first + c);
      double slope = slope_at(net, i, share, place), sum = 0;
      if (std::isnan(slope)) continue;
      for (int j = i; j < i + share; j++) sum += (double)net.at(dx, j, r, c);
      worst = std::max(worst, std::abs(sum - slope));
      largest = std::max(largest, std::abs(slope));
    }
  EXPECT_LE(worst, sac_test::gradient_tolerance() * largest);
}

const Shape kShapes[] = {
    {{5}, SAC_RELU, 1, 1, 3, 1, 1},
    {{4, 3}, SAC_RELU, 2, 7, 5, 2, 2},
    {{17, 1, 3}, SAC_RELU, 3, 5, 1, 1, 1},
    {{3, 17, 2, 5}, SAC_TANH, 2, 4, 3, 6, 1},
    {{2, 3, 4, 3, 2}, SAC_TANH, 4, 9, 2, 1, 2},
};
INSTANTIATE_TEST_SUITE_P(Shapes, Mlp, testing::ValuesIn(kShapes), shape_name);
INSTANTIATE_TEST_SUITE_P(Shapes, MlpGradient, testing::ValuesIn(kShapes), shape_name);
INSTANTIATE_TEST_SUITE_P(Wide, Mlp,
                         testing::Values(Shape{{65, 257}, SAC_RELU, 2, 33, 23, 4, 2},
                                         Shape{{64, 64}, SAC_TANH, 1, 100, 3, 2, 1}),
                         shape_name);

TEST(MlpBackward, LeavesRowsThatAreNotListed) {
  Network net({{6, 5}, SAC_RELU, 2, 8, 4, 1, 1});
  net.fill_dout();
  net.forward();
  std::vector<sac_real> poison(2 * 8 * 4, std::numeric_limits<sac_real>::quiet_NaN());
  sac_stack dx = {net.machine.take(poison.size()), 8 * 4, 4, 1}, all = dx;
  all.data = net.machine.take(poison.size());
  net.machine.write(dx.data, poison);
  sac_mlp_backward_input(&net.mlp, &net.params, &net.pass, 8, {nullptr, nullptr}, 0, all);
  int32_t *row = net.machine.take<int32_t>(16), *count = net.machine.take<int32_t>(2);
  net.machine.write(row, {1, 4, 7, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0});
  net.machine.write(count, {3, 1});
  sac_mlp_backward_input(&net.mlp, &net.params, &net.pass, 8, {row, count}, 0, dx);
  for (int i = 0; i < 2; i++)
    for (int r = 0; r < 8; r++)
      for (int c = 0; c < 4; c++) {
        bool listed = i == 0 ? r == 1 || r == 4 || r == 7 : r == 2;
        EXPECT_EQ(std::isnan(net.at(dx, i, r, c)), !listed) << i << " " << r << " " << c;
        if (!listed) continue;
        EXPECT_EQ(net.at(dx, i, r, c), net.at(all, i, r, c));
      }
}

}  // namespace
