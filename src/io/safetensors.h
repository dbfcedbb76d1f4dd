// Files of named tensors in the safetensors format (readable by its Python package), with an XXH3
// hash over the whole file. A file is 8 bytes of header length, a JSON header padded to 64 bytes,
// and the tensors one after the other, the widest types first so that each is aligned.
#pragma once

#include "base/real.h"
#include "base/status.h"

enum { SAC_TENSOR_RANK_MAX = 8, SAC_TENSOR_NAME_MAX = 256 };

typedef enum sac_dtype { SAC_F32, SAC_F64, SAC_I32, SAC_I64, SAC_U64, SAC_U8 } sac_dtype;

/// The type of networks and batches in this build.
#define SAC_DTYPE_REAL (sizeof(sac_real) == 4 ? SAC_F32 : SAC_F64)

/// One tensor, row-major, little-endian.
typedef struct sac_tensor {
  const char *name;
  sac_dtype dtype;
  int rank;  // 0 is a single value
  int64_t shape[SAC_TENSOR_RANK_MAX];
  const void *data;  // aligned for its type where it was read from a file of ours
  /// For a writer, instead of `data`: put bytes [offset, offset + count) of the tensor into
  /// `bytes`. Called in order of the offsets; a failure ends the writing.
  sac_status (*fill)(void *context, size_t offset, void *bytes, size_t count, sac_error *err);
  void *context;
} sac_tensor;

/// Number of elements, and of bytes.
size_t sac_tensor_count(const sac_tensor *tensor);
size_t sac_tensor_bytes(const sac_tensor *tensor);

/// A file being put together in memory; only the header is kept, data is read when it is written.
typedef struct sac_safetensors_writer sac_safetensors_writer;

sac_status sac_safetensors_writer_create(sac_safetensors_writer **writer, sac_error *err);
void sac_safetensors_writer_destroy(sac_safetensors_writer *writer);

/// Add a tensor; the name is copied, `data` or `fill` must live until the file is written. A name
/// given twice asserts.
void sac_safetensors_add(sac_safetensors_writer *writer, const sac_tensor *tensor);

/// Add an entry of the metadata; both texts are copied. `xxh3` is the writer's own.
void sac_safetensors_note(sac_safetensors_writer *writer, const char *key, const char *text);

/// Write the file, durably and under its name only when it is whole. Equal contents give equal
/// bytes. SAC_BAD_DISK on failure: the file of that name stays as it was.
sac_status sac_safetensors_write(sac_safetensors_writer *writer, const char *path, sac_error *err);

/// An open file, wholly in memory.
typedef struct sac_safetensors sac_safetensors;

/// Read a file and check everything about it but the hash; with `verify` that too. Anything wrong
/// is SAC_BAD_CHECKPOINT, naming the file and the reason: missing and unreadable files too.
sac_status sac_safetensors_open(const char *path, bool verify, sac_safetensors **file,
                                sac_error *err);
void sac_safetensors_close(sac_safetensors *file);

/// The path it was opened by.
const char *sac_safetensors_path(const sac_safetensors *file);

/// The tensors in the order of their data; valid until the file is closed.
int sac_safetensors_count(const sac_safetensors *file);
const sac_tensor *sac_safetensors_at(const sac_safetensors *file, int index);

/// The tensor of that name, or NULL.
const sac_tensor *sac_safetensors_find(const sac_safetensors *file, const char *name);

/// The metadata's text under `key`, or NULL.
const char *sac_safetensors_text(const sac_safetensors *file, const char *key);

/// Copy the tensor `wanted->name`, which must have wanted's rank and shape, into `out`: any of F32
/// and F64 converted to reals or doubles; or, by `get`, of exactly wanted's type, as it is.
/// SAC_BAD_CHECKPOINT when it is missing or different, saying how.
sac_status sac_safetensors_get_reals(const sac_safetensors *file, const sac_tensor *wanted,
                                     sac_real *out, sac_error *err);
sac_status sac_safetensors_get_doubles(const sac_safetensors *file, const sac_tensor *wanted,
                                       double *out, sac_error *err);
sac_status sac_safetensors_get(const sac_safetensors *file, const sac_tensor *wanted, void *out,
                               sac_error *err);
