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
  view->initial = 0;
  view->gain = 1.41421356f;
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
  if (init == SAC_INIT_TORCH) return 1 / sqrt(view->fan_in);
  return view->cols > 0 ? sqrt(6.0 / (view->fan_in + view->fan_out)) : 0;
}

static void draw_uniform(sac_real *out, size_t size, double limit, uint64_t key, uint64_t step) {
  for (size_t i = 0; i < size; i++) {
    sac_words words = sac_draw(key, SAC_DRAW_INIT, step, 0, (uint32_t)(i / 4));
    out[i] = (sac_real)(limit * (2.0 * (double)sac_uniform(words.at[i % 4]) - 1.0));
  }
}

// w: `count` vectors of `size` values, `step` apart, their own values `stride` apart
typedef struct vectors {
  double *w;
  int count, size;
  size_t step, stride;
} vectors;

static double dot(const vectors *v, int a, int b) {
  const double *x = v->w + (size_t)a * v->step, *y = v->w + (size_t)b * v->step;
  double sum = 0;
  for (int k = 0; k < v->size; k++) sum += x[(size_t)k * v->stride] * y[(size_t)k * v->stride];
  return sum;
}

// vector a <- scale a + share b
static void combine(const vectors *v, int a, double scale, int b, double share) {
  double *x = v->w + (size_t)a * v->step, *y = v->w + (size_t)b * v->step;
  for (int k = 0; k < v->size; k++)
    x[(size_t)k * v->stride] = scale * x[(size_t)k * v->stride] + share * y[(size_t)k * v->stride];
}

// Gram and Schmidt, modified: of normal vectors it makes a uniformly drawn orthonormal set
static void orthonormalise(const vectors *v) {
  for (int a = 0; a < v->count; a++) {
    for (int b = 0; b < a; b++) combine(v, a, 1, b, -dot(v, a, b));
    combine(v, a, 1 / sqrt(dot(v, a, a)), a, 0);
  }
}

static bool draw_orthogonal(sac_real *out, const sac_param_view *view, uint64_t key,
                            uint64_t step) {
  size_t rows = (size_t)view->rows, cols = (size_t)view->cols, size = rows * cols;
  double *w = malloc(size * sizeof *w);
  if (!w) return false;
  for (size_t i = 0; i < size; i++) w[i] = sac_draw_normal(key, SAC_DRAW_INIT, step, (uint32_t)i);
  vectors by_row = {w, view->rows, view->cols, cols, 1};
  vectors by_column = {w, view->cols, view->rows, 1, cols};
  orthonormalise(rows <= cols ? &by_row : &by_column);
  for (size_t i = 0; i < size; i++) out[i] = (sac_real)((double)view->gain * w[i]);
  free(w);
  return true;
}

// false without memory
static bool draw_view(sac_real *out, const sac_param_view *view, int init, uint64_t key,
                      uint64_t step) {
  size_t size = sac_param_size(view);
  if (view->fan_in == 0) {
    for (size_t i = 0; i < size; i++) out[i] = view->initial;
  } else if (init == SAC_INIT_ORTHOGONAL && view->cols > 0) {
    return draw_orthogonal(out, view, key, step);
  } else if (init != SAC_INIT_ORTHOGONAL) {
    draw_uniform(out, size, init_limit(view, init), key, step);
  }
  return true;
}

sac_status sac_params_init(sac_params *params, int init, const uint64_t *keys, int stream,
                           sac_error *err) {
  size_t bytes = (size_t)params->n * params->count * sizeof(sac_real);
  sac_real *values = calloc(1, bytes);
  bool enough = values != NULL;
  for (int member = 0; member < params->n && enough; member++) {
    uint64_t key = keys[member / params->networks];
    int network = stream * 64 + member % params->networks;
    for (int i = 0; i < params->n_views && enough; i++) {
      const sac_param_view *view = &params->views[i];
      enough = draw_view(sac_params_at(params, values, member, view), view, init, key,
                         (uint64_t)(network * SAC_PARAM_STREAMS + i));
    }
  }
  if (enough) params->backend->ops->upload(params->backend, params->value, values, bytes);
  free(values);
  if (enough) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "no memory to initialise %s", params->prefix);
}
