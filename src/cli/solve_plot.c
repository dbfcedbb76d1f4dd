#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/solve.h"
#include "io/chart.h"

enum { BARS_MAX = 12, LINES_MAX = 6 };

// what a panel draws, with room for it
typedef struct drawing {
  sac_panel panel;
  sac_series series[2 * LINES_MAX];
  const char *ticks[BARS_MAX];
  double numbers[4][BARS_MAX];
  char title[160], labels[2 * LINES_MAX][96];
} drawing;

static sac_series *add_series(drawing *self, const char *label, sac_mark mark) {
  int i = self->panel.n_series++;
  snprintf(self->labels[i], sizeof self->labels[i], "%.90s", label);
  self->series[i] = (sac_series){.label = self->labels[i], .mark = mark};
  self->panel.series = self->series;
  return &self->series[i];
}

// bars over ticks: n numbers of `numbers[row]`
static void add_bars(drawing *self, const char *label, int row, int count) {
  sac_series *series = add_series(self, label, SAC_MARK_BARS);
  series->count = count;
  series->y = self->numbers[row];
}

static void finish_bars(drawing *self, int count) {
  self->panel.ticks = self->ticks;
  self->panel.n_ticks = count;
}

static int likeliest(const double *start, int count) {
  int best = 0;
  for (int s = 1; s < count; s++)
    if (start[s] > start[best]) best = s;
  return best;
}

// the policies where most episodes start
static void draw_policy(const sac_solved *solved, drawing *self) {
  const sac_problem *problem = solved->problem;
  const sac_mdp_stage *stage = problem->mdp.stages[0];
  int s = likeliest(problem->mdp.start, problem->mdp.n_states), row = 0;
  int first = stage->first_choice[s], count = stage->first_choice[s + 1] - first;
  if (count > BARS_MAX) count = BARS_MAX;
  snprintf(self->title, sizeof self->title, "what it does in %.60s%s", problem->states.at[s],
           problem->mdp.horizon > 0 ? " at t = 0" : "");
  self->panel = (sac_panel){.title = self->title, .y_label = "p(action)"};
  for (int i = 0; i < count; i++) self->ticks[i] = problem->actions.at[stage->action[first + i]];
  for (int mode = 0; mode < 2; mode++) {
    if (!solved->table[mode]) continue;
    for (int i = 0; i < count; i++) self->numbers[row][i] = solved->table[mode]->policy[first + i];
    add_bars(self, sac_mode_name(mode), row++, count);
  }
  finish_bars(self, count);
}

// KL(believed || real) of a choice; `believed` has room
static double measure_belief(const sac_solved *solved, int c, double *believed) {
  const sac_mdp *mdp = &solved->problem->mdp;
  const sac_mdp_stage *stage = mdp->stages[0];
  const sac_solution *exact = solved->table[SAC_INFERENCE_EXACT];
  int first = stage->first_outcome[c], count = stage->first_outcome[c + 1] - first;
  double sum = 0;
  sac_soft_backup_dynamics(stage, c, exact->v + mdp->n_states, mdp->temperature, believed);
  for (int i = 0; i < count; i++)
    if (believed[i] > 0)
      sum += believed[i] * (log(believed[i]) - stage->log_probability[first + i]);
  return sum;
}

// the choice at the start that exact inference is most mistaken about; -1 where none has so few
// outcomes that they can be shown
static int find_illusion(const sac_solved *solved, int s) {
  const sac_mdp_stage *stage = solved->problem->mdp.stages[0];
  double most = -1, believed[BARS_MAX];
  int found = -1;
  for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++) {
    int count = stage->first_outcome[c + 1] - stage->first_outcome[c];
    if (count < 2 || count > BARS_MAX) continue;
    double illusion = measure_belief(solved, c, believed);
    if (illusion <= most) continue;
    most = illusion;
    found = c;
  }
  return found;
}

// real dynamics beside those that success suggests; false where nothing is left to chance
static bool draw_dynamics(const sac_solved *solved, drawing *self) {
  const sac_problem *problem = solved->problem;
  const sac_mdp_stage *stage = problem->mdp.stages[0];
  if (!solved->table[SAC_INFERENCE_EXACT] || problem->mdp.horizon == 1) return false;
  int s = likeliest(problem->mdp.start, problem->mdp.n_states), c = find_illusion(solved, s);
  if (c < 0) return false;
  int first = stage->first_outcome[c], count = stage->first_outcome[c + 1] - first;
  snprintf(self->title, sizeof self->title, "where %.50s leads from %.50s",
           problem->actions.at[stage->action[c]], problem->states.at[s]);
  self->panel = (sac_panel){.title = self->title, .y_label = "p(next state)"};
  measure_belief(solved, c, self->numbers[0]);
  for (int i = 0; i < count; i++) {
    self->numbers[1][i] = stage->probability[first + i];
    self->ticks[i] = problem->states.at[stage->next[first + i]];
  }
  add_bars(self, "exact believes", 0, count);
  add_bars(self, "real", 1, count);
  finish_bars(self, count);
  return true;
}

// expectation beside reality
static void draw_worth(const sac_solved *solved, drawing *self) {
  self->panel = (sac_panel){.title = "what it expects and what it gets"};
  self->ticks[0] = "expected";
  self->ticks[1] = "objective";
  self->ticks[2] = "return";
  int row = 0;
  for (int mode = 0; mode < 2; mode++) {
    const sac_solution *solution = solved->table[mode];
    if (!solution) continue;
    self->numbers[row][0] = solution->value;
    self->numbers[row][1] = solution->worth.objective;
    self->numbers[row][2] = solution->worth.expected_return;
    add_bars(self, sac_mode_name(mode), row++, 3);
  }
  finish_bars(self, 3);
}

// the states that most of the time is spent in, at most LINES_MAX
static int find_busiest(const double *table, int times, int n, int found[LINES_MAX]) {
  int count = 0;
  double *spent = calloc((size_t)n, sizeof *spent);
  if (!spent) return 0;
  for (int t = 0; t < times; t++)
    for (int s = 0; s < n; s++) spent[s] += table[(size_t)t * (size_t)n + (size_t)s];
  while (count < LINES_MAX) {
    int best = likeliest(spent, n);
    if (spent[best] <= 0) break;
    found[count++] = best;
    spent[best] = 0;
  }
  free(spent);
  return count;
}

// columns of a (times, n_states) table, for the lines of a panel; the caller frees
static double *copy_column(const double *table, int n_states, int s, int times) {
  double *column = malloc(sizeof *column * (size_t)times);
  for (int t = 0; column && t < times; t++)
    column[t] = table[(size_t)t * (size_t)n_states + (size_t)s];
  return column;
}

// p(s_t) over time, of a (times, n_states) table
static void draw_states(const sac_solved *solved, const double *table, const char *title,
                        drawing *self, double *columns[LINES_MAX]) {
  int times = solved->problem->mdp.horizon, n = solved->problem->mdp.n_states, busiest[LINES_MAX];
  int count = find_busiest(table, times, n, busiest);
  self->panel = (sac_panel){.title = title, .x_label = "t", .y_label = "p(state)"};
  for (int i = 0; i < count; i++) {
    columns[i] = copy_column(table, n, busiest[i], times);
    sac_series *series = add_series(self, solved->problem->states.at[busiest[i]], SAC_MARK_LINE);
    series->count = columns[i] ? times : 0;
    series->y = columns[i];
  }
}

// over fewer times lines would be no lines
static int draw_time(const sac_solved *solved, drawing *drawings, double *columns[][LINES_MAX]) {
  const sac_solution *exact = solved->table[SAC_INFERENCE_EXACT],
                     *real = solved->table[SAC_INFERENCE_VARIATIONAL];
  int count = 0;
  if (solved->problem->mdp.horizon < 5) return 0;
  if (exact)
    draw_states(solved, exact->posterior, "where exact inference believes it is", &drawings[count],
                columns[count]);
  count += exact != NULL;
  if (exact)
    draw_states(solved, exact->visits, "where the exact policy really is", &drawings[count],
                columns[count]);
  count += exact != NULL;
  if (real)
    draw_states(solved, real->visits, "where the variational policy is", &drawings[count],
                columns[count]);
  return count + (real != NULL);
}

static sac_status write_panels(const sac_problem *problem, const drawing *drawings, int count,
                               const char *path, sac_error *err) {
  sac_panel panels[8];
  for (int i = 0; i < count; i++) panels[i] = drawings[i].panel;
  int columns = count < 3 ? count : 3, rows = (count + columns - 1) / columns;
  sac_chart plot = {.title = problem->title,
                    .width = 420 * columns,
                    .height = 360 * rows + 40,
                    .columns = columns,
                    .n_panels = count,
                    .panels = panels};
  return sac_chart_write(&plot, path, err);
}

static sac_status plot_table(const sac_solved *solved, drawing *drawings, const char *path,
                             sac_error *err) {
  double *columns[3][LINES_MAX] = {{NULL}};
  int count = 0;
  draw_policy(solved, &drawings[count++]);
  if (draw_dynamics(solved, &drawings[count])) count++;
  draw_worth(solved, &drawings[count++]);
  count += draw_time(solved, &drawings[count], columns);
  sac_status status = write_panels(solved->problem, drawings, count, path, err);
  for (int panel = 0; panel < 3; panel++)
    for (int i = 0; i < LINES_MAX; i++) free(columns[panel][i]);
  return status;
}

// V along the first state's axis, the others 0
static void draw_value(const sac_solved *solved, drawing *self, double *x, double *y[2],
                       int points) {
  self->panel = (sac_panel){.title = "V", .x_label = "s_1", .y_label = "V(s_1, 0, ...)"};
  for (int mode = 0; mode < 2; mode++) {
    const sac_linear_solution *solution = solved->linear[mode];
    if (!solution) continue;
    for (int i = 0; i < points; i++)
      y[mode][i] = solution->v[0].c - solution->v[0].p.at[0] * x[i] * x[i] / 2;
    sac_series *series = add_series(self, sac_mode_name(mode), SAC_MARK_LINE);
    *series = (sac_series){.label = series->label, .count = points, .x = x, .y = y[mode]};
  }
}

// the first action's mean over the same axis, with its deviation as the band
static void draw_action(const sac_solved *solved, drawing *self, double *x, double *y[6],
                        int points) {
  self->panel = (sac_panel){
      .title = "the first action, mean and deviation", .x_label = "s_1", .y_label = "a_1"};
  for (int mode = 0; mode < 2; mode++) {
    const sac_linear_solution *solution = solved->linear[mode];
    if (!solution) continue;
    double std = sqrt(solution->policy[0].covariance.at[0]);
    for (int i = 0; i < points; i++) {
      y[mode][i] = -solution->policy[0].k.at[0] * x[i];
      y[2 + mode][i] = y[mode][i] - std;
      y[4 + mode][i] = y[mode][i] + std;
    }
    sac_series *series = add_series(self, sac_mode_name(mode), SAC_MARK_LINE);
    *series = (sac_series){.label = series->label,
                           .count = points,
                           .x = x,
                           .y = y[mode],
                           .low = y[2 + mode],
                           .high = y[4 + mode]};
  }
}

static sac_status plot_linear(const sac_solved *solved, drawing *drawings, const char *path,
                              sac_error *err) {
  enum { POINTS = 101 };
  double numbers[9][POINTS], *rows[8];
  for (int i = 0; i < 8; i++) rows[i] = numbers[i + 1];
  const sac_linear_problem *linear = &solved->problem->linear;
  double reach = 3 * sqrt(linear->start_covariance.at[0]) + fabs(linear->start_mean.at[0]);
  if (!(reach > 0)) reach = 1;
  for (int i = 0; i < POINTS; i++) numbers[0][i] = reach * (2.0 * i / (POINTS - 1) - 1);
  draw_value(solved, &drawings[0], numbers[0], rows, POINTS);
  draw_action(solved, &drawings[1], numbers[0], rows + 2, POINTS);
  return write_panels(solved->problem, drawings, 2, path, err);
}

sac_status sac_solved_plot(const sac_solved *solved, const char *path, sac_error *err) {
  drawing *drawings = calloc(8, sizeof *drawings);
  if (!drawings) return sac_error_set(err, SAC_FAILED, "%s: no memory for a plot", path);
  sac_status status = solved->problem->kind == SAC_PROBLEM_TABLE
                          ? plot_table(solved, drawings, path, err)
                          : plot_linear(solved, drawings, path, err);
  free(drawings);
  return status;
}
