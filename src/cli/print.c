#include <stdio.h>

#include "cli/cli.h"

sac_status sac_print_json(json_t *object, sac_error *err) {
  if (!object) return sac_error_set(err, SAC_FAILED, "no memory for a line of JSON");
  int failed = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
  failed |= fputc('\n', stdout) == EOF || fflush(stdout) != 0;
  json_decref(object);
  return failed ? sac_error_set(err, SAC_BAD_DISK, "stdout cannot be written") : SAC_OK;
}

json_t *sac_number_as_json(double number) {
  json_t *value = json_real(number);
  return value ? value : json_null();
}

static json_t *interval_as_json(const sac_statistic *statistic) {
  return json_pack("[o, o]", sac_number_as_json(statistic->low),
                   sac_number_as_json(statistic->high));
}

json_t *sac_aggregate_as_json(const sac_aggregate *aggregate) {
  return json_pack(
      "{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "n", aggregate->n, "mean",
      sac_number_as_json(aggregate->mean.value), "mean_ci95", interval_as_json(&aggregate->mean),
      "median", sac_number_as_json(aggregate->median.value), "median_ci95",
      interval_as_json(&aggregate->median), "iqm", sac_number_as_json(aggregate->iqm.value),
      "iqm_ci95", interval_as_json(&aggregate->iqm));
}

void sac_aggregate_print(const sac_aggregate *aggregate) {
  const char *names[] = {"mean", "median", "interquartile mean"};
  const sac_statistic *all[] = {&aggregate->mean, &aggregate->median, &aggregate->iqm};
  for (int i = 0; i < 3; i++)
    printf("  %s %.2f (95 %% interval %.2f to %.2f)\n", names[i], all[i]->value, all[i]->low,
           all[i]->high);
}
