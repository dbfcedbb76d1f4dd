#include "base/arena.h"

#include <stdio.h>

void *sac_arena_take(sac_arena *arena, size_t bytes) {
  size_t begin = (arena->used + 63) & ~(size_t)63;
  arena->used = begin + bytes;
  if (!arena->memory) return NULL;
  SAC_ASSERT(arena->used <= arena->size);
  return arena->memory + begin;
}

size_t sac_memory_available(void) {
  FILE *file = fopen("/proc/meminfo", "r");
  if (!file) return 0;
  char line[256];
  unsigned long long kib = 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) break;
  fclose(file);
  return (size_t)kib * 1024;
}
