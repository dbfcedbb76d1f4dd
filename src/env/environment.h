// One instance of an opened environment with the agent's clock: frame skip, time limit, running
// return, and the watch over every number that goes in or comes out.
#pragma once

#include "env/task.h"

/// The index of a field that is one value.
#define SAC_NO_INDEX (-1)

/// What broke: a number that is not finite, the simulation, or what runs it. All zero: nothing did.
typedef struct sac_trouble {
  const char *field;  // "observation", "reward" or "action"; NULL with a fault or with nothing
  int index;          // of the value within its field
  double value;
  const char *fault;  // a sentence
  bool failed;        // the fault is no number's: the environment itself could not go on
} sac_trouble;

/// Version of the MuJoCo library that runs. Numbers agree to the last bit only within one version.
const char *sac_environment_engine(void);

/// One instance. Made by create; fields are to be read only.
typedef struct sac_environment {
  const sac_task *task;
  void *instance;       // what def->create made, or state_bytes plain bytes
  double *obs;          // (S, and what view.h keeps) the observation to act on, or the last of an
                        // episode that ended
  int64_t step;         // steps of the agent taken in this episode
  double total_reward;  // their rewards
  uint64_t seed;        // that this episode began from
  sac_trouble trouble;  // of the last reset or step; the state is lost with it
  double *scratch;      // state_bytes, aligned for an environment to save itself into
} sac_environment;

/// What a step gives besides the observation. Both may be set: terminated decides whether the next
/// state's value counts.
typedef struct sac_outcome {
  double reward;    // unscaled, summed over skipped frames
  bool terminated;  // the task ended
  bool truncated;   // the time limit was reached (it counts steps of the agent), or the
                    // environment cut the episode off
} sac_outcome;

/// `task` must outlive the instance, which needs a reset (or a load) before its first step.
sac_status sac_environment_create(const sac_task *task, sac_environment *environment,
                                  sac_error *err);
/// Accepts an instance that was zeroed and never created.
void sac_environment_destroy(sac_environment *environment);

/// Start an episode: Gymnasium's `reset(seed=seed)` where there is such a task.
void sac_environment_reset(sac_environment *environment, uint64_t seed);

/// Begin the step that the next call of sac_environment_step, with the same action, ends: what runs
/// elsewhere works meanwhile. Does nothing where the task has nothing to begin.
void sac_environment_send(sac_environment *environment, const sac_real *action);

/// The same of a reset.
void sac_environment_send_reset(sac_environment *environment, uint64_t seed);

/// One step of the agent with a canonical action (A): the task is stepped `frame_skip` times, fewer
/// when the episode ends. An action that is not finite is not taken. Look at `trouble` (or call
/// check) before anything else is used.
void sac_environment_step(sac_environment *environment, const sac_real *action,
                          sac_outcome *outcome);

/// SAC_OK; SAC_BAD_NUMBER naming `who` (such as "environment 3"), step, field, index and value; or
/// SAC_BAD_ENV naming `who` and why it could not go on.
sac_status sac_environment_check(const sac_environment *environment, const char *who,
                                 sac_error *err);

/// The observation as network input: `out` (S).
void sac_environment_observe(const sac_environment *environment, sac_real *out);

/// Its present state as a picture: SAC_BAD_CONFIG when there are none of this task, else as `draw`
/// of its definition fails.
sac_status sac_environment_draw(const sac_environment *environment, sac_picture *picture,
                                sac_error *err);

/// Everything the next step depends on, as flat bytes of any alignment; the same size for all
/// instances of a task, a multiple of eight. Of a task whose state cannot be saved (see
/// sac_task_restarts) they hold the seed, and loading is a reset.
size_t sac_environment_bytes(const sac_task *task);
void sac_environment_save(const sac_environment *environment, uint8_t *bytes);
void sac_environment_load(sac_environment *environment, const uint8_t *bytes);
