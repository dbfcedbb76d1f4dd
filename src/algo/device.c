#include "algo/device.h"

#include <string.h>

_Static_assert((int)SAC_PRECISION_FP32 == (int)SAC_MATMUL_FP32 &&
                   (int)SAC_PRECISION_TF32 == (int)SAC_MATMUL_TF32 &&
                   (int)SAC_PRECISION_BF16 == (int)SAC_MATMUL_BF16,
               "the configuration's choices are the backend's choices, in the same order");

sac_status sac_device_open(const sac_config *cfg, sac_threads **threads, sac_backend **backend,
                           sac_error *err) {
  SAC_TRY(sac_threads_create((int)cfg->run.threads, threads, err));
  sac_backend_options options = {.device = sac_config_word("run.device", cfg->run.device),
                                 .matmul = (sac_matmul)cfg->run.matmul_precision,
                                 .threads = *threads};
  return sac_backend_open(&options, backend, err);
}

void sac_device_close(sac_threads *threads, sac_backend *backend) {
  if (backend) sac_backend_close(backend);
  sac_threads_destroy(threads);
}

sac_status sac_spread_open(sac_spread *spread, int n_seeds, sac_threads *threads,
                           sac_backend *backend, sac_error *err) {
  *spread = (sac_spread){.lanes = 1, .threads = threads, .backend = backend};
  bool is_cpu = strcmp(backend->ops->device, "cpu") == 0;
  if (!is_cpu || n_seeds == 1 || n_seeds < sac_threads_count(threads)) return SAC_OK;
  *spread = (sac_spread){.lanes = n_seeds};
  SAC_TRY(sac_threads_create(1, &spread->threads, err));
  sac_backend_options options = {.device = "cpu", .threads = spread->threads};
  return sac_backend_open(&options, &spread->backend, err);
}

void sac_spread_close(sac_spread *spread) {
  if (spread->lanes > 1) sac_device_close(spread->threads, spread->backend);
  *spread = (sac_spread){0};
}
