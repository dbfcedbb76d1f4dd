#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/presets.h"
#include "env/task.h"

static void print_value(const sac_env_keyword *keyword, int i) {
  if (keyword->kind == SAC_ENV_FLAG)
    printf("%s", keyword->value[i] != 0 ? "true" : "false");
  else
    printf("%.15g", keyword->value[i]);
}

static void print_keyword(const sac_env_keyword *keyword) {
  bool list = keyword->kind == SAC_ENV_NUMBERS;
  printf("  env.kwargs.%s: %s", keyword->name, list ? "[" : "");
  for (int i = 0; i < keyword->count; i++) {
    printf("%s", i > 0 ? ", " : "");
    print_value(keyword, i);
  }
  printf("%s\n      %s\n      ", list ? "]" : "", keyword->help);
  if (keyword->kind == SAC_ENV_FLAG)
    printf("true or false\n");
  else
    printf("%s in [%g, %g]\n",
           list                             ? "numbers"
           : keyword->kind == SAC_ENV_WHOLE ? "a whole number"
                                            : "a number",
           keyword->low, keyword->high);
}

// each from its own definition
static void print_environments(void) {
  const sac_env_def *def;
  for (int i = 0; (def = sac_env_def_at(i)); i++) {
    printf("\nenv.id: %s: %s\n", def->id, def->help);
    for (int j = 0; j < def->n_keywords; j++) print_keyword(&def->keywords[j]);
  }
}

// each by the comment that its text begins with
static void print_presets(void) {
  const sac_preset *preset;
  printf(
      "\nPresets: a file builds on one by `defaults: %sNAME` (a file, or a list of both, may stand "
      "there too);\nthe command line takes one as CONFIG, and `sac config %sNAME` shows it.\n",
      SAC_PRESET_PREFIX, SAC_PRESET_PREFIX);
  for (int i = 0; (preset = sac_preset_at(i)); i++) {
    const char *line = preset->text + strspn(preset->text, "# ");
    printf("  %s\n      %.*s\n", preset->name, (int)strcspn(line, "\n"), line);
  }
}

sac_status sac_command_config(const sac_arguments *arguments, sac_error *err) {
  if (arguments->n_words == 0 && arguments->n_overrides == 0) {
    sac_config_reference(stdout);
    print_environments();
    print_presets();
    return SAC_OK;
  }
  const char *path = arguments->n_words > 0 ? arguments->words[0] : NULL;
  const sac_preset *preset = path ? sac_preset_find(path) : NULL;
  if (preset && arguments->n_overrides == 0) {
    fputs(preset->text, stdout);
    return SAC_OK;
  }
  sac_config *cfg = malloc(sizeof *cfg);
  if (!cfg) return sac_error_set(err, SAC_FAILED, "no memory for the configuration");
  sac_status status = sac_config_load(path, arguments->n_overrides, arguments->overrides, cfg, err);
  if (status == SAC_OK) sac_config_write(cfg, stdout);
  free(cfg);
  return status;
}
