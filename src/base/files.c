#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

sac_status sac_path_join(char *path, const char *folder, const char *name, sac_error *err) {
  size_t n = strlen(folder);
  const char *between = n > 0 && folder[n - 1] != '/' ? "/" : "";
  int wanted = snprintf(path, SAC_PATH_MAX, "%s%s%s", folder, between, name);
  if (wanted < SAC_PATH_MAX) return SAC_OK;
  return sac_error_set(err, SAC_BAD_DISK,
                       "the path %.60s.../%.60s is too long: %d characters, at most %d", folder,
                       name, wanted, SAC_PATH_MAX - 1);
}

static sac_status disk_error(sac_error *err, const char *path, const char *deed) {
  return sac_error_set(err, SAC_BAD_DISK, "%s: %s: %s", path, deed, strerror(errno));
}

sac_status sac_folder_make(const char *path, sac_error *err) {
  char part[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(part, path, "", err));
  for (char *at = part; *at; at++) {
    if (*at != '/' || at == part) continue;
    *at = '\0';
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      return disk_error(err, part, "the folder cannot be made");
    *at = '/';
  }
  if (mkdir(path, 0777) != 0 && errno != EEXIST)
    return disk_error(err, path, "the folder cannot be made");
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return SAC_OK;
  return sac_error_set(err, SAC_BAD_DISK, "%s: exists and is not a folder", path);
}

bool sac_path_exists(const char *path) {
  return access(path, F_OK) == 0;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void sac_names_free(char **names, int count) {
  for (int i = 0; i < count; i++) free(names[i]);
  free(names);
}

// append a copy of `name`; false when memory is out
static bool add_name(char ***names, int *count, const char *name) {
  char **grown = realloc(*names, (size_t)(*count + 1) * sizeof *grown);
  if (!grown) return false;
  *names = grown;
  grown[*count] = strdup(name);
  if (!grown[*count]) return false;
  *count += 1;
  return true;
}

sac_status sac_folder_list(const char *path, char ***names, int *count, sac_error *err) {
  *names = NULL;
  *count = 0;
  DIR *folder = opendir(path);
  if (!folder && errno == ENOENT) return SAC_OK;
  if (!folder) return disk_error(err, path, "the folder cannot be read");
  bool fits = true;
  for (struct dirent *entry; fits && (entry = readdir(folder));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      fits = add_name(names, count, entry->d_name);
  closedir(folder);
  if (fits) {
    if (*count > 0) qsort(*names, (size_t)*count, sizeof **names, compare_names);
    return SAC_OK;
  }
  sac_names_free(*names, *count);
  return sac_error_set(err, SAC_FAILED, "%s: no memory for the list of its files", path);
}

// the shortest of the names that begin with the first `length` letters of `word`
static const char *find_longer(const char *word, size_t length, char *const *names, int count) {
  const char *found = NULL;
  for (int i = 0; i < count; i++)
    if (!strncmp(names[i], word, length) && (!found || strlen(names[i]) < strlen(found)))
      found = names[i];
  return found;
}

// of the names with the same ending, which all have in common, the one most like `word`
static const char *find_alike(char *word, char **names, int count) {
  char *dot = strrchr(word, '.');
  if (!dot || dot == word) return sac_nearest(word, (const char *const *)names, count);
  for (int i = 0; i < count; i++) {
    char *own = strrchr(names[i], '.');
    *(own && !strcmp(own, dot) ? own : names[i]) = '\0';
  }
  *dot = '\0';
  char *meant = (char *)sac_nearest(word, (const char *const *)names, count);
  *dot = '.';
  if (meant) meant[strlen(meant)] = '.';  // where its own ending begins again
  return meant;
}

// `path` may be cut
static bool find_nearest(char *path, char *nearest) {
  char *slash = strrchr(path, '/'), *word = slash ? slash + 1 : path, **names;
  const char *dot = strrchr(word, '.'), *folder = slash == path ? "/" : slash ? path : ".";
  int count;
  if (slash) *slash = '\0';
  if (!*word || sac_folder_list(folder, &names, &count, NULL) != SAC_OK) return false;
  const char *meant = find_longer(word, strlen(word), names, count);
  if (!meant && dot && dot > word)
    meant = find_longer(word, (size_t)(dot + 1 - word), names, count);
  if (!meant) meant = find_alike(word, names, count);
  bool found = meant && snprintf(nearest, SAC_PATH_MAX, "%s%s%s", slash ? path : "",
                                 slash ? "/" : "", meant) < SAC_PATH_MAX;
  sac_names_free(names, count);
  return found;
}

const char *sac_path_nearest(const char *path, char *nearest) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  char *own = strndup(path, length);
  bool found = own && find_nearest(own, nearest);
  free(own);
  return found ? nearest : NULL;
}

const char *sac_path_hint(const char *path, char *hint) {
  char meant[SAC_PATH_MAX];
  const char *nearest = sac_path_nearest(path, meant);
  snprintf(hint, SAC_HINT_MAX, "%s%s", nearest ? ", nearest: " : "", nearest ? nearest : "");
  return hint;
}

sac_status sac_folder_lock(const char *path, int *lock, sac_error *err) {
  *lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*lock < 0) return disk_error(err, path, "the folder cannot be opened");
  if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return SAC_OK;
  sac_folder_unlock(*lock);
  *lock = -1;
  return sac_error_set(err, SAC_FAILED, "%s: another process is training in this folder", path);
}

void sac_folder_unlock(int lock) {
  if (lock >= 0) close(lock);
}

sac_status sac_folder_sweep(const char *path, sac_error *err) {
  char **names, file[SAC_PATH_MAX];
  int count;
  SAC_TRY(sac_folder_list(path, &names, &count, err));
  sac_status status = SAC_OK;
  for (int i = 0; i < count && status == SAC_OK; i++) {
    size_t length = strlen(names[i]);
    if (length < 4 || strcmp(names[i] + length - 4, ".tmp") != 0) continue;
    status = sac_path_join(file, path, names[i], err);
    if (status == SAC_OK && unlink(file) != 0) status = disk_error(err, file, "cannot be removed");
  }
  sac_names_free(names, count);
  return status;
}

static sac_status read_all(int fd, const char *path, char *bytes, size_t size, sac_error *err) {
  for (size_t got = 0; got < size;) {
    ssize_t n = read(fd, bytes + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return disk_error(err, path, "cannot be read");
    if (n == 0)
      return sac_error_set(err, SAC_BAD_DISK, "%s: became shorter while it was read", path);
    got += (size_t)n;
  }
  return SAC_OK;
}

static sac_status cannot_open(sac_error *err, const char *path) {
  int reason = errno;
  char hint[SAC_HINT_MAX];
  return sac_error_set(err, SAC_BAD_DISK, "%s: cannot be opened: %s%s", path, strerror(reason),
                       reason == ENOENT ? sac_path_hint(path, hint) : "");
}

sac_status sac_file_read(const char *path, char **bytes, size_t *size, sac_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot_open(err, path);
  struct stat info;
  sac_status status = SAC_OK;
  *bytes = NULL;
  if (fstat(fd, &info) != 0) {
    status = disk_error(err, path, "cannot be examined");
  } else if (!S_ISREG(info.st_mode)) {
    status = sac_error_set(err, SAC_BAD_DISK, "%s: is not a regular file", path);
  } else if (!(*bytes = malloc((size_t)info.st_size + 1))) {
    status = sac_error_set(err, SAC_FAILED, "%s: no memory for its %lld bytes", path,
                           (long long)info.st_size);
  } else {
    *size = (size_t)info.st_size;
    status = read_all(fd, path, *bytes, *size, err);
    (*bytes)[*size] = '\0';
  }
  close(fd);
  if (status == SAC_OK) return SAC_OK;
  free(*bytes);
  *bytes = NULL;
  return status;
}

sac_status sac_new_file_create(sac_new_file *file, const char *path, sac_error *err) {
  snprintf(file->path, SAC_PATH_MAX, "%s", path);
  int wanted = snprintf(file->temporary, SAC_PATH_MAX, "%s.%ld.tmp", path, (long)getpid());
  if (wanted >= SAC_PATH_MAX)
    return sac_error_set(err, SAC_BAD_DISK, "%s: the path is too long", path);
  file->fd = open(file->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file->fd < 0) return disk_error(err, file->temporary, "cannot be created");
  return SAC_OK;
}

sac_status sac_new_file_write(sac_new_file *file, const void *bytes, size_t size, sac_error *err) {
  for (const char *from = bytes; size > 0;) {
    ssize_t n = write(file->fd, from, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return disk_error(err, file->path, "cannot be written");
    from += n;
    size -= (size_t)n;
  }
  return SAC_OK;
}

sac_status sac_new_file_write_at(sac_new_file *file, size_t offset, const void *bytes, size_t size,
                                 sac_error *err) {
  for (const char *from = bytes; size > 0;) {
    ssize_t n = pwrite(file->fd, from, size, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return disk_error(err, file->path, "cannot be written");
    from += n;
    size -= (size_t)n;
    offset += (size_t)n;
  }
  return SAC_OK;
}

// make the new name itself durable
static sac_status sync_folder_of(const char *path, sac_error *err) {
  char folder[SAC_PATH_MAX];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (!slash) snprintf(folder, sizeof folder, ".");
  if (slash) slash[slash == folder] = '\0';
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return disk_error(err, folder, "the folder cannot be opened");
  int code = fsync(fd);
  if (code != 0) disk_error(err, folder, "the folder cannot be made durable");
  close(fd);
  return code == 0 ? SAC_OK : SAC_BAD_DISK;
}

sac_status sac_new_file_commit(sac_new_file *file, sac_error *err) {
  sac_status status = SAC_OK;
  if (fsync(file->fd) != 0) status = disk_error(err, file->path, "cannot be made durable");
  if (close(file->fd) != 0 && status == SAC_OK)
    status = disk_error(err, file->path, "cannot be closed");
  file->fd = -1;
  if (status == SAC_OK && rename(file->temporary, file->path) != 0)
    status = disk_error(err, file->path, "cannot be given its name");
  if (status != SAC_OK) {
    unlink(file->temporary);
    return status;
  }
  return sync_folder_of(file->path, err);
}

void sac_new_file_abandon(sac_new_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
  unlink(file->temporary);
}

sac_status sac_file_write(const char *path, const void *bytes, size_t size, sac_error *err) {
  sac_new_file file;
  SAC_TRY(sac_new_file_create(&file, path, err));
  sac_status status = sac_new_file_write(&file, bytes, size, err);
  if (status == SAC_OK) return sac_new_file_commit(&file, err);
  sac_new_file_abandon(&file);
  return status;
}
