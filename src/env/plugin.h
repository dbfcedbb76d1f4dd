// Environments from outside: a shared library that exports one sac_env_def, opened only where
// env.plugin names it.
#pragma once

#include "sac/env.h"

typedef struct sac_plugin {
  void *library;  // NULL: none is open
  const sac_env_def *def;
} sac_plugin;

/// Open the library at `path` and check its definition. SAC_BAD_ENV, with a text that begins with
/// `where`, for a file that is missing, no library, without the symbol, of another version or with
/// absurd contents.
sac_status sac_plugin_open(const char *path, const char *where, sac_plugin *plugin, sac_error *err);
/// Accepts a plug-in that was zeroed and never opened.
void sac_plugin_close(sac_plugin *plugin);
