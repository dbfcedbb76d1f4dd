// The `sac` program: its subcommands and what they share. Only this room prints to stdout or exits.
#pragma once

#include <jansson.h>

#include "base/status.h"
#include "sac/sac.h"

/// The flags a subcommand may take; each command says which.
typedef enum sac_flag {
  SAC_FLAG_JSON = 1,
  SAC_FLAG_OUT = 2,
  SAC_FLAG_IN = 4,
  SAC_FLAG_SEED = 8,
  SAC_FLAG_EPISODES = 16,
  SAC_FLAG_STOCHASTIC = 32,
  SAC_FLAG_OVERRIDES = 64,  ///< key=value arguments
  SAC_FLAG_VIDEO = 128,
  SAC_FLAG_PLOT = 256,
  SAC_FLAG_COMPARE = 512,
  SAC_FLAG_X = 1024,
  SAC_FLAG_Y = 2048,
  SAC_FLAG_BY = 4096,
  SAC_FLAG_STATISTIC = 8192,
  SAC_FLAG_LOG = 16384
} sac_flag;

/// A command line, taken apart. Texts point into argv.
typedef struct sac_arguments {
  const char *command;  ///< "train", "trace env"
  int n_words;
  const char *words[64];  ///< what is neither a flag nor an override
  int n_overrides;
  const char *overrides[256];
  bool json, stochastic, compare, has_seed;
  const char *out, *in, *video, *plot, *x, *y, *by, *statistic, *log;
  uint64_t seed;
  int64_t episodes;  ///< 0 when not given
} sac_arguments;

/// Take argv apart. SAC_BAD_CONFIG names a flag that is not allowed and the nearest that is.
sac_status sac_arguments_parse(const char *command, int argc, char **argv, int allowed,
                               sac_arguments *out, sac_error *err);

/// One subcommand: a line of the table in main.c.
typedef struct sac_command {
  const char *name, *usage, *help;
  int flags;  ///< of sac_flag
  int least_words, most_words;
  sac_status (*run)(const sac_arguments *arguments, sac_error *err);
} sac_command;

sac_status sac_command_train(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_resume(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_eval(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_inspect(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_config(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_doctor(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_trace(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_solve(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_bench(const sac_arguments *arguments, sac_error *err);
sac_status sac_command_plot(const sac_arguments *arguments, sac_error *err);

/// A number as JSON; null stands for one that is not finite.
json_t *sac_number_as_json(double number);

/// Statistics of several seeds, for programs and for people.
json_t *sac_aggregate_as_json(const sac_aggregate *aggregate);
void sac_aggregate_print(const sac_aggregate *aggregate);

/// Print an object as one line on stdout and release it. NULL is what jansson gives when memory is
/// out.
sac_status sac_print_json(json_t *object, sac_error *err);

/// Catch SIGINT and SIGTERM from now on; the result holds the signal that came, or 0 (for
/// sac_listener.stop).
const volatile int *sac_signals_install(void);
const volatile int *sac_signals_caught(void);
