#include "problem/table_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "problem/transitions_reader.h"

enum { STATES_MAX = 50000000, ACTIONS_MAX = 1000000 };

typedef struct table {
  const sac_problem_values *values;
  sac_problem *problem;
  sac_stage_reader stage;
  char *absorbing;  // (n_states)
  // documents of values that hold on after their stage: their mistakes are told already
  sac_yaml quiet[3];
  sac_config_mistakes told;
} table;

static bool require(const table *self, sac_problem_key key) {
  if (sac_value_given(&self->values->of[key])) return true;
  sac_value_mistake(&self->values->whole, "has no %s: %s", sac_problem_key_name((int)key),
                    sac_problem_key_help((int)key));
  return false;
}

static bool is_name(const sac_value *value) {
  if (!sac_value_is_scalar(value) || sac_value_is_null(value)) return false;
  for (const char *at = sac_value_text(value); *at; at++)
    if ((unsigned char)*at < ' ' || *at == 127) return false;
  return *sac_value_text(value) != '\0';
}

static sac_status read_list(const sac_value *value, const char *what, sac_names *names,
                            sac_error *err) {
  int count = sac_value_count(value), twice = -1, good = 0;
  const char **texts = malloc(sizeof *texts * (size_t)(count + 1));
  if (!texts) return sac_error_set(err, SAC_FAILED, "no memory for %d names", count);
  for (int i = 0; i < count; i++) {
    sac_value item = sac_value_at(value, i, NULL);
    if (is_name(&item))
      texts[good++] = sac_value_text(&item);
    else
      sac_value_refuse(&item, "the name of %s", what);
  }
  sac_status status = sac_names_create(names, good, texts, &twice, err);
  free(texts);
  if (status != SAC_OK || twice < 0 || good < count) return status;
  sac_value item = sac_value_at(value, twice, NULL);
  sac_value_mistake(&item, "names '%s', which is there already", names->at[twice]);
  return SAC_OK;
}

// names in a list, or how many there are; nothing is read where that is a mistake
static sac_status read_names(const sac_value *value, const char *what, int most, sac_names *names,
                             sac_error *err) {
  int count = 0;
  bool some = !sac_value_is_list(value) || sac_value_count(value) > 0;
  if (sac_value_is_list(value) && some) return read_list(value, what, names, err);
  if (some && sac_value_is_scalar(value)) {
    if (!sac_value_integer(value, 1, most, &count)) return SAC_OK;
    return sac_names_count(names, count, err);
  }
  sac_value_refuse(value, "a list of names, or a whole number in [1, %d]", most);
  return SAC_OK;
}

// the start's probabilities; the first state where nothing is given
static void read_start(const table *self) {
  static const sac_range probabilities = {.low = 0, .high = 1};
  const sac_value *value = &self->values->of[SAC_KEY_START];
  const sac_names *states = &self->problem->states;
  double *start = self->problem->mdp.start, sum = 0;
  int state = 0, before = value->yaml ? value->yaml->mistakes->count : 0;
  if (!sac_value_given(value)) {
    start[0] = 1;
    return;
  }
  if (sac_value_is_scalar(value)) {
    if (sac_value_name(value, states, "a state", &state)) start[state] = 1;
    return;
  }
  if (!sac_value_collects(value, states->count, "state")) return;
  memset(self->stage.seen_states, 0, (size_t)states->count);
  for (int i = 0; i < sac_value_count(value); i++) {
    sac_value entry;
    if (sac_value_entry(value, i, states, "a state", self->stage.seen_states, &state, &entry) &&
        sac_value_number(&entry, probabilities, &start[state]))
      sum += start[state];
  }
  if (value->yaml->mistakes->count > before) return;
  if (fabs(sum - 1) > SAC_ROW_TOLERANCE)
    sac_value_mistake(value, "sums to %.12g, must be 1 (within %g)", sum, SAC_ROW_TOLERANCE);
  for (int s = 0; s < states->count; s++) start[s] /= sum;
}

static void mark_absorbing(const table *self, const sac_value *value) {
  int state;
  if (sac_value_name(value, &self->problem->states, "a state", &state)) self->absorbing[state] = 1;
}

// one state or a list of them
static void read_absorbing(const table *self, sac_problem_key key) {
  const sac_value *value = &self->values->of[key];
  if (!sac_value_given(value)) return;
  if (sac_value_is_mapping(value)) {
    sac_value_refuse(value, "a state, or a list of states");
    return;
  }
  if (!sac_value_is_list(value)) mark_absorbing(self, value);
  for (int i = 0; sac_value_is_list(value) && i < sac_value_count(value); i++) {
    sac_value item = sac_value_at(value, i, NULL);
    mark_absorbing(self, &item);
  }
}

// absorbing states have no choices, all others have some
static void check_ends(const table *self, const sac_stage_values *values,
                       const sac_mdp_stage *stage) {
  for (int s = 0; s < stage->n_states; s++) {
    bool ends = stage->first_choice[s] == stage->first_choice[s + 1];
    if (ends && !self->absorbing[s])
      sac_value_mistake(&values->transitions,
                        "has none from state %s: give it some, or list it under absorbing",
                        self->problem->states.at[s]);
    if (!ends && self->absorbing[s])
      sac_value_mistake(&values->transitions, "has some from state %s, which is absorbing",
                        self->problem->states.at[s]);
  }
}

// a stage that holds from `from` on
static sac_status add_stage(const table *self, const sac_stage_values *values, int from,
                            sac_error *err) {
  sac_mdp *mdp = &self->problem->mdp;
  sac_config_mistakes *mistakes = self->values->mistakes;
  int before = mistakes->count;
  sac_mdp_stage *stage = NULL;
  SAC_TRY(sac_stage_read(&self->stage, values, &stage, err));
  if (mistakes->count == before) check_ends(self, values, stage);
  mdp->stage_from[mdp->n_stages] = from;
  mdp->stages[mdp->n_stages++] = stage;
  return SAC_OK;
}

// one entry of changes: what it names replaces what held so far
static bool read_change(const table *self, const sac_value *change, int earliest,
                        sac_stage_values *values, int *from) {
  static const char *const keys[] = {"at", "transitions", "rewards", "prior"};
  if (!sac_value_is_mapping(change)) {
    sac_value_refuse(change, "a mapping with the keys at, transitions, rewards, prior");
    return false;
  }
  *from = -1;
  bool good = true;
  sac_value *const places[] = {NULL, &values->transitions, &values->rewards, &values->prior};
  for (int i = 0; i < sac_value_count(change); i++) {
    sac_value key, value = sac_value_at(change, i, &key);
    int k = 0;
    while (k < 4 && strcmp(sac_value_is_scalar(&key) ? sac_value_text(&key) : "", keys[k]) != 0)
      k++;
    if (k == 4) {
      const char *nearest =
          sac_value_is_scalar(&key) ? sac_nearest(sac_value_text(&key), keys, 4) : NULL;
      sac_value_mistake(&key, "is unknown, must be at, transitions, rewards or prior%s%s",
                        nearest ? ", nearest: " : "", nearest ? nearest : "");
      good = false;
    } else if (k == 0) {
      good &= sac_value_integer(&value, earliest, self->problem->mdp.horizon - 1, from);
    } else {
      *places[k] = value;
    }
  }
  if (*from < 0 && good) sac_value_mistake(change, "has no `at`, the time it holds from");
  return good && *from >= 0;
}

// from now on nothing more is said of these values
static void hush(table *self, sac_stage_values *values) {
  sac_value *const all[] = {&values->transitions, &values->rewards, &values->prior};
  for (int i = 0; i < 3; i++) {
    if (!all[i]->yaml || all[i]->yaml == &self->quiet[i]) continue;
    self->quiet[i] = *all[i]->yaml;
    self->quiet[i].mistakes = &self->told;
    all[i]->yaml = &self->quiet[i];
  }
}

static sac_status read_changes(table *self, sac_stage_values *values, sac_error *err) {
  const sac_value *changes = &self->values->of[SAC_KEY_CHANGES];
  if (!sac_value_given(changes)) return SAC_OK;
  if (self->problem->mdp.horizon == 0) {
    // a horizon that is wrong is told already
    if (sac_value_given(&self->values->of[SAC_KEY_HORIZON])) return SAC_OK;
    sac_value_mistake(changes, "needs a horizon: without one nothing may change with time");
    return SAC_OK;
  }
  if (!sac_value_is_list(changes)) {
    sac_value_refuse(changes, "a list of {at: TIME, ...}");
    return SAC_OK;
  }
  int earliest = 1, from;
  for (int i = 0; i < sac_value_count(changes); i++) {
    sac_value change = sac_value_at(changes, i, NULL);
    if (!read_change(self, &change, earliest, values, &from)) continue;
    SAC_TRY(add_stage(self, values, from, err));
    hush(self, values);
    earliest = from + 1;
  }
  return SAC_OK;
}

static sac_status read_stages(table *self, sac_error *err) {
  const sac_value *of = self->values->of, *changes = &of[SAC_KEY_CHANGES];
  sac_mdp *mdp = &self->problem->mdp;
  sac_stage_values values = {of[SAC_KEY_TRANSITIONS], of[SAC_KEY_REWARDS], of[SAC_KEY_PRIOR]};
  bool listed = sac_value_given(changes) && sac_value_is_list(changes);
  size_t most = 1 + (listed ? (size_t)sac_value_count(changes) : 0);
  mdp->stages = calloc(most, sizeof *mdp->stages);
  mdp->stage_from = calloc(most, sizeof *mdp->stage_from);
  if (!mdp->stages || !mdp->stage_from)
    return sac_error_set(err, SAC_FAILED, "no memory for stages");
  SAC_TRY(add_stage(self, &values, 0, err));
  hush(self, &values);
  return read_changes(self, &values, err);
}

static void check_goal(const table *self, const sac_value *goal, const int *earliest) {
  const sac_mdp *mdp = &self->problem->mdp;
  const char *name = sac_value_text(goal);
  int state = sac_names_find(&self->problem->states, name, strlen(name)), at = earliest[state];
  if (at < 0)
    sac_value_mistake(goal, "holds '%s', which the start cannot reach%s", name,
                      mdp->horizon > 0 ? " within the horizon" : "");
}

static sac_status check_goals(const table *self, sac_error *err) {
  const sac_value *goals = &self->values->of[SAC_KEY_GOALS];
  self->problem->has_goals = sac_value_given(goals);
  if (!self->problem->has_goals) return SAC_OK;
  int *earliest = malloc(sizeof *earliest * (size_t)self->problem->states.count);
  if (!earliest) return sac_error_set(err, SAC_FAILED, "no memory to look for the goals");
  sac_status status = sac_mdp_reach(&self->problem->mdp, earliest, err);
  if (status == SAC_OK && !sac_value_is_list(goals)) check_goal(self, goals, earliest);
  for (int i = 0; status == SAC_OK && sac_value_is_list(goals) && i < sac_value_count(goals); i++) {
    sac_value goal = sac_value_at(goals, i, NULL);
    check_goal(self, &goal, earliest);
  }
  free(earliest);
  return status;
}

static sac_status read_table(table *self, sac_error *err) {
  sac_problem *problem = self->problem;
  sac_mdp *mdp = &problem->mdp;
  mdp->n_states = problem->states.count;
  mdp->n_actions = problem->actions.count;
  mdp->start = calloc((size_t)mdp->n_states, sizeof *mdp->start);
  self->absorbing = calloc((size_t)mdp->n_states, 1);
  self->stage.seen_states = calloc((size_t)mdp->n_states, 1);
  self->stage.seen_actions = calloc((size_t)mdp->n_actions, 1);
  if (!mdp->start || !self->absorbing || !self->stage.seen_states || !self->stage.seen_actions)
    return sac_error_set(err, SAC_FAILED, "no memory for %d states", mdp->n_states);
  problem->prior = sac_prior_of(&self->values->of[SAC_KEY_PRIOR]);
  read_start(self);
  read_absorbing(self, SAC_KEY_ABSORBING);
  read_absorbing(self, SAC_KEY_GOALS);
  SAC_TRY(read_stages(self, err));
  return self->values->mistakes->count == 0 ? check_goals(self, err) : SAC_OK;
}

sac_status sac_table_read(const sac_problem_values *values, sac_problem *problem, sac_error *err) {
  table self = {
      .values = values,
      .problem = problem,
      .stage = {.states = &problem->states, .actions = &problem->actions, .file = values->file}};
  bool complete = require(&self, SAC_KEY_STATES);
  complete &= require(&self, SAC_KEY_ACTIONS);
  complete &= require(&self, SAC_KEY_TRANSITIONS);
  if (!complete) return SAC_OK;
  SAC_TRY(read_names(&values->of[SAC_KEY_STATES], "a state", STATES_MAX, &problem->states, err));
  SAC_TRY(
      read_names(&values->of[SAC_KEY_ACTIONS], "an action", ACTIONS_MAX, &problem->actions, err));
  if (problem->states.count == 0 || problem->actions.count == 0) return SAC_OK;
  sac_status status = read_table(&self, err);
  free(self.absorbing);
  free(self.stage.seen_states);
  free(self.stage.seen_actions);
  return status;
}
