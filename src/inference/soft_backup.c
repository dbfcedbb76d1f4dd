// Levine 2018, "Reinforcement Learning and Control as Probabilistic Inference", sections 2 and 3.
#include "inference/soft_backup.h"

#include <math.h>

sac_soft_backup sac_soft_backup_of(const sac_mdp *mdp, sac_inference_mode mode) {
  return (sac_soft_backup){mode, mdp->temperature, mdp->discount};
}

// log(exp(a) + exp(b)); one of them may be -infinity
static double add_logs(double a, double b) {
  double most = fmax(a, b), least = fmin(a, b);
  return most + log1p(exp(least - most));
}

static double most_of_outcomes(const sac_mdp_stage *stage, int choice, const double *v) {
  double most = -INFINITY;
  for (int z = stage->first_outcome[choice]; z < stage->first_outcome[choice + 1]; z++)
    most = fmax(most, v[stage->next[z]]);
  return most;
}

// the sum of w exp(x) over x <= 0, and what it lacks of the sum of w
typedef struct log_sum {
  double weights, sum, lack;
} log_sum;

static void add_term(log_sum *self, double weight, double x) {
  // each of the two has all its digits: the one that is computed, and the other one too
  bool near = x > -0.5;
  double changed = near ? expm1(x) : exp(x);
  self->weights += weight;
  self->sum += weight * (near ? 1 + changed : changed);
  self->lack += weight * (near ? changed : changed - 1);
}

// its log; of probabilities to the last digit where every x is near 0, as in the heat
static double close_sum(const log_sum *self) {
  bool probabilities = fabs(self->weights - 1) < 1e-9;
  return probabilities && self->lack > -0.5 ? log1p(self->lack) : log(self->sum);
}

// alpha log sum_s' P exp(V / alpha); exactly V where only one thing can happen
static double expect_exponential(const sac_mdp_stage *stage, int choice, const double *v,
                                 double temperature) {
  double most = most_of_outcomes(stage, choice, v);
  int first = stage->first_outcome[choice], end = stage->first_outcome[choice + 1];
  if (end - first == 1) return most;
  log_sum sum = {0};
  for (int z = first; z < end; z++)
    add_term(&sum, stage->probability[z], (v[stage->next[z]] - most) / temperature);
  return most + temperature * close_sum(&sum);
}

static double expect(const sac_mdp_stage *stage, int choice, const double *v) {
  double sum = 0;
  for (int z = stage->first_outcome[choice]; z < stage->first_outcome[choice + 1]; z++)
    sum += stage->probability[z] * v[stage->next[z]];
  return sum;
}

double sac_soft_backup_q(const sac_soft_backup *backup, const sac_mdp_stage *stage, int choice,
                         const double *v_next) {
  double gamma = backup->discount, alpha = backup->temperature;
  if (backup->mode == SAC_INFERENCE_VARIATIONAL)
    return stage->reward[choice] + gamma * expect(stage, choice, v_next);
  double next = expect_exponential(stage, choice, v_next, alpha);
  if (gamma < 1) next = alpha * add_logs(log(gamma) + next / alpha, log1p(-gamma));
  return stage->reward[choice] + next;
}

// the largest Q that the prior allows
static double most_of_choices(const sac_mdp_stage *stage, int state, const double *q) {
  double most = -INFINITY;
  for (int c = stage->first_choice[state]; c < stage->first_choice[state + 1]; c++)
    if (stage->prior[c] > 0) most = fmax(most, q[c]);
  return most;
}

double sac_soft_backup_v(const sac_soft_backup *backup, const sac_mdp_stage *stage, int state,
                         const double *q) {
  int first = stage->first_choice[state], end = stage->first_choice[state + 1];
  if (first == end) return 0;
  double most = most_of_choices(stage, state, q);
  log_sum sum = {0};
  for (int c = first; c < end; c++)
    if (stage->prior[c] > 0) add_term(&sum, stage->prior[c], (q[c] - most) / backup->temperature);
  return most + backup->temperature * close_sum(&sum);
}

static void fill_policy(const sac_soft_backup *backup, const sac_mdp_stage *stage, int state,
                        const double *q, double *policy) {
  double most = most_of_choices(stage, state, q), sum = 0;
  int first = stage->first_choice[state], end = stage->first_choice[state + 1];
  for (int c = first; c < end; c++) {
    bool allowed = stage->prior[c] > 0;
    policy[c] = allowed ? stage->prior[c] * exp((q[c] - most) / backup->temperature) : 0;
    sum += policy[c];
  }
  for (int c = first; c < end; c++) policy[c] /= sum;
}

void sac_soft_backup_all(const sac_soft_backup *backup, const sac_mdp_stage *stage,
                         const double *v_next, double *q, double *v, double *policy) {
  for (int c = 0; c < stage->n_choices; c++) q[c] = sac_soft_backup_q(backup, stage, c, v_next);
  for (int s = 0; s < stage->n_states; s++) {
    v[s] = sac_soft_backup_v(backup, stage, s, q);
    fill_policy(backup, stage, s, q, policy);
  }
}

void sac_soft_backup_dynamics(const sac_mdp_stage *stage, int choice, const double *v_next,
                              double temperature, double *out) {
  double most = most_of_outcomes(stage, choice, v_next), sum = 0;
  int first = stage->first_outcome[choice], end = stage->first_outcome[choice + 1];
  for (int z = first; z < end; z++)
    sum += out[z - first] =
        stage->probability[z] * exp((v_next[stage->next[z]] - most) / temperature);
  for (int z = first; z < end; z++) out[z - first] /= sum;
}
