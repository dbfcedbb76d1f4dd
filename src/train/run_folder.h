// The folder of a run: its name, its resolved configuration and what it ran on.
#pragma once

#include "backend/backend.h"
#include "config/config.h"

/// Choose the folder: `wanted` when not NULL, else one under run.logdir named run.name or, without
/// a name, after the configuration file, seed and time. SAC_BAD_CONFIG when it holds a run already.
sac_status sac_run_folder_name(const sac_config *cfg, const char *config_path, const char *wanted,
                               char *folder, sac_error *err);

/// Make the folder and lock it (`lock` closes with sac_folder_unlock), so that of several processes
/// one gets it. Where it is taken and `may_number`, the name gets a number: "NAME-2".
sac_status sac_run_folder_claim(char *folder, bool may_number, int *lock, sac_error *err);

/// The folder of one of several seeds of a run: "FOLDER/seed-S".
sac_status sac_run_folder_seed(const char *folder, uint64_t seed, char *path, sac_error *err);

/// What status.json says of a run.
typedef struct sac_run_status {
  const char *state;  ///< running, stopped, done or failed
  uint64_t timesteps;
  const char *reason;  ///< of a failure, else ""
  sac_status code;     ///< of it; written where it is not SAC_OK
} sac_run_status;

/// Replace status.json.
sac_status sac_run_folder_note(const char *folder, const sac_run_status *status, sac_error *err);

/// How the run in a folder failed by itself, by its numbers or its environment, and its timesteps
/// then: `failure->code` is SAC_OK where it did not, or where nothing can be read.
void sac_run_folder_failure(const char *folder, sac_error *failure, uint64_t *timesteps);

/// Write config.yaml and env.json: at the start, and as a resume does with changed keys or on
/// another machine.
sac_status sac_run_folder_update(const char *folder, const sac_config *cfg, sac_backend *backend,
                                 sac_error *err);
