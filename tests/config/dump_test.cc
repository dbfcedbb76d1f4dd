// The resolved file and the fingerprint.
#include <cstring>

#include "config/loading.h"

namespace {

const char *const kFull =
    "run: {seed: 12, threads: 3, logdir: \"a \\\"b\\\" \\\\c\", name: x}\n"
    "env: {id: A, n_envs: 4, max_episode_steps: 77, kwargs: {z: [0.1, 2], a: false, b: 1e-9}}\n"
    "algorithm: {name: sac_v1, gamma: 0.123456789012345678, ent_coef: 0.3, max_grad_norm: 2,\n"
    "  gradient_steps: -1, actor_q: mean, critic_loss: huber, adam: {eps: 1e-5},\n"
    "  target_entropy: -2}\n"
    "policy: {hidden: [3], activation: tanh, squash: false, log_std: {mode: tanh, min: -5}}\n"
    "checkpoint: {include_replay: false, on_error: warn}\n";

// without the places, which differ by nature
void ForgetPlaces(sac_config *cfg) {
  memset(cfg->where, 0, sizeof cfg->where);
  for (sac_config_kwarg &kwarg : cfg->env.kwargs.at) memset(kwarg.where, 0, sizeof kwarg.where);
}

TEST(Dump, TheResolvedFileLoadsToTheSameConfiguration) {
  for (const char *text : {kFull, "env: {id: A}", "env: {id: A}\nalgorithm: {ent_coef: auto_0.5}",
                           "env: {id: A}\nalgorithm: {n_critics: 1}"}) {
    Loaded first = Parse(text);
    ASSERT_EQ(first.status, SAC_OK) << first.text;
    Loaded second = Parse(Written(first.cfg.get()));
    ASSERT_EQ(second.status, SAC_OK) << second.text;
    ForgetPlaces(first.cfg.get());
    ForgetPlaces(second.cfg.get());
    EXPECT_EQ(memcmp(first.cfg.get(), second.cfg.get(), sizeof(sac_config)), 0);
    EXPECT_EQ(Written(first.cfg.get()), Written(second.cfg.get()));
  }
}

TEST(Dump, TheResolvedFileIsNested) {
  std::string text = Written(Parse("env: {id: A}").cfg.get());
  EXPECT_NE(text.find("\nalgorithm:\n  name: sac\n"), std::string::npos);
  EXPECT_NE(text.find("\n  adam:\n    beta1: 0.9\n"), std::string::npos);
  EXPECT_NE(text.find("\n  log_std:\n    mode: clamp\n    min: -20.0\n    max: 2.0\n"
                      "    state_dependent: true\n    init: null\n  squash_correction: exact\n"),
            std::string::npos);
  EXPECT_EQ(text.find("bench"), std::string::npos);
}

std::string Fingerprint(const Loaded &c) {
  char *text = nullptr;
  sac_error err;
  EXPECT_EQ(sac_config_fingerprint(c.cfg.get(), &text, &err), SAC_OK);
  std::string fingerprint = text;
  free(text);
  return fingerprint;
}

std::string Difference(const std::string &saved, const std::string &current) {
  sac_error err = {};
  sac_status status = sac_config_compare(saved.c_str(), current.c_str(), &err);
  return status == SAC_OK ? "" : err.text;
}

TEST(Dump, TheFingerprintNamesTheFirstKeyThatDiffers) {
  std::string file = "env: {id: A, kwargs: {g: 1}}";
  std::string saved = Fingerprint(Load(file, {}));
  EXPECT_EQ(Difference(saved, saved), "");
  EXPECT_EQ(Difference(saved, Fingerprint(Load(file, {"policy.hidden=[64,64]"}))),
            "policy.hidden is [64, 64], but the saved state was made with [256, 256]");
  EXPECT_EQ(Difference(saved, Fingerprint(Load(file, {"env.kwargs.g=2"}))),
            "env.kwargs.g is 2.0, but the saved state was made with 1.0");
  EXPECT_EQ(Difference(saved, Fingerprint(Load(file, {"env.kwargs.h=2"}))),
            "env.kwargs.h is 2.0, but the saved state was made with not given");
  EXPECT_EQ(Difference(Fingerprint(Load(file, {"env.kwargs.h=2"})), saved),
            "env.kwargs.h is not given, but the saved state was made with 2.0");
}

TEST(Dump, TheFingerprintCoversWhatFixesSavedStateAndNothingElse) {
  std::string file = "env: {id: A}", saved = Fingerprint(Load(file, {}));
  for (const char *fixing :
       {"env.id=B", "env.n_envs=2", "env.frame_skip=2", "algorithm.name=sac_v1",
        "algorithm.buffer_size=500000", "run.seed=2", "run.seeds=[5]", "policy.activation=tanh",
        "critic.init=torch", "policy.log_std.max=1"})
    EXPECT_NE(Fingerprint(Load(file, {fixing})), saved) << fixing;
  for (const char *free :
       {"algorithm.gamma=0.5", "algorithm.total_timesteps=5", "run.threads=2", "run.device=cpu",
        "eval.every=5", "checkpoint.keep=9", "env.workers=2", "env.python=python3",
        "env.worker_timeout_s=5", "env.on_worker_failure=respawn", "log.csv=false",
        "algorithm.batch_size=32"})
    EXPECT_EQ(Fingerprint(Load(file, {free})), saved) << free;
}

// a state saved before there was the key: it was made as with the key's default
TEST(Dump, AKeyThatTheSavedStateDoesNotKnowMustHaveItsDefault) {
  std::string file = "env: {id: A}", saved = Fingerprint(Load(file, {}));
  const std::string line = "policy.layer_norm=false\n";
  ASSERT_NE(saved.find(line), std::string::npos);
  std::string old = saved;
  old.erase(saved.find(line), line.size());
  EXPECT_EQ(Difference(old, saved), "");
  EXPECT_EQ(Difference(old, Fingerprint(Load(file, {"policy.layer_norm=true"}))),
            "policy.layer_norm is true, but the saved state was made with not given");
}

TEST(Dump, OddFingerprintsAreOnlyDifferent) {
  std::string saved = Fingerprint(Load("env: {id: A}", {}));
  for (const char *odd : {"", "\n", "=", "run.seed", "run.seed\n", "x=1", "\n\n\n"}) {
    EXPECT_NE(Difference(odd, saved), "") << odd;
    EXPECT_NE(Difference(saved, odd), "") << odd;
  }
}

}  // namespace
