// Where the files that environments load lie.
#pragma once

#include "base/files.h"

/// Find the asset `name`: in $SAC_ASSETS, else beside the program or library
/// (../.deps/gymnasium/assets,
/// ../share/sac/assets), else in ./.deps/gymnasium/assets. `path` has SAC_PATH_MAX bytes.
/// SAC_BAD_ENV when it is nowhere; the text says what to run.
sac_status sac_asset_find(const char *name, char *path, sac_error *err);
