// The vector environment: instances on a fixed partition over the thread pool.
#include "env/vec_env.h"

#include "base/arena.h"
#include "env/device_env.h"
#include "env/draws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sac_vec_env {
  sac_task *task;
  sac_environment *environments;  // (E)
  uint64_t *started;              // (E) episodes begun so far
  bool *restarts;                 // (E) in this call, where environments work elsewhere
  int count;                      // E
  int block;                      // environments in one part of the pool's work
  uint64_t seed;
  sac_threads *threads;
  sac_device_env *device;  // where they live in a backend's memory: the instances here only start
                           // and name what is there
};

// a call of reset (without rows) or step, seen by every part
typedef sac_vec_env_turn vec_call;

// an engine's step is worth waking a thread for, a formula is not
enum { FORMULA_BLOCK = 64, ENGINE_BLOCK = 1 };

// environments of an engine take memory as they are made: asked after so many, with this left over
enum { MEMORY_BLOCK = 1024, MEMORY_LEFT_MIB = 256 };

static sac_status check_memory(int made, int wanted, sac_error *err) {
  size_t available = sac_memory_available();
  if (available == 0 || available > (size_t)MEMORY_LEFT_MIB << 20) return SAC_OK;
  return sac_error_set(err, SAC_FAILED,
                       "env.n_envs: the memory of this machine is used up after %d of %d "
                       "environments",
                       made, wanted);
}

static sac_status create_environments(sac_vec_env *vec, sac_error *err) {
  vec->environments = calloc((size_t)vec->count, sizeof *vec->environments);
  vec->started = calloc((size_t)vec->count, sizeof *vec->started);
  vec->restarts = calloc((size_t)vec->count, sizeof *vec->restarts);
  if (!vec->environments || !vec->started || !vec->restarts)
    return sac_error_set(err, SAC_FAILED, "out of memory for %d environments", vec->count);
  for (int i = 0; i < vec->count; i++) {
    if (i % MEMORY_BLOCK == MEMORY_BLOCK - 1) SAC_TRY(check_memory(i, vec->count, err));
    SAC_TRY(sac_environment_create(vec->task, &vec->environments[i], err));
  }
  return SAC_OK;
}

sac_status sac_vec_env_create(const sac_vec_env_options *options, sac_vec_env **vec,
                              sac_error *err) {
  sac_task *task;
  SAC_TRY(sac_task_open(options->cfg, options->squash, &task, err));
  sac_vec_env *made = *vec = calloc(1, sizeof *made);
  if (!made) {
    sac_task_close(task);
    return sac_error_set(err, SAC_FAILED, "%s: out of memory", options->cfg->env.id);
  }
  *made = (sac_vec_env){.task = task,
                        .count = (int)options->cfg->env.n_envs,
                        .block = task->def->create ? ENGINE_BLOCK : FORMULA_BLOCK,
                        .seed = options->seed,
                        .threads = options->threads};
  sac_status status = create_environments(made, err);
  if (status == SAC_OK && options->backend)
    status = sac_device_env_create(options, task, &made->device, err);
  if (status == SAC_OK) return SAC_OK;
  sac_vec_env_destroy(made);
  *vec = NULL;
  return status;
}

void sac_vec_env_destroy(sac_vec_env *vec) {
  if (!vec) return;
  sac_device_env_destroy(vec->device);
  for (int i = 0; vec->environments && i < vec->count; i++)
    sac_environment_destroy(&vec->environments[i]);
  free(vec->environments);
  free(vec->started);
  free(vec->restarts);
  sac_task_close(vec->task);
  free(vec);
}

void sac_vec_env_log(sac_vec_env *vec, sac_log *log) {
  sac_task_log(vec->task, log);
}

const sac_task *sac_vec_env_task(const sac_vec_env *vec) {
  return vec->task;
}

int sac_vec_env_count(const sac_vec_env *vec) {
  return vec->count;
}

static bool works_elsewhere(const sac_vec_env *vec) {
  return vec->task->def->send != NULL;
}

static uint64_t next_seed(const sac_vec_env *vec, int i_env) {
  return sac_episode_seed(vec->seed, vec->started[i_env], i_env);
}

static void start_episode(const vec_call *call, int i_env) {
  sac_vec_env *vec = call->vec;
  sac_environment_reset(&vec->environments[i_env], next_seed(vec, i_env));
  vec->started[i_env]++;
  sac_environment_observe(&vec->environments[i_env], call->obs + (size_t)i_env * (size_t)call->ld);
}

static void draw_action(const vec_call *call, int i_env, sac_real *action) {
  const sac_vec_env *vec = call->vec;
  const sac_task *task = vec->task;
  for (int j = 0; j < task->spec.act_dim; j++)
    action[j] = (sac_real)sac_uniform_action(vec->seed, call->rows->step, i_env, j,
                                             task->uniform_low[j], task->uniform_high[j]);
}

static void step_one(const vec_call *call, int i_env) {
  sac_environment *environment = &call->vec->environments[i_env];
  const sac_transitions *rows = call->rows;
  size_t row = (size_t)i_env * (size_t)rows->ld;
  sac_outcome outcome;
  if (rows->obs) sac_environment_observe(environment, rows->obs + row);
  if (rows->begins) rows->begins[row] = environment->step == 0;
  if (rows->uniform) draw_action(call, i_env, rows->action + row);
  sac_environment_step(environment, rows->action + row, &outcome);
  rows->reward[row] = (sac_real)outcome.reward;
  rows->terminated[row] = outcome.terminated;
  if (rows->truncated) rows->truncated[row] = outcome.truncated;
  sac_environment_observe(environment, rows->next_obs + row);

  bool broken = environment->trouble.field || environment->trouble.fault;
  bool ended = outcome.terminated || outcome.truncated;
  call->episodes[i_env] = (sac_episode){.terminated = false};
  if (ended)
    call->episodes[i_env] = (sac_episode){outcome.terminated, outcome.truncated,
                                          environment->total_reward, environment->step};
  bool restarts = ended && !broken;
  if (restarts && works_elsewhere(call->vec))
    call->vec->restarts[i_env] = true;
  else if (restarts)
    start_episode(call, i_env);
  else
    sac_environment_observe(environment, call->obs + (size_t)i_env * (size_t)call->ld);
}

static void send_actions(const vec_call *call) {
  const sac_transitions *rows = call->rows;
  for (int i = 0; i < call->vec->count; i++) {
    sac_real *action = rows->action + (size_t)i * (size_t)rows->ld;
    if (rows->uniform) draw_action(call, i, action);
    sac_environment_send(&call->vec->environments[i], action);
  }
}

static int count_blocks(const sac_vec_env *vec) {
  return (vec->count + vec->block - 1) / vec->block;
}

static void run_block(void *context, int i_part) {
  const vec_call *calls = context;
  int blocks = count_blocks(calls->vec);
  const vec_call *call = &calls[i_part / blocks];
  int first = i_part % blocks * call->vec->block, end = first + call->vec->block;
  if (end > call->vec->count) end = call->vec->count;
  for (int i = first; i < end; i++) {
    if (call->rows)
      step_one(call, i);
    else
      start_episode(call, i);
  }
}

static sac_status check_one(const sac_vec_env *vec, int i_env, sac_error *err) {
  const sac_trouble *trouble = &vec->environments[i_env].trouble;
  if (!trouble->field && !trouble->fault) return SAC_OK;
  char who[32];
  snprintf(who, sizeof who, "environment %d", i_env);
  return sac_environment_check(&vec->environments[i_env], who, err);
}

static sac_status check_all(const sac_vec_env *vec, sac_error *err) {
  for (int i = 0; i < vec->count; i++) SAC_TRY(check_one(vec, i, err));
  return SAC_OK;
}

static void check_call(vec_call *call) {
  if (call->status == SAC_OK) call->status = check_all(call->vec, call->err);
}

static void send_resets(vec_call *call) {
  sac_vec_env *vec = call->vec;
  for (int i = 0; i < vec->count; i++)
    if (vec->restarts[i]) sac_environment_send_reset(&vec->environments[i], next_seed(vec, i));
}

static void start_episodes(vec_call *call) {
  for (int i = 0; i < call->vec->count; i++)
    if (call->vec->restarts[i]) start_episode(call, i);
}

// what runs in other processes works on all environments at once, first on steps, then on the
// episodes that begin; threads here would only take their cores
static void begin_elsewhere(vec_call *calls, int n) {
  for (int k = 0; k < n; k++) {
    sac_vec_env *vec = calls[k].vec;
    for (int i = 0; i < vec->count; i++) vec->restarts[i] = calls[k].rows == NULL;
    if (calls[k].rows) send_actions(&calls[k]);
  }
  for (int k = 0; k < n; k++) sac_task_wake(calls[k].vec->task);
}

static void end_elsewhere(vec_call *calls, int n) {
  for (int k = 0; k < n; k++) {
    for (int i = 0; calls[k].rows && i < calls[k].vec->count; i++) step_one(&calls[k], i);
    if (calls[k].rows) check_call(&calls[k]);
  }
  for (int k = 0; k < n; k++)
    if (calls[k].status == SAC_OK) send_resets(&calls[k]);
  for (int k = 0; k < n; k++)
    if (calls[k].status == SAC_OK) start_episodes(&calls[k]);
}

static void begin_calls(vec_call *calls, int n) {
  for (int k = 0; k < n; k++) calls[k].status = SAC_OK;
  if (works_elsewhere(calls->vec)) begin_elsewhere(calls, n);
}

static void end_calls(vec_call *calls, int n) {
  if (works_elsewhere(calls->vec))
    end_elsewhere(calls, n);
  else
    sac_threads_run(calls->vec->threads, n * count_blocks(calls->vec), run_block, calls);
  for (int k = 0; k < n; k++) check_call(&calls[k]);
}

static sac_status start_episodes_here(vec_call *call) {
  begin_calls(call, 1);
  end_calls(call, 1);
  return call->status;
}

static size_t all_bytes(const sac_vec_env *vec) {
  return (size_t)vec->count * sac_vec_env_state_bytes(vec);
}

static void save_instances(const sac_vec_env *vec, uint8_t *bytes) {
  size_t stride = sac_vec_env_state_bytes(vec), head = sizeof *vec->started;
  for (int i = 0; i < vec->count; i++) {
    memcpy(bytes + (size_t)i * stride, &vec->started[i], head);
    sac_environment_save(&vec->environments[i], bytes + (size_t)i * stride + head);
  }
}

static void load_instances(sac_vec_env *vec, const uint8_t *bytes) {
  size_t stride = sac_vec_env_state_bytes(vec), head = sizeof *vec->started;
  for (int i = 0; i < vec->count; i++) {
    memcpy(&vec->started[i], bytes + (size_t)i * stride, head);
    sac_environment_load(&vec->environments[i], bytes + (size_t)i * stride + head);
  }
}

// episodes start in the instances here and move
static sac_status reset_device(sac_vec_env *vec, sac_real *obs, int ld, sac_error *err) {
  size_t values = (size_t)vec->count * (size_t)vec->task->spec.obs_dim;
  sac_real *obs_here = malloc(values * sizeof *obs_here);
  uint8_t *bytes = malloc(all_bytes(vec));
  vec_call call = {.vec = vec, .obs = obs_here, .ld = vec->task->spec.obs_dim, .err = err};
  sac_status status = SAC_OK;
  if (!obs_here || !bytes)
    status = sac_error_set(err, SAC_FAILED, "out of memory for %d environments", vec->count);
  if (status == SAC_OK) status = start_episodes_here(&call);
  if (status == SAC_OK) {
    save_instances(vec, bytes);
    sac_device_env_load(vec->device, bytes, obs, ld);
  }
  free(obs_here);
  free(bytes);
  return status;
}

// the instance here becomes the one there that broke, and says so
static sac_status tell_trouble(sac_vec_env *vec, int i_env, const sac_trouble *trouble,
                               sac_error *err) {
  uint8_t *bytes = malloc(all_bytes(vec));
  if (!bytes)
    return sac_error_set(err, SAC_FAILED, "out of memory for %d environments", vec->count);
  sac_device_env_save(vec->device, bytes);
  load_instances(vec, bytes);
  free(bytes);
  vec->environments[i_env].trouble = *trouble;
  return check_one(vec, i_env, err);
}

sac_status sac_vec_env_reset(sac_vec_env *vec, sac_real *obs, int ld, sac_error *err) {
  if (vec->device) return reset_device(vec, obs, ld, err);
  vec_call call = {.vec = vec, .obs = obs, .ld = ld, .err = err};
  return start_episodes_here(&call);
}

static sac_status step_device(const vec_call *call) {
  int broken;
  sac_trouble trouble;
  SAC_ASSERT(call->ld == call->rows->ld);
  SAC_TRY(sac_device_env_step(call->vec->device, call->rows, call->obs, call->episodes, &broken,
                              &trouble, call->err));
  return broken < 0 ? SAC_OK : tell_trouble(call->vec, broken, &trouble, call->err);
}

void sac_vec_env_begin_all(sac_vec_env_turn *turns, int n) {
  if (n > 0 && !turns->vec->device) begin_calls(turns, n);
}

void sac_vec_env_end_all(sac_vec_env_turn *turns, int n) {
  if (n > 0 && !turns->vec->device) end_calls(turns, n);
  for (int k = 0; k < n && turns->vec->device; k++) turns[k].status = step_device(&turns[k]);
}

sac_status sac_vec_env_step(sac_vec_env *vec, const sac_transitions *rows, sac_real *obs, int ld,
                            sac_episode *episodes, sac_error *err) {
  sac_vec_env_turn turn = {
      .vec = vec, .rows = rows, .obs = obs, .ld = ld, .episodes = episodes, .err = err};
  sac_vec_env_begin_all(&turn, 1);
  sac_vec_env_end_all(&turn, 1);
  return turn.status;
}

size_t sac_vec_env_state_bytes(const sac_vec_env *vec) {
  return sizeof *vec->started + sac_environment_bytes(vec->task);
}

void sac_vec_env_save(const sac_vec_env *vec, uint8_t *bytes) {
  if (vec->device)
    sac_device_env_save(vec->device, bytes);
  else
    save_instances(vec, bytes);
}

void sac_vec_env_load(sac_vec_env *vec, const uint8_t *bytes, sac_real *obs, int ld) {
  if (vec->device) {
    sac_device_env_load(vec->device, bytes, obs, ld);
    return;
  }
  load_instances(vec, bytes);
  for (int i = 0; i < vec->count; i++)
    sac_environment_observe(&vec->environments[i], obs + (size_t)i * (size_t)ld);
}
