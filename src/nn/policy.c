#include "nn/policy.h"

#include <stdio.h>

// hidden layers "latent_pi.0", "latent_pi.2", ...: the odd numbers are activations in a PyTorch
// Sequential
static void describe_hidden(sac_policy *policy) {
  sac_mlp *mlp = &policy->mlp;
  for (int l = 0; l + 1 < mlp->n_layers; l++) {
    char name[32];
    int in = mlp->width[l], out = mlp->width[l + 1];
    snprintf(name, sizeof name, "latent_pi.%d.weight", 2 * l);
    mlp->weight[l] = sac_params_add(&policy->params, name, out, in, in, out);
    snprintf(name, sizeof name, "latent_pi.%d.bias", 2 * l);
    mlp->bias[l] = sac_params_add(&policy->params, name, out, 0, in, out);
  }
}

// the head is one layer of 2A outputs, stored under two names
static void describe_head(sac_policy *policy) {
  sac_mlp *mlp = &policy->mlp;
  int last = mlp->n_layers - 1, in = mlp->width[last], act_dim = policy->gaussian.act_dim;
  mlp->weight[last] = sac_params_add(&policy->params, "mu.weight", act_dim, in, in, 2 * act_dim);
  sac_params_add(&policy->params, "log_std.weight", act_dim, in, in, 2 * act_dim);
  mlp->bias[last] = sac_params_add(&policy->params, "mu.bias", act_dim, 0, in, 2 * act_dim);
  sac_params_add(&policy->params, "log_std.bias", act_dim, 0, in, 2 * act_dim);
}

sac_status sac_policy_create(const sac_config *cfg, int n_seeds, int obs_dim, int act_dim,
                             sac_backend *backend, sac_policy *policy, sac_error *err) {
  *policy = (sac_policy){
      .gaussian = {.act_dim = act_dim,
                   .squash = cfg->policy.squash,
                   .exact_correction = cfg->policy.squash_correction == SAC_SQUASH_CORRECTION_EXACT,
                   .mode = (sac_log_std_mode)cfg->policy.log_std.mode,
                   .log_std_min = (sac_real)cfg->policy.log_std.min,
                   .log_std_max = (sac_real)cfg->policy.log_std.max},
      .params = {.prefix = "actor.", .n = n_seeds, .networks = 1}};
  sac_mlp_shape(&policy->mlp, n_seeds, obs_dim, cfg->policy.hidden.at, cfg->policy.hidden.count,
                2 * act_dim, sac_activation_of(cfg->policy.activation));
  describe_hidden(policy);
  describe_head(policy);
  return sac_params_allocate(&policy->params, backend, true, err);
}

void sac_policy_release(sac_policy *policy) {
  sac_params_release(&policy->params);
}

void sac_policy_sample(const sac_policy *policy, sac_mlp_pass *pass, const sac_policy_draw *draw) {
  sac_backend *backend = policy->params.backend;
  sac_mlp_forward(&policy->mlp, &policy->params, pass, draw->obs, draw->rows);
  sac_gaussian_forward step = {
      .n = policy->mlp.n, .rows = draw->rows, .gaussian = policy->gaussian};
  step.head = sac_mlp_output(&policy->mlp, pass);
  step.noise = draw->noise;
  step.action = draw->action;
  step.log_pi = draw->log_pi;
  backend->ops->gaussian_forward(backend, &step);
}
