// `sac plot`: curves of runs and of benchmarks, as a picture and as numbers.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/curves.h"
#include "io/chart.h"

enum { PANELS_MAX = 8, KEYS_MAX = 4 };

// the quantities of one panel
typedef struct panel_keys {
  int count;
  const char *at[KEYS_MAX];
} panel_keys;

typedef struct drawing {
  const sac_arguments *arguments;
  sac_plot_statistic statistic;
  char names[PANELS_MAX][128], keys[1024];  // what --y names: whole panels, and cut into keys
  int n_panels;
  panel_keys y[PANELS_MAX];
  sac_curves curves[PANELS_MAX];
} drawing;

static const char *const statistics[] = {"mean", "median", "iqm"};

static sac_status choose_statistic(const char *word, sac_plot_statistic *out, sac_error *err) {
  for (int i = 0; i < 3; i++)
    if (!word || !strcmp(word, statistics[i])) return *out = (sac_plot_statistic)i, SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "--statistic is '%s', must be mean, median or iqm",
                       word);
}

// a panel's keys are joined by plus signs
static sac_status cut_panel(drawing *self, char *text, sac_error *err) {
  panel_keys *y = &self->y[self->n_panels];
  if (self->n_panels == PANELS_MAX)
    return sac_error_set(err, SAC_BAD_CONFIG, "--y names more than %d panels", PANELS_MAX);
  snprintf(self->names[self->n_panels], sizeof self->names[0], "%s", text);
  char *rest;
  for (char *key = strtok_r(text, "+", &rest); key; key = strtok_r(NULL, "+", &rest)) {
    if (y->count == KEYS_MAX)
      return sac_error_set(err, SAC_BAD_CONFIG, "--y joins more than %d quantities", KEYS_MAX);
    y->at[y->count++] = key;
  }
  self->n_panels += y->count > 0;
  return SAC_OK;
}

static sac_status cut_keys(drawing *self, const char *keys, sac_error *err) {
  snprintf(self->keys, sizeof self->keys, "%s", keys ? keys : "eval_return_mean");
  char *rest;
  for (char *text = strtok_r(self->keys, ",", &rest); text; text = strtok_r(NULL, ",", &rest))
    SAC_TRY(cut_panel(self, text, err));
  if (self->n_panels > 0) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "--y names no quantity");
}

static const char *x_key(const drawing *self) {
  return self->arguments->x ? self->arguments->x : "timesteps";
}

// no row has a number under both keys
static sac_status refuse_keys(const drawing *self, const sac_curves *curves, const char *y,
                              sac_error *err) {
  enum { KNOWN_MAX = 64, SHOWN_MAX = 600 };
  const char *keys[KNOWN_MAX], *key;
  json_t *value;
  char shown[SHOWN_MAX] = "no number at all";
  int n_keys = 0, used = 0;
  json_object_foreach(curves->keys, key, value) {
    if (n_keys == KNOWN_MAX || used >= SHOWN_MAX) break;
    used += snprintf(shown + used, (size_t)(SHOWN_MAX - used), "%s%s", n_keys ? ", " : "", key);
    keys[n_keys++] = key;
  }
  const char *missing = json_object_get(curves->keys, x_key(self)) ? y : x_key(self);
  bool known = json_object_get(curves->keys, missing) != NULL;
  const char *nearest = known ? NULL : sac_nearest(missing, keys, n_keys);
  return sac_error_set(err, SAC_BAD_CONFIG, "%s: nothing has %s over %s; its lines have %s%s%s%s%s",
                       self->arguments->words[0], y, x_key(self), shown,
                       nearest ? "; nearest to " : "", nearest ? missing : "", nearest ? ": " : "",
                       nearest ? nearest : "");
}

static sac_status need_points(const drawing *self, int i_panel, sac_error *err) {
  const sac_curves *curves = &self->curves[i_panel];
  for (int i = 0; i < curves->count; i++)
    if (curves->at[i].n_points > 0) return SAC_OK;
  return refuse_keys(self, curves, self->names[i_panel], err);
}

static sac_status collect_key(drawing *self, int i_panel, const char *key, sac_error *err) {
  sac_curves *curves = &self->curves[i_panel];
  curves->query = (sac_curves_query){.x = x_key(self),
                                     .y = key,
                                     .by = self->arguments->by,
                                     .names_keys = self->y[i_panel].count > 1};
  for (int i = 0; i < self->arguments->n_words; i++)
    SAC_TRY(sac_curves_add(curves, self->arguments->words[i], err));
  return SAC_OK;
}

static sac_status collect(drawing *self, sac_error *err) {
  for (int p = 0; p < self->n_panels; p++) {
    for (int k = 0; k < self->y[p].count; k++) SAC_TRY(collect_key(self, p, self->y[p].at[k], err));
    SAC_TRY(sac_curves_sum_up(&self->curves[p], self->statistic, err));
    SAC_TRY(need_points(self, p, err));
  }
  return SAC_OK;
}

static bool has_several(const sac_curve *curve) {
  return curve->n_samples > curve->n_points;
}

static sac_status draw_panels(const drawing *self, sac_series *series, sac_error *err) {
  const char *log = self->arguments->log ? self->arguments->log : "";
  sac_panel panels[PANELS_MAX];
  for (int p = 0; p < self->n_panels; p++) {
    const sac_curves *curves = &self->curves[p];
    panels[p] = (sac_panel){.x_label = x_key(self),
                            .y_label = self->names[p],
                            .log_x = strchr(log, 'x') != NULL,
                            .log_y = strchr(log, 'y') != NULL,
                            .n_series = curves->count,
                            .series = series};
    for (int i = 0; i < curves->count; i++) {
      const sac_curve *curve = &curves->at[i];
      *series++ = (sac_series){.label = curve->label,
                               .mark = self->arguments->by ? SAC_MARK_LINE_POINTS : SAC_MARK_LINE,
                               .count = curve->n_points,
                               .x = curve->x,
                               .y = curve->y,
                               .low = has_several(curve) ? curve->low : NULL,
                               .high = has_several(curve) ? curve->high : NULL};
    }
  }
  sac_chart plot = {.width = self->n_panels > 1 ? 1200 : 800,
                    .height = 480 * ((self->n_panels + 1) / 2),
                    .columns = 2,
                    .n_panels = self->n_panels,
                    .panels = panels};
  return sac_chart_write(&plot, self->arguments->out, err);
}

static sac_status draw(const drawing *self, sac_error *err) {
  size_t count = 0;
  for (int p = 0; p < self->n_panels; p++) count += (size_t)self->curves[p].count;
  sac_series *series = calloc(count, sizeof *series);
  if (!series) return sac_error_set(err, SAC_FAILED, "no memory for a plot");
  sac_status status = draw_panels(self, series, err);
  free(series);
  return status;
}

static sac_status print_curve(const drawing *self, const sac_curve *curve, sac_error *err) {
  if (curve->n_points == 0) return SAC_OK;
  double x = curve->x[curve->n_points - 1];
  if (self->arguments->json)
    return sac_print_json(json_pack("{s:s, s:s, s:s, s:s, s:f, s:o}", "event", "curve", "curve",
                                    curve->label, "y", curve->key, "x_key", x_key(self), "x", x,
                                    "aggregate", sac_aggregate_as_json(&curve->last)),
                          err);
  printf("%s, %s at %s %g", curve->label, curve->key, x_key(self), x);
  if (curve->last.n == 1) {
    printf(": %.6g\n", curve->last.mean.value);
  } else {
    printf(", %d values:\n", curve->last.n);
    sac_aggregate_print(&curve->last);
  }
  return SAC_OK;
}

static sac_status print_curves(const drawing *self, sac_error *err) {
  for (int p = 0; p < self->n_panels; p++)
    for (int i = 0; i < self->curves[p].count; i++)
      SAC_TRY(print_curve(self, &self->curves[p].at[i], err));
  if (!self->arguments->out) return SAC_OK;
  if (self->arguments->json)
    return sac_print_json(json_pack("{s:s, s:s}", "event", "plotted", "file", self->arguments->out),
                          err);
  printf("picture: %s\n", self->arguments->out);
  return SAC_OK;
}

static sac_status check(drawing *self, sac_error *err) {
  const sac_arguments *arguments = self->arguments;
  SAC_TRY(choose_statistic(arguments->statistic, &self->statistic, err));
  SAC_TRY(cut_keys(self, arguments->y, err));
  if (arguments->log && strcmp(arguments->log, "x") && strcmp(arguments->log, "y") &&
      strcmp(arguments->log, "xy"))
    return sac_error_set(err, SAC_BAD_CONFIG, "--log is '%s', must be x, y or xy", arguments->log);
  return arguments->out ? sac_chart_check(arguments->out, err) : SAC_OK;
}

sac_status sac_command_plot(const sac_arguments *arguments, sac_error *err) {
  drawing *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for a plot");
  self->arguments = arguments;
  sac_status status = check(self, err);
  if (status == SAC_OK) status = collect(self, err);
  if (status == SAC_OK && arguments->out) status = draw(self, err);
  if (status == SAC_OK) status = print_curves(self, err);
  for (int p = 0; p < PANELS_MAX; p++) sac_curves_release(&self->curves[p]);
  free(self);
  return status;
}
