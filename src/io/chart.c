// The script goes to gnuplot's standard input, the picture comes from its standard output: no path
// and no shell takes part.
#include "io/chart.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/files.h"
#include "io/child.h"

// Okabe and Ito's colours, told apart by every eye
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#000000", "#999999"};
enum { COLOURS = sizeof colours / sizeof *colours };

static bool ends_with(const char *path, const char *ending) {
  size_t length = strlen(path), n = strlen(ending);
  return length > n && strcasecmp(path + length - n, ending) == 0;
}

sac_status sac_chart_check(const char *path, sac_error *err) {
  if (ends_with(path, ".svg") || ends_with(path, ".png")) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "%s: a plot's name must end in .svg or .png", path);
}

// a text in single quotes, where only the quote itself is special
static void write_text(FILE *out, const char *text) {
  fputc('\'', out);
  for (; text && *text; text++) {
    if (*text == '\'') fputc('\'', out);
    fputc(iscntrl((unsigned char)*text) ? ' ' : *text, out);
  }
  fputc('\'', out);
}

static void write_setting(FILE *out, const char *name, const char *text, const char *options) {
  fprintf(out, "set %s ", name);
  write_text(out, text);
  fprintf(out, "%s\n", options);
}

static void write_number(FILE *out, double number, char after) {
  if (isfinite(number))
    fprintf(out, "%.17g%c", number, after);
  else
    fprintf(out, "NaN%c", after);
}

// the data block $dI
static void write_data(FILE *out, const sac_series *series, int i) {
  fprintf(out, "$d%d << E\n", i);
  for (int j = 0; j < series->count; j++) {
    write_number(out, series->x ? series->x[j] : j, ' ');
    write_number(out, series->y[j], ' ');
    write_number(out, series->low ? series->low[j] : NAN, ' ');
    write_number(out, series->high ? series->high[j] : NAN, '\n');
  }
  fprintf(out, "E\n");
}

static int count_bars(const sac_panel *panel, int before) {
  int count = 0;
  for (int i = 0; i < before; i++) count += panel->series[i].mark == SAC_MARK_BARS;
  return count;
}

static void write_band(FILE *out, const sac_series *series, int i) {
  if (series->low && series->high)
    fprintf(out,
            "$d%d using 1:3:4 with filledcurves fill transparent solid 0.2 noborder lc rgb '%s' "
            "notitle, ",
            i, colours[i % COLOURS]);
}

// bars of all series at one x share a width of 0.8
static void write_curve(FILE *out, const sac_panel *panel, int i) {
  const sac_series *series = &panel->series[i];
  int n_bars = count_bars(panel, panel->n_series);
  double width = 0.8 / (n_bars > 0 ? n_bars : 1);
  double shift = (count_bars(panel, i) - (n_bars - 1) / 2.0) * width;
  write_band(out, series, i);
  if (series->mark == SAC_MARK_BARS)
    fprintf(out, "$d%d using ($1+%.9g):2:(%.9g) with boxes", i, shift, 0.94 * width);
  else if (series->mark == SAC_MARK_POINTS)
    fprintf(out, "$d%d using 1:2 with points pt 7 ps 0.6", i);
  else if (series->mark == SAC_MARK_LINE_POINTS)
    fprintf(out, "$d%d using 1:2 with linespoints lw 2 pt 7 ps 0.6", i);
  else
    fprintf(out, "$d%d using 1:2 with lines lw 2", i);
  fprintf(out, " lc rgb '%s' ", colours[i % COLOURS]);
  fprintf(out, series->label ? "title " : "notitle");
  if (series->label) write_text(out, series->label);
  fprintf(out, i + 1 < panel->n_series ? ", " : "\n");
}

static void write_ticks(FILE *out, const sac_panel *panel) {
  fprintf(out, "set xtics norotate autofreq\nset autoscale\n");
  if (!panel->ticks) return;
  size_t letters = 0;
  for (int i = 0; i < panel->n_ticks; i++) letters += strlen(panel->ticks[i]) + 2;
  fprintf(out, "set xtics %s (", letters > 40 ? "rotate by -35" : "norotate");
  for (int i = 0; i < panel->n_ticks; i++) {
    if (i > 0) fprintf(out, ", ");
    write_text(out, panel->ticks[i]);
    fprintf(out, " %d", i);
  }
  fprintf(out, ")\nset xrange [-0.6:%.1f]\n", panel->n_ticks - 0.4);
}

// bars stand on zero, which must be seen
static void write_bar_range(FILE *out, const sac_panel *panel) {
  double low = 0, high = 0;
  for (int i = 0; i < panel->n_series; i++) {
    for (int j = 0; j < panel->series[i].count; j++) {
      double y = panel->series[i].y[j];
      if (!isfinite(y)) continue;
      low = fmin(low, y);
      high = fmax(high, y);
    }
  }
  double margin = high > low ? 0.06 * (high - low) : 1;
  fprintf(out, "set xzeroaxis lt -1 lw 0.5\nset yrange [%.9g:%.9g]\n", low < 0 ? low - margin : 0,
          high > 0 || low == 0 ? high + margin : 0);
}

// long names stand below one another: side by side they would be cut off
static void write_key(FILE *out, const sac_panel *panel) {
  size_t letters = 0;
  for (int i = 0; i < panel->n_series; i++) {
    const char *label = panel->series[i].label;
    if (label && strlen(label) > letters) letters = strlen(label);
  }
  fprintf(out, "set key maxcols %s\n", letters > 16 ? "1" : "auto");
}

static void write_panel(FILE *out, const sac_panel *panel) {
  write_setting(out, "title", panel->title, "");
  write_setting(out, "xlabel", panel->x_label, " offset 0,0.4");
  write_setting(out, "ylabel", panel->y_label, "");
  write_ticks(out, panel);
  write_key(out, panel);
  fprintf(out, "unset logscale\n");
  if (panel->log_x) fprintf(out, "set logscale x\n");
  if (panel->log_y) fprintf(out, "set logscale y\n");
  fprintf(out, "unset xzeroaxis\n");
  if (count_bars(panel, panel->n_series) > 0) write_bar_range(out, panel);
  for (int i = 0; i < panel->n_series; i++) write_data(out, &panel->series[i], i);
  fprintf(out, "plot ");
  for (int i = 0; i < panel->n_series; i++) write_curve(out, panel, i);
}

static void write_script(FILE *out, const sac_chart *plot, bool svg) {
  int columns = plot->columns < plot->n_panels ? plot->columns : plot->n_panels;
  fprintf(out, "set encoding utf8\nset terminal %s size %d,%d noenhanced font 'sans,%d' %s\n",
          svg ? "svg dynamic" : "pngcairo", plot->width, plot->height, svg ? 14 : 11,
          svg ? "background rgb 'white'" : "");
  fprintf(out,
          "set style fill solid 0.9 noborder\nset border 3\nset tics nomirror out\n"
          "set grid y lt -1 lc rgb '#dddddd'\n"
          "set key below center horizontal samplen 1.5 noautotitle\n");
  fprintf(out, "set multiplot layout %d,%d title ", (plot->n_panels + columns - 1) / columns,
          columns);
  write_text(out, plot->title);
  fputc('\n', out);
  for (int i = 0; i < plot->n_panels; i++) write_panel(out, &plot->panels[i]);
  fprintf(out, "unset multiplot\n");
}

static sac_status draw(const char *script, size_t size, const char *path, int output,
                       sac_error *err) {
  // -d: nothing of the user's own settings
  char *arguments[] = {"gnuplot", "-d", NULL};
  sac_child_options options = {.program = "gnuplot",
                               .arguments = arguments,
                               .output = output,
                               .purpose = "a plot",
                               .path = path,
                               .cure = "apt-get install gnuplot-nox"};
  sac_child *child;
  SAC_TRY(sac_child_start(&options, &child, err));
  sac_status status = sac_child_send(child, script, size, err);
  if (status == SAC_OK) return sac_child_close(child, err);
  sac_child_abandon(child);
  return status;
}

sac_status sac_chart_write(const sac_chart *plot, const char *path, sac_error *err) {
  char *script = NULL;
  size_t size = 0;
  sac_new_file file;
  SAC_TRY(sac_chart_check(path, err));
  SAC_TRY(sac_new_file_create(&file, path, err));
  FILE *out = open_memstream(&script, &size);
  if (out) write_script(out, plot, ends_with(path, ".svg"));
  bool written = out && fclose(out) == 0;
  sac_status status = written ? draw(script, size, path, file.fd, err)
                              : sac_error_set(err, SAC_FAILED, "%s: no memory for a plot", path);
  free(script);
  if (status == SAC_OK) return sac_new_file_commit(&file, err);
  sac_new_file_abandon(&file);
  return status;
}
