// The metrics of a run: rows of metrics.csv and metrics.jsonl, and the line on a terminal.
#pragma once

#include "algo/algorithm.h"
#include "base/log.h"
#include "sac/sac.h"
#include "train/progress.h"

typedef struct sac_metrics sac_metrics;

/// One row. NaN stands for a column without a value.
typedef struct sac_metrics_row {
  double eval_return_mean;
  sac_loss_values loss;
} sac_metrics_row;

/// Open the files of a run folder. After a resume, rows past `progress->timesteps` are cut first.
sac_status sac_metrics_open(const char *folder, const sac_config *cfg, const sac_progress *progress,
                            const sac_listener *listener, sac_log *log, sac_metrics **metrics,
                            sac_error *err);
void sac_metrics_close(sac_metrics *metrics);

/// Append a row, and tell the listener.
sac_status sac_metrics_write(sac_metrics *metrics, const sac_progress *progress,
                             const sac_metrics_row *row, sac_error *err);

/// Redraw the progress line, a few times a second at most.
void sac_metrics_progress(sac_metrics *metrics, const sac_progress *progress);

/// Seconds of training so far, those before a resume included.
double sac_metrics_wall_s(const sac_metrics *metrics);
