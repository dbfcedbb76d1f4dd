// Which backend a run gets.
#include "backend/backend.h"

#include <string.h>

static sac_status open_table(const sac_ops *ops, const sac_backend_options *options,
                             sac_backend **backend, sac_error *err) {
  sac_backend_options own = *options;
  own.ops = ops;
  return ops->open(&own, backend, err);
}

static sac_status open_cuda(const sac_backend_options *options, sac_backend **backend,
                            sac_error *err) {
  const sac_ops *ops;
  SAC_TRY(sac_cuda_load(&ops, err));
  return open_table(ops, options, backend, err);
}

sac_status sac_backend_open(const sac_backend_options *options, sac_backend **backend,
                            sac_error *err) {
  sac_error own, why = {.code = SAC_OK};
  if (!err) err = &own;
  *backend = NULL;
  if (strcmp(options->device, "cpu") != 0) {
    sac_status status = open_cuda(options, backend, &why);
    if (status != SAC_OK && strcmp(options->device, "cuda") == 0)
      return sac_error_set(err, status, "run.device: cuda cannot be used: %s", why.text);
    if (status == SAC_OK) why.text[0] = '\0';
  }
  if (!*backend) SAC_TRY(open_table(sac_cpu_ops(), options, backend, err));
  *err = (sac_error){.code = SAC_OK};
  memcpy(err->text, why.text, sizeof err->text);
  return SAC_OK;
}

void sac_backend_close(sac_backend *backend) {
  backend->ops->close(backend);
}
