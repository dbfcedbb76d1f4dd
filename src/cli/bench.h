// What the benchmarks share: samples and their percentiles.
#pragma once

#include "cli/cli.h"
#include "config/config.h"

/// The p-th percentile (0..100) of `count` samples, which are sorted in place.
double sac_percentile(double *samples, int count, double p);

sac_status sac_bench_update(const sac_config *cfg, bool json, sac_error *err);
sac_status sac_bench_gemm(const sac_config *cfg, bool json, sac_error *err);
sac_status sac_bench_rollout(const sac_config *cfg, bool json, sac_error *err);
sac_status sac_bench_train(const sac_config *cfg, bool json, sac_error *err);
