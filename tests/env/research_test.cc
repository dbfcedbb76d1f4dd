// The tasks that have no reference program: rewards and ends against their definitions.
#include <algorithm>
#include <set>

#include "env/fixture.h"

using sac_test::open_task;

namespace {

// one step of the definition itself from a given state; `obs` is what followed
sac_env_result step_from(const sac_task *task, const std::vector<double> &state,
                         const std::vector<float> &action, std::vector<double> *obs) {
  sac_test::Environment environment(task);
  task->def->set_state(task->shared, environment.raw.instance, state.data(), environment.raw.obs);
  sac_env_result result = {};
  task->def->step(task->shared, environment.raw.instance, action.data(), environment.raw.obs,
                  &result);
  *obs = environment.obs();
  return result;
}

TEST(Multigoal, RewardsAndEndsAreThoseOfItsDefinition) {
  auto task = open_task({"env.id=Multigoal-v0"});
  const struct {
    std::vector<double> from;
    std::vector<float> action;
    std::vector<double> to;
    double reward;
    bool ends;
  } cases[] = {
      {{0, 0}, {0.5f, 0}, {0.5, 0}, -30 * 0.25 - 4.5 * 4.5, false},
      {{0, 0}, {0, -3}, {0, -1}, -30 - 16, false},  // clipped, and so is its cost
      {{3.5, 0}, {1, 0}, {4.5, 0}, -30 - 0.25 + 10, true},
      {{0, -5.5}, {0, 0.25f}, {0, -5.25}, -30 * 0.0625 - 0.0625 + 10, true},
      {{6.8, 6.8}, {1, 1}, {7, 7}, -60 - (4 + 49), false},  // the walls
      {{-4, 0}, {0, 0}, {-4, 0}, -1, false},                // at a distance of 1: not yet
  };
  for (const auto &it : cases) {
    std::vector<double> obs;
    sac_env_result result = step_from(task.get(), it.from, it.action, &obs);
    EXPECT_EQ(it.to, obs);
    EXPECT_NEAR(it.reward, result.reward, 1e-12);
    EXPECT_EQ(it.ends, result.terminated);
  }
}

TEST(Multigoal, StartsNearTheMiddleAndTakesKeywords) {
  auto task = open_task({"env.id=Multigoal-v0",
                         "env.kwargs={action_cost_coeff: 1, distance_cost_coeff: 0.1, goal_reward: "
                         "1}"});
  sac_test::Environment environment(task.get());
  double square = 0;
  for (uint64_t seed = 0; seed < 2000; seed++) {
    sac_environment_reset(&environment.raw, seed);
    square += environment.raw.obs[0] * environment.raw.obs[0];
  }
  EXPECT_NEAR(0.01, square / 2000, 0.001);
  std::vector<double> obs;
  EXPECT_NEAR(-1 - 0.1 * 16, step_from(task.get(), {0, 0}, {1, 0}, &obs).reward, 1e-12);
}

std::vector<double> standing_ant(const sac_task *task) {
  std::vector<double> state((size_t)task->spec.state_dim, 0);
  state[2] = 0.75;
  state[3] = 1;
  for (int i = 0; i < 4; i++) state[(size_t)(8 + 2 * i)] = i == 0 || i == 3 ? 1 : -1;
  return state;
}

// speed, the ground's and the action's cost in AntDirection are those that Ant-v5's step shows
TEST(AntTasks, DirectionRewardsSpeedWhereverItGoes) {
  auto task = open_task({"env.id=AntDirection-v0", "env.kwargs={contact_cost_weight: 0}"});
  for (double way : {0.0, 1.0, 2.0, 3.0}) {
    std::vector<double> state = standing_ant(task.get()), obs;
    state[15] = 2 * std::cos(way);
    state[16] = 2 * std::sin(way);
    sac_env_result still = step_from(task.get(), state, std::vector<float>(8, 0.0f), &obs);
    EXPECT_NEAR(2.05, still.reward, 0.25) << way;
    sac_env_result pushed = step_from(task.get(), state, std::vector<float>(8, 0.5f), &obs);
    EXPECT_NEAR(still.reward, pushed.reward, 0.6) << way;
  }
  std::vector<double> fallen = standing_ant(task.get()), obs;
  fallen[2] = 1.5;
  EXPECT_TRUE(step_from(task.get(), fallen, std::vector<float>(8, 0.0f), &obs).terminated);
}

TEST(AntTasks, AMazesObservationBeginsWithThatOfAntDirection) {
  auto direction = open_task({"env.id=AntDirection-v0"}),
       maze = open_task({"env.id=AntCrossMaze-v0"});
  std::vector<double> ours, theirs;
  step_from(direction.get(), standing_ant(direction.get()), std::vector<float>(8, 0.3f), &theirs);
  step_from(maze.get(), standing_ant(maze.get()), std::vector<float>(8, 0.3f), &ours);
  ASSERT_EQ(theirs.size() + 4, ours.size());
  for (size_t i = 0; i < theirs.size(); i++) EXPECT_NEAR(theirs[i], ours[i], 1e-9) << i;
  EXPECT_EQ(6, ours[107]);
  EXPECT_EQ(-6, ours[108]);
}

TEST(AntTasks, MazesEndAtTheirGoalAndDrawAllOfThem) {
  for (const char *id : {"AntCrossMaze-v0", "AntSimpleMaze-v0"}) {
    auto task = open_task({std::string("env.id=") + id});
    std::vector<double> state = standing_ant(task.get()), obs;
    sac_env_result result = step_from(task.get(), state, std::vector<float>(8, 0.0f), &obs);
    EXPECT_EQ(0, result.reward) << id;
    EXPECT_FALSE(result.terminated) << id;
    state[0] = 6.5;
    state[1] = -4.5;
    result = step_from(task.get(), state, std::vector<float>(8, 0.0f), &obs);
    EXPECT_EQ(1000, result.reward) << id;
    EXPECT_TRUE(result.terminated) << id;
    sac_test::Environment environment(task.get());
    std::set<std::pair<double, double>> goals;
    for (uint64_t seed = 0; seed < 30; seed++) {
      sac_environment_reset(&environment.raw, seed);
      goals.insert({environment.raw.obs[107], environment.raw.obs[108]});
    }
    EXPECT_EQ(std::string(id) == "AntCrossMaze-v0" ? 3u : 1u, goals.size()) << id;
  }
}

// where the speed counts it does as in AntDirection, and without a radius nothing ends at a goal
TEST(AntTasks, AMazeWithoutGoalsRewardsSpeed) {
  auto maze = open_task(
      {"env.id=AntCrossMaze-v0", "env.kwargs={goal_radius: 0, velocity_reward_weight: 2}"});
  auto direction = open_task({"env.id=AntDirection-v0",
                              "env.kwargs={velocity_reward_weight: 2, survive_reward: 0, "
                              "contact_cost_weight: 0, ctrl_cost_weight: 0}"});
  std::vector<double> state = standing_ant(maze.get()), obs;
  state[15] = 1.5, state[16] = -1;
  sac_env_result ours = step_from(maze.get(), state, std::vector<float>(8, 0.2f), &obs);
  sac_env_result theirs = step_from(direction.get(), state, std::vector<float>(8, 0.2f), &obs);
  EXPECT_GT(ours.reward, 2);
  EXPECT_NEAR(theirs.reward, ours.reward, 1e-9);
  state[0] = 6, state[1] = -6;
  EXPECT_FALSE(step_from(maze.get(), state, std::vector<float>(8, 0.0f), &obs).terminated);
}

// a wall stops what runs against it
TEST(AntTasks, WallsHold) {
  auto task = open_task({"env.id=AntSimpleMaze-v0"});
  sac_test::Environment environment(task.get());
  std::vector<double> state = standing_ant(task.get());
  state[16] = 10;  // towards the wall at y = 2.5
  task->def->set_state(task->shared, environment.raw.instance, state.data(), environment.raw.obs);
  double farthest = 0;
  for (int i = 0; i < 40; i++) {
    std::vector<float> action(8, 0.0f);
    sac_env_result result = {};
    task->def->step(task->shared, environment.raw.instance, action.data(), environment.raw.obs,
                    &result);
    farthest = std::max(farthest, environment.raw.obs[106]);
  }
  EXPECT_GT(farthest, 0.5);
  EXPECT_LT(farthest, 2.0);
}

}  // namespace
