#include <stdio.h>

#include <jansson.h>

#include "cli/cli.h"
#include "sac/sac.h"

sac_status sac_command_eval(const sac_arguments *arguments, sac_error *err) {
  sac_evaluation_options options = {
      .episodes = arguments->episodes > 0 ? (int)arguments->episodes : 10,
      .seed = arguments->has_seed ? arguments->seed : 10000,
      .stochastic = arguments->stochastic,
      .video = arguments->video,
      .stop = arguments->video ? sac_signals_install() : NULL};
  sac_evaluation result;
  SAC_TRY(sac_evaluate(arguments->words[0], &options, &result, err));
  if (options.stop && *options.stop != 0) return SAC_OK;
  if (!arguments->json) {
    printf("%s: return %.2f (std %.2f) over %d episodes of mean length %.1f\n", result.env,
           result.return_mean, result.return_std, result.episodes, result.length_mean);
    if (options.video) printf("pictures: %s\n", options.video);
    return SAC_OK;
  }
  json_t *line =
      json_pack("{s:s, s:i, s:f, s:f, s:f, s:s*}", "env", result.env, "episodes", result.episodes,
                "return_mean", result.return_mean, "return_std", result.return_std, "length_mean",
                result.length_mean, "video", options.video);
  return sac_print_json(line, err);
}
