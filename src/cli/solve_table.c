#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/solve.h"

enum { ROWS_MAX = 40, NAME_MAX = 24 };

// " NAME", padded and cut to the width of the first thousand names
static void print_name(const sac_names *names, const char *name) {
  int width = 6;
  for (int i = 0; i < names->count && i < 1000 && width < NAME_MAX; i++) {
    int length = (int)strlen(names->at[i]);
    if (length > width) width = length < NAME_MAX ? length : NAME_MAX;
  }
  printf(" %-*.*s", width, width, name);
}

static const sac_solution *either(const sac_solved *solved) {
  return solved->table[0] ? solved->table[0] : solved->table[1];
}

// a number that fits 15 places, or a dash
static void print_cell(const double *number) {
  if (!number || isnan(*number))
    printf(" %15s", "-");
  else if (fabs(*number) >= 1e7 || (*number != 0 && fabs(*number) < 1e-4))
    printf(" %15.6e", *number);
  else
    printf(" %15.10f", *number);
}

static void print_columns(const sac_solved *solved, const char *prefix) {
  char title[64];
  for (int mode = 0; mode < 2; mode++) {
    if (!solved->table[mode]) continue;
    snprintf(title, sizeof title, "%s%s", prefix, sac_mode_name(mode));
    printf(" %15s", title);
  }
}

// one line of the summary: a number at the same place of every solution
static void print_summary(const sac_solved *solved, const char *name, const char *note,
                          double (*get)(const sac_solution *solution)) {
  printf("  %-22s", name);
  for (int mode = 0; mode < 2; mode++) {
    if (!solved->table[mode]) continue;
    double number = get(solved->table[mode]);
    print_cell(&number);
  }
  printf("%s%s\n", *note ? "   " : "", note);
}

static double get_value(const sac_solution *solution) {
  return solution->value;
}
static double get_evidence(const sac_solution *solution) {
  return solution->mode == SAC_INFERENCE_EXACT ? solution->log_p_o : NAN;
}
static double get_return(const sac_solution *solution) {
  return solution->worth.expected_return;
}
static double get_entropy(const sac_solution *solution) {
  return solution->worth.entropy;
}
static double get_divergence(const sac_solution *solution) {
  return solution->worth.divergence;
}
static double get_objective(const sac_solution *solution) {
  return solution->worth.objective;
}
static double get_illusion(const sac_solution *solution) {
  double illusion = solution->value - solution->worth.objective;
  double rounding = 1e-12 * (fabs(solution->value) + 1);
  return fabs(illusion) > rounding + 2 * solution->error_bound ? illusion : 0;
}
static double get_bound(const sac_solution *solution) {
  return solution->error_bound;
}

static void print_head(const sac_solved *solved) {
  static const char *const priors[] = {"uniform", "none", "given"};
  const sac_problem *problem = solved->problem;
  const sac_mdp *mdp = &problem->mdp;
  if (*problem->title) printf("%s\n", problem->title);
  printf("%d states, %d actions, %d transitions", mdp->n_states, mdp->n_actions,
         mdp->stages[0]->n_outcomes);
  if (mdp->n_stages > 1) printf(" (and %d changes)", mdp->n_stages - 1);
  if (mdp->horizon > 0) printf(", %d decisions (t = 0 .. %d)", mdp->horizon, mdp->horizon - 1);
  if (mdp->discount < 1) printf(", discount %.10g", mdp->discount);
  printf(", temperature %.10g, prior %s\n\n", mdp->temperature, priors[problem->prior]);
}

// what the value would be without a prior, where a shift gives it
static void print_no_prior(const sac_solved *solved) {
  double values[2] = {NAN, NAN}, shift_v, shift_q;
  if (solved->problem->prior != SAC_PRIOR_UNIFORM) return;
  for (int mode = 0; mode < 2; mode++) {
    const sac_solution *solution = solved->table[mode];
    if (solution && sac_solution_no_prior(solution, &solved->problem->mdp, 0, &shift_v, &shift_q))
      values[mode] = solution->value + shift_v;
  }
  if (isnan(values[0]) && isnan(values[1])) return;
  printf("  %-22s", "value without prior");
  for (int mode = 0; mode < 2; mode++)
    if (solved->table[mode]) print_cell(&values[mode]);
  printf("   V = temperature x log sum_a exp(Q / temperature)\n");
}

static void print_worths(const sac_solved *solved) {
  printf("  %-22s", "");
  print_columns(solved, "");
  printf("\n");
  print_summary(solved, "value", "E V_0(s_0): what it expects", get_value);
  print_no_prior(solved);
  if (solved->table[SAC_INFERENCE_EXACT])
    print_summary(solved, "log evidence", "log p(O)", get_evidence);
  print_summary(solved, "expected return", "of its policy, in the real dynamics", get_return);
  print_summary(solved, "entropy", "of its policy, nats an episode", get_entropy);
  if (solved->problem->prior != SAC_PRIOR_NONE)
    print_summary(solved, "divergence", "KL to the prior, nats an episode", get_divergence);
  print_summary(solved, "objective",
                solved->problem->prior == SAC_PRIOR_NONE ? "return + temperature x entropy"
                                                         : "return - temperature x divergence",
                get_objective);
  print_summary(solved, "illusion", "value - objective: what it expects and does not get",
                get_illusion);
  if (solved->problem->mdp.horizon == 0)
    print_summary(solved, "error bound", "on every V: iteration and rounding", get_bound);
}

// whether state s can occur at time t in the eyes of any solution
static bool occurs(const sac_solved *solved, int t, int s) {
  const sac_solution *first = either(solved);
  if (!first->visits) return true;
  size_t at = (size_t)t * (size_t)first->n_states + (size_t)s;
  for (int mode = 0; mode < 2; mode++) {
    const sac_solution *solution = solved->table[mode];
    if (solution &&
        (solution->visits[at] > 0 || (solution->posterior && solution->posterior[at] > 0)))
      return true;
  }
  return false;
}

static void print_policy_row(const sac_solved *solved, int t, int s, int c) {
  const sac_problem *problem = solved->problem;
  const sac_mdp_stage *stage = sac_mdp_at(&problem->mdp, t);
  printf("  %4d", t);
  print_name(&problem->states, problem->states.at[s]);
  print_name(&problem->actions, problem->actions.at[stage->action[c]]);
  if (problem->prior != SAC_PRIOR_NONE) printf(" %9.6f", stage->prior[c]);
  for (int mode = 0; mode < 2; mode++) {
    const sac_solution *solution = solved->table[mode];
    if (solution) print_cell(&solution->policy[(size_t)t * (size_t)solution->stride + (size_t)c]);
  }
  for (int mode = 0; mode < 2; mode++) {
    const sac_solution *solution = solved->table[mode];
    if (solution) print_cell(&solution->q[(size_t)t * (size_t)solution->stride + (size_t)c]);
  }
  printf("\n");
}

static void print_more(long rows) {
  if (rows > ROWS_MAX) printf("  ... %ld more: --json has them all\n", rows - ROWS_MAX);
}

static void print_policies(const sac_solved *solved) {
  const sac_problem *problem = solved->problem;
  long rows = 0;
  printf("\npolicy p(a|s), and Q\n  %4s", "t");
  print_name(&problem->states, "state");
  print_name(&problem->actions, "action");
  if (problem->prior != SAC_PRIOR_NONE) printf(" %9s", "prior");
  print_columns(solved, "");
  print_columns(solved, "Q ");
  printf("\n");
  for (int t = 0; t < either(solved)->n_times; t++) {
    const sac_mdp_stage *stage = sac_mdp_at(&problem->mdp, t);
    for (int s = 0; s < problem->mdp.n_states; s++) {
      if (!occurs(solved, t, s)) continue;
      for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++)
        if (rows++ < ROWS_MAX) print_policy_row(solved, t, s, c);
    }
  }
  print_more(rows);
}

static void print_belief_row(const sac_solved *solved, int t, int s, int c, int z,
                             double believed) {
  const sac_problem *problem = solved->problem;
  const sac_mdp_stage *stage = sac_mdp_at(&problem->mdp, t);
  printf("  %4d", t);
  print_name(&problem->states, problem->states.at[s]);
  print_name(&problem->actions, problem->actions.at[stage->action[c]]);
  print_name(&problem->states, problem->states.at[stage->next[z]]);
  print_cell(&stage->probability[z]);
  print_cell(&believed);
  printf("\n");
}

// rows of one choice, where anything is left to chance
static void print_belief(const sac_solved *solved, int t, int s, int c, long *rows) {
  const sac_solution *exact = solved->table[SAC_INFERENCE_EXACT];
  const sac_mdp *mdp = &solved->problem->mdp;
  const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
  int first = stage->first_outcome[c], count = stage->first_outcome[c + 1] - first;
  double *believed =
      count > 1 && *rows < ROWS_MAX ? malloc(sizeof *believed * (size_t)count) : NULL;
  if (believed)
    sac_soft_backup_dynamics(stage, c, exact->v + (size_t)(t + 1) * (size_t)mdp->n_states,
                             mdp->temperature, believed);
  for (int i = 0; count > 1 && i < count; i++)
    if ((*rows)++ < ROWS_MAX && believed) print_belief_row(solved, t, s, c, first + i, believed[i]);
  free(believed);
}

static bool is_random(const sac_mdp *mdp) {
  for (int i = 0; i < mdp->n_stages; i++)
    if (mdp->stages[i]->n_outcomes > mdp->stages[i]->n_choices) return true;
  return false;
}

static void print_beliefs(const sac_solved *solved) {
  const sac_problem *problem = solved->problem;
  const sac_solution *exact = solved->table[SAC_INFERENCE_EXACT];
  long rows = 0;
  // after the last decision nothing is at stake, and belief is reality
  int times = problem->mdp.horizon > 0 ? problem->mdp.horizon - 1 : 1;
  if (!exact || !is_random(&problem->mdp) || times == 0) return;
  printf("\ndynamics: real p(s'|s,a), and what success suggests, p(s'|s,a,O)\n  %4s", "t");
  print_name(&problem->states, "state");
  print_name(&problem->actions, "action");
  print_name(&problem->states, "next");
  printf(" %15s %15s\n", "real", "exact");
  for (int t = 0; t < times; t++) {
    const sac_mdp_stage *stage = sac_mdp_at(&problem->mdp, t);
    for (int s = 0; s < problem->mdp.n_states; s++)
      for (int c = stage->first_choice[s]; occurs(solved, t, s) && c < stage->first_choice[s + 1];
           c++)
        print_belief(solved, t, s, c, &rows);
  }
  print_more(rows);
}

static void print_state_row(const sac_solved *solved, int t, int s) {
  const sac_problem *problem = solved->problem;
  size_t at = (size_t)t * (size_t)problem->mdp.n_states + (size_t)s;
  const sac_solution *exact = solved->table[SAC_INFERENCE_EXACT];
  printf("  %4d", t);
  print_name(&problem->states, problem->states.at[s]);
  if (exact) print_cell(&exact->posterior[at]);
  for (int mode = 0; mode < 2; mode++)
    if (solved->table[mode]) print_cell(&solved->table[mode]->visits[at]);
  for (int mode = 0; mode < 2; mode++)
    if (solved->table[mode]) print_cell(&solved->table[mode]->v[at]);
  printf("\n");
}

static void print_states(const sac_solved *solved) {
  const sac_solution *any = either(solved);
  if (!any->visits) return;
  long rows = 0;
  printf("\nstates: p(s_t|O), p(s_t) of each policy in the real dynamics, and V\n  %4s", "t");
  print_name(&solved->problem->states, "state");
  if (solved->table[SAC_INFERENCE_EXACT]) printf(" %15s", "posterior");
  print_columns(solved, "");
  print_columns(solved, "V ");
  printf("\n");
  for (int t = 0; t < any->n_times; t++)
    for (int s = 0; s < any->n_states; s++)
      if (occurs(solved, t, s) && rows++ < ROWS_MAX) print_state_row(solved, t, s);
  print_more(rows);
}

// the moral, where both kinds were asked for and differ
static void print_moral(const sac_solved *solved) {
  const sac_solution *exact = solved->table[SAC_INFERENCE_EXACT],
                     *real = solved->table[SAC_INFERENCE_VARIATIONAL];
  if (!exact || !real) return;
  if (get_illusion(exact) <= 1e-9 * fabs(exact->value)) {
    printf("\nLuck has no part in this: exact inference gets what it expects.\n");
    return;
  }
  printf(
      "\nExact inference is optimal only in an optimal environment: it asks how one acted, given "
      "that all went\nwell, so it counts on luck. It expects %.6f and gets %.6f in the real "
      "dynamics. Variational\ninference takes the dynamics as they are: it expects %.6f and "
      "gets %.6f.\n",
      exact->value, exact->worth.objective, real->value, real->worth.objective);
}

void sac_solved_print_table(const sac_solved *solved) {
  print_head(solved);
  print_worths(solved);
  print_policies(solved);
  print_beliefs(solved);
  print_states(solved);
  print_moral(solved);
}
