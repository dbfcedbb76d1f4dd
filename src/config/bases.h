// What a configuration is made of: a text, and the files and presets that it builds on by its key
// `defaults`.
#pragma once

#include <stddef.h>

#include "config/mistakes.h"

/// The key: one name or a list of them, the later before the earlier, the file's own keys before
/// all. `preset/NAME` is a preset; others are files, from the folder of the file that names them.
#define SAC_CONFIG_BASES "defaults"

/// Read the file or preset `name`; the caller frees *text. Fails with SAC_BAD_CONFIG.
sac_status sac_config_text_read(const char *name, char **text, size_t *size, sac_error *err);

/// Who takes the texts: `name` is that of a file, or "preset/NAME".
typedef struct sac_config_taker {
  void (*take)(void *context, const char *name, const char *text, size_t size);
  void *context;
} sac_config_taker;

/// Hand out every text that `text`, of file `name`, builds on, and at last itself: what comes later
/// wins. What cannot be built on goes to the mistakes, with the position that names it.
void sac_config_bases_walk(const char *name, const char *text, size_t size,
                           const sac_config_taker *taker, sac_config_mistakes *mistakes);
