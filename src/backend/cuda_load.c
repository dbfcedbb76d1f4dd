// Opening libsac_cuda.so: the program itself links no CUDA, so that a machine without it loses
// nothing.
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/version.h"

static const char library_name[] = "libsac_cuda.so";

// the folder of `path`, in place
static void cut_name(char *path) {
  char *slash = strrchr(path, '/');
  if (slash) *slash = '\0';
}

// the folder of the running program, and that of the library which holds this function
static bool find_program(char folder[PATH_MAX]) {
  ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
  if (length <= 0) return false;
  folder[length] = '\0';
  cut_name(folder);
  return true;
}

static bool find_library(char folder[PATH_MAX]) {
  Dl_info info;
  // the address of a function as data: POSIX's own way
  void *place;
  sac_status (*self)(const sac_ops **, sac_error *) = sac_cuda_load;
  memcpy(&place, &self, sizeof place);
  if (!dladdr(place, &info) || !info.dli_fname || !realpath(info.dli_fname, folder)) return false;
  cut_name(folder);
  return true;
}

static void *try_file(const char *path, bool *exists, sac_error *err) {
  *exists = access(path, F_OK) == 0;
  if (!*exists) return NULL;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) sac_error_set(err, SAC_FAILED, "%s cannot be opened: %s", path, dlerror());
  return library;
}

// beside the program, in ../lib, and the same around this library; *exists tells whether a file was
// there
static void *try_places(bool *exists, sac_error *err) {
  bool (*const finders[])(char *) = {find_program, find_library};
  static const char *const below[] = {"", "/../lib"};
  char folder[PATH_MAX], path[PATH_MAX + 32];
  for (int i = 0; i < 4; i++) {
    if (!finders[i / 2](folder)) continue;
    snprintf(path, sizeof path, "%s%s/%s", folder, below[i % 2], library_name);
    void *library = try_file(path, exists, err);
    if (*exists) return library;
  }
  return NULL;
}

static sac_status open_library(void **library, sac_error *err) {
  const char *named = getenv("SAC_CUDA_LIB");
  bool exists = false;
  if (named && *named) {
    *library = try_file(named, &exists, err);
    if (!exists) sac_error_set(err, SAC_FAILED, "SAC_CUDA_LIB: there is no %s", named);
  } else {
    *library = try_places(&exists, err);
    if (!exists)
      sac_error_set(err, SAC_FAILED,
                    "%s is neither beside the program nor in ../lib: build it with nvcc on PATH, "
                    "or name it in SAC_CUDA_LIB",
                    library_name);
  }
  return *library ? SAC_OK : SAC_FAILED;
}

sac_status sac_cuda_load(const sac_ops **ops, sac_error *err) {
  if (!dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    return sac_error_set(err, SAC_FAILED, "there is no NVIDIA driver here (libcuda.so.1)");
  void *library;
  SAC_TRY(open_library(&library, err));
  void *place = dlsym(library, SAC_CUDA_GETTER);
  if (!place)
    return sac_error_set(err, SAC_FAILED, "%s is not sac's: it has no %s", library_name,
                         SAC_CUDA_GETTER);
  sac_cuda_getter *getter;
  memcpy(&getter, &place, sizeof getter);
  char why[512] = "";
  *ops = getter(SAC_BACKEND_VERSION, sizeof(sac_ops), sac_build(), why, sizeof why);
  if (!*ops) return sac_error_set(err, SAC_FAILED, "%s does not fit: %s", library_name, why);
  return SAC_OK;
}
