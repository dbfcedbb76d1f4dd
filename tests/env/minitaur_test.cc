// Minitaur-v0: the robot, its motors, and both of its tasks against their definitions.
#include <mujoco/mujoco.h>

#include <algorithm>

#include "env/fixture.h"

extern "C" {
#include "env/minitaur_model.h"
#include "env/mujoco.h"
}

using sac_test::open_task;
using sac_test::opening_error;

namespace {

constexpr int kMotors = SAC_MINITAUR_MOTORS;
constexpr double kHalfPi = 1.5707963267948966;
const char *const kLegs[] = {"front_left", "back_left", "front_right", "back_right"};

using Action = std::vector<float>;

// the action that holds every motor at pi / 2, as a start does
Action standing() {
  return {0, 0, 0, 0, 0.5f, 0.5f, 0.5f, 0.5f};
}

// diagonal legs swing together and are drawn in on their way forward
Action trot(double time) {
  auto swing = static_cast<float>(0.5 * std::sin(10 * time)),
       drawn = static_cast<float>(0.3 * std::cos(10 * time));
  return {swing, -swing, -swing, swing, drawn, -drawn, -drawn, drawn};
}

class Robot {
 public:
  explicit Robot(const std::string &kwargs = "")
      : task(open_task({"env.id=Minitaur-v0", "env.kwargs={" + kwargs + "}"})),
        environment(task.get()) {}

  void reset(uint64_t seed) {
    task->def->reset(task->shared, environment.raw.instance, seed, environment.raw.obs);
  }
  void set_state(const std::vector<double> &state) {
    task->def->set_state(task->shared, environment.raw.instance, state.data(), environment.raw.obs);
  }
  sac_env_result step(const Action &action) {
    sac_env_result result = {};
    task->def->step(task->shared, environment.raw.instance, action.data(), environment.raw.obs,
                    &result);
    EXPECT_EQ(nullptr, result.fault);
    return result;
  }
  std::vector<uint8_t> save() {
    std::vector<uint8_t> bytes(task->spec.state_bytes);
    task->def->save(task->shared, environment.raw.instance, bytes.data());
    return bytes;
  }
  void load(const std::vector<uint8_t> &bytes) {
    task->def->load(task->shared, environment.raw.instance, bytes.data());
  }
  const double *obs() const { return environment.raw.obs; }
  sac_mujoco_env *env() const { return static_cast<sac_mujoco_env *>(environment.raw.instance); }
  mjData *data() const { return env()->data; }
  const mjModel *model() const {
    return sac_mujoco_model_of(static_cast<const sac_mujoco *>(task->shared), env());
  }
  double total_mass() const {
    double mass = 0;
    for (int i = 0; i < model()->nbody; i++) mass += model()->body_mass[i];
    return mass;
  }
  // m: the widest of the four loops' gaps
  double gap() const {
    mj_kinematics(model(), data());
    double widest = 0;
    for (const char *leg : kLegs) {
      const double *ends[2];
      for (int side = 0; side < 2; side++) {
        std::string name = std::string("pivot_") + leg + (side ? "_R" : "_L");
        ends[side] = data()->site_xpos + 3 * mj_name2id(model(), mjOBJ_SITE, name.c_str());
      }
      double square = 0;
      for (int i = 0; i < 3; i++) square += std::pow(ends[0][i] - ends[1][i], 2);
      widest = std::max(widest, std::sqrt(square));
    }
    return widest;
  }

  sac_test::Task task;
  sac_test::Environment environment;
};

std::vector<double> standing_state() {
  std::vector<double> state(SAC_MINITAUR_NQ + SAC_MINITAUR_NV, 0);
  state[2] = 0.2;
  state[3] = 1;
  for (int i = 0; i < kMotors; i++) {
    state[SAC_MINITAUR_QPOS(i)] = (i < 4 ? -1 : 1) * kHalfPi;
    state[SAC_MINITAUR_QPOS(i) + 1] = (i < 4 ? 1 : -1) * 2.1834;
  }
  return state;
}

TEST(Minitaur, WeighsSixKilogramsAndStandsWithClosedLegs) {
  Robot robot;
  EXPECT_NEAR(6.0, robot.total_mass(), 1e-12);
  robot.set_state(standing_state());
  EXPECT_LT(robot.gap(), 1e-3);
  double widest = 0;
  for (int i = 0; i < 500; i++) {
    ASSERT_FALSE(robot.step(standing()).terminated) << i;
    widest = std::max(widest, robot.gap());
  }
  RecordProperty("gap", std::to_string(widest));
  EXPECT_LT(widest, 1e-3);
  EXPECT_NEAR(0.157, robot.data()->qpos[2], 0.003);
  EXPECT_NEAR(0, robot.data()->qpos[0], 0.01);
  for (int i = 0; i < SAC_MINITAUR_NV; i++) EXPECT_NEAR(0, robot.data()->qvel[i], 0.01) << i;
}

TEST(Minitaur, TouchesTheGroundAndNothingElse) {
  Robot robot;
  robot.reset(0);
  for (int i = 0; i < 100; i++) {
    robot.step(trot(0.01 * i));
    for (int j = 0; j < robot.data()->ncon; j++)
      ASSERT_EQ(0, robot.model()->geom_bodyid[robot.data()->contact[j].geom[0]]);
  }
}

TEST(Minitaur, AnOpenLoopTrotWalks) {
  Robot robot;
  robot.reset(0);
  double start = robot.data()->qpos[0], widest = 0;
  for (int i = 0; i < 1000; i++) {
    ASSERT_FALSE(robot.step(trot(0.01 * i)).terminated) << i;
    widest = std::max(widest, robot.gap());
  }
  double speed = (robot.data()->qpos[0] - start) / 10;
  RecordProperty("speed", std::to_string(speed));
  RecordProperty("gap", std::to_string(widest));
  EXPECT_GT(speed, 0.25);
  EXPECT_LT(speed, 0.5);
  EXPECT_LT(widest, 1e-3);
}

// one engine step from a given state: what the motor's formulas say by hand
TEST(Minitaur, MotorsFollowTheirModel) {
  Robot robot("frame_skip: 1");
  const struct {
    double angle, speed, observed, actual;
  } cases[] = {
      // the target is pi / 2: duty = 1 * (pi / 2 - angle) - 0.02 * speed, 16 V * duty,
      // torque 0.0954 * volts / 0.186; current = (volts - 0.0954 * speed) / 0.186 by the table
      {kHalfPi, 0, 0, 0},
      {kHalfPi - 0.1, 0, 0.0954 * 1.6 / 0.186, 0.86021505376344},          // 8.602 A
      {kHalfPi - 0.3, 0, 0.0954 * 4.8 / 0.186, 1.9 + 0.580645161 * 0.55},  // 25.806 A
      {kHalfPi + 0.3, 0, -0.0954 * 4.8 / 0.186, -1.9 - 0.580645161 * 0.55},
      {kHalfPi - 0.1, 2, 0.0954 * 0.96 / 0.186, 0.41354838709677},       // .96 V - .1908 V: 4.135 A
      {kHalfPi, 10, -0.0954 * 3.2 / 0.186, -1.9 - 0.2333333333 * 0.55},  // -4.154 V: -22.333 A
      {kHalfPi - 2, 0, 5.7, 3.5},                                        // 16 V: 86 A
      {kHalfPi + 2, 0, -5.7, -3.5},
  };
  for (const auto &it : cases) {
    std::vector<double> state = standing_state();
    for (int i = 0; i < kMotors; i++) {
      double sign = i < 4 ? -1 : 1;
      state[SAC_MINITAUR_QPOS(i)] = sign * it.angle;
      state[SAC_MINITAUR_NQ + SAC_MINITAUR_QVEL(i)] = sign * it.speed;
    }
    robot.set_state(state);
    for (int i = 0; i < kMotors; i++) {
      EXPECT_NEAR(it.angle, robot.obs()[i], 1e-12);
      EXPECT_NEAR(it.speed, robot.obs()[kMotors + i], 1e-12);
    }
    robot.step(standing());
    for (int i = 0; i < kMotors; i++) {
      EXPECT_NEAR(it.observed, robot.obs()[2 * kMotors + i], 1e-6) << it.angle;
      EXPECT_NEAR(it.actual, robot.data()->ctrl[i], 1e-6) << it.angle;
    }
  }
}

// minitaur.py's ConvertFromLegModel, seen through what the motors are asked for
TEST(Minitaur, ActionsAreSwingAndExtensionOfTheLegs) {
  Robot robot("frame_skip: 1, motor_kp: 0.01, motor_kd: 0");
  robot.set_state(standing_state());
  const Action action = {0.1f, -0.2f, 0.3f, -0.4f, 0.5f, -0.6f, 0.7f, -0.8f};
  robot.step(action);
  for (int i = 0; i < kMotors; i++) {
    double swing = (i % 2 ? -1 : 1) * (i < 4 ? 1 : -1) * static_cast<double>(action[i / 2]);
    double wanted = 2 * kHalfPi - kHalfPi / 2 * (static_cast<double>(action[4 + i / 2]) + 1.5) +
                    kHalfPi / 2 * swing;
    EXPECT_NEAR(0.01 * (wanted - kHalfPi) * 16 / 0.186 * 0.0954, robot.obs()[2 * kMotors + i],
                1e-12)
        << i;
  }
}

TEST(Minitaur, AnOverloadedMotorGoesOff) {
  for (const char *kwargs : {"", "motor_overheat_protection: false"}) {
    Robot robot(kwargs);
    std::vector<double> state = standing_state();
    double least = 9;
    for (int i = 0; i < 102; i++) {
      // held where it wants to be elsewhere: 1.02 s of full torque
      for (int j = 0; j < SAC_MINITAUR_NQ; j++) robot.data()->qpos[j] = state[(size_t)j];
      mju_zero(robot.data()->qvel, SAC_MINITAUR_NV);
      robot.step({1, 1, 1, 1, -1, -1, -1, -1});
      least = std::min(least, std::fabs(robot.data()->ctrl[0]));
    }
    if (*kwargs)
      EXPECT_GT(least, 0) << least;
    else
      EXPECT_EQ(0, robot.data()->ctrl[0]);
  }
}

TEST(Minitaur, RewardAndObservationFollowFromTheEnginesState) {
  Robot robot("drift_weight: 0.3, shake_weight: 0.7");
  robot.reset(3);
  for (int i = 0; i < 50; i++) {
    double before[3];
    std::copy(robot.data()->qpos, robot.data()->qpos + 3, before);
    sac_env_result result = robot.step(trot(0.01 * i));
    const double *qpos = robot.data()->qpos, *qvel = robot.data()->qvel, *obs = robot.obs();
    double power = 0;
    for (int j = 0; j < kMotors; j++) {
      double sign = j < 4 ? -1 : 1;
      EXPECT_EQ(sign * qpos[7 + 2 * j], obs[j]);
      EXPECT_EQ(sign * qvel[6 + 2 * j], obs[kMotors + j]);
      power += obs[kMotors + j] * obs[2 * kMotors + j];
    }
    for (int j = 0; j < 3; j++) EXPECT_EQ(qpos[4 + j], obs[24 + j]);
    EXPECT_EQ(qpos[3], obs[27]);
    double wanted = qpos[0] - before[0] - 0.005 * std::fabs(power) * 0.002 -
                    0.3 * std::fabs(qpos[1] - before[1]) - 0.7 * std::fabs(qpos[2] - before[2]);
    EXPECT_NEAR(wanted, result.reward, 1e-12);
  }
}

TEST(Minitaur, EndsWhenItHasFallen) {
  const struct {
    double height, roll;
    bool ends;
  } cases[] = {{0.2, 0, false}, {0.25, 0.5, false}, {0.25, 0.6, true}, {0.12, 0, true}};
  for (const auto &it : cases) {
    Robot robot("frame_skip: 1");
    std::vector<double> state = standing_state();
    state[2] = it.height;
    state[3] = std::cos(it.roll / 2);
    state[4] = std::sin(it.roll / 2);
    robot.set_state(state);
    if (it.height < 0.13) robot.data()->qvel[2] = -1;
    EXPECT_EQ(it.ends, robot.step(standing()).terminated) << it.height << " " << it.roll;
  }
}

double fold(const mjData *data, int inner, int outer, double limit) {
  double sign = inner < 4 ? -1 : 1;
  return std::max(sign * (data->qpos[7 + 2 * inner] - data->qpos[7 + 2 * outer]) / 2 - limit, 0.0);
}

TEST(Minitaur, RobotTaskFollowsFromTheEnginesState) {
  Robot robot(
      "robot_task: true, frame_skip: 10, speed_limit: 0.2, pitch_limit: 0.01, front_leg_limit: "
      "0.1");
  EXPECT_EQ(12, robot.task->spec.obs_dim);
  EXPECT_EQ(500, robot.task->time_limit);
  robot.reset(3);
  Action last(8, 0.0f), second_last(8, 0.0f);
  bool pitched = false, folded = false, fast = false;
  for (int i = 0; i < 50; i++) {
    double before = robot.data()->qpos[0];
    Action action = trot(0.02 * i);
    sac_env_result result = robot.step(action);
    const double *q = robot.data()->qpos + 3;
    // the middle of a rotation matrix's columns: its body's axes in the world
    double rotation[9];
    mju_quat2Mat(rotation, q);
    EXPECT_NEAR(std::atan2(rotation[7], rotation[8]), robot.obs()[8], 1e-9);
    EXPECT_NEAR(-std::asin(rotation[6]), robot.obs()[9], 1e-9);
    EXPECT_EQ(robot.data()->qvel[3], robot.obs()[10]);
    EXPECT_EQ(robot.data()->qvel[4], robot.obs()[11]);
    double acceleration = 0;
    for (size_t j = 0; j < 8; j++)
      acceleration += std::pow(static_cast<double>(action[j]) - 2.0 * static_cast<double>(last[j]) +
                                   static_cast<double>(second_last[j]),
                               2);
    double pitch = std::max(std::fabs(robot.obs()[9]) - 0.01, 0.0);
    double fronts = fold(robot.data(), 1, 0, 0.1) + fold(robot.data(), 4, 5, 0.1);
    pitched = pitched || pitch > 0;
    folded = folded || fronts > 0;
    double speed = (robot.data()->qpos[0] - before) / 0.02;
    fast = fast || speed > 0.2;
    EXPECT_NEAR(std::min(speed, 0.2) - 0.005 * acceleration - pitch - fronts, result.reward, 1e-9);
    second_last = last;
    last = action;
  }
  EXPECT_TRUE(pitched);
  EXPECT_TRUE(folded);
  EXPECT_TRUE(fast);
}

// a foot that swings to the front is before its hip, one that swings back is under the body
TEST(Minitaur, FrontLegsSwingUnderTheBodyByNegativeActions) {
  Robot robot("robot_task: true");
  for (float swing : {-0.9f, 0.9f}) {
    robot.reset(0);
    for (int i = 0; i < 30; i++) robot.step({swing, 0, swing, 0, 0, 0, 0, 0});
    EXPECT_EQ(swing<0, fold(robot.data(), 1, 0, 0.3)> 0);
    EXPECT_EQ(swing<0, fold(robot.data(), 4, 5, 0.3)> 0);
    mj_kinematics(robot.model(), robot.data());
    for (const char *name : {"front_left_L", "front_right_R"}) {
      int hip = mj_name2id(robot.model(), mjOBJ_BODY, (std::string("upper_") + name).c_str());
      int foot = mj_name2id(robot.model(), mjOBJ_SITE, (std::string("pivot_") + name).c_str());
      double ahead = robot.data()->site_xpos[3 * foot] - robot.data()->xpos[3 * hip];
      EXPECT_EQ(swing > 0, ahead > 0) << name;
    }
  }
}

TEST(Minitaur, RobotTaskIsStackedTo112Values) {
  auto task = open_task({"env.id=Minitaur-v0", "env.kwargs={robot_task: true}",
                         "env.history={observations: 5, actions: 5}"});
  EXPECT_EQ(112, task->spec.obs_dim);
}

const char *const kVaried =
    "base_mass_range: [0.8, 1.2], leg_mass_range: [0.8, 1.2], friction_range: [0.5, 1.25]";

double foot_friction(const Robot &robot) {
  return robot.model()->geom_friction[3 * (robot.model()->ngeom - 1)];
}

TEST(Minitaur, MassAndFrictionVaryByEpisodeAndRepeatBySeed) {
  Robot robot(kVaried), other(kVaried);
  double lightest = 9, heaviest = 0, least = 9, most = 0;
  for (uint64_t seed = 0; seed < 40; seed++) {
    robot.reset(seed);
    lightest = std::min(lightest, robot.total_mass());
    heaviest = std::max(heaviest, robot.total_mass());
    least = std::min(least, foot_friction(robot));
    most = std::max(most, foot_friction(robot));
  }
  EXPECT_GE(lightest, 4.8 - 1e-9);
  EXPECT_LT(lightest, 5.4);
  EXPECT_LE(heaviest, 7.2 + 1e-9);
  EXPECT_GT(heaviest, 6.6);
  EXPECT_GE(least, 0.5);
  EXPECT_LT(least, 0.6);
  EXPECT_LE(most, 1.25);
  EXPECT_GT(most, 1.15);
  // the model that all share stays as it was
  const mjModel *shared = static_cast<const sac_mujoco *>(robot.task->shared)->model;
  EXPECT_EQ(1, shared->geom_friction[3 * (shared->ngeom - 1)]);
  // whatever came before
  robot.reset(7);
  other.reset(7);
  for (int i = 0; i < 20; i++) {
    robot.step(trot(0.01 * i));
    other.step(trot(0.01 * i));
  }
  EXPECT_EQ(robot.save(), other.save());
  EXPECT_EQ(robot.total_mass(), other.total_mass());
  robot.set_state(standing_state());
  EXPECT_NEAR(6, robot.total_mass(), 1e-12);
}

TEST(Minitaur, ARestoredEpisodeKeepsItsMassFrictionAndHeat) {
  for (const char *task : {"", "robot_task: true, "}) {
    Robot robot(std::string(task) + kVaried), other(std::string(task) + kVaried);
    robot.reset(11);
    for (int i = 0; i < 37; i++) robot.step(trot(0.01 * i));
    other.reset(12);
    other.load(robot.save());
    EXPECT_EQ(robot.total_mass(), other.total_mass());
    for (int i = 37; i < 100; i++) {
      sac_env_result ours = robot.step(trot(0.01 * i)), theirs = other.step(trot(0.01 * i));
      ASSERT_EQ(ours.reward, theirs.reward) << i;
      ASSERT_EQ(robot.environment.obs(), other.environment.obs()) << i;
    }
    EXPECT_EQ(robot.save(), other.save());
  }
}

// what ten steps of five robots that differ leave behind
std::vector<uint8_t> run_together(int n_threads) {
  auto cfg = sac_test::configure({"env.id=Minitaur-v0", "env.n_envs=5", "env.max_episode_steps=4",
                                  std::string("env.kwargs={") + kVaried + "}"});
  sac_threads *threads = nullptr;
  sac_vec_env *vec = nullptr;
  EXPECT_EQ(SAC_OK, sac_threads_create(n_threads, &threads, nullptr));
  sac_vec_env_options options = {cfg.get(), 5, true, threads, nullptr};
  EXPECT_EQ(SAC_OK, sac_vec_env_create(&options, &vec, nullptr));
  sac_real obs[5][28], reward[5 * 28], terminated[5 * 28], next[5][28];
  sac_episode episodes[5];
  EXPECT_EQ(SAC_OK, sac_vec_env_reset(vec, obs[0], 28, nullptr));
  for (int i = 0; i < 10; i++) {
    // all rows are as far apart as observations are wide
    sac_real wide[5][28] = {};
    for (int j = 0; j < 5; j++)
      for (int k = 0; k < kMotors; k++) wide[j][k] = sac_test::some_action(i, k, j);
    sac_transitions rows = {nullptr, wide[0], reward, terminated, next[0],
                            nullptr, 28,      false,  0,          nullptr};
    EXPECT_EQ(SAC_OK, sac_vec_env_step(vec, &rows, obs[0], 28, episodes, nullptr));
  }
  std::vector<uint8_t> bytes(5 * sac_vec_env_state_bytes(vec));
  sac_vec_env_save(vec, bytes.data());
  sac_vec_env_destroy(vec);
  sac_threads_destroy(threads);
  return bytes;
}

TEST(Minitaur, ThreadsChangeNothingThoughRobotsDiffer) {
  EXPECT_EQ(run_together(1), run_together(3));
}

TEST(Minitaur, StartsDifferBySeedAndRangesMustFit) {
  Robot robot;
  robot.reset(1);
  std::vector<double> first = robot.environment.obs();
  robot.reset(2);
  EXPECT_NE(first, robot.environment.obs());
  robot.reset(1);
  EXPECT_EQ(first, robot.environment.obs());
  std::string text =
      opening_error({"env.id=Minitaur-v0", "env.kwargs={friction_range: [2, 1]}"}, SAC_BAD_CONFIG);
  EXPECT_NE(std::string::npos, text.find("must be two values, the lower one first")) << text;
}

}  // namespace
