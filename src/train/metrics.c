#include "train/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/files.h"
#include "io/csv.h"

// metrics.csv has the first ones; the others are in metrics.jsonl where an algorithm has them
enum { CSV_COLUMNS = 13, COLUMNS = 15 };

static const char *const column_names[COLUMNS] = {
    "timesteps",        "updates", "wall_s",        "return_mean",           "length_mean",
    "eval_return_mean", "q_loss",  "v_loss",        "policy_loss",           "ent_coef",
    "entropy",          "fps",     "updates_per_s", "effective_sample_size", "acceptance_rate"};

struct sac_metrics {
  FILE *csv, *jsonl;
  sac_listener listener;
  sac_log *log;
  uint64_t total_timesteps;
  double wall_before_s, start_s;  // wall time before this process began training, clock when it did
  // where the last row, and the last progress line, stood
  double row_s, drawn_s;
  uint64_t row_timesteps, row_updates, drawn_timesteps, drawn_updates;
};

double sac_metrics_wall_s(const sac_metrics *metrics) {
  return metrics->wall_before_s + sac_clock_s() - metrics->start_s;
}

static sac_status open_rows(const char *folder, const char *name, FILE **file, sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(path, folder, name, err));
  *file = fopen(path, "ae");
  if (*file) return SAC_OK;
  return sac_error_set(err, SAC_BAD_DISK, "%s: cannot be opened for appending: %s", path,
                       strerror(errno));
}

static sac_status write_header(FILE *csv, sac_error *err) {
  for (int i = 0; i < CSV_COLUMNS; i++) fprintf(csv, "%s%s", i > 0 ? "," : "", column_names[i]);
  fputc('\n', csv);
  if (fflush(csv) == 0) return SAC_OK;
  return sac_error_set(err, SAC_BAD_DISK, "metrics.csv: cannot be written: %s", strerror(errno));
}

static sac_status open_files(sac_metrics *self, const char *folder, const sac_config *cfg,
                             const sac_progress *progress, sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(path, folder, "metrics.csv", err));
  if (sac_path_exists(path))
    SAC_TRY(sac_csv_cut(path, progress->timesteps, &self->wall_before_s, err));
  if (cfg->log.csv) {
    SAC_TRY(open_rows(folder, "metrics.csv", &self->csv, err));
    bool is_empty = fseek(self->csv, 0, SEEK_END) == 0 && ftell(self->csv) == 0;
    if (is_empty) SAC_TRY(write_header(self->csv, err));
  }
  SAC_TRY(sac_path_join(path, folder, "metrics.jsonl", err));
  if (sac_path_exists(path)) SAC_TRY(sac_jsonl_cut(path, progress->timesteps, err));
  return open_rows(folder, "metrics.jsonl", &self->jsonl, err);
}

sac_status sac_metrics_open(const char *folder, const sac_config *cfg, const sac_progress *progress,
                            const sac_listener *listener, sac_log *log, sac_metrics **metrics,
                            sac_error *err) {
  sac_metrics *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the metrics");
  if (listener) self->listener = *listener;
  self->log = log;
  self->total_timesteps = (uint64_t)cfg->algorithm.total_timesteps;
  sac_status status = open_files(self, folder, cfg, progress, err);
  if (status != SAC_OK) {
    sac_metrics_close(self);
    return status;
  }
  self->start_s = self->row_s = self->drawn_s = sac_clock_s();
  self->row_timesteps = self->drawn_timesteps = progress->timesteps;
  self->row_updates = self->drawn_updates = progress->updates;
  *metrics = self;
  return SAC_OK;
}

void sac_metrics_close(sac_metrics *metrics) {
  if (!metrics) return;
  if (metrics->csv) fclose(metrics->csv);
  if (metrics->jsonl) fclose(metrics->jsonl);
  free(metrics);
}

static double per_second(uint64_t from, uint64_t to, double seconds) {
  return seconds > 0 ? (double)(to - from) / seconds : NAN;
}

static void fill_values(const sac_metrics *self, const sac_progress *progress,
                        const sac_metrics_row *row, double values[COLUMNS]) {
  double seconds = sac_clock_s() - self->row_s;
  const double all[COLUMNS] = {(double)progress->timesteps,
                               (double)progress->updates,
                               sac_metrics_wall_s(self),
                               sac_progress_return(progress, SAC_EPISODE_WINDOW),
                               sac_progress_length(progress, SAC_EPISODE_WINDOW),
                               row->eval_return_mean,
                               row->loss.q,
                               row->loss.v,
                               row->loss.policy,
                               row->loss.ent_coef,
                               row->loss.entropy,
                               per_second(self->row_timesteps, progress->timesteps, seconds),
                               per_second(self->row_updates, progress->updates, seconds),
                               row->loss.sample_size,
                               row->loss.acceptance};
  memcpy(values, all, sizeof all);
}

static void print_row(FILE *csv, const double values[COLUMNS]) {
  for (int i = 0; i < CSV_COLUMNS; i++) {
    if (i > 0) fputc(',', csv);
    if (isfinite(values[i])) fprintf(csv, i < 2 ? "%.0f" : "%.9g", values[i]);
  }
  fputc('\n', csv);
}

static char *row_as_json(const double values[COLUMNS]) {
  json_t *object = json_object();
  for (int i = 0; i < COLUMNS; i++) {
    if (i >= CSV_COLUMNS && !isfinite(values[i])) continue;
    json_t *value = i < 2 ? json_integer((json_int_t)values[i]) : json_real(values[i]);
    json_object_set_new(object, column_names[i], value ? value : json_null());
  }
  char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
  json_decref(object);
  return text;
}

static void tell_listener(const sac_metrics *self, const char *json) {
  if (!self->listener.event) return;
  // the same object with its kind in front
  char line[1024];
  snprintf(line, sizeof line, "{\"event\":\"metrics\",%s", json + 1);
  self->listener.event(self->listener.context, line);
}

sac_status sac_metrics_write(sac_metrics *metrics, const sac_progress *progress,
                             const sac_metrics_row *row, sac_error *err) {
  double values[COLUMNS];
  fill_values(metrics, progress, row, values);
  metrics->row_s = sac_clock_s();
  metrics->row_timesteps = progress->timesteps;
  metrics->row_updates = progress->updates;
  char *json = row_as_json(values);
  if (!json) return sac_error_set(err, SAC_FAILED, "no memory for a row of metrics");
  bool written = fprintf(metrics->jsonl, "%s\n", json) > 0 && fflush(metrics->jsonl) == 0;
  if (metrics->csv) print_row(metrics->csv, values);
  if (metrics->csv) written = written && fflush(metrics->csv) == 0;
  int reason = errno;
  tell_listener(metrics, json);
  free(json);
  if (written) return SAC_OK;
  clearerr(metrics->jsonl);
  if (metrics->csv) clearerr(metrics->csv);
  return sac_error_set(err, SAC_BAD_DISK, "the metrics cannot be written: %s", strerror(reason));
}

static void format_duration(double seconds, char text[32]) {
  if (!isfinite(seconds) || seconds > 1e8) seconds = 0;
  int total = (int)seconds;
  if (total >= 3600) {
    snprintf(text, 32, "%dh%02dm", total / 3600, total / 60 % 60);
  } else {
    snprintf(text, 32, "%dm%02ds", total / 60, total % 60);
  }
}

void sac_metrics_progress(sac_metrics *metrics, const sac_progress *progress) {
  double now = sac_clock_s(), seconds = now - metrics->drawn_s;
  if (seconds < 0.25) return;
  double fps = per_second(metrics->drawn_timesteps, progress->timesteps, seconds);
  double updates_per_s = per_second(metrics->drawn_updates, progress->updates, seconds);
  metrics->drawn_s = now;
  metrics->drawn_timesteps = progress->timesteps;
  metrics->drawn_updates = progress->updates;
  char left[32], mean[64] = "no episode ended yet";
  if (progress->episodes > 0)
    snprintf(mean, sizeof mean, "return %.1f", sac_progress_return(progress, SAC_EPISODE_WINDOW));
  double todo = (double)metrics->total_timesteps - (double)progress->timesteps;
  format_duration(todo / fps, left);
  sac_log_progress(metrics->log, "%llu of %llu steps  %s  %.0f steps/s  %.0f updates/s  %s left",
                   (unsigned long long)progress->timesteps,
                   (unsigned long long)metrics->total_timesteps, mean, fps, updates_per_s, left);
}
