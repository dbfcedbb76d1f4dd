// The ways that episodes act in, against float64 and against bits.
#include "ops/fixture.h"

using namespace sac_test;

namespace {

class ExploreOps : public Ops {};

struct Mix {
  Mix(int n, int rows, int act_dim)
      : action(n, rows, act_dim, 3),
        deterministic(n, rows, act_dim),
        noise(n, rows, act_dim, 1),
        perturbed(n, rows, act_dim),
        kind((size_t)(n * rows)),
        distance(2 * (size_t)(n * rows), 0.5) {
    action.fill(1, 0.5), deterministic.fill(2, 0.5), noise.fill(3), perturbed.fill(4, 0.5);
    for (size_t i = 0; i < kind.size(); i++) kind[i] = (int32_t)(i % 4);
    op = {n,
          rows,
          act_dim,
          kind.data(),
          (sac_real)0.7,
          true,
          action.view(),
          deterministic.view(),
          noise.view(),
          perturbed.view(),
          distance.data()};
  }
  Stack action, deterministic, noise, perturbed;
  std::vector<int32_t> kind;
  std::vector<double> distance;
  sac_explore op;
};

TEST_P(ExploreOps, EachRowActsByItsKind) {
  for (int rows : {1, 5, 130})
    for (bool bounded : {false, true}) {
      const int act_dim = 3;
      Mix mix(2, rows, act_dim);
      Stack before = mix.action;
      mix.op.bounded = bounded;
      ops->explore(backend, &mix.op);
      for (int i = 0; i < 2; i++)
        for (int r = 0; r < rows; r++) {
          size_t at = (size_t)(i * rows + r);
          double square = 0;
          for (int j = 0; j < act_dim; j++) {
            double draw = (double)before.at(i, r, j);
            double wanted = draw + 0.7 * (double)mix.noise.at(i, r, j);
            if (bounded) wanted = std::min(1.0, std::max(-1.0, wanted));
            if (mix.kind[at] == SAC_EXPLORE_POLICY) wanted = draw;
            if (mix.kind[at] == SAC_EXPLORE_DETERMINISTIC) wanted = mix.deterministic.at(i, r, j);
            if (mix.kind[at] == SAC_EXPLORE_PARAMETER) wanted = mix.perturbed.at(i, r, j);
            ASSERT_NEAR(wanted, mix.action.at(i, r, j), op_tolerance()) << mix.kind[at];
            square += std::pow(wanted - draw, 2) / act_dim;
          }
          bool moves = mix.kind[at] == SAC_EXPLORE_PARAMETER;
          ASSERT_NEAR(0.5 + (moves ? square : 0), mix.distance[2 * at], op_tolerance() * 10);
          ASSERT_EQ(moves ? 1.5 : 0.5, mix.distance[2 * at + 1]);
        }
      mix.action.expect_padding_kept();
    }
}

TEST_P(ExploreOps, WhatAKindDoesNotUseIsNotRead) {
  Mix mix(1, 64, 2);
  for (int32_t &kind : mix.kind) kind = SAC_EXPLORE_GAUSSIAN;
  mix.deterministic.set(kPoison), mix.perturbed.set(kPoison);
  mix.op.deterministic.data = mix.op.perturbed.data = nullptr;
  ops->explore(backend, &mix.op);
  for (int r = 0; r < 64; r++) ASSERT_LE(std::abs((double)mix.action.at(0, r, 1)), 1);
}

TEST_P(ExploreOps, TwoThreadsGiveTheBitsOfOne) {
  Device one({GetParam().simd, 1});
  Mix a(1, 70000, 2), b(1, 70000, 2);
  if (!takes(140000)) return;
  ops->explore(backend, &a.op), one.ops()->explore(one.backend, &b.op);
  ASSERT_TRUE(a.action.same_bits(b.action));
  ASSERT_EQ(a.distance, b.distance);
}

TEST_P(ExploreOps, PerturbedWeightsAreTheSourcePlusScaledNoise) {
  for (size_t count : {(size_t)1, (size_t)33, (size_t)9001}) {
    std::vector<sac_real> source(count), value(count), noise(count);
    for (size_t i = 0; i < count; i++)
      source[i] = (sac_real)std::sin((double)i), noise[i] = (sac_real)std::cos(3 * (double)i);
    value = noise;
    sac_perturb op = {count, (sac_real)0.25, source.data(), value.data()};
    ops->perturb(backend, &op);
    for (size_t i = 0; i < count; i++)
      ASSERT_NEAR((double)source[i] + 0.25 * (double)noise[i], value[i], op_tolerance());
  }
}

SAC_EVERY_PLACE(ExploreOps);

}  // namespace
