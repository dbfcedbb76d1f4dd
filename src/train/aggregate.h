// What several runs came to: mean, median and interquartile mean with bootstrap intervals, as
// Agarwal et al. recommend ("Deep Reinforcement Learning at the Edge of the Statistical Precipice",
// arXiv 2108.13264).
#pragma once

#include "base/status.h"
#include "sac/sac.h"

/// Scores of runs, stratum by stratum: the seeds of one task are a stratum.
typedef struct sac_scores {
  const double *values;  ///< finite, one stratum after the other
  int n_strata;
  const int *sizes;  ///< (n_strata) values in each, at least 1
} sac_scores;

/// Statistics of all values together. Intervals hold the middle 95 % of the statistic over 2000
/// resamples that draw each stratum's values anew from it: the percentile bootstrap. Always the
/// same draws. Without a value everything is NaN. SAC_FAILED when the memory does not do.
sac_status sac_aggregate_scores(const sac_scores *scores, sac_aggregate *out, sac_error *err);
