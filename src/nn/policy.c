#include "nn/policy.h"

#include <string.h>

static const sac_policy_kind *find_kind(const sac_config *cfg) {
  static const sac_policy_kind *const kinds[] = {&sac_gaussian_policy, &sac_gmm_policy,
                                                 &sac_realnvp_policy, &sac_implicit_policy};
  const char *wanted = sac_config_word("policy.type", cfg->policy.type);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i]->name, wanted) == 0) return kinds[i];
  return NULL;
}

void sac_policy_describe_layers(const sac_config *cfg, const sac_config_list *hidden, int outputs,
                                sac_policy *policy) {
  sac_mlp_shape(&policy->mlp, policy->n_seeds, policy->network_input, hidden->at, hidden->count,
                outputs, sac_activation_of(cfg->policy.activation));
  policy->mlp.layer_norm = cfg->policy.layer_norm;
  sac_mlp_add_hidden(&policy->mlp, &policy->params, "latent_pi.");
}

void sac_policy_describe_network(const sac_config *cfg, int outputs, sac_policy *policy) {
  sac_policy_describe_layers(cfg, &cfg->policy.hidden, outputs, policy);
}

void sac_policy_look(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw) {
  if (draw->obs.data)
    sac_mlp_forward(&policy->mlp, &policy->params, &pass->mlp, draw->obs, draw->rows);
}

sac_gaussian sac_policy_gaussian(const sac_config *cfg, int act_dim) {
  return (sac_gaussian){
      .act_dim = act_dim,
      .squash = cfg->policy.squash,
      .exact_correction = cfg->policy.squash_correction == SAC_SQUASH_CORRECTION_EXACT,
      .mode = (sac_log_std_mode)cfg->policy.log_std.mode,
      .log_std_min = (sac_real)cfg->policy.log_std.min,
      .log_std_max = (sac_real)cfg->policy.log_std.max};
}

sac_status sac_policy_create(const sac_policy_options *options, sac_policy *policy,
                             sac_error *err) {
  const sac_config *cfg = options->cfg;
  *policy = (sac_policy){.kind = options->kind ? options->kind : find_kind(cfg),
                         .n_seeds = options->n_seeds,
                         .obs_dim = options->obs_dim,
                         .act_dim = options->act_dim,
                         .noise_dim = options->act_dim,
                         .candidates = 1,
                         .network_input = options->obs_dim,
                         .params = {.prefix = "actor.", .n = options->n_seeds, .networks = 1},
                         .gaussian = sac_policy_gaussian(cfg, options->act_dim)};
  SAC_ASSERT(policy->kind != NULL);
  if (policy->kind->check) SAC_TRY(policy->kind->check(options, err));
  policy->kind->describe(cfg, policy);
  return sac_params_allocate(&policy->params, options->backend, !options->frozen, err);
}

void sac_policy_release(sac_policy *policy) {
  sac_params_release(&policy->params);
}

sac_policy sac_policy_of_seed(const sac_policy *policy, int i_seed) {
  sac_policy one = *policy;
  one.n_seeds = one.mlp.n = one.params.n = 1;
  one.params.value += (size_t)i_seed * one.params.count;
  one.params.grad = one.params.m = one.params.v = NULL;
  one.params.step = NULL;
  return one;
}

void sac_policy_pass_carve(const sac_policy *policy, int max_rows, bool backward, sac_arena *arena,
                           sac_policy_pass *pass) {
  sac_mlp_pass_carve(&policy->mlp, max_rows, backward, arena, &pass->mlp);
  if (policy->kind->carve) policy->kind->carve(policy, max_rows, backward, arena, pass);
}

sac_status sac_policy_reserve(const sac_policy *policy, int max_rows, sac_error *err) {
  SAC_TRY(sac_mlp_reserve(&policy->mlp, policy->params.backend, max_rows, err));
  return policy->kind->reserve ? policy->kind->reserve(policy, max_rows, err) : SAC_OK;
}

void sac_policy_sample(const sac_policy *policy, sac_policy_pass *pass,
                       const sac_policy_draw *draw) {
  policy->kind->sample(policy, pass, draw);
}

sac_stack sac_policy_unsquashed(const sac_policy *policy, const sac_policy_pass *pass) {
  SAC_ASSERT(policy->kind->unsquashed);
  return policy->kind->unsquashed(policy, pass);
}

void sac_policy_backward(sac_policy *policy, sac_policy_pass *pass,
                         const sac_policy_gradient *gradient) {
  policy->kind->backward(policy, pass, gradient);
}

void sac_policy_score(sac_policy *policy, sac_policy_pass *pass,
                      const sac_policy_score_terms *terms) {
  policy->kind->score(policy, pass, terms);
}
