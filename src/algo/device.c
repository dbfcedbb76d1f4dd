#include "algo/device.h"

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
