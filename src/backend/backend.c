#include "backend/backend.h"

#include <string.h>

sac_status sac_backend_open(const char *device, sac_threads *threads, sac_backend **backend,
                            sac_error *err) {
  if (strcmp(device, "cuda") == 0)
    return sac_error_set(
        err, SAC_FAILED,
        "run.device: cuda cannot be used: this program was built without the CUDA backend; use cpu "
        "or auto");
  return sac_cpu_ops()->open(threads, backend, err);
}

void sac_backend_close(sac_backend *backend) {
  backend->ops->close(backend);
}
