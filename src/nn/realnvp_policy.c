// The real-NVP policy (Haarnoja et al. 2018, Latent Space Policies, section 4): a network turns the
// observation into a condition under which couplings turn Gaussian noise into an action, one to
// one.
#include <stdio.h>

#include "backend/couplings.h"
#include "nn/policy.h"

static sac_status check(const sac_policy_options *options, sac_error *err) {
  if (options->act_dim <= SAC_FLOW_ACT_MAX) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: policy.type is realnvp, which takes actions of at most %d values, this "
                       "environment's have %d",
                       sac_config_where(options->cfg, "policy.type"), SAC_FLOW_ACT_MAX,
                       options->act_dim);
}

static sac_flow shape_flow(const sac_config *cfg, const sac_policy *policy) {
  const sac_config_list *hidden = &cfg->policy.flow.st_hidden;
  double scale_max = cfg->policy.flow.scale_max;
  return (sac_flow){.act_dim = policy->act_dim,
                    .condition = 2 * policy->act_dim,
                    .layers = (int)cfg->policy.flow.coupling_layers,
                    .hidden = hidden->count ? (int)hidden->at[0] : policy->act_dim,
                    .activation = sac_activation_of(cfg->policy.activation),
                    .scale_max = scale_max > 0 ? (sac_real)scale_max : 0,
                    .squash = policy->gaussian.squash,
                    .exact_correction = policy->gaussian.exact_correction};
}

// the network's last layer
static void describe_condition(sac_policy *policy) {
  sac_mlp *mlp = &policy->mlp;
  int last = mlp->n_layers - 1, in = mlp->width[last], out = mlp->width[last + 1];
  mlp->weight[last] = sac_params_add(&policy->params, "condition.weight", out, in, in, out);
  mlp->bias[last] = sac_params_add(&policy->params, "condition.bias", out, 0, in, out);
}

// the last layers of S and T begin at zero, and the flow as the identity: a = tanh(h)
static void describe_coupling(sac_policy *policy, int l) {
  const char *const parts[] = {"hidden", "scale", "shift"};
  sac_flow_layer layer = sac_flow_layer_at(&policy->flow, l);
  int units = policy->flow.hidden;
  for (int i = 0; i < 3; i++) {
    bool first = i == 0;
    int rows = first ? 2 * units : layer.changed, cols = first ? layer.in : units;
    char name[32];
    snprintf(name, sizeof name, "flow.%d.%s.weight", l, parts[i]);
    sac_params_add(&policy->params, name, rows, cols, first ? cols : 0, first ? units : 0);
    snprintf(name, sizeof name, "flow.%d.%s.bias", l, parts[i]);
    sac_params_add(&policy->params, name, rows, 0, first ? cols : 0, first ? units : 0);
  }
}

static void describe(const sac_config *cfg, sac_policy *policy) {
  policy->flow = shape_flow(cfg, policy);
  policy->candidates = (int)cfg->policy.flow.candidates;
  policy->draws_candidates = true;
  sac_policy_describe_layers(cfg, &cfg->policy.flow.preprocess, policy->flow.condition, policy);
  describe_condition(policy);
  policy->flow_weight = policy->params.count;
  for (int l = 0; l < policy->flow.layers; l++)
    if (sac_flow_layer_at(&policy->flow, l).changed > 0) describe_coupling(policy, l);
  SAC_ASSERT(policy->params.count == policy->flow_weight + sac_flow_weights(&policy->flow));
}

static void carve(const sac_policy *policy, int max_rows, bool backward, sac_arena *arena,
                  sac_policy_pass *pass) {
  int n = policy->n_seeds;
  pass->tape = sac_stack_carve(arena, n, max_rows, sac_flow_tape(&policy->flow));
  if (backward) pass->delta = sac_stack_carve(arena, n, max_rows, sac_flow_delta(&policy->flow));
}

// a layer's weights or biases, in the values or the gradient
static sac_stack part_of(const sac_policy *policy, sac_real *block, size_t offset, int ld) {
  return (sac_stack){block + policy->flow_weight + offset, policy->params.count, ld, 1};
}

static sac_stack weights_of(const sac_policy *policy) {
  return part_of(policy, policy->params.value, 0, (int)sac_flow_weights(&policy->flow));
}

static void sample(const sac_policy *policy, sac_policy_pass *pass, const sac_policy_draw *draw) {
  sac_backend *backend = policy->params.backend;
  sac_policy_look(policy, pass, draw);
  sac_flow_forward step = {.n = policy->n_seeds,
                           .rows = draw->rows,
                           .flow = policy->flow,
                           .condition = sac_mlp_output(&policy->mlp, &pass->mlp),
                           .weight = weights_of(policy),
                           .noise = draw->noise,
                           .tape = pass->tape,
                           .action = draw->action,
                           .log_pi = draw->log_pi};
  SAC_ASSERT(draw->noise.data);
  backend->ops->flow_forward(backend, &step);
}

static sac_stack unsquashed(const sac_policy *policy, const sac_policy_pass *pass) {
  sac_stack u = pass->tape;
  u.data += policy->flow.layers * sac_flow_tape_layer(&policy->flow);
  return u;
}

/// One layer within S or T: where its outputs' deltas and its inputs lie, and its weights.
typedef struct part {
  int out, in, delta_at, tape_at;
  size_t weight, bias;
} part;

static void differentiate_part(sac_policy *policy, const sac_policy_pass *pass, int rows,
                               const part *of) {
  sac_backend *backend = policy->params.backend;
  sac_linear_backward_weight step = {
      .n = policy->n_seeds, .rows = rows, .in = of->in, .out = of->out};
  step.dy = pass->delta;
  step.dy.data += of->delta_at;
  step.x = pass->tape;
  step.x.data += of->tape_at;
  step.dweight = part_of(policy, policy->params.grad, of->weight, of->in);
  step.dbias = part_of(policy, policy->params.grad, of->bias, of->out);
  backend->ops->linear_backward_weight(backend, &step, 1);
}

static void differentiate_coupling(sac_policy *policy, const sac_policy_pass *pass, int rows,
                                   int l) {
  const sac_flow *flow = &policy->flow;
  sac_flow_layer layer = sac_flow_layer_at(flow, l);
  int units = flow->hidden, tape = l * sac_flow_tape_layer(flow);
  int delta = l * sac_flow_delta_layer(flow), changed = layer.changed;
  if (changed == 0) return;
  const part parts[] = {
      {2 * units, layer.in, delta, tape, layer.hidden, layer.hidden_bias},
      {changed, units, delta + 2 * units, tape + layer.in, layer.scale, layer.scale_bias},
      {changed, units, delta + 2 * units + changed, tape + layer.in + units, layer.shift,
       layer.shift_bias}};
  for (int i = 0; i < 3; i++) differentiate_part(policy, pass, rows, &parts[i]);
}

static void backward(sac_policy *policy, sac_policy_pass *pass,
                     const sac_policy_gradient *gradient) {
  sac_backend *backend = policy->params.backend;
  sac_flow_backward step = {.n = policy->n_seeds,
                            .rows = gradient->rows,
                            .n_critics = gradient->n_critics,
                            .flow = policy->flow,
                            .normal_prior = gradient->normal_prior,
                            .condition = sac_mlp_output(&policy->mlp, &pass->mlp),
                            .weight = weights_of(policy),
                            .tape = pass->tape,
                            .action = gradient->action,
                            .dq = gradient->dq,
                            .seed = gradient->seed,
                            .log_alpha = gradient->log_alpha,
                            .du = gradient->du,
                            .delta = pass->delta,
                            .dcondition = pass->mlp.dout};
  backend->ops->flow_backward(backend, &step);
  for (int l = 0; l < policy->flow.layers; l++)
    differentiate_coupling(policy, pass, gradient->rows, l);
  sac_mlp_backward(&policy->mlp, &policy->params, &pass->mlp, gradient->rows);
}

// the couplings' layers, beside the network's
static sac_status reserve(const sac_policy *policy, int max_rows, sac_error *err) {
  const sac_flow *flow = &policy->flow;
  sac_backend *backend = policy->params.backend;
  for (int l = 0; l < flow->layers; l++) {
    sac_flow_layer layer = sac_flow_layer_at(flow, l);
    if (layer.changed == 0) continue;
    SAC_TRY(
        backend->ops->reserve(backend, policy->n_seeds, max_rows, layer.in, 2 * flow->hidden, err));
    SAC_TRY(backend->ops->reserve(backend, policy->n_seeds, max_rows, flow->hidden, layer.changed,
                                  err));
  }
  return SAC_OK;
}

const sac_policy_kind sac_realnvp_policy = {.name = "realnvp",
                                            .invertible = true,
                                            .check = check,
                                            .describe = describe,
                                            .carve = carve,
                                            .reserve = reserve,
                                            .sample = sample,
                                            .unsquashed = unsquashed,
                                            .backward = backward};
