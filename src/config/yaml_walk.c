#include "config/yaml_walk.h"

#include <string.h>

#include "config/bases.h"
#include "config/suggest.h"
#include "config/yaml_document.h"

enum { DEPTH_MAX = 8, PATH_MAX_BYTES = 800, SHOWN_MAX = SAC_YAML_SHOWN_MAX };

// a mapping whose pairs are being read
typedef struct frame {
  const yaml_node_pair_t *next, *end;
  char path[PATH_MAX_BYTES];
  bool unknown;  // its name is no section of ours: only other programs' names are looked up in it
} frame;

typedef struct walking {
  const sac_config_walk *walk;
  sac_yaml yaml;
  frame stack[DEPTH_MAX];
  int depth;
  bool seen_section[SAC_CONFIG_N_FIELDS], seen_kwargs, seen_bases;
} walking;

static void collect_items(walking *self, const yaml_node_t *node, sac_config_items *items) {
  items->is_list = node->type == YAML_SEQUENCE_NODE;
  items->count = 1;
  items->item[0] = sac_yaml_scalar(node);
  items->quoted[0] = sac_yaml_is_quoted(node);
  if (!items->is_list) return;
  const yaml_node_item_t *start = node->data.sequence.items.start;
  items->count = (int)(node->data.sequence.items.top - start);
  for (int i = 0; i < items->count && i < SAC_CONFIG_LIST_MAX; i++) {
    const yaml_node_t *each = sac_yaml_node(&self->yaml, start[i]);
    bool scalar = each->type == YAML_SCALAR_NODE && sac_yaml_is_plain(each);
    items->item[i] = scalar ? sac_yaml_scalar(each) : "[...]";
    items->quoted[i] = !scalar || sac_yaml_is_quoted(each);
  }
}

static void take_value(walking *self, const char *path, const yaml_node_t *node) {
  char shown[SHOWN_MAX];
  // what no type accepts: a list of a negative length
  sac_config_entry entry = {.path = path,
                            .where = sac_yaml_place(&self->yaml, node),
                            .found = "a value with a tag or a zero byte",
                            .items = {.count = -1, .is_list = true}};
  if (sac_yaml_is_plain(node)) {
    sac_yaml_show(&self->yaml, node, shown);
    entry.found = shown;
    if (node->type != YAML_MAPPING_NODE) collect_items(self, node, &entry.items);
  }
  self->walk->take(self->walk->context, &entry);
}

static void enter_mapping(walking *self, const char *path, const yaml_node_t *node, bool unknown) {
  if (self->depth == DEPTH_MAX) return;
  frame *new = &self->stack[self->depth++];
  new->next = node->data.mapping.pairs.start;
  new->end = node->data.mapping.pairs.top;
  new->unknown = unknown;
  snprintf(new->path, sizeof new->path, "%s", path);
}

static void enter_section(walking *self, const char *path, const yaml_node_t *node) {
  char shown[SHOWN_MAX];
  if (node->type == YAML_MAPPING_NODE && sac_yaml_is_plain(node)) {
    enter_mapping(self, path, node, false);
  } else if (!sac_yaml_is_empty(node)) {
    sac_yaml_show(&self->yaml, node, shown);
    sac_config_mistake(self->walk->mistakes, sac_yaml_place(&self->yaml, node),
                       "%s is %s, must be a mapping of its keys", path, shown);
  }
}

static void report_unknown(walking *self, const char *path, const char *where, bool section) {
  char shown[160];
  const char *ours = sac_config_suggest(path, section);
  sac_config_show(path, shown, sizeof shown);
  if (sac_config_is_bench(path))
    sac_config_mistake(self->walk->mistakes, where, "%s is only for `sac bench`", shown);
  else if (strstr(path, "<<"))
    sac_config_mistake(self->walk->mistakes, where,
                       "%s: merge keys are not supported, write the keys out", shown);
  else if (ours)
    sac_config_mistake(self->walk->mistakes, where,
                       "unknown key %s, must be one that `sac config` lists, nearest: %s", shown,
                       ours);
  else
    sac_config_mistake(self->walk->mistakes, where,
                       "unknown key %s, must be one that `sac config` lists", shown);
}

// a key that is none of ours; of another program's section, the names inside can be translated too
static void take_unknown(walking *self, const char *path, const char *where,
                         const yaml_node_t *node, bool translate_only) {
  bool mapping = node->type == YAML_MAPPING_NODE;
  bool theirs = sac_config_translate(path) || (!mapping && sac_config_find_elsewhere(path));
  if (!translate_only || theirs) report_unknown(self, path, where, mapping);
  if (mapping && (translate_only || theirs)) enter_mapping(self, path, node, true);
}

// whether `seen` was set already; then it is a mistake
static bool is_repeated(walking *self, bool *seen, const char *path, const char *where) {
  if (*seen) sac_config_mistake(self->walk->mistakes, where, "%s is given twice", path);
  bool repeated = *seen;
  *seen = true;
  return repeated;
}

// each name that the file builds on by itself, for its position
static void take_bases(walking *self, const yaml_node_t *node) {
  if (self->walk->fixed_where) {
    sac_config_mistake(self->walk->mistakes, self->walk->fixed_where,
                       SAC_CONFIG_BASES " is for files; a command takes a preset as its CONFIG");
  } else if (node->type == YAML_SEQUENCE_NODE) {
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++)
      take_value(self, SAC_CONFIG_BASES, sac_yaml_node(&self->yaml, *item));
  } else if (!sac_yaml_is_empty(node)) {
    take_value(self, SAC_CONFIG_BASES, node);
  }
}

static bool is_known(const walking *self, const char *path, int index) {
  return index >= 0 && (self->walk->bench || !sac_config_is_bench(path));
}

// `where` is the position of the key
static void take_pair(walking *self, const char *path, const char *where, bool unknown,
                      const yaml_node_t *value) {
  int field = sac_config_field_find(path), section = sac_config_section_find(path);
  char place[SAC_CONFIG_WHERE_MAX];
  snprintf(place, sizeof place, "%s", where);
  if (!unknown && is_known(self, path, section)) {
    if (!is_repeated(self, &self->seen_section[section], path, place))
      enter_section(self, path, value);
  } else if (!unknown && is_known(self, path, field)) {
    if (sac_config_field_at(field)->type != SAC_CONFIG_KWARGS)
      take_value(self, path, value);
    else if (!is_repeated(self, &self->seen_kwargs, path, place))
      enter_section(self, path, value);
  } else if (!unknown && !strncmp(path, "env.kwargs.", 11)) {
    take_value(self, path, value);
  } else if (!unknown && !strcmp(path, SAC_CONFIG_BASES)) {
    if (!is_repeated(self, &self->seen_bases, path, place)) take_bases(self, value);
  } else {
    take_unknown(self, path, place, value, unknown);
  }
}

static void read_pair(walking *self, frame *top) {
  const yaml_node_pair_t *pair = top->next++;
  const yaml_node_t *key = sac_yaml_node(&self->yaml, pair->key);
  const char *where = sac_yaml_place(&self->yaml, key);
  char path[PATH_MAX_BYTES], shown[SHOWN_MAX];
  if (key->type != YAML_SCALAR_NODE || !sac_yaml_is_plain(key) || !*sac_yaml_scalar(key)) {
    sac_yaml_show(&self->yaml, key, shown);
    sac_config_mistake(self->walk->mistakes, where, "a key is %s, must be a word", shown);
    return;
  }
  sac_config_show(sac_yaml_scalar(key), shown, sizeof shown);
  int length = snprintf(path, sizeof path, "%s%s%s", top->path, *top->path ? "." : "", shown);
  SAC_ASSERT(length < PATH_MAX_BYTES);  // an override's key and DEPTH_MAX shown names fit
  if (strchr(sac_yaml_scalar(key), '.'))
    sac_config_mistake(self->walk->mistakes, where,
                       "unknown key %s: dots are for overrides, in a file keys are nested, as in "
                       "algorithm: {gamma: 0.99}",
                       path);
  else
    take_pair(self, path, where, top->unknown, sac_yaml_node(&self->yaml, pair->value));
}

static void read_document(walking *self, const yaml_node_t *root) {
  const char *path = self->walk->path;
  char shown[SHOWN_MAX];
  if (*path) {
    take_pair(self, path, self->walk->fixed_where, false, root);
  } else if (root->type == YAML_MAPPING_NODE && sac_yaml_is_plain(root)) {
    enter_mapping(self, "", root, false);
  } else if (!sac_yaml_is_empty(root)) {
    sac_yaml_show(&self->yaml, root, shown);
    sac_config_mistake(self->walk->mistakes, sac_yaml_place(&self->yaml, root),
                       "the file holds %s, must be a mapping of sections", shown);
  }
  while (self->depth) {
    frame *top = &self->stack[self->depth - 1];
    if (top->next == top->end)
      self->depth--;
    else
      read_pair(self, top);
  }
}

static void read_empty(walking *self) {
  const char *path = self->walk->path;
  if (!*path) return;
  yaml_char_t nothing[] = "", tag[] = YAML_STR_TAG;
  yaml_node_t node = {.type = YAML_SCALAR_NODE, .tag = tag};
  node.data.scalar.value = nothing;
  node.data.scalar.style = YAML_PLAIN_SCALAR_STYLE;
  take_pair(self, path, self->walk->fixed_where, false, &node);
}

bool sac_config_walk_text(const sac_config_walk *walk, const char *text, size_t size) {
  walking self = {.walk = walk,
                  .yaml = {.file = walk->file,
                           .fixed_where = walk->fixed_where,
                           .text = text,
                           .mistakes = walk->mistakes}};
  if (sac_yaml_open(&self.yaml, size)) {
    const yaml_node_t *root = sac_yaml_root(&self.yaml);
    if (root)
      read_document(&self, root);
    else
      read_empty(&self);
  }
  return sac_yaml_close(&self.yaml);
}
