// The definition of an environment: the one struct through which native tasks, plug-ins and workers
// come in.
#pragma once

#include "sac/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Version of `sac_env_def`; a definition states the one it was compiled against.
#define SAC_ENV_VERSION 1

/// Most values that one keyword argument may hold.
#define SAC_ENV_KEYWORD_MAX 32

/// Most values of an action.
#define SAC_ENV_ACTION_MAX 64

/// Kinds of keyword arguments (`env.kwargs` in a configuration).
typedef enum sac_env_keyword_kind {
  SAC_ENV_NUMBER,  ///< one number
  SAC_ENV_WHOLE,   ///< one whole number
  SAC_ENV_FLAG,    ///< true or false, held as 1 or 0
  SAC_ENV_NUMBERS  ///< a list of numbers; its length may differ from the default's
} sac_env_keyword_kind;

/// One keyword argument of an environment and its default.
typedef struct sac_env_keyword {
  const char *name;                   ///< Gymnasium's own name where there is one
  sac_env_keyword_kind kind;          ///< what it holds
  int count;                          ///< values in use (1 unless kind is SAC_ENV_NUMBERS)
  double value[SAC_ENV_KEYWORD_MAX];  ///< the default, or the user's value once resolved
  double low, high;                   ///< every value lies in [low, high]
  const char *help;                   ///< one sentence for the configuration reference
  const char
      *where;  ///< once resolved: how an error names it ("FILE:LINE:COLUMN: env.kwargs.NAME")
} sac_env_keyword;

/// What an environment opened with given keyword arguments looks like.
typedef struct sac_env_spec {
  int obs_dim;            ///< S: width of the full observation, which the critics see
  int actor_obs_dim;      ///< the policy sees the first so many values of it; 0 means all of them
  int act_dim;            ///< A
  int max_episode_steps;  ///< time limit in steps; 0 means none. Kept by the vector environment
  bool float32_obs;       ///< observations are float32 values (traces then store them as such)
  int state_dim;          ///< length of the vector that `set_state` takes
  int qpos_dim;           ///< the first so many of it are positions (`qpos`); 0: not a MuJoCo task
  size_t state_bytes;  ///< size of the saved state (and of the state itself where `create` is NULL)
  double frame_rate;   ///< steps in a second of the task's own time; 0: it keeps no time
  double action_low[SAC_ENV_ACTION_MAX];   ///< (A) bounds of its own action; may be infinite
  double action_high[SAC_ENV_ACTION_MAX];  ///< (A)
} sac_env_spec;

/// What one step gives besides the observation.
typedef struct sac_env_result {
  double reward;      ///< unscaled
  bool terminated;    ///< a true end of the task; time limits are not the environment's business
  bool truncated;     ///< the episode was cut off by the environment itself: it ends, not the task
  const char *fault;  ///< NULL, or a constant sentence: the simulation broke (numeric failure)
} sac_env_result;

/// A picture to draw into, and what drawing keeps between two pictures. Used by one thread.
typedef struct sac_picture {
  int width, height;  ///< pixels
  uint8_t *rgb;       ///< (height, width, 3) from the top left; the caller's memory
  void *context;      ///< NULL before the first picture; kept by `draw` from then on
  /// Frees `context`: called at the end by the picture's owner. NULL: there is nothing to free.
  void (*release)(void *context);
} sac_picture;

/// An environment. `shared` below is what `open` made: read-only once made, one for all instances.
/// `env` is one instance: where `create` is NULL it is `spec.state_bytes` plain bytes, which may be
/// copied to save and load and which `reset`, `set_state` or a copy fills before the first step;
/// otherwise it is whatever `create` returned. Instances are used by one thread at a time,
/// different ones by different threads at once.
typedef struct sac_env_def {
  uint32_t version;                 ///< SAC_ENV_VERSION
  const char *id;                   ///< the name in `env.id`
  const char *help;                 ///< one sentence for the configuration reference
  const sac_env_keyword *keywords;  ///< accepted keyword arguments with their defaults
  int n_keywords;                   ///< how many
  /// Open the environment for resolved keywords (`n_keywords` of them, in the order above): fill
  /// the zeroed `spec` and make what its instances share (parameters, a loaded model).
  sac_status (*open)(const sac_env_keyword *keywords, sac_env_spec *spec, void **shared,
                     sac_error *err);
  /// Free what `open` made.
  void (*close)(void *shared);
  /// Make an instance that is more than plain bytes; NULL when there is no such need.
  sac_status (*create)(const void *shared, void **env, sac_error *err);
  /// Free what `create` made; NULL where `create` is.
  void (*destroy)(void *env);
  /// Start an episode from the start state that `seed` determines: Gymnasium's `reset(seed=seed)`
  /// where there is such a task. Writes the observation (S).
  void (*reset)(const void *shared, void *env, uint64_t seed, double *obs);
  /// Begin a step with this action and return at once: the next `step`, with the same action,
  /// collects it. NULL where `step` does all.
  void (*send)(const void *shared, void *env, const float *action);
  /// The same of a reset; NULL where `send` is.
  void (*send_reset)(const void *shared, void *env, uint64_t seed);
  /// One step with an action (A) in the environment's own range; writes the observation (S).
  void (*step)(const void *shared, void *env, const float *action, double *obs,
               sac_env_result *result);
  /// Why the last reset or step could not be done at all (a process died, a program raised): NULL
  /// when it was, else a sentence that stands until the next call, and the run ends with
  /// SAC_BAD_ENV. It is asked after every reset and step. NULL where nothing of the kind can
  /// happen.
  const char *(*failure)(const void *shared, const void *env);
  /// The engine's part of a step alone, without observation and reward: what `sac bench rollout`
  /// measures beside whole steps. NULL where there is no engine.
  void (*engine)(const void *shared, void *env, const float *action);
  /// Put the task into `state` (state_dim), as if an episode had started there; writes the
  /// observation. NULL where state_dim is 0.
  void (*set_state)(const void *shared, void *env, const double *state, double *obs);
  /// Copy everything the next step depends on to or from `state_bytes` bytes; NULL where `create`
  /// is. NULL beside `create`, with `state_bytes` 0: the state cannot be saved, and an instance
  /// that is restored begins its episode anew, from the same seed.
  void (*save)(const void *shared, const void *env, void *bytes);
  void (*load)(const void *shared, void *env, const void *bytes);
  /// Draw the present state, all pixels of it, and change nothing. A picture serves the
  /// instances of one opened environment. SAC_FAILED, with the cure, where this machine cannot.
  /// NULL: there are no pictures of this environment.
  sac_status (*draw)(const void *shared, const void *env, sac_picture *picture, sac_error *err);
} sac_env_def;

/// A plug-in is a shared library that defines this; `env.plugin` names its file, `env.id` its id:
///     SAC_API const sac_env_def sac_env_plugin = {.version = SAC_ENV_VERSION, ...};
/// It is compiled against this header alone and links nothing of sac: a function that fails fills
/// `err->text`, if `err` is not NULL, and returns the status.
extern SAC_API const sac_env_def sac_env_plugin;

#ifdef __cplusplus
}
#endif
