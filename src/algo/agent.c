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
  if (status == SAC_OK) status = sac_agent_allocate(self, options, err);
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
  if (!act->noise.data && agent->choice.judged.data) {
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
  size_t all = agent->losses.count, n_critics = (size_t)agent->n_critics;
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
  if (!agent->def->on_policy) sac_agent_draw_batch(agent, replay);
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
