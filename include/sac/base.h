// Status codes, errors and the export mark: what every public header of sac builds on.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Marks a symbol that the shared library exports; all others are hidden.
#define SAC_API __attribute__((visibility("default")))

/// Outcome of a call that the world can make fail. The values are the exit codes of the program.
typedef enum sac_status {
  SAC_OK = 0,              ///< it worked
  SAC_FAILED = 1,          ///< failed for a reason none of the others names (memory, a device)
  SAC_BAD_CONFIG = 2,      ///< wrong usage or configuration; nothing was run, nothing written
  SAC_BAD_CHECKPOINT = 3,  ///< a checkpoint is missing, damaged or does not fit
  SAC_BAD_NUMBER = 4,      ///< NaN, infinity or an unstable simulation
  SAC_BAD_ENV = 5,         ///< an environment could not be opened or failed
  SAC_BAD_DISK = 6         ///< a file could not be written or read
} sac_status;

/// What went wrong. Filled by the call that fails; a caller may pass NULL where it does not care.
typedef struct sac_error {
  sac_status code;  ///< the status that the call returned
  char text[8192];  ///< one sentence, or one line per mistake of a configuration; no final newline
} sac_error;

#ifdef __cplusplus
}
#endif
