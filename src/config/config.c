#include "config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/bases.h"
#include "config/format.h"
#include "config/resolve.h"
#include "config/yaml_walk.h"

void sac_config_defaults(sac_config *cfg) {
  memset(cfg, 0, sizeof *cfg);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) sac_config_set_default(cfg, sac_config_field_at(i));
}

const char *sac_config_where(const sac_config *cfg, const char *key) {
  int index = sac_config_field_find(key);
  if (index >= 0 && cfg->where[index][0]) return cfg->where[index];
  for (int i = 0; i < cfg->env.kwargs.count; i++) {
    const sac_config_kwarg *kwarg = &cfg->env.kwargs.at[i];
    if (!strncmp(key, "env.kwargs.", 11) && !strcmp(key + 11, kwarg->name)) return kwarg->where;
  }
  return key;
}

const char *sac_config_word(const char *key, int value) {
  int index = sac_config_field_find(key);
  SAC_ASSERT(index >= 0 && sac_config_field_at(index)->words);
  return sac_config_field_at(index)->words[value].word;
}

// the word that was meant; a GPU is called cuda here
static const char *find_word(const char *found, const char *const *words, int count) {
  const char *meant = strcasecmp(found, "gpu") == 0 ? "cuda" : found;
  for (int i = 0; i < count; i++)
    if (!strcmp(words[i], meant)) return words[i];
  return sac_nearest(found, words, count);
}

// "PATH is FOUND, must be ALLOWED, nearest: WORD"
static void report_value(sac_config_loading *self, const sac_config_field *field,
                         sac_config_verdict verdict, const sac_config_entry *entry) {
  char allowed[256];
  const char *words[16], *nearest = NULL;
  int n_words = 0;
  sac_config_allowed(field, verdict, allowed, sizeof allowed);
  if (verdict == SAC_CONFIG_NOT_AVAILABLE) {
    sac_config_mistake(&self->mistakes, entry->where,
                       "%s is %s, which is not available in this version, must be %s", field->path,
                       entry->found, allowed);
    return;
  }
  for (int i = 0; field->words && field->words[i].word && n_words < 16; i++)
    if (!field->words[i].later) words[n_words++] = field->words[i].word;
  if (n_words && !entry->items.is_list) nearest = find_word(entry->items.item[0], words, n_words);
  sac_config_mistake(&self->mistakes, entry->where, "%s is %s, must be %s%s%s", field->path,
                     entry->found, allowed, nearest ? ", nearest: " : "", nearest ? nearest : "");
}

static bool is_name(const char *text) {
  if (!isalpha((unsigned char)*text) && *text != '_') return false;
  while (isalnum((unsigned char)*text) || *text == '_') text++;
  return !*text;
}

// the values of one keyword argument; false when one is neither a finite number nor a flag
static bool read_kwarg(const sac_config_items *items, sac_config_kwarg *kwarg) {
  kwarg->count = items->count;
  kwarg->is_list = items->is_list;
  if (items->count > SAC_CONFIG_KWARG_MAX || items->count < 1) return false;
  for (int i = 0; i < items->count; i++) {
    bool flag, is_flag = sac_config_flag_parse(items->item[i], items->quoted[i], &flag);
    if (i && is_flag != kwarg->is_flag) return false;
    kwarg->is_flag = is_flag;
    kwarg->value[i] = is_flag && flag;
    if (is_flag) continue;
    if (items->quoted[i] || !sac_config_number_parse(items->item[i], &kwarg->value[i]))
      return false;
  }
  return true;
}

// the entry of that name, or a new one; NULL when there is no room
static sac_config_kwarg *find_kwarg(sac_config_kwargs *all, const char *name) {
  for (int i = 0; i < all->count; i++)
    if (!strcmp(all->at[i].name, name)) return &all->at[i];
  return all->count < SAC_CONFIG_KWARG_MAX ? &all->at[all->count++] : NULL;
}

// whether the key was given before in the same source: one file, or the overrides
static bool is_repeated(sac_config_loading *self, int *source, const sac_config_entry *entry) {
  bool repeated = *source == self->source;
  if (repeated) sac_config_mistake(&self->mistakes, entry->where, "%s is given twice", entry->path);
  *source = self->source;
  return repeated;
}

static void take_kwarg(sac_config_loading *self, const sac_config_entry *entry) {
  const char *name = entry->path + strlen("env.kwargs.");
  sac_config_kwarg new = {0};
  snprintf(new.where, sizeof new.where, "%s", entry->where);
  if (!is_name(name) || strlen(name) >= sizeof new.name) {
    sac_config_mistake(&self->mistakes, entry->where,
                       "%s has no valid name, must be letters, digits and _, at most %zu of them",
                       entry->path, sizeof new.name - 1);
    return;
  }
  strcpy(new.name, name);
  if (!read_kwarg(&entry->items, &new)) {
    sac_config_mistake(&self->mistakes, entry->where,
                       "%s is %s, must be a number, true, false, or a list of 1 to %d numbers",
                       entry->path, entry->found, SAC_CONFIG_KWARG_MAX);
    return;
  }
  sac_config_kwarg *kwarg = find_kwarg(&self->cfg->env.kwargs, name);
  if (!kwarg)
    sac_config_mistake(&self->mistakes, entry->where, "%s is one too many, must be at most %d",
                       entry->path, SAC_CONFIG_KWARG_MAX);
  else if (!is_repeated(self, &self->kwarg_source[kwarg - self->cfg->env.kwargs.at], entry))
    *kwarg = new;
}

static void take_field(sac_config_loading *self, int index, const sac_config_entry *entry) {
  const sac_config_field *field = sac_config_field_at(index);
  if (is_repeated(self, &self->field_source[index], entry)) return;
  sac_config_verdict verdict = sac_config_set(self->cfg, field, &entry->items);
  self->failed[index] = verdict != SAC_CONFIG_TAKEN;
  snprintf(self->cfg->where[index], SAC_CONFIG_WHERE_MAX, "%s", entry->where);
  if (self->failed[index]) report_value(self, field, verdict, entry);
}

static void take_entry(void *context, const sac_config_entry *entry) {
  int index = sac_config_field_find(entry->path);
  if (!strcmp(entry->path, SAC_CONFIG_BASES)) return;  // built on already
  if (index >= 0)
    take_field(context, index, entry);
  else
    take_kwarg(context, entry);
}

static void read_text(void *context, const char *name, const char *text, size_t size) {
  sac_config_loading *self = context;
  sac_config_walk walk = {.file = name,
                          .path = "",
                          .bench = self->bench,
                          .mistakes = &self->mistakes,
                          .take = take_entry,
                          .context = self};
  self->source++;
  if (!sac_config_walk_text(&walk, text, size)) self->unreadable = true;
}

// the text and, before it, what it builds on
static void read_texts(sac_config_loading *self, const char *text, size_t size) {
  sac_config_taker taker = {read_text, self};
  sac_config_bases_walk(self->file, text, size, &taker, &self->mistakes);
}

// override `number`, counted from 1: key=value
static void read_override(sac_config_loading *self, int number, const char *override) {
  char where[SAC_CONFIG_WHERE_MAX], shown[192], key[192];
  sac_config_show(override, shown, sizeof shown);
  snprintf(where, sizeof where, "override %d ('%s')", number, shown);
  const char *equals = strchr(override, '=');
  if (!equals || equals == override) {
    sac_config_mistake(&self->mistakes, where, "has no %s, must be key=value",
                       equals ? "key" : "'='");
    return;
  }
  snprintf(key, sizeof key, "%.*s", (int)(equals - override), override);
  sac_config_walk walk = {.fixed_where = where,
                          .path = key,
                          .bench = self->bench,
                          .mistakes = &self->mistakes,
                          .take = take_entry,
                          .context = self};
  sac_config_walk_text(&walk, equals + 1, strlen(equals + 1));
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const sac_config_kwarg *)a)->name, ((const sac_config_kwarg *)b)->name);
}

static void begin(sac_config_loading *self, sac_config *cfg, sac_error *err) {
  sac_config_defaults(cfg);
  self->cfg = cfg;
  self->mistakes.err = err;
}

static sac_status finish(sac_config_loading *self) {
  sac_config_kwargs *kwargs = &self->cfg->env.kwargs;
  qsort(kwargs->at, (size_t)kwargs->count, sizeof *kwargs->at, compare_names);
  sac_config_resolve(self);
  return sac_config_mistakes_close(&self->mistakes);
}

static sac_status load(sac_config_loading *self, int n_overrides, const char *const *overrides,
                       sac_config *cfg, sac_error *err) {
  begin(self, cfg, err);
  if (self->file) {
    char *text;
    size_t size;
    SAC_TRY(sac_config_text_read(self->file, &text, &size, err));
    read_texts(self, text, size);
    free(text);
  }
  self->source++;
  for (int i = 0; i < n_overrides; i++) read_override(self, i + 1, overrides[i]);
  return finish(self);
}

sac_status sac_config_load(const char *path, int n_overrides, const char *const *overrides,
                           sac_config *cfg, sac_error *err) {
  sac_config_loading self = {.file = path};
  return load(&self, n_overrides, overrides, cfg, err);
}

sac_status sac_config_load_bench(const char *path, int n_overrides, const char *const *overrides,
                                 sac_config *cfg, sac_error *err) {
  sac_config_loading self = {.file = path, .bench = true};
  return load(&self, n_overrides, overrides, cfg, err);
}

sac_status sac_config_parse(const char *name, const char *text, size_t size, sac_config *cfg,
                            sac_error *err) {
  sac_config_loading self = {.file = name};
  begin(&self, cfg, err);
  read_texts(&self, text, size);
  return finish(&self);
}
