#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "algo/fixture.h"
#include "temporary_folder.h"

extern "C" {
#include "train/tensors.h"
}

namespace {

using sac_test::Agent;
using sac_test::TemporaryFolder;

const std::vector<std::string> kV1 = {"algorithm.name=sac_v1", "policy.hidden=[5,4]",
                                      "critic.hidden=[6]"};

// a file with the state of one seed
std::string write_state(Agent &agent, int i_seed, const std::string &path) {
  sac_tensors tensors;
  sac_error err = {};
  EXPECT_EQ(sac_tensors_begin(&tensors, agent.agent, &err), SAC_OK) << err.text;
  sac_tensors_add_state(&tensors, "", agent.agent, i_seed);
  EXPECT_EQ(sac_safetensors_write(tensors.writer, path.c_str(), &err), SAC_OK) << err.text;
  sac_tensors_end(&tensors);
  return path;
}

class File {
 public:
  explicit File(const std::string &path) {
    sac_error err = {};
    EXPECT_EQ(sac_safetensors_open(path.c_str(), true, &raw, &err), SAC_OK) << err.text;
  }
  ~File() { sac_safetensors_close(raw); }
  File(const File &) = delete;
  sac_safetensors *raw = nullptr;
};

TEST(Tensors, HaveTheNamesAndShapesOfStableBaselines3) {
  TemporaryFolder folder;
  Agent agent({"policy.hidden=[5,4]", "critic.hidden=[6,7]"}, {1}, 4);
  File file(write_state(agent, 0, folder / "state"));
  struct Expected {
    const char *name;
    std::vector<int64_t> shape;
  };
  const std::vector<Expected> policy = {
      {"actor.latent_pi.0.weight", {5, 3}}, {"actor.latent_pi.0.bias", {5}},
      {"actor.latent_pi.2.weight", {4, 5}}, {"actor.latent_pi.2.bias", {4}},
      {"actor.mu.weight", {2, 4}},          {"actor.mu.bias", {2}},
      {"actor.log_std.weight", {2, 4}},     {"actor.log_std.bias", {2}}};
  const std::vector<Expected> critic = {{"0.weight", {6, 5}}, {"0.bias", {6}},
                                        {"2.weight", {7, 6}}, {"2.bias", {7}},
                                        {"4.weight", {1, 7}}, {"4.bias", {1}}};
  int found = 0;
  auto expect = [&](const std::string &name, const std::vector<int64_t> &shape, sac_dtype dtype) {
    const sac_tensor *tensor = sac_safetensors_find(file.raw, name.c_str());
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(std::vector<int64_t>(tensor->shape, tensor->shape + tensor->rank), shape) << name;
    EXPECT_EQ(tensor->dtype, dtype) << name;
    found++;
  };
  auto expect_trained = [&](const std::string &name, const std::vector<int64_t> &shape) {
    for (const char *prefix : {"", "optimizer.exp_avg.", "optimizer.exp_avg_sq."})
      expect(prefix + name, shape, SAC_DTYPE_REAL);
  };
  for (const Expected &one : policy) expect_trained(one.name, one.shape);
  for (const char *network : {"qf0.", "qf1."})
    for (const Expected &one : critic) {
      expect_trained(std::string("critic.") + network + one.name, one.shape);
      expect(std::string("critic_target.") + network + one.name, one.shape, SAC_DTYPE_REAL);
    }
  expect_trained("log_ent_coef", {1});
  for (const char *name : {"actor", "critic", "ent_coef"})
    expect(std::string("optimizer.step.") + name, {1}, SAC_I64);
  EXPECT_EQ(sac_safetensors_count(file.raw), found);  // and no others
}

TEST(Tensors, AStateThatIsReadIsTheOneThatWasWritten) {
  TemporaryFolder folder;
  for (const auto &overrides : {kV1, std::vector<std::string>{"algorithm.n_critics=3"}}) {
    Agent from(overrides, {1, 2}, 8), to(overrides, {3, 4}, 8);
    from.fill_replay({1, 2}, 30, 30);
    for (int i = 0; i < 3; i++) sac_agent_update(from.agent, &from.replay);
    for (int seed = 0; seed < 2; seed++) {
      File file(write_state(from, seed, folder / "state"));
      sac_error err = {};
      ASSERT_EQ(sac_tensors_get_state(file.raw, to.agent, seed, &err), SAC_OK) << err.text;
    }
    for (size_t i = 0; i < from.params().size(); i++) {
      sac_params *a = from.params()[i], *b = to.params()[i];
      EXPECT_EQ(from.values(*a, a->value), to.values(*b, b->value)) << a->prefix;
      if (!a->grad) continue;
      EXPECT_EQ(from.values(*a, a->m), to.values(*b, b->m)) << a->prefix;
      EXPECT_EQ(from.values(*a, a->v), to.values(*b, b->v)) << a->prefix;
      EXPECT_EQ(from.machine.read(a->step, 1), to.machine.read(b->step, 1)) << a->prefix;
    }
  }
}

TEST(Tensors, AnotherShapeIsRefusedByName) {
  TemporaryFolder folder;
  Agent small(kV1, {1}, 4);
  std::vector<std::string> wider = kV1;
  wider[2] = "critic.hidden=[7]";
  Agent other(wider, {1}, 4);
  File file(write_state(small, 0, folder / "state"));
  sac_error err = {};
  EXPECT_EQ(sac_tensors_get_state(file.raw, other.agent, 0, &err), SAC_BAD_CHECKPOINT);
  EXPECT_NE(std::string(err.text).find("critic.qf0.0.weight"), std::string::npos) << err.text;
}

TEST(Tensors, MissingOnesAreNamed) {
  TemporaryFolder folder;
  Agent v2({"policy.hidden=[5,4]", "critic.hidden=[6]"}, {1}, 4), v1(kV1, {1}, 4);
  File file(write_state(v2, 0, folder / "state"));
  sac_error err = {};
  EXPECT_EQ(sac_tensors_get_state(file.raw, v1.agent, 0, &err), SAC_BAD_CHECKPOINT);
  EXPECT_NE(std::string(err.text).find("tensors of value. are missing"), std::string::npos)
      << err.text;
}

TEST(Tensors, PartsOfABlockAreToldFromTheWhole) {
  TemporaryFolder folder;
  Agent one({"algorithm.n_critics=2", "critic.hidden=[6]"}, {1}, 4);
  Agent three({"algorithm.n_critics=3", "critic.hidden=[6]"}, {1}, 4);
  File file(write_state(one, 0, folder / "state"));
  auto found = [&](Agent &agent, int i, const char *prefix) {
    sac_found out;
    sac_params *params = agent.params()[(size_t)i];
    EXPECT_EQ(sac_tensors_get_block(file.raw, prefix, params, params->value, 0, &out, nullptr),
              SAC_OK);
    return out;
  };
  EXPECT_EQ(found(one, 1, ""), SAC_FOUND_ALL);
  EXPECT_EQ(found(three, 1, ""), SAC_FOUND_SOME);
  EXPECT_EQ(found(one, 1, "after."), SAC_FOUND_NONE);
}

}  // namespace
