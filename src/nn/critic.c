#include "nn/critic.h"

#include <stdio.h>

static void describe(sac_critic *critic) {
  sac_mlp *mlp = &critic->mlp;
  for (int l = 0; l < mlp->n_layers; l++) {
    char name[32];
    int in = mlp->width[l], out = mlp->width[l + 1];
    snprintf(name, sizeof name, "%d.weight", 2 * l);
    mlp->weight[l] = sac_params_add(&critic->params, name, out, in, in, out);
    snprintf(name, sizeof name, "%d.bias", 2 * l);
    mlp->bias[l] = sac_params_add(&critic->params, name, out, 0, in, out);
  }
}

sac_status sac_critic_create(const sac_config *cfg, sac_critic_shape shape, sac_backend *backend,
                             sac_critic *critic, sac_error *err) {
  int n = shape.n_seeds * shape.networks;
  *critic = (sac_critic){
      .params = {
          .prefix = shape.prefix, .numbered = shape.numbered, .n = n, .networks = shape.networks}};
  sac_mlp_shape(&critic->mlp, n, shape.input, cfg->critic.hidden.at, cfg->critic.hidden.count, 1,
                sac_activation_of(cfg->critic.activation));
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
