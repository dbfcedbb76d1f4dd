// Lower layers: what a stack does, wherever it acts.
#include "algo/fixture.h"

extern "C" {
#include "algo/actor.h"
}

using sac_test::Agent;
using sac_test::config_of;
using sac_test::kAct;
using sac_test::kObs;
using sac_test::Machine;
using sac_test::normals;
using sac_test::same_bits;

namespace {

enum { kRows = 4 };

const std::vector<std::string> kFlow = {"policy.type=realnvp", "policy.flow={preprocess: [6]}",
                                        "critic.hidden=[6]"};
const std::vector<std::string> kUpper = {"policy.squash=false", "policy.hidden=[5]",
                                         "critic.hidden=[6]", "algorithm.action_prior=normal"};

/// Layers of random flows over `obs[i]` observations, in the machine of an agent-to-be.
struct Stack {
  explicit Stack(Machine &machine, const std::vector<int> &obs) {
    EXPECT_EQ(SAC_OK, sac_hierarchy_create(machine.backend, kRows, &lower, nullptr));
    for (size_t i = 0; i < obs.size(); i++) {
      auto overrides = kFlow;
      if (i + 1 < obs.size()) overrides.push_back("policy.squash=false");
      auto cfg = config_of(overrides);
      sac_policy_options options = {cfg.get(), nullptr, 1, obs[i], kAct, machine.backend, true};
      EXPECT_EQ(SAC_OK, sac_hierarchy_add(lower, &options, "", nullptr));
      sac_params &params = lower->layer[i].policy.params;
      EXPECT_EQ(params.grad, nullptr) << "a frozen layer has no gradient";
      machine.write(params.value, normals(70 + (unsigned)i, params.count, 0.5));
    }
    EXPECT_EQ(SAC_OK, sac_hierarchy_finish(lower, nullptr));
  }
  ~Stack() { sac_hierarchy_destroy(lower); }
  Stack(const Stack &) = delete;
  Stack &operator=(const Stack &) = delete;

  std::vector<sac_real> act(Machine &machine, const std::vector<sac_real> &obs,
                            const std::vector<sac_real> &latent) {
    sac_real *o = machine.take(obs.size()), *h = machine.take(latent.size());
    machine.write(o, obs), machine.write(h, latent);
    sac_descent descent = {kRows, {o, 0, kObs, 1}, {h, 0, kAct, 1}, {h, 0, kAct, 1}};
    sac_hierarchy_act(lower, &descent);
    return machine.read(h, latent.size());
  }
  sac_hierarchy *lower = nullptr;
};

void zero(Agent &agent) {
  sac_params &params = agent.agent->policy.params;
  agent.machine.write(params.value, std::vector<sac_real>(params.count));
}

/// What an agent does at `obs` under `noise`.
std::vector<sac_real> act(Agent &agent, const std::vector<sac_real> &obs,
                          const std::vector<sac_real> &noise) {
  sac_real *o = agent.machine.take(obs.size()), *h = agent.machine.take(noise.size());
  sac_real *a = agent.machine.take(kRows * kAct);
  agent.machine.write(o, obs), agent.machine.write(h, noise);
  sac_act step = {kRows, {o, 0, kObs, 1}, {h, 0, kAct, 1}, {a, 0, kAct, 1}};
  sac_agent_act(agent.agent, &step);
  return agent.machine.read(a, kRows * kAct);
}

TEST(Hierarchy, AnUpperLayerOfPureNoiseDoesWhatTheLowerOneDoes) {
  const std::vector<sac_real> obs = normals(1, kRows * kObs), noise = normals(2, kRows * kAct);
  for (const char *type : {"gaussian", "realnvp"}) {
    Agent upper(sac_test::join(
                    kUpper, {std::string("policy.type=") + type, "policy.flow={preprocess: [5]}"}),
                {4}, 8);
    Stack stack(upper.machine, {kObs});
    upper.agent->lower = stack.lower;
    // mean 0 and log sigma 0; a flow begins as the identity anyway
    if (std::string(type) == "gaussian") zero(upper);
    EXPECT_TRUE(same_bits(act(upper, obs, noise), stack.act(upper.machine, obs, noise))) << type;
  }
}

TEST(Hierarchy, LayersActInTurnAndSeeTheirPrefixOnly) {
  Machine machine;
  Stack both(machine, {2, kObs}), upper(machine, {2}), lower(machine, {kObs, kObs});
  std::vector<sac_real> obs = normals(1, kRows * kObs), latent = normals(2, kRows * kAct);
  std::vector<sac_real> action = both.act(machine, obs, latent);
  for (sac_real a : action) EXPECT_LT(std::abs(a), 1);
  // the same two by hand: the first is unsquashed in the stack
  upper.lower->layer[0].policy.flow.squash = false;
  std::vector<sac_real> between = upper.act(machine, obs, latent);
  Stack second(machine, {kObs, kObs});
  machine.write(second.lower->layer[0].policy.params.value,
                normals(71, second.lower->layer[0].policy.params.count, 0.5));
  second.lower->n_layers = 1;
  second.lower->layer[0].policy.flow.squash = true;
  EXPECT_TRUE(same_bits(action, second.act(machine, obs, between)));
  second.lower->n_layers = 2;
  // what lies beyond the prefix moves nothing above the lowest layer
  std::vector<sac_real> other = obs;
  for (int r = 0; r < kRows; r++) other[(size_t)(r * kObs + 2)] += 1;
  EXPECT_TRUE(same_bits(between, upper.act(machine, other, latent)));
  EXPECT_FALSE(same_bits(action, both.act(machine, other, latent)));
}

struct Actor {
  Actor(Agent &agent, sac_backend *host) : layout(sac_row_layout_make(kObs, kAct)) {
    sac_actor_options options = {};
    options.agent = agent.agent;
    options.host = host;
    options.rows = kRows;
    options.layout = layout;
    static const uint64_t seeds[] = {9};
    options.seeds = seeds;
    sac_error err = {};
    EXPECT_EQ(SAC_OK, sac_actor_create(&options, &actor, &err)) << err.text;
  }
  ~Actor() { sac_actor_destroy(actor); }
  Actor(const Actor &) = delete;
  Actor &operator=(const Actor &) = delete;

  std::vector<sac_real> columns(const sac_real *rows, int first, int count) {
    std::vector<sac_real> out;
    for (int r = 0; r < kRows; r++)
      for (int j = 0; j < count; j++) out.push_back(rows[r * layout.width + first + j]);
    return out;
  }
  sac_row_layout layout;
  sac_actor *actor = nullptr;
};

// the first of the normals that an actor of seed 9 draws at step 5
sac_real normal_at(Machine &machine) {
  sac_real *out = machine.take(kRows * kAct);
  uint64_t *numbers = machine.take<uint64_t>(2);
  machine.write(numbers, std::vector<uint64_t>{9, 5});
  sac_normal_fill fill = {1, kRows, kAct, 0, numbers, SAC_DRAW_ACT, numbers + 1, {out, 0, kAct, 1}};
  machine.backend->ops->normal_fill(machine.backend, &fill);
  return machine.read(out, 1)[0];
}

// what is stored is the latent, what the environments get is the lowest layer's action
TEST(Hierarchy, AnActorKeepsTheLatentAndAppliesTheAction) {
  for (bool copies : {false, true})
    for (bool explores : {false, true}) {
      Agent agent(kUpper, {4}, 8);
      Machine host;
      Stack stack(agent.machine, {2, kObs});
      agent.agent->lower = stack.lower;
      Actor actor(agent, copies ? host.backend : nullptr);
      std::vector<sac_real> rows = normals(3, kRows * (size_t)actor.layout.width), given = rows;
      auto draw = explores ? sac_actor_draw_prior : sac_actor_draw;
      ASSERT_EQ(SAC_OK, draw(actor.actor, 5, rows.data(), nullptr));
      std::vector<sac_real> obs = actor.columns(rows.data(), 0, kObs);
      EXPECT_TRUE(same_bits(obs, actor.columns(given.data(), 0, kObs)));
      std::vector<sac_real> latent = actor.columns(rows.data(), kObs, kAct);
      std::vector<sac_real> applied = actor.columns(sac_actor_applied(actor.actor), kObs, kAct);
      EXPECT_TRUE(same_bits(applied, stack.act(agent.machine, obs, latent)));
      if (explores) {
        EXPECT_EQ(latent[0], normal_at(agent.machine));
      }
      EXPECT_FALSE(same_bits(latent, actor.columns(given.data(), kObs, kAct)));
    }
}

TEST(Hierarchy, ACopyOnAnotherDeviceActsAlike) {
  Machine machine, shim(1, "shim");
  Stack stack(machine, {2, kObs});
  sac_hierarchy *copy = nullptr;
  ASSERT_EQ(SAC_OK, sac_hierarchy_copy(stack.lower, shim.backend, kRows, &copy, nullptr));
  Stack there(shim, {});
  std::swap(there.lower, copy);
  sac_hierarchy_destroy(copy);
  std::vector<sac_real> obs = normals(1, kRows * kObs), latent = normals(2, kRows * kAct);
  std::vector<sac_real> here = stack.act(machine, obs, latent), far = there.act(shim, obs, latent);
  for (size_t i = 0; i < here.size(); i++) EXPECT_NEAR(here[i], far[i], 1e-5);
}

// ---- what the kinds do in an agent

TEST(Choice, TheDeterministicActionIsTheCandidateWithTheLargestQ) {
  for (const char *type : {"gmm", "realnvp"}) {
    Agent agent({std::string("policy.type=") + type, "policy.hidden=[6]", "critic.hidden=[6]",
                 "policy.flow={preprocess: [6], candidates: 12}", "policy.init=torch"},
                {4, 5}, 8);
    const int times = agent.agent->policy.candidates;
    ASSERT_EQ(times, std::string(type) == "gmm" ? 4 : 12);
    std::vector<sac_real> obs = normals(1, 2 * kRows * kObs);
    sac_real *o = agent.machine.take(obs.size()), *a = agent.machine.take(2 * kRows * kAct);
    agent.machine.write(o, obs);
    sac_act step = {kRows, {o, kRows * kObs, kObs, 1}, {}, {a, kRows * kAct, kAct, 1}};
    sac_agent_act(agent.agent, &step);
    std::vector<sac_real> action = agent.machine.read(a, 2 * kRows * kAct);
    const sac_choice &choice = agent.agent->choice;
    sac_stack q = sac_mlp_output(&agent.agent->q.mlp, &choice.q_pass);
    for (int s = 0; s < 2; s++)
      for (int r = 0; r < kRows; r++) {
        int best = -1;
        double most = -1e30;
        for (int t = 0; t < times; t++) {
          double least = 1e30;
          for (int k = 0; k < 2; k++)
            least = std::min(least, (double)agent.machine.read(
                                        sac_stack_row(&q, 2 * s + k, r * times + t), 1)[0]);
          if (least > most) most = least, best = t;
        }
        std::vector<sac_real> row =
            agent.machine.read(sac_stack_row(&choice.judged, s, r * times + best), kObs + kAct);
        for (int j = 0; j < kObs; j++)
          EXPECT_EQ(row[(size_t)j], obs[(size_t)((s * kRows + r) * kObs + j)]);
        for (int j = 0; j < kAct; j++)
          EXPECT_EQ(row[(size_t)(kObs + j)], action[(size_t)((s * kRows + r) * kAct + j)]);
      }
    sac_agent_act(agent.agent, &step);
    EXPECT_TRUE(same_bits(action, agent.machine.read(a, 2 * kRows * kAct))) << "it draws anew";
  }
}

// the gradient that learns is that of mean((integrand + baseline) log pi), all but log pi held
TEST(Mixture, LearnsByTheLikelihoodRatio) {
  for (const char *name : {"sac", "sac_v1"}) {
    const int rows = 6;
    Agent agent({std::string("algorithm.name=") + name, "policy.type=gmm", "policy.hidden=[5]",
                 "critic.hidden=[6]", "policy.init=torch", "policy.gmm={components: 3}"},
                {4}, rows);
    auto &options = agent.agent->cfg.algorithm;
    options.policy_lr = options.q_lr = options.v_lr = options.alpha_lr = 0;
    options.tau = 0;
    agent.fill_batch(5);
    agent.agent->def->learn(agent.agent);
    sac_agent *self = agent.agent;
    std::vector<sac_real> grad = agent.values(self->policy.params, self->policy.params.grad);
    std::vector<sac_real> integrand = agent.machine.read(self->batch.integrand.data, rows);
    std::vector<sac_real> baseline =
        self->def->uses_value
            ? agent.machine.read(sac_mlp_output(&self->value.mlp, &self->value_pass).data, rows)
            : agent.machine.read(self->batch.v_target.data, rows);
    double mean = 0;
    for (sac_real x : integrand) mean += (double)x / rows;
    EXPECT_NEAR(mean, agent.machine.read(self->losses.policy, 1)[0], 1e-5);
    if (sizeof(sac_real) == 4) continue;  // differences need the double build
    // log pi of the actions that were drawn, whose noise moves with the weights: through the op's
    // own density at a fixed u, by way of a noise that gives that u again
    sac_real *action = agent.machine.take(rows * kAct);
    sac_policy_draw draw = {rows,
                            self->batch.both,
                            self->batch.noise,
                            {action, rows * kAct, kAct, 1},
                            self->batch.log_pi,
                            {}};
    sac_policy_sample(&self->policy, &self->policy_pass, &draw);
    std::vector<sac_real> before = agent.machine.read(action, rows * kAct);
    auto weighed = [&] {
      // density of `before` under the head as it is now
      sac_policy_sample(&self->policy, &self->policy_pass, &draw);
      sac_stack head = sac_mlp_output(&self->policy.mlp, &self->policy_pass.mlp);
      double sum = 0;
      for (int r = 0; r < rows; r++) {
        std::vector<sac_real> h = agent.machine.read(sac_stack_row(&head, 0, r), 15);
        double density = 0, all = 0;
        for (int k = 0; k < 3; k++) all += std::exp((double)h[(size_t)(12 + k)]);
        for (int k = 0; k < 3; k++) {
          double part = std::exp((double)h[(size_t)(12 + k)]) / all;
          for (int j = 0; j < kAct; j++) {
            double u = std::atanh((double)before[(size_t)(r * kAct + j)]);
            double sigma = std::exp((double)h[(size_t)(6 + k * kAct + j)]);
            double z = (u - (double)h[(size_t)(k * kAct + j)]) / sigma;
            part *= std::exp(-0.5 * z * z) / sigma;
          }
          density += part;
        }
        sum +=
            ((double)integrand[(size_t)r] + (double)baseline[(size_t)r]) * std::log(density) / rows;
      }
      return sum;
    };
    sac_params &params = self->policy.params;
    double worst = 0, largest = 0;
    for (size_t k = 0; k < params.count; k += 3) {
      double x = agent.machine.read(params.value + k, 1)[0];
      agent.machine.write(params.value + k, {(sac_real)(x + 1e-6)});
      double above = weighed();
      agent.machine.write(params.value + k, {(sac_real)(x - 1e-6)});
      double slope = (above - weighed()) / 2e-6;
      agent.machine.write(params.value + k, {(sac_real)x});
      worst = std::max(worst, std::abs(slope - (double)grad[k]));
      largest = std::max(largest, std::abs(slope));
    }
    EXPECT_GT(largest, 1e-2);
    EXPECT_LE(worst, 1e-6 * largest) << name;
  }
}

// the baseline only steadies it: it must not depend on the first action's noise
TEST(Mixture, TheBaselineDoesNotSeeTheActionItSteadies) {
  Agent one({"policy.type=gmm", "policy.hidden=[5]", "critic.hidden=[6]"}, {4}, 6),
      other({"policy.type=gmm", "policy.hidden=[5]", "critic.hidden=[6]"}, {4}, 6);
  std::vector<sac_real> baseline[2];
  Agent *agents[] = {&one, &other};
  for (int i = 0; i < 2; i++) {
    sac_agent *self = agents[i]->agent;
    auto &options = self->cfg.algorithm;
    options.policy_lr = options.q_lr = options.alpha_lr = 0;
    agents[i]->fill_batch(5);
    agents[i]->put(self->batch.noise, 0, 0, 0, normals(90 + (unsigned)i, 6 * 4), 4);
    self->def->learn(self);
    baseline[i] = agents[i]->machine.read(self->batch.v_target.data, 6);
  }
  EXPECT_TRUE(same_bits(baseline[0], baseline[1]));
  EXPECT_NE(baseline[0][0], 0);
}

}  // namespace
