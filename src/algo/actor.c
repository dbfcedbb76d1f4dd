#include "algo/actor.h"

#include <stdlib.h>

#include "algo/agent.h"

struct sac_actor {
  sac_agent *agent;
  sac_backend *backend;  // where it acts
  int n_seeds, n_rows;   // rows a seed
  sac_row_layout layout;
  bool rollout;
  sac_real *rows;   // (n_seeds, n_rows, width) the staged transitions in the backend's memory; NULL
                    // where they lie there already
  sac_real *noise;  // (n_seeds, n_rows, noise_dim)
  uint64_t *step, *key;  // one, (n_seeds)
  sac_hierarchy *lower;  // of the agent, or its copy here; NULL where there is none
  sac_real *applied;     // (n_seeds, n_rows, width) rows of the environments' actions below it, in
                         // the backend's memory
  sac_real *applied_here;  // the same in host memory; NULL where rows lie in the backend's
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

static size_t rows_bytes(const sac_actor *self) {
  return count_rows(self) * (size_t)self->layout.width * sizeof(sac_real);
}

// the layers below, where they are to act
static sac_status open_lower(sac_actor *self, bool in_place, sac_error *err) {
  sac_backend *backend = self->backend;
  void *memory = NULL;
  self->lower = self->agent->lower;
  if (!self->lower) return SAC_OK;
  if (self->copies) {
    self->lower = NULL;
    SAC_TRY(sac_hierarchy_copy(self->agent->lower, backend, self->n_rows, &self->lower, err));
  }
  SAC_TRY(backend->ops->alloc(backend, rows_bytes(self), &memory, err));
  self->applied = memory;
  if (in_place) return SAC_OK;
  self->applied_here = calloc(1, rows_bytes(self));
  return self->applied_here ? SAC_OK
                            : sac_error_set(err, SAC_FAILED, "no memory for applied actions");
}

static sac_status allocate_rows(sac_actor *self, const sac_actor_options *options, sac_error *err) {
  sac_backend *backend = self->backend;
  size_t values = count_rows(self) * sizeof(sac_real), n_seeds = (size_t)self->n_seeds;
  void *memory = NULL;
  if (!options->in_place) {
    SAC_TRY(backend->ops->alloc(backend, values * (size_t)self->layout.width, &memory, err));
    self->rows = memory;
  }
  SAC_TRY(backend->ops->alloc(backend, values * (size_t)sac_agent_noise_dim(self->agent), &memory,
                              err));
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
  // a rollout is of the policy itself
  if (self->rollout || !sac_explorer_wanted(&self->agent->cfg)) return SAC_OK;
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
  self->rollout = options->rollout;
  self->copied_at = UINT64_MAX;
  SAC_ASSERT(!(self->copies && options->in_place));
  SAC_ASSERT(!(self->copies && self->agent->scaling.obs_mean));
  sac_status status = allocate_rows(self, options, err);
  if (status == SAC_OK && self->copies) status = create_copy(self, err);
  if (status == SAC_OK) status = create_explorers(self, options->seeds, err);
  if (status == SAC_OK) status = open_lower(self, options->in_place, err);
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
  void *memory[] = {actor->rows, actor->noise, actor->step, actor->memory, actor->applied};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (memory[i]) actor->backend->ops->release(actor->backend, memory[i]);
  if (actor->copies) sac_policy_release(&actor->policy);
  if (actor->copies) sac_hierarchy_destroy(actor->lower);
  free(actor->applied_here);
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

// matrices of every seed, `ld` values a row
static sac_stack rows_of(const sac_actor *self, sac_real *data, int ld) {
  return (sac_stack){
      .data = data, .stride = (size_t)self->n_rows * (size_t)ld, .ld = ld, .share = 1};
}

static void draw_normals(sac_actor *self, int cols, sac_stack out) {
  sac_normal_fill fill = {.n = self->n_seeds,
                          .rows = self->n_rows,
                          .cols = cols,
                          .key = self->key,
                          .purpose = SAC_DRAW_ACT,
                          .step = self->step,
                          .out = out};
  self->backend->ops->normal_fill(self->backend, &fill);
}

// the policy's action for every row, as its episode explores
static void act(sac_actor *self, sac_stack staged) {
  int noise_dim = sac_agent_noise_dim(self->agent);
  sac_stack noise = rows_of(self, self->noise, noise_dim);
  draw_normals(self, noise_dim, noise);
  follow(self);
  sac_policy_draw draw = {.rows = self->n_rows,
                          .obs = sac_agent_see(self->agent, self->n_rows, staged),
                          .noise = noise,
                          .action = sac_agent_columns(staged, sac_row_action(&self->layout))};
  if (self->rollout) {
    draw.u = sac_agent_columns(staged, sac_rollout_u(&self->layout));
    draw.log_pi = sac_agent_columns(staged, sac_rollout_log_pi(&self->layout));
  }
  if (sac_chains_walks(self->agent))
    sac_chains_walk(self->agent, &draw);
  else
    sac_policy_sample(acting_policy(self), acting_pass(self), &draw);
  explore(self, &draw);
}

// the environments' actions into the rows beside
static void descend(sac_actor *self, sac_stack staged) {
  sac_stack applied = rows_of(self, self->applied, self->layout.width);
  int column = sac_row_action(&self->layout);
  for (int i = 0; i < self->n_seeds; i++) {
    sac_descent descent = {.rows = self->n_rows,
                           .obs = of_seed(staged, i),
                           .latent = of_seed(sac_agent_columns(staged, column), i),
                           .action = of_seed(sac_agent_columns(applied, column), i)};
    sac_hierarchy_act(self->lower, &descent);
  }
}

static sac_status draw(sac_actor *self, uint64_t step, sac_real *rows, bool from_prior,
                       sac_error *err) {
  const sac_ops *ops = self->backend->ops;
  if (self->rows) ops->upload(self->backend, self->rows, rows, rows_bytes(self));
  ops->upload(self->backend, self->step, &step, sizeof step);
  sac_stack staged = rows_of(self, self->rows ? self->rows : rows, self->layout.width);
  if (from_prior)
    draw_normals(self, self->layout.act_dim,
                 sac_agent_columns(staged, sac_row_action(&self->layout)));
  else
    act(self, staged);
  if (self->lower) descend(self, staged);
  if (!self->rows) return SAC_OK;
  ops->download(self->backend, rows, self->rows, rows_bytes(self));
  if (self->lower)
    ops->download(self->backend, self->applied_here, self->applied, rows_bytes(self));
  // actions of a device that failed never reach the environments
  return self->agent->backend->ops->sync(self->agent->backend, err);
}

sac_status sac_actor_draw(sac_actor *actor, uint64_t step, sac_real *rows, sac_error *err) {
  return draw(actor, step, rows, false, err);
}

sac_status sac_actor_draw_prior(sac_actor *actor, uint64_t step, sac_real *rows, sac_error *err) {
  return draw(actor, step, rows, true, err);
}

sac_real *sac_actor_applied(const sac_actor *actor) {
  return actor->applied_here ? actor->applied_here : actor->applied;
}
