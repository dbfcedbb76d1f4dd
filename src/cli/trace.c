#include "cli/trace.h"

#include <string.h>

#include "cli/cli.h"

// the rest of a configuration has no meaning here
static sac_status check_env_overrides(const sac_arguments *arguments, sac_error *err) {
  for (int i = 0; i < arguments->n_overrides; i++) {
    const char *given = arguments->overrides[i];
    bool used = !strncmp(given, "env.kwargs", strlen("env.kwargs")) ||
                !strncmp(given, "env.plugin=", strlen("env.plugin=")) ||
                !strncmp(given, "env.python=", strlen("env.python="));
    if (!used)
      return sac_error_set(
          err, SAC_BAD_CONFIG,
          "sac trace env: '%s' is not used, must be env.kwargs=..., env.plugin=... "
          "or env.python=...",
          given);
  }
  return SAC_OK;
}

sac_status sac_command_trace(const sac_arguments *arguments, sac_error *err) {
  const char *kind = arguments->words[0], *subject = arguments->words[1];
  if (!arguments->out)
    return sac_error_set(err, SAC_BAD_CONFIG, "sac trace: --out FILE is missing");
  if (strcmp(kind, "update") == 0) {
    if (arguments->has_seed)
      return sac_error_set(err, SAC_BAD_CONFIG,
                           "sac trace update: takes no --seed; write run.seed=%llu",
                           (unsigned long long)arguments->seed);
    sac_trace_update_options options = {.config = subject,
                                        .n_overrides = arguments->n_overrides,
                                        .overrides = arguments->overrides,
                                        .in = arguments->in,
                                        .out = arguments->out};
    return sac_trace_update(&options, err);
  }
  if (strcmp(kind, "env") == 0) {
    SAC_TRY(check_env_overrides(arguments, err));
    sac_trace_env_options options = {.id = subject,
                                     .n_overrides = arguments->n_overrides,
                                     .overrides = arguments->overrides,
                                     .in = arguments->in,
                                     .out = arguments->out,
                                     .has_seed = arguments->has_seed,
                                     .seed = arguments->seed};
    return sac_trace_env(&options, err);
  }
  return sac_error_set(err, SAC_BAD_CONFIG, "sac trace: '%s' is neither update nor env", kind);
}
