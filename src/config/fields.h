// The key list as a table, for code that goes through all keys.
#pragma once

#include "config/config.h"

typedef enum sac_config_type {
  SAC_CONFIG_INTEGER,
  SAC_CONFIG_NUMBER,
  SAC_CONFIG_FLAG,
  SAC_CONFIG_TEXT,
  SAC_CONFIG_CHOICE,
  SAC_CONFIG_INTEGERS,
  SAC_CONFIG_COEFFICIENT,
  SAC_CONFIG_KWARGS
} sac_config_type;

/// A word of a choice; the list ends with a NULL word. `later`: known, but not in this version.
typedef struct sac_config_term {
  const char *word;
  bool later;
} sac_config_term;

/// One key: a row of config_fields.h.
typedef struct sac_config_field {
  const char *path;  // dotted
  sac_config_type type;
  size_t offset;  // of the member in sac_config
  const char *initial, *range;
  const sac_config_term *words;  // of a choice, else NULL
  const char *unit, *users, *help;
  bool later;  // only the default is in this version
} sac_config_field;

typedef struct sac_config_section {
  const char *path, *help;
} sac_config_section;

/// SAC_CONFIG_N_FIELDS rows, in the order of the list.
const sac_config_field *sac_config_field_at(int index);

/// Sections in the order of the list, and how many.
const sac_config_section *sac_config_sections(int *count);

/// Index of a key or section by its dotted path, -1 when there is none.
int sac_config_field_find(const char *path);
int sac_config_section_find(const char *path);

/// Whether a key belongs to `sac bench` alone.
bool sac_config_is_bench(const char *path);

/// The part of a path after its last dot.
const char *sac_config_last_part(const char *path);
