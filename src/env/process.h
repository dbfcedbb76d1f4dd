// A Python process that runs gym_worker.py: started, listened to and ended.
#pragma once

#include <sys/types.h>

#include "base/status.h"

enum { SAC_PROCESS_LINE = 256 };

typedef struct sac_process_options {
  const char *python;        // a path, or a name to be found on PATH
  const char *arguments[3];  // of the program
  int memory;                // descriptor that it finds as 3
  int32_t *exec_errno;       // in shared memory: why the Python could not be run
} sac_process_options;

/// All zero: there is none.
typedef struct sac_process {
  pid_t id;
  int socket;                        // its descriptor 4
  int printed;                       // what it prints
  char line[SAC_PROCESS_LINE];       // the line it is in
  char last_line[SAC_PROCESS_LINE];  // the last one that was not empty
  size_t length;                     // of `line`
} sac_process;

/// SAC_FAILED when the system has no more processes or descriptors. That the Python cannot be run
/// shows later, as the end of the process.
sac_status sac_process_start(const sac_process_options *options, sac_process *process,
                             sac_error *err);

/// Wait at most `limit_ms` for an answer on the socket, or its end; what is printed meanwhile goes
/// to stderr. False when there was none.
bool sac_process_listen(sac_process *process, int limit_ms);

/// Did it end?
bool sac_process_is_gone(sac_process *process);

/// Give it `limit_s` to end, then kill it; no process of that number is left. `how` (of `size`
/// bytes, may be NULL) is "exited with status 1" or "was killed by signal 9 (Killed)". Its last
/// line stays. Does nothing where there is none.
void sac_process_end(sac_process *process, double limit_s, char *how, size_t size);
