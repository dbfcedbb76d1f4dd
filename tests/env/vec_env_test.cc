#include "env/fixture.h"

#include <limits>

#include "env/vec.h"

using sac_test::configure;
using sac_test::kEnvironments;
using sac_test::some_action;
using sac_test::Vec;

namespace {

TEST(VecEnv, ThreadCountChangesNothing) {
  for (const std::string id : {"Pendulum-v1", "LinearQuadratic-v0", "Hopper-v5"}) {
    const std::vector<std::string> overrides = {"env.id=" + id, "env.n_envs=70",
                                                "env.max_episode_steps=6"};
    Vec one(overrides, 1), two(overrides, 2), three(overrides, 3);
    for (int i = 0; i < 15; i++) {
      ASSERT_EQ(one.step(i), SAC_OK);
      ASSERT_EQ(two.step(i), SAC_OK);
      ASSERT_EQ(three.step(i), SAC_OK);
      ASSERT_EQ(one.rows, two.rows) << id;
      ASSERT_EQ(one.rows, three.rows) << id;
      ASSERT_EQ(one.obs, two.obs) << id;
    }
    EXPECT_EQ(one.save(), two.save());
    EXPECT_EQ(one.save(), three.save());
  }
}

// each environment of the vector is a single instance with its own seeds
TEST(VecEnv, RowsAreWhatSingleInstancesGive) {
  Vec vec({"env.id=Hopper-v5", "env.n_envs=3"});
  const sac_task *task = sac_vec_env_task(vec.raw);
  sac_transitions rows = vec.parts();
  std::vector<double> total(3, 0);
  std::vector<int64_t> length(3, 0);
  int ends = 0;
  for (int step = 0; step < 200; step++) {
    std::vector<sac_real> acted_on = vec.obs;
    ASSERT_EQ(vec.step(step), SAC_OK);
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < vec.obs_dim; j++)
        EXPECT_EQ(rows.obs[i * rows.ld + j],
                  acted_on[static_cast<size_t>(i * (vec.obs_dim + 1) + j)]);
      total[i] += static_cast<double>(rows.reward[i * rows.ld]);
      length[i]++;
      const sac_episode &episode = vec.episodes[static_cast<size_t>(i)];
      bool same = std::memcmp(rows.next_obs + i * rows.ld, &vec.obs[i * (vec.obs_dim + 1)],
                              sizeof(sac_real) * static_cast<size_t>(vec.obs_dim)) == 0;
      EXPECT_EQ(rows.terminated[i * rows.ld], episode.terminated ? 1 : 0);
      EXPECT_EQ(same, !episode.terminated);
      EXPECT_EQ(episode.length, episode.terminated ? length[i] : 0);
      if (!episode.terminated) continue;
      // the last observation lies outside the healthy range, the first of the next one inside
      EXPECT_TRUE(rows.next_obs[i * rows.ld] <= sac_real(0.7) ||
                  std::fabs(rows.next_obs[i * rows.ld + 1]) >= sac_real(0.2));
      EXPECT_NEAR(vec.obs[static_cast<size_t>(i * (vec.obs_dim + 1))], 1.25, 0.006);
      EXPECT_NEAR(episode.total_reward, total[i], 1e-3);
      total[i] = 0;
      length[i] = 0;
      ends++;
    }
  }
  EXPECT_GT(ends, 5);
  EXPECT_EQ(task->spec.act_dim, 3);
}

TEST(VecEnv, TruncationKeepsTheFinalObservation) {
  Vec vec({"env.id=Pendulum-v1", "env.n_envs=2", "env.max_episode_steps=4"});
  Vec endless({"env.id=Pendulum-v1", "env.n_envs=2", "env.max_episode_steps=400"});
  for (int step = 1; step <= 4; step++) {
    ASSERT_EQ(vec.step(step), SAC_OK);
    ASSERT_EQ(endless.step(step), SAC_OK);
    for (int i = 0; i < 2; i++) {
      EXPECT_EQ(vec.parts().truncated[i * vec.ld], step == 4);
      EXPECT_EQ(endless.parts().truncated[i * vec.ld], 0);
      vec.parts().truncated[i * vec.ld] = 0;
    }
    EXPECT_EQ(vec.rows, endless.rows);
    for (const sac_episode &episode : vec.episodes) {
      EXPECT_EQ(episode.truncated, step == 4);
      EXPECT_FALSE(episode.terminated);
    }
  }
  EXPECT_NE(vec.obs, endless.obs);
  EXPECT_EQ(vec.parts().terminated[0], 0);
}

TEST(VecEnv, EndAndTimeLimitInOneStepAreBothTold) {
  // find when the first hopper falls, then put the limit there
  Vec free_run({"env.id=Hopper-v5"});
  int steps = 0;
  do {
    ASSERT_EQ(free_run.step(steps++), SAC_OK);
  } while (!free_run.episodes[0].terminated);
  Vec vec({"env.id=Hopper-v5", "env.max_episode_steps=" + std::to_string(steps)});
  for (int i = 0; i < steps; i++) ASSERT_EQ(vec.step(i), SAC_OK);
  EXPECT_TRUE(vec.episodes[0].terminated);
  EXPECT_TRUE(vec.episodes[0].truncated);
  EXPECT_EQ(vec.parts().terminated[0], 1);
  EXPECT_EQ(vec.episodes[0].length, steps);
}

TEST(VecEnv, EpisodesAndEnvironmentsStartDifferently) {
  Vec vec({"env.id=Pendulum-v1", "env.n_envs=2", "env.max_episode_steps=1"});
  std::vector<sac_real> first = vec.obs;
  EXPECT_NE(first[0], first[static_cast<size_t>(vec.obs_dim + 1)]);
  ASSERT_EQ(vec.step(0), SAC_OK);
  EXPECT_NE(vec.obs, first);
  Vec other({"env.id=Pendulum-v1", "env.n_envs=2"}, 1, 6),
      same({"env.id=Pendulum-v1", "env.n_envs=2"});
  EXPECT_NE(other.obs, first);
  EXPECT_EQ(same.obs, first);
}

TEST(VecEnv, RestoredVectorGoesOnBitForBit) {
  for (const std::string &id : kEnvironments) {
    const std::vector<std::string> overrides = {"env.id=" + id, "env.n_envs=3",
                                                "env.max_episode_steps=40"};
    for (int past : {0, 25, 40}) {
      Vec original(overrides), restored(overrides, 2, 5);
      for (int i = 0; i < past; i++) ASSERT_EQ(original.step(i), SAC_OK);
      for (int i = 0; i < 7; i++) ASSERT_EQ(restored.step(i + 90), SAC_OK);
      std::vector<uint8_t> saved = original.save();
      sac_vec_env_load(restored.raw, saved.data(), restored.obs.data(), restored.obs_dim + 1);
      EXPECT_EQ(restored.obs, original.obs) << id << " after " << past;
      for (int i = 0; i < 60; i++) {
        ASSERT_EQ(original.step(past + i), SAC_OK);
        ASSERT_EQ(restored.step(past + i), SAC_OK);
        ASSERT_EQ(restored.rows, original.rows) << id << " step " << i << " after " << past;
        ASSERT_EQ(restored.obs, original.obs) << id;
      }
      EXPECT_EQ(restored.save(), original.save());
    }
  }
}

TEST(VecEnv, BadActionNamesTheLowestEnvironment) {
  Vec vec({"env.id=HalfCheetah-v5", "env.n_envs=4"}, 2);
  ASSERT_EQ(vec.step(0), SAC_OK);
  sac_transitions rows = vec.parts();
  rows.action[3 * rows.ld] = std::numeric_limits<sac_real>::quiet_NaN();
  rows.action[2 * rows.ld + 5] = std::numeric_limits<sac_real>::infinity();
  sac_error err = {};
  EXPECT_EQ(vec.step_on(&err), SAC_BAD_NUMBER);
  EXPECT_STREQ(err.text, "environment 2 (HalfCheetah-v5), step 2 of its episode: action[5] is inf");
}

TEST(VecEnv, ResetAfterTroubleStartsAnew) {
  Vec vec({"env.id=Pendulum-v1", "env.n_envs=2"});
  vec.parts().action[0] = std::numeric_limits<sac_real>::quiet_NaN();
  sac_error err = {};
  EXPECT_EQ(vec.step_on(&err), SAC_BAD_NUMBER);
  EXPECT_EQ(sac_vec_env_reset(vec.raw, vec.obs.data(), vec.obs_dim + 1, &err), SAC_OK);
  EXPECT_EQ(vec.step(0, &err), SAC_OK) << err.text;
}

}  // namespace
