#include "problem/triples.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"

enum { COLUMNS = SAC_TRIPLES_COLUMNS };

bool sac_value_is_table(const sac_value *value) {
  if (!sac_value_is_scalar(value)) return false;
  const char *text = sac_value_text(value);
  size_t length = strlen(text);
  return length > 4 && strcmp(text + length - 4, ".csv") == 0;
}

void sac_triples_mistake(const sac_triples_line *line, int index, const char *format, ...) {
  enum { ROOM = 200 };
  char where[256], text[512];
  size_t length = strlen(line->file);
  bool cut = length > ROOM;
  snprintf(where, sizeof where, "%s%s:%d:%d", cut ? "..." : "",
           line->file + (cut ? length - ROOM : 0), line->line, line->column[index]);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  sac_config_mistake(line->mistakes, where, "%s", text);
}

bool sac_triples_number(const sac_triples_line *line, int index, sac_range range, double *number) {
  char shown[64], allowed[96];
  sac_number_verdict verdict = sac_number_read(line->field[index], range, number);
  if (verdict == SAC_NUMBER_TAKEN) return true;
  sac_config_show(line->field[index], shown, sizeof shown);
  sac_range_show(range, verdict, allowed, sizeof allowed);
  sac_triples_mistake(line, index, "%s must be %s", *shown ? shown : "nothing", allowed);
  return false;
}

bool sac_triples_name(const sac_triples_line *line, int index, const sac_names *names,
                      const char *what, int *found) {
  const char *text = line->field[index];
  *found = sac_names_find(names, text, strlen(text));
  if (*found >= 0) return true;
  char shown[64];
  const char *nearest = sac_names_nearest(names, text);
  sac_config_show(text, shown, sizeof shown);
  sac_triples_mistake(line, index, "'%s' is not %s%s%s", shown, what, nearest ? ", nearest: " : "",
                      nearest ? nearest : "");
  return false;
}

// cut the line up at its commas, without blanks around the fields; the number of fields, of which
// COLUMNS are kept
static int split_line(char *text, sac_triples_line *line) {
  int count = 0;
  for (char *at = text;; count++) {
    char *end = strchr(at, ','), *field = at + strspn(at, " \t");
    char *last = end ? end : at + strlen(at);
    bool more = end != NULL;
    if (more) *end = '\0';
    while (last > field && strchr(" \t\r", last[-1])) *--last = '\0';
    if (count < COLUMNS) {
      line->field[count] = field;
      line->column[count] = (int)(field - text) + 1;
    }
    if (!more) return count + 1;
    at = end + 1;
  }
}

static int count_columns(const char *header) {
  int count = 1;
  for (const char *at = header; *at; at++) count += *at == ',';
  return count;
}

// whether the line is the header, blanks aside
static bool is_header(const sac_triples_line *line, int count, const char *header) {
  const char *at = header;
  if (count != count_columns(header)) return false;
  for (int i = 0; i < count; i++) {
    size_t length = strcspn(at, ",");
    if (strlen(line->field[i]) != length || strncmp(line->field[i], at, length) != 0) return false;
    at += length + (at[length] == ',');
  }
  return true;
}

// the line that begins at `text`, with its end cut off
static sac_status take_line(const sac_triples *triples, char *text, bool *headed,
                            sac_triples_line *line, sac_error *err) {
  if (*text == '#' || !text[strspn(text, " \t\r")]) return SAC_OK;
  int count = split_line(text, line), wanted = count_columns(triples->header);
  if (!*headed) {
    *headed = true;
    if (!is_header(line, count, triples->header))
      sac_triples_mistake(line, 0, "the header must be %s", triples->header);
    return SAC_OK;
  }
  if (count == wanted) return triples->take(triples->context, line, err);
  sac_triples_mistake(line, 0, "has %d fields, must have %d: %s", count, wanted, triples->header);
  return SAC_OK;
}

static sac_status take_lines(const sac_triples *triples, const char *path, char *text, size_t size,
                             sac_error *err) {
  sac_triples_line line = {
      .mistakes = triples->value->yaml->mistakes, .file = path, .column = {1, 1, 1, 1}};
  bool headed = false;
  const char mark[] = "\xEF\xBB\xBF";  // some programs begin UTF-8 with it
  char *begin = strncmp(text, mark, 3) == 0 ? text + 3 : text;
  for (char *at = begin, *next; at < text + size; at = next) {
    char *end = memchr(at, '\n', (size_t)(text + size - at));
    next = end ? end + 1 : text + size;
    if (end) *end = '\0';
    line.line++;
    SAC_TRY(take_line(triples, at, &headed, &line, err));
  }
  if (!headed) sac_triples_mistake(&line, 0, "has no header: %s", triples->header);
  return SAC_OK;
}

// a relative name counts from the folder of `base`
static sac_status resolve_path(const sac_triples *triples, char *path, sac_error *err) {
  char folder[SAC_PATH_MAX];
  const char *name = sac_value_text(triples->value), *slash = strrchr(triples->base, '/');
  if (*name == '/' || !slash) return sac_path_join(path, "", name, err);
  snprintf(folder, sizeof folder, "%.*s", (int)(slash - triples->base), triples->base);
  return sac_path_join(path, slash == triples->base ? "/" : folder, name, err);
}

sac_status sac_triples_read(const sac_triples *triples, sac_error *err) {
  char path[SAC_PATH_MAX], *text;
  size_t size;
  sac_error failure = {0};
  sac_status status = resolve_path(triples, path, &failure);
  if (status == SAC_OK) status = sac_file_read(path, &text, &size, &failure);
  if (status != SAC_OK) {
    sac_value_mistake(triples->value, "cannot be read: %.300s", failure.text);
    return SAC_OK;
  }
  status = take_lines(triples, path, text, size, err);
  free(text);
  return status;
}
