// Files and folders: whole-file reads, writes that either happen wholly or not at all, listings.
#pragma once

#include <stdio.h>

#include "base/status.h"

#define SAC_PATH_MAX 4096

/// Join folder and name into `path` (SAC_PATH_MAX bytes).
sac_status sac_path_join(char *path, const char *folder, const char *name, sac_error *err);

/// Make a folder and its parents; one that exists is fine.
sac_status sac_folder_make(const char *path, sac_error *err);

bool sac_path_exists(const char *path);

/// The names in a folder, sorted; the caller frees with `sac_names_free`. A missing folder has
/// none.
sac_status sac_folder_list(const char *path, char ***names, int *count, sac_error *err);
void sac_names_free(char **names, int count);

/// What may have been meant by a path that does not exist: in its folder, a name that begins like
/// it or differs in its ending only, or else the most similar one of the same ending; as a path in
/// `nearest` (SAC_PATH_MAX bytes). Returns `nearest`, or NULL when nothing is near.
const char *sac_path_nearest(const char *path, char *nearest);

/// The same as the end of a message, ", nearest: PATH", in `hint` (SAC_HINT_MAX bytes); empty when
/// nothing is near. Returns `hint`.
enum { SAC_HINT_MAX = SAC_PATH_MAX + 16 };
const char *sac_path_hint(const char *path, char *hint);

/// Hold a folder for this process; `*lock` goes to sac_folder_unlock. SAC_FAILED when another
/// process holds it.
sac_status sac_folder_lock(const char *path, int *lock, sac_error *err);
void sac_folder_unlock(int lock);

/// Remove the temporary files that a process which was killed left in a folder.
sac_status sac_folder_sweep(const char *path, sac_error *err);

/// The whole file, with one zero byte after it; the caller frees `*bytes`.
sac_status sac_file_read(const char *path, char **bytes, size_t *size, sac_error *err);

/// A file being written under a temporary name beside `path`: `commit` makes it durable and gives
/// it its name (fsync, rename, fsync of the folder), `abandon` removes it. One of the two must
/// follow `create`.
typedef struct sac_new_file {
  int fd;
  char path[SAC_PATH_MAX], temporary[SAC_PATH_MAX];
} sac_new_file;

sac_status sac_new_file_create(sac_new_file *file, const char *path, sac_error *err);
sac_status sac_new_file_write(sac_new_file *file, const void *bytes, size_t size, sac_error *err);
sac_status sac_new_file_write_at(sac_new_file *file, size_t offset, const void *bytes, size_t size,
                                 sac_error *err);
sac_status sac_new_file_commit(sac_new_file *file, sac_error *err);
void sac_new_file_abandon(sac_new_file *file);

/// Write a whole small file that way.
sac_status sac_file_write(const char *path, const void *bytes, size_t size, sac_error *err);
