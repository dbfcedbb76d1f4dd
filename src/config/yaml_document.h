// One YAML document in memory, whose every node knows its place in the file.
#pragma once

#include <yaml.h>

#include "config/config.h"
#include "config/mistakes.h"

/// Bytes of a value as messages show it.
enum { SAC_YAML_SHOWN_MAX = 64 };

/// A text being read. The caller sets the first four members; the text must outlive the document.
typedef struct sac_yaml {
  const char *file;         // for positions; ignored with `fixed_where`
  const char *fixed_where;  // one position for everything (an override), or NULL
  const char *text;
  sac_config_mistakes *mistakes;
  size_t size;
  bool has_parser, has_document;
  yaml_parser_t parser;
  yaml_document_t document;
  char where[SAC_CONFIG_WHERE_MAX];
} sac_yaml;

/// Parse the first document of `size` bytes. False when the text is not YAML, which is then told.
bool sac_yaml_open(sac_yaml *self, size_t size);

/// Parse what follows, where a second document is a mistake, and give the memory back. False when
/// that is not YAML. Call it once whatever `open` said.
bool sac_yaml_close(sac_yaml *self);

/// The document's root, or NULL when the text holds nothing.
const yaml_node_t *sac_yaml_root(sac_yaml *self);

/// The node of that index in a sequence or a mapping.
const yaml_node_t *sac_yaml_node(sac_yaml *self, int index);

/// "FILE:LINE:COLUMN" where the node begins, in self->where until the next call; of a long path
/// only its end.
const char *sac_yaml_place(sac_yaml *self, const yaml_node_t *node);

/// What the user wrote, for messages, SAC_YAML_SHOWN_MAX bytes.
void sac_yaml_show(sac_yaml *self, const yaml_node_t *node, char *shown);

/// The text of a scalar, and whether it stands in quotes.
const char *sac_yaml_scalar(const yaml_node_t *node);
bool sac_yaml_is_quoted(const yaml_node_t *node);

/// Whether it is YAML's null.
bool sac_yaml_is_empty(const yaml_node_t *node);

/// Whether it is data as any reader sees it: no tag but the one it has anyway, no zero bytes.
bool sac_yaml_is_plain(const yaml_node_t *node);
