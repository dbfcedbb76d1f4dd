#include "config/resolve.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool is_given(const sac_config *cfg, const char *key) {
  return cfg->where[sac_config_field_find(key)][0] != '\0';
}

// a mistake is shown where the user gave the first of two keys, else the second
static const char *find_place(const sac_config_loading *self, const char *key, const char *other) {
  const char *chosen = is_given(self->cfg, key) ? key : other;
  if (is_given(self->cfg, chosen)) return sac_config_where(self->cfg, chosen);
  return self->file ? self->file : key;
}

// both keys hold what the user meant them to
static bool can_compare(const sac_config_loading *self, const char *key, const char *other) {
  return !self->failed[sac_config_field_find(key)] && !self->failed[sac_config_field_find(other)];
}

static void require_at_most(sac_config_loading *self, const char *key, int64_t value,
                            const char *other, int64_t limit) {
  if (value <= limit || !can_compare(self, key, other)) return;
  sac_config_mistake(&self->mistakes, find_place(self, key, other),
                     "%s is %" PRId64 ", must be at most %s, which is %" PRId64, key, value, other,
                     limit);
}

static void check_seeds(sac_config_loading *self) {
  const sac_config_list *seeds = &self->cfg->run.seeds;
  for (int i = 0; i < seeds->count; i++)
    for (int j = 0; j < i; j++) {
      if (seeds->at[i] != seeds->at[j]) continue;
      sac_config_mistake(&self->mistakes, sac_config_where(self->cfg, "run.seeds"),
                         "run.seeds has %" PRId64 " twice, must be different seeds", seeds->at[i]);
      return;
    }
}

// one seed in the list is as if it were run.seed
static void resolve_seeds(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  check_seeds(self);
  if (self->bench || cfg->run.seeds.count == 0) return;
  cfg->run.seed = cfg->run.seeds.at[0];
  if (cfg->run.seeds.count == 1) memset(&cfg->run.seeds, 0, sizeof cfg->run.seeds);
}

// a copy of the policy spares a step of few environments the way to the device; many are quicker
// there
enum { HOST_ENVS_MAX = 4 };

// environments on a device want networks and the acting policy there
static void resolve_devices(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  bool on_device = cfg->env.device == SAC_ENVS_ON_DEVICE;
  if (on_device && cfg->run.device == SAC_DEVICE_CPU &&
      can_compare(self, "env.device", "run.device"))
    sac_config_mistake(&self->mistakes, find_place(self, "env.device", "run.device"),
                       "env.device is cuda, must be cpu where run.device is cpu");
  if (on_device && cfg->run.rollout_policy == SAC_ROLLOUT_HOST &&
      can_compare(self, "env.device", "run.rollout_policy"))
    sac_config_mistake(&self->mistakes, find_place(self, "run.rollout_policy", "env.device"),
                       "run.rollout_policy is host, must be auto or device where env.device is "
                       "cuda");
  // running statistics are kept on the host, and the agent's own policy sees by them
  bool sees = cfg->env.normalize_obs;
  if (on_device && (sees || cfg->env.normalize_reward) &&
      can_compare(self, "env.device", "env.normalize_obs"))
    sac_config_mistake(&self->mistakes, find_place(self, "env.device", "env.normalize_obs"),
                       "env.device is cuda, must be cpu with env.normalize_obs or "
                       "env.normalize_reward");
  if (sees && cfg->run.rollout_policy == SAC_ROLLOUT_HOST &&
      can_compare(self, "run.rollout_policy", "env.normalize_obs"))
    sac_config_mistake(&self->mistakes, find_place(self, "run.rollout_policy", "env.normalize_obs"),
                       "run.rollout_policy is host, must be auto or device with env.normalize_obs");
  if (cfg->run.rollout_policy == SAC_ROLLOUT_AUTO)
    cfg->run.rollout_policy = !on_device && !sees && cfg->env.n_envs <= HOST_ENVS_MAX
                                  ? SAC_ROLLOUT_HOST
                                  : SAC_ROLLOUT_DEVICE;
}

static void resolve_run(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  const char *name = cfg->run.name;
  resolve_seeds(self);
  resolve_devices(self);
  if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
    sac_config_mistake(&self->mistakes, sac_config_where(cfg, "run.name"),
                       "run.name is %s, must be one folder name; run.logdir says where it lies",
                       name);
  bool wanted = !self->bench && !self->unreadable && !self->failed[sac_config_field_find("env.id")];
  if (wanted && !*cfg->env.id)
    sac_config_mistake(&self->mistakes, self->file ? self->file : "configuration",
                       "env.id is missing, must name an environment, e.g. env: {id: Pendulum-v1}");
}

// the learned temperature and the order of updates belong to the algorithm
static void resolve_sac(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  if (cfg->algorithm.update_order == SAC_UPDATE_ORDER_SIMULTANEOUS &&
      can_compare(self, "algorithm.update_order", "algorithm.name"))
    sac_config_mistake(&self->mistakes,
                       find_place(self, "algorithm.update_order", "algorithm.name"),
                       "algorithm.update_order is simultaneous, must be auto or sequential for "
                       "algorithm.name sac (sac_v1 has both)");
  cfg->algorithm.update_order = SAC_UPDATE_ORDER_SEQUENTIAL;
}

// a temperature that stays as it is, 1.0 unless given
static void fix_temperature(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  sac_config_coefficient *alpha = &cfg->algorithm.ent_coef;
  if (alpha->learned && is_given(cfg, "algorithm.ent_coef") &&
      can_compare(self, "algorithm.ent_coef", "algorithm.name"))
    sac_config_mistake(&self->mistakes, sac_config_where(cfg, "algorithm.ent_coef"),
                       "algorithm.ent_coef is auto, must be a number in (0, 1000000] for "
                       "algorithm.name %s (sac learns it)",
                       sac_config_word("algorithm.name", cfg->algorithm.name));
  if (alpha->learned) *alpha = (sac_config_coefficient){.initial = 1.0};
}

static void resolve_sac_v1(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  fix_temperature(self);
  if (cfg->algorithm.update_order == SAC_UPDATE_ORDER_AUTO)
    cfg->algorithm.update_order = SAC_UPDATE_ORDER_SIMULTANEOUS;
}

static void require_for_rollouts(sac_config_loading *self, const char *key, bool holds,
                                 const char *wanted) {
  if (holds || !can_compare(self, key, "algorithm.name")) return;
  sac_config_mistake(&self->mistakes, find_place(self, key, "algorithm.name"),
                     "%s must be %s for algorithm.name maxent_pg", key, wanted);
}

// its rollouts take the place of the replay; its policy has one deviation for all observations
static void resolve_maxent_pg(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  fix_temperature(self);
  require_for_rollouts(self, "policy.type", cfg->policy.type == SAC_POLICY_GAUSSIAN, "gaussian");
  require_for_rollouts(self, "hierarchy.lower", !cfg->hierarchy.lower[0], "null");
  if (!is_given(cfg, "policy.log_std.state_dependent")) cfg->policy.log_std.state_dependent = false;
  if (!is_given(cfg, "policy.log_std.init")) cfg->policy.log_std.init = -0.5;
  cfg->algorithm.update_order = SAC_UPDATE_ORDER_SEQUENTIAL;
  int64_t most = INT32_MAX / cfg->env.n_envs;
  if (cfg->algorithm.pg.rollout_steps > most &&
      can_compare(self, "algorithm.pg.rollout_steps", "env.n_envs"))
    sac_config_mistake(&self->mistakes,
                       find_place(self, "algorithm.pg.rollout_steps", "env.n_envs"),
                       "algorithm.pg.rollout_steps is %" PRId64 ", must be at most %" PRId64
                       " with env.n_envs %" PRId64,
                       cfg->algorithm.pg.rollout_steps, most, cfg->env.n_envs);
}

int sac_config_updated_particles(const sac_config *cfg) {
  return (int)((double)cfg->algorithm.sql.kernel_n_particles *
               cfg->algorithm.sql.kernel_update_ratio);
}

// the particles that hold still give the kernel its width, those that move the gradient
static void check_particles(sac_config_loading *self) {
  const char *number = "algorithm.sql.kernel_n_particles",
             *share = "algorithm.sql.kernel_update_ratio";
  int64_t all = self->cfg->algorithm.sql.kernel_n_particles;
  int updated = sac_config_updated_particles(self->cfg);
  if ((updated >= 1 && all - updated >= 2) || !can_compare(self, number, share)) return;
  sac_config_mistake(&self->mistakes, find_place(self, share, number),
                     "%s is %g, must leave at least 2 of the %" PRId64
                     " particles of %s to hold still and 1 to move",
                     share, self->cfg->algorithm.sql.kernel_update_ratio, all, number);
}

static void refuse_with_sql(sac_config_loading *self, const char *key, const char *what) {
  if (!can_compare(self, key, "algorithm.name")) return;
  sac_config_mistake(&self->mistakes, find_place(self, key, "algorithm.name"),
                     "%s for algorithm.name sql", what);
}

// chains need the critics, which a copy of the policy on the host does not have
static void resolve_sampler(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  if (cfg->algorithm.sql.sampler != SAC_SAMPLER_MCMC) return;
  if (is_given(cfg, "run.rollout_policy") && cfg->run.rollout_policy == SAC_ROLLOUT_HOST &&
      can_compare(self, "run.rollout_policy", "algorithm.sql.sampler"))
    sac_config_mistake(&self->mistakes,
                       find_place(self, "run.rollout_policy", "algorithm.sql.sampler"),
                       "run.rollout_policy is host, must be auto or device with "
                       "algorithm.sql.sampler mcmc");
  cfg->run.rollout_policy = SAC_ROLLOUT_DEVICE;
}

static void resolve_sql(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  fix_temperature(self);
  cfg->algorithm.update_order = SAC_UPDATE_ORDER_SEQUENTIAL;
  if (!is_given(cfg, "policy.type")) cfg->policy.type = SAC_POLICY_IMPLICIT;
  if (cfg->policy.type != SAC_POLICY_IMPLICIT && cfg->policy.type != SAC_POLICY_REALNVP)
    refuse_with_sql(self, "policy.type", "policy.type must be implicit or realnvp");
  if (!cfg->policy.squash) refuse_with_sql(self, "policy.squash", "policy.squash must be true");
  if (cfg->algorithm.action_prior != SAC_ACTION_PRIOR_UNIFORM)
    refuse_with_sql(self, "algorithm.action_prior", "algorithm.action_prior must be uniform");
  check_particles(self);
  resolve_sampler(self);
}

static void resolve_replay(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  if (!is_given(cfg, "algorithm.target_subset") &&
      cfg->algorithm.target_subset > cfg->algorithm.n_critics)
    cfg->algorithm.target_subset = cfg->algorithm.n_critics;
  require_at_most(self, "algorithm.target_subset", cfg->algorithm.target_subset,
                  "algorithm.n_critics", cfg->algorithm.n_critics);
  require_at_most(self, "algorithm.batch_size", cfg->algorithm.batch_size, "algorithm.buffer_size",
                  cfg->algorithm.buffer_size);
  require_at_most(self, "env.n_envs", cfg->env.n_envs, "algorithm.buffer_size",
                  cfg->algorithm.buffer_size);
}

// it has no density for the others to learn from
static void check_implicit(sac_config_loading *self) {
  const sac_config *cfg = self->cfg;
  if (cfg->policy.type != SAC_POLICY_IMPLICIT || cfg->algorithm.name == SAC_ALGORITHM_SQL) return;
  if (!can_compare(self, "policy.type", "algorithm.name")) return;
  sac_config_mistake(&self->mistakes, find_place(self, "policy.type", "algorithm.name"),
                     "policy.type is implicit, which only algorithm.name sql learns: it has no "
                     "density");
}

static void resolve_algorithm(sac_config_loading *self) {
  if (self->cfg->algorithm.name == SAC_ALGORITHM_MAXENT_PG) {
    resolve_maxent_pg(self);
    return;
  }
  if (self->cfg->algorithm.name == SAC_ALGORITHM_SAC_V1)
    resolve_sac_v1(self);
  else if (self->cfg->algorithm.name == SAC_ALGORITHM_SQL)
    resolve_sql(self);
  else
    resolve_sac(self);
  check_implicit(self);
  resolve_replay(self);
}

// the action of an upper layer is the noise of the lower one: unsquashed, with its normal prior
static void resolve_hierarchy(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  const char *squash = "policy.squash", *prior = "algorithm.action_prior";
  if (!cfg->hierarchy.lower[0]) return;
  if (is_given(cfg, squash) && cfg->policy.squash && !self->failed[sac_config_field_find(squash)])
    sac_config_mistake(&self->mistakes, sac_config_where(cfg, squash),
                       "policy.squash is true, must be false with hierarchy.lower");
  if (is_given(cfg, prior) && cfg->algorithm.action_prior != SAC_ACTION_PRIOR_NORMAL &&
      !self->failed[sac_config_field_find(prior)])
    sac_config_mistake(&self->mistakes, sac_config_where(cfg, prior),
                       "algorithm.action_prior is %s, must be normal with hierarchy.lower",
                       sac_config_word(prior, cfg->algorithm.action_prior));
  cfg->policy.squash = false;
  cfg->algorithm.action_prior = SAC_ACTION_PRIOR_NORMAL;
}

static void resolve_eval(sac_config_loading *self) {
  sac_config *cfg = self->cfg;
  if (cfg->eval.seeds.count > 0) cfg->eval.episodes = cfg->eval.seeds.count;
}

static void check_log_std(sac_config_loading *self) {
  const char *low = "policy.log_std.min", *high = "policy.log_std.max";
  const char *init = "policy.log_std.init";
  double min = self->cfg->policy.log_std.min, max = self->cfg->policy.log_std.max;
  double start = self->cfg->policy.log_std.init;
  if (!can_compare(self, low, high)) return;
  if (min >= max)
    sac_config_mistake(&self->mistakes, find_place(self, low, high),
                       "%s is %g, must be below %s, which is %g", low, min, high, max);
  else if ((start <= min || start >= max) && can_compare(self, init, low) &&
           self->cfg->policy.log_std.mode != SAC_LOG_STD_MODE_SOFTPLUS)
    sac_config_mistake(&self->mistakes, find_place(self, init, start <= min ? low : high),
                       "%s is %g, must lie between %s and %s, which are %g and %g", init, start,
                       low, high, min, max);
}

// the probabilities; a value that is wrong by itself was told already
static void check_exploration(sac_config_loading *self) {
  static const char *const keys[] = {"algorithm.exploration.deterministic",
                                     "algorithm.exploration.gaussian",
                                     "algorithm.exploration.parameter"};
  sac_config *cfg = self->cfg;
  double sum = cfg->algorithm.exploration.deterministic + cfg->algorithm.exploration.gaussian +
               cfg->algorithm.exploration.parameter;
  const char *last = keys[0];
  for (int i = 0; i < 3; i++) {
    if (self->failed[sac_config_field_find(keys[i])]) return;
    if (is_given(cfg, keys[i])) last = keys[i];
  }
  if (sum > 1 + 1e-9)
    sac_config_mistake(&self->mistakes, sac_config_where(cfg, last),
                       "algorithm.exploration: deterministic, gaussian and parameter are "
                       "probabilities that add up to %g, must be at most 1",
                       sum);
  // what names no mode without the critics
  if (cfg->policy.type != SAC_POLICY_GAUSSIAN && cfg->algorithm.exploration.deterministic > 0)
    sac_config_mistake(&self->mistakes, sac_config_where(cfg, keys[0]),
                       "%s is %g, must be 0 with policy.type %s", keys[0],
                       cfg->algorithm.exploration.deterministic,
                       sac_config_word("policy.type", cfg->policy.type));
}

void sac_config_resolve(sac_config_loading *self) {
  resolve_run(self);
  resolve_algorithm(self);
  resolve_hierarchy(self);
  resolve_eval(self);
  check_log_std(self);
  check_exploration(self);
}

typedef struct notes {
  const sac_config *cfg;
  void (*say)(void *context, const char *line);
  void *context;
} notes;

static void note_unused(const notes *self, const char *key, const char *reason) {
  char line[SAC_CONFIG_WHERE_MAX + 256];
  if (!is_given(self->cfg, key)) return;
  snprintf(line, sizeof line, "%s: %s is not used: %s", sac_config_where(self->cfg, key), key,
           reason);
  self->say(self->context, line);
}

// `users` are words: algorithms, "off-policy" for those with a replay, "all"
static bool has_user(const char *users, const char *algorithm) {
  bool on_policy = !strcmp(algorithm, "maxent_pg");
  for (size_t length; *users; users += length + (users[length] == ' ')) {
    length = strcspn(users, " ");
    if (!strncmp(users, "all", length)) return true;
    if (!strncmp(users, "off-policy", length) && !on_policy) return true;
    if (length == strlen(algorithm) && !strncmp(users, algorithm, length)) return true;
  }
  return false;
}

static void note_unused_of_sql(const notes *self) {
  const sac_config *cfg = self->cfg;
  if (cfg->algorithm.name != SAC_ALGORITHM_SQL) return;
  bool walks = cfg->algorithm.sql.sampler == SAC_SAMPLER_MCMC;
  static const char *const of_chains[] = {"algorithm.sql.mcmc.method", "algorithm.sql.mcmc.steps",
                                          "algorithm.sql.mcmc.step_size"};
  for (size_t i = 0; i < sizeof of_chains / sizeof *of_chains && !walks; i++)
    note_unused(self, of_chains[i], "algorithm.sql.sampler is svgd");
  if (!walks || cfg->algorithm.sql.mcmc.method != SAC_MCMC_HMC)
    note_unused(self, "algorithm.sql.mcmc.leapfrog", "only trajectories of hmc have it");
  if (cfg->algorithm.sql.value_proposal != SAC_VALUE_PROPOSAL_UNIFORM)
    note_unused(self, "algorithm.sql.shared_value_particles",
                "algorithm.sql.value_proposal is not uniform");
  static const char *const of_density[] = {"policy.squash_correction", "policy.log_std.mode",
                                           "policy.log_std.min", "policy.log_std.max"};
  bool has_density = cfg->policy.type != SAC_POLICY_IMPLICIT;
  for (size_t i = 0; i < sizeof of_density / sizeof *of_density && !has_density; i++)
    note_unused(self, of_density[i], "policy.type implicit has no density");
}

void sac_config_notes(const sac_config *cfg, void (*say)(void *context, const char *line),
                      void *context) {
  notes self = {cfg, say, context};
  const char *algorithm = sac_config_word("algorithm.name", cfg->algorithm.name);
  char reason[96];
  snprintf(reason, sizeof reason, "algorithm %s does without it", algorithm);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const sac_config_field *field = sac_config_field_at(i);
    if (!has_user(field->users, algorithm)) note_unused(&self, field->path, reason);
  }
  if (cfg->algorithm.name == SAC_ALGORITHM_SAC && !cfg->algorithm.ent_coef.learned) {
    note_unused(&self, "algorithm.alpha_lr", "algorithm.ent_coef is fixed");
    note_unused(&self, "algorithm.target_entropy", "algorithm.ent_coef is fixed");
    note_unused(&self, "algorithm.alpha_loss", "algorithm.ent_coef is fixed");
  }
  static const char *const of_workers[] = {"env.workers", "env.python", "env.worker_timeout_s",
                                           "env.on_worker_failure"};
  for (size_t i = 0; strncmp(cfg->env.id, "gym:", 4) && i < sizeof of_workers / sizeof *of_workers;
       i++)
    note_unused(&self, of_workers[i], "only gym: environments run in Python processes");
  static const char *const of_priority[] = {"algorithm.priority.alpha", "algorithm.priority.beta",
                                            "algorithm.priority.beta_updates",
                                            "algorithm.priority.eps"};
  for (size_t i = 0; !cfg->algorithm.priority.enabled && i < 4; i++)
    note_unused(&self, of_priority[i], "algorithm.priority.enabled is false");
  if (!cfg->hierarchy.lower[0])
    note_unused(&self, "hierarchy.lower_obs_dims", "hierarchy.lower is null");
  if (cfg->policy.type == SAC_POLICY_REALNVP)
    note_unused(&self, "policy.hidden", "policy.flow.preprocess stands in for it");
  if (!cfg->policy.squash) note_unused(&self, "policy.squash_correction", "policy.squash is false");
  if (cfg->algorithm.name == SAC_ALGORITHM_MAXENT_PG) {
    if (cfg->algorithm.pg.form == SAC_PG_FORM_REINFORCE)
      note_unused(&self, "algorithm.pg.gae_lambda", "algorithm.pg.form is reinforce");
    if (cfg->algorithm.pg.rollout_steps * cfg->env.n_envs > cfg->algorithm.total_timesteps)
      say(context, "a rollout is longer than algorithm.total_timesteps: nothing will be learned");
    return;
  }
  note_unused_of_sql(&self);
  if (cfg->algorithm.learning_starts >= cfg->algorithm.total_timesteps)
    say(context,
        "algorithm.learning_starts is not below algorithm.total_timesteps: nothing will be "
        "learned");
}
