#include "cli/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct benchmark {
  const char *name;
  sac_status (*run)(const sac_config *cfg, bool json, sac_error *err);
} benchmark;

static const benchmark benchmarks[] = {{"update", sac_bench_update},
                                       {"rollout", sac_bench_rollout},
                                       {"train", sac_bench_train},
                                       {"gemm", sac_bench_gemm}};

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double sac_percentile(double *samples, int count, double p) {
  qsort(samples, (size_t)count, sizeof *samples, compare_doubles);
  return samples[(int)(p / 100 * (count - 1) + 0.5)];
}

json_t *sac_bench_costs(json_t *line) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  json_object_set_new(line, "cpu_s", json_real(cpu_s));
  json_object_set_new(line, "peak_mb", json_real((double)used.ru_maxrss / 1024));
  return line;
}

sac_status sac_command_bench(const sac_arguments *arguments, sac_error *err) {
  enum { COUNT = sizeof benchmarks / sizeof *benchmarks };
  const char *names[COUNT];
  for (int i = 0; i < COUNT; i++) names[i] = benchmarks[i].name;
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(arguments->words[0], names[i]) != 0) continue;
    sac_config *cfg = malloc(sizeof *cfg);
    if (!cfg) return sac_error_set(err, SAC_FAILED, "no memory for the configuration");
    sac_status status =
        sac_config_load_bench(NULL, arguments->n_overrides, arguments->overrides, cfg, err);
    if (status == SAC_OK)
      status = arguments->compare ? sac_bench_compare(names[i], cfg, arguments, err)
                                  : benchmarks[i].run(cfg, arguments->json, err);
    free(cfg);
    return status;
  }
  const char *nearest = sac_nearest(arguments->words[0], names, COUNT);
  return sac_error_set(
      err, SAC_BAD_CONFIG, "sac bench: '%s' is none of update, rollout, train, gemm%s%s",
      arguments->words[0], nearest ? "; did you mean " : "", nearest ? nearest : "");
}

int sac_bench_burst(const sac_backend *backend) {
  enum { DEVICE_BURST = 50 };
  return strcmp(backend->ops->device, "cpu") == 0 ? 1 : DEVICE_BURST;
}
