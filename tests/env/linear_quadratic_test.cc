#include "env/fixture.h"

extern "C" {
#include "env/numpy_random.h"
#include "env/riccati.h"
}

using sac_test::Environment;
using sac_test::open_task;

namespace {

// one step of the definition, in its own range
sac_env_result advance(Environment *environment, float action) {
  const sac_task *task = environment->raw.task;
  sac_env_result result = {};
  task->def->step(task->shared, environment->raw.instance, &action, environment->raw.obs, &result);
  return result;
}

TEST(LinearQuadratic, DefaultTaskFollowsItsFormula) {
  auto task = open_task({"env.id=LinearQuadratic-v0"}, false);
  Environment environment(task.get());
  sac_numpy_random random;
  sac_numpy_random_init(&random, 9);
  sac_environment_reset(&environment.raw, 9);
  double state = sac_numpy_random_normal(&random);
  EXPECT_EQ(environment.obs()[0], state);
  for (int i = 0; i < 100; i++) {
    float action = static_cast<float>(std::sin(i));
    sac_env_result result = advance(&environment, action);
    EXPECT_DOUBLE_EQ(result.reward, -0.5 * (state * state + 0.5 * action * action));
    EXPECT_FALSE(result.terminated);
    state = 0.9 * state + 0.5 * action + 0.1 * sac_numpy_random_normal(&random);
    EXPECT_NEAR(environment.obs()[0], state, 1e-14);
  }
}

TEST(LinearQuadratic, DisturbanceHasTheGivenCovariance) {
  auto task = open_task({"env.id=LinearQuadratic-v0",
                         "env.kwargs={A: [1, 0.1, 0, 1], B: [0, 0.1], Q: [1, 0, 0, 0.1], R: 0.1, "
                         "W: [0.04, 0.03, 0.03, 0.09]}"},
                        false);
  const double expected[] = {0.04, 0.03, 0.09};
  Environment environment(task.get());
  double sum[3] = {0}, start[3] = {0};
  const int n = 20000;
  for (int i = 0; i < n; i++) {
    sac_environment_reset(&environment.raw, static_cast<uint64_t>(i));
    std::vector<double> before = environment.obs();
    advance(&environment, 0);
    std::vector<double> after = environment.obs();
    double x = after[0] - before[0] - 0.1 * before[1], y = after[1] - before[1];
    const double products[] = {x * x, x * y, y * y};
    const double starts[] = {before[0] * before[0], before[0] * before[1], before[1] * before[1]};
    for (int j = 0; j < 3; j++) {
      sum[j] += products[j] / n;
      start[j] += starts[j] / n;
    }
  }
  for (int j = 0; j < 3; j++) {
    EXPECT_NEAR(sum[j], expected[j], 0.04 * 0.06);
    EXPECT_NEAR(start[j], j == 1 ? 0 : 1, 0.05);
  }
}

// acting by the closed form earns what the closed form promises: E[V(s0)] = -tr(P) / 2 + c
TEST(LinearQuadratic, ClosedFormEarnsItsSoftValue) {
  sac_riccati_problem problem = {};
  problem.n = problem.m = 1;
  problem.a[0] = 0.9;
  problem.b[0] = 0.5;
  problem.q[0] = 1;
  problem.r[0] = 0.5;
  problem.w[0] = 0.01;
  problem.gamma = 0.95;
  problem.alpha = 0.1;
  sac_riccati optimum;
  ASSERT_EQ(sac_riccati_solve(&problem, &optimum, nullptr), SAC_OK);
  auto task = open_task({"env.id=LinearQuadratic-v0"}, false);
  EXPECT_EQ(task->spec.action_high[0], 6 * optimum.std[0]);
  EXPECT_EQ(task->spec.action_low[0], -6 * optimum.std[0]);

  Environment environment(task.get());
  sac_numpy_random random;
  sac_numpy_random_init(&random, 1);
  const double entropy = 0.5 * std::log(2 * M_PI * std::exp(1.0)) + std::log(optimum.std[0]);
  const int n = 4000;
  double mean = 0;
  for (int i = 0; i < n; i++) {
    sac_environment_reset(&environment.raw, static_cast<uint64_t>(i));
    double discount = 1;
    for (int t = 0; t < 200; t++, discount *= problem.gamma) {
      double noise = optimum.std[0] * sac_numpy_random_normal(&random);
      float action = static_cast<float>(-optimum.k[0] * environment.raw.obs[0] + noise);
      double reward = advance(&environment, action).reward;
      mean += discount * (reward + problem.alpha * entropy) / n;
    }
  }
  // the standard error of the mean is about 0.02
  EXPECT_NEAR(mean, -0.5 * optimum.p[0] + optimum.c, 0.08);
}

}  // namespace
