// What writer and reader of safetensors files agree on.
#pragma once

#include "io/safetensors.h"

/// Key of the hash in the metadata, and the digits that stand in its place while it is computed.
#define SAC_HASH_KEY "xxh3"
#define SAC_HASH_BLANK "0000000000000000"

enum {
  SAC_HASH_DIGITS = 16,
  SAC_HEADER_ALIGN = 64,
  SAC_HEADER_MAX = 100000000  // bytes, the format's own limit
};

/// "F32" and so on, NULL for no type of ours.
const char *sac_dtype_name(sac_dtype dtype);

/// The type of that name; false when there is none.
bool sac_dtype_find(const char *name, sac_dtype *dtype);

/// Bytes of an element.
size_t sac_dtype_bytes(sac_dtype dtype);

/// Where the hash's digits begin in a header's text, or NULL: `"xxh3":"` followed by 16 characters.
const char *sac_hash_find(const char *header, size_t size);

/// Sixteen digits and a zero byte.
void sac_hash_format(uint64_t hash, char text[SAC_HASH_DIGITS + 1]);
