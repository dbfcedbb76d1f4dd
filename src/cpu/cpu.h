// What the builds of this room for each instruction set share: the backend itself, its memory, the
// parts that work is cut into.
#pragma once

#include "backend/backend.h"

/// The CPU backend.
typedef struct sac_cpu {
  sac_backend base;
  sac_threads *threads;
  char description[64];
} sac_cpu;

static inline sac_threads *sac_cpu_threads(sac_backend *backend) {
  return ((sac_cpu *)backend)->threads;
}

/// Run the parts on the threads when the op is worth waking them, else here, one after the other.
/// `work` is the op's cost in values touched or operations; the results are the same either way.
static inline void sac_cpu_run(sac_backend *backend, size_t work, int parts,
                               void (*part)(void *context, int i_part), const void *context) {
  enum { WORTH_WAKING = 1 << 14 };
  if (work >= WORTH_WAKING) {
    sac_threads_run(sac_cpu_threads(backend), parts, part, (void *)context);
    return;
  }
  for (int i = 0; i < parts; i++) part((void *)context, i);
}

// memory and life of the backend: entries of every table
sac_status sac_cpu_open(const sac_backend_options *options, sac_backend **backend, sac_error *err);
void sac_cpu_close(sac_backend *backend);
const char *sac_cpu_describe(const sac_backend *backend);
size_t sac_cpu_memory_available(const sac_backend *backend);
sac_status sac_cpu_alloc(sac_backend *backend, size_t bytes, void **memory, sac_error *err);
void sac_cpu_release(sac_backend *backend, void *memory);
void sac_cpu_upload(sac_backend *backend, void *to, const void *from, size_t bytes);
void sac_cpu_copy(sac_backend *backend, void *to, const void *from, size_t bytes);
sac_status sac_cpu_sync(sac_backend *backend, sac_error *err);
sac_status sac_cpu_reserve(sac_backend *backend, int n, int rows, int in, int out, sac_error *err);
bool sac_cpu_sequence_begin(sac_backend *backend, sac_sequence *sequence);
void sac_cpu_sequence_end(sac_backend *backend, sac_sequence *sequence);

// the table of each instruction set
extern const sac_ops sac_cpu_portable_table;
extern const sac_ops sac_cpu_avx2_table;
extern const sac_ops sac_cpu_avx512_table;
