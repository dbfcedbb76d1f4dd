#include <stdio.h>

#include "cli/cli.h"

sac_status sac_print_json(json_t *object, sac_error *err) {
  if (!object) return sac_error_set(err, SAC_FAILED, "no memory for a line of JSON");
  int failed = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
  failed |= fputc('\n', stdout) == EOF || fflush(stdout) != 0;
  json_decref(object);
  return failed ? sac_error_set(err, SAC_BAD_DISK, "stdout cannot be written") : SAC_OK;
}
