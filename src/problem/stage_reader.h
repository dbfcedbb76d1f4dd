// Dynamics, rewards and prior of a table, as mappings of names, nested lists or CSV files.
#pragma once

#include "inference/mdp.h"
#include "problem/reader.h"

/// What all stages of a problem share.
typedef struct sac_stage_reader {
  const sac_names *states, *actions;
  const char *file;                  // the problem's file: CSV files are named from its folder
  char *seen_states, *seen_actions;  // (states->count), (actions->count) zeros
} sac_stage_reader;

/// The prior over actions.
typedef enum sac_prior { SAC_PRIOR_UNIFORM, SAC_PRIOR_NONE, SAC_PRIOR_GIVEN } sac_prior;

typedef struct sac_stage_values {
  sac_value transitions, rewards, prior;
} sac_stage_values;

/// Make a stage of the values; `*stage` is NULL where mistakes kept it from being made.
sac_status sac_stage_read(const sac_stage_reader *reader, const sac_stage_values *values,
                          sac_mdp_stage **stage, sac_error *err);

/// What the value of `prior` is.
sac_prior sac_prior_of(const sac_value *value);
