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

/// Write config.yaml and env.json: at the start, and as a resume does with changed keys or on
/// another machine.
sac_status sac_run_folder_update(const char *folder, const sac_config *cfg, sac_backend *backend,
                                 sac_error *err);
