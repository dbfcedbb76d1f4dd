// Collects every mistake of a configuration, one line each, in a `sac_error`.
#pragma once

#include "base/status.h"

typedef struct sac_config_mistakes {
  sac_error *err;  // may be NULL
  size_t used;     // bytes of err->text
  int count;       // found so far
  int hidden;      // those that did not fit
} sac_config_mistakes;

/// Add the line "WHERE: ...".
void sac_config_mistake(sac_config_mistakes *mistakes, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// SAC_OK when there were none, else SAC_BAD_CONFIG; says how many lines did not fit.
sac_status sac_config_mistakes_close(sac_config_mistakes *mistakes);

/// Copy what a user wrote so that a message can show it: one line, no control characters, cut with
/// dots where it exceeds `size`.
void sac_config_show(const char *text, char *shown, size_t size);
