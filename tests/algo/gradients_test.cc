// Every gradient of every loss against central differences of that loss, through the algorithms'
// own updates with all learning rates at zero, in the double build.
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
using sac_test::normals;

struct Case {
  const char *name;
  std::vector<std::string> overrides;
};
void PrintTo(const Case &one, std::ostream *out) {
  *out << one.name;
}

// a loss, one value for each of its members, and the parameters it trains
struct Loss {
  const char *name;
  sac_params *params;
  const sac_real *at;
};

class Gradients : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (sizeof(sac_real) == 4) GTEST_SKIP() << "differences need the double build";
    const std::vector<std::string> small = {"policy.hidden=[5,4]", "critic.hidden=[4,5]"};
    agent =
        std::make_unique<Agent>(join(small, GetParam().overrides), std::vector<uint64_t>{1, 2}, 7);
    stand_still();
    draw_parameters();
    agent->fill_batch(5, 2);
  }

  // an update then leaves its gradients and changes nothing
  void stand_still() {
    auto &options = agent->agent->cfg.algorithm;
    options.policy_lr = options.q_lr = options.v_lr = options.alpha_lr = 0;
    options.tau = 0;
  }
  // no bias stays at zero, where a dead unit would sit on the knee
  void draw_parameters() {
    unsigned words = 40;
    for (sac_params *params : agent->params())
      agent->machine.write(params->value, normals(words++, (size_t)params->n * params->count, 0.7));
  }
  void learn() { agent->agent->def->learn(agent->agent); }

  std::vector<Loss> losses() {
    sac_agent *self = agent->agent;
    std::vector<Loss> all = {{"J_Q", &self->q.params, self->losses.q}};
    // a sampler follows a direction, which is no loss's gradient: see soft_q_learning_test.cc
    if (!self->def->uses_particles)
      all.push_back({"J_pi", &self->policy.params, self->losses.policy});
    if (self->def->uses_value) all.push_back({"J_V", &self->value.params, self->losses.v});
    if (self->learns_temperature)
      all.push_back({"J_alpha", &self->temperature, self->losses.temperature});
    return all;
  }

  double loss_of(const Loss &loss, int member) {
    learn();
    return agent->machine.read(loss.at + member, 1)[0];
  }

  // NaN where a knee of a unit, a minimum, a clamp or Huber's loss lies within the step
  double slope_at(const Loss &loss, int member, sac_real *place) {
    double x = agent->machine.read(place, 1)[0], slope[2];
    for (int k = 0; k < 2; k++) {
      double h = 1e-6 * std::max(1.0, std::abs(x)) / (k + 1);
      agent->machine.write(place, {(sac_real)(x + h)});
      double above = loss_of(loss, member);
      agent->machine.write(place, {(sac_real)(x - h)});
      slope[k] = (above - loss_of(loss, member)) / (2 * h);
      rounding = std::max(rounding, 2 * epsilon * std::abs(above) / h);
    }
    agent->machine.write(place, {(sac_real)x});
    bool smooth = std::abs(slope[0] - slope[1]) < 1e-6 * (1 + std::abs(slope[0]));
    return smooth ? slope[0] : std::numeric_limits<double>::quiet_NaN();
  }

  void check_view(const Loss &loss, int member, int i_view, const std::vector<sac_real> &grad) {
    const sac_param_view &view = loss.params->views[i_view];
    double worst = 0, largest = 0;
    rounding = 0;
    for (size_t k = 0; k < sac_param_size(&view); k++) {
      size_t place = (size_t)member * loss.params->count + view.offset + k;
      double slope = slope_at(loss, member, loss.params->value + place);
      coordinates++;
      if (std::isnan(slope)) continue;
      smooth++;
      worst = std::max(worst, std::abs((double)grad[place] - slope));
      largest = std::max(largest, std::abs(slope));
    }
    EXPECT_LE(worst, sac_test::gradient_tolerance() * largest + rounding)
        << loss.name << " member " << member << " " << view.name;
    norm += largest;
  }

  // what the loss's own rounding makes of a difference quotient, at most
  static constexpr double epsilon = 2.2e-16;
  double rounding = 0;
  std::unique_ptr<Agent> agent;
  int coordinates = 0, smooth = 0;
  double norm = 0;
};

TEST_P(Gradients, AreTheDifferenceQuotients) {
  for (const Loss &loss : losses()) {
    learn();
    std::vector<sac_real> grad = agent->values(*loss.params, loss.params->grad);
    norm = 0;
    for (int member = 0; member < loss.params->n; member++)
      for (int i = 0; i < loss.params->n_views; i++) check_view(loss, member, i, grad);
    EXPECT_GT(norm, 1e-2) << loss.name << ": the case says nothing";
  }
  EXPECT_GE(smooth, coordinates * 98 / 100);
}

const std::vector<std::string> kFlow = {"policy.type=realnvp", "policy.flow={preprocess: [5, 4]}"};

const Case kCases[] = {
    {"Sac", {}},
    {"SacHuber", {"algorithm.critic_loss=huber"}},
    {"SacFirst", {"algorithm.actor_q=first"}},
    {"SacMeanOfThree", {"algorithm.actor_q=mean", "algorithm.n_critics=3"}},
    {"SacMinOfThree", {"algorithm.n_critics=3", "algorithm.target_subset=2"}},
    {"SacNormalPrior", {"algorithm.action_prior=normal"}},
    {"SacFixedTemperature", {"algorithm.ent_coef=0.3", "algorithm.reward_scale=5"}},
    {"SacEpsCorrection", {"policy.squash_correction=eps"}},
    {"SacClampBothWays", {"policy.log_std={min: -0.4, max: 0.3}"}},
    {"SacTanhLogStd", {"policy.log_std={mode: tanh, min: -5, max: 2}"}},
    {"SacSoftplusLogStd", {"policy.log_std={mode: softplus}"}},
    {"SacTanhUnits", {"policy.activation=tanh", "critic.activation=tanh"}},
    {"SacUnsquashed", {"policy.squash=false"}},
    {"SacUnsquashedNormalPrior", {"policy.squash=false", "algorithm.action_prior=normal"}},
    {"SacLayerNorm", {"critic.layer_norm=true", "policy.layer_norm=true"}},
    {"SacDroq",
     {"critic.layer_norm=true", "critic.dropout=0.2", "algorithm.actor_q=mean",
      "algorithm.n_steps=3"}},
    {"SacDropoutTanhUnits", {"critic.dropout=0.3", "critic.activation=tanh"}},
    {"SacRedqByPriority",
     {"algorithm.n_critics=4", "algorithm.target_subset=2", "algorithm.actor_q=mean",
      "algorithm.priority.enabled=true"}},
    {"SacRealnvp", kFlow},
    {"SacRealnvpEpsCorrectionMeanOfThree",
     join(kFlow,
          {"policy.squash_correction=eps", "algorithm.actor_q=mean", "algorithm.n_critics=3"})},
    {"SacRealnvpUnsquashedNormalPrior",
     join(kFlow, {"policy.squash=false", "algorithm.action_prior=normal"})},
    {"SacV1RealnvpDeepUnbounded",
     join(kFlow, {"algorithm.name=sac_v1",
                  "policy.flow={coupling_layers: 3, st_hidden: [4], preprocess: [5], scale_max: "
                  "null}"})},
    {"SacV1", {"algorithm.name=sac_v1"}},
    {"SacV1DropoutLayerNorm",
     {"algorithm.name=sac_v1", "critic.dropout=0.2", "critic.layer_norm=true",
      "policy.layer_norm=true", "algorithm.n_steps=2", "algorithm.critic_loss=huber",
      "algorithm.priority.enabled=true"}},
    {"SacV1Sequential", {"algorithm.name=sac_v1", "algorithm.update_order=sequential"}},
    {"SacV1Huber", {"algorithm.name=sac_v1", "algorithm.critic_loss=huber"}},
    {"SacV1NormalPriorFirst",
     {"algorithm.name=sac_v1", "algorithm.action_prior=normal", "algorithm.actor_q=first",
      "algorithm.ent_coef=0.4"}},
    {"SacV1MeanOfThree",
     {"algorithm.name=sac_v1", "algorithm.n_critics=3", "algorithm.actor_q=mean"}},
    {"SacV1Unsquashed", {"algorithm.name=sac_v1", "policy.squash=false"}},
    {"SacV1EpsCorrectionSoftplus",
     {"algorithm.name=sac_v1", "policy.squash_correction=eps", "policy.log_std={mode: softplus}"}},
    {"Sql", {"algorithm.name=sql"}},
    {"SqlByPolicy", {"algorithm.name=sql", "algorithm.sql.value_proposal=policy"}},
};
INSTANTIATE_TEST_SUITE_P(Cases, Gradients, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case> &info) { return info.param.name; });

}  // namespace
