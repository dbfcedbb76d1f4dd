// The CPU backend: choice of the instruction set, memory, life.
#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

typedef struct variant {
  const char *name;
  const sac_ops *table;
  bool usable;
} variant;

enum { VARIANTS = 3 };

#if defined(__x86_64__)
static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
#else
static bool has_avx2(void) {
  return false;
}
static bool has_avx512(void) {
  return false;
}
#endif

// widest first
static void list_variants(variant list[VARIANTS]) {
  list[0] = (variant){"avx512", &sac_cpu_avx512_table, has_avx512()};
  list[1] = (variant){"avx2", &sac_cpu_avx2_table, has_avx2()};
  list[2] = (variant){"portable", &sac_cpu_portable_table, true};
}

static variant find_widest(void) {
  variant list[VARIANTS];
  list_variants(list);
  int i = 0;
  while (!list[i].usable) i++;
  return list[i];
}

// the instruction set that SAC_SIMD names, else the widest usable one
static sac_status choose_variant(variant *chosen, sac_error *err) {
  variant list[VARIANTS];
  list_variants(list);
  *chosen = find_widest();
  const char *wanted = getenv("SAC_SIMD");
  if (!wanted || !*wanted) return SAC_OK;
  const char *names[VARIANTS];
  for (int i = 0; i < VARIANTS; i++) {
    names[i] = list[i].name;
    if (strcmp(wanted, list[i].name) != 0) continue;
    if (!list[i].usable)
      return sac_error_set(err, SAC_FAILED,
                           "SAC_SIMD is '%s', which this processor does not have; it has %s",
                           wanted, chosen->name);
    *chosen = list[i];
    return SAC_OK;
  }
  const char *near = sac_nearest(wanted, names, VARIANTS);
  return sac_error_set(err, SAC_FAILED,
                       "SAC_SIMD is '%s', must be one of portable, avx2, avx512%s%s%s", wanted,
                       near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

const sac_ops *sac_cpu_ops(void) {
  variant chosen;
  // a wrong SAC_SIMD is reported by open, which chooses again
  return choose_variant(&chosen, NULL) == SAC_OK ? chosen.table : find_widest().table;
}

sac_status sac_cpu_open(const sac_backend_options *options, sac_backend **backend, sac_error *err) {
  variant chosen;
  SAC_TRY(choose_variant(&chosen, err));
  sac_cpu *cpu = calloc(1, sizeof *cpu);
  if (!cpu) return sac_error_set(err, SAC_FAILED, "no memory for the CPU backend");
  int count = sac_threads_count(options->threads);
  cpu->base.ops = chosen.table;
  cpu->threads = options->threads;
  snprintf(cpu->description, sizeof cpu->description, "cpu %s, %d thread%s", chosen.name, count,
           count == 1 ? "" : "s");
  *backend = &cpu->base;
  return SAC_OK;
}

void sac_cpu_close(sac_backend *backend) {
  free(backend);
}

const char *sac_cpu_describe(const sac_backend *backend) {
  return ((const sac_cpu *)backend)->description;
}

// Large blocks come from calloc untouched, so that a replay costs memory only as it fills; the
// place that calloc gave stands before the aligned block.
enum { ALIGNMENT = 64 };

sac_status sac_cpu_alloc(sac_backend *backend, size_t bytes, void **memory, sac_error *err) {
  (void)backend;
  // the kernel hands out more than there is, and kills the process that uses it
  size_t physical = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
  char *place = bytes < physical ? calloc(1, bytes + 2 * ALIGNMENT) : NULL;
  if (!place)
    return sac_error_set(err, SAC_FAILED,
                         "no memory: %zu bytes (%.1f GiB) were wanted, this machine has %.1f GiB",
                         bytes, (double)bytes / 1073741824.0, (double)physical / 1073741824.0);
  // calloc's blocks lie at multiples of 16: there are at least 16 bytes before the next multiple of
  // 64
  char *aligned = place + ALIGNMENT + 16 - ((uintptr_t)place + 16) % ALIGNMENT;
  memcpy(aligned - sizeof place, &place, sizeof place);
  *memory = aligned;
  return SAC_OK;
}

void sac_cpu_release(sac_backend *backend, void *memory) {
  (void)backend;
  if (!memory) return;
  char *place;
  memcpy(&place, (char *)memory - sizeof place, sizeof place);
  free(place);
}

void sac_cpu_upload(sac_backend *backend, void *to, const void *from, size_t bytes) {
  (void)backend;
  if (bytes) memcpy(to, from, bytes);
}

void sac_cpu_copy(sac_backend *backend, void *to, const void *from, size_t bytes) {
  (void)backend;
  if (bytes) memmove(to, from, bytes);
}

sac_status sac_cpu_sync(sac_backend *backend, sac_error *err) {
  (void)backend, (void)err;
  return SAC_OK;
}

size_t sac_cpu_memory_available(const sac_backend *backend) {
  (void)backend;
  return sac_memory_available();
}

// nothing to win by recording: every step is a call already
bool sac_cpu_sequence_begin(sac_backend *backend, sac_sequence *sequence) {
  (void)backend;
  sequence->issued++;
  return true;
}

void sac_cpu_sequence_end(sac_backend *backend, sac_sequence *sequence) {
  (void)backend, (void)sequence;
}

// products pack onto the stack: nothing to reserve
sac_status sac_cpu_reserve(sac_backend *backend, int n, int rows, int in, int out, sac_error *err) {
  (void)backend, (void)n, (void)rows, (void)in, (void)out, (void)err;
  return SAC_OK;
}
