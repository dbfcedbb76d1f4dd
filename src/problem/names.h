// The names of states or actions, and the way back from a name to its number.
#pragma once

#include "base/status.h"

typedef struct sac_names {
  int count;
  const char **at;  // (count)
  char *text;       // what `at` points into
  int *slots;       // (n_slots) a hash table of numbers, -1 where free
  int n_slots;      // a power of two
} sac_names;

/// Copy `count` names, (count). `twice` receives the number of the first that is there already, or
/// -1. SAC_FAILED when memory is out.
sac_status sac_names_create(sac_names *names, int count, const char *const *from, int *twice,
                            sac_error *err);

/// The names "0", "1", ... of a count.
sac_status sac_names_count(sac_names *names, int count, sac_error *err);
void sac_names_release(sac_names *names);

/// The number of a name of `length` bytes, or -1.
int sac_names_find(const sac_names *names, const char *name, size_t length);
