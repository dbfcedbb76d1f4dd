#include "config/fields.h"

#include <string.h>

// clang-format off
#define SAC_WORD(constant, word) {word, false},
#define SAC_WORD_LATER(constant, word) {word, true},
#define SAC_CHOICE(name, list) static const sac_config_term name##_words[] = {list {NULL, false}};
#include "config/config_fields.h"

#define TYPE_integer SAC_CONFIG_INTEGER
#define TYPE_number SAC_CONFIG_NUMBER
#define TYPE_flag SAC_CONFIG_FLAG
#define TYPE_text SAC_CONFIG_TEXT
#define TYPE_choice SAC_CONFIG_CHOICE
#define TYPE_integers SAC_CONFIG_INTEGERS
#define TYPE_coefficient SAC_CONFIG_COEFFICIENT
#define TYPE_kwargs SAC_CONFIG_KWARGS

// a choice names its words where the other types have their range
#define RANGE_integer(range) range, NULL
#define RANGE_number(range) range, NULL
#define RANGE_flag(range) range, NULL
#define RANGE_text(range) range, NULL
#define RANGE_choice(list) "", list##_words
#define RANGE_integers(range) range, NULL
#define RANGE_coefficient(range) range, NULL
#define RANGE_kwargs(range) range, NULL

#define ROW(type, section, name, initial, allowed, unit, users, help, later)                  \
  {#section "." #name, TYPE_##type, offsetof(sac_config, section.name), initial,              \
   RANGE_##type(allowed), unit, users, help, later},
#define SAC_FIELD(type, section, name, initial, range, unit, users, help) \
  ROW(type, section, name, initial, range, unit, users, help, false)
#define SAC_LATER(type, section, name, initial, range, unit, users, help) \
  ROW(type, section, name, initial, range, unit, users, help, true)
// clang-format on

static const sac_config_field fields[SAC_CONFIG_N_FIELDS] = {
#include "config/config_fields.h"
};

#define SAC_OPEN(path, help) {#path, help},
static const sac_config_section sections[] = {
#include "config/config_fields.h"
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

const sac_config_field *sac_config_field_at(int index) {
  SAC_ASSERT(index >= 0 && index < SAC_CONFIG_N_FIELDS);
  return &fields[index];
}

const sac_config_section *sac_config_sections(int *count) {
  *count = N_SECTIONS;
  return sections;
}

int sac_config_field_find(const char *path) {
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++)
    if (!strcmp(fields[i].path, path)) return i;
  return -1;
}

int sac_config_section_find(const char *path) {
  for (int i = 0; i < N_SECTIONS; i++)
    if (!strcmp(sections[i].path, path)) return i;
  return -1;
}

bool sac_config_is_bench(const char *path) {
  return !strcmp(path, "bench") || !strncmp(path, "bench.", 6);
}

const char *sac_config_last_part(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? dot + 1 : path;
}
