// SIGINT and SIGTERM: the first asks the run to stop at its next step, the second ends the process
// at once.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static volatile sig_atomic_t caught;

static void handle(int signal_number) {
  if (caught != 0) _exit(128 + signal_number);
  caught = signal_number;
}

const volatile int *sac_signals_install(void) {
  struct sigaction action = {.sa_handler = handle};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  // a reader of stdout that went away is a failed write, not the end of a training run
  signal(SIGPIPE, SIG_IGN);
  return &caught;
}

const volatile int *sac_signals_caught(void) {
  return &caught;
}
