// Large tables as CSV beside the problem's file: a header, then one line for each entry.
#pragma once

#include "problem/reader.h"

enum { SAC_TRIPLES_COLUMNS = 4 };

/// One line, taken apart; texts end in a zero byte.
typedef struct sac_triples_line {
  sac_config_mistakes *mistakes;
  const char *file;
  int line, column[SAC_TRIPLES_COLUMNS];  // counted from 1
  const char *field[SAC_TRIPLES_COLUMNS];
} sac_triples_line;

/// What is read, and who takes it.
typedef struct sac_triples {
  const sac_value *value;  // names the file
  const char *base;        // the problem's file: the name counts from its folder
  const char *header;      // which must be the first line: "state,action,reward"
  sac_status (*take)(void *context, const sac_triples_line *line, sac_error *err);
  void *context;
} sac_triples;

/// Whether the value names such a file, NAME.csv.
bool sac_value_is_table(const sac_value *value);

/// Call `take` for every line after the header; empty lines and those that begin with # are passed
/// over. Mistakes go to the value's document, a missing file too. Fails only where `take` does.
sac_status sac_triples_read(const sac_triples *triples, sac_error *err);

/// Add a mistake at the field of that index: "FILE:LINE:COLUMN: ...".
void sac_triples_mistake(const sac_triples_line *line, int index, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// The number in a field, or the number of its name; false when it is told as a mistake.
bool sac_triples_number(const sac_triples_line *line, int index, sac_range range, double *number);
bool sac_triples_name(const sac_triples_line *line, int index, const sac_names *names,
                      const char *what, int *found);
