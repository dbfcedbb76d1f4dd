#include "inference/solution.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "inference/messages.h"
#include "inference/stationary.h"

typedef struct need {
  size_t states, choices;  // numbers in (n_times + 1, n_states) and (n_times, stride)
  int of_states, of_choices;
} need;

static need measure(const sac_mdp *mdp, sac_inference_mode mode) {
  size_t times = (size_t)sac_mdp_times(mdp), stride = (size_t)sac_mdp_stride(mdp);
  bool finite = mdp->horizon > 0, exact = mode == SAC_INFERENCE_EXACT;
  return (need){.states = (times + 1) * (size_t)mdp->n_states,
                .choices = times * (stride > 0 ? stride : 1),
                .of_states = 1 + finite + (finite && exact ? 2 : 0),
                .of_choices = 2};
}

static sac_status check_memory(const sac_mdp *mdp, const need *wanted, sac_error *err) {
  double bytes = 8.0 * ((double)wanted->states * wanted->of_states +
                        (double)wanted->choices * wanted->of_choices);
  double there = (double)sac_memory_available();
  if (there <= 0 || bytes < 0.9 * there) return SAC_OK;
  return sac_error_set(err, SAC_FAILED,
                       "the messages of %d times, %d states and %d choices take %.3g GB, %.3g GB "
                       "are free: a shorter horizon, or discount without one, takes less",
                       sac_mdp_times(mdp), mdp->n_states, sac_mdp_stride(mdp), bytes / 1e9,
                       there / 1e9);
}

static double *take(size_t count, bool *fits) {
  double *numbers = calloc(count, sizeof *numbers);
  *fits = *fits && numbers;
  return numbers;
}

static sac_status allocate(const sac_mdp *mdp, sac_solution *self, sac_error *err) {
  need wanted = measure(mdp, self->mode);
  SAC_TRY(check_memory(mdp, &wanted, err));
  bool fits = true, finite = mdp->horizon > 0;
  self->v = take(wanted.states, &fits);
  self->q = take(wanted.choices, &fits);
  self->policy = take(wanted.choices, &fits);
  if (finite) self->visits = take(wanted.states, &fits);
  if (finite && self->mode == SAC_INFERENCE_EXACT) {
    self->forward = take(wanted.states, &fits);
    self->posterior = take(wanted.states, &fits);
    self->log_evidence = take((size_t)self->n_times + 1, &fits);
  }
  return fits ? SAC_OK : sac_error_set(err, SAC_FAILED, "no memory for the messages");
}

// log sum_s p(s_0) exp(V_0 / alpha)
static double start_evidence(const sac_mdp *mdp, const double *v) {
  double most = -INFINITY, sum = 0;
  for (int s = 0; s < mdp->n_states; s++)
    if (mdp->start[s] > 0) most = fmax(most, v[s]);
  for (int s = 0; s < mdp->n_states; s++)
    if (mdp->start[s] > 0) sum += mdp->start[s] * exp((v[s] - most) / mdp->temperature);
  return most / mdp->temperature + log(sum);
}

static sac_status solve_horizon(const sac_mdp *mdp, sac_solution *self, sac_error *err) {
  sac_messages_backward(mdp, self);
  sac_policy_visits(mdp, self->policy, self->stride, self->visits);
  if (self->mode == SAC_INFERENCE_VARIATIONAL) return SAC_OK;
  double *scratch = malloc(sizeof *scratch * (size_t)mdp->n_states);
  if (!scratch) return sac_error_set(err, SAC_FAILED, "no memory for the forward messages");
  sac_messages_forward(mdp, self, scratch);
  free(scratch);
  return SAC_OK;
}

static sac_status solve(const sac_mdp *mdp, sac_solution *self, sac_error *err) {
  SAC_TRY(allocate(mdp, self, err));
  if (mdp->horizon > 0)
    SAC_TRY(solve_horizon(mdp, self, err));
  else
    SAC_TRY(sac_stationary_solve(mdp, self, err));
  for (int s = 0; s < mdp->n_states; s++) self->value += mdp->start[s] * self->v[s];
  if (self->mode == SAC_INFERENCE_EXACT) self->log_p_o = start_evidence(mdp, self->v);
  return sac_policy_evaluate(mdp, self->policy, self->stride, &self->worth, err);
}

sac_status sac_solution_create(const sac_mdp *mdp, sac_inference_mode mode, sac_solution **solution,
                               sac_error *err) {
  sac_solution *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for a solution");
  self->mode = mode;
  self->n_times = sac_mdp_times(mdp);
  self->n_states = mdp->n_states;
  self->stride = sac_mdp_stride(mdp);
  sac_status status = solve(mdp, self, err);
  if (status == SAC_OK)
    *solution = self;
  else
    sac_solution_destroy(self);
  return status;
}

void sac_solution_destroy(sac_solution *solution) {
  if (!solution) return;
  free(solution->v);
  free(solution->q);
  free(solution->policy);
  free(solution->visits);
  free(solution->forward);
  free(solution->posterior);
  free(solution->log_evidence);
  free(solution);
}

// the number of choices where it is the same for all states and all of them are equally likely,
// else
// 0
static int uniform_choices(const sac_mdp_stage *stage) {
  int count = stage->first_choice[1];
  for (int s = 0; s < stage->n_states; s++)
    if (stage->first_choice[s + 1] - stage->first_choice[s] != count) return 0;
  for (int c = 0; c < stage->n_choices; c++)
    if (fabs(stage->prior[c] * count - 1) > 1e-12) return 0;
  return count;
}

bool sac_solution_no_prior(const sac_solution *solution, const sac_mdp *mdp, int t, double *shift_v,
                           double *shift_q) {
  double gamma = mdp->discount, later = mdp->horizon - 1 - t;
  if (solution->mode == SAC_INFERENCE_EXACT && gamma < 1) return false;
  int count = uniform_choices(mdp->stages[0]);
  for (int i = 0; i < mdp->n_stages; i++)
    if (count == 0 || uniform_choices(mdp->stages[i]) != count) return false;
  // every decision to come adds log |A|, discounted
  if (gamma < 1) later = (1 - (mdp->horizon > 0 ? pow(gamma, later) : 0)) / (1 - gamma);
  *shift_q = mdp->temperature * log(count) * gamma * later;
  *shift_v = mdp->temperature * log(count) + *shift_q;
  return true;
}
