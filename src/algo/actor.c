#include "algo/actor.h"

#include <stdlib.h>

#include "algo/agent.h"

struct sac_actor {
  sac_agent *agent;
  sac_backend *backend;  // where it acts
  int n_seeds, n_rows;   // rows a seed
  sac_row_layout layout;
  sac_real *rows;   // (n_seeds, n_rows, width) the staged transitions in the backend's memory; NULL
                    // where they lie there already
  sac_real *noise;  // (n_seeds, n_rows, noise_dim)
  uint64_t *step, *key;  // one, (n_seeds)
  // the copy, where there is one
  bool copies;
  sac_policy policy;
  sac_policy_pass pass;
  void *memory;              // of the pass
  sac_real *values;          // the parameters on their way
  uint64_t copied_at;        // updates of the agent when it was copied; UINT64_MAX before
  sac_policy *seed_policy;   // (n_seeds) the policy of each, for its explorer
  sac_explorer **explorers;  // (n_seeds), or NULL
};

static size_t count_rows(const sac_actor *self) {
  return (size_t)self->n_seeds * (size_t)self->n_rows;
}

static sac_status allocate_rows(sac_actor *self, const sac_actor_options *options, sac_error *err) {
  sac_backend *backend = self->backend;
  size_t values = count_rows(self) * sizeof(sac_real), n_seeds = (size_t)self->n_seeds;
  void *memory = NULL;
  if (!options->in_place) {
    SAC_TRY(backend->ops->alloc(backend, values * (size_t)self->layout.width, &memory, err));
    self->rows = memory;
  }
  SAC_TRY(
      backend->ops->alloc(backend, values * (size_t)self->agent->policy.noise_dim, &memory, err));
  self->noise = memory;
  SAC_TRY(backend->ops->alloc(backend, (1 + n_seeds) * sizeof *self->step, &memory, err));
  self->step = memory;
  self->key = self->step + 1;
  backend->ops->upload(backend, self->key, options->seeds, n_seeds * sizeof *self->key);
  return SAC_OK;
}

static size_t policy_bytes(const sac_actor *self) {
  return (size_t)self->n_seeds * self->policy.params.count * sizeof(sac_real);
}

static sac_status create_copy(sac_actor *self, sac_error *err) {
  sac_agent *agent = self->agent;
  sac_policy_options options = {.cfg = &agent->cfg,
                                .kind = agent->policy.kind,
                                .n_seeds = self->n_seeds,
                                .obs_dim = agent->actor_obs_dim,
                                .act_dim = agent->act_dim,
                                .backend = self->backend,
                                .frozen = true};
  SAC_TRY(sac_policy_create(&options, &self->policy, err));
  sac_arena arena = {0};
  sac_policy_pass_carve(&self->policy, self->n_rows, false, &arena, &self->pass);
  SAC_TRY(self->backend->ops->alloc(self->backend, arena.used, &self->memory, err));
  arena = (sac_arena){.memory = self->memory, .size = arena.used};
  sac_policy_pass_carve(&self->policy, self->n_rows, false, &arena, &self->pass);
  self->values = malloc(policy_bytes(self));
  if (!self->values) return sac_error_set(err, SAC_FAILED, "no memory for a copy of the policy");
  return sac_policy_reserve(&self->policy, self->n_rows, err);
}

// the policy after the agent's last update
static void follow(sac_actor *self) {
  sac_agent *agent = self->agent;
  if (!self->copies || self->copied_at == agent->n_updates) return;
  size_t bytes = policy_bytes(self);
  agent->backend->ops->download(agent->backend, self->values, agent->policy.params.value, bytes);
  self->backend->ops->upload(self->backend, self->policy.params.value, self->values, bytes);
  self->copied_at = agent->n_updates;
}

static const sac_policy *acting_policy(const sac_actor *self) {
  return self->copies ? &self->policy : &self->agent->policy;
}

static sac_policy_pass *acting_pass(sac_actor *self) {
  return self->copies ? &self->pass : &self->agent->act_pass;
}

// each seed's episodes explore by themselves, with what is its own of the policy; the pass is
// scratch, which they use one after the other
static sac_status create_explorers(sac_actor *self, const uint64_t *seeds, sac_error *err) {
  if (!sac_explorer_wanted(&self->agent->cfg)) return SAC_OK;
  size_t n = (size_t)self->n_seeds;
  self->seed_policy = calloc(n, sizeof *self->seed_policy);
  self->explorers = calloc(n, sizeof *self->explorers);
  if (!self->seed_policy || !self->explorers)
    return sac_error_set(err, SAC_FAILED, "no memory for the exploration");
  follow(self);
  for (int i = 0; i < self->n_seeds; i++) {
    self->seed_policy[i] = sac_policy_of_seed(acting_policy(self), i);
    sac_explorer_options options = {.cfg = &self->agent->cfg,
                                    .policy = &self->seed_policy[i],
                                    .pass = acting_pass(self),
                                    .rows = self->n_rows,
                                    .seed = seeds[i]};
    SAC_TRY(sac_explorer_create(&options, &self->explorers[i], err));
  }
  return SAC_OK;
}

sac_status sac_actor_create(const sac_actor_options *options, sac_actor **actor, sac_error *err) {
  sac_actor *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the actor");
  self->agent = options->agent;
  self->copies = options->host != NULL;
  self->backend = self->copies ? options->host : options->agent->backend;
  self->n_seeds = self->agent->n_seeds;
  self->n_rows = options->rows;
  self->layout = options->layout;
  self->copied_at = UINT64_MAX;
  SAC_ASSERT(!(self->copies && options->in_place));
  SAC_ASSERT(!(self->copies && self->agent->scaling.obs_mean));
  sac_status status = allocate_rows(self, options, err);
  if (status == SAC_OK && self->copies) status = create_copy(self, err);
  if (status == SAC_OK) status = create_explorers(self, options->seeds, err);
  if (status == SAC_OK)
    *actor = self;
  else
    sac_actor_destroy(self);
  return status;
}

void sac_actor_destroy(sac_actor *actor) {
  if (!actor) return;
  for (int i = 0; actor->explorers && i < actor->n_seeds; i++)
    sac_explorer_destroy(actor->explorers[i]);
  free(actor->explorers);
  free(actor->seed_policy);
  void *memory[] = {actor->rows, actor->noise, actor->step, actor->memory};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (memory[i]) actor->backend->ops->release(actor->backend, memory[i]);
  if (actor->copies) sac_policy_release(&actor->policy);
  free(actor->values);
  free(actor);
}

sac_explorer *sac_actor_explorer(const sac_actor *actor, int i_seed) {
  return actor->explorers ? actor->explorers[i_seed] : NULL;
}

void sac_actor_begin(sac_actor *actor, int i_seed, int i_env, uint64_t step) {
  if (!actor->explorers) return;
  follow(actor);
  sac_explorer_begin(actor->explorers[i_seed], i_env, step);
}

static sac_stack of_seed(sac_stack stack, int i_seed) {
  stack.data = sac_stack_member(&stack, i_seed);
  return stack;
}

static void explore(sac_actor *self, const sac_policy_draw *draw) {
  for (int i = 0; self->explorers && i < self->n_seeds; i++) {
    sac_explored explored = {of_seed(draw->obs, i), of_seed(draw->noise, i),
                             of_seed(draw->action, i), self->step};
    sac_explorer_act(self->explorers[i], &explored);
  }
}

sac_status sac_actor_draw(sac_actor *actor, uint64_t step, sac_real *rows, sac_error *err) {
  sac_backend *backend = actor->backend;
  const sac_ops *ops = backend->ops;
  const sac_row_layout *layout = &actor->layout;
  size_t bytes = count_rows(actor) * (size_t)layout->width * sizeof *rows;
  size_t n_rows = (size_t)actor->n_rows;
  if (actor->rows) ops->upload(backend, actor->rows, rows, bytes);
  ops->upload(backend, actor->step, &step, sizeof step);
  int noise_dim = actor->agent->policy.noise_dim;
  sac_stack staged = {.data = actor->rows ? actor->rows : rows,
                      .stride = n_rows * (size_t)layout->width,
                      .ld = layout->width,
                      .share = 1};
  sac_stack noise = {
      .data = actor->noise, .stride = n_rows * (size_t)noise_dim, .ld = noise_dim, .share = 1};
  sac_normal_fill fill = {.n = actor->n_seeds,
                          .rows = actor->n_rows,
                          .cols = noise_dim,
                          .key = actor->key,
                          .purpose = SAC_DRAW_ACT,
                          .step = actor->step,
                          .out = noise};
  ops->normal_fill(backend, &fill);
  follow(actor);
  sac_policy_draw draw = {.rows = actor->n_rows,
                          .obs = sac_agent_see(actor->agent, actor->n_rows, staged),
                          .noise = noise,
                          .action = sac_agent_columns(staged, sac_row_action(layout))};
  sac_policy_sample(acting_policy(actor), acting_pass(actor), &draw);
  explore(actor, &draw);
  if (!actor->rows) return SAC_OK;
  ops->download(backend, rows, actor->rows, bytes);
  // actions of a device that failed never reach the environments
  return actor->agent->backend->ops->sync(actor->agent->backend, err);
}
