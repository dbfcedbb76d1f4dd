// The engine's C API, used in the order that the reference environments use it.
#include "env/mujoco.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "env/arithmetic.h"
#include "env/assets.h"
#include "env/geom_pairs.h"

enum { STATE = mjSTATE_INTEGRATION, FORCES_MAX = 128, KEPT = 2 };

// every warning is counted in mjData, where each step reads it
static void drop_warning(const char *text) {
  (void)text;
}

// a fatal error cannot be returned from: the engine is in no state to go on, on whatever thread
static void report_error(const char *text) {
  fprintf(stderr, "sac: MuJoCo failed: %s\n", text);
  _exit(SAC_BAD_ENV);
}

// the file or text with the task's changes; NULL with a reason. What an instance changes in a model
// of its own, pairs of geoms would not follow.
static mjModel *compile(const sac_mujoco_model *wanted, bool varies, const char *path, char *reason,
                        int size) {
  mjSpec *spec = wanted->text ? mj_parseXMLString(wanted->text, NULL, reason, size)
                              : mj_parseXML(path, NULL, reason, size);
  if (!spec) return NULL;
  if (wanted->change) wanted->change(spec);
  mjModel *model = varies ? mj_compile(spec, NULL) : sac_geom_pairs_compile(spec);
  if (!model) snprintf(reason, (size_t)size, "%s", mjs_getError(spec));
  mj_deleteSpec(spec);
  return model;
}

static sac_status load_model(const sac_mujoco_model *wanted, bool varies, mjModel **model,
                             sac_error *err) {
  char path[SAC_PATH_MAX], reason[1000] = "";
  if (wanted->text)
    snprintf(path, sizeof path, "%s", wanted->xml);
  else
    SAC_TRY(sac_asset_find(wanted->xml, path, err));
  mju_user_warning = drop_warning;
  mju_user_error = report_error;
  mjModel *found = *model = compile(wanted, varies, path, reason, sizeof reason);
  if (!found) return sac_error_set(err, SAC_BAD_ENV, "%s: %s", path, reason);
  found->vis.quality.shadowsize = 0;  // pictures show no shadows: no memory for their map
  // one tree of bodies is one island of constraints: no step needs to look for others
  if (found->ntree == 1) found->opt.disableflags |= mjDSBL_ISLAND;
  if (found->nq == wanted->nq && found->nv == wanted->nv && found->nu == wanted->nu) return SAC_OK;
  return sac_error_set(err, SAC_BAD_ENV,
                       "%s holds another model: %d positions, %d velocities and %d controls, "
                       "expected %d, %d and %d",
                       path, (int)found->nq, (int)found->nv, (int)found->nu, wanted->nq, wanted->nv,
                       wanted->nu);
}

static void describe_model(const sac_mujoco *mujoco, sac_env_spec *spec) {
  const mjModel *model = mujoco->model;
  spec->act_dim = (int)model->nu;
  spec->qpos_dim = (int)model->nq;
  spec->state_dim = (int)(model->nq + model->nv);
  spec->frame_rate = 1 / mujoco->dt;
  spec->state_bytes = sizeof(double) * (KEPT + (size_t)mj_stateSize(model, STATE));
  for (int i = 0; i < model->nu; i++) {
    spec->action_low[i] = (float)model->actuator_ctrlrange[2 * i];
    spec->action_high[i] = (float)model->actuator_ctrlrange[2 * i + 1];
  }
}

sac_status sac_mujoco_open(const sac_mujoco_model *wanted, int frame_skip, const void *task,
                           size_t size, sac_env_spec *spec, void **shared, sac_error *err) {
  SAC_ASSERT(wanted->nu <= SAC_ENV_ACTION_MAX);
  sac_mujoco *mujoco = malloc(size);
  if (!mujoco) return sac_error_set(err, SAC_FAILED, "%s: out of memory", wanted->xml);
  memcpy(mujoco, task, size);
  sac_status status = load_model(wanted, mujoco->varies, &mujoco->model, err);
  if (status != SAC_OK) {
    sac_mujoco_close(mujoco);
    return status;
  }
  mujoco->frame_skip = frame_skip;
  mujoco->camera = wanted->camera;
  mujoco->dt = mujoco->model->opt.timestep * frame_skip;
  describe_model(mujoco, spec);
  *shared = mujoco;
  return SAC_OK;
}

void sac_mujoco_close(void *shared) {
  sac_mujoco *mujoco = shared;
  mj_deleteModel(mujoco->model);
  free(mujoco);
}

sac_status sac_mujoco_create(const void *shared, void **env, sac_error *err) {
  const sac_mujoco *mujoco = shared;
  sac_mujoco_env *self = calloc(1, sizeof *self);
  if (self) self->data = mj_makeData(mujoco->model);
  if (self && mujoco->varies) self->own = mj_copyModel(NULL, mujoco->model);
  if (!self || !self->data || (mujoco->varies && !self->own)) {
    if (self) sac_mujoco_destroy(self);
    return sac_error_set(err, SAC_FAILED, "MuJoCo: out of memory for another instance");
  }
  *env = self;
  return SAC_OK;
}

void sac_mujoco_destroy(void *env) {
  sac_mujoco_env *self = env;
  mj_deleteData(self->data);
  mj_deleteModel(self->own);
  free(self);
}

const mjModel *sac_mujoco_model_of(const sac_mujoco *mujoco, const sac_mujoco_env *env) {
  return env->own ? env->own : mujoco->model;
}

void sac_mujoco_save(const void *shared, const void *env, void *bytes) {
  const sac_mujoco *mujoco = shared;
  const sac_mujoco_env *self = env;
  double *state = bytes;
  state[0] = self->x_before;
  state[1] = self->y_before;
  mj_getState(sac_mujoco_model_of(mujoco, self), self->data, state + KEPT, STATE);
}

void sac_mujoco_load(const void *shared, void *env, const void *bytes) {
  const sac_mujoco *mujoco = shared;
  sac_mujoco_env *self = env;
  const double *state = bytes;
  const mjModel *model = sac_mujoco_model_of(mujoco, self);
  mj_resetData(model, self->data);
  self->x_before = state[0];
  self->y_before = state[1];
  mj_setState(model, self->data, state + KEPT, STATE);
}

void sac_mujoco_draw_positions(const sac_mujoco *mujoco, sac_numpy_random *random, double spread,
                               double *qpos) {
  for (int i = 0; i < mujoco->model->nq; i++)
    qpos[i] = mujoco->model->qpos0[i] + sac_numpy_random_uniform(random, -spread, spread);
}

void sac_mujoco_draw_velocities(const sac_mujoco *mujoco, sac_numpy_random *random, double spread,
                                bool normal, double *qvel) {
  for (int i = 0; i < mujoco->model->nv; i++)
    qvel[i] = normal ? spread * sac_numpy_random_normal(random)
                     : sac_numpy_random_uniform(random, -spread, spread);
}

sac_numpy_random sac_mujoco_draw_start(const sac_mujoco *mujoco, uint64_t seed, double spread,
                                       bool normal, double *state) {
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  sac_mujoco_draw_positions(mujoco, &random, spread, state);
  sac_mujoco_draw_velocities(mujoco, &random, spread, normal, state + mujoco->model->nq);
  return random;
}

void sac_mujoco_begin(const sac_mujoco *mujoco, sac_mujoco_env *env, const double *state) {
  const mjModel *model = sac_mujoco_model_of(mujoco, env);
  mj_resetData(model, env->data);
  memcpy(env->data->qpos, state, sizeof *state * (size_t)model->nq);
  memcpy(env->data->qvel, state + model->nq, sizeof *state * (size_t)model->nv);
  mj_forward(model, env->data);
  env->x_before = env->data->qpos[0];
  env->y_before = env->data->qpos[1];
}

static const char *const warning_text[mjNWARNING] = {
    [mjWARN_INERTIA] = "MuJoCo: the inertia matrix is singular",
    [mjWARN_CONTACTFULL] = "MuJoCo: too many contacts",
    [mjWARN_CNSTRFULL] = "MuJoCo: too many constraints",
    [mjWARN_BADQPOS] = "MuJoCo: a position became NaN or huge and the simulation reset itself",
    [mjWARN_BADQVEL] = "MuJoCo: a velocity became NaN or huge and the simulation reset itself",
    [mjWARN_BADQACC] = "MuJoCo: an acceleration became NaN or huge and the simulation reset itself",
    [mjWARN_BADCTRL] = "MuJoCo: a control was NaN or huge and was set to zero",
};

// the first warning since the last call; a reset of the engine clears its counters, so any counts
static const char *take_warning(mjData *data) {
  const char *first = NULL;
  for (int i = mjNWARNING - 1; i >= 0; i--) {
    if (data->warning[i].number) first = warning_text[i];
    data->warning[i].number = 0;
  }
  return first;
}

static void simulate(const sac_mujoco *mujoco, sac_mujoco_env *env, const float *action) {
  const mjModel *model = sac_mujoco_model_of(mujoco, env);
  for (int i = 0; i < model->nu; i++) env->data->ctrl[i] = (double)action[i];
  for (int i = 0; i < mujoco->frame_skip; i++) {
    if (mujoco->drive) mujoco->drive(mujoco, env, action);
    mj_step(model, env->data);
  }
}

void sac_mujoco_engine(const void *shared, void *env, const float *action) {
  simulate(shared, env, action);
}

const char *sac_mujoco_advance(const sac_mujoco *mujoco, sac_mujoco_env *env, const float *action) {
  simulate(mujoco, env, action);
  if (mujoco->needs_contacts) mj_rnePostConstraint(mujoco->model, env->data);
  return take_warning(env->data);
}

double sac_mujoco_y_speed(const sac_mujoco *mujoco, sac_mujoco_env *env, double y_after) {
  double speed = (y_after - env->y_before) / mujoco->dt;
  env->y_before = y_after;
  return speed;
}

double sac_mujoco_x_speed(const sac_mujoco *mujoco, sac_mujoco_env *env, double x_after) {
  double speed = (x_after - env->x_before) / mujoco->dt;
  env->x_before = x_after;
  return speed;
}

double *sac_mujoco_observe(const sac_mujoco *mujoco, const mjData *data, int n_hidden,
                           double speed_limit, double *obs) {
  const mjModel *model = mujoco->model;
  for (int i = n_hidden; i < model->nq; i++) *obs++ = data->qpos[i];
  for (int i = 0; i < model->nv; i++) *obs++ = sac_clamp(data->qvel[i], -speed_limit, speed_limit);
  return obs;
}

double sac_mujoco_control_cost(const sac_mujoco *mujoco, double weight, const float *action) {
  float squares[SAC_ENV_ACTION_MAX];
  for (int i = 0; i < mujoco->model->nu; i++) squares[i] = action[i] * action[i];
  return (double)((float)weight * sac_sum_float(squares, (int)mujoco->model->nu));
}

double sac_mujoco_contacts(const sac_mujoco *mujoco, const mjData *data, sac_range range) {
  double squares[FORCES_MAX];
  int n = 6 * (int)mujoco->model->nbody;
  SAC_ASSERT(n <= FORCES_MAX);
  for (int i = 0; i < n; i++) {
    double force = sac_clamp(data->cfrc_ext[i], range.low, range.high);
    squares[i] = force * force;
  }
  return sac_sum(squares, n);
}

sac_status sac_mujoco_find_body(const sac_mujoco *mujoco, const char *name, int *body,
                                sac_error *err) {
  *body = mj_name2id(mujoco->model, mjOBJ_BODY, name);
  if (*body >= 0) return SAC_OK;
  return sac_error_set(err, SAC_BAD_ENV, "the model of this task has no body named %s", name);
}

double sac_mujoco_distance(const mjData *data, int a, int b, double *difference) {
  for (int i = 0; i < 3; i++) difference[i] = data->xpos[3 * a + i] - data->xpos[3 * b + i];
  return sac_norm(difference, 3);
}
