#include "algo/agent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algo/algo_list.h"

static const sac_algorithm_def *find_algorithm(int name) {
  static const sac_algorithm_def *const algorithms[] = {SAC_ALGORITHMS};
  const char *wanted = sac_config_word("algorithm.name", name);
  for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
    if (strcmp(algorithms[i]->name, wanted) == 0) return algorithms[i];
  return NULL;
}

sac_experience sac_algorithm_experience(const sac_config *cfg, int obs_dim, int act_dim) {
  const sac_algorithm_def *def = find_algorithm(cfg->algorithm.name);
  SAC_ASSERT(def != NULL);
  if (!def->on_policy)
    return (sac_experience){.layout = sac_row_layout_make(obs_dim, act_dim),
                            .capacity = (size_t)cfg->algorithm.buffer_size,
                            .batch_size = (int)cfg->algorithm.batch_size};
  int64_t rows = cfg->algorithm.pg.rollout_steps * cfg->env.n_envs;
  bool whole =
      cfg->algorithm.pg.form == SAC_PG_FORM_REINFORCE || cfg->algorithm.pg.minibatch > rows;
  return (sac_experience){.on_policy = true,
                          .layout = sac_rollout_layout_make(obs_dim, act_dim),
                          .capacity = (size_t)rows,
                          .batch_size = (int)(whole ? rows : cfg->algorithm.pg.minibatch)};
}

sac_status sac_algorithm_require_replay(const sac_config *cfg, const char *what, sac_error *err) {
  const sac_algorithm_def *def = find_algorithm(cfg->algorithm.name);
  if (!def->on_policy) return SAC_OK;
  return sac_error_set(
      err, SAC_BAD_CONFIG,
      "%s: algorithm.name is %s, must be one that learns from a replay (sac) for %s",
      sac_config_where(cfg, "algorithm.name"), def->name, what);
}

sac_stack sac_agent_carve(sac_arena *arena, int n, int rows, int cols) {
  sac_stack stack = {.stride = (size_t)rows * (size_t)cols, .ld = cols, .share = 1};
  stack.data = sac_arena_take(arena, (size_t)n * stack.stride * sizeof(sac_real));
  return stack;
}

static void carve_batch(sac_agent *self, sac_arena *arena) {
  int n = self->n_seeds, rows = self->batch_size, members = n * self->n_critics;
  int width = self->obs_dim + self->act_dim;
  sac_batch *batch = &self->batch;
  batch->now = sac_agent_carve(arena, n, rows, width);
  batch->both = sac_agent_carve(arena, n, 2 * rows, width);
  batch->reward = sac_agent_carve(arena, n, rows, 1);
  batch->terminated = sac_agent_carve(arena, n, rows, 1);
  batch->noise = sac_agent_carve(arena, n, 2 * rows, self->policy.noise_dim);
  batch->log_pi = sac_agent_carve(arena, n, 2 * rows, 1);
  batch->y = sac_agent_carve(arena, n, rows, 1);
  batch->v_target = sac_agent_carve(arena, n, rows, 1);
  if (self->cfg.algorithm.n_steps > 1) batch->discount = sac_agent_carve(arena, n, rows, 1);
  if (self->cfg.algorithm.priority.enabled) {
    batch->weight = sac_agent_carve(arena, n, rows, 1);
    batch->place = sac_arena_take(arena, (size_t)(n * rows) * sizeof *batch->place);
  }
  batch->dq = sac_agent_carve(arena, members, rows, self->act_dim);
  if (self->policy.kind->by_likelihood_ratio) {
    batch->integrand = sac_agent_carve(arena, n, rows, 1);
    batch->log_pi_again = sac_agent_carve(arena, n, rows, 1);
  }
  batch->row = sac_arena_take(arena, (size_t)(members * rows) * sizeof *batch->row);
  batch->row_count = sac_arena_take(arena, (size_t)members * sizeof *batch->row_count);
}

// the losses lie one after the other, so that one check sees them all
static size_t losses_size(const sac_agent *self) {
  return (size_t)self->n_seeds * (size_t)(self->n_critics + 4);
}

static void carve_losses(sac_agent *self, sac_arena *arena) {
  sac_real *at = sac_arena_take(arena, losses_size(self) * sizeof *at);
  size_t n = (size_t)self->n_seeds;
  self->losses.sample_size = sac_arena_take(arena, n * sizeof *at);
  if (!at) return;
  self->losses.q = at;
  self->losses.v = at + n * (size_t)self->n_critics;
  self->losses.policy = self->losses.v + n;
  self->losses.temperature = self->losses.policy + n;
  self->losses.entropy = self->losses.temperature + n;
}

// rows that are looked at in one go: to act on, or a whole rollout
static int seen_rows(const sac_agent *self) {
  int rollout_rows = self->lesson.rollout_rows;
  return self->act_rows > rollout_rows ? self->act_rows : rollout_rows;
}

static void carve_scaling(sac_agent *self, sac_arena *arena) {
  size_t n = (size_t)self->n_seeds, obs_dim = (size_t)self->obs_dim;
  sac_scaling *scaling = &self->scaling;
  if (self->cfg.env.normalize_obs) {
    scaling->obs_mean = sac_arena_take(arena, n * obs_dim * sizeof(sac_real));
    scaling->obs_scale = sac_arena_take(arena, n * obs_dim * sizeof(sac_real));
    scaling->seen = sac_arena_take(arena, n * (size_t)seen_rows(self) * obs_dim * sizeof(sac_real));
  }
  if (self->cfg.env.normalize_reward) {
    scaling->reward_mean = sac_arena_take(arena, n * sizeof(sac_real));
    scaling->reward_scale = sac_arena_take(arena, n * sizeof(sac_real));
  }
}

static bool chooses(const sac_agent *self) {
  return self->policy.candidates > 1;
}

static void carve_choice(sac_agent *self, sac_arena *arena) {
  sac_choice *choice = &self->choice;
  int rows = SAC_CHOICE_ROWS * self->policy.candidates;
  if (!chooses(self)) return;
  choice->judged = sac_agent_carve(arena, self->n_seeds, rows, self->obs_dim + self->act_dim);
  if (self->policy.draws_candidates)
    choice->noise = sac_agent_carve(arena, self->n_seeds, rows, self->policy.noise_dim);
  sac_policy_pass_carve(&self->policy, rows, false, arena, &choice->policy_pass);
  sac_mlp_pass_carve(&self->q.mlp, rows, false, arena, &choice->q_pass);
}

// of its pass while learning: at s, and off-policy at s' beside
static int policy_rows(const sac_agent *self) {
  if (self->def->uses_particles) return sac_particles_rows(self);
  return self->def->on_policy ? self->batch_size : 2 * self->batch_size;
}

static void carve_target(const sac_agent *self, const sac_critic *critic, sac_arena *arena,
                         const sac_mlp_pass *own, sac_mlp_pass *target) {
  if (critic->target.value && self->backend->ops->overlaps)
    sac_mlp_pass_carve(&critic->mlp, self->batch_size, false, arena, target);
  else
    *target = *own;
  // nothing is passed back through a target
  memset(target->normalised, 0, sizeof target->normalised);
}

static void carve_q(sac_agent *self, sac_arena *arena) {
  carve_batch(self, arena);
  sac_mlp_pass_carve(&self->q.mlp, self->batch_size, true, arena, &self->q_pass);
  carve_target(self, &self->q, arena, &self->q_pass, &self->q_target_pass);
}

static void carve_all(sac_agent *self, sac_arena *arena) {
  if (self->def->on_policy)
    sac_lesson_carve(self, arena);
  else
    carve_q(self, arena);
  carve_losses(self, arena);
  carve_scaling(self, arena);
  sac_policy_pass_carve(&self->policy, policy_rows(self), true, arena, &self->policy_pass);
  sac_policy_pass_carve(&self->policy, self->act_rows, false, arena, &self->act_pass);
  if (self->def->uses_value) {
    sac_mlp_pass_carve(&self->value.mlp, self->batch_size, true, arena, &self->value_pass);
    carve_target(self, &self->value, arena, &self->value_pass, &self->value_target_pass);
  }
  carve_choice(self, arena);
  if (self->def->uses_particles) sac_particles_carve(self, arena);
  self->key = sac_arena_take(arena, (size_t)self->n_seeds * sizeof *self->key);
  self->update = sac_arena_take(arena, sizeof *self->update);
  self->fault = sac_arena_take(arena, (size_t)self->n_seeds * sizeof *self->fault);
}

// a trained block is values, gradients, two moments and, while it is drawn, a copy of the values
static size_t networks_bytes(sac_agent *self) {
  size_t bytes = 0;
  sac_params *params;
  for (int i = 0; (params = sac_agent_params(self, i)); i++)
    bytes += (size_t)params->n * params->count * sizeof(sac_real) * (params->grad ? 5 : 1);
  return bytes;
}

// memory is taken when it is first written to: what would not fit must be refused before that
static sac_status check_memory(sac_agent *self, size_t workspace, const sac_agent_options *options,
                               sac_error *err) {
  size_t agents = options->agents > 1 ? (size_t)options->agents : 1;
  size_t networks = networks_bytes(self) * agents, promised = options->promised_bytes;
  workspace *= agents;
  size_t available = self->backend->ops->memory_available(self->backend);
  if (available == 0 || networks + workspace + promised <= available) return SAC_OK;
  return sac_error_set(err, SAC_FAILED,
                       "networks and optimisers need %.1f GB, batches of %d rows %.1f GB, the "
                       "replay %.1f GB, this machine has %.1f GB available: make policy.hidden, "
                       "critic.hidden, algorithm.n_critics, algorithm.batch_size or "
                       "algorithm.buffer_size smaller%s",
                       (double)networks / 1e9, self->batch_size, (double)workspace / 1e9,
                       (double)promised / 1e9, (double)available / 1e9,
                       agents * (size_t)self->n_seeds > 1 ? ", or train fewer run.seeds" : "");
}

static sac_status allocate_workspace(sac_agent *self, const sac_agent_options *options,
                                     sac_error *err) {
  sac_backend *backend = self->backend;
  sac_arena arena = {0};
  carve_all(self, &arena);
  SAC_TRY(check_memory(self, arena.used, options, err));
  SAC_TRY(backend->ops->alloc(backend, arena.used, &self->memory, err));
  arena = (sac_arena){.memory = self->memory, .size = arena.used};
  carve_all(self, &arena);
  int chosen = chooses(self) ? SAC_CHOICE_ROWS * self->policy.candidates : 0;
  int rows = self->act_rows > policy_rows(self) ? self->act_rows : policy_rows(self);
  SAC_TRY(sac_policy_reserve(&self->policy, rows > chosen ? rows : chosen, err));
  int judged = self->batch_size > chosen ? self->batch_size : chosen;
  if (self->def->on_policy) SAC_TRY(sac_lesson_reserve(self, err));
  if (self->n_critics > 0) SAC_TRY(sac_mlp_reserve(&self->q.mlp, backend, judged, err));
  if (self->def->uses_particles) SAC_TRY(sac_particles_reserve(self, err));
  if (!self->def->uses_value) return SAC_OK;
  return sac_mlp_reserve(&self->value.mlp, backend, self->batch_size, err);
}

static sac_status create_networks(sac_agent *self, sac_error *err) {
  const sac_config *cfg = &self->cfg;
  sac_policy_options policy = {.cfg = cfg,
                               .n_seeds = self->n_seeds,
                               .obs_dim = self->actor_obs_dim,
                               .act_dim = self->act_dim,
                               .backend = self->backend};
  SAC_TRY(sac_policy_create(&policy, &self->policy, err));
  sac_critic_shape q = {.prefix = "critic.qf",
                        .target_prefix = self->def->uses_value ? NULL : "critic_target.qf",
                        .numbered = true,
                        .n_seeds = self->n_seeds,
                        .networks = self->n_critics,
                        .input = self->obs_dim + self->act_dim};
  if (self->n_critics > 0) SAC_TRY(sac_critic_create(cfg, q, self->backend, &self->q, err));
  if (self->def->uses_value) {
    sac_critic_shape value = {.prefix = "value.",
                              .target_prefix = self->def->on_policy ? NULL : "value_target.",
                              .n_seeds = self->n_seeds,
                              .networks = 1,
                              .input = self->obs_dim};
    SAC_TRY(sac_critic_create(cfg, value, self->backend, &self->value, err));
  }
  self->temperature = (sac_params){.prefix = "", .n = self->n_seeds, .networks = 1};
  sac_params_add(&self->temperature, "log_ent_coef", 1, 0, 0, 0);

  return sac_params_allocate(&self->temperature, self->backend, true, err);
}

// as they are, until there are statistics
static sac_status reset_scaling(sac_agent *self, sac_error *err) {
  sac_real *mean = calloc((size_t)self->obs_dim, sizeof *mean);
  sac_real *scale = calloc((size_t)self->obs_dim, sizeof *scale);
  for (int j = 0; scale && j < self->obs_dim; j++) scale[j] = 1;
  for (int i = 0; mean && scale && i < self->n_seeds; i++)
    sac_agent_set_scaling(self, i, mean, scale, 1);
  bool enough = mean && scale;
  free(mean);
  free(scale);
  return enough ? SAC_OK : sac_error_set(err, SAC_FAILED, "no memory for the agent");
}

static sac_status initialise_networks(sac_agent *self, const uint64_t *seeds, sac_error *err) {
  int actor = self->cfg.policy.init, critic = self->cfg.critic.init;
  SAC_TRY(sac_params_init(&self->policy.params, actor, seeds, 0, err));
  if (self->n_critics > 0) SAC_TRY(sac_params_init(&self->q.params, critic, seeds, 1, err));
  if (self->q.target.value) sac_critic_copy_target(&self->q);
  if (self->def->uses_value) {
    SAC_TRY(sac_params_init(&self->value.params, critic, seeds, 2, err));
    if (self->value.target.value) sac_critic_copy_target(&self->value);
  }
  SAC_TRY(reset_scaling(self, err));
  sac_real log_alpha = (sac_real)log(self->cfg.algorithm.ent_coef.initial);
  for (int i = 0; i < self->n_seeds; i++)
    self->backend->ops->upload(self->backend,
                               self->temperature.value + (size_t)i * self->temperature.count,
                               &log_alpha, sizeof log_alpha);
  self->backend->ops->upload(self->backend, self->key, seeds,
                             (size_t)self->n_seeds * sizeof *seeds);
  if (self->choice.noise.data) sac_agent_prepare_choice(self);
  return SAC_OK;
}

sac_status sac_agent_create(const sac_agent_options *options, sac_agent **agent, sac_error *err) {
  sac_agent *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the agent");
  self->cfg = *options->cfg;
  self->def = find_algorithm(self->cfg.algorithm.name);
  SAC_ASSERT(self->def != NULL);
  self->backend = options->backend;
  self->n_seeds = options->n_seeds;
  self->obs_dim = options->obs_dim;
  self->actor_obs_dim = options->actor_obs_dim;
  self->act_dim = options->act_dim;
  self->batch_size = options->batch_size;
  self->act_rows = options->act_rows;
  self->lower = options->lower;
  self->lesson.rollout_rows = options->rollout_rows;
  self->n_critics = self->def->on_policy ? 0 : (int)self->cfg.algorithm.n_critics;
  self->learns_temperature = self->cfg.algorithm.ent_coef.learned;
  double target = self->cfg.algorithm.target_entropy;
  self->target_entropy = (sac_real)(isnan(target) ? -self->act_dim : target);
  sac_status status = create_networks(self, err);
  if (self->def->uses_particles) sac_particles_init(self);
  if (status == SAC_OK) status = allocate_workspace(self, options, err);
  if (status == SAC_OK) status = initialise_networks(self, options->seeds, err);
  if (status == SAC_OK) *agent = self;
  if (status != SAC_OK) sac_agent_destroy(self);
  return status;
}

void sac_agent_destroy(sac_agent *agent) {
  if (!agent) return;
  for (int i = 0; i < 4; i++)
    agent->backend->ops->sequence_release(agent->backend, &agent->sequence[i / 2][i % 2]);
  sac_policy_release(&agent->policy);
  sac_critic_release(&agent->q);
  sac_critic_release(&agent->value);
  sac_params_release(&agent->temperature);
  if (agent->memory) agent->backend->ops->release(agent->backend, agent->memory);
  free(agent);
}

int sac_agent_seeds(const sac_agent *agent) {
  return agent->n_seeds;
}

sac_params *sac_agent_params(sac_agent *agent, int i) {
  sac_params *all[] = {&agent->policy.params, &agent->q.params,     &agent->q.target,
                       &agent->value.params,  &agent->value.target, &agent->temperature};
  for (size_t at = 0; at < sizeof all / sizeof *all; at++)
    if (all[at]->value && i-- == 0) return all[at];
  return NULL;
}

bool sac_agent_squashes(const sac_agent *agent) {
  return agent->lower ? sac_hierarchy_squashes(agent->lower) : agent->policy.gaussian.squash;
}

int sac_agent_noise_dim(const sac_agent *agent) {
  return sac_chains_noise_dim(agent);
}

const char *sac_agent_optimiser(const sac_agent *agent, const sac_params *params) {
  if (params == &agent->policy.params) return "actor";
  if (params == &agent->q.params) return "critic";
  if (params == &agent->value.params) return "value";
  if (params == &agent->temperature && agent->learns_temperature) return "ent_coef";
  return NULL;
}

void sac_agent_set_updates(sac_agent *agent, uint64_t n_updates) {
  agent->n_updates = n_updates;
  agent->backend->ops->upload(agent->backend, agent->update, &n_updates, sizeof n_updates);
}

void sac_agent_watch(sac_agent *agent, void (*on_phase)(void *context, sac_phase phase),
                     void *context) {
  agent->on_phase = on_phase;
  agent->on_phase_context = context;
}

static double read_real(const sac_agent *agent, const sac_real *at) {
  sac_real value;
  agent->backend->ops->download(agent->backend, &value, at, sizeof value);
  return (double)value;
}

sac_loss_values sac_agent_losses(sac_agent *agent, int i_seed) {
  sac_loss_values out = {.q = agent->n_critics > 0 ? 0 : NAN,
                         .v = NAN,
                         .ent_coef_loss = NAN,
                         .entropy = NAN,
                         .sample_size = NAN};
  const sac_real *q = agent->losses.q + (size_t)(i_seed * agent->n_critics);
  for (int i = 0; i < agent->n_critics; i++) out.q += read_real(agent, q + i) / agent->n_critics;
  out.policy = read_real(agent, agent->losses.policy + i_seed);
  if (agent->def->uses_particles)
    out.sample_size = read_real(agent, agent->losses.sample_size + i_seed);
  else
    out.entropy = read_real(agent, agent->losses.entropy + i_seed);
  out.acceptance = sac_chains_acceptance(agent, i_seed);
  if (agent->def->uses_value) out.v = read_real(agent, agent->losses.v + i_seed);
  if (agent->learns_temperature)
    out.ent_coef_loss = read_real(agent, agent->losses.temperature + i_seed);
  const sac_real *log_alpha = agent->temperature.value + (size_t)i_seed * agent->temperature.count;
  out.ent_coef = exp(read_real(agent, log_alpha));
  return out;
}

static sac_status name_bad_loss(sac_agent *agent, int i_seed, sac_error *err) {
  sac_loss_values loss = sac_agent_losses(agent, i_seed);
  const char *names[] = {"q_loss", "policy_loss", "ent_coef", "v_loss"};
  double values[] = {agent->n_critics > 0 ? loss.q : 0, loss.policy, loss.ent_coef,
                     agent->def->uses_value ? loss.v : 0};
  for (int i = 0; i < 4; i++)
    if (!isfinite(values[i]))
      return sac_error_set(err, SAC_BAD_NUMBER, "update %llu: %s is %g",
                           (unsigned long long)agent->n_updates, names[i], values[i]);
  return sac_error_set(err, SAC_BAD_NUMBER, "a loss before update %llu was not finite",
                       (unsigned long long)agent->n_updates);
}

static uint64_t read_fault(sac_agent *agent, int i_seed) {
  uint64_t fault = 0;
  agent->backend->ops->download(agent->backend, &fault, agent->fault + i_seed, sizeof fault);
  return fault;
}

static sac_status check_weights(sac_agent *agent, int i_seed, sac_error *err) {
  sac_params *params;
  for (int i = 0; (params = sac_agent_params(agent, i)); i++) {
    if (params == &agent->temperature && !agent->learns_temperature) continue;
    size_t count = (size_t)params->networks * params->count;
    sac_finite_check check = {.n = 1,
                              .count = count,
                              .share = count,
                              .values = params->value + (size_t)i_seed * count,
                              .flag = agent->fault + i_seed,
                              .bit = SAC_FAULT_WEIGHTS};
    agent->backend->ops->finite_check(agent->backend, &check);
    if (read_fault(agent, i_seed) & SAC_FAULT_WEIGHTS)
      return sac_error_set(err, SAC_BAD_NUMBER, "update %llu: a weight of %s is not finite",
                           (unsigned long long)agent->n_updates,
                           params->prefix[0] ? params->prefix : "log_ent_coef");
  }
  return SAC_OK;
}

sac_status sac_agent_wait(sac_agent *agent, uint64_t *faults, sac_error *err) {
  const sac_ops *ops = agent->backend->ops;
  ops->download(agent->backend, faults, agent->fault, (size_t)agent->n_seeds * sizeof *faults);
  return ops->sync(agent->backend, err);
}

sac_status sac_agent_check(sac_agent *agent, int i_seed, bool weights, sac_error *err) {
  if (read_fault(agent, i_seed) & SAC_FAULT_LOSS) return name_bad_loss(agent, i_seed, err);
  return weights ? check_weights(agent, i_seed, err) : SAC_OK;
}

static void upload_one(sac_agent *agent, sac_real *to, int i_seed, const sac_real *from,
                       int count) {
  size_t size = (size_t)count;
  agent->backend->ops->upload(agent->backend, to + (size_t)i_seed * size, from,
                              size * sizeof *from);
}

void sac_agent_set_scaling(sac_agent *agent, int i_seed, const sac_real *obs_mean,
                           const sac_real *obs_scale, sac_real reward_scale) {
  sac_scaling *scaling = &agent->scaling;
  if (scaling->obs_mean) {
    upload_one(agent, scaling->obs_mean, i_seed, obs_mean, agent->obs_dim);
    upload_one(agent, scaling->obs_scale, i_seed, obs_scale, agent->obs_dim);
  }
  if (scaling->reward_scale) upload_one(agent, scaling->reward_scale, i_seed, &reward_scale, 1);
}

static void normalise_obs(sac_agent *self, int rows, sac_stack x, sac_stack y) {
  sac_normalise step = {.n = self->n_seeds,
                        .rows = rows,
                        .cols = self->obs_dim,
                        .x = x,
                        .y = y,
                        .mean = self->scaling.obs_mean,
                        .scale = self->scaling.obs_scale};
  self->backend->ops->normalise(self->backend, &step);
}

sac_stack sac_agent_see(sac_agent *agent, int rows, sac_stack obs) {
  if (!agent->scaling.obs_mean) return obs;
  sac_stack seen = {.data = agent->scaling.seen,
                    .stride = (size_t)seen_rows(agent) * (size_t)agent->obs_dim,
                    .ld = agent->obs_dim,
                    .share = 1};
  normalise_obs(agent, rows, obs, seen);
  return seen;
}

static sac_stack member_of(const sac_stack *stack, int i) {
  return (sac_stack){.data = sac_stack_member(stack, i), .ld = stack->ld, .share = 1};
}

// the lower layers' part, in place
static void descend(sac_agent *self, const sac_act *act) {
  for (int i = 0; i < self->n_seeds && self->lower; i++) {
    sac_descent descent = {.rows = act->rows,
                           .obs = member_of(&act->obs, i),
                           .latent = member_of(&act->action, i),
                           .action = member_of(&act->action, i)};
    sac_hierarchy_act(self->lower, &descent);
  }
}

static void act_by_own(sac_agent *agent, const sac_act *act) {
  if (!act->noise.data && chooses(agent)) {
    sac_agent_choose(agent, act);
    return;
  }
  sac_policy_draw draw = {.rows = act->rows,
                          .obs = sac_agent_see(agent, act->rows, act->obs),
                          .noise = act->noise,
                          .action = act->action};
  if (act->noise.data && sac_chains_walks(agent))
    sac_chains_walk(agent, &draw);
  else
    sac_policy_sample(&agent->policy, &agent->act_pass, &draw);
}

void sac_agent_act(sac_agent *agent, const sac_act *act) {
  act_by_own(agent, act);
  descend(agent, act);
}

// the replay keeps what the environments gave
static void scale_batch(sac_agent *self) {
  sac_batch *batch = &self->batch;
  if (self->scaling.obs_mean) {
    normalise_obs(self, self->batch_size, batch->now, batch->now);
    normalise_obs(self, 2 * self->batch_size, batch->both, batch->both);
  }
  // rewards of several steps were scaled before they were summed
  if (!self->scaling.reward_scale || self->cfg.algorithm.n_steps > 1) return;
  sac_normalise step = {.n = self->n_seeds,
                        .rows = self->batch_size,
                        .cols = 1,
                        .x = batch->reward,
                        .y = batch->reward,
                        .mean = self->scaling.reward_mean,
                        .scale = self->scaling.reward_scale};
  self->backend->ops->normalise(self->backend, &step);
}

// updates until the importance weights undo all of the bias: those of the run unless given
static double updates_of_beta(const sac_config *cfg) {
  if (cfg->algorithm.priority.beta_updates > 0) return (double)cfg->algorithm.priority.beta_updates;
  double steps = (double)(cfg->algorithm.total_timesteps - cfg->algorithm.learning_starts);
  double turn = (double)(cfg->algorithm.train_freq * cfg->env.n_envs);
  double each =
      cfg->algorithm.gradient_steps < 0 ? 1 : (double)cfg->algorithm.gradient_steps / turn;
  return fmax(1, steps * each);
}

static void draw_places(sac_agent *self, const sac_replay *replay) {
  sac_priority_draw draw = {.priorities = replay->priorities,
                            .rows = self->batch_size,
                            .beta = self->cfg.algorithm.priority.beta,
                            .beta_updates = updates_of_beta(&self->cfg),
                            .count = replay->count_device,
                            .key = self->key,
                            .update = self->update,
                            .index = self->batch.place,
                            .weight = self->batch.weight};
  self->backend->ops->priority_draw(self->backend, &draw);
}

// xi at s, and at s' where the target needs the next action
static void draw_noise(sac_agent *self) {
  const sac_ops *ops = self->backend->ops;
  sac_normal_fill noise = {.n = self->n_seeds,
                           .rows = self->batch_size,
                           .cols = self->policy.noise_dim,
                           .key = self->key,
                           .purpose = SAC_DRAW_NOISE_NOW,
                           .step = self->update,
                           .out = self->batch.noise};
  ops->normal_fill(self->backend, &noise);
  noise.purpose = SAC_DRAW_NOISE_NEXT;
  noise.out = sac_agent_rows(self->batch.noise, self->batch_size);
  if (self->def->uses_next_action) ops->normal_fill(self->backend, &noise);
}

static void draw_batch(sac_agent *self, const sac_replay *replay) {
  const sac_ops *ops = self->backend->ops;
  sac_batch *batch = &self->batch;
  sac_replay_gather gather = {.n = self->n_seeds,
                              .rows = self->batch_size,
                              .layout = replay->layout,
                              .ring = replay->ring,
                              .capacity = replay->capacity,
                              .count = replay->count_device,
                              .key = self->key,
                              .update = self->update,
                              .now = batch->now,
                              .both = batch->both,
                              .reward = batch->reward,
                              .terminated = batch->terminated,
                              .index = batch->place,
                              .n_steps = (int)self->cfg.algorithm.n_steps,
                              .n_envs = replay->n_envs,
                              .gamma = (sac_real)self->cfg.algorithm.gamma,
                              .pushed = replay->pushed_device,
                              .reward_factor = self->scaling.reward_scale,
                              .discount = batch->discount};
  if (batch->place) draw_places(self, replay);
  ops->replay_gather(self->backend, &gather);
  scale_batch(self);
  if (!self->def->uses_particles) draw_noise(self);
}

static void check_values(sac_agent *agent, const sac_real *values, size_t count, size_t share) {
  sac_finite_check check = {.n = agent->n_seeds,
                            .count = count,
                            .share = share,
                            .values = values,
                            .flag = agent->fault,
                            .bit = SAC_FAULT_LOSS};
  agent->backend->ops->finite_check(agent->backend, &check);
}

// the critics' losses lie seed by seed, the others one a seed; of one seed all lie together
static void check_losses(sac_agent *agent) {
  size_t all = losses_size(agent), n_critics = (size_t)agent->n_critics;
  size_t of_q = (size_t)agent->n_seeds * n_critics;
  if (agent->n_seeds == 1) {
    check_values(agent, agent->losses.q, all, all);
    return;
  }
  if (n_critics > 0) check_values(agent, agent->losses.q, of_q, n_critics);
  check_values(agent, agent->losses.v, all - of_q, 1);
}

static void issue_update(sac_agent *agent, const sac_replay *replay) {
  sac_agent_phase(agent, SAC_PHASE_GATHER);
  if (!agent->def->on_policy) draw_batch(agent, replay);
  agent->def->learn(agent);
  check_losses(agent);
  agent->backend->ops->tick(agent->backend, agent->update);
}

void sac_agent_update(sac_agent *agent, const sac_replay *replay) {
  const sac_ops *ops = agent->backend->ops;
  sac_sequence *sequence =
      &agent->sequence[sac_agent_policy_turn(agent)][sac_agent_target_turn(agent)];
  SAC_ASSERT(!agent->replay || agent->replay == replay);
  agent->replay = replay;
  if (agent->on_phase) {
    issue_update(agent, replay);
  } else if (ops->sequence_begin(agent->backend, sequence)) {
    issue_update(agent, replay);
    ops->sequence_end(agent->backend, sequence);
  }
  agent->n_updates++;
}
