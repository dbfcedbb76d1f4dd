#include <math.h>
#include <stdio.h>

#include "cli/cli.h"
#include "sac/sac.h"

static void print_event(void *context, const char *json) {
  (void)context;
  printf("%s\n", json);
  fflush(stdout);
}

static sac_listener listen(const sac_arguments *arguments) {
  return (sac_listener){.stop = sac_signals_install(),
                        .event = arguments->json ? print_event : NULL};
}

static sac_status print_outcome(const sac_arguments *arguments, const sac_run_outcome *outcome,
                                sac_error *err) {
  if (arguments->json) {
    json_t *mean = json_real(outcome->return_mean);
    return sac_print_json(json_pack("{s:s, s:s, s:I, s:I, s:f, s:o}", "event", "done", "run",
                                    outcome->folder, "timesteps", (json_int_t)outcome->timesteps,
                                    "updates", (json_int_t)outcome->updates, "wall_s",
                                    outcome->wall_s, "return_mean", mean ? mean : json_null()),
                          err);
  }
  printf("%s after %llu steps and %llu updates in %.1f s; ", outcome->stopped ? "stopped" : "done",
         (unsigned long long)outcome->timesteps, (unsigned long long)outcome->updates,
         outcome->wall_s);
  if (isnan(outcome->return_mean)) {
    printf("no training episode ended\n");
  } else {
    printf("mean training return %.2f\n", outcome->return_mean);
  }
  printf("run folder: %s\n", outcome->folder);
  return SAC_OK;
}

sac_status sac_command_train(const sac_arguments *arguments, sac_error *err) {
  sac_listener listener = listen(arguments);
  sac_run_outcome outcome = {0};
  SAC_TRY(sac_train(arguments->words[0], arguments->n_overrides, arguments->overrides,
                    arguments->out, &listener, &outcome, err));
  return print_outcome(arguments, &outcome, err);
}

sac_status sac_command_resume(const sac_arguments *arguments, sac_error *err) {
  sac_listener listener = listen(arguments);
  sac_run_outcome outcome = {0};
  SAC_TRY(sac_resume(arguments->words[0], arguments->n_overrides, arguments->overrides, &listener,
                     &outcome, err));
  return print_outcome(arguments, &outcome, err);
}
