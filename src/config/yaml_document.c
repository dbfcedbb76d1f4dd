#include "config/yaml_document.h"

#include <string.h>

#include "config/values.h"

enum { BRACKETS_MAX = 100, SHOWN_MAX = SAC_YAML_SHOWN_MAX };

static const char *mark_place(sac_yaml *self, yaml_mark_t mark) {
  enum { NUMBERS = 44 };
  if (self->fixed_where) return self->fixed_where;
  size_t length = strlen(self->file), room = sizeof self->where - NUMBERS;
  bool cut = length > room;
  snprintf(self->where, sizeof self->where, "%s%.*s:%zu:%zu", cut ? "..." : "", (int)room,
           self->file + (cut ? length - room : 0), mark.line + 1, mark.column + 1);
  return self->where;
}

const char *sac_yaml_place(sac_yaml *self, const yaml_node_t *node) {
  return mark_place(self, node->start_mark);
}

const yaml_node_t *sac_yaml_node(sac_yaml *self, int index) {
  return yaml_document_get_node(&self->document, index);
}

const yaml_node_t *sac_yaml_root(sac_yaml *self) {
  return self->has_document ? yaml_document_get_root_node(&self->document) : NULL;
}

const char *sac_yaml_scalar(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

bool sac_yaml_is_quoted(const yaml_node_t *node) {
  return node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

bool sac_yaml_is_empty(const yaml_node_t *node) {
  return node->type == YAML_SCALAR_NODE &&
         sac_config_is_null(sac_yaml_scalar(node), sac_yaml_is_quoted(node));
}

bool sac_yaml_is_plain(const yaml_node_t *node) {
  const char *usual = node->type == YAML_SCALAR_NODE     ? YAML_STR_TAG
                      : node->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
                                                         : YAML_MAP_TAG;
  if (strcmp((const char *)node->tag, usual)) return false;
  return node->type != YAML_SCALAR_NODE ||
         strlen(sac_yaml_scalar(node)) == node->data.scalar.length;
}

static void show_list(sac_yaml *self, const yaml_node_t *node, char *shown) {
  char whole[4 * SHOWN_MAX] = "[";
  const yaml_node_item_t *item = node->data.sequence.items.start;
  for (; item < node->data.sequence.items.top && strlen(whole) < SHOWN_MAX; item++) {
    const yaml_node_t *each = sac_yaml_node(self, *item);
    size_t used = strlen(whole);
    snprintf(whole + used, sizeof whole - used, "%s%.*s", used > 1 ? ", " : "", SHOWN_MAX,
             each->type == YAML_SCALAR_NODE     ? sac_yaml_scalar(each)
             : each->type == YAML_SEQUENCE_NODE ? "[...]"
                                                : "{...}");
  }
  strcat(whole, "]");
  sac_config_show(whole, shown, SHOWN_MAX);
}

void sac_yaml_show(sac_yaml *self, const yaml_node_t *node, char *shown) {
  char text[SHOWN_MAX - 2];
  if (node->type == YAML_MAPPING_NODE) {
    strcpy(shown, "a mapping");
  } else if (node->type == YAML_SEQUENCE_NODE) {
    show_list(self, node, shown);
  } else {
    sac_config_show(sac_yaml_scalar(node), text, sizeof text);
    bool bare = !sac_yaml_is_quoted(node);
    snprintf(shown, SHOWN_MAX, bare && !*text ? "empty" : bare ? "%s" : "\"%s\"", text);
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

static void report_syntax(sac_yaml *self) {
  const yaml_parser_t *parser = &self->parser;
  const char *problem = parser->problem ? parser->problem : "memory ran out";
  yaml_mark_t mark = parser->problem_mark;
  if (parser->error == YAML_READER_ERROR) {
    bool within = parser->problem_offset < self->size;
    mark = find_byte(self->text, within ? parser->problem_offset : self->size);
  }
  bool tab = strstr(problem, "cannot start any token") && memchr(self->text, '\t', self->size);
  sac_config_mistake(self->mistakes, mark_place(self, mark), "is not YAML: %s%s%s%s", problem,
                     parser->context ? " " : "", parser->context ? parser->context : "",
                     tab ? " (tabs cannot indent, spaces must)" : "");
}

// the next document; false at the end of the text or at a mistake
static bool load_document(sac_yaml *self) {
  if (!yaml_parser_load(&self->parser, &self->document)) {
    report_syntax(self);
    return false;
  }
  if (yaml_document_get_root_node(&self->document)) return true;
  yaml_document_delete(&self->document);
  return false;
}

// whether brackets stay within BRACKETS_MAX, without which libyaml's time grows with their square
static bool check_brackets(sac_yaml *self) {
  int depth = 0;
  for (size_t i = 0; i < self->size; i++) {
    char letter = self->text[i];
    if (letter == '[' || letter == '{') depth++;
    if ((letter == ']' || letter == '}') && depth) depth--;
    if (depth <= BRACKETS_MAX) continue;
    sac_config_mistake(self->mistakes, mark_place(self, find_byte(self->text, i)),
                       "is not YAML for us: brackets are nested deeper than %d", BRACKETS_MAX);
    return false;
  }
  return true;
}

bool sac_yaml_open(sac_yaml *self, size_t size) {
  self->size = size;
  self->has_document = self->has_parser = false;
  if (!check_brackets(self)) return false;
  self->has_parser = yaml_parser_initialize(&self->parser);
  if (!self->has_parser) {
    sac_config_mistake(self->mistakes, self->fixed_where ? self->fixed_where : self->file,
                       "memory ran out");
    return false;
  }
  yaml_parser_set_input_string(&self->parser, (const unsigned char *)self->text, size);
  self->has_document = load_document(self);
  return self->parser.error == YAML_NO_ERROR;
}

static bool check_rest(sac_yaml *self) {
  if (!load_document(self)) return self->parser.error == YAML_NO_ERROR;
  const yaml_node_t *second = yaml_document_get_root_node(&self->document);
  sac_config_mistake(self->mistakes, sac_yaml_place(self, second),
                     "a second document begins, must be one");
  yaml_document_delete(&self->document);
  return true;
}

bool sac_yaml_close(sac_yaml *self) {
  bool read = self->has_parser && self->parser.error == YAML_NO_ERROR;
  if (self->has_document) {
    yaml_document_delete(&self->document);
    read = check_rest(self);
  }
  if (self->has_parser) yaml_parser_delete(&self->parser);
  self->has_parser = self->has_document = false;
  return read;
}
