// Environments in a backend's memory against the same environments on the host: the kernels on the
// CPU (tests/shim) and, where there is one, on a GPU.
#include <limits>

#include "env/fixture.h"
#include "shim/use.h"
#include "tolerance.h"

using sac_test::configure;
using sac_test::some_action;

namespace {

// the host keeps to NumPy's pow, the device's library has its own sine: rewards differ in the last
// bits, states by what those grow to
const double kTolerance = 2e-5;

struct Case {
  const char *name;
  std::vector<std::string> overrides;
};

const std::vector<Case> kCases = {
    {"Pendulum", {"env.id=Pendulum-v1", "env.n_envs=70", "env.max_episode_steps=40"}},
    {"PendulumSkip",
     {"env.id=Pendulum-v1", "env.n_envs=3", "env.frame_skip=3", "env.kwargs={g: 5}"}},
    {"MountainCar", {"env.id=MountainCarContinuous-v0", "env.n_envs=33"}},
    {"Multigoal", {"env.id=Multigoal-v0", "env.n_envs=9"}},
    {"Linear", {"env.id=LinearQuadratic-v0", "env.n_envs=5", "env.max_episode_steps=7"}},
    {"LinearTwo",
     {"env.id=LinearQuadratic-v0", "env.n_envs=2",
      "env.kwargs={A: [1, 0.1, 0, 0.9], B: [0, 1], Q: [1, 0, 0, 0.1], R: [0.5], W: [0.04, 0.01, "
      "0.01, 0.04]}"}}};

/// A vector environment, in host memory or on the device, whose rows are read on the host.
class Vec {
 public:
  Vec(const std::vector<std::string> &overrides, sac_backend *backend, bool squash = true)
      : backend_(backend) {
    sac_error err = {};
    cfg_ = configure(overrides);
    EXPECT_EQ(SAC_OK, sac_threads_create(1, &threads_, &err)) << err.text;
    sac_vec_env_options options = {cfg_.get(), 5, squash, threads_, backend};
    EXPECT_EQ(SAC_OK, sac_vec_env_create(&options, &raw, &err)) << err.text;
    n = sac_vec_env_count(raw);
    obs_dim = sac_vec_env_task(raw)->spec.obs_dim;
    act_dim = sac_vec_env_task(raw)->spec.act_dim;
    ld = (2 * obs_dim + act_dim + 3 + 15) / 16 * 16;
    rows.assign((size_t)(n * ld), 0);
    episodes.resize((size_t)n);
    for (sac_real *&block : blocks_) block = allocate();
    EXPECT_EQ(SAC_OK, sac_vec_env_reset(raw, blocks_[0], ld, &err)) << err.text;
  }
  ~Vec() {
    for (sac_real *block : blocks_) release(block);
    sac_vec_env_destroy(raw);
    sac_threads_destroy(threads_);
  }
  Vec(const Vec &) = delete;
  Vec &operator=(const Vec &) = delete;

  /// The observations to act on.
  std::vector<sac_real> obs() {
    std::vector<sac_real> block = read(blocks_[staged_]), found;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < obs_dim; j++) found.push_back(block[(size_t)(i * ld + j)]);
    return found;
  }

  /// One step with these actions (n, A) or, when empty, with random ones; `rows` is complete.
  sac_status step(const std::vector<sac_real> &actions, sac_error *err = nullptr) {
    std::vector<sac_real> block = read(blocks_[staged_]);
    for (size_t i = 0; i < actions.size(); i++)
      block[i / (size_t)act_dim * (size_t)ld + (size_t)obs_dim + i % (size_t)act_dim] = actions[i];
    write(blocks_[staged_], block);
    sac_real *row = blocks_[staged_];
    sac_transitions parts = {row,
                             row + obs_dim,
                             row + obs_dim + act_dim,
                             row + obs_dim + act_dim + 1,
                             row + obs_dim + act_dim + 2,
                             row + 2 * obs_dim + act_dim + 2,
                             ld,
                             actions.empty(),
                             number_++,
                             row + ld - 1};
    sac_status status =
        sac_vec_env_step(raw, &parts, blocks_[1 - staged_], ld, episodes.data(), err);
    rows = read(blocks_[staged_]);
    staged_ = 1 - staged_;
    return status;
  }
  std::vector<uint8_t> save() {
    std::vector<uint8_t> bytes(sac_vec_env_state_bytes(raw) * (size_t)n);
    sac_vec_env_save(raw, bytes.data());
    return bytes;
  }
  void load(const std::vector<uint8_t> &bytes) {
    sac_vec_env_load(raw, bytes.data(), blocks_[staged_], ld);
  }

  sac_vec_env *raw = nullptr;
  int n = 0, obs_dim = 0, act_dim = 0, ld = 0;
  std::vector<sac_real> rows;
  std::vector<sac_episode> episodes;

 private:
  size_t bytes() const { return (size_t)(n * ld) * sizeof(sac_real); }
  sac_real *allocate() {
    void *memory = nullptr;
    if (backend_)
      EXPECT_EQ(SAC_OK, backend_->ops->alloc(backend_, bytes(), &memory, nullptr));
    else
      memory = calloc(1, bytes());
    return static_cast<sac_real *>(memory);
  }
  void release(sac_real *block) {
    if (backend_)
      backend_->ops->release(backend_, block);
    else
      free(block);
  }
  std::vector<sac_real> read(const sac_real *block) {
    std::vector<sac_real> values((size_t)(n * ld));
    if (backend_)
      backend_->ops->download(backend_, values.data(), block, bytes());
    else
      memcpy(values.data(), block, bytes());
    return values;
  }
  void write(sac_real *block, const std::vector<sac_real> &values) {
    if (backend_)
      backend_->ops->upload(backend_, block, values.data(), bytes());
    else
      memcpy(block, values.data(), bytes());
  }

  sac_backend *backend_;
  std::unique_ptr<sac_config> cfg_;
  sac_threads *threads_ = nullptr;
  sac_real *blocks_[2] = {};
  int staged_ = 0;
  uint64_t number_ = 0;
};

class DeviceEnv : public ::testing::TestWithParam<const char *> {
 protected:
  void SetUp() override {
    sac_error err = {};
    sac_test::UseCuda use(std::string(GetParam()) == "shim");
    ASSERT_EQ(SAC_OK, sac_threads_create(1, &threads, nullptr));
    sac_backend_options options = {"cuda", SAC_MATMUL_FP32, threads, nullptr};
    if (sac_backend_open(&options, &backend, &err) == SAC_OK) return;
    backend = nullptr;
    if (std::string(GetParam()) == "shim") FAIL() << err.text;
    GTEST_SKIP() << err.text;
  }
  void TearDown() override {
    if (backend) sac_backend_close(backend);
    sac_threads_destroy(threads);
  }
  sac_threads *threads = nullptr;
  sac_backend *backend = nullptr;
};

INSTANTIATE_TEST_SUITE_P(All, DeviceEnv, ::testing::Values("shim", "cuda"),
                         [](const ::testing::TestParamInfo<const char *> &info) {
                           return std::string(info.param);
                         });

void expect_near(const std::vector<sac_real> &ours, const std::vector<sac_real> &theirs,
                 const std::string &what) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (size_t i = 0; i < ours.size(); i++)
    ASSERT_NEAR((double)ours[i], (double)theirs[i], kTolerance * (1 + std::fabs((double)theirs[i])))
        << what << ", value " << i;
}

// full throttle with the motion climbs out of the valley: some episodes end
std::vector<sac_real> some_actions(Vec &vec, const char *name, int step) {
  std::vector<sac_real> actions, obs = vec.obs();
  bool climbs = std::string(name) == "MountainCar";
  for (int i = 0; i < vec.n; i++)
    for (int j = 0; j < vec.act_dim; j++)
      actions.push_back(climbs ? (obs[(size_t)(i * vec.obs_dim + 1)] < 0 ? -1 : 1)
                               : some_action(step, j, i));
  return actions;
}

TEST_P(DeviceEnv, StepsAsTheHostDoes) {
  for (const Case &c : kCases) {
    Vec here(c.overrides, nullptr), there(c.overrides, backend);
    int ends = 0, goals = 0;
    expect_near(there.obs(), here.obs(), c.name);
    for (int step = 0; step < 210; step++) {
      std::vector<sac_real> actions = some_actions(here, c.name, step);
      ASSERT_EQ(SAC_OK, here.step(actions));
      ASSERT_EQ(SAC_OK, there.step(actions));
      std::string what = std::string(c.name) + " step " + std::to_string(step);
      expect_near(there.rows, here.rows, what);
      expect_near(there.obs(), here.obs(), what);
      for (size_t i = 0; i < here.episodes.size(); i++) {
        EXPECT_EQ(here.episodes[i].truncated, here.rows[(i + 1) * (size_t)here.ld - 1] == 1);
        ASSERT_EQ(here.episodes[i].terminated, there.episodes[i].terminated) << what;
        ASSERT_EQ(here.episodes[i].truncated, there.episodes[i].truncated) << what;
        ASSERT_EQ(here.episodes[i].length, there.episodes[i].length) << what;
        ASSERT_NEAR(here.episodes[i].total_reward, there.episodes[i].total_reward,
                    kTolerance * (1 + std::fabs(here.episodes[i].total_reward)))
            << what;
        ends += here.episodes[i].truncated;
        goals += here.episodes[i].terminated;
      }
    }
    EXPECT_GT(std::string(c.name) == "MountainCar" ? goals : ends, 0) << c.name;
  }
}

TEST_P(DeviceEnv, DrawsTheHostsRandomActions) {
  for (bool squash : {true, false}) {
    Vec here(kCases[0].overrides, nullptr, squash), there(kCases[0].overrides, backend, squash);
    for (int step = 0; step < 5; step++) {
      ASSERT_EQ(SAC_OK, here.step({}));
      ASSERT_EQ(SAC_OK, there.step({}));
      expect_near(there.rows, here.rows, "random actions");
    }
  }
}

TEST_P(DeviceEnv, StateMovesBetweenHostAndDevice) {
  for (const Case &c : kCases) {
    Vec here(c.overrides, nullptr), there(c.overrides, backend), back(c.overrides, nullptr);
    ASSERT_EQ(here.save(), there.save()) << c.name;
    for (int step = 0; step < 45; step++)
      ASSERT_EQ(SAC_OK, here.step(some_actions(here, c.name, step)));
    there.load(here.save());
    EXPECT_EQ(here.save(), there.save()) << c.name;
    EXPECT_EQ(here.obs(), there.obs()) << c.name;
    for (int step = 45; step < 90; step++) {
      std::vector<sac_real> actions = some_actions(here, c.name, step);
      ASSERT_EQ(SAC_OK, here.step(actions));
      ASSERT_EQ(SAC_OK, there.step(actions));
      expect_near(there.rows, here.rows, c.name);
    }
    back.load(there.save());
    EXPECT_EQ(back.save(), there.save()) << c.name;
    EXPECT_EQ(back.obs(), there.obs()) << c.name;
  }
}

TEST_P(DeviceEnv, RestoredGoesOnBitForBit) {
  for (const Case &c : kCases) {
    Vec original(c.overrides, backend), restored(c.overrides, backend);
    for (int step = 0; step < 30; step++) ASSERT_EQ(SAC_OK, original.step({}));
    for (int step = 0; step < 30; step++) ASSERT_EQ(SAC_OK, restored.step({}));
    restored.load(original.save());
    for (int step = 0; step < 30; step++) {
      std::vector<sac_real> actions = some_actions(original, c.name, step);
      ASSERT_EQ(SAC_OK, original.step(actions));
      ASSERT_EQ(SAC_OK, restored.step(actions));
      ASSERT_EQ(original.rows, restored.rows) << c.name;
    }
    EXPECT_EQ(original.save(), restored.save()) << c.name;
  }
}

TEST_P(DeviceEnv, BadNumbersAreToldAsOnTheHost) {
  const sac_real bad = std::numeric_limits<sac_real>::quiet_NaN();
  Vec here(kCases[0].overrides, nullptr), there(kCases[0].overrides, backend);
  std::vector<sac_real> actions(70, sac_real(0.5));
  ASSERT_EQ(SAC_OK, here.step(actions));
  ASSERT_EQ(SAC_OK, there.step(actions));
  actions[69] = actions[44] = bad;
  sac_error ours = {}, theirs = {};
  EXPECT_EQ(SAC_BAD_NUMBER, here.step(actions, &theirs));
  EXPECT_EQ(SAC_BAD_NUMBER, there.step(actions, &ours));
  EXPECT_STREQ(theirs.text, ours.text);
  EXPECT_STREQ("environment 44 (Pendulum-v1), step 2 of its episode: action[0] is nan", ours.text);
  // an observation and a reward that leave every bound
  std::vector<std::string> wild = {"env.id=LinearQuadratic-v0", "env.n_envs=2",
                                   "env.kwargs={A: [3], gamma: 0.01}",
                                   "env.max_episode_steps=1000"};
  Vec wild_here(wild, nullptr), wild_there(wild, backend);
  int step = 0;
  while (wild_here.step({}, &theirs) == SAC_OK) {
    ASSERT_EQ(SAC_OK, wild_there.step({}, &ours)) << ours.text;
    ASSERT_LT(step++, 1000);
  }
  EXPECT_EQ(SAC_BAD_NUMBER, wild_there.step({}, &ours));
  EXPECT_STREQ(theirs.text, ours.text);
}

TEST_P(DeviceEnv, RefusesWhatCannotLiveThere) {
  auto cfg = configure({"env.id=HalfCheetah-v5", "env.device=cuda"});
  sac_vec_env_options options = {cfg.get(), 1, true, threads, backend};
  sac_vec_env *vec = nullptr;
  sac_error err = {};
  EXPECT_EQ(SAC_BAD_CONFIG, sac_vec_env_create(&options, &vec, &err));
  EXPECT_EQ(nullptr, vec);
  EXPECT_NE(nullptr, strstr(err.text, "env.device is cuda, must be cpu for HalfCheetah-v5"))
      << err.text;
  EXPECT_NE(nullptr, strstr(err.text, "MountainCarContinuous-v0")) << err.text;
}

}  // namespace
