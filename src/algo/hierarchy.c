#include "algo/hierarchy.h"

#include <stdlib.h>
#include <string.h>

sac_status sac_hierarchy_create(sac_backend *backend, int max_rows, sac_hierarchy **hierarchy,
                                sac_error *err) {
  sac_hierarchy *self = *hierarchy = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for lower layers");
  self->backend = backend;
  self->max_rows = max_rows;
  return SAC_OK;
}

void sac_hierarchy_destroy(sac_hierarchy *hierarchy) {
  if (!hierarchy) return;
  for (int i = 0; i < hierarchy->n_layers; i++) {
    sac_policy_release(&hierarchy->layer[i].policy);
    free(hierarchy->layer[i].identity);
  }
  if (hierarchy->memory) hierarchy->backend->ops->release(hierarchy->backend, hierarchy->memory);
  free(hierarchy);
}

sac_status sac_hierarchy_add(sac_hierarchy *hierarchy, const sac_policy_options *options,
                             const char *identity, sac_error *err) {
  SAC_ASSERT(hierarchy->n_layers < SAC_HIERARCHY_LAYERS_MAX);
  sac_hierarchy_layer *layer = &hierarchy->layer[hierarchy->n_layers];
  layer->identity = strdup(identity);
  if (!layer->identity) return sac_error_set(err, SAC_FAILED, "no memory for lower layers");
  hierarchy->n_layers++;
  return sac_policy_create(options, &layer->policy, err);
}

static void carve(sac_hierarchy *self, sac_arena *arena) {
  for (int i = 0; i < self->n_layers; i++)
    sac_policy_pass_carve(&self->layer[i].policy, self->max_rows, false, arena,
                          &self->layer[i].pass);
}

sac_status sac_hierarchy_finish(sac_hierarchy *hierarchy, sac_error *err) {
  sac_backend *backend = hierarchy->backend;
  sac_arena arena = {0};
  carve(hierarchy, &arena);
  SAC_TRY(backend->ops->alloc(backend, arena.used, &hierarchy->memory, err));
  arena = (sac_arena){.memory = hierarchy->memory, .size = arena.used};
  carve(hierarchy, &arena);
  for (int i = 0; i < hierarchy->n_layers; i++)
    SAC_TRY(sac_policy_reserve(&hierarchy->layer[i].policy, hierarchy->max_rows, err));
  return SAC_OK;
}

// the weights by way of the host
static sac_status copy_weights(const sac_params *from, const sac_params *to, sac_error *err) {
  size_t bytes = from->count * sizeof *from->value;
  sac_real *values = malloc(bytes);
  if (!values) return sac_error_set(err, SAC_FAILED, "no memory for a copy of a lower layer");
  from->backend->ops->download(from->backend, values, from->value, bytes);
  to->backend->ops->upload(to->backend, to->value, values, bytes);
  free(values);
  return SAC_OK;
}

static sac_status copy_layer(const sac_hierarchy_layer *from, sac_hierarchy *to, sac_error *err) {
  sac_hierarchy_layer *layer = &to->layer[to->n_layers];
  layer->policy = from->policy;
  layer->policy.params.value = NULL;
  layer->identity = strdup(from->identity);
  if (!layer->identity) return sac_error_set(err, SAC_FAILED, "no memory for lower layers");
  to->n_layers++;
  SAC_TRY(sac_params_allocate(&layer->policy.params, to->backend, false, err));
  return copy_weights(&from->policy.params, &layer->policy.params, err);
}

sac_status sac_hierarchy_copy(const sac_hierarchy *from, sac_backend *backend, int max_rows,
                              sac_hierarchy **copy, sac_error *err) {
  sac_hierarchy *self = NULL;
  SAC_TRY(sac_hierarchy_create(backend, max_rows, &self, err));
  self->hash = from->hash;
  sac_status status = SAC_OK;
  for (int i = 0; i < from->n_layers && status == SAC_OK; i++)
    status = copy_layer(&from->layer[i], self, err);
  if (status == SAC_OK) status = sac_hierarchy_finish(self, err);
  if (status == SAC_OK)
    *copy = self;
  else
    sac_hierarchy_destroy(self);
  return status;
}

bool sac_hierarchy_squashes(const sac_hierarchy *hierarchy) {
  return hierarchy->layer[hierarchy->n_layers - 1].policy.gaussian.squash;
}

void sac_hierarchy_act(sac_hierarchy *hierarchy, const sac_descent *descent) {
  sac_stack latent = descent->latent;
  for (int i = 0; i < hierarchy->n_layers; i++) {
    sac_hierarchy_layer *layer = &hierarchy->layer[i];
    sac_policy_draw draw = {
        .rows = descent->rows, .obs = descent->obs, .noise = latent, .action = descent->action};
    sac_policy_sample(&layer->policy, &layer->pass, &draw);
    latent = descent->action;
  }
}
