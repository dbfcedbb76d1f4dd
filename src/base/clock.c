#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double read_clock(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double sac_clock_s(void) {
  return read_clock(CLOCK_MONOTONIC);
}

// field 22 of /proc/self/stat: when the process started, in ticks since boot
static double process_start_s(void) {
  char text[1024] = "";
  FILE *file = fopen("/proc/self/stat", "r");
  if (!file) return read_clock(CLOCK_BOOTTIME);
  size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = '\0';
  const char *at = strrchr(text, ')');
  unsigned long long ticks = 0;
  const char *format =
      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu";
  if (!at || sscanf(at + 1, format, &ticks) != 1) return read_clock(CLOCK_BOOTTIME);
  return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double sac_clock_process_s(void) {
  return read_clock(CLOCK_BOOTTIME) - process_start_s();
}
