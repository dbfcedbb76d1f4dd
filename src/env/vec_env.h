// Many instances of one environment stepped at once: what training acts on. Episodes restart by
// themselves; results do not depend on the number of threads.
#pragma once

#include "backend/backend.h"
#include "base/threads.h"
#include "env/environment.h"

typedef struct sac_vec_env sac_vec_env;

typedef struct sac_vec_env_options {
  const sac_config *cfg;  ///< env: id, n_envs, kwargs, frame_skip, max_episode_steps
  uint64_t seed;          ///< of the run: episode e of environment i is a function of (seed, i, e)
  bool squash;            ///< actions come in (-1, 1) (see sac_task_open)
  sac_threads *threads;   ///< borrowed
  /// Where the environments live, and with them all rows below; NULL: in host memory. One whose
  /// table has no env_step, and a task that is not in env/formula.h, are SAC_BAD_CONFIG.
  sac_backend *backend;
} sac_vec_env_options;

/// One transition a row, `ld` values apart: (E rows) written in place. In a backend's memory they
/// are whole rows of the replay: ld its width, and what follows lies in its order.
typedef struct sac_transitions {
  sac_real *obs;         ///< (E, S) written: what was acted on; may be NULL
  sac_real *action;      ///< (E, A) canonical: read or, with `uniform`, drawn
  sac_real *reward;      ///< (E) written, unscaled
  sac_real *terminated;  ///< (E) written: 1 where the task ended, else 0
  sac_real *next_obs;    ///< (E, S) written: what followed, before any restart
  sac_real *begins;      ///< (E) written: 1 where an episode begins with this step; may be NULL
  int ld;
  bool uniform;   ///< actions are random, uniform within the task's uniform_low and uniform_high
  uint64_t step;  ///< of the vector environment, which they are a function of
  sac_real *truncated;  ///< (E) written: 1 where the episode was cut off, else 0; may be NULL
} sac_transitions;

/// How an episode ended. Valid where `terminated` or `truncated`; all zero elsewhere.
typedef struct sac_episode {
  bool terminated, truncated;
  double total_reward;
  int64_t length;  ///< steps of the agent
} sac_episode;

/// Fails as sac_task_open does; SAC_FAILED when the memory does not do.
sac_status sac_vec_env_create(const sac_vec_env_options *options, sac_vec_env **vec,
                              sac_error *err);
void sac_vec_env_destroy(sac_vec_env *vec);

/// What all environments share; single instances of it may be made beside these.
const sac_task *sac_vec_env_task(const sac_vec_env *vec);
int sac_vec_env_count(const sac_vec_env *vec);

/// sac_task_log of what all environments share.
void sac_vec_env_log(sac_vec_env *vec, sac_log *log);

/// Start an episode in every environment; `obs` (E rows of S, `ld` values apart) is what to act on.
/// SAC_BAD_NUMBER when a start state is not finite, SAC_BAD_ENV when an environment failed.
sac_status sac_vec_env_reset(sac_vec_env *vec, sac_real *obs, int ld, sac_error *err);

/// One step of every environment. `obs` is what to act on next, from a new episode where the last
/// one ended; `episodes` (E). SAC_BAD_NUMBER names environment, step, field and value, SAC_BAD_ENV
/// why one failed, for the lowest environment in trouble: the rows are then worthless and the
/// vector environment needs a reset or a load.
sac_status sac_vec_env_step(sac_vec_env *vec, const sac_transitions *rows, sac_real *obs, int ld,
                            sac_episode *episodes, sac_error *err);

/// One of several vector environments of a task that are stepped at once.
typedef struct sac_vec_env_turn {
  sac_vec_env *vec;
  const sac_transitions *rows;
  sac_real *obs;
  int ld;
  sac_episode *episodes;
  sac_status status;  ///< written, as sac_vec_env_step returns it
  sac_error *err;
} sac_vec_env_turn;

/// A step of each, as sac_vec_env_step makes it, on the threads of the first. Between the two calls
/// environments in processes of their own work by themselves; all others do in the second one.
void sac_vec_env_begin_all(sac_vec_env_turn *turns, int n);
void sac_vec_env_end_all(sac_vec_env_turn *turns, int n);

/// Bytes of one environment's state: engine, clock, random numbers, observation, episode counter.
size_t sac_vec_env_state_bytes(const sac_vec_env *vec);

/// The state of all: `bytes` (E, state_bytes), the same wherever they live. A restored vector
/// environment goes on bit for bit, but for a task whose state cannot be saved: its environments
/// begin their episodes anew.
void sac_vec_env_save(const sac_vec_env *vec, uint8_t *bytes);
/// `obs` as in reset, the observations that were to be acted on.
void sac_vec_env_load(sac_vec_env *vec, const uint8_t *bytes, sac_real *obs, int ld);
