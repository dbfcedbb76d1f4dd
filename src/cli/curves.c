#include "cli/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "config/config.h"
#include "io/csv.h"
#include "train/run_folder.h"

static sac_status no_memory(sac_error *err) {
  return sac_error_set(err, SAC_FAILED, "no memory for the curves");
}

// the array at `*items` with room for one more than `count`
static bool make_room(void **items, int count, int *max, size_t size) {
  if (count < *max) return true;
  int wanted = *max > 0 ? 2 * *max : 16;
  void *larger = realloc(*items, (size_t)wanted * size);
  if (!larger) return false;
  *items = larger;
  *max = wanted;
  return true;
}

static sac_status add_curve(sac_curves *self, const char *label, char *identity, sac_curve **curve,
                            sac_error *err) {
  void *items = self->at;
  if (!make_room(&items, self->count, &self->max, sizeof *self->at)) return no_memory(err);
  self->at = items;
  *curve = &self->at[self->count++];
  **curve = (sac_curve){.identity = identity, .key = self->query.y};
  if (self->query.names_keys)
    snprintf((*curve)->label, sizeof(*curve)->label, "%s, %s", label, self->query.y);
  else
    snprintf((*curve)->label, sizeof(*curve)->label, "%s", label);
  return SAC_OK;
}

static const char *last_part(const char *path) {
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  while (end > 0 && path[end - 1] != '/') end--;
  return path + end;
}

static sac_status add_sample(sac_curve *curve, double x, double y, sac_error *err) {
  void *items = curve->samples;
  if (!make_room(&items, curve->n_samples, &curve->max_samples, sizeof *curve->samples))
    return no_memory(err);
  curve->samples = items;
  curve->samples[curve->n_samples++] = (sac_sample){x, y};
  return SAC_OK;
}

static bool read_number(const json_t *row, const char *key, double *number) {
  const json_t *value = json_object_get(row, key);
  *number = json_number_value(value);
  return json_is_number(value);
}

static sac_status note_keys(sac_curves *self, json_t *row, sac_error *err) {
  const char *key;
  json_t *value;
  if (!self->keys) self->keys = json_object();
  json_object_foreach(row, key, value) if (json_is_number(value)) {
    if (json_object_set_new(self->keys, key, json_null()) != 0) return no_memory(err);
  }
  return SAC_OK;
}

static sac_status add_row(sac_curves *self, sac_curve *curve, json_t *row, sac_error *err) {
  double x, y;
  SAC_TRY(note_keys(self, row, err));
  bool has_both = read_number(row, self->query.x, &x) && read_number(row, self->query.y, &y);
  return has_both ? add_sample(curve, x, y, err) : SAC_OK;
}

// what a file's row belongs to: one curve for each value of `by`
static void name_row(const sac_curves *self, const char *path, const json_t *row, char label[160]) {
  const json_t *value = self->query.by ? json_object_get(row, self->query.by) : NULL;
  if (json_is_string(value))
    snprintf(label, 160, "%s", json_string_value(value));
  else if (json_is_number(value))
    snprintf(label, 160, "%s %g", self->query.by, json_number_value(value));
  else
    snprintf(label, 160, "%s", last_part(path));
}

// of the curves since `first`, which are those of one file and quantity
static sac_status find_curve(sac_curves *self, int first, const char *label, sac_curve **curve,
                             sac_error *err) {
  size_t length = strlen(label);
  for (int i = first; i < self->count; i++) {
    const char *own = self->at[i].label;
    bool same = !strncmp(own, label, length) && (own[length] == '\0' || own[length] == ',');
    if (same) return *curve = &self->at[i], SAC_OK;
  }
  return add_curve(self, label, NULL, curve, err);
}

static sac_status add_file(sac_curves *self, const char *path, sac_error *err) {
  json_t *rows, *row;
  size_t i;
  int first = self->count;
  SAC_TRY(sac_jsonl_read(path, &rows, err));
  sac_status status = SAC_OK;
  json_array_foreach(rows, i, row) {
    char label[160];
    sac_curve *curve = NULL;
    name_row(self, path, row, label);
    status = find_curve(self, first, label, &curve, err);
    if (status == SAC_OK) status = add_row(self, curve, row, err);
    if (status != SAC_OK) break;
  }
  json_decref(rows);
  return status;
}

// the configuration of a run but for its seeds and its names, as text
static sac_status identify(const char *folder, char **identity, sac_error *err) {
  char path[SAC_PATH_MAX];
  size_t size;
  SAC_TRY(sac_path_join(path, folder, "config.yaml", err));
  sac_config *cfg = malloc(sizeof *cfg);
  if (!cfg) return no_memory(err);
  sac_status status = sac_config_load(path, 0, NULL, cfg, err);
  cfg->run.seed = 0;
  cfg->run.seeds.count = 0;
  cfg->run.name[0] = cfg->run.logdir[0] = '\0';
  FILE *out = status == SAC_OK ? open_memstream(identity, &size) : NULL;
  if (out) sac_config_write(cfg, out);
  if (status == SAC_OK && (!out || fclose(out) != 0)) status = no_memory(err);
  free(cfg);
  return status;
}

// takes over `identity`
static sac_status find_run_curve(sac_curves *self, const char *label, char *identity,
                                 sac_curve **curve, sac_error *err) {
  for (int i = 0; i < self->count; i++) {
    const sac_curve *other = &self->at[i];
    if (!other->identity || other->key != self->query.y || strcmp(other->identity, identity))
      continue;
    free(identity);
    *curve = &self->at[i];
    return SAC_OK;
  }
  sac_status status = add_curve(self, label, identity, curve, err);
  if (status != SAC_OK) free(identity);
  return status;
}

static sac_status add_run(sac_curves *self, const char *folder, const char *label, sac_error *err) {
  char path[SAC_PATH_MAX], *identity = NULL;
  sac_curve *curve = NULL;
  json_t *rows, *row;
  size_t i;
  SAC_TRY(sac_path_join(path, folder, "metrics.jsonl", err));
  SAC_TRY(identify(folder, &identity, err));
  SAC_TRY(find_run_curve(self, label, identity, &curve, err));
  curve->n_sources++;
  SAC_TRY(sac_jsonl_read(path, &rows, err));
  sac_status status = SAC_OK;
  json_array_foreach(rows, i, row) if (status == SAC_OK) status = add_row(self, curve, row, err);
  json_decref(rows);
  return status;
}

static sac_status add_seeds(sac_curves *self, const char *path, const uint64_t *seeds, int n,
                            sac_error *err) {
  char folder[SAC_PATH_MAX];
  for (int i = 0; i < n; i++) {
    SAC_TRY(sac_run_folder_seed(path, seeds[i], folder, err));
    SAC_TRY(add_run(self, folder, last_part(path), err));
  }
  return SAC_OK;
}

sac_status sac_curves_add(sac_curves *curves, const char *path, sac_error *err) {
  uint64_t seeds[SAC_SEEDS_MAX];
  int n_seeds;
  char config[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(config, path, "config.yaml", err));
  char hint[SAC_HINT_MAX];
  if (!sac_path_exists(path))
    return sac_error_set(err, SAC_BAD_CONFIG, "%s: there is no such run or file%s", path,
                         sac_path_hint(path, hint));
  SAC_TRY(sac_run_seeds(path, seeds, &n_seeds, err));
  if (n_seeds > 0) return add_seeds(curves, path, seeds, n_seeds, err);
  if (sac_path_exists(config)) return add_run(curves, path, last_part(path), err);
  return add_file(curves, path, err);
}

static int compare_samples(const void *a, const void *b) {
  double x = ((const sac_sample *)a)->x, y = ((const sac_sample *)b)->x;
  return (x > y) - (x < y);
}

static sac_statistic choose(const sac_aggregate *aggregate, sac_plot_statistic statistic) {
  if (statistic == SAC_PLOT_MEAN) return aggregate->mean;
  return statistic == SAC_PLOT_MEDIAN ? aggregate->median : aggregate->iqm;
}

// the point of `n` values at one x, where no run is missing
static sac_status add_point(sac_curve *curve, double x, const double *values, int n,
                            sac_plot_statistic statistic, sac_error *err) {
  if (curve->identity && n < curve->n_sources) return SAC_OK;
  SAC_TRY(sac_aggregate_returns(values, n, &curve->last, err));
  sac_statistic it = choose(&curve->last, statistic);
  curve->x[curve->n_points] = x;
  curve->y[curve->n_points] = it.value;
  curve->low[curve->n_points] = it.low;
  curve->high[curve->n_points++] = it.high;
  return SAC_OK;
}

static sac_status sum_up(sac_curve *curve, sac_plot_statistic statistic, double *values,
                         sac_error *err) {
  if (curve->n_samples == 0) return SAC_OK;
  qsort(curve->samples, (size_t)curve->n_samples, sizeof *curve->samples, compare_samples);
  int n = 0;
  for (int i = 0; i < curve->n_samples; i++) {
    double x = curve->samples[i].x;
    values[n++] = curve->samples[i].y;
    bool ends = i + 1 == curve->n_samples || curve->samples[i + 1].x > x;
    if (!ends) continue;
    SAC_TRY(add_point(curve, x, values, n, statistic, err));
    n = 0;
  }
  return SAC_OK;
}

sac_status sac_curves_sum_up(sac_curves *curves, sac_plot_statistic statistic, sac_error *err) {
  for (int i = 0; i < curves->count; i++) {
    sac_curve *curve = &curves->at[i];
    size_t n = (size_t)curve->n_samples;
    double *room = calloc(5 * n + 1, sizeof *room);
    if (!room) return no_memory(err);
    curve->x = room;
    curve->y = room + n;
    curve->low = room + 2 * n;
    curve->high = room + 3 * n;
    SAC_TRY(sum_up(curve, statistic, room + 4 * n, err));
  }
  return SAC_OK;
}

void sac_curves_release(sac_curves *curves) {
  for (int i = 0; i < curves->count; i++) {
    free(curves->at[i].identity);
    free(curves->at[i].samples);
    free(curves->at[i].x);
  }
  free(curves->at);
  json_decref(curves->keys);
}
