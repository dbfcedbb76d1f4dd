// A training run's configuration: read from a YAML file and `key=value` overrides, checked wholly,
// written back resolved. Everything here is generated from config_fields.h.
#pragma once

#include <stdio.h>

#include "base/status.h"

/// Sizes of what a configuration may hold.
enum {
  SAC_CONFIG_TEXT_MAX = 256,   // bytes of a text with its final zero
  SAC_CONFIG_LIST_MAX = 64,    // values of an integer list
  SAC_CONFIG_KWARG_MAX = 32,   // keyword arguments, and values in each
  SAC_CONFIG_WHERE_MAX = 256,  // bytes of a position with its final zero
  SAC_CONFIG_FILE_MAX = 65536  // bytes of a configuration file
};

// The constants of each choice, from 0 in the order of the list: SAC_DEVICE_AUTO, SAC_DEVICE_CPU...
// clang-format off
#define SAC_WORD(constant, word) constant,
#define SAC_WORD_LATER(constant, word) constant,
#define SAC_CHOICE(name, words) enum { words };
#include "config/config_fields.h"
#undef SAC_WORD
#undef SAC_WORD_LATER
// clang-format on

/// A list of whole numbers.
typedef struct sac_config_list {
  int count;
  int64_t at[SAC_CONFIG_LIST_MAX];
} sac_config_list;

/// The temperature alpha: learned from `initial` on, or fixed at it.
typedef struct sac_config_coefficient {
  bool learned;
  double initial;
} sac_config_coefficient;

/// One entry of env.kwargs, not yet resolved against an environment's keywords.
typedef struct sac_config_kwarg {
  char name[64];
  int count;                           // values in use
  double value[SAC_CONFIG_KWARG_MAX];  // true and false are 1 and 0
  bool is_flag;                        // written as true or false
  bool is_list;                        // written as a list
  char where[SAC_CONFIG_WHERE_MAX];    // position of the value, ready to begin an error's line
} sac_config_kwarg;

/// env.kwargs, sorted by name.
typedef struct sac_config_kwargs {
  int count;
  sac_config_kwarg at[SAC_CONFIG_KWARG_MAX];
} sac_config_kwargs;

// the member type of each field type
typedef int64_t sac_config_integer;  // null is 0
typedef double sac_config_number;    // null and auto are NAN
typedef bool sac_config_flag;
typedef char sac_config_text[SAC_CONFIG_TEXT_MAX];  // null is ""
typedef int sac_config_choice;
typedef sac_config_list sac_config_integers;

// clang-format off
/// How many keys there are.
#define SAC_FIELD(type, section, name, default, range, unit, users, help) +1
enum {
  SAC_CONFIG_N_FIELDS = 0
#include "config/config_fields.h"
};

/// A configuration; members mirror the file: cfg->algorithm.adam.beta1. No pointers: it may be
/// copied.
typedef struct sac_config {
#define SAC_OPEN(path, help) struct {
#define SAC_CLOSE(name) } name;
#define SAC_FIELD(type, section, name, default, range, unit, users, help) sac_config_##type name;
#include "config/config_fields.h"
  /// Where the user gave each key, in the order of the list; "" where it has its default.
  char where[SAC_CONFIG_N_FIELDS][SAC_CONFIG_WHERE_MAX];
} sac_config;
// clang-format on

/// Every key at its default, unresolved (env.id is empty).
void sac_config_defaults(sac_config *cfg);

/// Read a file (or nothing, with `path` NULL) and apply overrides (`key=value`, the value in YAML).
/// Fails with SAC_BAD_CONFIG and one line for each mistake in `err`, each with its position. The
/// result is resolved: what depends on the algorithm is settled, and env.id is there.
sac_status sac_config_load(const char *path, int n_overrides, const char *const *overrides,
                           sac_config *cfg, sac_error *err);

/// The same for `sac bench`: overrides may name bench keys, several seeds are allowed, and env.id
/// may stay empty.
sac_status sac_config_load_bench(const char *path, int n_overrides, const char *const *overrides,
                                 sac_config *cfg, sac_error *err);

/// Read a text of `size` bytes; `name` stands for the file in messages.
sac_status sac_config_parse(const char *name, const char *text, size_t size, sac_config *cfg,
                            sac_error *err);

/// Where the user gave `key` ("FILE:LINE:COLUMN" or "override N ('key=value')"), to begin an
/// error's line; for a key left at its default, "env.id" and the like: the key itself.
const char *sac_config_where(const sac_config *cfg, const char *key);

/// The word of a choice: sac_config_word("algorithm.name", cfg->algorithm.name) is "sac".
const char *sac_config_word(const char *key, int value);

/// How many of soft Q-learning's kernel particles move; the others hold still.
int sac_config_updated_particles(const sac_config *cfg);

/// Call `say` with a line for each thing the user should know though it is no mistake: keys that
/// were given but are not used, and a run too short to learn.
void sac_config_notes(const sac_config *cfg, void (*say)(void *context, const char *line),
                      void *context);

/// Write every key as YAML that loads to the same configuration (bench keys left out). Errors stay
/// in the stream (ferror).
void sac_config_write(const sac_config *cfg, FILE *out);

/// Write every key with its type, range, default and meaning, for people.
void sac_config_reference(FILE *out);

/// The keys that fix the shape or meaning of saved state, as "key=value\n" lines; the caller frees
/// the text.
sac_status sac_config_fingerprint(const sac_config *cfg, char **text, sac_error *err);

/// SAC_OK when the fingerprints are equal, else SAC_BAD_CONFIG naming the first key that differs
/// with both values.
sac_status sac_config_compare(const char *saved, const char *current, sac_error *err);
