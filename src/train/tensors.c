#include "train/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algo/hierarchy.h"

struct sac_tensor_source {
  sac_backend *backend;
  const char *at;
};

// tensors that a checkpoint or a trace may hold for each view (value, moments, gradient, all but
// the last once more after an update), and those that belong to no view
enum { PER_VIEW = 8, BESIDES = 64 + SAC_HIERARCHY_LAYERS_MAX * SAC_PARAM_VIEWS_MAX };

sac_status sac_tensors_begin(sac_tensors *tensors, sac_agent *agent, sac_error *err) {
  const sac_params *params;
  *tensors = (sac_tensors){.max_sources = BESIDES};
  for (int i = 0; (params = sac_agent_params(agent, i)); i++)
    tensors->max_sources += PER_VIEW * params->networks * params->n_views;
  tensors->sources = calloc((size_t)tensors->max_sources, sizeof *tensors->sources);
  if (!tensors->sources) return sac_error_set(err, SAC_FAILED, "no memory for the list of tensors");
  return sac_safetensors_writer_create(&tensors->writer, err);
}

void sac_tensors_end(sac_tensors *tensors) {
  sac_safetensors_writer_destroy(tensors->writer);
  free(tensors->sources);
}

static sac_status download_part(void *context, size_t offset, void *bytes, size_t count,
                                sac_error *err) {
  const struct sac_tensor_source *source = context;
  source->backend->ops->download(source->backend, bytes, source->at + offset, count);
  // what a device that failed gave never becomes a checkpoint
  return source->backend->ops->sync(source->backend, err);
}

static sac_tensor describe(const char *name, sac_dtype dtype, int rank, const int64_t *shape) {
  sac_tensor tensor = {.name = name, .dtype = dtype, .rank = rank};
  memcpy(tensor.shape, shape, (size_t)rank * sizeof *shape);
  return tensor;
}

void sac_tensors_add(sac_tensors *tensors, sac_backend *backend, const char *name, sac_dtype dtype,
                     int rank, const int64_t *shape, const void *at) {
  SAC_ASSERT(tensors->n_sources < tensors->max_sources);
  struct sac_tensor_source *source = &tensors->sources[tensors->n_sources++];
  *source = (struct sac_tensor_source){backend, at};
  sac_tensor tensor = describe(name, dtype, rank, shape);
  tensor.fill = download_part;
  tensor.context = source;
  sac_safetensors_add(tensors->writer, &tensor);
}

void sac_tensors_add_host(sac_tensors *tensors, const char *name, sac_dtype dtype, int rank,
                          const int64_t *shape, const void *at) {
  sac_tensor tensor = describe(name, dtype, rank, shape);
  tensor.data = at;
  sac_safetensors_add(tensors->writer, &tensor);
}

static sac_tensor describe_view(char name[SAC_TENSOR_NAME_MAX], const char *prefix,
                                const sac_params *params, int i_network,
                                const sac_param_view *view) {
  char own[96];
  sac_params_name(params, i_network, view, own);
  snprintf(name, SAC_TENSOR_NAME_MAX, "%s%s", prefix, own);
  int64_t shape[] = {view->rows, view->cols};
  return describe(name, SAC_DTYPE_REAL, view->cols > 0 ? 2 : 1, shape);
}

void sac_tensors_add_block(sac_tensors *tensors, const char *prefix, const sac_params *params,
                           const sac_real *block, int i_seed) {
  for (int i_network = 0; i_network < params->networks; i_network++)
    for (int i = 0; i < params->n_views; i++) {
      char name[SAC_TENSOR_NAME_MAX];
      sac_tensor tensor = describe_view(name, prefix, params, i_network, &params->views[i]);
      int member = i_seed * params->networks + i_network;
      sac_tensors_add(tensors, params->backend, name, tensor.dtype, tensor.rank, tensor.shape,
                      sac_params_at(params, (sac_real *)block, member, &params->views[i]));
    }
}

static void add_optimiser(sac_tensors *tensors, const char *prefix, const sac_params *params,
                          const char *optimiser, int i_seed) {
  char name[SAC_TENSOR_NAME_MAX];
  int64_t one = 1;
  snprintf(name, sizeof name, "%soptimizer.exp_avg.", prefix);
  sac_tensors_add_block(tensors, name, params, params->m, i_seed);
  snprintf(name, sizeof name, "%soptimizer.exp_avg_sq.", prefix);
  sac_tensors_add_block(tensors, name, params, params->v, i_seed);
  snprintf(name, sizeof name, "%soptimizer.step.%s", prefix, optimiser);
  sac_tensors_add(tensors, params->backend, name, SAC_I64, 1, &one, params->step);
}

void sac_tensors_add_state(sac_tensors *tensors, const char *prefix, sac_agent *agent, int i_seed) {
  const sac_params *params;
  for (int i = 0; (params = sac_agent_params(agent, i)); i++)
    sac_tensors_add_block(tensors, prefix, params, params->value, i_seed);
  for (int i = 0; (params = sac_agent_params(agent, i)); i++) {
    const char *optimiser = sac_agent_optimiser(agent, params);
    if (optimiser) add_optimiser(tensors, prefix, params, optimiser, i_seed);
  }
}

static sac_status get_view(const sac_safetensors *file, const sac_tensor *tensor,
                           const sac_params *params, sac_real *to, sac_error *err) {
  size_t bytes = sac_tensor_bytes(tensor);
  sac_real *values = malloc(bytes);
  if (!values) return sac_error_set(err, SAC_FAILED, "no memory for tensor %s", tensor->name);
  sac_status status = sac_safetensors_get_reals(file, tensor, values, err);
  if (status == SAC_OK) params->backend->ops->upload(params->backend, to, values, bytes);
  free(values);
  return status;
}

static sac_found found_of(int n_found, int n) {
  return n_found == 0 ? SAC_FOUND_NONE : n_found < n ? SAC_FOUND_SOME : SAC_FOUND_ALL;
}

sac_status sac_tensors_get_block(const sac_safetensors *file, const char *prefix,
                                 const sac_params *params, sac_real *block, int i_seed,
                                 sac_found *found, sac_error *err) {
  int n = 0, n_found = 0;
  for (int i_network = 0; i_network < params->networks; i_network++)
    for (int i = 0; i < params->n_views; i++, n++) {
      char name[SAC_TENSOR_NAME_MAX];
      sac_tensor tensor = describe_view(name, prefix, params, i_network, &params->views[i]);
      if (!sac_safetensors_find(file, name)) continue;
      int member = i_seed * params->networks + i_network;
      SAC_TRY(get_view(file, &tensor, params,
                       sac_params_at(params, block, member, &params->views[i]), err));
      n_found++;
    }
  *found = found_of(n_found, n);
  return SAC_OK;
}

sac_status sac_tensors_get_optimiser(const sac_safetensors *file, const sac_params *params,
                                     const char *optimiser, int i_seed, sac_found *found,
                                     sac_error *err) {
  char name[SAC_TENSOR_NAME_MAX];
  sac_found part[3] = {SAC_FOUND_NONE};
  SAC_TRY(
      sac_tensors_get_block(file, "optimizer.exp_avg.", params, params->m, i_seed, &part[0], err));
  SAC_TRY(sac_tensors_get_block(file, "optimizer.exp_avg_sq.", params, params->v, i_seed, &part[1],
                                err));
  snprintf(name, sizeof name, "optimizer.step.%s", optimiser);
  if (sac_safetensors_find(file, name)) {
    int64_t one = 1, step;
    sac_tensor tensor = describe(name, SAC_I64, 1, &one);
    SAC_TRY(sac_safetensors_get(file, &tensor, &step, err));
    params->backend->ops->upload(params->backend, params->step, &step, sizeof step);
    part[2] = SAC_FOUND_ALL;
  }
  *found = part[0] == part[1] && part[1] == part[2] ? part[0] : SAC_FOUND_SOME;
  return SAC_OK;
}

static sac_status need_all(const sac_safetensors *file, sac_found found, const char *what,
                           sac_error *err) {
  if (found == SAC_FOUND_ALL) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: tensors of %s are missing",
                       sac_safetensors_path(file), what);
}

sac_status sac_tensors_get_state(const sac_safetensors *file, sac_agent *agent, int i_seed,
                                 sac_error *err) {
  sac_params *params;
  sac_found found;
  for (int i = 0; (params = sac_agent_params(agent, i)); i++) {
    SAC_TRY(sac_tensors_get_block(file, "", params, params->value, i_seed, &found, err));
    SAC_TRY(need_all(file, found, params->prefix[0] ? params->prefix : "log_ent_coef", err));
    const char *optimiser = sac_agent_optimiser(agent, params);
    if (!optimiser) continue;
    SAC_TRY(sac_tensors_get_optimiser(file, params, optimiser, i_seed, &found, err));
    SAC_TRY(need_all(file, found, "an optimiser", err));
  }
  return SAC_OK;
}
