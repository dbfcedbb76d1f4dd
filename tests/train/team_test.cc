// Several seeds side by side: each to the same bits as alone, whatever happens to the others.
#include <gtest/gtest.h>
#include <jansson.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train/fixture.h"

extern "C" {
#include "train/run_folder.h"
}

namespace {

using sac_test::config_of;
using sac_test::contains;
using sac_test::contents;
using sac_test::digest_of;
using sac_test::names_in;
using sac_test::small_run;
using sac_test::Training;

std::vector<std::string> with(std::vector<std::string> all, const std::vector<std::string> &more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const std::vector<std::string> kEvery100 = small_run(
    {"checkpoint.every=100", "eval.every=100", "eval.episodes=2", "log.every=50", "env.n_envs=2"});

// the disk is asked for little: it costs more time than the training does
const std::vector<std::string> kOnce =
    small_run({"checkpoint.every=0", "eval.every=150", "eval.episodes=2", "log.every=50",
               "algorithm.total_timesteps=200"});

std::string seed_folder(const std::string &folder, int seed) {
  return folder + "/seed-" + std::to_string(seed);
}

std::string checkpoint_of(const std::string &folder, int timesteps) {
  char path[SAC_PATH_MAX];
  sac_checkpoint_path(folder.c_str(), (uint64_t)timesteps, path, nullptr);
  return path;
}

std::string seed_digest(const Training &self, int seed, int timesteps) {
  return digest_of(checkpoint_of(seed_folder(self.folder(), seed), timesteps));
}

// rows of metrics.csv without the columns of the clock
std::vector<std::string> rows_of(const std::string &folder) {
  std::vector<std::string> rows;
  std::stringstream in(contents(folder + "/metrics.csv"));
  for (std::string line; std::getline(in, line);) {
    std::stringstream columns(line);
    std::string kept, column;
    for (int i = 0; std::getline(columns, column, ','); i++)
      if (i != 2 && i < 11) kept += column + ",";
    rows.push_back(kept);
  }
  return rows;
}

/// Seeds 1 to n, each trained alone.
struct Alone {
  Alone(int n, const std::vector<std::string> &options, int timesteps) {
    for (int seed = 1; seed <= n; seed++) {
      Training self;
      EXPECT_EQ(self.train(with(options, {"run.seed=" + std::to_string(seed)})), SAC_OK)
          << self.err.text;
      digests.push_back(digest_of(self.checkpoint(timesteps)));
      bests.push_back(digest_of(self.folder() + "/checkpoints/best.safetensors"));
      rows.push_back(rows_of(self.folder()));
    }
  }
  void compare(const Training &self, const std::vector<int> &seeds, int timesteps) const {
    for (int seed : seeds) {
      size_t i = (size_t)seed - 1;
      EXPECT_EQ(seed_digest(self, seed, timesteps), digests[i]) << "seed " << seed;
      std::string best = seed_folder(self.folder(), seed) + "/checkpoints/best.safetensors";
      EXPECT_EQ(digest_of(best), bests[i]) << "seed " << seed;
      EXPECT_EQ(rows_of(seed_folder(self.folder(), seed)), rows[i]) << "seed " << seed;
    }
  }
  std::vector<std::string> digests, bests;
  std::vector<std::vector<std::string>> rows;
};

/// The same, made once for all tests that compare with it.
const Alone &alone_of(const std::vector<std::string> &options, int timesteps) {
  static std::map<std::string, std::unique_ptr<Alone>> made;
  std::string key = std::to_string(timesteps);
  for (const std::string &option : options) key += " " + option;
  std::unique_ptr<Alone> &alone = made[key];
  if (!alone) alone = std::make_unique<Alone>(3, options, timesteps);
  return *alone;
}

struct TeamCase {
  const char *name;
  std::vector<std::string> overrides;
};
void PrintTo(const TeamCase &one, std::ostream *out) {
  *out << one.name;
}

class Team : public testing::TestWithParam<TeamCase> {};

// 1 and 2 threads: a seed is one thread's work; 4 threads: the three seeds are one stack
TEST_P(Team, EverySeedIsAsAloneForAnyNumberOfThreads) {
  std::vector<std::string> options = with(kOnce, GetParam().overrides);
  const Alone &alone = alone_of(options, 200);
  EXPECT_NE(alone.digests[0], alone.digests[1]);
  for (const char *threads : {"run.threads=1", "run.threads=2", "run.threads=4"}) {
    Training self;
    ASSERT_EQ(self.train(with(options, {"run.seeds=[1,2,3]", threads})), SAC_OK) << self.err.text;
    EXPECT_EQ(self.outcome.n_seeds, 3);
    alone.compare(self, {1, 2, 3}, 200);
  }
}

const TeamCase kTeams[] = {
    {"Sac", {}},
    {"SacV1", {"algorithm.name=sac_v1"}},
    {"Normalised", {"env.normalize_obs=true", "env.normalize_reward=true"}},
    {"DrawnEvaluation", {"eval.deterministic=false", "eval.episodes=5"}},
    {"ManyUpdates",
     {"algorithm.gradient_steps=3", "algorithm.train_freq=2", "algorithm.policy_delay=2",
      "algorithm.max_grad_norm=1.0"}},
    {"Exploring",
     {"algorithm.exploration.deterministic=0.3", "algorithm.exploration.gaussian=0.3",
      "algorithm.exploration.parameter=0.3", "env.max_episode_steps=7", "env.n_envs=2"}},
    {"SeveralStepsByPriority",
     {"algorithm.n_steps=3", "algorithm.priority.enabled=true", "critic.dropout=0.1",
      "critic.layer_norm=true", "env.max_episode_steps=30"}},
    {"Lagging", {"run.overlap=lag1", "algorithm.gradient_steps=2"}},
    {"Hopper", {"env.id=Hopper-v5", "env.max_episode_steps=37"}},
};
INSTANTIATE_TEST_SUITE_P(Cases, Team, testing::ValuesIn(kTeams),
                         [](const testing::TestParamInfo<TeamCase> &info) {
                           return info.param.name;
                         });

TEST(TeamFolder, EverySeedHasACompleteRunFolderOfItsOwn) {
  Training self;
  ASSERT_EQ(self.train(with(kEvery100, {"run.seeds=[7,9]"})), SAC_OK) << self.err.text;
  EXPECT_EQ(names_in(self.folder()), (std::vector<std::string>{"config.yaml", "env.json", "log.txt",
                                                               "seed-7", "seed-9", "status.json"}));
  for (int seed : {7, 9}) {
    std::string folder = seed_folder(self.folder(), seed);
    EXPECT_EQ(names_in(folder),
              (std::vector<std::string>{"checkpoints", "config.yaml", "env.json", "log.txt",
                                        "metrics.csv", "metrics.jsonl", "status.json"}));
    EXPECT_TRUE(contains(contents(folder + "/config.yaml"), "  seed: " + std::to_string(seed)));
    EXPECT_TRUE(contains(contents(folder + "/config.yaml"), "  seeds: []"));
    EXPECT_TRUE(contains(contents(folder + "/status.json"), "\"done\""));
    EXPECT_FALSE(contains(contents(folder + "/log.txt"), "seed 7:"));
  }
  EXPECT_TRUE(contains(contents(self.folder() + "/config.yaml"), "  seeds: [7, 9]"));
  EXPECT_TRUE(contains(contents(self.folder() + "/log.txt"), "seed 9: saved "));
  EXPECT_EQ(self.train(with(kEvery100, {"run.seeds=[7,9]"})), SAC_BAD_CONFIG);
}

TEST(TeamFolder, EventsTellWhoseTheyAre) {
  Training self;
  ASSERT_EQ(self.train(with(kEvery100, {"run.seeds=[7,9]"})), SAC_OK) << self.err.text;
  int metrics[2] = {0, 0}, checkpoints[2] = {0, 0};
  for (const std::string &event : self.events) {
    json_t *object = json_loads(event.c_str(), 0, nullptr);
    ASSERT_NE(object, nullptr) << event;
    json_int_t seed = json_integer_value(json_object_get(object, "seed"));
    ASSERT_TRUE(seed == 7 || seed == 9) << event;
    std::string kind = json_string_value(json_object_get(object, "event"));
    metrics[seed == 9] += kind == "metrics";
    checkpoints[seed == 9] += kind == "checkpoint";
    json_decref(object);
  }
  for (int i = 0; i < 2; i++) {
    EXPECT_EQ(metrics[i], 6);
    EXPECT_EQ(checkpoints[i], 3);
  }
}

TEST(TeamFolder, ASeedsFolderGoesOnAndIsEvaluatedAlone) {
  Training self;
  ASSERT_EQ(self.train(with(kEvery100, {"run.seeds=[1,2]"})), SAC_OK) << self.err.text;
  const Alone &longer = alone_of(with(kEvery100, {"algorithm.total_timesteps=400"}), 400);
  std::string folder = seed_folder(self.folder(), 2);
  const char *further = "algorithm.total_timesteps=400";
  sac_run_outcome outcome;
  sac_error err = {};
  sac_listener quiet = {true, nullptr, nullptr, nullptr};
  ASSERT_EQ(sac_resume(folder.c_str(), 1, &further, &quiet, &outcome, &err), SAC_OK) << err.text;
  EXPECT_EQ(digest_of(checkpoint_of(folder, 400)), longer.digests[1]);
  sac_evaluation_options options = {2, 10000, false, nullptr, nullptr, nullptr};
  sac_evaluation result;
  EXPECT_EQ(sac_evaluate(folder.c_str(), &options, &result, &err), SAC_OK) << err.text;
  EXPECT_EQ(sac_evaluate(self.folder().c_str(), &options, &result, &err), SAC_BAD_CHECKPOINT);
  EXPECT_TRUE(contains(err.text, "2 seeds")) << err.text;
  // and then all of them, from the last step that they have in common
  ASSERT_EQ(self.resume({further}), SAC_OK) << self.err.text;
  EXPECT_EQ(self.events[0], "{\"event\":\"resumed\",\"timesteps\":300}");
  for (int seed : {1, 2}) EXPECT_EQ(seed_digest(self, seed, 400), longer.digests[(size_t)seed - 1]);
}

TEST(TeamFolder, SeedsAreListed) {
  Training many, one;
  ASSERT_EQ(many.train(with(kEvery100, {"run.seeds=[7,9,1]"})), SAC_OK);
  ASSERT_EQ(one.train(with(kEvery100, {"run.seeds=[7]"})), SAC_OK);
  uint64_t seeds[SAC_SEEDS_MAX];
  int n = -1;
  EXPECT_EQ(sac_run_seeds(many.folder().c_str(), seeds, &n, nullptr), SAC_OK);
  ASSERT_EQ(n, 3);
  EXPECT_EQ(std::vector<uint64_t>(seeds, seeds + 3), (std::vector<uint64_t>{7, 9, 1}));
  EXPECT_EQ(sac_run_seeds(one.folder().c_str(), seeds, &n, nullptr), SAC_OK);
  EXPECT_EQ(n, 0);
}

TEST(TeamResume, StoppedAnywhereAllEndAsIfNeverStopped) {
  const Alone &alone = alone_of(kEvery100, 300);
  for (int event : {1, 9})
    for (const char *threads : {"run.threads=2", "run.threads=4"}) {
      Training self;
      self.stop_at_event = event;
      ASSERT_EQ(self.train(with(kEvery100, {"run.seeds=[1,2,3]", threads})), SAC_OK)
          << self.err.text;
      EXPECT_TRUE(self.outcome.stopped);
      EXPECT_LT(self.outcome.timesteps, 300u);
      EXPECT_TRUE(contains(contents(self.folder() + "/status.json"), "\"stopped\""));
      self.stop_at_event = -1;
      // a stack and single seeds have the same state
      ASSERT_EQ(self.resume({"run.threads=3"}), SAC_OK) << self.err.text;
      alone.compare(self, {1, 2, 3}, 300);
    }
}

// what a process leaves that was killed between the checkpoints of two seeds
// every seed has priorities of its own in the stack's one replay
TEST(TeamResume, PrioritiesOfEverySeedComeBack) {
  const std::vector<std::string> options =
      with(kEvery100, {"algorithm.priority.enabled=true", "algorithm.n_steps=2"});
  const Alone &alone = alone_of(options, 300);
  Training self;
  self.stop_at_event = 9;
  ASSERT_EQ(self.train(with(options, {"run.seeds=[1,2,3]", "run.threads=4"})), SAC_OK)
      << self.err.text;
  EXPECT_LT(self.outcome.timesteps, 300u);
  self.stop_at_event = -1;
  ASSERT_EQ(self.resume({"run.threads=4"}), SAC_OK) << self.err.text;
  alone.compare(self, {1, 2, 3}, 300);
}

TEST(TeamResume, AllGoBackToTheStepThatAllHave) {
  const Alone &alone = alone_of(kEvery100, 300);
  for (const char *threads : {"run.threads=2", "run.threads=4"}) {
    Training self;
    ASSERT_EQ(self.train(with(kEvery100, {"run.seeds=[1,2,3]", threads})), SAC_OK);
    std::filesystem::remove(checkpoint_of(seed_folder(self.folder(), 2), 300));
    std::filesystem::resize_file(checkpoint_of(seed_folder(self.folder(), 3), 200), 2000);
    std::filesystem::remove(checkpoint_of(seed_folder(self.folder(), 3), 300));
    ASSERT_EQ(self.resume({threads}), SAC_OK) << self.err.text;
    EXPECT_EQ(self.events[0], "{\"event\":\"resumed\",\"timesteps\":100}");
    alone.compare(self, {1, 2, 3}, 300);
  }
}

TEST(TeamResume, SeedsDoNotChange) {
  Training self;
  ASSERT_EQ(self.train(with(kEvery100, {"run.seeds=[1,2]"})), SAC_OK);
  for (const char *seeds : {"run.seeds=[1]", "run.seeds=[1,3]", "run.seeds=[]"}) {
    EXPECT_EQ(self.resume({seeds}), SAC_BAD_CONFIG) << seeds;
    EXPECT_TRUE(contains(self.err.text, "run.seeds")) << self.err.text;
  }
  Training one;
  ASSERT_EQ(one.train(kEvery100), SAC_OK);
  EXPECT_EQ(one.resume({"run.seeds=[1,2]"}), SAC_BAD_CONFIG);
}

// a run of several seeds by hand, of which one can be broken
class HandTeam {
 public:
  explicit HandTeam(const std::vector<std::string> &overrides) {
    auto cfg = config_of(overrides);
    uint64_t seeds[SAC_CONFIG_LIST_MAX];
    int n = sac_team_seeds(cfg.get(), seeds);
    sac_error err = {};
    EXPECT_EQ(sac_team_open(&team, cfg.get(), n, seeds, &err), SAC_OK) << err.text;
  }
  ~HandTeam() { sac_team_close(&team); }
  HandTeam(const HandTeam &) = delete;
  HandTeam &operator=(const HandTeam &) = delete;

  void go(uint64_t timesteps) {
    while (sac_team_lead(&team) && !sac_team_is_at(&team, timesteps)) sac_team_go(&team, timesteps);
  }
  /// Put NaN where the policy or the critics of a run begin.
  void poison(int i_run, int which) {
    const sac_run &run = team.runs[i_run];
    sac_params *params = sac_agent_params(run.learner->agent, which);
    sac_real nan = std::numeric_limits<sac_real>::quiet_NaN();
    sac_real *at = params->value + (size_t)(run.i_seed * params->networks) * params->count;
    run.learner->backend->ops->upload(run.learner->backend, at, &nan, sizeof nan);
  }
  std::vector<sac_real> weights(int i_run) {
    const sac_run &run = team.runs[i_run];
    std::vector<sac_real> all;
    for (int i = 0; sac_params *params = sac_agent_params(run.learner->agent, i); i++) {
      size_t count = (size_t)params->networks * params->count;
      const sac_real *at = params->value + (size_t)run.i_seed * count;
      all.insert(all.end(), at, at + count);
    }
    return all;
  }
  sac_team team = {};
};

TEST(TeamFailure, ANumberThatIsNotFiniteEndsItsSeedAndNoOther) {
  for (const char *threads : {"run.threads=1", "run.threads=2", "run.threads=4"})
    for (int which : {0, 1}) {
      std::vector<std::string> options = small_run({"run.seeds=[1,2,3]", threads});
      HandTeam whole(options), broken(options);
      whole.go(150);
      broken.go(60);
      broken.poison(1, which);
      broken.go(150);
      EXPECT_EQ(broken.team.runs[1].failure.code, SAC_BAD_NUMBER) << threads;
      EXPECT_LE(broken.team.runs[1].progress.timesteps, 62u);
      for (int i : {0, 2}) {
        EXPECT_EQ(broken.team.runs[i].failure.code, SAC_OK) << broken.team.runs[i].failure.text;
        EXPECT_EQ(broken.team.runs[i].progress.timesteps, 150u);
        std::vector<sac_real> a = broken.weights(i), b = whole.weights(i);
        EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]), 0) << threads;
      }
      sac_error err = {};
      EXPECT_EQ(sac_team_evaluate(&broken.team, &err), SAC_OK) << err.text;
      EXPECT_EQ(sac_team_evaluate(&whole.team, &err), SAC_OK) << err.text;
      EXPECT_EQ(broken.team.runs[2].evaluation.return_mean,
                whole.team.runs[2].evaluation.return_mean);
    }
}

// a policy that breaks in an evaluation, before any loss or action showed it
TEST(TeamFailure, AnEvaluationThatBreaksEndsItsSeedAndNoOther) {
  for (const char *threads : {"run.threads=2", "run.threads=4"}) {
    std::vector<std::string> options =
        small_run({"run.seeds=[1,2,3]", threads, "eval.episodes=20"});
    HandTeam self(options), whole(options);
    self.poison(0, 0);
    sac_error err = {};
    EXPECT_EQ(sac_team_evaluate(&self.team, &err), SAC_OK) << err.text;
    EXPECT_EQ(sac_team_evaluate(&whole.team, &err), SAC_OK) << err.text;
    EXPECT_EQ(self.team.runs[0].failure.code, SAC_BAD_NUMBER);
    EXPECT_TRUE(contains(self.team.runs[0].failure.text, "evaluation episode 0"));
    for (int i : {1, 2}) {
      EXPECT_EQ(self.team.runs[i].failure.code, SAC_OK);
      EXPECT_EQ(self.team.runs[i].evaluation.return_mean,
                whole.team.runs[i].evaluation.return_mean);
      EXPECT_EQ(self.team.runs[i].evaluation.return_std, whole.team.runs[i].evaluation.return_std);
    }
  }
}

// an unstable task whose numbers overflow for seed 1 in step 85 of its episode, for the others
// later
TEST(TeamFailure, TheRunGoesOnAndTellsAtItsEnd) {
  std::vector<std::string> unstable =
      small_run({"env.id=LinearQuadratic-v0", "env.kwargs={A: [1.7], W: [0.3]}", "eval.every=0",
                 "env.max_episode_steps=86", "algorithm.total_timesteps=86", "log.every=40",
                 "algorithm.learning_starts=1000"});
  Training alone;
  ASSERT_EQ(alone.train(with(unstable, {"run.seed=3"})), SAC_OK) << alone.err.text;
  for (const char *threads : {"run.threads=2", "run.threads=4"}) {
    Training self;
    EXPECT_EQ(self.train(with(unstable, {"run.seeds=[2,1,3]", threads})), SAC_BAD_NUMBER);
    EXPECT_TRUE(contains(self.err.text, "1 of 3 seeds failed: seed 1: environment 0"))
        << self.err.text;
    ASSERT_EQ(self.outcome.n_seeds, 3);
    const sac_seed_outcome *seeds = self.outcome.seeds;
    EXPECT_EQ(seeds[1].status, SAC_BAD_NUMBER);
    EXPECT_EQ(seeds[1].timesteps, 84u);
    EXPECT_TRUE(contains(seeds[1].reason, "step 85 of its episode"));
    for (int i : {0, 2}) {
      EXPECT_EQ(seeds[i].status, SAC_OK);
      EXPECT_EQ(seeds[i].timesteps, 86u);
    }
    EXPECT_EQ(self.outcome.timesteps, 86u);
    EXPECT_EQ(self.outcome.aggregate.n, 2);
    EXPECT_EQ(seed_digest(self, 3, 86), digest_of(alone.checkpoint(86)));
    std::string failed = seed_folder(self.folder(), 1);
    EXPECT_TRUE(contains(contents(failed + "/status.json"), "\"exit_code\": 4"));
    EXPECT_TRUE(contains(contents(failed + "/log.txt"), "error: environment 0"));
    EXPECT_TRUE(contains(contents(seed_folder(self.folder(), 2) + "/status.json"), "\"done\""));
    EXPECT_TRUE(contains(contents(self.folder() + "/status.json"), "\"failed\""));
    int told = 0;
    for (const std::string &event : self.events)
      told += contains(event, "{\"event\":\"failed\",\"seed\":1,\"timesteps\":84,");
    EXPECT_EQ(told, 1);
  }
}

// those that failed before stay as they are, the others go on
TEST(TeamFailure, AResumeLeavesOutWhoFailed) {
  Training self;
  std::vector<std::string> options = with(kEvery100, {"run.seeds=[1,2,3]"});
  ASSERT_EQ(self.train(options), SAC_OK) << self.err.text;
  sac_run_status failed = {"failed", 200, "update 160: q_loss is nan", SAC_BAD_NUMBER};
  std::string folder = seed_folder(self.folder(), 2);
  ASSERT_EQ(sac_run_folder_note(folder.c_str(), &failed, nullptr), SAC_OK);
  std::string before = digest_of(checkpoint_of(folder, 300));
  EXPECT_EQ(self.resume({"algorithm.total_timesteps=400"}), SAC_BAD_NUMBER);
  EXPECT_TRUE(contains(self.err.text, "1 of 3 seeds failed: seed 2: update 160")) << self.err.text;
  ASSERT_EQ(self.outcome.n_seeds, 3);
  EXPECT_EQ(self.outcome.seeds[1].status, SAC_BAD_NUMBER);
  EXPECT_EQ(self.outcome.seeds[0].timesteps, 400u);
  EXPECT_EQ(self.outcome.aggregate.n, 2);
  const Alone &longer = alone_of(with(kEvery100, {"algorithm.total_timesteps=400"}), 400);
  longer.compare(self, {1, 3}, 400);
  EXPECT_EQ(digest_of(checkpoint_of(folder, 300)), before);
  EXPECT_FALSE(std::filesystem::exists(checkpoint_of(folder, 400)));
  EXPECT_TRUE(contains(contents(folder + "/status.json"), "\"failed\""));
  EXPECT_TRUE(contains(contents(self.folder() + "/status.json"), "\"failed\""));
}

}  // namespace
