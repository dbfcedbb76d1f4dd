// A mixture of Gaussians (Haarnoja et al. 2018, first version). Which component an action came from
// is a draw that no gradient passes, so the policy learns by the likelihood ratio.
#include "nn/policy.h"

// one layer of K (2A + 1) outputs, stored under three names
static void describe_head(sac_policy *policy) {
  sac_mlp *mlp = &policy->mlp;
  sac_params *params = &policy->params;
  int last = mlp->n_layers - 1, in = mlp->width[last], out = mlp->width[last + 1];
  int values = policy->gmm.components * policy->act_dim;
  mlp->weight[last] = sac_params_add(params, "mu.weight", values, in, in, out);
  sac_params_add(params, "log_std.weight", values, in, in, out);
  sac_params_add(params, "logits.weight", policy->gmm.components, in, in, out);
  mlp->bias[last] = sac_params_add(params, "mu.bias", values, 0, in, out);
  sac_params_add(params, "log_std.bias", values, 0, in, out);
  sac_params_add(params, "logits.bias", policy->gmm.components, 0, in, out);
}

static void describe(const sac_config *cfg, sac_policy *policy) {
  policy->gmm =
      (sac_gmm){.gaussian = policy->gaussian, .components = (int)cfg->policy.gmm.components};
  policy->noise_dim = policy->act_dim + 2;
  policy->candidates = policy->gmm.components;
  sac_policy_describe_network(cfg, policy->gmm.components * (2 * policy->act_dim + 1), policy);
  describe_head(policy);
}

static void sample(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw) {
  sac_backend *backend = policy->params.backend;
  sac_policy_look(policy, pass, draw);
  sac_gmm_forward step = {.n = policy->n_seeds,
                          .rows = draw->rows,
                          .gmm = policy->gmm,
                          .head = sac_mlp_output(&policy->mlp, &pass->mlp),
                          .noise = draw->noise,
                          .action = draw->action,
                          .log_pi = draw->log_pi};
  backend->ops->gmm_forward(backend, &step);
}

static void backward(sac_policy *policy, sac_policy_pass *pass,
                     const sac_policy_gradient *gradient) {
  sac_backend *backend = policy->params.backend;
  sac_gmm_backward step = {.n = policy->n_seeds,
                           .rows = gradient->rows,
                           .gmm = policy->gmm,
                           .head = sac_mlp_output(&policy->mlp, &pass->mlp),
                           .noise = gradient->noise,
                           .integrand = gradient->integrand,
                           .baseline = gradient->baseline,
                           .dhead = pass->mlp.dout};
  backend->ops->gmm_backward(backend, &step);
  sac_mlp_backward(&policy->mlp, &policy->params, &pass->mlp, gradient->rows);
}

const sac_policy_kind sac_gmm_policy = {.name = "gmm",
                                        .by_likelihood_ratio = true,
                                        .describe = describe,
                                        .sample = sample,
                                        .backward = backward};
