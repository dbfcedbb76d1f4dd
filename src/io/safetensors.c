// The reader: it trusts nothing in the file.
#include "io/safetensors.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/files.h"
#include "io/tensor_header.h"

struct sac_safetensors {
  char *path, *bytes;
  size_t size;
  json_t *header;  // owns the names
  sac_tensor *tensors;
  int count;
};

__attribute__((format(printf, 3, 4))) static sac_status refuse(const sac_safetensors *self,
                                                               sac_error *err, const char *format,
                                                               ...) {
  char reason[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: damaged: %s", self->path, reason);
}

static size_t get_header_size(const sac_safetensors *self) {
  uint64_t size = 0;
  for (int i = 0; i < 8; i++) size |= (uint64_t)(unsigned char)self->bytes[i] << 8 * i;
  return size;
}

static sac_status parse_header(sac_safetensors *self, sac_error *err) {
  json_error_t problem;
  if (self->size < 8)
    return refuse(self, err, "it has %zu bytes, not even a header length", self->size);
  size_t size = get_header_size(self);
  if (size > self->size - 8 || size > SAC_HEADER_MAX)
    return refuse(self, err, "its header is said to have %zu bytes, the file has %zu", size,
                  self->size);
  self->header = json_loadb(self->bytes + 8, size, JSON_REJECT_DUPLICATES, &problem);
  if (!self->header)
    return refuse(self, err, "its header is not JSON: %s (byte %d)", problem.text,
                  problem.position + 8);
  if (!json_is_object(self->header)) return refuse(self, err, "its header is no JSON object");
  return SAC_OK;
}

// a whole number in [0, 2^53]
static bool read_size(const json_t *value, int64_t *size) {
  if (!json_is_integer(value)) return false;
  *size = json_integer_value(value);
  return *size >= 0 && *size <= (int64_t)1 << 53;
}

// shape, and the bytes it stands for; false when it is none or overflows
static bool read_shape(const json_t *shape, sac_tensor *tensor, int64_t *bytes) {
  size_t rank = json_array_size(shape);
  if (!json_is_array(shape) || rank > SAC_TENSOR_RANK_MAX) return false;
  tensor->rank = (int)rank;
  *bytes = (int64_t)sac_dtype_bytes(tensor->dtype);
  for (size_t i = 0; i < rank; i++) {
    if (!read_size(json_array_get(shape, i), &tensor->shape[i])) return false;
    if (__builtin_mul_overflow(*bytes, tensor->shape[i], bytes)) return false;
  }
  return true;
}

static sac_status read_tensor(sac_safetensors *self, const char *name, const json_t *entry,
                              sac_tensor *tensor, sac_error *err) {
  int64_t begin, end, bytes;
  const char *dtype = json_string_value(json_object_get(entry, "dtype"));
  const json_t *offsets = json_object_get(entry, "data_offsets");
  size_t start = 8 + get_header_size(self);
  tensor->name = name;
  if (!*name || strlen(name) >= SAC_TENSOR_NAME_MAX)
    return refuse(self, err, "a tensor's name is empty or longer than %d bytes",
                  SAC_TENSOR_NAME_MAX - 1);
  if (!json_is_object(entry) || json_object_size(entry) != 3)
    return refuse(self, err, "tensor %s is not described by dtype, shape and data_offsets", name);
  if (!dtype || !sac_dtype_find(dtype, &tensor->dtype))
    return refuse(self, err, "tensor %s has type %.16s, must be F32, F64, I32, I64, U64 or U8",
                  name, dtype ? dtype : "none");
  if (!read_shape(json_object_get(entry, "shape"), tensor, &bytes))
    return refuse(self, err, "tensor %s has no valid shape of at most %d dimensions", name,
                  SAC_TENSOR_RANK_MAX);
  if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &begin) ||
      !read_size(json_array_get(offsets, 1), &end) || (size_t)end > self->size - start)
    return refuse(self, err, "tensor %s lies outside of the file", name);
  if (end - begin != bytes)
    return refuse(self, err, "tensor %s has %lld bytes, its shape needs %lld", name,
                  (long long)(end - begin), (long long)bytes);
  tensor->data = self->bytes + start + begin;
  return SAC_OK;
}

static int compare_places(const void *a, const void *b) {
  const sac_tensor *left = a, *right = b;
  if (left->data != right->data) return left->data < right->data ? -1 : 1;
  size_t left_bytes = sac_tensor_bytes(left), right_bytes = sac_tensor_bytes(right);
  if (left_bytes != right_bytes) return left_bytes < right_bytes ? -1 : 1;
  return strcmp(left->name, right->name);
}

// each tensor begins where the one before ends, and the last ends with the file
static sac_status check_places(sac_safetensors *self, sac_error *err) {
  const char *end = self->bytes + 8 + get_header_size(self);
  qsort(self->tensors, (size_t)self->count, sizeof *self->tensors, compare_places);
  for (int i = 0; i < self->count; i++) {
    if (self->tensors[i].data != end)
      return refuse(self, err, "tensor %s does not begin where the one before it ends",
                    self->tensors[i].name);
    end += sac_tensor_bytes(&self->tensors[i]);
  }
  size_t left = (size_t)(self->bytes + self->size - end);
  if (left) return refuse(self, err, "%zu bytes follow the last tensor", left);
  return SAC_OK;
}

static sac_status check_metadata(sac_safetensors *self, const json_t *metadata, sac_error *err) {
  const char *key;
  json_t *text;
  if (!json_is_object(metadata)) return refuse(self, err, "its __metadata__ is no object");
  json_object_foreach((json_t *)metadata, key, text) {
    if (!json_is_string(text)) return refuse(self, err, "its __metadata__ holds more than texts");
  }
  return SAC_OK;
}

static sac_status read_entries(sac_safetensors *self, sac_error *err) {
  const char *name;
  json_t *entry;
  self->tensors = calloc(json_object_size(self->header) + 1, sizeof *self->tensors);
  if (!self->tensors) return sac_error_set(err, SAC_FAILED, "%s: no memory", self->path);
  json_object_foreach(self->header, name, entry) {
    if (!strcmp(name, "__metadata__"))
      SAC_TRY(check_metadata(self, entry, err));
    else
      SAC_TRY(read_tensor(self, name, entry, &self->tensors[self->count++], err));
  }
  return check_places(self, err);
}

// the hash of all bytes with its own digits blank
static uint64_t compute_hash(const sac_safetensors *self, size_t place) {
  char digits[SAC_HASH_DIGITS];
  memcpy(digits, self->bytes + place, SAC_HASH_DIGITS);
  memcpy(self->bytes + place, SAC_HASH_BLANK, SAC_HASH_DIGITS);
  uint64_t hash = XXH3_64bits(self->bytes, self->size);
  memcpy(self->bytes + place, digits, SAC_HASH_DIGITS);
  return hash;
}

static sac_status verify_hash(const sac_safetensors *self, sac_error *err) {
  char computed[SAC_HASH_DIGITS + 1];
  const char *written = sac_safetensors_text(self, SAC_HASH_KEY);
  const char *digits = sac_hash_find(self->bytes + 8, get_header_size(self));
  if (!written || !digits) return refuse(self, err, "it has no hash (" SAC_HASH_KEY ")");
  sac_hash_format(compute_hash(self, (size_t)(digits - self->bytes)), computed);
  if (!strcmp(written, computed) && !memcmp(digits, computed, SAC_HASH_DIGITS)) return SAC_OK;
  return refuse(self, err, "its hash is %.32s, its content gives %s", written, computed);
}

sac_status sac_safetensors_open(const char *path, bool verify, sac_safetensors **file,
                                sac_error *err) {
  sac_safetensors *self = calloc(1, sizeof *self);
  *file = NULL;
  if (!self || !(self->path = strdup(path))) {
    sac_safetensors_close(self);
    return sac_error_set(err, SAC_FAILED, "%s: no memory", path);
  }
  sac_status status = sac_file_read(path, &self->bytes, &self->size, err);
  // a checkpoint that the disk cannot give back is a bad one: another may do
  if (status == SAC_BAD_DISK) status = SAC_BAD_CHECKPOINT;
  if (status == SAC_BAD_CHECKPOINT && err) err->code = status;
  if (status == SAC_OK) status = parse_header(self, err);
  if (status == SAC_OK) status = read_entries(self, err);
  if (status == SAC_OK && verify) status = verify_hash(self, err);
  if (status == SAC_OK)
    *file = self;
  else
    sac_safetensors_close(self);
  return status;
}

void sac_safetensors_close(sac_safetensors *file) {
  if (!file) return;
  json_decref(file->header);
  free(file->tensors);
  free(file->bytes);
  free(file->path);
  free(file);
}

const char *sac_safetensors_path(const sac_safetensors *file) {
  return file->path;
}

int sac_safetensors_count(const sac_safetensors *file) {
  return file->count;
}

const sac_tensor *sac_safetensors_at(const sac_safetensors *file, int index) {
  SAC_ASSERT(index >= 0 && index < file->count);
  return &file->tensors[index];
}

const sac_tensor *sac_safetensors_find(const sac_safetensors *file, const char *name) {
  for (int i = 0; i < file->count; i++)
    if (!strcmp(file->tensors[i].name, name)) return &file->tensors[i];
  return NULL;
}

const char *sac_safetensors_text(const sac_safetensors *file, const char *key) {
  return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}
