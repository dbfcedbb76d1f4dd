#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

sac_status sac_command_config(const sac_arguments *arguments, sac_error *err) {
  if (arguments->n_words == 0 && arguments->n_overrides == 0) {
    sac_config_reference(stdout);
    return SAC_OK;
  }
  sac_config *cfg = malloc(sizeof *cfg);
  if (!cfg) return sac_error_set(err, SAC_FAILED, "no memory for the configuration");
  const char *path = arguments->n_words > 0 ? arguments->words[0] : NULL;
  sac_status status = sac_config_load(path, arguments->n_overrides, arguments->overrides, cfg, err);
  if (status == SAC_OK) sac_config_write(cfg, stdout);
  free(cfg);
  return status;
}
