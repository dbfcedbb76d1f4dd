#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "cli/cli.h"
#include "env/environment.h"
#include "sac/sac.h"

static const sac_command commands[] = {
    {"train", "CONFIG [key=value ...] [--out DIR] [--json]", "train a policy from a YAML file",
     SAC_FLAG_JSON | SAC_FLAG_OUT | SAC_FLAG_OVERRIDES, 1, 1, sac_command_train},
    {"resume", "DIR [key=value ...] [--json]", "go on from the newest valid checkpoint of a run",
     SAC_FLAG_JSON | SAC_FLAG_OVERRIDES, 1, 1, sac_command_resume},
    {"eval",
     "DIR|CHECKPOINT [--episodes N] [--seed S] [--stochastic] [--video FILE.mp4|FILE.png|DIR/] "
     "[--json]",
     "measure a policy over N whole episodes (10), and show them: a video, a contact sheet, frames",
     SAC_FLAG_JSON | SAC_FLAG_EPISODES | SAC_FLAG_SEED | SAC_FLAG_STOCHASTIC | SAC_FLAG_VIDEO, 1, 1,
     sac_command_eval},
    {"inspect", "CHECKPOINT [--json]", "verify a checkpoint wholly and show what it holds",
     SAC_FLAG_JSON, 1, 1, sac_command_inspect},
    {"solve", "[CONFIG] [key=value ...] [--plot FILE.svg|FILE.png] [--json]",
     "exact and variational inference on a table or a linear-quadratic problem; without CONFIG the "
     "keys of its file",
     SAC_FLAG_JSON | SAC_FLAG_PLOT | SAC_FLAG_OVERRIDES, 0, 1, sac_command_solve},
    {"config", "[CONFIG] [key=value ...]",
     "the resolved configuration, or the reference of all keys", SAC_FLAG_OVERRIDES, 0, 1,
     sac_command_config},
    {"doctor", "[--json]", "what is installed and usable, and the cure for each 'no'",
     SAC_FLAG_JSON, 0, 0, sac_command_doctor},
    {"bench", "update|rollout|train|gemm [key=value ...] [--compare] [--json]",
     "measure speed, with --compare beside other programs",
     SAC_FLAG_JSON | SAC_FLAG_OVERRIDES | SAC_FLAG_COMPARE, 1, 1, sac_command_bench},
    {"plot",
     "RUN|FILE.jsonl ... [--x KEY] [--y KEY[,KEY ...]] [--by KEY] [--statistic mean|median|iqm] "
     "[--log x|y|xy] [--out FILE.svg|FILE.png] [--json]",
     "curves of runs (eval_return_mean over timesteps; seeds of one configuration are one, with "
     "its "
     "95 % interval) or of lines that `bench --json` wrote",
     SAC_FLAG_X | SAC_FLAG_Y | SAC_FLAG_BY | SAC_FLAG_STATISTIC | SAC_FLAG_LOG | SAC_FLAG_OUT |
         SAC_FLAG_JSON,
     1, 64, sac_command_plot},
    {"trace",
     "update CONFIG [key=value ...] [--in FILE] --out FILE | env ID [--in FILE] [--seed K] --out "
     "FILE",
     "everything in and out of one computation, as safetensors",
     SAC_FLAG_IN | SAC_FLAG_OUT | SAC_FLAG_SEED | SAC_FLAG_OVERRIDES, 2, 2, sac_command_trace}};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out) {
  fprintf(out, "usage: sac COMMAND ...\n\n");
  for (int i = 0; i < COMMANDS; i++)
    fprintf(out, "  sac %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].help);
  fprintf(out,
          "\n  sac --help, sac --version\n\n"
          "Results go to stdout, logs to stderr. Exit codes: 0 ok, 1 failed, 2 usage or "
          "configuration,\n"
          "3 bad checkpoint, 4 numeric failure, 5 environment failed, 6 disk, 130/143 stopped by a "
          "signal\n"
          "with the checkpoint saved.\n");
}

static sac_status print_version(sac_error *err) {
  sac_threads *threads = NULL;
  sac_backend *backend = NULL;
  SAC_TRY(sac_threads_create(1, &threads, err));
  printf("sac %s\nengine MuJoCo %s\n", sac_version(), sac_environment_engine());
  sac_backend_options options = {.device = "cpu", .threads = threads};
  sac_status status = sac_backend_open(&options, &backend, err);
  if (status == SAC_OK) {
    printf("backend %s\n", backend->ops->describe(backend));
    sac_backend_close(backend);
    options.device = "auto";
    status = sac_backend_open(&options, &backend, err);
  }
  if (status == SAC_OK) {
    bool usable = strcmp(backend->ops->device, "cuda") == 0;
    printf("backend %s%s\n", usable ? "" : "cuda is not usable: ",
           usable ? backend->ops->describe(backend) : err->text);
    sac_backend_close(backend);
  }
  sac_threads_destroy(threads);
  return status;
}

static int fail(const sac_error *err) {
  fprintf(stderr, "sac: %s\n", err->text);
  return (int)err->code;
}

static const sac_command *find_command(const char *name, sac_error *err) {
  const char *names[COMMANDS];
  for (int i = 0; i < COMMANDS; i++) {
    names[i] = commands[i].name;
    if (strcmp(name, names[i]) == 0) return &commands[i];
  }
  const char *nearest = sac_nearest(name, names, COMMANDS);
  sac_error_set(err, SAC_BAD_CONFIG, "unknown command '%s'%s%s; see `sac --help`", name,
                nearest ? ", did you mean " : "", nearest ? nearest : "");
  return NULL;
}

static sac_status check_words(const sac_command *command, const sac_arguments *arguments,
                              sac_error *err) {
  if (arguments->n_words < command->least_words)
    return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: an argument is missing; usage: sac %s %s",
                         command->name, command->name, command->usage);
  if (arguments->n_words <= command->most_words) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "sac %s: '%s' is one argument too many%s; usage: sac %s %s", command->name,
                       arguments->words[command->most_words],
                       command->flags & SAC_FLAG_OVERRIDES ? " (an override is key=value)" : "",
                       command->name, command->usage);
}

static sac_status run_command(const sac_command *command, int argc, char **argv, sac_error *err) {
  sac_arguments arguments;
  for (int i = 0; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      printf("usage: sac %s %s\n  %s\n", command->name, command->usage, command->help);
      return SAC_OK;
    }
  SAC_TRY(sac_arguments_parse(command->name, argc, argv, command->flags, &arguments, err));
  SAC_TRY(check_words(command, &arguments, err));
  return command->run(&arguments, err);
}

// where stdin, stdout or stderr are closed, the next files to be opened would take their places,
// and lines meant for them would end up in a checkpoint
static void hold_standard_files(void) {
  int file;
  do {
    file = open("/dev/null", O_RDWR);
  } while (file >= 0 && file <= STDERR_FILENO);
  if (file >= 0) close(file);
}

int main(int argc, char **argv) {
  sac_error err = {0};
  hold_standard_files();
  if (argc < 2) {
    print_help(stderr);
    return SAC_BAD_CONFIG;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return SAC_OK;
  }
  if (strcmp(argv[1], "--version") == 0) return print_version(&err) == SAC_OK ? SAC_OK : fail(&err);
  const sac_command *command = find_command(argv[1], &err);
  if (!command || run_command(command, argc - 2, argv + 2, &err) != SAC_OK) return fail(&err);
  if (fflush(stdout) != 0 || ferror(stdout))
    return fail((sac_error_set(&err, SAC_BAD_DISK, "stdout cannot be written"), &err));
  int signal_number = *sac_signals_caught();
  return signal_number > 0 ? 128 + signal_number : SAC_OK;
}
