// Names that users bring from softlearning (Haarnoja et al. 2018), Catalyst.RL (Kolesnikov and
// Hrinchuk 2019), Stable-Baselines3 (Raffin et al. 2021) and CleanRL (Huang et al. 2022).
#include "config/suggest.h"

#include <string.h>
#include <strings.h>

#include "config/bases.h"
#include "config/fields.h"

typedef struct translation {
  const char *theirs, *ours;
} translation;

static const translation translations[] = {
    // softlearning
    {"algorithm_params", "algorithm"},
    {"class_name", "algorithm.name or policy.type"},
    {"checkpoint_at_end", "checkpoint.every"},
    {"checkpoint_frequency", "checkpoint.every"},
    {"checkpoint_replay_pool", "checkpoint.include_replay"},
    {"discount", "algorithm.gamma"},
    {"domain", "env.id"},
    {"environment_params", "env"},
    {"epoch_length", "eval.every"},
    {"eval_n_episodes", "eval.episodes"},
    {"eval_deterministic", "eval.deterministic"},
    {"exploration_policy_params", "algorithm.learning_starts"},
    {"hidden_layer_sizes", "policy.hidden or critic.hidden"},
    {"max_path_length", "env.max_episode_steps"},
    {"max_pool_size", "algorithm.buffer_size"},
    {"max_size", "algorithm.buffer_size"},
    {"min_pool_size", "algorithm.learning_starts"},
    {"n_epochs", "algorithm.total_timesteps"},
    {"n_initial_exploration_steps", "algorithm.learning_starts"},
    {"n_train_repeat", "algorithm.gradient_steps"},
    {"num_warmup_samples", "algorithm.learning_starts"},
    {"policy_params", "policy"},
    {"Q_params", "critic"},
    {"Q_lr", "algorithm.q_lr"},
    {"replay_pool_params", "algorithm.buffer_size"},
    {"run_params", "run"},
    {"sampler_params", "env.max_episode_steps"},
    {"task", "env.id"},
    {"train_every_n_steps", "algorithm.train_freq"},
    {"universe", "env.id"},
    {"value_lr", "algorithm.v_lr"},
    // Catalyst
    {"actor", "policy"},
    {"actor_grad_clip_params", "algorithm.max_grad_norm"},
    {"actor_optimizer_params", "algorithm.policy_lr"},
    {"actor_tau", "algorithm.tau"},
    {"agents", "policy"},
    {"args", "run"},
    {"clip_delta", "algorithm.critic_loss"},
    {"clip_value", "algorithm.max_grad_norm"},
    {"criterion", "algorithm.critic_loss"},
    {"critic_grad_clip_params", "algorithm.max_grad_norm"},
    {"critic_loss_params", "algorithm.critic_loss"},
    {"critic_optimizer_params", "algorithm.q_lr"},
    {"critic_tau", "algorithm.tau"},
    {"entropy_regularization", "algorithm.ent_coef"},
    {"env_name", "env.id"},
    {"environment", "env"},
    {"epoch_len", "eval.every"},
    {"expdir", "run.name"},
    {"exploration_params", "algorithm.exploration"},
    {"features", "policy.hidden or critic.hidden"},
    {"grad_clip_params", "algorithm.max_grad_norm"},
    {"history_len", "env.history.observations"},
    {"lr", "algorithm.policy_lr or algorithm.q_lr"},
    {"max_updates_per_sample", "algorithm.gradient_steps"},
    {"min_num_transitions", "algorithm.learning_starts"},
    {"n_step", "algorithm.n_steps"},
    {"normalization", "critic.layer_norm"},
    {"num_critics", "algorithm.n_critics"},
    {"num_workers", "run.threads"},
    {"optimizer", "algorithm.adam"},
    {"policy_type", "policy.type"},
    {"replay_buffer_size", "algorithm.buffer_size"},
    {"sampler", "env"},
    {"save_period", "checkpoint.every"},
    {"target_update_period", "algorithm.target_update_interval"},
    {"target_sigma", "algorithm.exploration.parameter_sigma"},
    {"trainer", "algorithm"},
    {"valid_seeds", "eval.seeds"},
    {"weights_sync_period", "algorithm.train_freq"},
    // Stable-Baselines3, CleanRL and their relatives
    {"alpha", "algorithm.ent_coef"},
    {"autotune", "algorithm.ent_coef"},
    {"entropy_coef", "algorithm.ent_coef"},
    {"env_id", "env.id"},
    {"env_kwargs", "env.kwargs"},
    {"eval_freq", "eval.every"},
    {"hidden_sizes", "policy.hidden or critic.hidden"},
    {"learning_rate", "algorithm.policy_lr or algorithm.q_lr"},
    {"log_interval", "log.every"},
    {"log_std_init", "policy.log_std"},
    {"activation_fn", "policy.activation or critic.activation"},
    {"n_eval_episodes", "eval.episodes"},
    {"n_timesteps", "algorithm.total_timesteps"},
    {"net_arch", "policy.hidden or critic.hidden"},
    {"num_envs", "env.n_envs"},
    {"policy_frequency", "algorithm.policy_delay"},
    {"policy_kwargs", "policy"},
    {"policy_learning_rate", "algorithm.policy_lr"},
    {"polyak", "algorithm.tau"},
    {"qf_learning_rate", "algorithm.q_lr"},
    {"replay_size", "algorithm.buffer_size"},
    {"save_freq", "checkpoint.every"},
    {"start_steps", "algorithm.learning_starts"},
    {"target_network_frequency", "algorithm.target_update_interval"},
    {"temperature", "algorithm.ent_coef"},
    {"tensorboard_log", "run.logdir"},
    {"update_every", "algorithm.train_freq"},
    {"warmup_steps", "algorithm.learning_starts"},
};

const char *sac_config_translate(const char *path) {
  const char *name = sac_config_last_part(path);
  for (size_t i = 0; i < sizeof translations / sizeof *translations; i++)
    if (!strcasecmp(translations[i].theirs, name)) return translations[i].ours;
  return NULL;
}

const char *sac_config_find_elsewhere(const char *path) {
  const char *name = sac_config_last_part(path);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const char *ours = sac_config_field_at(i)->path;
    if (!sac_config_is_bench(ours) && !strcasecmp(sac_config_last_part(ours), name)) return ours;
  }
  return NULL;
}

typedef struct candidates {
  int count;
  const char *word[2 * SAC_CONFIG_N_FIELDS], *path[2 * SAC_CONFIG_N_FIELDS];
} candidates;

static void add_candidate(candidates *all, const char *path, bool whole) {
  if (sac_config_is_bench(path)) return;
  all->path[all->count] = path;
  all->word[all->count++] = whole ? path : sac_config_last_part(path);
}

static const char *find_nearest(const candidates *all, const char *word) {
  const char *nearest = sac_nearest(word, all->word, all->count);
  for (int i = 0; nearest && i < all->count; i++)
    if (all->word[i] == nearest) return all->path[i];
  return NULL;
}

static void add_sections(candidates *all, bool whole) {
  int count;
  const sac_config_section *sections = sac_config_sections(&count);
  for (int i = 0; i < count; i++) add_candidate(all, sections[i].path, whole);
}

// among equally near keys the first wins: those of the section that the user wrote come first
static void add_fields(candidates *all, const char *path, bool same_section) {
  size_t section = (size_t)(sac_config_last_part(path) - path);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++) {
    const char *ours = sac_config_field_at(i)->path;
    bool same =
        (size_t)(sac_config_last_part(ours) - ours) == section && !strncmp(ours, path, section);
    if (same == same_section) add_candidate(all, ours, false);
  }
}

const char *sac_config_suggest(const char *path, bool section) {
  const char *ours = sac_config_translate(path);
  if (!ours && !section) ours = sac_config_find_elsewhere(path);
  if (ours) return ours;
  candidates parts = {0}, paths = {0};
  if (!strchr(path, '.')) add_candidate(&parts, SAC_CONFIG_BASES, true);
  if (section) add_sections(&parts, false);
  add_fields(&parts, path, true);
  add_fields(&parts, path, false);
  if (!section) add_sections(&parts, false);
  ours = find_nearest(&parts, sac_config_last_part(path));
  if (ours) return ours;
  add_sections(&paths, true);
  for (int i = 0; i < SAC_CONFIG_N_FIELDS; i++)
    add_candidate(&paths, sac_config_field_at(i)->path, true);
  return find_nearest(&paths, path);
}
