#include "train/checkpoint_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "data/replay_log.h"
#include "io/safetensors.h"

static const char prefix[] = "step-", suffix[] = ".safetensors";

sac_status sac_checkpoint_path(const char *folder, uint64_t timesteps, char *path, sac_error *err) {
  char name[64];
  snprintf(name, sizeof name, "checkpoints/%s%012llu%s", prefix, (unsigned long long)timesteps,
           suffix);
  return sac_path_join(path, folder, name, err);
}

uint64_t sac_checkpoint_steps(const char *path) {
  const char *slash = strrchr(path, '/');
  return strtoull((slash ? slash + 1 : path) + strlen(prefix), NULL, 10);
}

static bool is_step_file(const char *name) {
  const char *ending = strrchr(name, '.');
  return strncmp(name, prefix, strlen(prefix)) == 0 && ending && strcmp(ending, suffix) == 0;
}

sac_status sac_checkpoint_list(const char *folder, char ***names, int *count, sac_error *err) {
  char checkpoints[SAC_PATH_MAX], path[SAC_PATH_MAX];
  char **all;
  int n_all, n = 0;
  SAC_TRY(sac_path_join(checkpoints, folder, "checkpoints", err));
  SAC_TRY(sac_folder_list(checkpoints, &all, &n_all, err));
  char **paths = calloc((size_t)n_all + 1, sizeof *paths);
  for (int i = n_all - 1; i >= 0 && paths; i--) {
    if (!is_step_file(all[i]) || sac_path_join(path, checkpoints, all[i], err) != SAC_OK) continue;
    if ((paths[n] = strdup(path))) n++;
  }
  sac_names_free(all, n_all);
  if (!paths) return sac_error_set(err, SAC_FAILED, "no memory for the list of checkpoints");
  *names = paths;
  *count = n;
  return SAC_OK;
}

// the block lists of the checkpoints that stay; false when one cannot be read, so that nothing is
// known to be unused
static bool collect_lists(char *const *paths, int n, char **lists) {
  for (int i = 0; i < n; i++) {
    sac_safetensors *file;
    sac_error ignored;  // an unreadable checkpoint only means that no block is removed
    if (sac_safetensors_open(paths[i], false, &file, &ignored) != SAC_OK) return false;
    const char *list = sac_safetensors_text(file, "replay.blocks");
    lists[i] = strdup(list ? list : "");
    sac_safetensors_close(file);
    if (!lists[i]) return false;
  }
  return true;
}

static sac_status remove_old(char *const *paths, int keep, int count, sac_error *err) {
  for (int i = keep; i < count; i++)
    if (unlink(paths[i]) != 0)
      return sac_error_set(err, SAC_BAD_DISK, "%s: cannot be removed", paths[i]);
  return SAC_OK;
}

sac_status sac_checkpoint_prune(const char *folder, uint64_t timesteps, int64_t keep,
                                sac_error *err) {
  char **paths, blocks[SAC_PATH_MAX];
  int count, later = 0;
  SAC_TRY(sac_path_join(blocks, folder, "checkpoints/replay", err));
  SAC_TRY(sac_checkpoint_list(folder, &paths, &count, err));
  while (later < count && sac_checkpoint_steps(paths[later]) > timesteps) later++;
  int kept = count - later < keep ? count : later + (int)keep;
  sac_status status = remove_old(paths, kept, count, err);
  char **lists = calloc((size_t)kept + 1, sizeof *lists);
  if (status == SAC_OK && lists && collect_lists(paths, kept, lists))
    status = sac_replay_log_prune(blocks, lists, kept, err);
  if (lists) sac_names_free(lists, kept);
  sac_names_free(paths, count);
  return status;
}
