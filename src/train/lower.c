#include "train/lower.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/files.h"
#include "train/checkpoint_folder.h"

/// A file that lower layers are read from.
typedef struct source {
  const sac_config *cfg;
  const sac_safetensors *file;
  bool skips_own;  // the file is of the upper run: its own policy is none of them
} source;

static sac_status refuse(const sac_config *cfg, sac_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static sac_status refuse(const sac_config *cfg, sac_error *err, const char *format, ...) {
  char text[SAC_PATH_MAX + 512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return sac_error_set(err, SAC_BAD_CONFIG, "%s: hierarchy.lower is %s, %s",
                       sac_config_where(cfg, "hierarchy.lower"), cfg->hierarchy.lower, text);
}

// where layer `i` of the file begins its names; layer 0 is the file's own policy
static void name_layer(int i, char prefix[32]) {
  prefix[0] = '\0';
  if (i > 0) snprintf(prefix, 32, "lower.%d.", i - 1);
}

static const char *find_identity(const source *self, int i) {
  char key[48];
  if (i == 0) return sac_safetensors_text(self->file, "fingerprint");
  snprintf(key, sizeof key, "lower.%d.policy", i - 1);
  return sac_safetensors_text(self->file, key);
}

enum { KEYS_MAX = 64 };

// the lines of a fingerprint that begin with "policy." as overrides, which `lines` holds
static int split_identity(char *lines, const char *overrides[KEYS_MAX]) {
  int n = 0;
  overrides[n++] = "env.id=lower";  // no environment is opened by it
  char *rest = NULL;
  for (char *line = strtok_r(lines, "\n", &rest); line && n < KEYS_MAX;
       line = strtok_r(NULL, "\n", &rest))
    if (strncmp(line, "policy.", 7) == 0) overrides[n++] = line;
  return n;
}

// what the lines say, and in `identity` only those that count
static sac_status read_identity(const char *lines, sac_config *cfg, char **identity,
                                sac_error *err) {
  const char *overrides[KEYS_MAX];
  size_t size = 0;
  *identity = NULL;
  char *copy = strdup(lines);
  FILE *out = copy ? open_memstream(identity, &size) : NULL;
  if (!out) {
    free(copy);
    return sac_error_set(err, SAC_FAILED, "no memory for a lower layer");
  }
  int n = split_identity(copy, overrides);
  for (int i = 1; i < n; i++) fprintf(out, "%s\n", overrides[i]);
  sac_status status = fclose(out) == 0
                          ? sac_config_load(NULL, n, overrides, cfg, err)
                          : sac_error_set(err, SAC_FAILED, "no memory for a lower layer");
  free(copy);
  return status;
}

static sac_status check_kind(const source *self, const char *lines, const sac_config *cfg,
                             sac_error *err) {
  if (cfg->policy.type != SAC_POLICY_REALNVP)
    return refuse(self->cfg, err,
                  "whose policy.type is %s, must be realnvp: only a flow turns every latent into "
                  "one action and back",
                  sac_config_word("policy.type", cfg->policy.type));
  if (strstr(lines, "env.normalize_obs=true"))
    return refuse(self->cfg, err,
                  "which was trained with env.normalize_obs, must see observations as they are");
  return SAC_OK;
}

// observation and action width from the tensors
static sac_status find_sizes(const source *self, const char *prefix, int *obs_dim, int *act_dim,
                             sac_error *err) {
  char first[96], last[96];
  snprintf(first, sizeof first, "%sactor.latent_pi.0.weight", prefix);
  snprintf(last, sizeof last, "%sactor.condition.bias", prefix);
  const sac_tensor *in = sac_safetensors_find(self->file, first);
  const sac_tensor *out = sac_safetensors_find(self->file, last);
  bool sound = in && out && in->rank == 2 && out->rank == 1 && in->shape[1] > 0 &&
               in->shape[1] < 1 << 20 && out->shape[0] > 0 && out->shape[0] < 1 << 16;
  if (!sound)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: tensors of %sactor. are missing",
                         sac_safetensors_path(self->file), prefix);
  *obs_dim = (int)in->shape[1];
  *act_dim = (int)(out->shape[0] / 2);
  return SAC_OK;
}

static sac_status fill_layer(const source *self, const char *prefix, const sac_hierarchy *hierarchy,
                             sac_error *err) {
  const sac_params *params = &hierarchy->layer[hierarchy->n_layers - 1].policy.params;
  sac_found found;
  SAC_TRY(sac_tensors_get_block(self->file, prefix, params, params->value, 0, &found, err));
  if (found == SAC_FOUND_ALL) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: tensors of %sactor. are missing",
                       sac_safetensors_path(self->file), prefix);
}

static sac_status add_layer(const source *self, int i, const char *lines, sac_hierarchy *hierarchy,
                            sac_error *err) {
  char prefix[32], *identity;
  int obs_dim = 0, act_dim = 0;
  sac_config *cfg = malloc(sizeof *cfg);
  if (!cfg) return sac_error_set(err, SAC_FAILED, "no memory for a lower layer");
  name_layer(i, prefix);
  sac_status status = read_identity(lines, cfg, &identity, err);
  if (status == SAC_OK) status = check_kind(self, lines, cfg, err);
  if (status == SAC_OK) status = find_sizes(self, prefix, &obs_dim, &act_dim, err);
  if (status == SAC_OK) {
    sac_policy_options options = {.cfg = cfg,
                                  .frozen = true,
                                  .n_seeds = 1,
                                  .obs_dim = obs_dim,
                                  .act_dim = act_dim,
                                  .backend = hierarchy->backend};
    status = sac_hierarchy_add(hierarchy, &options, identity, err);
  }
  if (status == SAC_OK) status = fill_layer(self, prefix, hierarchy, err);
  free(identity);
  free(cfg);
  return status;
}

static sac_status hash_layer(const sac_hierarchy_layer *layer, XXH3_state_t *hash, sac_error *err) {
  const sac_params *params = &layer->policy.params;
  size_t bytes = params->count * sizeof *params->value;
  sac_real *values = malloc(bytes);
  if (!values) return sac_error_set(err, SAC_FAILED, "no memory for a lower layer");
  params->backend->ops->download(params->backend, values, params->value, bytes);
  XXH3_64bits_update(hash, layer->identity, strlen(layer->identity) + 1);
  XXH3_64bits_update(hash, values, bytes);
  free(values);
  return SAC_OK;
}

static sac_status hash_layers(sac_hierarchy *hierarchy, sac_error *err) {
  XXH3_state_t *hash = XXH3_createState();
  if (!hash) return sac_error_set(err, SAC_FAILED, "no memory for a hash");
  XXH3_64bits_reset(hash);
  sac_status status = SAC_OK;
  for (int i = 0; i < hierarchy->n_layers && status == SAC_OK; i++)
    status = hash_layer(&hierarchy->layer[i], hash, err);
  hierarchy->hash = XXH3_64bits_digest(hash);
  XXH3_freeState(hash);
  return status;
}

static sac_status read_layers(const source *self, sac_hierarchy *hierarchy, sac_error *err) {
  for (int i = self->skips_own ? 1 : 0;; i++) {
    const char *lines = find_identity(self, i);
    if (!lines) break;
    if (hierarchy->n_layers == SAC_HIERARCHY_LAYERS_MAX)
      return refuse(self->cfg, err, "which has more than %d layers", SAC_HIERARCHY_LAYERS_MAX);
    SAC_TRY(add_layer(self, i, lines, hierarchy, err));
  }
  if (hierarchy->n_layers == 0)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: holds no lower layer",
                         sac_safetensors_path(self->file));
  SAC_TRY(sac_hierarchy_finish(hierarchy, err));
  return hash_layers(hierarchy, err);
}

static sac_status read_file(const sac_config *cfg, const char *path, bool skips_own,
                            sac_hierarchy *hierarchy, sac_error *err) {
  sac_safetensors *file;
  SAC_TRY(sac_safetensors_open(path, true, &file, err));
  source self = {cfg, file, skips_own};
  sac_status status = read_layers(&self, hierarchy, err);
  sac_safetensors_close(file);
  return status;
}

static sac_status copy_path(char *to, const char *from, sac_error *err) {
  if (snprintf(to, SAC_PATH_MAX, "%s", from) < SAC_PATH_MAX) return SAC_OK;
  return sac_error_set(err, SAC_BAD_DISK, "%s: the path is too long", from);
}

// the newest checkpoint of a folder that can be opened, or the file itself
static sac_status find_file(const char *path, char *file, sac_error *err) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return copy_path(file, path, err);
  char **names;
  int count;
  SAC_TRY(sac_checkpoint_list(path, &names, &count, err));
  sac_status status = sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: has no checkpoint", path);
  for (int i = 0; i < count && status == SAC_BAD_CHECKPOINT; i++) {
    sac_safetensors *opened;
    status = sac_safetensors_open(names[i], true, &opened, err);
    if (status == SAC_OK) sac_safetensors_close(opened);
    if (status == SAC_OK) status = copy_path(file, names[i], err);
  }
  sac_names_free(names, count);
  return status;
}

static sac_status open_file(const sac_config *cfg, const char *path, bool skips_own,
                            sac_backend *backend, int max_rows, sac_hierarchy **hierarchy,
                            sac_error *err) {
  sac_hierarchy *opened = NULL;
  SAC_TRY(sac_hierarchy_create(backend, max_rows, &opened, err));
  sac_status status = read_file(cfg, path, skips_own, opened, err);
  if (status == SAC_OK)
    *hierarchy = opened;
  else
    sac_hierarchy_destroy(opened);
  return status;
}

sac_status sac_lower_open_own(const sac_config *cfg, const char *own, sac_backend *backend,
                              int max_rows, sac_hierarchy **hierarchy, sac_error *err) {
  char file[SAC_PATH_MAX];
  *hierarchy = NULL;
  if (!cfg->hierarchy.lower[0]) return SAC_OK;
  SAC_TRY(find_file(own, file, err));
  return open_file(cfg, file, true, backend, max_rows, hierarchy, err);
}

static sac_status refuse_missing(const sac_config *cfg, sac_error *err) {
  char hint[SAC_HINT_MAX];
  return refuse(cfg, err, "which does not exist, must be a run folder or a checkpoint%s",
                sac_path_hint(cfg->hierarchy.lower, hint));
}

sac_status sac_lower_resolve(sac_config *cfg, sac_error *err) {
  char file[SAC_PATH_MAX], *lower = cfg->hierarchy.lower;
  if (!lower[0]) return SAC_OK;
  if (!sac_path_exists(lower)) return refuse_missing(cfg, err);
  SAC_TRY(find_file(lower, file, err));
  if (strlen(file) >= sizeof cfg->hierarchy.lower)
    return refuse(cfg, err, "whose checkpoint's path is too long: %s", file);
  snprintf(lower, sizeof cfg->hierarchy.lower, "%.*s", SAC_CONFIG_TEXT_MAX - 1, file);
  return SAC_OK;
}

sac_status sac_lower_open(const sac_config *cfg, const char *own, sac_backend *backend,
                          int max_rows, sac_hierarchy **hierarchy, sac_error *err) {
  char file[SAC_PATH_MAX];
  *hierarchy = NULL;
  if (!cfg->hierarchy.lower[0]) return SAC_OK;
  if (sac_path_exists(cfg->hierarchy.lower)) {
    SAC_TRY(find_file(cfg->hierarchy.lower, file, err));
    return open_file(cfg, file, false, backend, max_rows, hierarchy, err);
  }
  if (own) return sac_lower_open_own(cfg, own, backend, max_rows, hierarchy, err);
  return refuse_missing(cfg, err);
}

bool sac_lower_squashes(const sac_config *cfg, const sac_hierarchy *hierarchy) {
  return hierarchy ? sac_hierarchy_squashes(hierarchy) : cfg->policy.squash;
}

sac_status sac_lower_check(const sac_config *cfg, const sac_hierarchy *hierarchy,
                           const sac_env_spec *spec, sac_error *err) {
  int wanted = (int)cfg->hierarchy.lower_obs_dims;
  for (int i = 0; hierarchy && i < hierarchy->n_layers; i++) {
    const sac_policy *policy = &hierarchy->layer[i].policy;
    if (policy->act_dim != spec->act_dim)
      return refuse(cfg, err, "whose actions have %d values, must have those of %s: %d",
                    policy->act_dim, cfg->env.id, spec->act_dim);
    if (policy->obs_dim > spec->obs_dim)
      return refuse(cfg, err, "which sees %d values, more than an observation of %s has: %d",
                    policy->obs_dim, cfg->env.id, spec->obs_dim);
    if (i == 0 && wanted > 0 && wanted != policy->obs_dim)
      return sac_error_set(err, SAC_BAD_CONFIG,
                           "%s: hierarchy.lower_obs_dims is %d, must be %d or null: what %s was "
                           "trained on",
                           sac_config_where(cfg, "hierarchy.lower_obs_dims"), wanted,
                           policy->obs_dim, cfg->hierarchy.lower);
  }
  return SAC_OK;
}

static void write_hash(const sac_hierarchy *hierarchy, char text[17]) {
  snprintf(text, 17, "%016llx", (unsigned long long)hierarchy->hash);
}

void sac_lower_add(const sac_hierarchy *hierarchy, sac_tensors *tensors) {
  char hash[17], prefix[32], key[48];
  write_hash(hierarchy, hash);
  sac_safetensors_note(tensors->writer, "lower.hash", hash);
  for (int i = 0; i < hierarchy->n_layers; i++) {
    const sac_params *params = &hierarchy->layer[i].policy.params;
    snprintf(prefix, sizeof prefix, "lower.%d.", i);
    snprintf(key, sizeof key, "lower.%d.policy", i);
    sac_safetensors_note(tensors->writer, key, hierarchy->layer[i].identity);
    sac_tensors_add_block(tensors, prefix, params, params->value, 0);
  }
}

sac_status sac_lower_compare(const sac_config *cfg, const sac_hierarchy *hierarchy,
                             const sac_safetensors *file, sac_error *err) {
  char hash[17];
  const char *saved = sac_safetensors_text(file, "lower.hash");
  if (!hierarchy) return SAC_OK;
  write_hash(hierarchy, hash);
  if (saved && strcmp(saved, hash) == 0) return SAC_OK;
  return refuse(cfg, err,
                "which holds the layers %s, but %s was made with %s: put those back, or take the "
                "file away and the run goes on with its own copy",
                hash, sac_safetensors_path(file), saved ? saved : "none");
}
