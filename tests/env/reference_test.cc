// Every environment against traces recorded from Gymnasium 1.4.0 with mujoco 4.0.0
// (scripts/record_env_traces.py): observations, rewards and ends agree in every bit.
#include "env/fixture.h"

extern "C" {
#include "base/files.h"
#include "io/safetensors.h"
}

namespace {

const char *const kFolder = "tests/env/traces";

class Trace {
 public:
  explicit Trace(const std::string &path) {
    sac_error err = {};
    if (sac_safetensors_open(path.c_str(), false, &file, &err)) ADD_FAILURE() << err.text;
  }
  ~Trace() { sac_safetensors_close(file); }

  bool has(const char *name) const { return sac_safetensors_find(file, name) != nullptr; }
  std::vector<double> get(const char *name) const {
    const sac_tensor *tensor = sac_safetensors_find(file, name);
    std::vector<double> values(tensor ? sac_tensor_count(tensor) : 0);
    sac_error err = {};
    if (!tensor || sac_safetensors_get_doubles(file, tensor, values.data(), &err))
      ADD_FAILURE() << name << " " << err.text;
    return values;
  }
  std::string text(const char *key) const { return sac_safetensors_text(file, key); }

  sac_safetensors *file = nullptr;
};

std::vector<std::string> trace_paths() {
  char **names = nullptr;
  int count = 0;
  sac_error err = {};
  EXPECT_EQ(sac_folder_list(kFolder, &names, &count, &err), SAC_OK) << err.text;
  std::vector<std::string> paths;
  for (int i = 0; i < count; i++) paths.push_back(std::string(kFolder) + "/" + names[i]);
  sac_names_free(names, count);
  return paths;
}

bool same_bits(const double *x, const double *y, size_t count) {
  return std::memcmp(x, y, count * sizeof *x) == 0;
}

void start(const Trace &trace, sac_test::Environment *environment) {
  const sac_task *task = environment->raw.task;
  if (!trace.has("state") && !trace.has("qpos")) {
    sac_environment_reset(&environment->raw, std::stoull(trace.text("seed")));
    return;
  }
  std::vector<double> state = trace.get(trace.has("qpos") ? "qpos" : "state");
  if (trace.has("qpos")) {
    std::vector<double> velocities = trace.get("qvel");
    state.insert(state.end(), velocities.begin(), velocities.end());
  }
  task->def->set_state(task->shared, environment->raw.instance, state.data(), environment->raw.obs);
}

// steps the definition itself: beyond termination, and with actions beyond the bounds
void compare(const std::string &path, int *n_ends) {
  Trace trace(path);
  auto task = sac_test::open_task(
      {"env.id=" + trace.text("env"), "env.kwargs=" + trace.text("kwargs")}, false);
  sac_test::Environment environment(task.get());
  const size_t n_obs = static_cast<size_t>(task->spec.obs_dim);
  const size_t n_act = static_cast<size_t>(task->spec.act_dim);
  std::vector<double> actions = trace.get("actions"), obs = trace.get("obs");
  std::vector<double> reward = trace.get("reward"), terminated = trace.get("terminated");
  ASSERT_EQ(obs.size(), (reward.size() + 1) * n_obs) << path;
  ASSERT_EQ(actions.size(), reward.size() * n_act) << path;

  start(trace, &environment);
  ASSERT_TRUE(same_bits(environment.raw.obs, obs.data(), n_obs)) << path << ": start";
  for (size_t t = 0; t < reward.size(); t++) {
    std::vector<float> action(actions.begin() + static_cast<long>(t * n_act),
                              actions.begin() + static_cast<long>((t + 1) * n_act));
    sac_env_result result = {};
    task->def->step(task->shared, environment.raw.instance, action.data(), environment.raw.obs,
                    &result);
    ASSERT_EQ(result.fault, nullptr) << path << ": step " << t;
    ASSERT_TRUE(same_bits(environment.raw.obs, &obs[(t + 1) * n_obs], n_obs))
        << path << ": step " << t;
    ASSERT_TRUE(same_bits(&result.reward, &reward[t], 1))
        << path << ": step " << t << " " << result.reward << " " << reward[t];
    ASSERT_EQ(result.terminated, terminated[t] != 0) << path << ": step " << t;
    *n_ends += result.terminated;
  }
}

TEST(Reference, EveryBitIsGymnasiums) {
  std::vector<std::string> paths = trace_paths();
  EXPECT_GE(paths.size(), 91u);
  int n_ends = 0;
  for (const std::string &path : paths) compare(path, &n_ends);
  EXPECT_GT(n_ends, 100);
}

TEST(Reference, EngineIsTheOneOfTheTraces) {
  EXPECT_EQ(std::string(sac_environment_engine()).substr(0, 5), "4.0.0");
}

}  // namespace
