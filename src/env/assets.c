// The search for asset files.
#include "env/assets.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// does FOLDER/BELOW/NAME exist? then it is the path
static bool try_place(const char *folder, const char *below, const char *name, char *path) {
  int length = snprintf(path, SAC_PATH_MAX, "%s/%s/%s", folder, below, name);
  return length < SAC_PATH_MAX && sac_path_exists(path);
}

// around the folder of the file that `program` names
static bool try_around(char *program, const char *name, char *path) {
  char *slash = strrchr(program, '/');
  if (!slash) return false;
  *slash = '\0';
  return try_place(program, "../.deps/gymnasium/assets", name, path) ||
         try_place(program, "../share/sac/assets", name, path);
}

static bool try_around_program(const char *name, char *path) {
  char program[SAC_PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0) return false;
  program[length] = '\0';
  return try_around(program, name, path);
}

static bool try_around_library(const char *name, char *path) {
  Dl_info info;
  char library[SAC_PATH_MAX];
  if (!dladdr((void *)&sac_asset_find, &info) || !info.dli_fname) return false;
  int length = snprintf(library, sizeof library, "%s", info.dli_fname);
  return length < (int)sizeof library && try_around(library, name, path);
}

sac_status sac_asset_find(const char *name, char *path, sac_error *err) {
  const char *chosen = getenv("SAC_ASSETS");
  if (chosen && *chosen) {
    if (try_place(chosen, ".", name, path)) return SAC_OK;
    return sac_error_set(err, SAC_BAD_ENV, "%s is not in SAC_ASSETS=%s", name, chosen);
  }
  if (try_around_program(name, path) || try_around_library(name, path) ||
      try_place(".deps/gymnasium", "assets", name, path))
    return SAC_OK;
  return sac_error_set(err, SAC_BAD_ENV,
                       "%s was not found beside the program nor in ./.deps/gymnasium/assets: run "
                       "scripts/setup.sh, or name its folder in SAC_ASSETS",
                       name);
}
