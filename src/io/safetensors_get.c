// Tensors of an open file by name, type and shape.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tensor_header.h"

static sac_status refuse(const sac_safetensors *file, sac_error *err, const char *name,
                         const char *found, const char *wanted) {
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: tensor %s has %s, must have %s",
                       sac_safetensors_path(file), name, found, wanted);
}

static sac_status refuse_missing(const sac_safetensors *file, const char *name, sac_error *err) {
  int count = sac_safetensors_count(file);
  const char **names = calloc((size_t)count + 1, sizeof *names), *nearest = NULL;
  for (int i = 0; names && i < count; i++) names[i] = sac_safetensors_at(file, i)->name;
  if (names) nearest = sac_nearest(name, names, count);
  free(names);
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: has no tensor %s%s%s",
                       sac_safetensors_path(file), name, nearest ? ", nearest: " : "",
                       nearest ? nearest : "");
}

// "shape (2, 3)"
static void show_shape(const sac_tensor *tensor, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "shape (");
  for (int i = 0; i < tensor->rank && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? ", " : "",
                             (long long)tensor->shape[i]);
  if (used < size) snprintf(text + used, size - used, ")");
}

// the tensor of wanted's name, rank and shape
static sac_status find_shaped(const sac_safetensors *file, const sac_tensor *wanted,
                              const sac_tensor **tensor, sac_error *err) {
  char found[256], expected[256];
  const sac_tensor *it = sac_safetensors_find(file, wanted->name);
  *tensor = it;
  if (!it) return refuse_missing(file, wanted->name, err);
  size_t bytes = (size_t)wanted->rank * sizeof *wanted->shape;
  if (it->rank == wanted->rank && !memcmp(it->shape, wanted->shape, bytes)) return SAC_OK;
  show_shape(it, found, sizeof found);
  show_shape(wanted, expected, sizeof expected);
  return refuse(file, err, wanted->name, found, expected);
}

static sac_status find_real(const sac_safetensors *file, const sac_tensor *wanted,
                            const sac_tensor **tensor, sac_error *err) {
  SAC_TRY(find_shaped(file, wanted, tensor, err));
  if ((*tensor)->dtype == SAC_F32 || (*tensor)->dtype == SAC_F64) return SAC_OK;
  return refuse(file, err, wanted->name, sac_dtype_name((*tensor)->dtype), "F32 or F64");
}

// element i of an F32 or F64 tensor, which a foreign file may have at any address
static double get_element(const sac_tensor *tensor, size_t i) {
  float single;
  double wide;
  const char *from = (const char *)tensor->data + i * sac_dtype_bytes(tensor->dtype);
  if (tensor->dtype == SAC_F64) {
    memcpy(&wide, from, sizeof wide);
    return wide;
  }
  memcpy(&single, from, sizeof single);
  return single;
}

sac_status sac_safetensors_get_reals(const sac_safetensors *file, const sac_tensor *wanted,
                                     sac_real *out, sac_error *err) {
  const sac_tensor *tensor;
  SAC_TRY(find_real(file, wanted, &tensor, err));
  size_t count = sac_tensor_count(tensor);
  for (size_t i = 0; i < count; i++) out[i] = (sac_real)get_element(tensor, i);
  return SAC_OK;
}

sac_status sac_safetensors_get_doubles(const sac_safetensors *file, const sac_tensor *wanted,
                                       double *out, sac_error *err) {
  const sac_tensor *tensor;
  SAC_TRY(find_real(file, wanted, &tensor, err));
  size_t count = sac_tensor_count(tensor);
  for (size_t i = 0; i < count; i++) out[i] = get_element(tensor, i);
  return SAC_OK;
}

sac_status sac_safetensors_get(const sac_safetensors *file, const sac_tensor *wanted, void *out,
                               sac_error *err) {
  const sac_tensor *tensor;
  SAC_TRY(find_shaped(file, wanted, &tensor, err));
  if (tensor->dtype != wanted->dtype)
    return refuse(file, err, wanted->name, sac_dtype_name(tensor->dtype),
                  sac_dtype_name(wanted->dtype));
  size_t bytes = sac_tensor_bytes(tensor);
  if (bytes) memcpy(out, tensor->data, bytes);
  return SAC_OK;
}
