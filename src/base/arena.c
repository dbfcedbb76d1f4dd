#include "base/arena.h"

void *sac_arena_take(sac_arena *arena, size_t bytes) {
  size_t begin = (arena->used + 63) & ~(size_t)63;
  arena->used = begin + bytes;
  if (!arena->memory) return NULL;
  SAC_ASSERT(arena->used <= arena->size);
  return arena->memory + begin;
}
