// A configuration as text: the resolved file, the reference, the fingerprint.
#include <stdlib.h>
#include <string.h>

#include "config/format.h"

// length of the section part that two paths share, up to and including its last dot
static size_t measure_shared(const char *a, const char *b) {
  size_t shared = 0;
  for (size_t i = 0; a[i] && a[i] == b[i]; i++)
    if (a[i] == '.') shared = i + 1;
  return shared;
}

static int count_dots(const char *text, size_t length) {
  int dots = 0;
  for (size_t i = 0; i < length; i++) dots += text[i] == '.';
  return dots;
}

// the headings of the sections that `path` opens after `previous`
static void write_headings(const char *previous, const char *path, FILE *out) {
  size_t start = measure_shared(previous, path);
  for (const char *dot = strchr(path + start, '.'); dot; dot = strchr(path + start, '.')) {
    fprintf(out, "%*s%.*s:\n", 2 * count_dots(path, start), "", (int)(dot - path - (long)start),
            path + start);
    start = (size_t)(dot - path) + 1;
  }
}

void sac_config_write(const sac_config *cfg, FILE *out) {
  const char *previous = "";
  fputs("# Resolved configuration: every key, as the run used it.\n", out);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const sac_config_field *field = sac_config_field_at(i);
    if (sac_config_is_bench(field->path)) continue;
    write_headings(previous, field->path, out);
    fprintf(out, "%*s%s: ", 2 * count_dots(field->path, strlen(field->path)), "",
            sac_config_last_part(field->path));
    sac_config_value_write(cfg, field, out);
    fputc('\n', out);
    previous = field->path;
  }
}

static void write_field_reference(const sac_config_field *field, FILE *out) {
  char allowed[256];
  sac_config_allowed(field, SAC_CONFIG_WRONG_KIND, allowed, sizeof allowed);
  fprintf(out, "  %s: %s\n", field->path, *field->initial ? field->initial : "(must be given)");
  fprintf(out, "      %s\n      %s", field->help, allowed);
  if (*field->unit) fprintf(out, "; unit: %s", field->unit);
  if (strcmp(field->users, "all")) fprintf(out, "; only for %s", field->users);
  if (field->later) fputs("; other values are not available in this version", out);
  fputc('\n', out);
}

void sac_config_reference(FILE *out) {
  int count;
  const sac_config_section *sections = sac_config_sections(&count);
  fputs(
      "Keys of a configuration with their defaults. In a file they are nested (algorithm: {gamma:"
      " 0.99}),\non the command line dotted (algorithm.gamma=0.99).\n",
      out);
  for (int i_section = 0; i_section < count; i_section++) {
    const char *section = sections[i_section].path;
    fprintf(out, "\n%s: %s\n", section, sections[i_section].help);
    for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
      const sac_config_field *field = sac_config_field_at(i);
      size_t length = (size_t)(sac_config_last_part(field->path) - field->path) - 1;
      if (length == strlen(section) && !strncmp(field->path, section, length))
        write_field_reference(field, out);
    }
  }
}

// saved state keeps its shape and meaning only while these keys keep their values
static bool fixes_state(const char *path) {
  // the same state wherever it lives and whoever computes it
  static const char *const free_keys[] = {"env.device",           "env.plugin",
                                          "env.workers",          "env.python",
                                          "env.worker_timeout_s", "env.on_worker_failure"};
  for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
    if (!strcmp(path, free_keys[i])) return false;
  static const char *const fixed[] = {"env.",
                                      "policy.",
                                      "critic.",
                                      "hierarchy.",
                                      "algorithm.name",
                                      "run.seed",
                                      "algorithm.buffer_size",
                                      "algorithm.pg.rollout_steps"};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    size_t length = strlen(fixed[i]);
    bool prefix = fixed[i][length - 1] == '.';
    if (prefix ? !strncmp(path, fixed[i], length) : !strcmp(path, fixed[i])) return true;
  }
  return false;
}

static void write_fingerprint(const sac_config *cfg, FILE *out) {
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const sac_config_field *field = sac_config_field_at(i);
    if (!fixes_state(field->path) || field->type == SAC_CONFIG_KWARGS) continue;
    fprintf(out, "%s=", field->path);
    sac_config_value_write(cfg, field, out);
    fputc('\n', out);
  }
  for (int i = 0; i < cfg->env.kwargs.count; i++) {
    fprintf(out, "env.kwargs.%s=", cfg->env.kwargs.at[i].name);
    sac_config_kwarg_write(&cfg->env.kwargs.at[i], out);
    fputc('\n', out);
  }
}

sac_status sac_config_fingerprint(const sac_config *cfg, char **text, sac_error *err) {
  size_t size = 0;
  *text = NULL;
  FILE *out = open_memstream(text, &size);
  if (out) write_fingerprint(cfg, out);
  if (out && fclose(out) == 0) return SAC_OK;
  free(*text);
  *text = NULL;
  return sac_error_set(err, SAC_FAILED, "no memory for the fingerprint of the configuration");
}

// the line of `text` that holds the key of `line` (up to its '='), or NULL
static const char *find_line(const char *text, const char *line) {
  size_t key = strcspn(line, "=\n") + 1;
  while (*text && strncmp(text, line, key)) {
    text += strcspn(text, "\n");
    text += *text == '\n';
  }
  return *text ? text : NULL;
}

// what stands after the '=' of a line, for "%.*s"
static const char *find_value(const char *line, int *length) {
  const char *value = line ? line + strcspn(line, "=\n") : "not given";
  value += *value == '=';
  *length = (int)strcspn(value, "\n");
  return value;
}

// a key that is younger than the saved state: such a state was made as with its default
static bool is_younger(const char *line) {
  char key[128];
  snprintf(key, sizeof key, "%.*s", (int)strcspn(line, "=\n"), line);
  int index = sac_config_field_find(key);
  if (index < 0) return false;
  int length;
  const char *value = find_value(line, &length), *initial = sac_config_field_at(index)->initial;
  return strlen(initial) == (size_t)length && strncmp(value, initial, (size_t)length) == 0;
}

static sac_status report_difference(const char *line, const char *saved, const char *current,
                                    sac_error *err) {
  int n_saved, n_current;
  const char *old = find_value(saved, &n_saved), *new = find_value(current, &n_current);
  return sac_error_set(err, SAC_BAD_CONFIG, "%.*s is %.*s, but the saved state was made with %.*s",
                       (int)strcspn(line, "=\n"), line, n_current, new, n_saved, old);
}

// the first line of `lines` that `other` has differently, or not at all
static const char *find_difference(const char *lines, const char *other) {
  while (*lines) {
    const char *twin = find_line(other, lines);
    size_t length = strcspn(lines, "\n") + 1;
    bool differs = twin ? strncmp(twin, lines, length) != 0 : !is_younger(lines);
    if (differs) return lines;
    lines += length - (lines[length - 1] == '\0');
  }
  return NULL;
}

sac_status sac_config_compare(const char *saved, const char *current, sac_error *err) {
  const char *line = find_difference(current, saved);
  if (!line) line = find_difference(saved, current);
  if (!line) return SAC_OK;
  return report_difference(line, find_line(saved, line), find_line(current, line), err);
}
