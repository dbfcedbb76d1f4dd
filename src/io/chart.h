// Pictures of numbers: panels of lines with bands, points and bars, drawn by gnuplot (a child
// process) as SVG or PNG.
#pragma once

#include "base/status.h"

typedef enum sac_mark {
  SAC_MARK_LINE,
  SAC_MARK_POINTS,
  SAC_MARK_LINE_POINTS,
  SAC_MARK_BARS
} sac_mark;

/// One line, cloud of points or row of bars. Values that are not finite leave a gap.
typedef struct sac_series {
  const char *label;  // in the legend, or NULL
  sac_mark mark;
  int count;
  const double *x;           // (count), or NULL for 0, 1, 2, ...
  const double *y;           // (count)
  const double *low, *high;  // (count) a band, or both NULL
} sac_series;

/// Axes and what is drawn in them. Texts may hold any character; NULL is none.
typedef struct sac_panel {
  const char *title, *x_label, *y_label;
  const char *const *ticks;  // (n_ticks) names of x = 0, 1, 2, ..., or NULL for numbers
  int n_ticks;
  int n_series;
  const sac_series *series;  // (n_series); bars of several stand side by side
  bool log_x, log_y;         // logarithmic axes
} sac_panel;

typedef struct sac_chart {
  const char *title;
  int width, height;  // in pixels
  int columns;        // panels in a row
  int n_panels;
  const sac_panel *panels;  // (n_panels)
} sac_chart;

/// Whether `path` names a kind of picture that can be drawn, .svg or .png: SAC_BAD_CONFIG else.
sac_status sac_chart_check(const char *path, sac_error *err);

/// Draw it into `path`, wholly or not at all. SAC_FAILED says what to install; SAC_BAD_DISK.
sac_status sac_chart_write(const sac_chart *plot, const char *path, sac_error *err);
