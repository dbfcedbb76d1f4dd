// The maximum-entropy policy gradient against what is known of it: the linear-quadratic problem,
// where return and gradient have a closed form, and the value of a task without an end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "algo/fixture.h"
#include "tolerance.h"

namespace {

using sac_test::Agent;
using sac_test::join;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::Machine;
using sac_test::normals;

// ---- linear-quadratic: s' = .9 s + .5 a + w, w ~ N(0, .01), r = -(s^2 + a^2 / 2) / 2, s_0 ~ N(0,
// 1), fifty steps, gamma .95, alpha .1; the policy is a ~ N(-k s, e^(2 l))

const int kSteps = 50;
const double kA = 0.9, kB = 0.5, kQ = 1, kR = 0.5, kW = 0.01, kGamma = 0.95, kAlpha = 0.1;
const double kGain = 0.4, kLogStd = std::log(0.5);

// V_t(s) = -p s^2 / 2 + c for t = 0 .. 50, by the policy's own backward recursion
struct Value {
  double p[kSteps + 1] = {}, c[kSteps + 1] = {};
  Value(double k, double log_std) {
    double variance = std::exp(2 * log_std);
    double entropy = 0.5 * std::log(2 * std::acos(-1.0)) + 0.5 + log_std;
    for (int t = kSteps - 1; t >= 0; t--) {
      double closed = kA - kB * k;
      p[t] = kQ + kR * k * k + kGamma * closed * closed * p[t + 1];
      c[t] = -kR * variance / 2 + kAlpha * entropy +
             kGamma * (c[t + 1] - p[t + 1] * (kB * kB * variance + kW) / 2);
    }
  }
  double at(int t, double s) const { return -p[t] * s * s / 2 + c[t]; }
  double objective() const { return -p[0] / 2 + c[0]; }
};

double slope(double k_step, double l_step) {
  Value above(kGain + k_step, kLogStd + l_step), below(kGain - k_step, kLogStd - l_step);
  return (above.objective() - below.objective()) / (2 * (k_step + l_step));
}

// mean and standard error of a gradient's two entries
struct Estimate {
  double mean[2] = {}, square[2] = {}, count = 0;
  void add(double k, double l) {
    double values[] = {k, l};
    for (int i = 0; i < 2; i++) mean[i] += values[i], square[i] += values[i] * values[i];
    count++;
  }
  double of(int i) const { return mean[i] / count; }
  double error(int i) const { return std::sqrt((square[i] / count - of(i) * of(i)) / (count - 1)); }
  double distance(int i, double exact) const { return std::abs(of(i) - exact) / error(i); }
};

enum Form { kRight, kWithoutBaseline, kBaselineInsideTheSum, kEntropyOnlyLater, kForms };

// episodes of the policy, and the estimators that the algorithm's own ops make of them
class Episodes {
 public:
  void run(uint64_t number) {
    simulate(number);
    for (int form = 0; form < kForms; form++) {
      find_advantages((Form)form);
      score();
      add_episodes(&estimates[form]);
    }
  }
  Estimate estimates[kForms];
  static constexpr int kEnvs = 10000, kRows = kEnvs * kSteps;

 private:
  sac_stack column(sac_real *at, int ld = 1) { return {at, (size_t)kRows * (size_t)ld, ld, 1}; }
  void fill(sac_real *out, int rows, sac_purpose purpose, uint64_t step) {
    uint64_t key = 7;
    sac_normal_fill op = {1, rows, 1, 0, &key, purpose, &step, column(out)};
    machine.backend->ops->normal_fill(machine.backend, &op);
  }
  void simulate(uint64_t number) {
    fill(noise, kRows, SAC_DRAW_ACT, number);
    fill(disturbance, kRows, SAC_DRAW_WARMUP, number);
    fill(state, kEnvs, SAC_DRAW_RESET, number);
    for (int r = 0; r < kRows; r++) {
      head[2 * r] = (sac_real)(-kGain * (double)state[r]);
      head[2 * r + 1] = (sac_real)kLogStd;
      int t = r / kEnvs;
      double s = state[r], a = (double)head[2 * r] + 0.5 * (double)noise[r];
      double next = kA * s + kB * a + 0.1 * (double)disturbance[r];
      reward[r] = (sac_real)(-(kQ * s * s + kR * a * a) / 2);
      v[r] = (sac_real)value.at(t, s);
      v_next[r] = (sac_real)value.at(t + 1, next);
      terminated[r] = t == kSteps - 1;
      if (t + 1 < kSteps) state[r + kEnvs] = (sac_real)next;
    }
    sac_gaussian_forward op = {
        1,        kRows, gaussian, column(head, 2), column(noise), column(action), column(log_pi),
        column(u)};
    machine.backend->ops->gaussian_forward(machine.backend, &op);
  }
  void find_advantages(Form form) {
    bool baseline = form == kRight || form == kEntropyOnlyLater;
    sac_real log_alpha = (sac_real)std::log(kAlpha);
    for (int r = 0; r < kRows; r++)
      seen[r] = form == kBaselineInsideTheSum ? reward[r] - v[r] : reward[r];
    sac_advantages op = {};
    op.n = 1, op.steps = kSteps, op.envs = kEnvs;
    op.gamma = (sac_real)kGamma, op.lambda = op.reward_scale = 1;
    op.reward = column(seen), op.terminated = column(terminated), op.truncated = column(zero);
    op.log_pi = column(log_pi), op.v = column(baseline ? v : zero);
    op.v_next = column(baseline ? v_next : zero), op.log_alpha = &log_alpha;
    op.advantage = column(advantage), op.y = column(y);
    machine.backend->ops->advantages(machine.backend, &op);
    if (form == kEntropyOnlyLater)
      for (int r = 0; r < kRows; r++) advantage[r] += (sac_real)kAlpha * log_pi[r];
    // the strict gradient of a discounted return
    sac_real discount = 1;
    for (int t = 0; t < kSteps; t++, discount *= (sac_real)kGamma)
      for (int e = 0; e < kEnvs; e++) advantage[t * kEnvs + e] *= discount;
  }
  void score() {
    sac_real loss, entropy;
    sac_gaussian_score op = {1,         kRows,
                             gaussian,  column(head, 2),
                             column(u), column(advantage),
                             {},        column(dhead, 2),
                             &loss,     &entropy};
    machine.backend->ops->gaussian_score(machine.backend, &op);
  }
  // dJ/dk and dJ/dl: the mean is -k s; the loss is -J, a mean over all rows
  void add_episodes(Estimate *estimate) {
    std::vector<double> k(kEnvs), l(kEnvs);
    for (int t = 0; t < kSteps; t++)
      for (int e = 0; e < kEnvs; e++) {
        int r = t * kEnvs + e;
        k[(size_t)e] += (double)dhead[2 * r] * kRows * (double)state[r];
        l[(size_t)e] -= (double)dhead[2 * r + 1] * kRows;
      }
    for (size_t e = 0; e < kEnvs; e++) estimate->add(k[e], l[e]);
  }

  Machine machine;
  const sac_gaussian gaussian = {1, false, true, SAC_LOG_STD_CLAMP, -20, 2};
  const Value value{kGain, kLogStd};
  sac_real *take(int values = kRows) { return machine.take((size_t)values); }
  sac_real *noise = take(), *disturbance = take(), *state = take(), *reward = take();
  sac_real *seen = take(), *terminated = take(), *zero = take(), *log_pi = take(), *u = take();
  sac_real *action = take(), *v = take(), *v_next = take(), *advantage = take(), *y = take();
  sac_real *head = take(2 * kRows), *dhead = take(2 * kRows);
};

TEST(MaxentPolicyGradient, IsTheClosedFormsOnTheLinearQuadraticProblem) {
  const double exact[] = {slope(1e-5, 0), slope(0, 1e-5)};
  EXPECT_NEAR(Value(kGain, kLogStd).objective(), -2.097759356, 1e-8);
  EXPECT_NEAR(exact[0], 1.980405, 2e-6);
  EXPECT_NEAR(exact[1], -2.657288, 2e-6);
  auto episodes = std::make_unique<Episodes>();
  for (int part = 0; part < 20; part++) episodes->run((uint64_t)part);
  const Estimate &right = episodes->estimates[kRight];
  const Estimate &plain = episodes->estimates[kWithoutBaseline];
  const Estimate &inside = episodes->estimates[kBaselineInsideTheSum];
  const Estimate &later = episodes->estimates[kEntropyOnlyLater];
  ASSERT_EQ(right.count, 2e5);
  const char *names[] = {"dJ/dk", "dJ/dl"};
  for (int i = 0; i < 2; i++) {
    EXPECT_LT(right.distance(i, exact[i]), 4) << names[i] << " is " << right.of(i);
    EXPECT_LT(plain.distance(i, exact[i]), 4) << names[i] << " is " << plain.of(i);
  }
  // what the baseline is for: a quarter of the error, and little more than a third
  EXPECT_NEAR(right.error(0), 0.007, 0.0015);
  EXPECT_NEAR(plain.error(0) / right.error(0), 4, 0.6);
  EXPECT_NEAR(plain.error(1) / right.error(1), 2.7, 0.5);
  // the two wrong forms do not pass: the sign of one entry, a policy that collapses
  EXPECT_GT(inside.distance(0, exact[0]), 4);
  EXPECT_LT(inside.of(0), 0);
  EXPECT_GT(later.distance(1, exact[1]), 4);
  EXPECT_NEAR(later.of(1), -4.5, 0.2);
}

// ---- learning from a rollout

const std::vector<std::string> kSmall = {"algorithm.name=maxent_pg", "policy.hidden=[6,5]",
                                         "critic.hidden=[5,6]",      "policy.activation=tanh",
                                         "critic.activation=tanh",   "env.n_envs=2"};

// reward 1 for ever, seen in pieces of ten steps; the state is always the same
void fill_pieces(Agent &agent, bool cut_off) {
  agent.fill_replay({1}, 0, 0);
  const sac_row_layout &layout = agent.replay.layout;
  size_t width = (size_t)layout.width;
  int count = (int)agent.replay.capacity;
  std::vector<sac_real> rows((size_t)count * width);
  for (int r = 0; r < count; r++) {
    sac_real *row = &rows[(size_t)r * width];
    row[0] = row[sac_row_next_obs(&layout)] = (sac_real)0.5;
    row[sac_row_reward(&layout)] = 1;
    bool last = r / 2 % 10 == 9;
    row[cut_off ? sac_rollout_truncated(&layout) : sac_row_terminated(&layout)] = last;
  }
  sac_replay_write(&agent.replay, 0, 0, (size_t)count, rows.data());
}

double value_learned(bool cut_off) {
  Agent agent(join(kSmall, {"algorithm.pg={rollout_steps: 20, value_steps: 8, gae_lambda: 1}",
                            "algorithm.gamma=0.9", "algorithm.ent_coef=1e-6",
                            "algorithm.policy_lr=0", "algorithm.v_lr=0.01"}),
              {1}, 40);
  fill_pieces(agent, cut_off);
  for (int i = 0; i < 200; i++) sac_agent_update(agent.agent, &agent.replay);
  return agent.machine.read(agent.agent->lesson.v.hidden[2].data, 1)[0];
}

TEST(MaxentPolicyGradient, AnEpisodeThatIsCutOffGoesOnBeyondItsEnd) {
  EXPECT_NEAR(value_learned(true), 1 / (1 - 0.9), 0.1);
  // one that terminated has nothing after it: the mean of (1 - .9^k) / (1 - .9) over k = 1 .. 10
  EXPECT_NEAR(value_learned(false), 4.138, 0.1);
}

// a step whose V(s') is never read where the episode ended, even as NaN
TEST(MaxentPolicyGradient, TerminatedRowsNeverReadTheNextState) {
  Agent any(kSmall, {1}, 40), nan(kSmall, {1}, 40);
  std::vector<sac_real> values[2];
  for (Agent *agent : {&any, &nan}) {
    agent->fill_replay({4}, 0, 0);
    const sac_row_layout &layout = agent->replay.layout;
    for (size_t r = 3; agent == &nan && r < agent->replay.capacity; r += 7)
      agent->machine.write(
          agent->replay.ring + r * (size_t)layout.width + sac_row_next_obs(&layout),
          std::vector<sac_real>(kObs, std::numeric_limits<sac_real>::quiet_NaN()));
    sac_agent_update(agent->agent, &agent->replay);
    values[agent == &nan] =
        agent->values(agent->agent->policy.params, agent->agent->policy.params.value);
  }
  EXPECT_TRUE(sac_test::same_bits(values[0], values[1]));
  EXPECT_EQ(std::count_if(values[1].begin(), values[1].end(),
                          [](sac_real x) { return !std::isfinite(x); }),
            0);
}

TEST(MaxentPolicyGradient, ReinforceMakesOneStepOnTheWholeRollout) {
  auto steps = [](const std::string &form, int batch_size) {
    Agent agent(
        join(kSmall, {"algorithm.pg={rollout_steps: 20, value_steps: 3, form: " + form + "}"}), {1},
        batch_size);
    agent.fill_replay({4}, 0, 0);
    for (int i = 0; i < 2; i++) sac_agent_update(agent.agent, &agent.replay);
    uint64_t policy = agent.machine.read(agent.agent->policy.params.step, 1)[0];
    EXPECT_EQ(agent.machine.read(agent.agent->value.params.step, 1)[0], 6u);
    return policy;
  };
  EXPECT_EQ(steps("reinforce", 40), 2u);
  EXPECT_EQ(steps("gae", 16), 6u);  // 16 + 16 + 8 rows, filled up from the next shuffle
  auto batch = [](const std::vector<std::string> &overrides) {
    auto cfg = sac_test::config_of(join({"algorithm.name=maxent_pg"}, overrides));
    return sac_algorithm_experience(cfg.get(), kObs, kAct).batch_size;
  };
  EXPECT_EQ(batch({"env.n_envs=32"}), 512);
  EXPECT_EQ(batch({"env.n_envs=2"}), 128);
  EXPECT_EQ(batch({"env.n_envs=32", "algorithm.pg.form=reinforce"}), 2048);
}

TEST(MaxentPolicyGradient, TheValueNetworkHasALimitOfItsOwn) {
  auto moment = [](const std::string &limit) {
    Agent agent(join(kSmall, {"algorithm.max_grad_norm=1e-4",
                              "algorithm.pg={rollout_steps: 20, value_steps: 1, "
                              "value_max_grad_norm: " +
                                  limit + "}"}),
                {1}, 40);
    agent.fill_replay({4}, 0, 0);
    sac_agent_update(agent.agent, &agent.replay);
    auto norm = [&](const sac_params &params) {
      double sum = 0;
      for (sac_real m : agent.values(params, params.m)) sum += (double)m * (double)m;
      return std::sqrt(sum) / (1 - 0.9);
    };
    return std::make_pair(norm(agent.agent->policy.params), norm(agent.agent->value.params));
  };
  EXPECT_NEAR(moment("null").first, 1e-4, 1e-7);
  EXPECT_NEAR(moment("null").second, 1e-4, 1e-7);
  EXPECT_NEAR(moment("0.05").first, 1e-4, 1e-7);
  EXPECT_NEAR(moment("0.05").second, 0.05, 1e-5);
}

// ---- gradients, in the double build

struct Case {
  const char *name;
  std::vector<std::string> overrides;
};
void PrintTo(const Case &one, std::ostream *out) {
  *out << one.name;
}

class MaxentPgGradients : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
    agent = std::make_unique<Agent>(
        join(join(kSmall, {"algorithm.pg={rollout_steps: 10}"}), GetParam().overrides),
        std::vector<uint64_t>{1, 2}, 7);
    unsigned words = 40;
    for (sac_params *params : agent->params())
      agent->machine.write(params->value, normals(words++, (size_t)params->n * params->count, 0.5));
    agent->fill_replay({1, 2}, 0, 0);
    agent->agent->replay = &agent->replay;
    sac_lesson_estimate(agent->agent, 0.9);
    sac_lesson_draw(agent->agent, 1);
  }

  void check(sac_params *params, const sac_real *loss, void (*step)(sac_agent *)) {
    step(agent->agent);
    std::vector<sac_real> grad = agent->values(*params, params->grad);
    double norm = 0;
    for (int member = 0; member < params->n; member++)
      for (int i = 0; i < params->n_views; i++) {
        const sac_param_view &view = params->views[i];
        bool fixed = view.fan_in == 0 && view.cols > 0;
        double worst = 0, largest = 0;
        for (size_t k = 0; k < sac_param_size(&view); k++) {
          size_t place = (size_t)member * params->count + view.offset + k;
          double x = agent->machine.read(params->value + place, 1)[0], side[2];
          const double h = 1e-6;
          for (int sign : {1, -1}) {
            agent->machine.write(params->value + place, {(sac_real)(x + sign * h)});
            step(agent->agent);
            side[sign < 0] = agent->machine.read(loss + member, 1)[0];
          }
          agent->machine.write(params->value + place, {(sac_real)x});
          // weights of a deviation that is one for all observations are not learned
          double want = fixed ? 0 : (side[0] - side[1]) / (2 * h);
          worst = std::max(worst, std::abs((double)grad[place] - want));
          largest = std::max(largest, std::abs(want));
        }
        EXPECT_LE(worst, sac_test::gradient_tolerance() * largest) << member << " " << view.name;
        norm += largest;
      }
    EXPECT_GT(norm, 1e-2);
  }

  std::unique_ptr<Agent> agent;
};

TEST_P(MaxentPgGradients, OfTheScoreAreTheDifferenceQuotients) {
  check(&agent->agent->policy.params, agent->agent->losses.policy, sac_lesson_score);
}

TEST_P(MaxentPgGradients, OfTheValueAreTheDifferenceQuotients) {
  check(&agent->agent->value.params, agent->agent->losses.v, sac_lesson_regress_value);
}

const Case kCases[] = {
    {"OneDeviation", {"policy.log_std={min: -5}"}},
    {"DeviationOfTheState", {"policy.log_std={state_dependent: true, min: -5}"}},
    {"Softplus", {"policy.log_std={mode: softplus}"}},
    {"TanhLogStd", {"policy.log_std={mode: tanh, min: -5}"}},
    {"Unsquashed", {"policy.squash=false"}},
    {"EpsCorrection", {"policy.squash_correction=eps"}},
    {"RawAdvantage", {"algorithm.pg={rollout_steps: 10, normalize_advantage: false}"}},
    {"Scaled", {"env.normalize_obs=true", "env.normalize_reward=true"}},
};
INSTANTIATE_TEST_SUITE_P(Cases, MaxentPgGradients, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case> &info) { return info.param.name; });

}  // namespace
