// Log lines for people, on stderr and in the run's log file. Threads may share a log.
#pragma once

#include "base/status.h"

typedef struct sac_log sac_log;

/// Open a log; `path` NULL or a file to append to. `quiet` keeps it off stderr.
sac_status sac_log_open(const char *path, bool quiet, sac_log **log, sac_error *err);
void sac_log_close(sac_log *log);

/// Hand lines and progress on to `to` as well, with `label` (which must live as long) before them:
/// the log itself should be quiet then.
void sac_log_forward(sac_log *log, sac_log *to, const char *label);

/// One line; a NULL log is silent. Clears the progress line of a terminal first.
void sac_log_line(sac_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Redraw the progress line; does nothing unless stderr is a terminal.
void sac_log_progress(sac_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
