#include "config/yaml_walk.h"

#include <string.h>
#include <yaml.h>

#include "config/bases.h"
#include "config/suggest.h"

enum { DEPTH_MAX = 8, PATH_MAX_BYTES = 800, BRACKETS_MAX = 100, SHOWN_MAX = 64 };

// a mapping whose pairs are being read
typedef struct frame {
  const yaml_node_pair_t *next, *end;
  char path[PATH_MAX_BYTES];
  bool unknown;  // its name is no section of ours: only other programs' names are looked up in it
} frame;

typedef struct walking {
  const sac_config_walk *walk;
  const char *text;
  yaml_document_t document;
  frame stack[DEPTH_MAX];
  int depth;
  bool seen_section[SAC_CONFIG_N_FIELDS], seen_kwargs, seen_bases;
  char where[SAC_CONFIG_WHERE_MAX];
} walking;

// "FILE:LINE:COLUMN", in self->where until the next call; of a long path only its end
static const char *mark_place(walking *self, yaml_mark_t mark) {
  const char *file = self->walk->file;
  enum { NUMBERS = 44 };
  if (self->walk->fixed_where) return self->walk->fixed_where;
  size_t length = strlen(file), room = sizeof self->where - NUMBERS;
  bool cut = length > room;
  snprintf(self->where, sizeof self->where, "%s%.*s:%zu:%zu", cut ? "..." : "", (int)room,
           file + (cut ? length - room : 0), mark.line + 1, mark.column + 1);
  return self->where;
}

static yaml_node_t *find_node(walking *self, int index) {
  return yaml_document_get_node(&self->document, index);
}

static const char *get_scalar(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

static bool is_quoted(const yaml_node_t *node) {
  return node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static bool is_empty(const yaml_node_t *node) {
  return node->type == YAML_SCALAR_NODE && sac_config_is_null(get_scalar(node), is_quoted(node));
}

// a scalar as one text without zero bytes, and of no tag but the one it would have anyway
static bool is_plain_data(const yaml_node_t *node) {
  const char *usual = node->type == YAML_SCALAR_NODE     ? YAML_STR_TAG
                      : node->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
                                                         : YAML_MAP_TAG;
  if (strcmp((const char *)node->tag, usual)) return false;
  return node->type != YAML_SCALAR_NODE || strlen(get_scalar(node)) == node->data.scalar.length;
}

static void show_list(walking *self, const yaml_node_t *node, char shown[SHOWN_MAX]) {
  char whole[4 * SHOWN_MAX] = "[";
  const yaml_node_item_t *item = node->data.sequence.items.start;
  for (; item < node->data.sequence.items.top && strlen(whole) < SHOWN_MAX; item++) {
    const yaml_node_t *each = find_node(self, *item);
    size_t used = strlen(whole);
    snprintf(whole + used, sizeof whole - used, "%s%.*s", used > 1 ? ", " : "", SHOWN_MAX,
             each->type == YAML_SCALAR_NODE     ? get_scalar(each)
             : each->type == YAML_SEQUENCE_NODE ? "[...]"
                                                : "{...}");
  }
  strcat(whole, "]");
  sac_config_show(whole, shown, SHOWN_MAX);
}

// what the user wrote, for messages
static void show_node(walking *self, const yaml_node_t *node, char shown[SHOWN_MAX]) {
  char text[SHOWN_MAX - 2];
  if (node->type == YAML_MAPPING_NODE) {
    strcpy(shown, "a mapping");
  } else if (node->type == YAML_SEQUENCE_NODE) {
    show_list(self, node, shown);
  } else {
    sac_config_show(get_scalar(node), text, sizeof text);
    bool bare = !is_quoted(node);
    snprintf(shown, SHOWN_MAX, bare && !*text ? "empty" : bare ? "%s" : "\"%s\"", text);
  }
}

static void collect_items(walking *self, const yaml_node_t *node, sac_config_items *items) {
  items->is_list = node->type == YAML_SEQUENCE_NODE;
  items->count = 1;
  items->item[0] = get_scalar(node);
  items->quoted[0] = is_quoted(node);
  if (!items->is_list) return;
  const yaml_node_item_t *start = node->data.sequence.items.start;
  items->count = (int)(node->data.sequence.items.top - start);
  for (int i = 0; i < items->count && i < SAC_CONFIG_LIST_MAX; i++) {
    const yaml_node_t *each = find_node(self, start[i]);
    bool scalar = each->type == YAML_SCALAR_NODE && is_plain_data(each);
    items->item[i] = scalar ? get_scalar(each) : "[...]";
    items->quoted[i] = !scalar || is_quoted(each);
  }
}

static void take_value(walking *self, const char *path, const yaml_node_t *node) {
  char shown[SHOWN_MAX];
  // what no type accepts: a list of a negative length
  sac_config_entry entry = {.path = path,
                            .where = mark_place(self, node->start_mark),
                            .found = "a value with a tag or a zero byte",
                            .items = {.count = -1, .is_list = true}};
  if (is_plain_data(node)) {
    show_node(self, node, shown);
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
  if (node->type == YAML_MAPPING_NODE && is_plain_data(node)) {
    enter_mapping(self, path, node, false);
  } else if (!is_empty(node)) {
    show_node(self, node, shown);
    sac_config_mistake(self->walk->mistakes, mark_place(self, node->start_mark),
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
      take_value(self, SAC_CONFIG_BASES, find_node(self, *item));
  } else if (!is_empty(node)) {
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
  const yaml_node_t *key = find_node(self, pair->key);
  const char *where = mark_place(self, key->start_mark);
  char path[PATH_MAX_BYTES], shown[SHOWN_MAX];
  if (key->type != YAML_SCALAR_NODE || !is_plain_data(key) || !*get_scalar(key)) {
    show_node(self, key, shown);
    sac_config_mistake(self->walk->mistakes, where, "a key is %s, must be a word", shown);
    return;
  }
  sac_config_show(get_scalar(key), shown, sizeof shown);
  int length = snprintf(path, sizeof path, "%s%s%s", top->path, *top->path ? "." : "", shown);
  SAC_ASSERT(length < PATH_MAX_BYTES);  // an override's key and DEPTH_MAX shown names fit
  if (strchr(get_scalar(key), '.'))
    sac_config_mistake(self->walk->mistakes, where,
                       "unknown key %s: dots are for overrides, in a file keys are nested, as in "
                       "algorithm: {gamma: 0.99}",
                       path);
  else
    take_pair(self, path, where, top->unknown, find_node(self, pair->value));
}

static void read_document(walking *self) {
  const yaml_node_t *root = yaml_document_get_root_node(&self->document);
  const char *path = self->walk->path;
  char shown[SHOWN_MAX];
  if (*path) {
    take_pair(self, path, self->walk->fixed_where, false, root);
  } else if (root->type == YAML_MAPPING_NODE && is_plain_data(root)) {
    enter_mapping(self, "", root, false);
  } else if (!is_empty(root)) {
    show_node(self, root, shown);
    sac_config_mistake(self->walk->mistakes, mark_place(self, root->start_mark),
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

// libyaml gives a byte offset, not a mark, for bytes that are no text
static yaml_mark_t find_byte(const char *text, size_t offset) {
  yaml_mark_t mark = {0};
  for (size_t i = 0; i < offset; i++) {
    mark.column = text[i] == '\n' ? 0 : mark.column + 1;
    mark.line += text[i] == '\n';
  }
  return mark;
}

static void report_syntax(walking *self, const yaml_parser_t *parser, size_t size) {
  const char *problem = parser->problem ? parser->problem : "memory ran out";
  yaml_mark_t mark = parser->problem_mark;
  if (parser->error == YAML_READER_ERROR)
    mark = find_byte(self->text, parser->problem_offset < size ? parser->problem_offset : size);
  bool tab = strstr(problem, "cannot start any token") && memchr(self->text, '\t', size);
  sac_config_mistake(self->walk->mistakes, mark_place(self, mark), "is not YAML: %s%s%s%s", problem,
                     parser->context ? " " : "", parser->context ? parser->context : "",
                     tab ? " (tabs cannot indent, spaces must)" : "");
}

// the next document; false at the end of the text or at a mistake
static bool load_document(walking *self, yaml_parser_t *parser, size_t size) {
  if (!yaml_parser_load(parser, &self->document)) {
    report_syntax(self, parser, size);
    return false;
  }
  if (yaml_document_get_root_node(&self->document)) return true;
  yaml_document_delete(&self->document);
  return false;
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

// false when the text is not YAML
static bool read_text(walking *self, yaml_parser_t *parser, size_t size) {
  if (!load_document(self, parser, size)) {
    if (parser->error == YAML_NO_ERROR) read_empty(self);
    return parser->error == YAML_NO_ERROR;
  }
  read_document(self);
  yaml_document_delete(&self->document);
  if (!load_document(self, parser, size)) return parser->error == YAML_NO_ERROR;
  const yaml_node_t *second = yaml_document_get_root_node(&self->document);
  sac_config_mistake(self->walk->mistakes, mark_place(self, second->start_mark),
                     "a second document begins, must be one");
  yaml_document_delete(&self->document);
  return true;
}

// whether brackets stay within BRACKETS_MAX, without which libyaml's time grows with their square
static bool check_brackets(walking *self, size_t size) {
  int depth = 0;
  for (size_t i = 0; i < size; i++) {
    char letter = self->text[i];
    if (letter == '[' || letter == '{') depth++;
    if ((letter == ']' || letter == '}') && depth) depth--;
    if (depth <= BRACKETS_MAX) continue;
    sac_config_mistake(self->walk->mistakes, mark_place(self, find_byte(self->text, i)),
                       "is not YAML for us: brackets are nested deeper than %d", BRACKETS_MAX);
    return false;
  }
  return true;
}

bool sac_config_walk_text(const sac_config_walk *walk, const char *text, size_t size) {
  walking self = {.walk = walk, .text = text};
  yaml_parser_t parser;
  if (!check_brackets(&self, size)) return false;
  if (!yaml_parser_initialize(&parser)) {
    sac_config_mistake(walk->mistakes, walk->file ? walk->file : walk->path, "memory ran out");
    return false;
  }
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  bool read = read_text(&self, &parser, size);
  yaml_parser_delete(&parser);
  return read;
}
