#include <stdio.h>

#include <jansson.h>

#include "cli/cli.h"
#include "sac/sac.h"

// `seed` NULL: of a run of one seed
static sac_status print_evaluation(const sac_arguments *arguments, const sac_evaluation *result,
                                   const uint64_t *seed, sac_error *err) {
  if (!arguments->json) {
    if (seed) printf("seed %llu: ", (unsigned long long)*seed);
    printf("%s: return %.2f (std %.2f) over %d episodes of mean length %.1f\n", result->env,
           result->return_mean, result->return_std, result->episodes, result->length_mean);
    if (arguments->video) printf("pictures: %s\n", arguments->video);
    return SAC_OK;
  }
  json_t *number = seed ? json_integer((json_int_t)*seed) : NULL;
  json_t *line =
      json_pack("{s:o*, s:s, s:i, s:f, s:f, s:f, s:s*}", "seed", number, "env", result->env,
                "episodes", result->episodes, "return_mean", result->return_mean, "return_std",
                result->return_std, "length_mean", result->length_mean, "video", arguments->video);
  return sac_print_json(line, err);
}

static sac_status print_aggregate(const sac_arguments *arguments, const double *returns, int n,
                                  sac_error *err) {
  sac_aggregate aggregate;
  SAC_TRY(sac_aggregate_returns(returns, n, &aggregate, err));
  if (arguments->json)
    return sac_print_json(json_pack("{s:o}", "aggregate", sac_aggregate_as_json(&aggregate)), err);
  printf("%d seeds:\n", n);
  sac_aggregate_print(&aggregate);
  return SAC_OK;
}

// a seed that cannot be evaluated is told and left out of the aggregate; its status counts
static sac_status evaluate_seeds(const sac_arguments *arguments,
                                 const sac_evaluation_options *options, const uint64_t *seeds,
                                 int n_seeds, sac_error *err) {
  double returns[SAC_SEEDS_MAX];
  char folder[4096];
  int n = 0;
  sac_status first = SAC_OK;
  if (options->video)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s: holds the runs of %d seeds: --video wants one of them, such as "
                         "%s/seed-%llu",
                         arguments->words[0], n_seeds, arguments->words[0],
                         (unsigned long long)seeds[0]);
  for (int i = 0; i < n_seeds; i++) {
    sac_evaluation result;
    sac_error why;
    snprintf(folder, sizeof folder, "%s/seed-%llu", arguments->words[0],
             (unsigned long long)seeds[i]);
    if (sac_evaluate(folder, options, &result, &why) != SAC_OK) {
      fprintf(stderr, "sac: seed %llu: %s\n", (unsigned long long)seeds[i], why.text);
      if (first == SAC_OK)
        first = sac_error_set(err, why.code, "seed %llu has no evaluation",
                              (unsigned long long)seeds[i]);
      continue;
    }
    SAC_TRY(print_evaluation(arguments, &result, &seeds[i], err));
    returns[n++] = result.return_mean;
  }
  SAC_TRY(print_aggregate(arguments, returns, n, first == SAC_OK ? err : NULL));
  return first;
}

sac_status sac_command_eval(const sac_arguments *arguments, sac_error *err) {
  sac_evaluation_options options = {
      .episodes = arguments->episodes > 0 ? (int)arguments->episodes : 10,
      .seed = arguments->has_seed ? arguments->seed : 10000,
      .stochastic = arguments->stochastic,
      .video = arguments->video,
      .stop = arguments->video ? sac_signals_install() : NULL};
  sac_evaluation result;
  uint64_t seeds[SAC_SEEDS_MAX];
  int n_seeds;
  SAC_TRY(sac_run_seeds(arguments->words[0], seeds, &n_seeds, err));
  if (n_seeds > 0) return evaluate_seeds(arguments, &options, seeds, n_seeds, err);
  SAC_TRY(sac_evaluate(arguments->words[0], &options, &result, err));
  if (options.stop && *options.stop != 0) return SAC_OK;
  return print_evaluation(arguments, &result, NULL, err);
}
