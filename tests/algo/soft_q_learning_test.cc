// Soft Q-learning as a whole: its target, its sampler's gradient, the density that it ends at, and
// acting by Markov chains.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "algo/fixture.h"
#include "tolerance.h"

namespace {

using sac_test::Agent;
using sac_test::join;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::normals;
using sac_test::same_bits;

const std::vector<std::string> kSql = {"algorithm.name=sql", "policy.hidden=[5,4]",
                                       "critic.hidden=[4,5]", "algorithm.sql.kernel_n_particles=7"};

/// Row `row` of member i of a stack in the machine's memory.
std::vector<sac_real> row_of(Agent &agent, const sac_stack &stack, int i, int row, int cols) {
  return agent.machine.read(sac_stack_row(&stack, i, row), (size_t)cols);
}

void draw_parameters(Agent &agent, unsigned words, double scale) {
  for (sac_params *params : agent.params())
    if (params->prefix[0])
      agent.machine.write(params->value,
                          normals(words++, (size_t)params->n * params->count, scale));
}

/// A network's output in float64, from the parameters of one member.
double evaluate(const sac_mlp &mlp, const std::vector<sac_real> &value, size_t member_at,
                std::vector<double> x) {
  for (int l = 0; l < mlp.n_layers; l++) {
    std::vector<double> y;
    for (int o = 0; o < mlp.width[l + 1]; o++) {
      double sum = value[member_at + mlp.bias[l] + (size_t)o];
      for (int k = 0; k < mlp.width[l]; k++)
        sum += (double)value[member_at + mlp.weight[l] + (size_t)(o * mlp.width[l] + k)] *
               x[(size_t)k];
      y.push_back(l + 1 < mlp.n_layers ? std::max(sum, 0.0) : sum);
    }
    x = y;
  }
  return x[0];
}

class SoftQLearning : public testing::Test {
 protected:
  void learn(Agent &agent) { agent.agent->def->learn(agent.agent); }
};

// y = kappa r + gamma (1-d) alpha log mean_k exp(min_i Qbar_i(s', a_k) / alpha) / q(a_k)
TEST_F(SoftQLearning, TargetIsTheSoftValueOfTheNextState) {
  const int rows = 7, count = 5;
  for (const char *proposal : {"uniform", "policy"}) {
    Agent agent(join(kSql, {"algorithm.ent_coef=0.4", "algorithm.reward_scale=2",
                            "algorithm.gamma=0.9", "algorithm.sql.value_n_particles=5",
                            std::string("algorithm.sql.value_proposal=") + proposal,
                            "algorithm.policy_delay=2"}),
                {1, 2}, rows);
    // the target stays as it was
    agent.agent->cfg.algorithm.tau = 0;
    draw_parameters(agent, 40, 0.7);
    agent.fill_batch(5, 2);
    learn(agent);
    const sac_agent *self = agent.agent;
    const sac_critic &q = self->q;
    std::vector<sac_real> target = agent.values(q.target, q.target.value);
    for (int s = 0; s < 2; s++)
      for (int r = 0; r < rows; r++) {
        double mean = 0;
        std::vector<sac_real> next = row_of(agent, self->batch.both, s, rows + r, kObs);
        for (int k = 0; k < count; k++) {
          std::vector<sac_real> x =
              row_of(agent, self->particles.rows, s, r * count + k, kObs + kAct);
          std::vector<double> in(x.begin(), x.end());
          for (int j = 0; j < kObs; j++) ASSERT_EQ(x[(size_t)j], next[(size_t)j]);
          double least = INFINITY;
          for (int i = 0; i < 2; i++)
            least =
                std::min(least, evaluate(q.mlp, target, (size_t)(s * 2 + i) * q.target.count, in));
          double log_q = row_of(agent, self->particles.log_q, s, r * count + k, 1)[0];
          mean += std::exp(least / 0.4 - log_q) / count;
        }
        double ended = row_of(agent, self->batch.terminated, s, r, 1)[0];
        double reward = row_of(agent, self->batch.reward, s, r, 1)[0];
        double want = 2 * reward + 0.9 * (1 - ended) * 0.4 * std::log(mean);
        EXPECT_NEAR(row_of(agent, self->batch.y, s, r, 1)[0], want,
                    sac_test::tolerance(2e-5, 1e-12))
            << proposal;
      }
  }
}

// the gradient is that of sum_j -D_j u_j with D as it is: against differences of the u_j
TEST_F(SoftQLearning, SamplersGradientCarriesTheDirectionBack) {
  if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
  const std::pair<const char *, const char *> cases[] = {
      {"u", "implicit"}, {"action_repo", "implicit"}, {"u", "realnvp"}, {"action_repo", "realnvp"}};
  for (auto [space, type] : cases) {
    const int rows = 6;
    Agent agent(join(kSql, {std::string("algorithm.sql.svgd_space=") + space,
                            std::string("policy.type=") + type, "policy.flow.preprocess=[5]",
                            "policy.activation=tanh"}),
                {1, 2}, rows);
    sac_agent *self = agent.agent;
    self->cfg.algorithm.policy_lr = self->cfg.algorithm.q_lr = self->cfg.algorithm.tau = 0;
    draw_parameters(agent, 40, 0.7);
    agent.fill_batch(5, 2);
    learn(agent);
    const int updated = rows * self->particles.n_updated;
    std::vector<sac_real> du =
        agent.machine.read(self->particles.du.data, 2 * self->particles.du.stride);
    sac_params &params = self->policy.params;
    std::vector<sac_real> grad = agent.values(params, params.grad);
    auto sum = [&](int s) {
      sac_particles_draw(self);
      sac_stack u = sac_policy_unsquashed(&self->policy, &self->policy_pass);
      double total = 0;
      for (int r = 0; r < updated; r++)
        for (int j = 0; j < kAct; j++)
          total += (double)du[(size_t)s * self->particles.du.stride + (size_t)(r * kAct + j)] *
                   (double)row_of(agent, u, s, r, kAct)[(size_t)j];
      return total;
    };
    double worst = 0, largest = 0;
    for (int s = 0; s < 2; s++)
      for (int v = 0; v < params.n_views; v++)
        for (size_t k = 0; k < sac_param_size(&params.views[v]); k += 3) {
          size_t at = (size_t)s * params.count + params.views[v].offset + k;
          double x = agent.machine.read(params.value + at, 1)[0], h = 1e-6;
          agent.machine.write(params.value + at, {(sac_real)(x + h)});
          double above = sum(s);
          agent.machine.write(params.value + at, {(sac_real)(x - h)});
          double slope = (above - sum(s)) / (2 * h);
          agent.machine.write(params.value + at, {(sac_real)x});
          worst = std::max(worst, std::abs(slope - (double)grad[at]));
          largest = std::max(largest, std::abs(slope));
        }
    EXPECT_LE(worst, sac_test::gradient_tolerance() * largest) << space << " " << type;
    EXPECT_GT(largest, 1e-3) << space << " " << type;
  }
}

/// A task of one step whose reward 2 a_0^2 - 2 a_1^2 wants two opposite actions at once.
void fill_with_two_modes(Agent &agent) {
  agent.fill_replay({9}, 2000, 2000);
  size_t width = (size_t)agent.replay.layout.width;
  std::vector<sac_real> rows(2000 * width);
  sac_replay_read(&agent.replay, 0, 0, 2000, rows.data());
  std::mt19937 words(3);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (size_t r = 0; r < 2000; r++) {
    sac_real *row = &rows[r * width];
    for (int j = 0; j < kAct; j++) row[kObs + j] = (sac_real)uniform(words);
    row[kObs + kAct] = 2 * row[kObs] * row[kObs] - 2 * row[kObs + 1] * row[kObs + 1];
    row[kObs + kAct + 1] = 1;
  }
  sac_replay_write(&agent.replay, 0, 0, 2000, rows.data());
}

/// E a^2 of exp(sign 2 a^2 / alpha) over (-1, 1).
double square_of(double sign, double alpha) {
  double mass = 0, sum = 0;
  for (int k = 0; k < 2000; k++) {
    double a = (k + 0.5) / 1000 - 1, p = std::exp(sign * 2 * a * a / alpha);
    mass += p, sum += p * a * a;
  }
  return sum / mass;
}

struct Moments {
  double square[2] = {0, 0}, share = 0;  // E a_j^2, and of positive a_0
};

Moments act_often(Agent &agent) {
  const int rows = 4, noise_dim = sac_agent_noise_dim(agent.agent), rounds = 300;
  sac_real *obs = agent.machine.take(rows * kObs), *action = agent.machine.take(rows * kAct);
  sac_real *noise = agent.machine.take((size_t)(rows * noise_dim));
  agent.machine.write(obs, normals(2, rows * kObs, 0.5));
  Moments found;
  for (int i = 0; i < rounds; i++) {
    agent.machine.write(noise, normals(100 + (unsigned)i, (size_t)(rows * noise_dim)));
    sac_act act = {rows, {obs, 0, kObs, 1}, {noise, 0, noise_dim, 1}, {action, 0, kAct, 1}};
    sac_agent_act(agent.agent, &act);
    std::vector<sac_real> drawn = agent.machine.read(action, rows * kAct);
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < 2; j++)
        found.square[j] += std::pow((double)drawn[(size_t)(r * kAct + j)], 2) / rows / rounds;
      found.share += (drawn[(size_t)(r * kAct)] > 0) / (double)rows / rounds;
    }
  }
  return found;
}

// both modes, each half of the time, as wide as exp(Q / alpha) is
TEST_F(SoftQLearning, SamplerDrawsFromExpQ) {
  for (const char *type : {"implicit", "realnvp"}) {
    const std::vector<std::string> options = {
        "algorithm.name=sql",        "algorithm.ent_coef=0.7",
        "policy.hidden=[32,32]",     "policy.flow={coupling_layers: 4, st_hidden: [16]}",
        "critic.hidden=[32,32]",     "algorithm.q_lr=0.005",
        "algorithm.policy_lr=0.003", std::string("policy.type=") + type};
    Agent agent(options, {1}, 32);
    fill_with_two_modes(agent);
    for (int i = 0; i < 1500; i++) sac_agent_update(agent.agent, &agent.replay);
    Moments found = act_often(agent);
    EXPECT_NEAR(found.square[0], square_of(1, 0.7), 0.08) << type;
    EXPECT_NEAR(found.square[1], square_of(-1, 0.7), 0.05) << type;
    EXPECT_NEAR(found.share, 0.5, 0.15) << type;
    sac_loss_values losses = sac_agent_losses(agent.agent, 0);
    EXPECT_GT(losses.sample_size, 1) << type;
    EXPECT_LE(losses.sample_size, 16) << type;
    EXPECT_TRUE(std::isnan(losses.entropy) && std::isnan(losses.acceptance)) << type;
  }
}

// with a policy that has learned nothing the chains alone find exp(Q / alpha)
TEST_F(SoftQLearning, ChainsDrawFromExpQ) {
  for (const char *method : {"ula", "mala", "hmc"}) {
    Agent agent({"algorithm.name=sql", "algorithm.ent_coef=0.7", "policy.hidden=[8]",
                 "critic.hidden=[16,16]", "algorithm.q_lr=0.01", "algorithm.policy_delay=1000",
                 "algorithm.sql.value_n_particles=1", "algorithm.sql.sampler=mcmc",
                 std::string("algorithm.sql.mcmc.method=") + method,
                 std::string("algorithm.sql.mcmc.steps=") + (method[0] == 'h' ? "12" : "40"),
                 "algorithm.sql.mcmc.leapfrog=4", "algorithm.sql.mcmc.step_size=0.35"},
                {1}, 64);
    fill_with_two_modes(agent);
    for (int i = 0; i < 900; i++) sac_agent_update(agent.agent, &agent.replay);
    Moments found = act_often(agent);
    EXPECT_NEAR(found.square[0], square_of(1, 0.7), 0.08) << method;
    EXPECT_NEAR(found.square[1], square_of(-1, 0.7), 0.05) << method;
    EXPECT_NEAR(found.share, 0.5, 0.15) << method;
    double taken = sac_agent_losses(agent.agent, 0).acceptance;
    EXPECT_GT(taken, 0.6) << method;
    EXPECT_EQ(taken > 0.9999, std::string(method) == "ula") << method;
  }
}

// a chain's way depends on its own row alone
TEST_F(SoftQLearning, ChainsDependOnTheirOwnNoise) {
  Agent agent(join(kSql, {"algorithm.sql.sampler=mcmc", "algorithm.sql.mcmc.steps=4"}), {1}, 6);
  draw_parameters(agent, 40, 0.7);
  const int noise_dim = sac_agent_noise_dim(agent.agent);
  EXPECT_EQ(noise_dim, kAct + 4 * (kAct + 2));
  std::vector<sac_real> obs = normals(1, 4 * kObs), noise = normals(2, (size_t)(4 * noise_dim));
  auto act_on = [&](int first, int rows) {
    sac_real *o = agent.machine.take(4 * kObs), *a = agent.machine.take(4 * kAct);
    sac_real *z = agent.machine.take((size_t)(4 * noise_dim));
    agent.machine.write(o, std::vector<sac_real>(obs.begin() + first * kObs, obs.end()));
    agent.machine.write(z, std::vector<sac_real>(noise.begin() + first * noise_dim, noise.end()));
    sac_act act = {rows, {o, 0, kObs, 1}, {z, 0, noise_dim, 1}, {a, 0, kAct, 1}};
    sac_agent_act(agent.agent, &act);
    return agent.machine.read(a, (size_t)(rows * kAct));
  };
  std::vector<sac_real> all = act_on(0, 4);
  for (int r = 0; r < 4; r++)
    EXPECT_TRUE(same_bits(act_on(r, 1), {all[(size_t)(r * kAct)], all[(size_t)(r * kAct + 1)]}));
}

}  // namespace
