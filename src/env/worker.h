// Python processes that run environments: how they are started, spoken to and ended. A process
// serves several environments, each with a slot of the memory it shares with this one; it is woken
// once for all commands that were given to it meanwhile, and answers once.
#pragma once

#include "base/log.h"
#include "sac/env.h"

enum { SAC_WORKER_TEXT = 448, SAC_WORKER_FAILURE = 1024 };

/// The commands. All of one environment are done in their order.
typedef enum sac_worker_command {
  SAC_WORKER_OPEN,   // make the environment anew
  SAC_WORKER_RESET,  // begin an episode from slot->seed
  SAC_WORKER_STEP    // one step with slot->action
} sac_worker_command;

/// Of a page and a slot, written by the process.
typedef enum sac_worker_status { SAC_WORKER_READY = 1, SAC_WORKER_BROKEN } sac_worker_status;

/// By which a process introduces itself. gym_worker.py knows the offsets of this struct and the
/// next.
typedef struct sac_worker_page {
  int32_t status;      // 0 while it starts
  int32_t exec_errno;  // why the Python could not be run
  int32_t obs_dim, act_dim;
  int32_t max_episode_steps;  // 0: none
  int32_t float32_obs;
  uint64_t slots_at, slot_bytes;  // where slots begin, read with the first command
  double low[SAC_ENV_ACTION_MAX], high[SAC_ENV_ACTION_MAX];  // (A)
  char text[SAC_WORKER_TEXT];                                // of SAC_WORKER_BROKEN
} sac_worker_page;

/// What one environment and its process tell each other.
typedef struct sac_worker_slot {
  uint64_t seed;
  double reward;
  int32_t status;  // of the last command
  int32_t terminated, truncated;
  int32_t unused[9];
  char text[SAC_WORKER_TEXT];        // of SAC_WORKER_BROKEN
  float action[SAC_ENV_ACTION_MAX];  // (A)
  double obs[];                      // (S)
} sac_worker_slot;

typedef struct sac_workers_options {
  const char *python;  // a path, or a name to be found on PATH
  const char *name;    // of the environment, [MODULE:]NAME
  const char *kwargs;  // a JSON object
  int count;           // processes at most: one is started with its first environment
  int slots;           // environments at most
  double timeout_s;    // for one answer; starting a process and making environments has its own
  bool respawn;        // a process that failed is started anew
} sac_workers_options;

typedef struct sac_workers sac_workers;

/// Start the first process and hear what its environment is like. SAC_BAD_ENV when it cannot be
/// run or says no, with its own words; SAC_FAILED when memory or descriptors do not do.
sac_status sac_workers_open(const sac_workers_options *options, sac_workers **workers,
                            sac_error *err);
/// Ask the processes to end, and end them where they do not within two seconds.
void sac_workers_close(sac_workers *workers);

/// Where sac_workers_note writes its lines; NULL, as at first: to stderr. `log` must outlive them.
void sac_workers_log(sac_workers *workers, sac_log *log);

/// Tell people what went wrong and was mended.
void sac_workers_note(const sac_workers *workers, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// What the first process said.
const sac_worker_page *sac_workers_page(const sac_workers *workers);

/// Take a slot that is free; its process is started if need be, not waited for. Slot i belongs to
/// process i % count. Taking and giving is for one thread at a time, as is sac_workers_send.
sac_status sac_workers_take(sac_workers *workers, int *slot, sac_error *err);
void sac_workers_give(sac_workers *workers, int slot);

/// Valid while `workers` is.
sac_worker_slot *sac_workers_slot(const sac_workers *workers, int slot);

/// Which life the slot's process is in: from 1 on, one more each time it is started anew. What an
/// environment was in an earlier one is lost.
uint64_t sac_workers_life(sac_workers *workers, int slot);

/// Leave a command for the slot's process, if it still lives the life `life`. Nobody is woken
/// before the next sac_workers_wake, or sac_workers_wait for any slot.
void sac_workers_send(sac_workers *workers, int slot, uint64_t life, sac_worker_command command);

/// Wake every process that was sent something.
void sac_workers_wake(sac_workers *workers);

/// Wake every process that was sent something, and wait until that of `slot` has done all of it.
/// False when it did not survive, or lives another life than `life`.
bool sac_workers_wait(sac_workers *workers, int slot, uint64_t life);

/// Is the slot's process gone for good? Then `text` (SAC_WORKER_FAILURE bytes) becomes why.
bool sac_workers_failed(sac_workers *workers, int slot, char *text);
