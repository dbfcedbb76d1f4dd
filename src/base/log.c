#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct sac_log {
  pthread_mutex_t mutex;  // a line at a time, though runs side by side hand theirs on to one log
  FILE *file;             // NULL without a log file
  bool quiet;
  bool terminal;  // stderr is one, so a progress line may be drawn
  bool drawn;     // a progress line stands there now
  sac_log *to;    // gets every line too, with the label before it; or NULL
  const char *label;
};

sac_status sac_log_open(const char *path, bool quiet, sac_log **log, sac_error *err) {
  sac_log *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the log");
  pthread_mutex_init(&self->mutex, NULL);
  self->quiet = quiet;
  self->terminal = !quiet && isatty(STDERR_FILENO) && !getenv("CI");
  if (path && !(self->file = fopen(path, "ae"))) {
    pthread_mutex_destroy(&self->mutex);
    free(self);
    return sac_error_set(err, SAC_BAD_DISK, "%s: cannot be opened for appending: %s", path,
                         strerror(errno));
  }
  *log = self;
  return SAC_OK;
}

void sac_log_close(sac_log *log) {
  if (!log) return;
  if (log->drawn) fputc('\n', stderr);
  if (log->file) fclose(log->file);
  pthread_mutex_destroy(&log->mutex);
  free(log);
}

void sac_log_forward(sac_log *log, sac_log *to, const char *label) {
  log->to = to;
  log->label = label;
}

static void clear_progress(sac_log *log) {
  if (log->drawn) fputs("\r\033[K", stderr);
  log->drawn = false;
}

void sac_log_line(sac_log *log, const char *format, ...) {
  if (!log) return;
  char line[8192];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (log->to) sac_log_line(log->to, "%s%s", log->label, line);
  pthread_mutex_lock(&log->mutex);
  if (log->file) {
    fprintf(log->file, "%s\n", line);
    fflush(log->file);
  }
  if (!log->quiet) {
    clear_progress(log);
    fprintf(stderr, "%s\n", line);
  }
  pthread_mutex_unlock(&log->mutex);
}

// columns that a line may fill without wrapping
static int line_columns(void) {
  struct winsize size;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 79;
  return size.ws_col - 1;
}

void sac_log_progress(sac_log *log, const char *format, ...) {
  if (!log || (!log->terminal && !log->to)) return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (log->to) sac_log_progress(log->to, "%s%s", log->label, line);
  if (!log->terminal) return;
  pthread_mutex_lock(&log->mutex);
  clear_progress(log);
  // a line that wrapped could not be cleared
  fprintf(stderr, "%.*s", line_columns(), line);
  fflush(stderr);
  log->drawn = true;
  pthread_mutex_unlock(&log->mutex);
}
