#include "nn/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t sac_param_size(const sac_param_view *view) {
  return (size_t)view->rows * (size_t)(view->cols > 0 ? view->cols : 1);
}

size_t sac_params_add(sac_params *params, const char *name, int rows, int cols, int fan_in,
                      int fan_out) {
  SAC_ASSERT(params->n_views < SAC_PARAM_VIEWS_MAX && !params->value);
  sac_param_view *view = &params->views[params->n_views++];
  snprintf(view->name, sizeof view->name, "%s", name);
  view->rows = rows;
  view->cols = cols;
  view->fan_in = fan_in;
  view->fan_out = fan_out;
  view->offset = params->count;
  params->count += sac_param_size(view);
  return view->offset;
}

size_t sac_params_add_constant(sac_params *params, const char *name, int rows, sac_real initial) {
  size_t offset = sac_params_add(params, name, rows, 0, 0, 0);
  params->views[params->n_views - 1].initial = initial;
  return offset;
}

sac_status sac_params_allocate(sac_params *params, sac_backend *backend, bool trained,
                               sac_error *err) {
  // members start on a cache line, except single values, which ops read as one array
  if (params->count > 1) params->count = (params->count + 15) & ~(size_t)15;
  params->backend = backend;
  size_t size = (size_t)params->n * params->count;
  void *memory = NULL;
  size_t bytes = size * sizeof(sac_real) * (trained ? 4 : 1) + (trained ? sizeof(uint64_t) : 0);
  SAC_TRY(backend->ops->alloc(backend, bytes, &memory, err));
  params->value = memory;
  if (!trained) return SAC_OK;
  params->grad = params->value + size;
  params->m = params->grad + size;
  params->v = params->m + size;
  params->step = (uint64_t *)(void *)(params->v + size);
  return SAC_OK;
}

void sac_params_release(sac_params *params) {
  if (params->value) params->backend->ops->release(params->backend, params->value);
  params->value = NULL;
}

void sac_params_name(const sac_params *params, int i_network, const sac_param_view *view,
                     char name[96]) {
  if (params->numbered) {
    snprintf(name, 96, "%s%d.%s", params->prefix, i_network, view->name);
  } else {
    snprintf(name, 96, "%s%s", params->prefix, view->name);
  }
}

static double init_limit(const sac_param_view *view, int init) {
  if (view->fan_in == 0) return 0;
  if (init == SAC_INIT_TORCH) return 1 / sqrt(view->fan_in);
  return view->cols > 0 ? sqrt(6.0 / (view->fan_in + view->fan_out)) : 0;
}

static void draw_uniform(sac_real *out, size_t size, double limit, uint64_t key, uint64_t step) {
  for (size_t i = 0; i < size; i++) {
    sac_words words = sac_draw(key, SAC_DRAW_INIT, step, 0, (uint32_t)(i / 4));
    out[i] = (sac_real)(limit * (2.0 * (double)sac_uniform(words.at[i % 4]) - 1.0));
  }
}

sac_status sac_params_init(sac_params *params, int init, const uint64_t *keys, int stream,
                           sac_error *err) {
  size_t bytes = (size_t)params->n * params->count * sizeof(sac_real);
  sac_real *values = calloc(1, bytes);
  if (!values) return sac_error_set(err, SAC_FAILED, "no memory to initialise %s", params->prefix);
  for (int member = 0; member < params->n; member++) {
    uint64_t key = keys[member / params->networks];
    int network = stream * 64 + member % params->networks;
    for (int i = 0; i < params->n_views; i++) {
      const sac_param_view *view = &params->views[i];
      sac_real *at = sac_params_at(params, values, member, view);
      if (view->fan_in > 0)
        draw_uniform(at, sac_param_size(view), init_limit(view, init), key,
                     (uint64_t)(network * SAC_PARAM_STREAMS + i));
      for (size_t k = 0; k < sac_param_size(view) && view->fan_in == 0; k++) at[k] = view->initial;
    }
  }
  params->backend->ops->upload(params->backend, params->value, values, bytes);
  free(values);
  return SAC_OK;
}
