// The last step of loading: keys against each other, and what depends on the algorithm.
#pragma once

#include "config/fields.h"
#include "config/mistakes.h"

typedef struct sac_config_loading {
  sac_config *cfg;
  const char *file;  // for messages; NULL when there is none
  bool bench;
  bool unreadable;  // the file is not YAML: what it lacks is not worth telling
  sac_config_mistakes mistakes;
  int source;  // of what is being read: a file builds on others, whose keys it may repeat, and so
               // may the overrides
  int field_source[SAC_CONFIG_N_FIELDS], kwarg_source[SAC_CONFIG_KWARG_MAX];
  bool failed[SAC_CONFIG_N_FIELDS];  // keys with a wrong value: not checked any further
} sac_config_loading;

/// Check keys against each other and settle what depends on the algorithm.
void sac_config_resolve(sac_config_loading *loading);
