// Curves of `sac plot`: a quantity over another, from the metrics of runs or from lines of JSON.
#pragma once

#include <jansson.h>

#include "sac/sac.h"

/// Which statistic of several values at one x is drawn.
typedef enum sac_plot_statistic { SAC_PLOT_MEAN, SAC_PLOT_MEDIAN, SAC_PLOT_IQM } sac_plot_statistic;

/// One value of one source at one x.
typedef struct sac_sample {
  double x, y;
} sac_sample;

typedef struct sac_curve {
  char label[256];
  const char *key;  // the quantity
  char *identity;   // the configuration but for what tells seeds apart; NULL of lines of JSON
  int n_sources;    // runs or files that are part of it
  int n_samples, max_samples;
  sac_sample *samples;
  // filled by sac_curves_sum_up: one value an x, ascending
  int n_points;
  double *x, *y, *low, *high;
  sac_aggregate last;  // at the last x
} sac_curve;

/// What is asked for. Keys are those of metrics.jsonl or of the lines of a file.
typedef struct sac_curves_query {
  const char *x, *y;
  const char *by;   // of a file: a curve for each of its values; NULL for one
  bool names_keys;  // labels name the quantity
} sac_curves_query;

typedef struct sac_curves {
  sac_curves_query query;
  int count, max;
  sac_curve *at;
  json_t *keys;  // of the numbers in all rows; NULL where there were none
} sac_curves;

/// Add a run folder, a folder of seeds or a file of JSON lines. Runs that differ only in their seed
/// are one curve. Fails naming what is not there.
sac_status sac_curves_add(sac_curves *curves, const char *path, sac_error *err);

/// Turn the samples of every curve into points, with 95 % intervals where there are several at one
/// x. An x that a run of a curve has no value at is left out.
sac_status sac_curves_sum_up(sac_curves *curves, sac_plot_statistic statistic, sac_error *err);

void sac_curves_release(sac_curves *curves);
