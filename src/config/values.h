// Values of keys from and to text: number syntax, ranges, choices.
#pragma once

#include "config/fields.h"

/// A value as it was written: one item for a scalar, any number for a list.
typedef struct sac_config_items {
  int count;  // may exceed the items kept
  bool is_list;
  const char *item[SAC_CONFIG_LIST_MAX];
  bool quoted[SAC_CONFIG_LIST_MAX];
} sac_config_items;

/// What became of a value.
typedef enum sac_config_verdict {
  SAC_CONFIG_TAKEN,
  SAC_CONFIG_WRONG_KIND,     // not a value of this type at all
  SAC_CONFIG_OUT_OF_RANGE,   // a value of this type, but not one of those allowed
  SAC_CONFIG_NOT_AVAILABLE,  // one that this version knows but does not have
} sac_config_verdict;

/// Put a value into the field's member of `cfg`, which stays as it is unless the value is taken.
/// Keyword arguments are no single value: never call this for them.
sac_config_verdict sac_config_set(sac_config *cfg, const sac_config_field *field,
                                  const sac_config_items *items);

/// Put the field's default into `cfg`.
void sac_config_set_default(sac_config *cfg, const sac_config_field *field);

/// A finite number in the syntax of configurations; false when `text` is none.
bool sac_config_number_parse(const char *text, double *number);

/// Whether an item is YAML's null: nothing, `~` or null, not in quotes.
bool sac_config_is_null(const char *item, bool quoted);

/// Whether an unquoted item is true or false.
bool sac_config_flag_parse(const char *item, bool quoted, bool *flag);
