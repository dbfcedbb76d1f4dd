// The (squashed) Gaussian policy of SAC v2, appendix C. The head's rows 0..A-1 give the mean,
// A..2A-1 log sigma: from the observation, or from their bias alone.
#include <math.h>

#include "nn/policy.h"

// so little that the first actions of all observations are much the same
static const float head_gain = 0.01f;

// what the head must give for log sigma to be `log_std`
static double raw_log_std(const sac_gaussian *gaussian, double log_std) {
  double low = (double)gaussian->log_std_min, high = (double)gaussian->log_std_max;
  if (gaussian->mode == SAC_LOG_STD_CLAMP) return log_std;
  if (gaussian->mode == SAC_LOG_STD_TANH) return atanh(2 * (log_std - low) / (high - low) - 1);
  return log(expm1(exp(log_std)));
}

// the deviation starts at policy.log_std.init; one for all observations has no weights to learn
static void describe_log_std(const sac_config *cfg, sac_policy *policy, sac_param_view *weight,
                             sac_param_view *bias) {
  double init = cfg->policy.log_std.init;
  if (!isnan(init)) {
    bias->fan_in = 0;
    bias->initial = (sac_real)raw_log_std(&policy->gaussian, init);
  }
  if (cfg->policy.log_std.state_dependent) return;
  policy->mlp.constant_outputs = policy->act_dim;
  weight->fan_in = bias->fan_in = 0;
}

// the head is one layer of 2A outputs, stored under two names
static void describe_head(const sac_config *cfg, sac_policy *policy) {
  sac_mlp *mlp = &policy->mlp;
  sac_param_view *view = &policy->params.views[policy->params.n_views];
  int last = mlp->n_layers - 1, in = mlp->width[last], act_dim = policy->act_dim;
  mlp->weight[last] = sac_params_add(&policy->params, "mu.weight", act_dim, in, in, 2 * act_dim);
  sac_params_add(&policy->params, "log_std.weight", act_dim, in, in, 2 * act_dim);
  mlp->bias[last] = sac_params_add(&policy->params, "mu.bias", act_dim, 0, in, 2 * act_dim);
  sac_params_add(&policy->params, "log_std.bias", act_dim, 0, in, 2 * act_dim);
  view[0].gain = view[1].gain = head_gain;
  describe_log_std(cfg, policy, &view[1], &view[3]);
}

static void describe(const sac_config *cfg, sac_policy *policy) {
  sac_policy_describe_network(cfg, 2 * policy->act_dim, policy);
  describe_head(cfg, policy);
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
  step.u = draw->u;
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

static void score(sac_policy *policy, sac_policy_pass *pass, const sac_policy_score_terms *terms) {
  sac_backend *backend = policy->params.backend;
  sac_mlp_forward(&policy->mlp, &policy->params, &pass->mlp, terms->obs, terms->rows);
  sac_gaussian_score step = {.n = policy->n_seeds,
                             .rows = terms->rows,
                             .gaussian = policy->gaussian,
                             .head = sac_mlp_output(&policy->mlp, &pass->mlp),
                             .u = terms->u,
                             .weight = terms->weight,
                             .dhead = pass->mlp.dout,
                             .loss = terms->loss,
                             .entropy = terms->entropy};
  backend->ops->gaussian_score(backend, &step);
  sac_mlp_backward(&policy->mlp, &policy->params, &pass->mlp, terms->rows);
}

const sac_policy_kind sac_gaussian_policy = {.name = "gaussian",
                                             .describe = describe,
                                             .sample = sample,
                                             .backward = backward,
                                             .score = score};
