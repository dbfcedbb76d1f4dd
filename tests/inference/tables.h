// Random and known decision problems, and what can be said of them without the code under test: by
// going through every trajectory.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <vector>

extern "C" {
#include "inference/solution.h"
}

namespace sac_test {

using Vector = std::vector<double>;

/// Dynamics, rewards and prior at one time; a row of zeros in p is no choice.
struct Stage {
  Vector p, r, prior;  // (S, A, S), (S, A), (S, A)
};

/// A problem in plain tables; `stages[t]`, the last one holds on.
struct Table {
  int n_states = 0, n_actions = 0, horizon = 0;
  double discount = 1, temperature = 1, tolerance = 1e-12;
  Vector start;
  std::vector<Stage> stages;

  const Stage &at(int t) const { return stages[std::min<size_t>(t, stages.size() - 1)]; }
  double p(int t, int s, int a, int next) const {
    return at(t).p[(s * n_actions + a) * n_states + next];
  }
  double r(int t, int s, int a) const { return at(t).r[s * n_actions + a]; }
  double prior(int t, int s, int a) const { return at(t).prior[s * n_actions + a]; }
  bool has(int t, int s, int a) const {
    for (int next = 0; next < n_states; next++)
      if (p(t, s, a, next) > 0) return true;
    return false;
  }
  bool absorbing(int t, int s) const {
    for (int a = 0; a < n_actions; a++)
      if (has(t, s, a)) return false;
    return true;
  }
  bool operator==(const Table &) const = delete;
};

/// The same as the code under test takes it.
class Problem {
 public:
  explicit Problem(const Table &table) : table(table) {
    mdp.n_states = table.n_states;
    mdp.n_actions = table.n_actions;
    mdp.horizon = table.horizon;
    mdp.discount = table.discount;
    mdp.temperature = table.temperature;
    mdp.tolerance = table.tolerance;
    mdp.n_stages = static_cast<int>(table.stages.size());
    mdp.start = static_cast<double *>(malloc(sizeof(double) * table.start.size()));
    std::copy(table.start.begin(), table.start.end(), mdp.start);
    mdp.stages = static_cast<sac_mdp_stage **>(calloc(table.stages.size(), sizeof(void *)));
    mdp.stage_from = static_cast<int *>(calloc(table.stages.size(), sizeof(int)));
    for (int t = 0; t < mdp.n_stages; t++) {
      mdp.stage_from[t] = t;
      mdp.stages[t] = make_stage(t);
    }
  }
  ~Problem() { sac_mdp_release(&mdp); }
  Problem(const Problem &) = delete;

  int choice(int t, int s, int a) const { return sac_mdp_choice_find(sac_mdp_at(&mdp, t), s, a); }

  Table table;
  sac_mdp mdp = {};

 private:
  sac_mdp_stage *make_stage(int t) const {
    std::vector<sac_transition> list;
    for (int s = 0; s < table.n_states; s++)
      for (int a = 0; a < table.n_actions; a++)
        for (int next = 0; next < table.n_states; next++)
          if (table.p(t, s, a, next) > 0)
            list.push_back({s, a, next, 0, 0, table.p(t, s, a, next)});
    sac_mdp_stage *stage = nullptr;
    EXPECT_EQ(sac_mdp_stage_create(table.n_states, table.n_actions, list.data(),
                                   static_cast<int>(list.size()), &stage, nullptr),
              SAC_OK);
    for (int s = 0; s < table.n_states; s++)
      for (int a = 0; a < table.n_actions; a++) {
        int c = sac_mdp_choice_find(stage, s, a);
        if (c < 0) continue;
        stage->reward[c] = table.r(t, s, a);
        stage->prior[c] = table.prior(t, s, a);
      }
    return stage;
  }
};

struct Destroy {
  void operator()(sac_solution *solution) const { sac_solution_destroy(solution); }
};
using Solution = std::unique_ptr<sac_solution, Destroy>;

inline Solution solve(const Problem &problem, sac_inference_mode mode) {
  sac_solution *solution = nullptr;
  sac_error err = {};
  EXPECT_EQ(sac_solution_create(&problem.mdp, mode, &solution, &err), SAC_OK) << err.text;
  return Solution(solution);
}

inline double v_at(const sac_solution *solution, int t, int s) {
  return solution->v[t * solution->n_states + s];
}
inline double of_choice(const double *numbers, const Problem &problem, const sac_solution *solution,
                        int t, int s, int a) {
  return numbers[t * solution->stride + problem.choice(t, s, a)];
}
inline double pi_at(const Problem &problem, const sac_solution *solution, int t, int s, int a) {
  return of_choice(solution->policy, problem, solution, t, s, a);
}
inline double q_at(const Problem &problem, const sac_solution *solution, int t, int s, int a) {
  return of_choice(solution->q, problem, solution, t, s, a);
}

/// Every trajectory's end: its states, its actions (-1 once it has ended or been absorbed; the
/// state of an ended one is -1), the return and the weight that `policy` gives it.
struct Trajectory {
  std::vector<int> states, actions;
  double reward, weight;
};

/// Go through all trajectories whose weight is not 0; `policy(t, s, a)` chooses.
inline void enumerate(const Table &table, const std::function<double(int, int, int)> &policy,
                      const std::function<void(const Trajectory &)> &visit) {
  std::function<void(Trajectory)> extend = [&](Trajectory so_far) {
    int t = static_cast<int>(so_far.actions.size()), s = so_far.states.back();
    if (t == table.horizon) return visit(so_far);
    if (s < 0 || table.absorbing(t, s)) {
      so_far.actions.push_back(-1);
      so_far.states.push_back(s);
      return extend(so_far);
    }
    for (int a = 0; a < table.n_actions; a++) {
      if (!table.has(t, s, a) || policy(t, s, a) <= 0) continue;
      for (int next = -1; next < table.n_states; next++) {
        double p = next < 0 ? 1 - table.discount : table.discount * table.p(t, s, a, next);
        if (p <= 0) continue;
        Trajectory longer = so_far;
        longer.actions.push_back(a);
        longer.states.push_back(next);
        longer.reward += table.r(t, s, a);
        longer.weight *= policy(t, s, a) * p;
        extend(longer);
      }
    }
  };
  for (int s = 0; s < table.n_states; s++)
    if (table.start[s] > 0) extend({{s}, {}, 0, table.start[s]});
}

using Random = std::mt19937_64;

inline double uniform(Random &random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

/// `count` positive numbers that sum to 1, some of them 0 where `sparse`.
inline Vector simplex(Random &random, int count, bool sparse) {
  Vector out(count);
  double sum = 0;
  for (double &x : out) sum += x = sparse && random() % 2 ? 0 : -std::log(uniform(random, 1e-3, 1));
  if (sum == 0) out[random() % count] = sum = 1;
  for (double &x : out) x /= sum;
  return out;
}

enum class Kind { kDense, kSparse, kDeterministic, kHoles };

inline Stage random_stage(Random &random, int n_states, int n_actions, Kind kind) {
  Stage stage;
  for (int s = 0; s < n_states; s++) {
    // the last state of tables with holes is absorbing, and each other state may lack an action
    bool absorbing = kind == Kind::kHoles && s == n_states - 1;
    int lacking = kind == Kind::kHoles ? static_cast<int>(random() % (n_actions + 1)) : -1;
    Vector prior(n_actions);
    double sum = 0;
    for (int a = 0; a < n_actions; a++) {
      bool none = absorbing || (a == lacking && n_actions > 1);
      Vector row = kind == Kind::kDeterministic ? Vector(n_states)
                                                : simplex(random, n_states, kind != Kind::kDense);
      if (kind == Kind::kDeterministic) row[random() % n_states] = 1;
      if (none) row.assign(n_states, 0);
      stage.p.insert(stage.p.end(), row.begin(), row.end());
      stage.r.push_back(none ? 0 : uniform(random, -2, 1));
      sum += prior[a] = none ? 0 : uniform(random, 0.1, 1);
    }
    for (double x : prior) stage.prior.push_back(sum > 0 ? x / sum : 0);
  }
  return stage;
}

inline Table random_table(Random &random, Kind kind, int n_stages = 1) {
  Table table;
  table.n_states = 2 + static_cast<int>(random() % 2);
  table.n_actions = 1 + static_cast<int>(random() % 3);
  table.horizon = 1 + static_cast<int>(random() % 4);
  if (table.n_states * table.n_actions > 6 && table.horizon > 3) table.horizon = 3;
  table.temperature = std::exp(uniform(random, -1.5, 1.5));
  table.start = simplex(random, table.n_states, kind == Kind::kSparse);
  for (int i = 0; i < n_stages; i++)
    table.stages.push_back(random_stage(random, table.n_states, table.n_actions, kind));
  return table;
}

}  // namespace sac_test
