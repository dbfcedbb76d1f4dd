// The (squashed) Gaussian policy of SAC v2, appendix C. The head's rows 0..A-1 give the mean,
// A..2A-1 log sigma.
#include "nn/policy.h"

// the head is one layer of 2A outputs, stored under two names
static void describe_head(sac_policy *policy) {
  sac_mlp *mlp = &policy->mlp;
  int last = mlp->n_layers - 1, in = mlp->width[last], act_dim = policy->act_dim;
  mlp->weight[last] = sac_params_add(&policy->params, "mu.weight", act_dim, in, in, 2 * act_dim);
  sac_params_add(&policy->params, "log_std.weight", act_dim, in, in, 2 * act_dim);
  mlp->bias[last] = sac_params_add(&policy->params, "mu.bias", act_dim, 0, in, 2 * act_dim);
  sac_params_add(&policy->params, "log_std.bias", act_dim, 0, in, 2 * act_dim);
}

static void describe(const sac_config *cfg, sac_policy *policy) {
  sac_policy_describe_network(cfg, 2 * policy->act_dim, policy);
  describe_head(policy);
}

static void sample(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw) {
  sac_backend *backend = policy->params.backend;
  sac_policy_look(policy, pass, draw);
  sac_gaussian_forward step = {
      .n = policy->n_seeds, .rows = draw->rows, .gaussian = policy->gaussian};
  step.head = sac_mlp_output(&policy->mlp, &pass->mlp);
  step.noise = draw->noise;
  step.action = draw->action;
  step.log_pi = draw->log_pi;
  backend->ops->gaussian_forward(backend, &step);
}

static void backward(sac_policy *policy, sac_policy_pass *pass,
                     const sac_policy_gradient *gradient) {
  sac_backend *backend = policy->params.backend;
  sac_gaussian_backward step = {.n = policy->n_seeds,
                                .rows = gradient->rows,
                                .n_critics = gradient->n_critics,
                                .gaussian = policy->gaussian,
                                .normal_prior = gradient->normal_prior,
                                .head = sac_mlp_output(&policy->mlp, &pass->mlp),
                                .noise = gradient->noise,
                                .action = gradient->action,
                                .dq = gradient->dq,
                                .seed = gradient->seed,
                                .log_alpha = gradient->log_alpha,
                                .dhead = pass->mlp.dout};
  backend->ops->gaussian_backward(backend, &step);
  sac_mlp_backward(&policy->mlp, &policy->params, &pass->mlp, gradient->rows);
}

const sac_policy_kind sac_gaussian_policy = {
    .name = "gaussian", .describe = describe, .sample = sample, .backward = backward};
