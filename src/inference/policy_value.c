#include "inference/policy_value.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// the three sums of one state
typedef struct sums {
  double reward, entropy, divergence;
} sums;

static double log_or_zero(double p) {
  return p > 0 ? log(p) : 0;
}

// what state s adds now and, discounted, later; `later` is (n_states)
static sums evaluate_state(const sac_mdp_stage *stage, double discount, int s, const double *policy,
                           const sums *later) {
  sums all = {0};
  for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++) {
    double p = policy[c];
    if (p <= 0) continue;
    sums next = {0};
    for (int z = stage->first_outcome[c]; z < stage->first_outcome[c + 1]; z++) {
      const sums *at = &later[stage->next[z]];
      next.reward += stage->probability[z] * at->reward;
      next.entropy += stage->probability[z] * at->entropy;
      next.divergence += stage->probability[z] * at->divergence;
    }
    double excess = stage->prior[c] > 0 ? log(p) - log(stage->prior[c]) : INFINITY;
    all.reward += p * (stage->reward[c] + discount * next.reward);
    all.entropy += p * (-log_or_zero(p) + discount * next.entropy);
    all.divergence += p * (excess + discount * next.divergence);
  }
  return all;
}

// over a horizon, from its end
static void evaluate_backward(const sac_mdp *mdp, const double *policy, int stride, sums *now,
                              sums *later) {
  size_t bytes = sizeof *now * (size_t)mdp->n_states;
  memset(now, 0, bytes);
  for (int t = mdp->horizon - 1; t >= 0; t--) {
    memcpy(later, now, bytes);
    for (int s = 0; s < mdp->n_states; s++)
      now[s] = evaluate_state(sac_mdp_at(mdp, t), mdp->discount, s,
                              policy + (size_t)t * (size_t)stride, later);
  }
}

// how far the numbers of one kind moved within a sweep, and the largest of them
typedef struct motion {
  double change, size;
} motion;

static void note_change(motion *self, double old, double new) {
  if (isinf(old) && isinf(new)) return;
  self->change = fmax(self->change, fabs(new - old));
  if (isfinite(new)) self->size = fmax(self->size, fabs(new));
}

// what rounding may leave of a change
static double floor_of(const motion *self) {
  return 16 * DBL_EPSILON * self->size;
}

static bool is_settled(const motion *self, double target) {
  return self->change <= fmax(target, floor_of(self));
}

// one pass over all states, in place, from either end
static void improve(const sac_mdp *mdp, const double *policy, bool backward, sums *values,
                    motion *returns, motion *nats) {
  for (int i = 0; i < mdp->n_states; i++) {
    int s = backward ? mdp->n_states - 1 - i : i;
    sums new = evaluate_state(mdp->stages[0], mdp->discount, s, policy, values), *old = &values[s];
    note_change(returns, old->reward, new.reward);
    note_change(nats, old->entropy, new.entropy);
    note_change(nats, old->divergence, new.divergence);
    *old = new;
  }
}

// without one, to the fixed point: a sweep shrinks the error by gamma at least
static sac_status evaluate_for_ever(const sac_mdp *mdp, const double *policy, sums *values,
                                    double *error_bound, sac_error *err) {
  double gamma = mdp->discount, target = mdp->tolerance * (1 - gamma) / gamma;
  memset(values, 0, sizeof *values * (size_t)mdp->n_states);
  for (int i = 0; i < SAC_SWEEPS_MAX; i++) {
    motion returns = {0}, nats = {0};
    improve(mdp, policy, i % 2 == 1, values, &returns, &nats);
    if (!is_settled(&returns, target) || !is_settled(&nats, target)) continue;
    *error_bound = (gamma * returns.change + floor_of(&returns)) / (1 - gamma);
    return SAC_OK;
  }
  return sac_error_set(err, SAC_BAD_NUMBER,
                       "the policy's return did not settle within %d sweeps at discount %.17g",
                       SAC_SWEEPS_MAX, gamma);
}

sac_status sac_policy_evaluate(const sac_mdp *mdp, const double *policy, int stride,
                               sac_policy_value *out, sac_error *err) {
  size_t n = (size_t)mdp->n_states;
  sums *values = malloc(sizeof *values * 2 * n);
  if (!values)
    return sac_error_set(err, SAC_FAILED, "no memory for the values of %d states", mdp->n_states);
  sac_status status = SAC_OK;
  *out = (sac_policy_value){0};
  if (mdp->horizon > 0)
    evaluate_backward(mdp, policy, stride, values, values + n);
  else
    status = evaluate_for_ever(mdp, policy, values, &out->error_bound, err);
  for (size_t s = 0; s < n && status == SAC_OK; s++) {
    if (mdp->start[s] <= 0) continue;
    out->expected_return += mdp->start[s] * values[s].reward;
    out->entropy += mdp->start[s] * values[s].entropy;
    out->divergence += mdp->start[s] * values[s].divergence;
  }
  out->objective = out->expected_return - mdp->temperature * out->divergence;
  free(values);
  return status;
}

// p(s_t) to p(s_{t+1}); an absorbing state keeps what it has
static void follow(const sac_mdp_stage *stage, double discount, const double *policy,
                   const double *now, double *next) {
  memset(next, 0, sizeof *next * (size_t)stage->n_states);
  for (int s = 0; s < stage->n_states; s++) {
    if (now[s] <= 0) continue;
    int first = stage->first_choice[s], end = stage->first_choice[s + 1];
    if (first == end) next[s] += now[s];
    for (int c = first; c < end; c++)
      for (int z = stage->first_outcome[c]; z < stage->first_outcome[c + 1]; z++)
        next[stage->next[z]] += now[s] * policy[c] * discount * stage->probability[z];
  }
}

void sac_policy_visits(const sac_mdp *mdp, const double *policy, int stride, double *visits) {
  size_t n = (size_t)mdp->n_states;
  memcpy(visits, mdp->start, sizeof *visits * n);
  for (int t = 0; t < mdp->horizon; t++)
    follow(sac_mdp_at(mdp, t), mdp->discount, policy + (size_t)t * (size_t)stride,
           visits + (size_t)t * n, visits + (size_t)(t + 1) * n);
}
