#include "config/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...) {
  size_t used = strlen(text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + used, size - used, format, arguments);
  va_end(arguments);
}

// "a, b or c", without the words of later versions
static void append_words(const sac_config_term *words, char *text, size_t size) {
  int left = 0;
  for (int i = 0; words[i].word; i++) left += !words[i].later;
  for (int i = 0; words[i].word; i++) {
    if (words[i].later) continue;
    left--;
    append(text, size, "%s%s", words[i].word, left > 1 ? ", " : left == 1 ? " or " : "");
  }
}

// "a text of 1 to 255 plain characters or null"
static void append_text_kind(const char *range, char *text, size_t size) {
  const char *kind = *range ? range : "a text", *other = strstr(kind, " or ");
  int length = other ? (int)(other - kind) : (int)strlen(kind);
  append(text, size, "%.*s of 1 to %d plain characters%s", length, kind, SAC_CONFIG_TEXT_MAX - 1,
         other ? other : "");
}

void sac_config_allowed(const sac_config_field *field, sac_config_verdict verdict, char *text,
                        size_t size) {
  bool kind = verdict == SAC_CONFIG_WRONG_KIND;
  text[0] = '\0';
  if (verdict == SAC_CONFIG_NOT_AVAILABLE && field->type != SAC_CONFIG_CHOICE) {
    append(text, size, "%s", field->initial);
    return;
  }
  switch (field->type) {
    case SAC_CONFIG_INTEGER:
      append(text, size, "%sin %s", kind ? "a whole number " : "", field->range);
      return;
    case SAC_CONFIG_NUMBER:
    case SAC_CONFIG_COEFFICIENT:
      append(text, size, "%sin %s", kind ? "a number " : "", field->range);
      return;
    case SAC_CONFIG_FLAG:
      append(text, size, "true or false");
      return;
    case SAC_CONFIG_TEXT:
      append_text_kind(field->range, text, size);
      return;
    case SAC_CONFIG_CHOICE:
      append_words(field->words, text, size);
      return;
    case SAC_CONFIG_INTEGERS:
      append(text, size, "a list of %s", field->range);
      return;
    case SAC_CONFIG_KWARGS:
      append(text, size, "a mapping of names to %s", field->range);
      return;
  }
}

void sac_config_number_format(double number, char *text, size_t size) {
  char shortest[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(shortest, sizeof shortest, "%.*g", digits, number);
    if (strtod(shortest, NULL) == number) break;
  }
  // other YAML readers take a number without a point for an integer, or for text
  size_t mantissa = strcspn(shortest, "e");
  bool pointed = memchr(shortest, '.', mantissa) || !isfinite(number);
  snprintf(text, size, "%.*s%s%s", (int)mantissa, shortest, pointed ? "" : ".0",
           shortest + mantissa);
}

static void write_number(double number, const char *otherwise, FILE *out) {
  char text[48];
  sac_config_number_format(number, text, sizeof text);
  fputs(isnan(number) ? otherwise : text, out);
}

static void write_text(const char *text, FILE *out) {
  fputc('"', out);
  for (; *text; text++) fprintf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
  fputc('"', out);
}

static void write_list(const sac_config_list *list, FILE *out) {
  fputc('[', out);
  for (int i = 0; i < list->count; i++) fprintf(out, "%s%" PRId64, i ? ", " : "", list->at[i]);
  fputc(']', out);
}

void sac_config_kwarg_write(const sac_config_kwarg *kwarg, FILE *out) {
  if (kwarg->is_list) fputc('[', out);
  for (int i = 0; i < kwarg->count; i++) {
    if (i) fputs(", ", out);
    if (kwarg->is_flag)
      fputs(kwarg->value[i] != 0.0 ? "true" : "false", out);
    else
      write_number(kwarg->value[i], "", out);
  }
  if (kwarg->is_list) fputc(']', out);
}

static void write_kwargs(const sac_config_kwargs *kwargs, FILE *out) {
  fputc('{', out);
  for (int i = 0; i < kwargs->count; i++) {
    fprintf(out, "%s%s: ", i ? ", " : "", kwargs->at[i].name);
    sac_config_kwarg_write(&kwargs->at[i], out);
  }
  fputc('}', out);
}

static void write_coefficient(const sac_config_coefficient *coefficient, FILE *out) {
  if (coefficient->learned) fputs("auto", out);
  if (coefficient->learned && coefficient->initial == 1.0) return;
  if (coefficient->learned) fputc('_', out);
  write_number(coefficient->initial, "", out);
}

static void write_integer(int64_t value, const sac_config_field *field, FILE *out) {
  if (!value && strstr(field->range, " or null"))
    fputs("null", out);
  else
    fprintf(out, "%" PRId64, value);
}

void sac_config_value_write(const sac_config *cfg, const sac_config_field *field, FILE *out) {
  const void *member = (const char *)cfg + field->offset;
  switch (field->type) {
    case SAC_CONFIG_INTEGER:
      write_integer(*(const int64_t *)member, field, out);
      return;
    case SAC_CONFIG_NUMBER:
      write_number(*(const double *)member, strstr(field->range, " or auto") ? "auto" : "null",
                   out);
      return;
    case SAC_CONFIG_FLAG:
      fputs(*(const bool *)member ? "true" : "false", out);
      return;
    case SAC_CONFIG_TEXT:
      if (*(const char *)member)
        write_text(member, out);
      else
        fputs("null", out);
      return;
    case SAC_CONFIG_CHOICE:
      fputs(field->words[*(const int *)member].word, out);
      return;
    case SAC_CONFIG_INTEGERS:
      write_list(member, out);
      return;
    case SAC_CONFIG_COEFFICIENT:
      write_coefficient(member, out);
      return;
    case SAC_CONFIG_KWARGS:
      write_kwargs(member, out);
      return;
  }
}
