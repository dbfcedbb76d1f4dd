#include "inference/policy_value.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// the three sums of one state
typedef struct sums {
  double reward, entropy, divergence;
} sums;

// what a policy brings in state s at once
static sums count_now(const sac_mdp_stage *stage, int s, const double *policy) {
  sums all = {0};
  for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++) {
    double p = policy[c];
    if (p <= 0) continue;
    all.reward += p * stage->reward[c];
    all.entropy -= p * log(p);
    all.divergence += stage->prior[c] > 0 ? p * (log(p) - log(stage->prior[c])) : INFINITY;
  }
  return all;
}

// with what follows, discounted; `later` is (n_states)
static sums add_later(const sac_mdp_stage *stage, double discount, int s, const double *policy,
                      const sums *later, sums all) {
  for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++) {
    if (policy[c] <= 0) continue;
    for (int z = stage->first_outcome[c]; z < stage->first_outcome[c + 1]; z++) {
      double weight = discount * policy[c] * stage->probability[z];
      const sums *at = &later[stage->next[z]];
      // a weight that rounds to nothing must not meet an infinite divergence
      if (weight <= 0) continue;
      all.reward += weight * at->reward;
      all.entropy += weight * at->entropy;
      all.divergence += weight * at->divergence;
    }
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
    const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
    const double *at = policy + (size_t)t * (size_t)stride;
    for (int s = 0; s < mdp->n_states; s++)
      now[s] = add_later(stage, mdp->discount, s, at, later, count_now(stage, s, at));
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

// a policy being evaluated without a horizon
typedef struct endless {
  const sac_mdp *mdp;
  const double *policy;  // (n_choices)
  sums *now, *values;    // (n_states) of one decision, and of all
} endless;

// one pass over all states, in place, from either end
static void improve(const endless *self, bool backward, motion *returns, motion *nats) {
  const sac_mdp *mdp = self->mdp;
  for (int i = 0; i < mdp->n_states; i++) {
    int s = backward ? mdp->n_states - 1 - i : i;
    sums *old = &self->values[s], new = add_later(mdp->stages[0], mdp->discount, s, self->policy,
                                                  self->values, self->now[s]);
    note_change(returns, old->reward, new.reward);
    note_change(nats, old->entropy, new.entropy);
    note_change(nats, old->divergence, new.divergence);
    *old = new;
  }
}

// to the fixed point: a sweep shrinks the error by gamma at least
static sac_status evaluate_for_ever(const endless *self, double *error_bound, sac_error *err) {
  const sac_mdp *mdp = self->mdp;
  double gamma = mdp->discount, target = mdp->tolerance * (1 - gamma) / gamma;
  for (int s = 0; s < mdp->n_states; s++) {
    self->now[s] = count_now(mdp->stages[0], s, self->policy);
    self->values[s] = (sums){0};
  }
  for (int i = 0; i < SAC_SWEEPS_MAX; i++) {
    motion returns = {0}, nats = {0};
    improve(self, i % 2 == 1, &returns, &nats);
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
    status = evaluate_for_ever(&(endless){mdp, policy, values + n, values}, &out->error_bound, err);
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
