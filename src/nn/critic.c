#include "nn/critic.h"

#include <stdio.h>

static void describe(sac_critic *critic) {
  sac_mlp *mlp = &critic->mlp;
  char name[32];
  int module = sac_mlp_add_hidden(mlp, &critic->params, "");
  int last = mlp->n_layers - 1, in = mlp->width[last];
  snprintf(name, sizeof name, "%d.weight", module);
  mlp->weight[last] = sac_params_add(&critic->params, name, 1, in, in, 1);
  snprintf(name, sizeof name, "%d.bias", module);
  mlp->bias[last] = sac_params_add(&critic->params, name, 1, 0, in, 1);
  critic->params.views[critic->params.n_views - 2].gain = 1;
}

sac_status sac_critic_create(const sac_config *cfg, sac_critic_shape shape, sac_backend *backend,
                             sac_critic *critic, sac_error *err) {
  int n = shape.n_seeds * shape.networks;
  *critic = (sac_critic){
      .params = {
          .prefix = shape.prefix, .numbered = shape.numbered, .n = n, .networks = shape.networks}};
  sac_mlp_shape(&critic->mlp, n, shape.input, cfg->critic.hidden.at, cfg->critic.hidden.count, 1,
                sac_activation_of(cfg->critic.activation));
  critic->mlp.layer_norm = cfg->critic.layer_norm;
  critic->mlp.dropout = cfg->critic.dropout;
  describe(critic);
  critic->target = critic->params;
  critic->target.prefix = shape.target_prefix;
  SAC_TRY(sac_params_allocate(&critic->params, backend, true, err));
  if (!shape.target_prefix) return SAC_OK;
  return sac_params_allocate(&critic->target, backend, false, err);
}

void sac_critic_release(sac_critic *critic) {
  sac_params_release(&critic->params);
  sac_params_release(&critic->target);
}

void sac_critic_copy_target(sac_critic *critic) {
  sac_backend *backend = critic->params.backend;
  size_t bytes = (size_t)critic->params.n * critic->params.count * sizeof(sac_real);
  backend->ops->copy(backend, critic->target.value, critic->params.value, bytes);
}
