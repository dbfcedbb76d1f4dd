#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "train/checkpoint.h"

static const char *const metadata_keys[] = {
    "format",  "format_version", "program",       "engine",       "timesteps", "vector_steps",
    "updates", "episodes",       "replay.pushed", "replay.count", "xxh3"};

enum { KEYS = sizeof metadata_keys / sizeof *metadata_keys };

static const char *dtype_name(sac_dtype dtype) {
  static const char *const names[] = {"F32", "F64", "I32", "I64", "U64", "U8"};
  return names[dtype];
}

static json_t *tensor_as_json(const sac_tensor *tensor) {
  json_t *shape = json_array();
  for (int i = 0; i < tensor->rank; i++)
    json_array_append_new(shape, json_integer(tensor->shape[i]));
  return json_pack("{s:s, s:s, s:o}", "name", tensor->name, "dtype", dtype_name(tensor->dtype),
                   "shape", shape);
}

static sac_status print_json(const sac_safetensors *file, const char *digest, sac_error *err) {
  json_t *object = json_pack("{s:s, s:b, s:s}", "checkpoint", sac_safetensors_path(file), "valid",
                             1, "state_xxh3", digest);
  for (int i = 0; i < KEYS; i++) {
    const char *text = sac_safetensors_text(file, metadata_keys[i]);
    if (text) json_object_set_new(object, metadata_keys[i], json_string(text));
  }
  json_t *tensors = json_array();
  for (int i = 0; i < sac_safetensors_count(file); i++)
    json_array_append_new(tensors, tensor_as_json(sac_safetensors_at(file, i)));
  json_object_set_new(object, "tensors", tensors);
  return sac_print_json(object, err);
}

static void print_text(const sac_safetensors *file, const char *digest) {
  printf("%s: valid\nstate_xxh3 %s\n", sac_safetensors_path(file), digest);
  for (int i = 0; i < KEYS; i++) {
    const char *text = sac_safetensors_text(file, metadata_keys[i]);
    if (text) printf("%s %s\n", metadata_keys[i], text);
  }
  for (int i = 0; i < sac_safetensors_count(file); i++) {
    const sac_tensor *tensor = sac_safetensors_at(file, i);
    printf("  %-48s %s (", tensor->name, dtype_name(tensor->dtype));
    for (int j = 0; j < tensor->rank; j++)
      printf("%s%lld", j > 0 ? ", " : "", (long long)tensor->shape[j]);
    printf(")\n");
  }
}

sac_status sac_command_inspect(const sac_arguments *arguments, sac_error *err) {
  sac_safetensors *file;
  char digest[17];
  SAC_TRY(sac_safetensors_open(arguments->words[0], true, &file, err));
  sac_status status = sac_checkpoint_digest(file, digest, err);
  if (status == SAC_OK && arguments->json) status = print_json(file, digest, err);
  if (status == SAC_OK && !arguments->json) print_text(file, digest);
  sac_safetensors_close(file);
  return status;
}
