// Values of a problem's file: where they stand, what they hold, and what is wrong with them.
#pragma once

#include "config/yaml_document.h"
#include "problem/names.h"

enum { SAC_READER_PATH_MAX = 256 };

/// A value: a node of the file or of an override. `node` is NULL where it was not given.
typedef struct sac_value {
  sac_yaml *yaml;
  const yaml_node_t *node;
  char path[SAC_READER_PATH_MAX];  // dotted, for messages
} sac_value;

bool sac_value_given(const sac_value *value);

/// Add a mistake at the value: "PLACE: PATH <format>".
void sac_value_mistake(const sac_value *value, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// The same, "PLACE: PATH is FOUND, must be <format>".
void sac_value_refuse(const sac_value *value, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool sac_value_is_scalar(const sac_value *value);
bool sac_value_is_list(const sac_value *value);
bool sac_value_is_mapping(const sac_value *value);
bool sac_value_is_null(const sac_value *value);

/// Entries of a list or a mapping, and the value of one. A mapping's `key` is given too.
int sac_value_count(const sac_value *value);
sac_value sac_value_at(const sac_value *value, int i, sac_value *key);

/// The text of a scalar that is given.
const char *sac_value_text(const sac_value *value);

/// A range of numbers; open ends where they say so.
typedef struct sac_range {
  double low, high;
  bool low_open, high_open;
} sac_range;

/// What became of a text that should be a number.
typedef enum sac_number_verdict {
  SAC_NUMBER_TAKEN,
  SAC_NUMBER_NONE,         // it is no finite number
  SAC_NUMBER_OUT_OF_RANGE  // it is one that is not allowed
} sac_number_verdict;

/// Read a finite number within the range, also written as a fraction: 1/3.
sac_number_verdict sac_number_read(const char *text, sac_range range, double *number);

/// What is allowed, to follow "must be".
void sac_range_show(sac_range range, sac_number_verdict verdict, char *text, size_t size);

/// The number of a value; false when it is told as a mistake.
bool sac_value_number(const sac_value *value, sac_range range, double *number);

/// The same for whole numbers.
bool sac_value_integer(const sac_value *value, int low, int high, int *number);

/// The name that a text resembles most, or NULL; among the first ten thousand.
const char *sac_names_nearest(const sac_names *names, const char *text);

/// The number of the name that the scalar is; a mistake names the nearest. `what` is "a state".
bool sac_value_name(const sac_value *value, const sac_names *names, const char *what, int *index);

/// Entry i of a mapping from names, or of a list with one entry for each name: its number and its
/// value. False when it is told as a mistake. `seen` (names->count), all zero before the first
/// entry, finds names given twice; NULL does without.
bool sac_value_entry(const sac_value *value, int i, const sac_names *names, const char *what,
                     char *seen, int *index, sac_value *entry);

/// Whether it is a mapping, or a list of exactly `count` entries; else a mistake.
bool sac_value_collects(const sac_value *value, int count, const char *what);
