#include "data/normaliser.h"

#include <math.h>
#include <stdlib.h>

static const double first_count = 1e-4, epsilon = 1e-8;

static sac_status open_running(int dim, sac_running *running, sac_error *err) {
  *running = (sac_running){.dim = dim, .count = first_count};
  running->mean = calloc((size_t)dim, sizeof *running->mean);
  running->var = calloc((size_t)dim, sizeof *running->var);
  if (!running->mean || !running->var)
    return sac_error_set(err, SAC_FAILED, "no memory for statistics of %d values", dim);
  for (int j = 0; j < dim; j++) running->var[j] = 1;
  return SAC_OK;
}

static void close_running(sac_running *running) {
  free(running->mean);
  free(running->var);
}

// a column of `rows` rows: its mean, and the mean square about that
static void measure(const sac_real *at, int rows, int ld, double *mean, double *var) {
  double sum = 0, squares = 0;
  for (int i = 0; i < rows; i++) sum += (double)at[(size_t)i * (size_t)ld];
  *mean = sum / rows;
  for (int i = 0; i < rows; i++) {
    double off = (double)at[(size_t)i * (size_t)ld] - *mean;
    squares += off * off;
  }
  *var = squares / rows;
}

static void merge(sac_running *running, int j, double mean, double var, int rows) {
  double total = running->count + rows, delta = mean - running->mean[j];
  double squares =
      running->var[j] * running->count + var * rows + delta * delta * running->count * rows / total;
  running->mean[j] += delta * rows / total;
  running->var[j] = squares / total;
}

sac_status sac_normaliser_create(int obs_dim, int n_envs, double gamma, sac_normaliser **normaliser,
                                 sac_error *err) {
  sac_normaliser *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for running statistics");
  self->n_envs = n_envs;
  self->gamma = gamma;
  self->discounted = calloc((size_t)n_envs, sizeof *self->discounted);
  self->obs_mean = calloc((size_t)obs_dim, sizeof *self->obs_mean);
  self->obs_scale = calloc((size_t)obs_dim, sizeof *self->obs_scale);
  sac_status status = open_running(obs_dim, &self->obs, err);
  if (status == SAC_OK) status = open_running(1, &self->returns, err);
  if (status == SAC_OK && !(self->discounted && self->obs_mean && self->obs_scale))
    status = sac_error_set(err, SAC_FAILED, "no memory for running statistics");
  if (status == SAC_OK) {
    sac_normaliser_settle(self);
    *normaliser = self;
  } else {
    sac_normaliser_destroy(self);
  }
  return status;
}

void sac_normaliser_destroy(sac_normaliser *normaliser) {
  if (!normaliser) return;
  close_running(&normaliser->obs);
  close_running(&normaliser->returns);
  free(normaliser->discounted);
  free(normaliser->obs_mean);
  free(normaliser->obs_scale);
  free(normaliser);
}

void sac_normaliser_see(sac_normaliser *normaliser, const sac_real *obs, int ld) {
  int n = normaliser->n_envs;
  for (int j = 0; j < normaliser->obs.dim; j++) {
    double mean, var;
    measure(obs + j, n, ld, &mean, &var);
    merge(&normaliser->obs, j, mean, var, n);
  }
  normaliser->obs.count += n;
  sac_normaliser_settle(normaliser);
}

void sac_normaliser_reward(sac_normaliser *normaliser, const sac_real *reward, int ld,
                           const bool *ended) {
  int n = normaliser->n_envs;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; i++) {
    double *at = &normaliser->discounted[i];
    *at = *at * normaliser->gamma + (double)reward[(size_t)i * (size_t)ld];
    sum += *at;
  }
  for (int i = 0; i < n; i++) {
    double off = normaliser->discounted[i] - sum / n;
    squares += off * off;
  }
  merge(&normaliser->returns, 0, sum / n, squares / n, n);
  normaliser->returns.count += n;
  for (int i = 0; i < n; i++)
    if (ended[i]) normaliser->discounted[i] = 0;
  sac_normaliser_settle(normaliser);
}

void sac_normaliser_settle(sac_normaliser *normaliser) {
  const sac_running *obs = &normaliser->obs;
  for (int j = 0; j < obs->dim; j++) {
    normaliser->obs_mean[j] = (sac_real)obs->mean[j];
    normaliser->obs_scale[j] = (sac_real)(1 / sqrt(obs->var[j] + epsilon));
  }
  normaliser->reward_scale = (sac_real)(1 / sqrt(normaliser->returns.var[0] + epsilon));
}
