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

static json_t *seed_as_json(const sac_seed_outcome *seed, bool stopped) {
  const char *state = seed->status != SAC_OK ? "failed" : stopped ? "stopped" : "done";
  return json_pack("{s:I, s:s, s:I, s:I, s:o, s:s}", "seed", (json_int_t)seed->seed, "state", state,
                   "timesteps", (json_int_t)seed->timesteps, "updates", (json_int_t)seed->updates,
                   "return_mean", sac_number_as_json(seed->return_mean), "reason", seed->reason);
}

static sac_status print_json(const sac_run_outcome *outcome, sac_error *err) {
  json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:f, s:o}", "event", "done", "run",
                             outcome->folder, "timesteps", (json_int_t)outcome->timesteps,
                             "updates", (json_int_t)outcome->updates, "wall_s", outcome->wall_s,
                             "return_mean", sac_number_as_json(outcome->return_mean));
  if (outcome->n_seeds > 0) {
    json_t *seeds = json_array();
    for (int i = 0; i < outcome->n_seeds; i++)
      json_array_append_new(seeds, seed_as_json(&outcome->seeds[i], outcome->stopped));
    json_object_set_new(object, "seeds", seeds);
    json_object_set_new(object, "aggregate", sac_aggregate_as_json(&outcome->aggregate));
  }
  return sac_print_json(object, err);
}

static void print_seeds(const sac_run_outcome *outcome) {
  for (int i = 0; i < outcome->n_seeds; i++) {
    const sac_seed_outcome *seed = &outcome->seeds[i];
    printf("  seed %llu: ", (unsigned long long)seed->seed);
    if (seed->status != SAC_OK)
      printf("failed after %llu steps: %s\n", (unsigned long long)seed->timesteps, seed->reason);
    else
      printf("mean training return %.2f\n", seed->return_mean);
  }
  if (outcome->aggregate.n > 0) sac_aggregate_print(&outcome->aggregate);
}

static sac_status print_outcome(const sac_arguments *arguments, const sac_run_outcome *outcome,
                                sac_error *err) {
  if (arguments->json) return print_json(outcome, err);
  printf("%s after %llu steps and %llu updates%s in %.1f s; ",
         outcome->stopped ? "stopped" : "done", (unsigned long long)outcome->timesteps,
         (unsigned long long)outcome->updates, outcome->n_seeds > 0 ? " of each seed" : "",
         outcome->wall_s);
  if (isnan(outcome->return_mean)) {
    printf("no training episode ended\n");
  } else {
    printf("mean training return %.2f\n", outcome->return_mean);
  }
  print_seeds(outcome);
  printf("run folder: %s\n", outcome->folder);
  return SAC_OK;
}

// of several seeds, what the others came to is told though one failed
static sac_status conclude(const sac_arguments *arguments, sac_status status,
                           const sac_run_outcome *outcome, sac_error *err) {
  if (status == SAC_OK) return print_outcome(arguments, outcome, err);
  sac_error ignored;  // the failure counts
  if (outcome->n_seeds > 0) print_outcome(arguments, outcome, &ignored);
  return status;
}

sac_status sac_command_train(const sac_arguments *arguments, sac_error *err) {
  sac_listener listener = listen(arguments);
  sac_run_outcome outcome = {0};
  sac_status status = sac_train(arguments->words[0], arguments->n_overrides, arguments->overrides,
                                arguments->out, &listener, &outcome, err);
  return conclude(arguments, status, &outcome, err);
}

sac_status sac_command_resume(const sac_arguments *arguments, sac_error *err) {
  sac_listener listener = listen(arguments);
  sac_run_outcome outcome = {0};
  sac_status status = sac_resume(arguments->words[0], arguments->n_overrides, arguments->overrides,
                                 &listener, &outcome, err);
  return conclude(arguments, status, &outcome, err);
}
