#include "problem/stage_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "problem/transitions_reader.h"
#include "problem/triples.h"

static const sac_range rewards = {.low = -1e100, .high = 1e100};
static const sac_range probabilities = {.low = 0, .high = 1};

// where a number was given; line 0: nowhere
typedef struct place {
  int line, column;
} place;

// numbers of choices being read: rewards, or a prior
typedef struct reading {
  const sac_stage_reader *reader;
  const sac_value *value;
  const sac_mdp_stage *stage;
  const char *header;  // of a CSV file
  sac_range range;
  bool knows_choices;               // the transitions were read without a mistake
  double *numbers;                  // (n_choices)
  place *given;                     // (n_choices)
  char file[SAC_CONFIG_WHERE_MAX];  // what these places are in
} reading;

sac_prior sac_prior_of(const sac_value *value) {
  if (!sac_value_given(value)) return SAC_PRIOR_UNIFORM;
  if (!sac_value_is_scalar(value)) return SAC_PRIOR_GIVEN;
  if (strcmp(sac_value_text(value), "uniform") == 0) return SAC_PRIOR_UNIFORM;
  return strcmp(sac_value_text(value), "none") == 0 ? SAC_PRIOR_NONE : SAC_PRIOR_GIVEN;
}

static void put_number(const reading *self, int choice, double number, place at) {
  self->numbers[choice] = number;
  self->given[choice] = at;
}

static place place_of(const sac_value *value) {
  return (place){(int)value->node->start_mark.line + 1, (int)value->node->start_mark.column + 1};
}

// a number for an action of the state that `row` is about; null: nothing is said
static void read_choice(const reading *self, int choice, const sac_value *value, place row) {
  double number;
  if (sac_value_is_null(value)) return;
  if (choice >= 0 && sac_value_number(value, self->range, &number))
    put_number(self, choice, number, row);
  if (choice < 0 && self->knows_choices)
    sac_value_mistake(value, "is about an action that has no transition there");
}

// one number for all actions of a state, or one for each
static void read_state(const reading *self, int state, const sac_value *value) {
  const sac_stage_reader *reader = self->reader;
  if (sac_value_is_null(value)) return;
  double number;
  if (sac_value_is_scalar(value)) {
    if (!sac_value_number(value, self->range, &number)) return;
    int first = self->stage->first_choice[state], end = self->stage->first_choice[state + 1];
    for (int c = first; c < end; c++) put_number(self, c, number, place_of(value));
    if (first == end && self->knows_choices)
      sac_value_mistake(value, "is about a state that has no transitions");
    return;
  }
  if (!sac_value_collects(value, reader->actions->count, "action")) return;
  memset(reader->seen_actions, 0, (size_t)reader->actions->count);
  for (int i = 0; i < sac_value_count(value); i++) {
    int action;
    sac_value entry;
    if (sac_value_entry(value, i, reader->actions, "an action", reader->seen_actions, &action,
                        &entry))
      read_choice(self, sac_mdp_choice_find(self->stage, state, action), &entry, place_of(value));
  }
}

static sac_status take_line(void *context, const sac_triples_line *line, sac_error *err) {
  reading *self = context;
  int state, action;
  double number;
  (void)err;  // nothing but mistakes can go wrong here, and these are collected
  snprintf(self->file, sizeof self->file, "%.200s", line->file);
  bool named = sac_triples_name(line, 0, self->reader->states, "a state", &state);
  named &= sac_triples_name(line, 1, self->reader->actions, "an action", &action);
  if (!sac_triples_number(line, 2, self->range, &number) || !named) return SAC_OK;
  int choice = sac_mdp_choice_find(self->stage, state, action);
  if (choice >= 0 && self->given[choice].line > 0)
    sac_triples_mistake(line, 0, "%s.%s is given twice, first in line %d",
                        self->reader->states->at[state], self->reader->actions->at[action],
                        self->given[choice].line);
  else if (choice >= 0)
    put_number(self, choice, number, (place){line->line, line->column[0]});
  else if (self->knows_choices)
    sac_triples_mistake(line, 0, "%s.%s is about an action that has no transition there",
                        self->reader->states->at[state], self->reader->actions->at[action]);
  return SAC_OK;
}

static sac_status read_numbers(reading *self, sac_error *err) {
  const sac_stage_reader *reader = self->reader;
  sac_triples triples = {self->value, reader->file, self->header, take_line, self};
  snprintf(self->file, sizeof self->file, "%.200s", reader->file);
  if (sac_value_is_table(self->value)) return sac_triples_read(&triples, err);
  if (!sac_value_collects(self->value, reader->states->count, "state")) return SAC_OK;
  memset(reader->seen_states, 0, (size_t)reader->states->count);
  for (int i = 0; i < sac_value_count(self->value); i++) {
    int state;
    sac_value entry;
    if (sac_value_entry(self->value, i, reader->states, "a state", reader->seen_states, &state,
                        &entry))
      read_state(self, state, &entry);
  }
  return SAC_OK;
}

static sac_status read_rewards(reading *self, const sac_value *value, sac_error *err) {
  self->value = value;
  self->header = "state,action,reward";
  self->range = rewards;
  self->numbers = self->stage->reward;
  double number;
  if (!sac_value_given(value)) return SAC_OK;
  if (!sac_value_is_scalar(value) || sac_value_is_table(value)) return read_numbers(self, err);
  if (sac_value_number(value, rewards, &number))
    for (int c = 0; c < self->stage->n_choices; c++) self->numbers[c] = number;
  return SAC_OK;
}

static void report_sum(const reading *self, int state, double sum, place at) {
  char where[SAC_CONFIG_WHERE_MAX + 32];
  sac_yaml *yaml = self->value->yaml;
  snprintf(where, sizeof where, "%s:%d:%d", self->file, at.line, at.column);
  bool in_override = yaml->fixed_where && !sac_value_is_table(self->value);
  sac_config_mistake(yaml->mistakes, in_override ? yaml->fixed_where : where,
                     "%s.%s sums to %.12g, must be 1 (within %g)", self->value->path,
                     self->reader->states->at[state], sum, SAC_ROW_TOLERANCE);
}

// a state whose prior is not given keeps the uniform one; where some of it is, the rest is 0
static void check_prior(const reading *self) {
  for (int s = 0; s < self->stage->n_states; s++) {
    place at = {0};
    double sum = 0;
    for (int c = self->stage->first_choice[s]; c < self->stage->first_choice[s + 1]; c++) {
      if (self->given[c].line == 0) continue;
      if (at.line == 0) at = self->given[c];
      sum += self->numbers[c];
    }
    if (at.line == 0) continue;
    if (fabs(sum - 1) > SAC_ROW_TOLERANCE) report_sum(self, s, sum, at);
    for (int c = self->stage->first_choice[s]; c < self->stage->first_choice[s + 1]; c++)
      self->numbers[c] = self->given[c].line > 0 ? self->numbers[c] / sum : 0;
  }
}

static sac_status read_prior(reading *self, const sac_value *value, sac_error *err) {
  self->value = value;
  self->header = "state,action,probability";
  self->range = probabilities;
  self->numbers = self->stage->prior;
  memset(self->given, 0, sizeof *self->given * (size_t)self->stage->n_choices);
  sac_prior kind = sac_prior_of(value);
  if (kind == SAC_PRIOR_NONE)
    for (int c = 0; c < self->stage->n_choices; c++) self->numbers[c] = 1;
  if (kind != SAC_PRIOR_GIVEN) return SAC_OK;
  if (sac_value_is_scalar(value) && !sac_value_is_table(value)) {
    sac_value_refuse(value, "uniform, none, a CSV file, or a mapping from states to actions");
    return SAC_OK;
  }
  SAC_TRY(read_numbers(self, err));
  check_prior(self);
  return SAC_OK;
}

static sac_status read_transitions(const sac_stage_reader *reader, const sac_value *value,
                                   sac_mdp_stage **stage, sac_error *err) {
  sac_transitions transitions;
  sac_status status = sac_transitions_read(reader, value, &transitions, err);
  if (status == SAC_OK)
    status = sac_mdp_stage_create(reader->states->count, reader->actions->count, transitions.at,
                                  transitions.count, stage, err);
  free(transitions.at);
  return status;
}

sac_status sac_stage_read(const sac_stage_reader *reader, const sac_stage_values *values,
                          sac_mdp_stage **stage, sac_error *err) {
  const sac_config_mistakes *mistakes = values->transitions.yaml->mistakes;
  int before = mistakes->count;
  SAC_TRY(read_transitions(reader, &values->transitions, stage, err));
  // rewards and prior are read even where transitions are wrong, so that their mistakes are told
  // too
  reading self = {.reader = reader,
                  .stage = *stage,
                  .knows_choices = mistakes->count == before,
                  .given = calloc((size_t)(*stage)->n_choices + 1, sizeof *self.given)};
  sac_status status = self.given ? read_rewards(&self, &values->rewards, err)
                                 : sac_error_set(err, SAC_FAILED, "no memory for rewards");
  if (status == SAC_OK) status = read_prior(&self, &values->prior, err);
  free(self.given);
  if (status == SAC_OK) return SAC_OK;
  sac_mdp_stage_destroy(*stage);
  *stage = NULL;
  return status;
}
