#include "train/run_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/utsname.h>

#include <jansson.h>

#include "base/files.h"
#include "env/environment.h"
#include "sac/sac.h"

// the file's name without folders and ending
static void stem_of(const char *path, char stem[128]) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  snprintf(stem, 128, "%s", slash ? slash + 1 : path ? path : "run");
  char *dot = strrchr(stem, '.');
  if (dot && dot != stem) *dot = '\0';
}

static sac_status default_name(const sac_config *cfg, const char *config_path, char *folder,
                               sac_error *err) {
  char stem[128], name[512], when[32];
  time_t now = time(NULL);
  struct tm local;
  localtime_r(&now, &local);
  strftime(when, sizeof when, "%Y%m%d-%H%M%S", &local);
  stem_of(config_path, stem);
  if (cfg->run.seeds.count > 0)
    snprintf(name, sizeof name, "%s-%dseeds-%s", stem, cfg->run.seeds.count, when);
  else
    snprintf(name, sizeof name, "%s-seed%lld-%s", stem, (long long)cfg->run.seed, when);
  return sac_path_join(folder, cfg->run.logdir, name, err);
}

static sac_status refuse_taken(const char *folder, sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(path, folder, "config.yaml", err));
  if (sac_path_exists(path))
    return sac_error_set(
        err, SAC_BAD_CONFIG,
        "%s: holds a run already; go on with it by `sac resume %s`, or choose another --out",
        folder, folder);
  SAC_TRY(sac_path_join(path, folder, "checkpoints", err));
  if (!sac_path_exists(path)) return SAC_OK;
  return sac_error_set(
      err, SAC_BAD_CONFIG,
      "%s: holds checkpoints of a run that lost its config.yaml; put that back and "
      "go on by `sac resume %s`, or choose another --out",
      folder, folder);
}

// JSON, which names the folder, holds nothing else
static sac_status check_utf8(const char *folder, sac_error *err) {
  json_t *text = json_string(folder);
  if (!text)
    return sac_error_set(err, SAC_BAD_CONFIG, "%s: a run folder's name must be UTF-8", folder);
  json_decref(text);
  return SAC_OK;
}

// the longest path that a run writes must fit
static sac_status check_length(const char *folder, sac_error *err) {
  char path[SAC_PATH_MAX];
  return sac_path_join(path, folder,
                       "seed-0000000000000000/checkpoints/replay/"
                       "rows-000000000000-000000-0000000000000000.safetensors.00000000.tmp",
                       err);
}

sac_status sac_run_folder_name(const sac_config *cfg, const char *config_path, const char *wanted,
                               char *folder, sac_error *err) {
  if (wanted) {
    SAC_TRY(sac_path_join(folder, wanted, "", err));
  } else if (cfg->run.name[0]) {
    SAC_TRY(sac_path_join(folder, cfg->run.logdir, cfg->run.name, err));
  } else {
    SAC_TRY(default_name(cfg, config_path, folder, err));
  }
  for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--) folder[n - 1] = '\0';
  SAC_TRY(check_utf8(folder, err));
  SAC_TRY(check_length(folder, err));
  // one with a number after the default name is found when it is claimed
  return wanted || cfg->run.name[0] ? refuse_taken(folder, err) : SAC_OK;
}

static sac_status claim(const char *folder, int *lock, sac_error *err) {
  SAC_TRY(sac_folder_make(folder, err));
  SAC_TRY(sac_folder_lock(folder, lock, err));
  sac_status status = refuse_taken(folder, err);
  if (status == SAC_OK) return SAC_OK;
  sac_folder_unlock(*lock);
  *lock = -1;
  return status;
}

sac_status sac_run_folder_claim(char *folder, bool may_number, int *lock, sac_error *err) {
  size_t end = strlen(folder);
  sac_status status = claim(folder, lock, err);
  for (int i = 2; i < 1000 && may_number && status != SAC_OK && status != SAC_BAD_DISK; i++) {
    snprintf(folder + end, SAC_PATH_MAX - end, "-%d", i);
    status = claim(folder, lock, err);
  }
  return status;
}

sac_status sac_run_folder_seed(const char *folder, uint64_t seed, char *path, sac_error *err) {
  char name[32];
  snprintf(name, sizeof name, "seed-%llu", (unsigned long long)seed);
  return sac_path_join(path, folder, name, err);
}

static sac_status write_json(const char *folder, const char *name, json_t *object, sac_error *err) {
  char path[SAC_PATH_MAX];
  char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
  json_decref(object);
  if (!text) return sac_error_set(err, SAC_FAILED, "no memory for %s", name);
  sac_status status = sac_path_join(path, folder, name, err);
  if (status == SAC_OK) status = sac_file_write(path, text, strlen(text), err);
  free(text);
  return status;
}

sac_status sac_run_folder_note(const char *folder, const sac_run_status *status, sac_error *err) {
  json_t *code = status->code != SAC_OK ? json_integer(status->code) : NULL;
  return write_json(
      folder, "status.json",
      json_pack("{s:s, s:I, s:s, s:o*}", "state", status->state, "timesteps",
                (json_int_t)status->timesteps, "reason", status->reason, "exit_code", code),
      err);
}

void sac_run_folder_failure(const char *folder, sac_error *failure, uint64_t *timesteps) {
  char path[SAC_PATH_MAX];
  *failure = (sac_error){.code = SAC_OK};
  json_t *object = NULL;
  if (sac_path_join(path, folder, "status.json", NULL) == SAC_OK)
    object = json_load_file(path, 0, NULL);
  json_int_t code = json_integer_value(json_object_get(object, "exit_code"));
  const char *reason = json_string_value(json_object_get(object, "reason"));
  *timesteps = (uint64_t)json_integer_value(json_object_get(object, "timesteps"));
  if (code == SAC_BAD_NUMBER || code == SAC_BAD_ENV)
    sac_error_set(failure, (sac_status)code, "%s", reason ? reason : "no reason is known");
  json_decref(object);
}

static sac_status write_config(const char *folder, const sac_config *cfg, sac_error *err) {
  char path[SAC_PATH_MAX], *text = NULL;
  size_t size = 0;
  SAC_TRY(sac_path_join(path, folder, "config.yaml", err));
  FILE *memory = open_memstream(&text, &size);
  if (!memory) return sac_error_set(err, SAC_FAILED, "no memory for the configuration's text");
  sac_config_write(cfg, memory);
  fclose(memory);
  sac_status status = sac_file_write(path, text, size, err);
  free(text);
  return status;
}

static sac_status write_machine(const char *folder, sac_backend *backend, sac_error *err) {
  struct utsname machine;
  uname(&machine);
  json_t *object =
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "sac", sac_version(), "engine",
                sac_environment_engine(), "device", backend->ops->describe(backend), "system",
                machine.sysname, "kernel", machine.release, "machine", machine.machine);
  return write_json(folder, "env.json", object, err);
}

sac_status sac_run_folder_update(const char *folder, const sac_config *cfg, sac_backend *backend,
                                 sac_error *err) {
  SAC_TRY(write_config(folder, cfg, err));
  return write_machine(folder, backend, err);
}
