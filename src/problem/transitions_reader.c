#include "problem/transitions_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "problem/triples.h"

static const sac_range probabilities = {.low = 0, .high = 1};

typedef struct reading {
  const sac_stage_reader *reader;
  const sac_value *value;
  sac_transitions *out;
  int state, action;     // of the row being read
  const sac_value *row;  // which is here
} reading;

static sac_status push(sac_transitions *out, sac_transition transition, sac_error *err) {
  if (out->count == out->room) {
    int room = out->room > 0 ? out->room > INT32_MAX / 2 ? INT32_MAX : 2 * out->room : 64;
    sac_transition *grown = realloc(out->at, sizeof *grown * (size_t)room);
    if (!grown || out->count == room)
      return sac_error_set(err, SAC_FAILED, "no memory for more than %d transitions", out->count);
    out->at = grown;
    out->room = room;
  }
  out->at[out->count++] = transition;
  return SAC_OK;
}

static sac_status add_outcome(reading *self, int next, double probability, sac_error *err) {
  const yaml_mark_t *mark = &self->row->node->start_mark;
  sac_transition transition = {.state = self->state,
                               .action = self->action,
                               .next = next,
                               .line = (int)mark->line + 1,
                               .column = (int)mark->column + 1,
                               .probability = probability};
  return push(self->out, transition, err);
}

// one state, a mapping of states to probabilities, or a list of them; null: no such choice
static sac_status read_row(reading *self, const sac_value *row, sac_error *err) {
  const sac_names *states = self->reader->states;
  int next;
  self->row = row;
  if (sac_value_is_null(row)) return SAC_OK;
  if (sac_value_is_scalar(row))
    return sac_value_name(row, states, "a state", &next) ? add_outcome(self, next, 1, err) : SAC_OK;
  if (!sac_value_collects(row, states->count, "state")) return SAC_OK;
  if (sac_value_count(row) == 0) sac_value_mistake(row, "names no state");
  for (int i = 0; i < sac_value_count(row); i++) {
    sac_value entry;
    double probability;
    if (!sac_value_entry(row, i, states, "a state", NULL, &next, &entry)) continue;
    if (!sac_value_number(&entry, probabilities, &probability)) continue;
    SAC_TRY(add_outcome(self, next, probability, err));
  }
  return SAC_OK;
}

// what the actions of a state lead to; a single state is where all of them do
static sac_status read_state(reading *self, const sac_value *value, sac_error *err) {
  const sac_stage_reader *reader = self->reader;
  if (sac_value_is_null(value)) return SAC_OK;
  if (sac_value_is_scalar(value)) {
    int next;
    self->row = value;
    if (!sac_value_name(value, reader->states, "a state", &next)) return SAC_OK;
    for (self->action = 0; self->action < reader->actions->count; self->action++)
      SAC_TRY(add_outcome(self, next, 1, err));
    return SAC_OK;
  }
  if (!sac_value_collects(value, reader->actions->count, "action")) return SAC_OK;
  memset(reader->seen_actions, 0, (size_t)reader->actions->count);
  for (int i = 0; i < sac_value_count(value); i++) {
    sac_value row;
    if (sac_value_entry(value, i, reader->actions, "an action", reader->seen_actions, &self->action,
                        &row))
      SAC_TRY(read_row(self, &row, err));
  }
  return SAC_OK;
}

static sac_status read_states(reading *self, sac_error *err) {
  const sac_stage_reader *reader = self->reader;
  if (!sac_value_collects(self->value, reader->states->count, "state")) return SAC_OK;
  memset(reader->seen_states, 0, (size_t)reader->states->count);
  for (int i = 0; i < sac_value_count(self->value); i++) {
    sac_value entry;
    if (sac_value_entry(self->value, i, reader->states, "a state", reader->seen_states,
                        &self->state, &entry))
      SAC_TRY(read_state(self, &entry, err));
  }
  return SAC_OK;
}

static sac_status take_line(void *context, const sac_triples_line *line, sac_error *err) {
  reading *self = context;
  const sac_stage_reader *reader = self->reader;
  sac_transition new = {.line = line->line, .column = line->column[0]};
  if (self->out->count == 0)
    snprintf(self->out->file, sizeof self->out->file, "%.200s", line->file);
  bool named = sac_triples_name(line, 0, reader->states, "a state", &new.state);
  named &= sac_triples_name(line, 1, reader->actions, "an action", &new.action);
  named &= sac_triples_name(line, 2, reader->states, "a state", &new.next);
  bool counted = sac_triples_number(line, 3, probabilities, &new.probability);
  return named && counted ? push(self->out, new, err) : SAC_OK;
}

static int compare(const void *x, const void *y) {
  const sac_transition *a = x, *b = y;
  if (a->state != b->state) return a->state < b->state ? -1 : 1;
  if (a->action != b->action) return a->action < b->action ? -1 : 1;
  if (a->next != b->next) return a->next < b->next ? -1 : 1;
  return a->line != b->line ? (a->line < b->line ? -1 : 1) : 0;
}

// the place of a transition, in the file that it came from
static void report(const reading *self, const sac_transition *at, const char *text) {
  char where[SAC_CONFIG_WHERE_MAX + 32];
  const sac_stage_reader *reader = self->reader;
  sac_yaml *yaml = self->value->yaml;
  snprintf(where, sizeof where, "%s:%d:%d", self->out->file, at->line, at->column);
  bool in_override = yaml->fixed_where && !sac_value_is_table(self->value);
  sac_config_mistake(yaml->mistakes, in_override ? yaml->fixed_where : where, "%s.%s.%s %s",
                     self->value->path, reader->states->at[at->state],
                     reader->actions->at[at->action], text);
}

// a row that sums to 1 almost is made to sum to 1
static void check_row(const reading *self, sac_transition *row, int count) {
  char text[256];
  double sum = 0;
  for (int i = 0; i < count; i++) sum += row[i].probability;
  if (fabs(sum - 1) > SAC_ROW_TOLERANCE) {
    snprintf(text, sizeof text, "sums to %.12g, must be 1 (within %g)", sum, SAC_ROW_TOLERANCE);
    report(self, row, text);
  }
  for (int i = 0; i < count; i++) row[i].probability /= sum;
  for (int i = 1; i < count; i++) {
    if (row[i].next != row[i - 1].next) continue;
    snprintf(text, sizeof text, "has the state %.100s twice",
             self->reader->states->at[row[i].next]);
    report(self, &row[i], text);
  }
}

// what has no probability is none
static void drop_zeros(sac_transitions *out) {
  int kept = 0;
  for (int i = 0; i < out->count; i++)
    if (out->at[i].probability > 0) out->at[kept++] = out->at[i];
  out->count = kept;
}

static void check_rows(const reading *self) {
  sac_transitions *out = self->out;
  for (int i = 0, end; i < out->count; i = end) {
    for (end = i + 1; end < out->count && out->at[end].state == out->at[i].state &&
                      out->at[end].action == out->at[i].action;)
      end++;
    check_row(self, &out->at[i], end - i);
  }
}

sac_status sac_transitions_read(const sac_stage_reader *reader, const sac_value *value,
                                sac_transitions *out, sac_error *err) {
  reading self = {.reader = reader, .value = value, .out = out};
  *out = (sac_transitions){0};
  snprintf(out->file, sizeof out->file, "%.200s", reader->file);
  if (sac_value_is_table(value)) {
    sac_triples triples = {value, reader->file, "state,action,next,probability", take_line, &self};
    SAC_TRY(sac_triples_read(&triples, err));
  } else {
    SAC_TRY(read_states(&self, err));
  }
  if (out->count > 0) qsort(out->at, (size_t)out->count, sizeof *out->at, compare);
  check_rows(&self);
  drop_zeros(out);
  return SAC_OK;
}
