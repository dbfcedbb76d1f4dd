// Another program, found on PATH and run with an argument vector (no shell), that reads what we
// send.
#pragma once

#include "base/status.h"

typedef struct sac_child sac_child;

/// How a program is run. Texts must stay until `close` or `abandon`, the arguments during `start`.
typedef struct sac_child_options {
  const char *program;
  char *const *arguments;  // the first is the program again, the last one NULL
  int output;              // the file that its standard output goes to, or -1 for nowhere
  const char *purpose;     // what it makes, to begin "... needs PROGRAM": "a video"
  const char *path;        // the file it is about, for messages
  const char *cure;        // what to do where it is missing
} sac_child_options;

/// Start it. SAC_FAILED says what to install.
sac_status sac_child_start(const sac_child_options *options, sac_child **child, sac_error *err);

/// Send bytes to its standard input. SAC_FAILED when it has ended, with the last line that it said;
/// SAC_BAD_DISK when that was for want of space.
sac_status sac_child_send(sac_child *child, const void *bytes, size_t size, sac_error *err);

/// End its input and wait for it; `child` is gone in any case. Fails as `send` does.
sac_status sac_child_close(sac_child *child, sac_error *err);

/// Kill it. NULL is fine.
void sac_child_abandon(sac_child *child);
