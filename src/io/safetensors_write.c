// The writer.
#include "io/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/files.h"
#include "io/tensor_header.h"

enum { CHUNK_BYTES = 1 << 18 };

struct sac_safetensors_writer {
  sac_tensor *tensors;  // names are ours
  int count, room;
  json_t *notes;
};

sac_status sac_safetensors_writer_create(sac_safetensors_writer **writer, sac_error *err) {
  *writer = calloc(1, sizeof **writer);
  if (*writer) (*writer)->notes = json_object();
  if (*writer && (*writer)->notes) return SAC_OK;
  sac_safetensors_writer_destroy(*writer);
  return sac_error_set(err, SAC_FAILED, "no memory to write tensors");
}

void sac_safetensors_writer_destroy(sac_safetensors_writer *writer) {
  if (!writer) return;
  for (int i = 0; i < writer->count; i++) free((char *)writer->tensors[i].name);
  free(writer->tensors);
  json_decref(writer->notes);
  free(writer);
}

void sac_safetensors_add(sac_safetensors_writer *writer, const sac_tensor *tensor) {
  SAC_ASSERT(tensor->rank >= 0 && tensor->rank <= SAC_TENSOR_RANK_MAX);
  SAC_ASSERT(tensor->data || tensor->fill || !sac_tensor_count(tensor));
  SAC_ASSERT(strlen(tensor->name) < SAC_TENSOR_NAME_MAX);
  for (int i = 0; i < writer->count; i++)
    SAC_ASSERT(strcmp(writer->tensors[i].name, tensor->name) != 0);
  if (writer->count == writer->room) {
    writer->room = 2 * writer->room + 32;
    writer->tensors = realloc(writer->tensors, (size_t)writer->room * sizeof *tensor);
    SAC_ASSERT(writer->tensors != NULL);
  }
  sac_tensor *copy = &writer->tensors[writer->count++];
  *copy = *tensor;
  copy->name = strdup(tensor->name);
  SAC_ASSERT(copy->name != NULL);
}

void sac_safetensors_note(sac_safetensors_writer *writer, const char *key, const char *text) {
  SAC_ASSERT(strcmp(key, SAC_HASH_KEY) != 0);
  int failed = json_object_set_new(writer->notes, key, json_string(text));
  SAC_ASSERT(!failed);
}

// the widest elements first, else in the order they were added
static void call_in_order(sac_safetensors_writer *self,
                          void (*call)(void *context, const sac_tensor *tensor), void *context) {
  for (size_t width = 8; width; width /= 2)
    for (int i = 0; i < self->count; i++)
      if (sac_dtype_bytes(self->tensors[i].dtype) == width) call(context, &self->tensors[i]);
}

typedef struct layout {
  json_t *header;
  size_t offset;
} layout;

static void describe_tensor(void *context, const sac_tensor *tensor) {
  layout *self = context;
  size_t end = self->offset + sac_tensor_bytes(tensor);
  json_t *shape = json_array();
  for (int i = 0; i < tensor->rank; i++)
    json_array_append_new(shape, json_integer(tensor->shape[i]));
  json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", sac_dtype_name(tensor->dtype), "shape",
                            shape, "data_offsets", (json_int_t)self->offset, (json_int_t)end);
  json_object_set_new(self->header, tensor->name, entry);
  self->offset = end;
}

// length, JSON and padding as one block of `*size` bytes with a blank hash; NULL without memory
static char *make_header(sac_safetensors_writer *writer, size_t *size) {
  layout self = {.header = json_object()};
  json_t *notes = json_copy(writer->notes);
  json_object_set_new(notes, SAC_HASH_KEY, json_string(SAC_HASH_BLANK));
  json_object_set_new(self.header, "__metadata__", notes);
  call_in_order(writer, describe_tensor, &self);
  // what memory lacked for is missing from the objects
  bool whole = json_object_size(notes) == json_object_size(writer->notes) + 1 &&
               json_object_size(self.header) == (size_t)writer->count + 1;
  char *text = whole ? json_dumps(self.header, JSON_COMPACT) : NULL, *block = NULL;
  json_decref(self.header);
  if (!text) return NULL;
  size_t used = 8 + strlen(text);
  *size = (used + SAC_HEADER_ALIGN - 1) / SAC_HEADER_ALIGN * SAC_HEADER_ALIGN;
  block = malloc(*size);
  if (block) {
    uint64_t length = *size - 8;
    memset(block, ' ', *size);
    for (int i = 0; i < 8; i++) block[i] = (char)(length >> 8 * i);
    memcpy(block + 8, text, used - 8);
  }
  free(text);
  return block;
}

typedef struct output {
  sac_new_file file;
  XXH3_state_t *hash;
  char *chunk;  // CHUNK_BYTES
  sac_status status;
  sac_error *err;
} output;

static void write_bytes(output *self, const void *bytes, size_t size) {
  if (self->status != SAC_OK) return;
  XXH3_64bits_update(self->hash, bytes, size);
  self->status = sac_new_file_write(&self->file, bytes, size, self->err);
}

static void write_tensor(void *context, const sac_tensor *tensor) {
  output *self = context;
  size_t bytes = sac_tensor_bytes(tensor);
  if (!tensor->fill) {
    write_bytes(self, tensor->data, bytes);
    return;
  }
  for (size_t offset = 0; offset < bytes && self->status == SAC_OK; offset += CHUNK_BYTES) {
    size_t count = bytes - offset < CHUNK_BYTES ? bytes - offset : CHUNK_BYTES;
    self->status = tensor->fill(tensor->context, offset, self->chunk, count, self->err);
    write_bytes(self, self->chunk, count);
  }
}

// everything with a blank hash, then the hash in its place
static sac_status write_contents(output *self, sac_safetensors_writer *writer, const char *header,
                                 size_t size) {
  char digits[SAC_HASH_DIGITS + 1];
  size_t place = (size_t)(sac_hash_find(header, size) - header);
  XXH3_64bits_reset(self->hash);
  write_bytes(self, header, size);
  call_in_order(writer, write_tensor, self);
  SAC_TRY(self->status);
  sac_hash_format(XXH3_64bits_digest(self->hash), digits);
  return sac_new_file_write_at(&self->file, place, digits, SAC_HASH_DIGITS, self->err);
}

sac_status sac_safetensors_write(sac_safetensors_writer *writer, const char *path, sac_error *err) {
  size_t size = 0;
  char *header = make_header(writer, &size);
  output self = {.hash = XXH3_createState(), .chunk = malloc(CHUNK_BYTES), .err = err};
  if (!header || !self.hash || !self.chunk)
    self.status = sac_error_set(err, SAC_FAILED, "%s: no memory to write it", path);
  else
    self.status = sac_new_file_create(&self.file, path, err);
  if (self.status == SAC_OK) {
    self.status = write_contents(&self, writer, header, size);
    if (self.status == SAC_OK)
      self.status = sac_new_file_commit(&self.file, err);
    else
      sac_new_file_abandon(&self.file);
  }
  XXH3_freeState(self.hash);
  free(self.chunk);
  free(header);
  return self.status;
}
