#include "problem/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/values.h"

bool sac_value_given(const sac_value *value) {
  return value->node && !sac_yaml_is_empty(value->node);
}

static void add_mistake(const sac_value *value, const char *verb, const char *format,
                        va_list arguments) {
  char text[640];
  vsnprintf(text, sizeof text, format, arguments);
  sac_config_mistake(value->yaml->mistakes, sac_yaml_place(value->yaml, value->node), "%s %s%s",
                     value->path, verb, text);
}

void sac_value_mistake(const sac_value *value, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add_mistake(value, "", format, arguments);
  va_end(arguments);
}

void sac_value_refuse(const sac_value *value, const char *format, ...) {
  char shown[SAC_YAML_SHOWN_MAX], verb[SAC_YAML_SHOWN_MAX + 32];
  sac_yaml_show(value->yaml, value->node, shown);
  snprintf(verb, sizeof verb, "is %s, must be ", shown);
  va_list arguments;
  va_start(arguments, format);
  add_mistake(value, verb, format, arguments);
  va_end(arguments);
}

bool sac_value_is_scalar(const sac_value *value) {
  return value->node->type == YAML_SCALAR_NODE && sac_yaml_is_plain(value->node);
}

bool sac_value_is_list(const sac_value *value) {
  return value->node->type == YAML_SEQUENCE_NODE && sac_yaml_is_plain(value->node);
}

bool sac_value_is_mapping(const sac_value *value) {
  return value->node->type == YAML_MAPPING_NODE && sac_yaml_is_plain(value->node);
}

bool sac_value_is_null(const sac_value *value) {
  return sac_yaml_is_empty(value->node);
}

const char *sac_value_text(const sac_value *value) {
  return sac_yaml_scalar(value->node);
}

int sac_value_count(const sac_value *value) {
  const yaml_node_t *node = value->node;
  if (node->type == YAML_SEQUENCE_NODE)
    return (int)(node->data.sequence.items.top - node->data.sequence.items.start);
  return (int)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
}

sac_value sac_value_at(const sac_value *value, int i, sac_value *key) {
  sac_value item = {.yaml = value->yaml};
  const yaml_node_t *node = value->node;
  char name[SAC_YAML_SHOWN_MAX];
  if (node->type == YAML_SEQUENCE_NODE) {
    item.node = sac_yaml_node(value->yaml, node->data.sequence.items.start[i]);
    snprintf(item.path, sizeof item.path, "%.240s[%d]", value->path, i);
    return item;
  }
  const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];
  *key = (sac_value){.yaml = value->yaml, .node = sac_yaml_node(value->yaml, pair->key)};
  item.node = sac_yaml_node(value->yaml, pair->value);
  sac_yaml_show(value->yaml, key->node, name);
  snprintf(item.path, sizeof item.path, "%.180s%s%s", value->path, *value->path ? "." : "", name);
  memcpy(key->path, item.path, sizeof key->path);
  return item;
}

// a number, or two with a slash between them
static bool parse_fraction(const char *text, double *number) {
  char above[64];
  const char *slash = strchr(text, '/');
  if (!slash) return sac_config_number_parse(text, number);
  double below;
  if ((size_t)(slash - text) >= sizeof above) return false;
  snprintf(above, sizeof above, "%.*s", (int)(slash - text), text);
  if (!sac_config_number_parse(above, number) || !sac_config_number_parse(slash + 1, &below))
    return false;
  *number /= below;
  return isfinite(*number);
}

static bool is_within(sac_range range, double number) {
  bool above = range.low_open ? number > range.low : number >= range.low;
  bool below = range.high_open ? number < range.high : number <= range.high;
  return above && below;
}

sac_number_verdict sac_number_read(const char *text, sac_range range, double *number) {
  double found;
  if (!parse_fraction(text, &found)) return SAC_NUMBER_NONE;
  if (!is_within(range, found)) return SAC_NUMBER_OUT_OF_RANGE;
  *number = found;
  return SAC_NUMBER_TAKEN;
}

void sac_range_show(sac_range range, sac_number_verdict verdict, char *text, size_t size) {
  snprintf(text, size, "%sin %s%g, %g%s", verdict == SAC_NUMBER_NONE ? "a finite number " : "",
           range.low_open ? "(" : "[", range.low, range.high, range.high_open ? ")" : "]");
}

bool sac_value_number(const sac_value *value, sac_range range, double *number) {
  char allowed[96];
  bool is_plain = sac_value_is_scalar(value) && !sac_yaml_is_quoted(value->node);
  sac_number_verdict verdict =
      is_plain ? sac_number_read(sac_value_text(value), range, number) : SAC_NUMBER_NONE;
  if (verdict == SAC_NUMBER_TAKEN) return true;
  sac_range_show(range, verdict, allowed, sizeof allowed);
  sac_value_refuse(value, "%s", allowed);
  return false;
}

bool sac_value_integer(const sac_value *value, int low, int high, int *number) {
  double found;
  bool is_number = sac_value_is_scalar(value) && !sac_yaml_is_quoted(value->node) &&
                   sac_config_number_parse(sac_value_text(value), &found);
  bool fits = is_number && found >= low && found <= high && floor(found) == found;
  if (fits)
    *number = (int)found;
  else
    sac_value_refuse(value, "a whole number in [%d, %d]", low, high);
  return fits;
}

const char *sac_names_nearest(const sac_names *names, const char *text) {
  enum { COMPARED_MAX = 10000 };
  return sac_nearest(text, names->at, names->count < COMPARED_MAX ? names->count : COMPARED_MAX);
}

static void report_name(const sac_value *value, const sac_names *names, const char *what) {
  char shown[SAC_YAML_SHOWN_MAX];
  const char *nearest = NULL;
  if (sac_value_is_scalar(value)) nearest = sac_names_nearest(names, sac_value_text(value));
  sac_yaml_show(value->yaml, value->node, shown);
  sac_value_mistake(value, "holds '%s', which is not %s%s%s", shown, what,
                    nearest ? ", nearest: " : "", nearest ? nearest : "");
}

bool sac_value_name(const sac_value *value, const sac_names *names, const char *what, int *index) {
  *index = -1;
  if (sac_value_is_scalar(value)) {
    const char *text = sac_value_text(value);
    *index = sac_names_find(names, text, strlen(text));
  }
  if (*index < 0) report_name(value, names, what);
  return *index >= 0;
}

bool sac_value_entry(const sac_value *value, int i, const sac_names *names, const char *what,
                     char *seen, int *index, sac_value *entry) {
  sac_value key;
  *entry = sac_value_at(value, i, &key);
  *index = i;
  if (sac_value_is_list(value)) return true;
  if (!sac_value_name(&key, names, what, index)) return false;
  if (!seen) return true;
  if (seen[*index]++ == 0) return true;
  seen[*index] = 1;
  sac_value_mistake(&key, "is given twice");
  return false;
}

bool sac_value_collects(const sac_value *value, int count, const char *what) {
  if (sac_value_is_mapping(value)) return true;
  if (sac_value_is_list(value) && sac_value_count(value) == count) return true;
  if (sac_value_is_list(value))
    sac_value_mistake(value, "has %d entries, must have %d, one for each %s",
                      sac_value_count(value), count, what);
  else
    sac_value_refuse(value, "a mapping from %ss, or a list with an entry for each", what);
  return false;
}
