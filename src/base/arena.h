// A bump allocator over one block of memory: scratch with mark and release, and blocks carved into
// named parts.
#pragma once

#include "base/status.h"

/// With `memory` NULL it only measures: takes return NULL and `used` says how much would be needed.
typedef struct sac_arena {
  char *memory;
  size_t size, used;  // in bytes
} sac_arena;

/// The next `bytes` bytes, 64-byte aligned where the memory is. Running out is a mistake of ours:
/// it asserts.
void *sac_arena_take(sac_arena *arena, size_t bytes);

/// Bytes of this machine's memory that could be taken now without swapping; 0 where the system does
/// not say.
size_t sac_memory_available(void);

/// Remember a place, and give back all that was taken since.
static inline size_t sac_arena_mark(const sac_arena *arena) {
  return arena->used;
}
static inline void sac_arena_release(sac_arena *arena, size_t mark) {
  arena->used = mark;
}
