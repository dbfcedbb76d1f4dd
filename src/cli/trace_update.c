// `sac trace update`: everything in and out of one update, as safetensors.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algo/agent.h"
#include "algo/device.h"
#include "cli/trace.h"
#include "env/task.h"
#include "train/tensors.h"

// sizes come from the tensors of --in where they are there, else from the configuration and its
// environment
typedef struct sizes {
  int batch, obs, actor_obs, act, noise;
} sizes;

// the tensors that enter an update besides the networks, in host memory
typedef struct inputs {
  sac_real *obs, *action, *reward, *terminated, *next_obs, *noise_now, *noise_next;
  sac_real *discount, *weight;  // NULL where the configuration has none
} inputs;

typedef struct trace {
  sac_config cfg;
  sac_safetensors *in;  // NULL without --in
  sac_threads *threads;
  sac_backend *backend;
  sizes sizes;
  inputs inputs;
  sac_agent *before, *after;
} trace;

static const sac_tensor *find(const trace *self, const char *name) {
  return self->in ? sac_safetensors_find(self->in, name) : NULL;
}

// the widths of hidden layers from the weights of a network: "PREFIX0.weight", "PREFIX2.weight"
// ... where they are two `modules` apart; `head` is true where the last of these is the output
// layer
static void take_hidden(const trace *self, const char *prefix, int modules, bool head,
                        sac_config_list *hidden) {
  int64_t widths[9];
  int count = 0;
  for (; count < 9; count++) {
    char name[64];
    snprintf(name, sizeof name, "%s%d.weight", prefix, modules * count);
    const sac_tensor *weight = find(self, name);
    if (!weight || weight->rank != 2) break;
    widths[count] = weight->shape[0];
  }
  if (head) count--;
  if (count < 1 || count > 8) return;
  hidden->count = count;
  memcpy(hidden->at, widths, (size_t)count * sizeof *widths);
}

static void take_shapes(trace *self) {
  sac_config *cfg = &self->cfg;
  take_hidden(self, "actor.latent_pi.", sac_mlp_modules(cfg->policy.layer_norm, 0), false,
              &cfg->policy.hidden);
  take_hidden(self, "critic.qf0.", sac_mlp_modules(cfg->critic.layer_norm, cfg->critic.dropout),
              true, &cfg->critic.hidden);
  int n = 0;
  for (char name[64]; n < 64; n++) {
    snprintf(name, sizeof name, "critic.qf%d.0.weight", n);
    if (!find(self, name)) break;
  }
  if (n == 0) return;
  // a subset of all critics stays one of all
  bool all = self->cfg.algorithm.target_subset == self->cfg.algorithm.n_critics;
  self->cfg.algorithm.n_critics = n;
  if (all || self->cfg.algorithm.target_subset > n) self->cfg.algorithm.target_subset = n;
}

static sac_status take_environment_sizes(trace *self, sac_error *err) {
  sac_task *task;
  SAC_TRY(sac_task_open(&self->cfg, self->cfg.policy.squash, &task, err));
  self->sizes.obs = task->spec.obs_dim;
  self->sizes.actor_obs = task->spec.actor_obs_dim;
  self->sizes.act = task->spec.act_dim;
  sac_task_close(task);
  return SAC_OK;
}

static sac_status take_sizes(trace *self, sac_error *err) {
  const sac_tensor *obs = find(self, "batch.obs"), *action = find(self, "batch.action");
  const sac_tensor *first = find(self, "actor.latent_pi.0.weight"),
                   *mu = find(self, "actor.mu.weight");
  self->sizes.batch = (int)self->cfg.algorithm.batch_size;
  SAC_TRY(take_environment_sizes(self, err));
  if (first && first->rank == 2) self->sizes.obs = self->sizes.actor_obs = (int)first->shape[1];
  if (mu && mu->rank == 2) self->sizes.act = (int)mu->shape[0];
  if (obs && obs->rank == 2) self->sizes.batch = (int)obs->shape[0];
  if (obs && obs->rank == 2 && !first) self->sizes.obs = self->sizes.actor_obs = (int)obs->shape[1];
  if (action && action->rank == 2 && !mu) self->sizes.act = (int)action->shape[1];
  if (self->sizes.batch > 0 && self->sizes.obs > 0 && self->sizes.act > 0) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "the tensors of --in have no rows or no columns");
}

typedef enum draw_kind { DRAW_NORMAL, DRAW_ACTION, DRAW_FLAG, DRAW_SHARE } draw_kind;

// one input: from --in, or drawn
static sac_status take_input(trace *self, const char *name, draw_kind kind, int cols,
                             sac_real **out, sac_error *err) {
  size_t count = (size_t)self->sizes.batch * (size_t)cols;
  bool is_vector = kind >= DRAW_FLAG || strcmp(name, "batch.reward") == 0;
  *out = malloc(count * sizeof **out);
  if (!*out) return sac_error_set(err, SAC_FAILED, "no memory for %s", name);
  sac_tensor wanted = {.name = name, .rank = is_vector ? 1 : 2, .shape = {self->sizes.batch, cols}};
  if (find(self, name)) return sac_safetensors_get_reals(self->in, &wanted, *out, err);
  uint64_t key = (uint64_t)self->cfg.run.seed, tensor = strlen(name) * 256 + (uint64_t)name[6];
  for (size_t i = 0; i < count; i++) {
    double value = sac_draw_normal(key, SAC_DRAW_TRACE, tensor, (uint32_t)i);
    if (kind == DRAW_ACTION && self->cfg.policy.squash) value = tanh(value);
    if (kind == DRAW_FLAG) value = value > 1.2816;  // one in ten
    if (kind == DRAW_SHARE) value = exp(-fabs(value));
    (*out)[i] = (sac_real)value;
  }
  return SAC_OK;
}

static sac_status take_inputs(trace *self, sac_error *err) {
  inputs *in = &self->inputs;
  int obs = self->sizes.obs, act = self->sizes.act, noise = self->sizes.noise;
  SAC_TRY(take_input(self, "batch.obs", DRAW_NORMAL, obs, &in->obs, err));
  SAC_TRY(take_input(self, "batch.action", DRAW_ACTION, act, &in->action, err));
  SAC_TRY(take_input(self, "batch.reward", DRAW_NORMAL, 1, &in->reward, err));
  SAC_TRY(take_input(self, "batch.terminated", DRAW_FLAG, 1, &in->terminated, err));
  SAC_TRY(take_input(self, "batch.next_obs", DRAW_NORMAL, obs, &in->next_obs, err));
  if (self->cfg.algorithm.n_steps > 1)
    SAC_TRY(take_input(self, "batch.discount", DRAW_SHARE, 1, &in->discount, err));
  if (self->cfg.algorithm.priority.enabled)
    SAC_TRY(take_input(self, "batch.weight", DRAW_SHARE, 1, &in->weight, err));
  SAC_TRY(take_input(self, "noise.now", DRAW_NORMAL, noise, &in->noise_now, err));
  return take_input(self, "noise.next", DRAW_NORMAL, noise, &in->noise_next, err);
}

static sac_status make_agent(trace *self, sac_agent **agent, sac_error *err) {
  uint64_t seed = (uint64_t)self->cfg.run.seed;
  sac_agent_options options = {.cfg = &self->cfg,
                               .backend = self->backend,
                               .n_seeds = 1,
                               .seeds = &seed,
                               .obs_dim = self->sizes.obs,
                               .actor_obs_dim = self->sizes.actor_obs,
                               .act_dim = self->sizes.act,
                               .batch_size = self->sizes.batch,
                               .act_rows = 1};
  return sac_agent_create(&options, agent, err);
}

static sac_status refuse_part(const trace *self, const char *what, sac_error *err) {
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: holds some tensors of %s but not all",
                       sac_safetensors_path(self->in), what);
}

// networks and optimisers that --in holds replace the drawn ones; missing targets are copies
static sac_status load_networks(trace *self, sac_agent *agent, sac_error *err) {
  sac_params *params;
  sac_found found, targets = SAC_FOUND_NONE;
  for (int i = 0; (params = sac_agent_params(agent, i)); i++) {
    const char *optimiser = sac_agent_optimiser(agent, params);
    bool is_target = params == &agent->q.target || params == &agent->value.target;
    SAC_TRY(sac_tensors_get_block(self->in, "", params, params->value, 0, &found, err));
    if (found == SAC_FOUND_SOME) return refuse_part(self, params->prefix, err);
    if (is_target) targets = found;
    if (!optimiser) continue;
    SAC_TRY(sac_tensors_get_optimiser(self->in, params, optimiser, 0, &found, err));
    if (found == SAC_FOUND_SOME) return refuse_part(self, "an optimiser", err);
  }
  if (targets == SAC_FOUND_NONE && agent->q.target.value) sac_critic_copy_target(&agent->q);
  if (targets == SAC_FOUND_NONE && agent->value.target.value) sac_critic_copy_target(&agent->value);
  return SAC_OK;
}

// rows of a host matrix into columns of a stack
static void put(sac_backend *backend, sac_stack to, int first_row, int first_column,
                const sac_real *from, int rows, int cols) {
  for (int i = 0; i < rows; i++)
    backend->ops->upload(backend, to.data + (size_t)(first_row + i) * (size_t)to.ld + first_column,
                         from + (size_t)i * (size_t)cols, (size_t)cols * sizeof *from);
}

static void put_inputs(const trace *self, sac_agent *agent) {
  int rows = self->sizes.batch, obs = self->sizes.obs, act = self->sizes.act;
  const inputs *in = &self->inputs;
  sac_batch *batch = &agent->batch;
  put(self->backend, batch->now, 0, 0, in->obs, rows, obs);
  put(self->backend, batch->now, 0, obs, in->action, rows, act);
  put(self->backend, batch->both, 0, 0, in->obs, rows, obs);
  put(self->backend, batch->both, rows, 0, in->next_obs, rows, obs);
  put(self->backend, batch->reward, 0, 0, in->reward, rows, 1);
  put(self->backend, batch->terminated, 0, 0, in->terminated, rows, 1);
  if (in->discount) put(self->backend, batch->discount, 0, 0, in->discount, rows, 1);
  if (in->weight) put(self->backend, batch->weight, 0, 0, in->weight, rows, 1);
  put(self->backend, batch->noise, 0, 0, in->noise_now, rows, self->sizes.noise);
  put(self->backend, batch->noise, rows, 0, in->noise_next, rows, self->sizes.noise);
}

static void add_inputs(const trace *self, sac_tensors *tensors) {
  const inputs *in = &self->inputs;
  int64_t rows = self->sizes.batch, obs[] = {rows, self->sizes.obs},
          act[] = {rows, self->sizes.act}, noise[] = {rows, self->sizes.noise};
  sac_tensors_add_host(tensors, "batch.obs", SAC_DTYPE_REAL, 2, obs, in->obs);
  sac_tensors_add_host(tensors, "batch.action", SAC_DTYPE_REAL, 2, act, in->action);
  sac_tensors_add_host(tensors, "batch.reward", SAC_DTYPE_REAL, 1, &rows, in->reward);
  sac_tensors_add_host(tensors, "batch.terminated", SAC_DTYPE_REAL, 1, &rows, in->terminated);
  sac_tensors_add_host(tensors, "batch.next_obs", SAC_DTYPE_REAL, 2, obs, in->next_obs);
  if (in->discount)
    sac_tensors_add_host(tensors, "batch.discount", SAC_DTYPE_REAL, 1, &rows, in->discount);
  if (in->weight)
    sac_tensors_add_host(tensors, "batch.weight", SAC_DTYPE_REAL, 1, &rows, in->weight);
  sac_tensors_add_host(tensors, "noise.now", SAC_DTYPE_REAL, 2, noise, in->noise_now);
  sac_tensors_add_host(tensors, "noise.next", SAC_DTYPE_REAL, 2, noise, in->noise_next);
}

static void add_results(const trace *self, sac_tensors *tensors) {
  sac_agent *agent = self->after;
  sac_backend *backend = self->backend;
  const sac_batch *batch = &agent->batch;
  int64_t rows = self->sizes.batch, n = agent->n_critics, one = 1;
  sac_tensors_add(tensors, backend, "loss.q", SAC_DTYPE_REAL, 1, &n, agent->losses.q);
  sac_tensors_add(tensors, backend, "loss.policy", SAC_DTYPE_REAL, 1, &one, agent->losses.policy);
  if (agent->def->uses_value)
    sac_tensors_add(tensors, backend, "loss.v", SAC_DTYPE_REAL, 1, &one, agent->losses.v);
  if (agent->learns_temperature)
    sac_tensors_add(tensors, backend, "loss.ent_coef", SAC_DTYPE_REAL, 1, &one,
                    agent->losses.temperature);
  sac_tensors_add(tensors, backend, "target.y", SAC_DTYPE_REAL, 1, &rows, batch->y.data);
  sac_tensors_add(tensors, backend, "log_pi.now", SAC_DTYPE_REAL, 1, &rows, batch->log_pi.data);
  if (agent->def->uses_next_action)
    sac_tensors_add(tensors, backend, "log_pi.next", SAC_DTYPE_REAL, 1, &rows,
                    batch->log_pi.data + rows);
  const sac_params *params;
  for (int i = 0; (params = sac_agent_params(agent, i)); i++)
    if (sac_agent_optimiser(agent, params))
      sac_tensors_add_block(tensors, "grad.", params, params->grad, 0);
}

static sac_status write_trace(const trace *self, const char *path, sac_error *err) {
  sac_tensors tensors;
  sac_status status = sac_tensors_begin(&tensors, self->after, err);
  if (status == SAC_OK) {
    sac_tensors_add_state(&tensors, "", self->before, 0);
    add_inputs(self, &tensors);
    add_results(self, &tensors);
    sac_tensors_add_state(&tensors, "after.", self->after, 0);
    sac_safetensors_note(tensors.writer, "format", "sac-trace-update");
    sac_safetensors_note(tensors.writer, "algorithm", self->after->def->name);
    status = sac_safetensors_write(tensors.writer, path, err);
  }
  sac_tensors_end(&tensors);
  return status;
}

// soft Q-learning draws what it needs within the update
static sac_status check_algorithm(const trace *self, sac_error *err) {
  if (self->cfg.algorithm.name != SAC_ALGORITHM_SQL) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: algorithm.name is sql, must be sac or sac_v1 for sac trace update",
                       sac_config_where(&self->cfg, "algorithm.name"));
}

static sac_status prepare(trace *self, const sac_trace_update_options *options, sac_error *err) {
  SAC_TRY(
      sac_config_load(options->config, options->n_overrides, options->overrides, &self->cfg, err));
  SAC_TRY(sac_algorithm_require_replay(&self->cfg, "sac trace update", err));
  SAC_TRY(check_algorithm(self, err));
  if (options->in) SAC_TRY(sac_safetensors_open(options->in, false, &self->in, err));
  if (self->in) take_shapes(self);
  SAC_TRY(take_sizes(self, err));
  SAC_TRY(sac_device_open(&self->cfg, &self->threads, &self->backend, err));
  SAC_TRY(make_agent(self, &self->before, err));
  SAC_TRY(make_agent(self, &self->after, err));
  self->sizes.noise = self->before->policy.noise_dim;
  SAC_TRY(take_inputs(self, err));
  if (!self->in) return SAC_OK;
  SAC_TRY(load_networks(self, self->before, err));
  return load_networks(self, self->after, err);
}

static void release(trace *self) {
  inputs *in = &self->inputs;
  sac_real *all[] = {in->obs,       in->action,     in->reward,   in->terminated, in->next_obs,
                     in->noise_now, in->noise_next, in->discount, in->weight};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  sac_agent_destroy(self->before);
  sac_agent_destroy(self->after);
  sac_device_close(self->threads, self->backend);
  sac_safetensors_close(self->in);
}

sac_status sac_trace_update(const sac_trace_update_options *options, sac_error *err) {
  trace *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the trace");
  sac_status status = prepare(self, options, err);
  if (status == SAC_OK) {
    put_inputs(self, self->after);
    self->after->def->learn(self->after);
    status = self->backend->ops->sync(self->backend, err);
  }
  if (status == SAC_OK) status = write_trace(self, options->out, err);
  release(self);
  free(self);
  return status;
}
