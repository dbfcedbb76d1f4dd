#include "io/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"

// which lines stay; `line` ends with a zero byte and may be written to
typedef struct rule {
  bool (*keeps)(struct rule *self, char *line, int i_line);
  uint64_t timesteps;
  int columns;      // of the header
  int wall_column;  // of "wall_s", -1 without
  double wall_s;    // of the last row kept
} rule;

// move the whole lines that stay to the front; returns their bytes
static size_t keep_lines(rule *self, char *text, size_t size) {
  size_t kept = 0;
  char *line = text, *end;
  for (int i = 0; (end = memchr(line, '\n', (size_t)(text + size - line))); i++) {
    size_t length = (size_t)(end - line) + 1;
    *end = '\0';
    if (self->keeps(self, line, i)) {
      *end = '\n';
      memmove(text + kept, line, length);
      kept += length;
    }
    line = end + 1;
  }
  return kept;
}

static sac_status cut(const char *path, rule *self, sac_error *err) {
  char *text;
  size_t size;
  SAC_TRY(sac_file_read(path, &text, &size, err));
  size_t kept = keep_lines(self, text, size);
  sac_status status = kept == size ? SAC_OK : sac_file_write(path, text, kept, err);
  free(text);
  return status;
}

static int count_columns(const char *line) {
  int columns = 1;
  for (; *line; line++) columns += *line == ',';
  return columns;
}

static const char *find_column(const char *line, int column) {
  for (; column > 0; column--) line += strcspn(line, ",") + 1;
  return line;
}

static void read_header(rule *self, const char *line) {
  self->columns = count_columns(line);
  self->wall_column = -1;
  for (int i = 0; i < self->columns; i++) {
    const char *name = find_column(line, i);
    if (strcspn(name, ",") == 6 && !strncmp(name, "wall_s", 6)) self->wall_column = i;
  }
}

static bool keeps_row(rule *self, char *line, int i_line) {
  char *end;
  if (!i_line) {
    read_header(self, line);
    return true;
  }
  double timesteps = strtod(line, &end);
  bool whole = end != line && (*end == ',' || !*end) && count_columns(line) == self->columns;
  if (!whole || !(timesteps <= (double)self->timesteps)) return false;
  if (self->wall_column >= 0) self->wall_s = strtod(find_column(line, self->wall_column), NULL);
  return true;
}

static bool keeps_object(rule *self, char *line, int i_line) {
  (void)i_line;  // every line is alike
  json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
  const json_t *timesteps = json_object_get(object, "timesteps");
  bool kept = json_is_number(timesteps) && json_number_value(timesteps) <= (double)self->timesteps;
  json_decref(object);
  return kept;
}

sac_status sac_csv_cut(const char *path, uint64_t timesteps, double *wall_s, sac_error *err) {
  rule self = {.keeps = keeps_row, .timesteps = timesteps};
  sac_status status = cut(path, &self, err);
  if (wall_s) *wall_s = self.wall_s;
  return status;
}

sac_status sac_jsonl_cut(const char *path, uint64_t timesteps, sac_error *err) {
  rule self = {.keeps = keeps_object, .timesteps = timesteps};
  return cut(path, &self, err);
}

static sac_status append_lines(const char *path, char *text, json_t *rows, sac_error *err) {
  char *line = text, *end;
  for (int number = 1; (end = strchr(line, '\n')); number++, line = end + 1) {
    json_error_t why = {.text = "is not an object"};
    *end = '\0';
    if (line[strspn(line, " \t\r")] == '\0') continue;
    json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, &why);
    bool is_object = json_is_object(row);
    if (!is_object) json_decref(row);
    if (!is_object)
      return sac_error_set(err, SAC_BAD_CONFIG, "%s:%d: is not a JSON object: %s", path, number,
                           why.text);
    json_array_append_new(rows, row);
  }
  return SAC_OK;
}

sac_status sac_jsonl_read(const char *path, json_t **rows, sac_error *err) {
  char *text;
  size_t size;
  SAC_TRY(sac_file_read(path, &text, &size, err));
  *rows = json_array();
  sac_status status = *rows ? append_lines(path, text, *rows, err)
                            : sac_error_set(err, SAC_FAILED, "%s: no memory", path);
  if (status != SAC_OK) json_decref(*rows);
  free(text);
  return status;
}
