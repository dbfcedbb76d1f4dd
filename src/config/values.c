#include "config/values.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 64 };  // letters of a number

// a range as the list of keys writes it
typedef struct limits {
  double low, high;
  bool low_open, high_open;
  int min_count, max_count;  // of a list
  char other[32];            // the one value outside of [low, high], or ""
} limits;

static limits read_limits(const char *range) {
  limits it = {.low = -INFINITY, .high = INFINITY};
  if (isdigit((unsigned char)*range))
    sscanf(range, "%d to %d values in ", &it.min_count, &it.max_count);
  const char *bracket = strpbrk(range, "[(");
  if (bracket) {
    char *rest;
    it.low_open = *bracket == '(';
    it.low = strtod(bracket + 1, &rest);
    it.high = strtod(rest + 1, &rest);
    it.high_open = *rest == ')';
  }
  const char *other = strstr(range, " or ");
  if (other) sscanf(other, " or %31s", it.other);
  return it;
}

static bool is_within(const limits *range, double value) {
  bool above = range->low_open ? value > range->low : value >= range->low;
  bool below = range->high_open ? value < range->high : value <= range->high;
  return above && below;
}

// digits with single underscores between them, copied without those; NULL when there are none
static const char *copy_digits(const char *text, char **to, const char *end) {
  const char *start = text;
  while (isdigit((unsigned char)*text) && *to < end) {
    *(*to)++ = *text++;
    if (*text == '_' && isdigit((unsigned char)text[1])) text++;
  }
  return text == start ? NULL : text;
}

// [sign] digits [. digits] [e [sign] digits] into `clean`, without underscores
static bool clean_number(const char *text, char clean[NUMBER_MAX]) {
  char *to = clean, *const end = clean + NUMBER_MAX - 4;
  if (*text == '+' || *text == '-') *to++ = *text++;
  // a leading zero could mean octal: YAML versions differ
  if (text[0] == '0' && (isdigit((unsigned char)text[1]) || text[1] == '_')) return false;
  const char *whole = copy_digits(text, &to, end), *after = whole;
  if (whole) text = whole;
  if (*text == '.') {
    *to++ = *text++;
    after = copy_digits(text, &to, end);
    if (after) text = after;
    if (!whole && !after) return false;
  } else if (!whole) {
    return false;
  }
  if (*text == 'e' || *text == 'E') {
    *to++ = *text++;
    if (*text == '+' || *text == '-') *to++ = *text++;
    text = copy_digits(text, &to, end);
    if (!text) return false;
  }
  *to = '\0';
  return !*text;
}

bool sac_config_number_parse(const char *text, double *number) {
  char clean[NUMBER_MAX];
  if (!clean_number(text, clean)) return false;
  *number = strtod(clean, NULL);
  return isfinite(*number);
}

// mantissa * 10^exponent as a whole number, when it is one and fits
static bool scale_exactly(uint64_t mantissa, long exponent, uint64_t *whole) {
  for (; exponent < 0 && mantissa; exponent++) {
    if (mantissa % 10) return false;
    mantissa /= 10;
  }
  for (; exponent > 0 && mantissa; exponent--)
    if (__builtin_mul_overflow(mantissa, 10, &mantissa)) return false;
  *whole = mantissa;
  return mantissa <= INT64_MAX;
}

// a whole number, exactly: 1e6 and 1.5e3 are, 1.5 is not
static bool parse_integer(const char *text, int64_t *integer) {
  char clean[NUMBER_MAX];
  if (!clean_number(text, clean)) return false;
  const char *at = clean;
  bool negative = *at == '-', fraction = false;
  uint64_t mantissa = 0;
  long exponent = 0;
  if (*at == '+' || *at == '-') at++;
  for (; *at && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    if (__builtin_mul_overflow(mantissa, 10, &mantissa)) return false;
    if (__builtin_add_overflow(mantissa, (uint64_t)(*at - '0'), &mantissa)) return false;
    exponent -= fraction;
  }
  if (*at) exponent += strtol(at + 1, NULL, 10);
  uint64_t whole;
  if (!scale_exactly(mantissa, exponent, &whole)) return false;
  *integer = negative ? -(int64_t)whole : (int64_t)whole;
  return true;
}

bool sac_config_is_null(const char *item, bool quoted) {
  return !quoted && (!*item || !strcmp(item, "~") || !strcmp(item, "null") ||
                     !strcmp(item, "Null") || !strcmp(item, "NULL"));
}

bool sac_config_flag_parse(const char *item, bool quoted, bool *flag) {
  *flag = !strcmp(item, "true");
  return !quoted && (*flag || !strcmp(item, "false"));
}

// the value outside of the range: a word, or a number
static bool is_other(const limits *range, const char *item, bool quoted) {
  if (!strcmp(range->other, "null")) return sac_config_is_null(item, quoted);
  return *range->other && !strcmp(item, range->other);
}

static sac_config_verdict set_integer(int64_t *member, const limits *range, const char *item,
                                      bool quoted) {
  int64_t value;
  bool parsed = !quoted && parse_integer(item, &value);
  if (is_other(range, item, quoted)) {
    *member = parsed ? value : 0;
    return SAC_CONFIG_TAKEN;
  }
  double number;
  if (!parsed && !quoted && sac_config_number_parse(item, &number) && fabs(number) >= 0x1p63)
    return SAC_CONFIG_OUT_OF_RANGE;
  if (!parsed) return SAC_CONFIG_WRONG_KIND;
  if (!is_within(range, (double)value)) return SAC_CONFIG_OUT_OF_RANGE;
  *member = value;
  return SAC_CONFIG_TAKEN;
}

static sac_config_verdict set_number(double *member, const limits *range, const char *item,
                                     bool quoted) {
  double value;
  if (is_other(range, item, quoted)) {
    *member = NAN;
    return SAC_CONFIG_TAKEN;
  }
  if (quoted || !sac_config_number_parse(item, &value)) return SAC_CONFIG_WRONG_KIND;
  if (!is_within(range, value)) return SAC_CONFIG_OUT_OF_RANGE;
  *member = value;
  return SAC_CONFIG_TAKEN;
}

static sac_config_verdict set_text(char *member, const limits *range, const char *item,
                                   bool quoted) {
  bool null = is_other(range, item, quoted);
  if (!null && sac_config_is_null(item, quoted)) return SAC_CONFIG_WRONG_KIND;
  if (!null && !*item) return SAC_CONFIG_OUT_OF_RANGE;
  if (strlen(item) >= SAC_CONFIG_TEXT_MAX) return SAC_CONFIG_OUT_OF_RANGE;
  for (const char *at = item; *at; at++)
    if (iscntrl((unsigned char)*at)) return SAC_CONFIG_OUT_OF_RANGE;
  memset(member, 0, SAC_CONFIG_TEXT_MAX);
  strcpy(member, null ? "" : item);
  return SAC_CONFIG_TAKEN;
}

static sac_config_verdict set_choice(int *member, const sac_config_term *words, const char *item) {
  for (int i = 0; words[i].word; i++) {
    if (strcmp(words[i].word, item)) continue;
    if (words[i].later) return SAC_CONFIG_NOT_AVAILABLE;
    *member = i;
    return SAC_CONFIG_TAKEN;
  }
  return SAC_CONFIG_OUT_OF_RANGE;
}

static sac_config_verdict set_integers(sac_config_list *member, const limits *range,
                                       const sac_config_items *items) {
  sac_config_list list = {.count = items->count};
  limits each = *range;
  each.other[0] = '\0';
  if (!items->is_list) return SAC_CONFIG_WRONG_KIND;
  if (items->count < range->min_count || items->count > range->max_count)
    return SAC_CONFIG_OUT_OF_RANGE;
  for (int i = 0; i < items->count; i++) {
    sac_config_verdict verdict = set_integer(&list.at[i], &each, items->item[i], items->quoted[i]);
    if (verdict != SAC_CONFIG_TAKEN) return verdict;
  }
  *member = list;
  return SAC_CONFIG_TAKEN;
}

// auto, auto_NUMBER, or a fixed number
static sac_config_verdict set_coefficient(sac_config_coefficient *member, const limits *range,
                                          const char *item, bool quoted) {
  limits plain = *range;
  plain.other[0] = '\0';
  bool learned = !strncmp(item, "auto", 4);
  double initial = 1.0;
  if (!learned || item[4]) {
    if (learned && item[4] != '_') return SAC_CONFIG_WRONG_KIND;
    sac_config_verdict verdict =
        set_number(&initial, &plain, item + (learned ? 5 : 0), quoted && !learned);
    if (verdict != SAC_CONFIG_TAKEN) return verdict;
  }
  member->learned = learned;
  member->initial = initial;
  return SAC_CONFIG_TAKEN;
}

static sac_config_verdict set_member(void *member, const sac_config_field *field,
                                     const sac_config_items *items) {
  const char *item = items->item[0];
  bool quoted = items->quoted[0];
  limits range = read_limits(field->range);
  if (field->type == SAC_CONFIG_INTEGERS) return set_integers(member, &range, items);
  if (items->is_list) return SAC_CONFIG_WRONG_KIND;
  switch (field->type) {
    case SAC_CONFIG_INTEGER:
      return set_integer(member, &range, item, quoted);
    case SAC_CONFIG_NUMBER:
      return set_number(member, &range, item, quoted);
    case SAC_CONFIG_TEXT:
      return set_text(member, &range, item, quoted);
    case SAC_CONFIG_CHOICE:
      return set_choice(member, field->words, item);
    case SAC_CONFIG_COEFFICIENT:
      return set_coefficient(member, &range, item, quoted);
    default:
      break;
  }
  bool flag;
  SAC_ASSERT(field->type == SAC_CONFIG_FLAG);
  if (!sac_config_flag_parse(item, quoted, &flag)) return SAC_CONFIG_WRONG_KIND;
  *(bool *)member = flag;
  return SAC_CONFIG_TAKEN;
}

// a list's items point into `text`, which is cut up
static void split_items(char *text, sac_config_items *items) {
  items->is_list = *text == '[';
  if (!items->is_list) {
    items->item[items->count++] = text;
    return;
  }
  char *rest, *item = strtok_r(text + 1, ", ]", &rest);
  for (; item; item = strtok_r(NULL, ", ]", &rest)) items->item[items->count++] = item;
}

static void set_initial(void *member, const sac_config_field *field) {
  char text[64];
  sac_config_items items = {0};
  snprintf(text, sizeof text, "%s", field->initial);
  split_items(text, &items);
  sac_config_verdict verdict = set_member(member, field, &items);
  SAC_ASSERT(verdict == SAC_CONFIG_TAKEN);
}

sac_config_verdict sac_config_set(sac_config *cfg, const sac_config_field *field,
                                  const sac_config_items *items) {
  void *member = (char *)cfg + field->offset;
  if (!field->later) return set_member(member, field, items);
  union {
    int64_t integer;
    double number;
    bool flag;
  } value = {0}, initial = {0};
  sac_config_verdict verdict = set_member(&value, field, items);
  set_initial(&initial, field);
  if (verdict == SAC_CONFIG_TAKEN && memcmp(&value, &initial, sizeof value))
    verdict = SAC_CONFIG_NOT_AVAILABLE;
  return verdict;
}

void sac_config_set_default(sac_config *cfg, const sac_config_field *field) {
  bool empty = field->type == SAC_CONFIG_KWARGS || !*field->initial;
  if (!empty) set_initial((char *)cfg + field->offset, field);
}
