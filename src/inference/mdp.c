#include "inference/mdp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool allocate(sac_mdp_stage *self) {
  size_t states = (size_t)self->n_states, choices = (size_t)self->n_choices,
         outcomes = (size_t)self->n_outcomes;
  self->first_choice = calloc(states + 1, sizeof *self->first_choice);
  self->action = calloc(choices + 1, sizeof *self->action);
  self->reward = calloc(choices + 1, sizeof *self->reward);
  self->prior = calloc(choices + 1, sizeof *self->prior);
  self->first_outcome = calloc(choices + 1, sizeof *self->first_outcome);
  self->next = calloc(outcomes + 1, sizeof *self->next);
  self->probability = calloc(outcomes + 1, sizeof *self->probability);
  self->log_probability = calloc(outcomes + 1, sizeof *self->log_probability);
  return self->first_choice && self->action && self->reward && self->prior && self->first_outcome &&
         self->next && self->probability && self->log_probability;
}

static bool begins_choice(const sac_transition *transitions, int i) {
  const sac_transition *at = &transitions[i];
  return i == 0 || at[-1].state != at->state || at[-1].action != at->action;
}

static void fill_outcomes(sac_mdp_stage *self, const sac_transition *transitions) {
  int choice = -1;
  for (int i = 0; i < self->n_outcomes; i++) {
    const sac_transition *at = &transitions[i];
    if (begins_choice(transitions, i)) {
      choice++;
      self->first_choice[at->state + 1]++;
      self->action[choice] = at->action;
    }
    self->first_outcome[choice + 1] = i + 1;
    self->next[i] = at->next;
    self->probability[i] = at->probability;
    self->log_probability[i] = log(at->probability);
  }
}

static void fill_prior(sac_mdp_stage *self) {
  for (int s = 0; s < self->n_states; s++) {
    int first = self->first_choice[s], end = self->first_choice[s + 1];
    for (int c = first; c < end; c++) self->prior[c] = 1.0 / (end - first);
  }
}

sac_status sac_mdp_stage_create(int n_states, int n_actions, const sac_transition *transitions,
                                int count, sac_mdp_stage **stage, sac_error *err) {
  sac_mdp_stage *self = calloc(1, sizeof *self);
  if (self) *self = (sac_mdp_stage){n_states, n_actions, .n_outcomes = count};
  for (int i = 0; self && i < count; i++) self->n_choices += begins_choice(transitions, i);
  if (!self || !allocate(self)) {
    sac_mdp_stage_destroy(self);
    return sac_error_set(err, SAC_FAILED, "no memory for %d transitions", count);
  }
  fill_outcomes(self, transitions);
  for (int s = 0; s < n_states; s++) self->first_choice[s + 1] += self->first_choice[s];
  fill_prior(self);
  *stage = self;
  return SAC_OK;
}

void sac_mdp_stage_destroy(sac_mdp_stage *stage) {
  if (!stage) return;
  free(stage->first_choice);
  free(stage->action);
  free(stage->reward);
  free(stage->prior);
  free(stage->first_outcome);
  free(stage->next);
  free(stage->probability);
  free(stage->log_probability);
  free(stage);
}

int sac_mdp_choice_find(const sac_mdp_stage *stage, int state, int action) {
  int low = stage->first_choice[state], high = stage->first_choice[state + 1];
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (stage->action[middle] == action) return middle;
    if (stage->action[middle] < action)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

const sac_mdp_stage *sac_mdp_at(const sac_mdp *mdp, int t) {
  int i = mdp->n_stages - 1;
  while (i > 0 && mdp->stage_from[i] > t) i--;
  return mdp->stages[i];
}

int sac_mdp_times(const sac_mdp *mdp) {
  return mdp->horizon > 0 ? mdp->horizon : 1;
}

int sac_mdp_stride(const sac_mdp *mdp) {
  int most = 0;
  for (int i = 0; i < mdp->n_stages; i++)
    if (mdp->stages[i]->n_choices > most) most = mdp->stages[i]->n_choices;
  return most;
}

// call the states that can follow s at time t met at t + 1
static void spread(const sac_mdp_stage *stage, int s, int t, int *earliest, int *then) {
  int first = stage->first_choice[s], last = stage->first_choice[s + 1];
  for (int z = stage->first_outcome[first]; z < stage->first_outcome[last]; z++) {
    int next = stage->next[z];
    then[next] = t + 1;
    if (earliest[next] < 0) earliest[next] = t + 1;
  }
}

// where nothing changes with time, a state met earlier can be met earlier again: only news matter
static void reach_unchanging(const sac_mdp *mdp, int *earliest, int *queue) {
  const sac_mdp_stage *stage = mdp->stages[0];
  int end = 0;
  for (int s = 0; s < mdp->n_states; s++)
    if (earliest[s] == 0) queue[end++] = s;
  for (int at = 0; at < end; at++) {
    int s = queue[at], first = stage->first_choice[s], last = stage->first_choice[s + 1];
    if (mdp->horizon > 0 && earliest[s] == mdp->horizon) break;
    for (int z = stage->first_outcome[first]; z < stage->first_outcome[last]; z++) {
      int next = stage->next[z];
      if (earliest[next] >= 0) continue;
      earliest[next] = earliest[s] + 1;
      queue[end++] = next;
    }
  }
}

// `now` and `then` mark the states of this time and the next
static void reach_changing(const sac_mdp *mdp, int *earliest, int *now, int *then) {
  for (int s = 0; s < mdp->n_states; s++) {
    now[s] = earliest[s] == 0 ? 0 : -1;
    then[s] = -1;
  }
  for (int t = 0; t < mdp->horizon; t++) {
    const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
    for (int s = 0; s < mdp->n_states; s++)
      if (now[s] == t) spread(stage, s, t, earliest, then);
    int *swap = now;
    now = then;
    then = swap;
  }
}

sac_status sac_mdp_reach(const sac_mdp *mdp, int *earliest, sac_error *err) {
  int *scratch = malloc(sizeof *scratch * 2 * (size_t)mdp->n_states);
  if (!scratch) return sac_error_set(err, SAC_FAILED, "no memory for %d states", mdp->n_states);
  for (int s = 0; s < mdp->n_states; s++) earliest[s] = mdp->start[s] > 0 ? 0 : -1;
  if (mdp->n_stages == 1)
    reach_unchanging(mdp, earliest, scratch);
  else
    reach_changing(mdp, earliest, scratch, scratch + mdp->n_states);
  free(scratch);
  return SAC_OK;
}

void sac_mdp_release(sac_mdp *mdp) {
  for (int i = 0; i < mdp->n_stages; i++) sac_mdp_stage_destroy(mdp->stages[i]);
  free(mdp->stages);
  free(mdp->stage_from);
  free(mdp->start);
  *mdp = (sac_mdp){0};
}
