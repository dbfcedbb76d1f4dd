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

/// How the seeds of a process share its device. A lane is a stack of seeds that is computed as one.
/// On a GPU all seeds are one lane, whose ops take them all at once. On the CPU, where there are no
/// fewer seeds than threads, each seed is a lane of its own, and a lane is one thread's work.
typedef struct sac_spread {
  int lanes;             ///< each of the same number of seeds
  sac_threads *threads;  ///< what a lane works with: those of the device, or one of its own
  sac_backend *backend;
} sac_spread;

/// `threads` and `backend` are what sac_device_open gave, and outlive the spread.
sac_status sac_spread_open(sac_spread *spread, int n_seeds, sac_threads *threads,
                           sac_backend *backend, sac_error *err);
void sac_spread_close(sac_spread *spread);
