#include "io/tensor_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  size_t bytes;
} types[] = {[SAC_F32] = {"F32", 4}, [SAC_F64] = {"F64", 8}, [SAC_I32] = {"I32", 4},
             [SAC_I64] = {"I64", 8}, [SAC_U64] = {"U64", 8}, [SAC_U8] = {"U8", 1}};
enum { N_TYPES = sizeof types / sizeof *types };

const char *sac_dtype_name(sac_dtype dtype) {
  return (unsigned)dtype < N_TYPES ? types[dtype].name : NULL;
}

size_t sac_dtype_bytes(sac_dtype dtype) {
  SAC_ASSERT((unsigned)dtype < N_TYPES);
  return types[dtype].bytes;
}

bool sac_dtype_find(const char *name, sac_dtype *dtype) {
  for (int i = 0; i < N_TYPES; i++) {
    if (strcmp(types[i].name, name)) continue;
    *dtype = (sac_dtype)i;
    return true;
  }
  return false;
}

size_t sac_tensor_count(const sac_tensor *tensor) {
  size_t count = 1;
  for (int i = 0; i < tensor->rank; i++) count *= (size_t)tensor->shape[i];
  return count;
}

size_t sac_tensor_bytes(const sac_tensor *tensor) {
  return sac_tensor_count(tensor) * sac_dtype_bytes(tensor->dtype);
}

const char *sac_hash_find(const char *header, size_t size) {
  // no text inside the JSON can hold this pattern: its quotes would be escaped
  static const char pattern[] = "\"" SAC_HASH_KEY "\":\"";
  const char *found = memmem(header, size, pattern, sizeof pattern - 1);
  if (!found) return NULL;
  found += sizeof pattern - 1;
  return found + SAC_HASH_DIGITS < header + size ? found : NULL;
}

void sac_hash_format(uint64_t hash, char text[SAC_HASH_DIGITS + 1]) {
  snprintf(text, SAC_HASH_DIGITS + 1, "%016" PRIx64, hash);
}
