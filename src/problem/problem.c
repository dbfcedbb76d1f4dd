#include "problem/problem.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "problem/linear_reader.h"
#include "problem/table_reader.h"

typedef enum key_users { ANY, TABLE, LINEAR } key_users;

typedef struct key_row {
  const char *name;
  key_users users;
  const char *help;
} key_row;

#define K(constant, name, users, help) {#name, users, help},
static const key_row keys[SAC_PROBLEM_N_KEYS] = {SAC_PROBLEM_KEYS(K)};
#undef K

enum { FILE_BYTES_MAX = 1 << 28 };

enum { FROM_FILE = 1, FROM_OVERRIDE };

const char *sac_problem_key_name(int i) {
  return i < SAC_PROBLEM_N_KEYS ? keys[i].name : NULL;
}

const char *sac_problem_key_help(int i) {
  return i < SAC_PROBLEM_N_KEYS ? keys[i].help : NULL;
}

// documents of the file and of every override
typedef struct sources {
  sac_problem_values values;
  sac_yaml *yaml;  // (n_yaml)
  char (*where)[SAC_CONFIG_WHERE_MAX];
  int n_yaml;
  int source, key_source[SAC_PROBLEM_N_KEYS];  // what is being read, and what gave each key last
  yaml_node_t nothing;                         // the value of an override without one
} sources;

static int find_key(const char *name) {
  for (int i = 0; i < SAC_PROBLEM_N_KEYS; i++)
    if (strcmp(keys[i].name, name) == 0) return i;
  return -1;
}

// names that other texts have for our keys
static const char *translate(const char *name) {
  static const char *const theirs[][2] = {
      {"P", "transitions"},      {"r", "rewards"}, {"p0", "start"},
      {"initial", "start"},      {"T", "horizon"}, {"gamma", "discount"},
      {"alpha", "temperature"},  {"S", "states"},  {"goal", "goals"},
      {"terminal", "absorbing"}, {"K", "policy"},  {"ent_coef", "temperature"}};
  for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
    if (strcmp(theirs[i][0], name) == 0) return theirs[i][1];
  return NULL;
}

static void report_unknown(const sac_value *key, const char *name) {
  const char *names[SAC_PROBLEM_N_KEYS], *nearest = translate(name);
  char shown[64];
  for (int i = 0; i < SAC_PROBLEM_N_KEYS; i++) names[i] = keys[i].name;
  if (!nearest) nearest = sac_nearest(name, names, SAC_PROBLEM_N_KEYS);
  sac_config_show(name, shown, sizeof shown);
  sac_config_mistake(key->yaml->mistakes, sac_yaml_place(key->yaml, key->node),
                     "unknown key %s, must be one that `sac solve` lists%s%s", shown,
                     nearest ? ", nearest: " : "", nearest ? nearest : "");
}

static void take_value(sources *self, const sac_value *key, const char *name,
                       const sac_value *value) {
  int i = find_key(name);
  if (i < 0) {
    report_unknown(key, name);
  } else if (self->key_source[i] == self->source) {
    sac_value_mistake(key, "is given twice");
  } else {
    self->key_source[i] = self->source;
    self->values.of[i] = *value;
    snprintf(self->values.of[i].path, SAC_READER_PATH_MAX, "%s", name);
  }
}

static sac_value root_of(sac_yaml *yaml) {
  return (sac_value){.yaml = yaml, .node = sac_yaml_root(yaml)};
}

static void read_file(sources *self) {
  sac_value root = root_of(&self->yaml[0]);
  snprintf(root.path, sizeof root.path, "the file");
  self->values.whole = root;
  if (!root.node || !sac_value_is_mapping(&root)) {
    if (root.node)
      sac_value_refuse(&root, "a mapping of keys");
    else
      sac_config_mistake(self->values.mistakes, self->values.file, "holds nothing");
    return;
  }
  root.path[0] = '\0';
  for (int i = 0; i < sac_value_count(&root); i++) {
    sac_value key, value = sac_value_at(&root, i, &key);
    if (sac_value_is_scalar(&key))
      take_value(self, &key, sac_value_text(&key), &value);
    else
      sac_value_refuse(&key, "a word");
  }
}

// override `number`, counted from 1
static void read_override(sources *self, int number, const char *override) {
  char name[96], shown[160];
  sac_yaml *yaml = &self->yaml[number];
  sac_config_show(override, shown, sizeof shown);
  snprintf(self->where[number], sizeof self->where[number], "override %d ('%s')", number, shown);
  const char *equals = strchr(override, '=');
  SAC_ASSERT(equals);
  snprintf(name, sizeof name, "%.*s", (int)(equals - override), override);
  *yaml = (sac_yaml){
      .fixed_where = self->where[number], .text = equals + 1, .mistakes = self->values.mistakes};
  if (!sac_yaml_open(yaml, strlen(equals + 1))) return;
  sac_value value = root_of(yaml);
  if (!value.node) value.node = &self->nothing;
  snprintf(value.path, sizeof value.path, "%s", name);
  take_value(self, &value, name, &value);
}

// the kind that the keys belong to; a key of the other one is a mistake
static sac_problem_kind find_kind(const sources *self) {
  const sac_value *of = self->values.of;
  sac_problem_kind kind = SAC_PROBLEM_TABLE;
  bool table = sac_value_given(&of[SAC_KEY_STATES]) || sac_value_given(&of[SAC_KEY_TRANSITIONS]);
  if (!table && sac_value_given(&of[SAC_KEY_A])) kind = SAC_PROBLEM_LINEAR;
  for (int i = 0; i < SAC_PROBLEM_N_KEYS; i++) {
    bool foreign = keys[i].users == (kind == SAC_PROBLEM_TABLE ? LINEAR : TABLE);
    if (foreign && sac_value_given(&of[i]))
      sac_value_mistake(&of[i], "belongs to %s, this is %s",
                        kind == SAC_PROBLEM_TABLE ? "a linear-quadratic problem" : "a table",
                        kind == SAC_PROBLEM_TABLE ? "a table" : "a linear-quadratic problem");
  }
  return kind;
}

static void read_mode(const sac_value *value, sac_problem *out) {
  static const char *const modes[] = {"exact", "variational", "both"};
  out->wants[SAC_INFERENCE_EXACT] = out->wants[SAC_INFERENCE_VARIATIONAL] = true;
  if (!sac_value_given(value)) return;
  const char *text = sac_value_is_scalar(value) ? sac_value_text(value) : "";
  for (int i = 0; i < 3; i++) {
    if (strcmp(text, modes[i]) != 0) continue;
    if (i < 2) out->wants[1 - i] = false;
    return;
  }
  const char *nearest = sac_nearest(text, modes, 3);
  sac_value_refuse(value, "exact, variational or both%s%s", nearest ? ", nearest: " : "",
                   nearest ? nearest : "");
}

static void read_title(const sac_value *value, sac_problem *out) {
  if (!sac_value_given(value)) return;
  if (sac_value_is_scalar(value))
    sac_config_show(sac_value_text(value), out->title, sizeof out->title);
  else
    sac_value_refuse(value, "a text");
}

static void read_number(const sac_value *value, sac_range range, double *number) {
  if (sac_value_given(value)) sac_value_number(value, range, number);
}

// what both kinds have
static void read_common(const sources *self, sac_problem *out) {
  const sac_value *of = self->values.of;
  sac_mdp *mdp = &out->mdp;
  read_title(&of[SAC_KEY_TITLE], out);
  read_mode(&of[SAC_KEY_MODE], out);
  mdp->temperature = 1;
  mdp->discount = 1;
  mdp->tolerance = 1e-12;
  read_number(&of[SAC_KEY_TEMPERATURE], (sac_range){.low = 1e-100, .high = 1e100},
              &mdp->temperature);
  read_number(&of[SAC_KEY_DISCOUNT], (sac_range){.high = 1, .low_open = true}, &mdp->discount);
  read_number(&of[SAC_KEY_TOLERANCE], (sac_range){.high = 1e100, .low_open = true},
              &mdp->tolerance);
  if (sac_value_given(&of[SAC_KEY_HORIZON])) {
    sac_value_integer(&of[SAC_KEY_HORIZON], 1, 1000000000, &mdp->horizon);
  } else if (mdp->discount >= 1) {
    const sac_value *place =
        sac_value_given(&of[SAC_KEY_DISCOUNT]) ? &of[SAC_KEY_DISCOUNT] : &self->values.whole;
    sac_value_mistake(place,
                      "leaves open how long it goes on: give a horizon (decisions), or a "
                      "discount below 1");
  }
}

// what exact inference cannot do: an end by discounting is no quadratic
static void settle_linear_modes(const sources *self, sac_problem *out) {
  const sac_value *mode = &self->values.of[SAC_KEY_MODE];
  bool possible = out->linear.horizon > 0 && out->linear.discount >= 1;
  if (possible || !out->wants[SAC_INFERENCE_EXACT]) return;
  if (out->wants[SAC_INFERENCE_VARIATIONAL])
    out->wants[SAC_INFERENCE_EXACT] = false;
  else
    sac_value_mistake(mode,
                      "exact has no closed form with a discount: a linear-quadratic problem "
                      "needs a horizon without one");
}

static sac_status read_problem(sources *self, sac_problem *out, sac_error *err) {
  read_common(self, out);
  out->kind = find_kind(self);
  if (out->kind == SAC_PROBLEM_TABLE) return sac_table_read(&self->values, out, err);
  out->linear.horizon = out->mdp.horizon;
  out->linear.discount = out->mdp.discount;
  out->linear.temperature = out->mdp.temperature;
  settle_linear_modes(self, out);
  sac_linear_read(&self->values, out);
  return SAC_OK;
}

static sac_status read_sources(sources *self, const char *text, size_t size, int n_overrides,
                               const char *const *overrides, sac_problem *out, sac_error *err) {
  self->yaml[0] =
      (sac_yaml){.file = self->values.file, .text = text, .mistakes = self->values.mistakes};
  if (!sac_yaml_open(&self->yaml[0], size)) return SAC_OK;
  self->source = FROM_FILE;
  read_file(self);
  self->source = FROM_OVERRIDE;
  for (int i = 0; i < n_overrides; i++) read_override(self, i + 1, overrides[i]);
  if (!self->values.whole.node || !sac_value_is_mapping(&self->values.whole)) return SAC_OK;
  return read_problem(self, out, err);
}

static sac_status load_text(const char *path, char **text, size_t *size, sac_error *err) {
  sac_error failure = {0};
  if (sac_file_read(path, text, size, &failure) != SAC_OK)
    return sac_error_set(err, SAC_BAD_CONFIG, "%s", failure.text);
  if (*size <= FILE_BYTES_MAX) return SAC_OK;
  free(*text);
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: is longer than %d bytes: keep large tables in CSV files beside it",
                       path, FILE_BYTES_MAX);
}

sac_status sac_problem_load(const char *path, int n_overrides, const char *const *overrides,
                            sac_problem *problem, sac_error *err) {
  char *text;
  size_t size;
  sac_config_mistakes mistakes = {.err = err};
  yaml_char_t empty[] = "", tag[] = YAML_STR_TAG;
  *problem = (sac_problem){0};
  SAC_TRY(load_text(path, &text, &size, err));
  sources self = {.values = {.file = path, .mistakes = &mistakes}, .n_yaml = 1 + n_overrides};
  self.nothing = (yaml_node_t){.type = YAML_SCALAR_NODE, .tag = tag};
  self.nothing.data.scalar.value = empty;
  self.nothing.data.scalar.style = YAML_PLAIN_SCALAR_STYLE;
  self.yaml = calloc((size_t)self.n_yaml, sizeof *self.yaml);
  self.where = calloc((size_t)self.n_yaml, sizeof *self.where);
  sac_status status =
      self.yaml && self.where
          ? read_sources(&self, text, size, n_overrides, overrides, problem, err)
          : sac_error_set(err, SAC_FAILED, "%s: no memory for %d overrides", path, n_overrides);
  for (int i = 0; self.yaml && i < self.n_yaml; i++)
    if (self.yaml[i].text) sac_yaml_close(&self.yaml[i]);
  free(self.yaml);
  free(self.where);
  free(text);
  return status == SAC_OK ? sac_config_mistakes_close(&mistakes) : status;
}

void sac_problem_release(sac_problem *problem) {
  sac_names_release(&problem->states);
  sac_names_release(&problem->actions);
  sac_mdp_release(&problem->mdp);
}
