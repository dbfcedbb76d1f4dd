#include "train/aggregate.h"

#include <math.h>
#include <stdlib.h>

#include "backend/formulas/random.h"

enum { RESAMPLES = 2000, STATISTICS = 3 };

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double mean_of(const double *values, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += values[i];
  return sum / n;
}

// between the two sorted values around place p (n - 1)
static double quantile_of(const double *sorted, int n, double p) {
  double place = p * (n - 1);
  int below = (int)place, above = below + 1 < n ? below + 1 : below;
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

// mean, median, and the mean without the lowest and the highest quarter; `values` get sorted
static void find_statistics(double *values, int n, double out[STATISTICS]) {
  qsort(values, (size_t)n, sizeof *values, compare);
  int quarter = n / 4;
  out[0] = mean_of(values, n);
  out[1] = quantile_of(values, n, 0.5);
  out[2] = mean_of(values + quarter, n - 2 * quarter);
}

static void resample(const sac_scores *scores, int i_resample, double *out) {
  int first = 0;
  for (int s = 0; s < scores->n_strata; first += scores->sizes[s++])
    for (int i = first; i < first + scores->sizes[s]; i++)
      out[i] =
          scores->values[first + (int)sac_index_draw(0, SAC_DRAW_BOOTSTRAP, (uint64_t)i_resample,
                                                     (uint32_t)i, (uint32_t)scores->sizes[s])];
}

static sac_statistic interval(double value, double *resampled) {
  qsort(resampled, RESAMPLES, sizeof *resampled, compare);
  return (sac_statistic){value, quantile_of(resampled, RESAMPLES, 0.025),
                         quantile_of(resampled, RESAMPLES, 0.975)};
}

static void aggregate(const sac_scores *scores, double *values, double *resampled,
                      sac_aggregate *out) {
  double whole[STATISTICS], one[STATISTICS];
  for (int i = 0; i < RESAMPLES; i++) {
    resample(scores, i, values);
    find_statistics(values, out->n, one);
    for (int k = 0; k < STATISTICS; k++) resampled[k * RESAMPLES + i] = one[k];
  }
  for (int i = 0; i < out->n; i++) values[i] = scores->values[i];
  find_statistics(values, out->n, whole);
  out->mean = interval(whole[0], resampled);
  out->median = interval(whole[1], resampled + RESAMPLES);
  out->iqm = interval(whole[2], resampled + 2 * RESAMPLES);
}

sac_status sac_aggregate_scores(const sac_scores *scores, sac_aggregate *out, sac_error *err) {
  const sac_statistic none = {NAN, NAN, NAN};
  *out = (sac_aggregate){.mean = none, .median = none, .iqm = none};
  for (int s = 0; s < scores->n_strata; s++) out->n += scores->sizes[s];
  if (out->n == 0) return SAC_OK;
  double *values = calloc((size_t)out->n, sizeof *values);
  double *resampled = calloc((size_t)STATISTICS * RESAMPLES, sizeof *resampled);
  bool enough = values && resampled;
  if (enough) aggregate(scores, values, resampled, out);
  free(values);
  free(resampled);
  return enough ? SAC_OK : sac_error_set(err, SAC_FAILED, "no memory to aggregate %d runs", out->n);
}

sac_status sac_aggregate_returns(const double *returns, int n, sac_aggregate *out, sac_error *err) {
  sac_scores scores = {.values = returns, .n_strata = n > 0, .sizes = &n};
  return sac_aggregate_scores(&scores, out, err);
}
