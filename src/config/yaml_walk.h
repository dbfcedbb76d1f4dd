// Goes through a YAML text and hands out its entries by their dotted paths.
#pragma once

#include "config/values.h"
#include "config/mistakes.h"

/// One value found in a text.
typedef struct sac_config_entry {
  const char *path;        // dotted
  const char *where;       // position of the value, to begin an error's line
  const char *found;       // the value as messages show it
  sac_config_items items;  // valid during the call
} sac_config_entry;

/// How a text is walked, and who takes what is found in it.
typedef struct sac_config_walk {
  const char *file;         // for positions; ignored with `fixed_where`
  const char *fixed_where;  // one position for everything (an override), or NULL
  const char *path;         // what the text is the value of: an override's key, or "" for a file
  bool bench;               // bench keys are known
  sac_config_mistakes *mistakes;
  void (*take)(void *context, const sac_config_entry *entry);
  void *context;
} sac_config_walk;

/// Walk a text, calling `take` for the value of every known key and keyword argument, and for each
/// name under the key of config/bases.h, in the order of the text. Everything else goes to the
/// mistakes: syntax, unknown keys, keys given twice in one mapping, tags, more than one document.
/// Returns false when the text is not YAML.
bool sac_config_walk_text(const sac_config_walk *walk, const char *text, size_t size);
