#include "config/bases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "config/presets.h"
#include "config/yaml_walk.h"

enum { DEPTH_MAX = 8, BASES_MAX = 8 };

// one name under `defaults`
typedef struct base {
  char name[SAC_CONFIG_TEXT_MAX], where[SAC_CONFIG_WHERE_MAX];
} base;

// a text on the way through those that it builds on
typedef struct layer {
  char name[PATH_MAX];
  char *real;  // the file, however it is named; NULL for what is none
  char *owned;
  const char *text;
  size_t size;
  int n_bases, next;
  base bases[BASES_MAX];
} layer;

typedef struct walking {
  const sac_config_taker *taker;
  sac_config_mistakes *mistakes;
  int depth;
  layer *stack[DEPTH_MAX];
} walking;

static bool names_preset(const char *name) {
  return !strncmp(name, SAC_PRESET_PREFIX, strlen(SAC_PRESET_PREFIX));
}

static sac_status read_preset(const char *name, char **text, sac_error *err) {
  const sac_preset *preset = sac_preset_find(name);
  const char *nearest = preset ? NULL : sac_preset_nearest(name);
  if (!preset)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s: there is no such preset, must be one that `sac config` lists%s%s",
                         name, nearest ? ", nearest: " : "", nearest ? nearest : "");
  *text = strdup(preset->text);
  return *text ? SAC_OK : sac_error_set(err, SAC_BAD_CONFIG, "%s: memory ran out", name);
}

// pipes are files here too, and endless ones end at the limit
static sac_status read_file(const char *path, char *text, size_t *size, sac_error *err) {
  FILE *file = fopen(path, "rb");
  bool opened = file != NULL;
  *size = file ? fread(text, 1, SAC_CONFIG_FILE_MAX + 1, file) : 0;
  bool failed = !file || ferror(file);
  int reason = errno;
  if (file) fclose(file);
  char hint[SAC_HINT_MAX];
  if (failed)
    return sac_error_set(err, SAC_BAD_CONFIG, "%s: cannot be %s: %s%s", path,
                         opened ? "read" : "opened", strerror(reason),
                         reason == ENOENT ? sac_path_hint(path, hint) : "");
  if (*size > SAC_CONFIG_FILE_MAX)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "%s: is longer than %d bytes, which no configuration is", path,
                         SAC_CONFIG_FILE_MAX);
  return SAC_OK;
}

sac_status sac_config_text_read(const char *name, char **text, size_t *size, sac_error *err) {
  *text = NULL;
  if (names_preset(name)) {
    SAC_TRY(read_preset(name, text, err));
    *size = strlen(*text);
    return SAC_OK;
  }
  char *read = malloc(SAC_CONFIG_FILE_MAX + 1);
  if (!read) return sac_error_set(err, SAC_BAD_CONFIG, "%s: memory ran out", name);
  sac_status status = read_file(name, read, size, err);
  if (status == SAC_OK)
    *text = read;
  else
    free(read);
  return status;
}

static void note_base(void *context, const sac_config_entry *entry) {
  walking *self = context;
  layer *top = self->stack[self->depth - 1];
  const sac_config_items *items = &entry->items;
  if (strcmp(entry->path, SAC_CONFIG_BASES)) return;
  bool named = !items->is_list && items->count == 1 && *items->item[0] &&
               strlen(items->item[0]) < SAC_CONFIG_TEXT_MAX;
  if (!named) {
    sac_config_mistake(self->mistakes, entry->where,
                       SAC_CONFIG_BASES " is %s, must be " SAC_PRESET_PREFIX
                                        "NAME or a file, or a list of those",
                       entry->found);
    return;
  }
  if (top->n_bases == BASES_MAX) {
    sac_config_mistake(self->mistakes, entry->where, "%s is one too many, must be at most %d",
                       entry->found, BASES_MAX);
    return;
  }
  base *new = &top->bases[top->n_bases++];
  snprintf(new->name, sizeof new->name, "%s", items->item[0]);
  snprintf(new->where, sizeof new->where, "%s", entry->where);
}

// only the key `defaults`: whoever takes the text reports everything else in it
static void find_bases(walking *self) {
  layer *top = self->stack[self->depth - 1];
  sac_config_mistakes unheard = {0};
  sac_config_walk walk = {
      .file = top->name, .path = "", .mistakes = &unheard, .take = note_base, .context = self};
  sac_config_walk_text(&walk, top->text, top->size);
}

static layer *push(walking *self, const char *name) {
  layer *new = calloc(1, sizeof *new);
  if (!new) return NULL;
  snprintf(new->name, sizeof new->name, "%s", name);
  new->real = names_preset(name) ? NULL : realpath(name, NULL);
  self->stack[self->depth++] = new;
  return new;
}

static void pop(walking *self) {
  layer *top = self->stack[--self->depth];
  free(top->real);
  free(top->owned);
  free(top);
}

// a file lies where the one that names it does
static void find_path(const layer *from, const char *name, char path[PATH_MAX]) {
  const char *slash = strrchr(from->name, '/');
  bool beside = slash && *name != '/' && !names_preset(name) && !names_preset(from->name);
  snprintf(path, PATH_MAX, "%.*s%s", beside ? (int)(slash - from->name) + 1 : 0, from->name, name);
}

static bool is_open(const walking *self, const layer *which) {
  for (int i = 0; i < self->depth - 1; i++) {
    const layer *each = self->stack[i];
    if (which->real && each->real ? !strcmp(which->real, each->real)
                                  : !strcmp(which->name, each->name))
      return true;
  }
  return false;
}

static void enter(walking *self, const layer *from, const base *which) {
  char path[PATH_MAX];
  sac_error why;
  find_path(from, which->name, path);
  if (self->depth == DEPTH_MAX) {
    sac_config_mistake(self->mistakes, which->where,
                       SAC_CONFIG_BASES " is %s, but files build on others at most %d deep",
                       which->name, DEPTH_MAX);
    return;
  }
  layer *new = push(self, path);
  if (!new) {
    sac_config_mistake(self->mistakes, which->where, "memory ran out");
  } else if (is_open(self, new)) {
    sac_config_mistake(self->mistakes, which->where,
                       SAC_CONFIG_BASES " is %s, which builds on this file: must not be a circle",
                       which->name);
    pop(self);
  } else if (sac_config_text_read(path, &new->owned, &new->size, &why) != SAC_OK) {
    sac_config_mistake(self->mistakes, which->where, SAC_CONFIG_BASES ": %s", why.text);
    pop(self);
  } else {
    new->text = new->owned;
    find_bases(self);
  }
}

void sac_config_bases_walk(const char *name, const char *text, size_t size,
                           const sac_config_taker *taker, sac_config_mistakes *mistakes) {
  walking self = {.taker = taker, .mistakes = mistakes};
  layer *first = push(&self, name);
  if (!first) {
    sac_config_mistake(mistakes, name, "memory ran out");
    return;
  }
  first->text = text;
  first->size = size;
  find_bases(&self);
  while (self.depth) {
    layer *top = self.stack[self.depth - 1];
    if (top->next < top->n_bases) {
      enter(&self, top, &top->bases[top->next]);
      top->next++;
    } else {
      taker->take(taker->context, top->name, top->text, top->size);
      pop(&self);
    }
  }
}
