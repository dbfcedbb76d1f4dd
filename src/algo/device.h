// Where a configuration wants its networks and replay to live.
#pragma once

#include "backend/backend.h"
#include "config/config.h"

/// Start the threads and open the backend of run.device, run.threads and run.matmul_precision. As
/// sac_backend_open: where `auto` has to do without a GPU, `err->text` says why. What was opened
/// before a failure is the caller's to close.
sac_status sac_device_open(const sac_config *cfg, sac_threads **threads, sac_backend **backend,
                           sac_error *err);
void sac_device_close(sac_threads *threads, sac_backend *backend);
