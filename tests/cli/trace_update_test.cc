#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "temporary_folder.h"
#include "tolerance.h"

extern "C" {
#include "cli/trace.h"
#include "io/safetensors.h"
}

namespace {

using sac_test::TemporaryFolder;

const std::string kGolden = "tests/golden/";

class File {
 public:
  explicit File(const std::string &path) {
    sac_error err = {};
    EXPECT_EQ(sac_safetensors_open(path.c_str(), false, &file, &err), SAC_OK) << err.text;
  }
  ~File() { sac_safetensors_close(file); }
  File(const File &) = delete;

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (int i = 0; i < sac_safetensors_count(file); i++)
      all.push_back(sac_safetensors_at(file, i)->name);
    return all;
  }
  // values as doubles, whatever their type
  std::vector<double> at(const std::string &name) const {
    const sac_tensor *tensor = sac_safetensors_find(file, name.c_str());
    if (!tensor) return {};
    std::vector<double> values(sac_tensor_count(tensor));
    for (size_t i = 0; i < values.size(); i++) {
      const char *data = static_cast<const char *>(tensor->data);
      if (tensor->dtype == SAC_F32) values[i] = read<float>(data, i);
      if (tensor->dtype == SAC_I64) values[i] = (double)read<int64_t>(data, i);
      if (tensor->dtype == SAC_F64) values[i] = read<double>(data, i);
    }
    return values;
  }

  sac_safetensors *file = nullptr;

 private:
  template <typename T>
  static T read(const char *data, size_t i) {
    T value;
    std::memcpy(&value, data + i * sizeof value, sizeof value);
    return value;
  }
};

sac_status trace(const std::string &config, const std::string &in, const std::string &out,
                 const std::vector<const char *> &overrides = {}) {
  sac_trace_update_options options = {};
  options.config = config.c_str();
  options.overrides = overrides.data();
  options.n_overrides = (int)overrides.size();
  options.in = in.empty() ? nullptr : in.c_str();
  options.out = out.c_str();
  sac_error err = {};
  sac_status status = sac_trace_update(&options, &err);
  EXPECT_EQ(status, SAC_OK) << err.text;
  return status;
}

double norm(const std::vector<double> &values) {
  double sum = 0;
  for (double value : values) sum += value * value;
  return std::sqrt(sum);
}

double distance(std::vector<double> a, const std::vector<double> &b) {
  for (size_t i = 0; i < a.size(); i++) a[i] -= b[i];
  return norm(a);
}

// "grad.critic.qf1.2.weight" belongs to "critic.qf1", "grad.actor.mu.bias" to "actor"
std::string network_of(const std::string &name) {
  size_t first = name.find('.') + 1, end = name.find('.', first);
  if (name.find("qf") != std::string::npos) end = name.find('.', end + 1);
  return name.substr(first, end - first);
}

class Golden : public testing::TestWithParam<const char *> {
 protected:
  Golden()
      : base(kGolden + GetParam()),
        ran(trace(base + ".yaml", base + ".safetensors", folder / "out")),
        found(folder / "out"),
        expected(base + ".expected.safetensors") {}

  // how many names begin with `prefix`, each compared by `compare`
  template <typename Compare>
  int each(const std::string &prefix, Compare compare) {
    int count = 0;
    for (const std::string &name : expected.names()) {
      if (name.compare(0, prefix.size(), prefix) != 0) continue;
      std::vector<double> a = found.at(name), b = expected.at(name);
      EXPECT_EQ(a.size(), b.size()) << name << " is missing or has another size";
      if (a.size() == b.size()) compare(name, a, b);
      count++;
    }
    return count;
  }

  TemporaryFolder folder;
  std::string base;
  sac_status ran;
  File found, expected;
};

TEST_P(Golden, LossesTargetsAndDensitiesAgree) {
  ASSERT_EQ(ran, SAC_OK);
  int compared = 0;
  for (const char *prefix : {"loss.", "target.", "log_pi."})
    compared += each(prefix, [](const std::string &name, const auto &a, const auto &b) {
      for (size_t i = 0; i < a.size(); i++)
        EXPECT_NEAR(a[i], b[i], sac_test::tolerance(1e-5, 1e-9) * std::max(std::abs(b[i]), 0.1))
            << name << " " << i;
    });
  EXPECT_GE(compared, 5);
}

TEST_P(Golden, GradientsAgree) {
  ASSERT_EQ(ran, SAC_OK);
  // a tensor whose terms cancel is small beside its network: a hundredth of that counts
  std::map<std::string, double> of_network;
  each("grad.", [&](const std::string &name, const auto &, const auto &b) {
    of_network[network_of(name)] = std::hypot(of_network[network_of(name)], norm(b));
  });
  int compared = each("grad.", [&](const std::string &name, const auto &a, const auto &b) {
    double size = norm(b) + 0.01 * of_network[network_of(name)];
    EXPECT_LE(distance(a, b), sac_test::tolerance(1e-4, 1e-9) * size) << name;
  });
  EXPECT_GE(compared, 10);
  for (const auto &[network, size] : of_network) EXPECT_GT(size, 0) << network;
}

// the first step of Adam is nearly the sign of the gradient, so it says little of small gradients
TEST_P(Golden, ParametersAfterTheStepAgree) {
  ASSERT_EQ(ran, SAC_OK);
  int compared = each("after.", [&](const std::string &name, const auto &a, const auto &b) {
    bool moment = name.find("exp_avg") != std::string::npos;
    double largest = 0;
    for (double value : b) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < a.size(); i++) {
      double allowed = moment ? 2e-4 * largest + 1e-12 : 2e-6 * std::max(largest, 1.0);
      if (name.find(".step.") != std::string::npos) allowed = 0;
      EXPECT_NEAR(a[i], b[i], sac_test::scale_of_tolerance() * allowed) << name << " " << i;
    }
  });
  EXPECT_GE(compared, 20);
}

TEST_P(Golden, WhatWasGivenIsRepeated) {
  ASSERT_EQ(ran, SAC_OK);
  File given(base + ".safetensors");
  for (const std::string &name : given.names()) EXPECT_EQ(found.at(name), given.at(name)) << name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Golden,
                         testing::Values("v1", "v2", "huber", "sequential", "tanh", "unsquashed",
                                         "droq", "redq", "dropout"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           return std::string(info.param);
                         });

// what a trace drew by itself is complete: given back, it leads to the same results
TEST(TraceUpdate, ItsOutputIsItsInput) {
  TemporaryFolder folder;
  for (const char *algorithm : {"algorithm.name=sac", "algorithm.name=sac_v1"}) {
    std::vector<const char *> overrides = {algorithm, "algorithm.batch_size=32",
                                           "policy.hidden=[16,16]", "critic.hidden=[16,16]"};
    trace("configs/pendulum.yaml", "", folder / "one", overrides);
    trace("configs/pendulum.yaml", folder / "one", folder / "two", overrides);
    File one(folder / "one"), two(folder / "two");
    ASSERT_EQ(one.names(), two.names());
    for (const std::string &name : one.names()) EXPECT_EQ(one.at(name), two.at(name)) << name;
  }
}

// the fixture v2 without one tensor, or with another in its place
void write_changed(const std::string &path, const std::string &name, const sac_tensor *instead) {
  File whole(kGolden + "v2.safetensors");
  sac_safetensors_writer *writer;
  ASSERT_EQ(sac_safetensors_writer_create(&writer, nullptr), SAC_OK);
  for (int i = 0; i < sac_safetensors_count(whole.file); i++) {
    const sac_tensor *tensor = sac_safetensors_at(whole.file, i);
    if (tensor->name != name) sac_safetensors_add(writer, tensor);
  }
  if (instead) sac_safetensors_add(writer, instead);
  EXPECT_EQ(sac_safetensors_write(writer, path.c_str(), nullptr), SAC_OK);
  sac_safetensors_writer_destroy(writer);
}

TEST(TraceUpdate, ValuesThatAreNotFiniteAreShown) {
  TemporaryFolder folder;
  std::vector<float> rewards(5, 0.5f);
  rewards[3] = INFINITY;
  sac_tensor reward = {};
  reward.name = "batch.reward";
  reward.rank = 1;
  reward.shape[0] = 5;
  reward.data = rewards.data();
  write_changed(folder / "in", "batch.reward", &reward);
  ASSERT_EQ(trace(kGolden + "v2.yaml", folder / "in", folder / "out"), SAC_OK);
  File file(folder / "out");
  EXPECT_EQ(file.at("target.y")[3], INFINITY);
  EXPECT_TRUE(std::isfinite(file.at("target.y")[2]));
  EXPECT_EQ(file.at("loss.q")[1], INFINITY);
}

TEST(TraceUpdate, HalfANetworkIsRefused) {
  TemporaryFolder folder;
  std::string in = folder / "in", config = kGolden + "v2.yaml", out = folder / "out";
  write_changed(in, "critic.qf1.2.bias", nullptr);
  sac_trace_update_options options = {};
  options.config = config.c_str();
  options.in = in.c_str();
  options.out = out.c_str();
  sac_error err = {};
  EXPECT_EQ(sac_trace_update(&options, &err), SAC_BAD_CHECKPOINT);
  EXPECT_NE(std::string(err.text).find("critic"), std::string::npos) << err.text;
}

}  // namespace
