// Transitions, checked: a list sorted by state, action and next state, whose rows sum to 1.
#pragma once

#include "problem/stage_reader.h"

/// What a row's sum may differ from 1 by; it is divided by its sum.
#define SAC_ROW_TOLERANCE 1e-9

typedef struct sac_transitions {
  sac_transition *at;
  int count, room;
  char file[SAC_CONFIG_WHERE_MAX];  // what the lines of `at` are in
} sac_transitions;

/// Read them. Mistakes go to the value's document. The caller frees `at`, whatever is returned.
sac_status sac_transitions_read(const sac_stage_reader *reader, const sac_value *value,
                                sac_transitions *out, sac_error *err);
