// The MuJoCo engine under an environment: a model shared by all instances, the data of one.
#pragma once

#include <mujoco/mujoco.h>

#include "env/keyword.h"
#include "env/mujoco_picture.h"
#include "env/numpy_random.h"
#include "sac/env.h"

/// What a task's code takes for granted about its model.
typedef struct sac_mujoco_model {
  const char *xml;               // name of the asset file; with `text` only a name
  const char *text;              // the model itself, where sac brings its own; or NULL
  int nq, nv, nu;                // positions, velocities, controls
  void (*change)(mjSpec *spec);  // adds what the file does not have, before it is compiled; or NULL
  sac_mujoco_camera camera;      // where pictures are taken from
} sac_mujoco_model;

typedef struct sac_mujoco sac_mujoco;
typedef struct sac_mujoco_env sac_mujoco_env;

/// The shared part; a task's own starts with it.
struct sac_mujoco {
  mjModel *model;
  int frame_skip;  // engine steps in one step
  double dt;       // seconds in one step
  sac_mujoco_camera camera;
  bool needs_contacts;  // whether the task reads contact forces (cfrc_ext) after a step
  bool varies;          // every instance has a model of its own, which the task may change
  // writes the controls before each engine step; NULL: they are the action
  void (*drive)(const sac_mujoco *mujoco, sac_mujoco_env *env, const float *action);
};

/// One instance.
struct sac_mujoco_env {
  mjData *data;
  mjModel *own;  // a copy of the shared model where that varies, else NULL
  // m: where the next step starts from, by default the first two positions; kept here because what
  // the engine would say after a restore may lag behind
  double x_before, y_before;
};

/// Make the shared part, a copy of `task` (`size` bytes, a sac_mujoco at their head), load its
/// model and fill what that determines of `spec`: everything but `obs_dim` and `max_episode_steps`.
/// SAC_BAD_ENV when the file is missing, the engine refuses it or it holds another model.
sac_status sac_mujoco_open(const sac_mujoco_model *wanted, int frame_skip, const void *task,
                           size_t size, sac_env_spec *spec, void **shared, sac_error *err);

/// `close`, `create`, `destroy`, `save` and `load` of an environment with such a shared part.
void sac_mujoco_close(void *shared);
sac_status sac_mujoco_create(const void *shared, void **env, sac_error *err);
void sac_mujoco_destroy(void *env);
void sac_mujoco_save(const void *shared, const void *env, void *bytes);
void sac_mujoco_load(const void *shared, void *env, const void *bytes);

/// Positions of the model's start, each moved by U(-spread, spread): `qpos` (nq).
void sac_mujoco_draw_positions(const sac_mujoco *mujoco, sac_numpy_random *random, double spread,
                               double *qpos);
/// Velocities U(-spread, spread), or `normal`: spread * N(0, 1). `qvel` (nv).
void sac_mujoco_draw_velocities(const sac_mujoco *mujoco, sac_numpy_random *random, double spread,
                                bool normal, double *qvel);
/// Both from a seed, as most tasks draw them: `state` (nq + nv). Returns the generator, for what
/// else the task draws.
sac_numpy_random sac_mujoco_draw_start(const sac_mujoco *mujoco, uint64_t seed, double spread,
                                       bool normal, double *state);

/// Start from `state`: positions (nq), then velocities (nv).
void sac_mujoco_begin(const sac_mujoco *mujoco, sac_mujoco_env *env, const double *state);

/// The model that an instance is simulated with.
const mjModel *sac_mujoco_model_of(const sac_mujoco *mujoco, const sac_mujoco_env *env);

/// One step under a control (nu). Returns NULL, or the sentence for `fault`: the engine warned,
/// which mostly means that it silently put itself back to the start.
const char *sac_mujoco_advance(const sac_mujoco *mujoco, sac_mujoco_env *env, const float *action);

/// Speed over the last step, m/s, where it ended at `x_after`. Call it once after each step.
double sac_mujoco_x_speed(const sac_mujoco *mujoco, sac_mujoco_env *env, double x_after);
double sac_mujoco_y_speed(const sac_mujoco *mujoco, sac_mujoco_env *env, double y_after);

/// `engine` of an environment: the simulation of one step and nothing else.
void sac_mujoco_engine(const void *shared, void *env, const float *action);

/// Positions without the first `n_hidden`, then velocities clipped to +-`speed_limit`. Returns the
/// end of what was written.
double *sac_mujoco_observe(const sac_mujoco *mujoco, const mjData *data, int n_hidden,
                           double speed_limit, double *obs);

/// weight * sum of squares of the action (nu), in float32 as the reference computes it.
double sac_mujoco_control_cost(const sac_mujoco *mujoco, double weight, const float *action);

/// Sum of squares of the contact forces on all bodies (nbody, 6), each clipped to `range`.
double sac_mujoco_contacts(const sac_mujoco *mujoco, const mjData *data, sac_range range);

/// The number of the body `name`; SAC_BAD_ENV when the model has none.
sac_status sac_mujoco_find_body(const sac_mujoco *mujoco, const char *name, int *body,
                                sac_error *err);

/// Distance of two bodies; `difference` (3) is the way from `b` to `a`.
double sac_mujoco_distance(const mjData *data, int a, int b, double *difference);

// the keywords that many tasks share
#define SAC_MUJOCO_FRAME_SKIP(value) \
  SAC_KEYWORD_WHOLE("frame_skip", value, 1, 1000, "engine steps in one step")
#define SAC_MUJOCO_WEIGHT(name, value, help) \
  SAC_KEYWORD_NUMBER(name, value, -INFINITY, INFINITY, "weight of " help)
#define SAC_MUJOCO_NOISE(value) \
  SAC_KEYWORD_NUMBER("reset_noise_scale", value, 0, INFINITY, "spread of the start states")
#define SAC_MUJOCO_HEALTHY_REWARD(value) \
  SAC_KEYWORD_NUMBER("healthy_reward", value, -INFINITY, INFINITY, "reward of each step in health")
#define SAC_MUJOCO_TERMINATE \
  SAC_KEYWORD_FLAG("terminate_when_unhealthy", true, "end where health ends")
#define SAC_MUJOCO_EXCLUDE(what)                                       \
  SAC_KEYWORD_FLAG("exclude_current_positions_from_observation", true, \
                   "leave the " what " out of the observation")

/// The definition of a task whose file names its parts so.
#define SAC_MUJOCO_ENV(id_, open_, help_)                                                     \
  {                                                                                           \
    .version = SAC_ENV_VERSION, .id = id_, .help = help_ " (MuJoCo)", .keywords = keywords,   \
    .n_keywords = N_KEYWORDS, .open = open_, .close = sac_mujoco_close,                       \
    .create = sac_mujoco_create, .destroy = sac_mujoco_destroy, .reset = reset, .step = step, \
    .engine = sac_mujoco_engine, .set_state = set_state, .save = sac_mujoco_save,             \
    .load = sac_mujoco_load, .draw = sac_mujoco_draw                                          \
  }
