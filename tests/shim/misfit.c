// Stands for a libsac_cuda.so of another build.
#include <stdint.h>
#include <stdio.h>

const void *sac_cuda_ops(uint32_t version, size_t size, const char *build, char *why,
                         size_t why_size);

const void *sac_cuda_ops(uint32_t version, size_t size, const char *build, char *why,
                         size_t why_size) {
  (void)size, (void)build;
  snprintf(why, why_size, "it is of build other, this program's version is %u", version);
  return NULL;
}
