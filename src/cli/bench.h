// What the benchmarks share: samples and their percentiles.
#pragma once

#include "backend/backend.h"
#include "cli/cli.h"
#include "config/config.h"

/// The p-th percentile (0..100) of `count` samples, which are sorted in place.
double sac_percentile(double *samples, int count, double p);

/// How many steps to issue between two looks at the clock: the CPU's are done when their call
/// returns, a GPU's are only waited for then, and waiting costs as much as a step.
int sac_bench_burst(const sac_backend *backend);

/// Add to a line of JSON what the process took so far: cpu_s and peak_mb.
json_t *sac_bench_costs(json_t *line);

sac_status sac_bench_update(const sac_config *cfg, bool json, sac_error *err);
sac_status sac_bench_gemm(const sac_config *cfg, bool json, sac_error *err);
sac_status sac_bench_rollout(const sac_config *cfg, bool json, sac_error *err);
sac_status sac_bench_train(const sac_config *cfg, bool json, sac_error *err);

/// Benchmark `bench` of ours and of other programs in turn, each `bench.runs` times: medians.
/// A program that is not there is told on stderr and left out.
sac_status sac_bench_compare(const char *bench, const sac_config *cfg,
                             const sac_arguments *arguments, sac_error *err);
