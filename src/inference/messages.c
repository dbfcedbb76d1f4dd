#include "inference/messages.h"

#include <math.h>
#include <string.h>

void sac_messages_backward(const sac_mdp *mdp, sac_solution *solution) {
  sac_soft_backup backup = sac_soft_backup_of(mdp, solution->mode);
  size_t n = (size_t)mdp->n_states, stride = (size_t)solution->stride;
  double *v = solution->v;
  memset(v + (size_t)mdp->horizon * n, 0, sizeof *v * n);
  for (int i = mdp->horizon - 1; i >= 0; i--) {
    size_t t = (size_t)i;
    sac_soft_backup_all(&backup, sac_mdp_at(mdp, i), v + (t + 1) * n, solution->q + t * stride,
                        v + t * n, solution->policy + t * stride);
  }
}

// log of a sum of exponentials that come one by one
typedef struct log_sum {
  double most, sum;  // most + log(sum); nothing yet: -infinity
} log_sum;

static void add_exponential(log_sum *self, double x) {
  if (x <= self->most) {
    if (x > -INFINITY) self->sum += exp(x - self->most);
    return;
  }
  self->sum = (self->most > -INFINITY ? self->sum * exp(self->most - x) : 0) + 1;
  self->most = x;
}

static double close_sum(const log_sum *self) {
  return self->most > -INFINITY ? self->most + log(self->sum) : -INFINITY;
}

// log f_t(s) p(a|s) exp(r / alpha)
static double weigh_choice(const sac_mdp_stage *stage, int choice, double log_f, double alpha) {
  return log_f + log(stage->prior[choice]) + stage->reward[choice] / alpha;
}

// call visit for every outcome that a state with log f_t(s) > -infinity can have, with its log
// weight in f_{t+1}
typedef void (*visitor)(double *next, double *most, int s, double log_weight);

static void find_most(double *next, double *most, int s, double log_weight) {
  (void)next;
  most[s] = fmax(most[s], log_weight);
}

static void add_up(double *next, double *most, int s, double log_weight) {
  next[s] += exp(log_weight - most[s]);
}

static void go_through(const sac_mdp *mdp, int t, const double *now, visitor visit, double *next,
                       double *most) {
  const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
  double log_gamma = log(mdp->discount);
  for (int s = 0; s < stage->n_states; s++) {
    if (now[s] == -INFINITY) continue;
    int first = stage->first_choice[s], end = stage->first_choice[s + 1];
    if (first == end) visit(next, most, s, now[s]);
    for (int c = first; c < end; c++) {
      double log_weight = weigh_choice(stage, c, now[s], mdp->temperature) + log_gamma;
      if (log_weight == -INFINITY) continue;
      for (int z = stage->first_outcome[c]; z < stage->first_outcome[c + 1]; z++)
        visit(next, most, stage->next[z], log_weight + stage->log_probability[z]);
    }
  }
}

// f_{t+1} of f_t: the largest term of each state first, so that the sum of the others keeps its
// digits
static void send_forward(const sac_mdp *mdp, int t, const double *now, double *next, double *most) {
  for (int s = 0; s < mdp->n_states; s++) {
    most[s] = -INFINITY;
    next[s] = 0;
  }
  go_through(mdp, t, now, find_most, next, most);
  go_through(mdp, t, now, add_up, next, most);
  for (int s = 0; s < mdp->n_states; s++)
    next[s] = most[s] > -INFINITY ? most[s] + log(next[s]) : -INFINITY;
}

// what discounting ends at time t
static void end_some(const sac_mdp *mdp, int t, const double *now, log_sum *ended) {
  const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
  if (mdp->discount >= 1) return;
  for (int s = 0; s < stage->n_states; s++) {
    if (now[s] == -INFINITY) continue;
    for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++)
      add_exponential(ended,
                      weigh_choice(stage, c, now[s], mdp->temperature) + log1p(-mdp->discount));
  }
}

// p(s_t|O) and log p(O) from both messages
static double weigh_states(const sac_mdp *mdp, const double *forward, const double *v,
                           double log_ended, double *posterior) {
  log_sum all = {-INFINITY, 0};
  for (int s = 0; s < mdp->n_states; s++) {
    posterior[s] = forward[s] == -INFINITY ? -INFINITY : forward[s] + v[s] / mdp->temperature;
    add_exponential(&all, posterior[s]);
  }
  add_exponential(&all, log_ended);
  double total = close_sum(&all);
  for (int s = 0; s < mdp->n_states; s++) posterior[s] = exp(posterior[s] - total);
  return total;
}

void sac_messages_forward(const sac_mdp *mdp, sac_solution *solution, double *scratch) {
  size_t n = (size_t)mdp->n_states;
  log_sum ended = {-INFINITY, 0};
  for (size_t s = 0; s < n; s++) solution->forward[s] = log(mdp->start[s]);
  for (int i = 0; i <= mdp->horizon; i++) {
    size_t t = (size_t)i;
    double *now = solution->forward + t * n;
    solution->log_evidence[t] =
        weigh_states(mdp, now, solution->v + t * n, close_sum(&ended), solution->posterior + t * n);
    if (i == mdp->horizon) break;
    end_some(mdp, i, now, &ended);
    send_forward(mdp, i, now, now + n, scratch);
  }
  solution->log_p_o = solution->log_evidence[0];
}
