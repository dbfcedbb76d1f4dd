#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

typedef struct flag_name {
  const char *name;
  sac_flag flag;
  bool takes_value;
} flag_name;

static const flag_name flag_names[] = {{"--json", SAC_FLAG_JSON, false},
                                       {"--out", SAC_FLAG_OUT, true},
                                       {"--in", SAC_FLAG_IN, true},
                                       {"--seed", SAC_FLAG_SEED, true},
                                       {"--episodes", SAC_FLAG_EPISODES, true},
                                       {"--video", SAC_FLAG_VIDEO, true},
                                       {"--plot", SAC_FLAG_PLOT, true},
                                       {"--stochastic", SAC_FLAG_STOCHASTIC, false},
                                       {"--compare", SAC_FLAG_COMPARE, false},
                                       {"--x", SAC_FLAG_X, true},
                                       {"--y", SAC_FLAG_Y, true},
                                       {"--by", SAC_FLAG_BY, true},
                                       {"--statistic", SAC_FLAG_STATISTIC, true},
                                       {"--log", SAC_FLAG_LOG, true}};

enum { FLAGS = sizeof flag_names / sizeof *flag_names };

static sac_status unknown_flag(const char *command, const char *text, int allowed, sac_error *err) {
  const char *names[FLAGS + 1];
  int count = 0;
  for (int i = 0; i < FLAGS; i++)
    if (allowed & (int)flag_names[i].flag) names[count++] = flag_names[i].name;
  const char *nearest = sac_nearest(text, names, count);
  return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: unknown option %s%s%s; see `sac %s --help`",
                       command, text, nearest ? ", did you mean " : "", nearest ? nearest : "",
                       command);
}

static sac_status parse_whole(const char *flag, const char *text, uint64_t least, uint64_t most,
                              uint64_t *value, sac_error *err) {
  char *end = NULL;
  errno = 0;
  *value = strtoull(text, &end, 10);
  bool fits = errno == 0 && end != text && *end == '\0' && text[0] != '-' && *value >= least &&
              *value <= most;
  if (fits) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "%s is '%s', must be a whole number in [%llu, %llu]",
                       flag, text, (unsigned long long)least, (unsigned long long)most);
}

static sac_status take_flag(const flag_name *name, const char *value, sac_arguments *out,
                            sac_error *err) {
  uint64_t number = 0;
  switch (name->flag) {
    case SAC_FLAG_JSON:
      out->json = true;
      break;
    case SAC_FLAG_STOCHASTIC:
      out->stochastic = true;
      break;
    case SAC_FLAG_COMPARE:
      out->compare = true;
      break;
    case SAC_FLAG_OUT:
      out->out = value;
      break;
    case SAC_FLAG_IN:
      out->in = value;
      break;
    case SAC_FLAG_X:
      out->x = value;
      break;
    case SAC_FLAG_Y:
      out->y = value;
      break;
    case SAC_FLAG_BY:
      out->by = value;
      break;
    case SAC_FLAG_STATISTIC:
      out->statistic = value;
      break;
    case SAC_FLAG_LOG:
      out->log = value;
      break;
    case SAC_FLAG_VIDEO:
      out->video = value;
      break;
    case SAC_FLAG_PLOT:
      out->plot = value;
      break;
    case SAC_FLAG_SEED:
      SAC_TRY(parse_whole("--seed", value, 0, UINT64_MAX, &out->seed, err));
      out->has_seed = true;
      break;
    case SAC_FLAG_EPISODES:
      SAC_TRY(parse_whole("--episodes", value, 1, 1000000, &number, err));
      out->episodes = (int64_t)number;
      break;
    case SAC_FLAG_OVERRIDES:
      break;
  }
  return SAC_OK;
}

static sac_status take_word(const char *text, int allowed, sac_arguments *out, sac_error *err) {
  // a path may hold '=' too: an override has a key before it, without a slash
  const char *equals = strchr(text, '='), *slash = strchr(text, '/');
  bool is_override = equals && equals > text && (!slash || slash > equals);
  if (is_override && (allowed & SAC_FLAG_OVERRIDES)) {
    if (out->n_overrides == sizeof out->overrides / sizeof *out->overrides)
      return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: too many overrides, at most 256",
                           out->command);
    out->overrides[out->n_overrides++] = text;
    return SAC_OK;
  }
  if (!*text)
    return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: an argument is empty", out->command);
  if (out->n_words == sizeof out->words / sizeof *out->words)
    return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: '%s' is one argument too many", out->command,
                         text);
  out->words[out->n_words++] = text;
  return SAC_OK;
}

static const flag_name *find_flag(const char *text, size_t length, int allowed) {
  for (int i = 0; i < FLAGS; i++)
    if ((allowed & (int)flag_names[i].flag) && strlen(flag_names[i].name) == length &&
        strncmp(flag_names[i].name, text, length) == 0)
      return &flag_names[i];
  return NULL;
}

sac_status sac_arguments_parse(const char *command, int argc, char **argv, int allowed,
                               sac_arguments *out, sac_error *err) {
  *out = (sac_arguments){.command = command};
  for (int i = 0; i < argc; i++) {
    const char *text = argv[i];
    if (text[0] != '-' || !text[1]) {
      SAC_TRY(take_word(text, allowed, out, err));
      continue;
    }
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    const flag_name *name = find_flag(text, length, allowed);
    if (!name) return unknown_flag(command, text, allowed, err);
    const char *value = equals ? equals + 1 : NULL;
    bool has_next = i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0;
    if (name->takes_value && !value && has_next) value = argv[++i];
    if (name->takes_value && (!value || !*value))
      return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: %s needs a value after it", command,
                           name->name);
    if (!name->takes_value && equals)
      return sac_error_set(err, SAC_BAD_CONFIG, "sac %s: %s takes no value", command, name->name);
    SAC_TRY(take_flag(name, value, out, err));
  }
  return SAC_OK;
}
