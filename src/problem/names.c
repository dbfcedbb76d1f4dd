#include "problem/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// FNV-1a
static uint32_t hash_name(const char *name, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  return hash;
}

// the slot that holds the name, or the free one where it belongs
static int *find_slot(const sac_names *names, const char *name, size_t length) {
  uint32_t mask = (uint32_t)names->n_slots - 1, at = hash_name(name, length) & mask;
  for (;; at = (at + 1) & mask) {
    int i = names->slots[at];
    if (i < 0) return &names->slots[at];
    if (strncmp(names->at[i], name, length) == 0 && !names->at[i][length]) return &names->slots[at];
  }
}

static bool allocate(sac_names *self, int count, size_t bytes) {
  *self = (sac_names){.count = count, .n_slots = 8};
  while (self->n_slots < 2 * count) self->n_slots *= 2;
  self->at = malloc(sizeof *self->at * ((size_t)count + 1));
  self->text = malloc(bytes + 1);
  self->slots = malloc(sizeof *self->slots * (size_t)self->n_slots);
  if (!self->at || !self->text || !self->slots) return false;
  memset(self->slots, -1, sizeof *self->slots * (size_t)self->n_slots);
  return true;
}

static sac_status fail_to_allocate(sac_names *self, int count, sac_error *err) {
  sac_names_release(self);
  return sac_error_set(err, SAC_FAILED, "no memory for %d names", count);
}

sac_status sac_names_create(sac_names *names, int count, const char *const *from, int *twice,
                            sac_error *err) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += strlen(from[i]) + 1;
  if (!allocate(names, count, bytes)) return fail_to_allocate(names, count, err);
  *twice = -1;
  char *to = names->text;
  for (int i = 0; i < count; i++) {
    names->at[i] = strcpy(to, from[i]);
    size_t length = strlen(to);
    int *slot = find_slot(names, to, length);
    if (*slot >= 0 && *twice < 0) *twice = i;
    if (*slot < 0) *slot = i;
    to += length + 1;
  }
  return SAC_OK;
}

sac_status sac_names_count(sac_names *names, int count, sac_error *err) {
  enum { DIGITS = 11 };
  if (!allocate(names, count, (size_t)count * DIGITS)) return fail_to_allocate(names, count, err);
  char *to = names->text;
  for (int i = 0; i < count; i++) {
    names->at[i] = to;
    int length = snprintf(to, DIGITS, "%d", i);
    *find_slot(names, to, (size_t)length) = i;
    to += length + 1;
  }
  return SAC_OK;
}

void sac_names_release(sac_names *names) {
  free(names->at);
  free(names->text);
  free(names->slots);
  *names = (sac_names){0};
}

int sac_names_find(const sac_names *names, const char *name, size_t length) {
  return names->count > 0 ? *find_slot(names, name, length) : -1;
}
