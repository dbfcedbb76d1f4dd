#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/solve.h"

static void print_text(const char *text) {
  putchar('"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') putchar('\\');
    if ((unsigned char)*text < ' ')
      printf("\\u%04x", *text);
    else
      putchar(*text);
  }
  putchar('"');
}

// what JSON has no number for is null
static void print_number(double number) {
  if (isfinite(number))
    printf("%.17g", number);
  else
    printf("null");
}

static void print_member(const char *name, double number) {
  printf(",\"%s\":", name);
  print_number(number);
}

static void print_numbers(const double *numbers, int count) {
  for (int i = 0; i < count; i++) {
    putchar(i > 0 ? ',' : '[');
    print_number(numbers[i]);
  }
  printf(count > 0 ? "]" : "[]");
}

static void print_names(const char *name, const sac_names *names) {
  printf(",\"%s\":[", name);
  for (int i = 0; i < names->count; i++) {
    if (i > 0) putchar(',');
    print_text(names->at[i]);
  }
  putchar(']');
}

// [t][s], each number with what is added at time t
static void print_states(const char *name, const sac_solved *solved, const double *numbers,
                         int times, const double *shifts) {
  int n = solved->problem->mdp.n_states;
  printf(",\"%s\":[", name);
  for (int t = 0; t < times; t++) {
    if (t > 0) putchar(',');
    for (int s = 0; s < n; s++) {
      putchar(s > 0 ? ',' : '[');
      print_number(numbers[(size_t)t * (size_t)n + (size_t)s] + (shifts ? shifts[t] : 0));
    }
    putchar(']');
  }
  putchar(']');
}

// calls print for every [t][s][a]; null where there is no such choice
static void print_choices(const char *name, const sac_solved *solved, const sac_solution *solution,
                          void (*print)(const sac_solved *solved, const sac_solution *solution,
                                        int t, int choice, const void *context),
                          const void *context) {
  const sac_mdp *mdp = &solved->problem->mdp;
  printf(",\"%s\":[", name);
  for (int t = 0; t < solution->n_times; t++) {
    const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
    printf(t > 0 ? ",[" : "[");
    for (int s = 0; s < mdp->n_states; s++) {
      int c = stage->first_choice[s], end = stage->first_choice[s + 1];
      for (int a = 0; a < mdp->n_actions; a++) {
        printf("%s", a > 0 ? "," : s > 0 ? ",[" : "[");
        if (c < end && stage->action[c] == a)
          print(solved, solution, t, c++, context);
        else
          printf("null");
      }
      putchar(']');
    }
    putchar(']');
  }
  putchar(']');
}

// numbers of choices, and what is added to them at each time
typedef struct shifted {
  const double *numbers, *shifts;
} shifted;

static void print_choice(const sac_solved *solved, const sac_solution *solution, int t, int choice,
                         const void *context) {
  const shifted *all = context;
  (void)solved;
  double number = all->numbers[(size_t)t * (size_t)solution->stride + (size_t)choice];
  print_number(number + (all->shifts ? all->shifts[t] : 0));
}

static void print_numbers_of_choices(const char *name, const sac_solved *solved,
                                     const sac_solution *solution, shifted all) {
  print_choices(name, solved, solution, print_choice, &all);
}

// {"NEXT": P(s'|s,a,O), ...}
static void print_dynamics(const sac_solved *solved, const sac_solution *solution, int t,
                           int choice, const void *context) {
  const sac_mdp *mdp = &solved->problem->mdp;
  const sac_mdp_stage *stage = sac_mdp_at(mdp, t);
  double *believed = (double *)context;
  int first = stage->first_outcome[choice], end = stage->first_outcome[choice + 1];
  sac_soft_backup_dynamics(stage, choice, solution->v + (size_t)(t + 1) * (size_t)mdp->n_states,
                           mdp->temperature, believed);
  for (int z = first; z < end; z++) {
    putchar(z > first ? ',' : '{');
    print_text(solved->problem->states.at[stage->next[z]]);
    putchar(':');
    print_number(believed[z - first]);
  }
  putchar('}');
}

// V and Q without a prior, where a shift gives them
static void print_no_prior(const sac_solved *solved, const sac_solution *solution) {
  const sac_mdp *mdp = &solved->problem->mdp;
  int times = solution->n_times;
  double *v = calloc((size_t)times * 2 + 2, sizeof *v), *q = v + times + 1;
  bool exists = v && solved->problem->prior == SAC_PRIOR_UNIFORM;
  for (int t = 0; exists && t < times; t++)
    exists = sac_solution_no_prior(solution, mdp, t, &v[t], &q[t]);
  printf(",\"no_prior\":");
  if (exists) {
    printf("{\"shift\":");
    print_number(v[0]);
    print_states("V", solved, solution->v, times, v);
    print_numbers_of_choices("Q", solved, solution, (shifted){solution->q, q});
    putchar('}');
  } else {
    printf("null");
  }
  free(v);
}

static void print_forward(const sac_solved *solved, const sac_solution *solution) {
  int times = solution->n_times + 1;
  print_states("log_forward", solved, solution->forward, times, NULL);
  print_states("posterior", solved, solution->posterior, times, NULL);
  printf(",\"log_evidence_at\":");
  print_numbers(solution->log_evidence, times);
}

static int most_outcomes(const sac_mdp *mdp) {
  int most = 0;
  for (int i = 0; i < mdp->n_stages; i++)
    for (int c = 0; c < mdp->stages[i]->n_choices; c++) {
      int count = mdp->stages[i]->first_outcome[c + 1] - mdp->stages[i]->first_outcome[c];
      if (count > most) most = count;
    }
  return most;
}

static void print_solution(const sac_solved *solved, const sac_solution *solution) {
  const sac_mdp *mdp = &solved->problem->mdp;
  bool finite = mdp->horizon > 0, exact = solution->mode == SAC_INFERENCE_EXACT;
  printf(",\"%s\":{\"value\":", sac_mode_name((int)solution->mode));
  print_number(solution->value);
  if (exact) print_member("log_evidence", solution->log_p_o);
  print_member("expected_return", solution->worth.expected_return);
  print_member("entropy", solution->worth.entropy);
  print_member("divergence", solution->worth.divergence);
  print_member("objective", solution->worth.objective);
  if (!finite) {
    printf(",\"sweeps\":%d", solution->sweeps);
    print_member("error_bound", solution->error_bound);
    print_member("expected_return_error_bound", solution->worth.error_bound);
  }
  print_states("V", solved, solution->v, solution->n_times + finite, NULL);
  print_numbers_of_choices("Q", solved, solution, (shifted){solution->q, NULL});
  print_numbers_of_choices("policy", solved, solution, (shifted){solution->policy, NULL});
  if (finite) print_states("visits", solved, solution->visits, solution->n_times + 1, NULL);
  if (finite && exact) print_forward(solved, solution);
  double *believed = exact ? malloc(sizeof *believed * ((size_t)most_outcomes(mdp) + 1)) : NULL;
  if (believed) print_choices("dynamics", solved, solution, print_dynamics, believed);
  free(believed);
  print_no_prior(solved, solution);
  putchar('}');
}

static void print_prior(const sac_solved *solved) {
  static const char *const kinds[] = {"uniform", "none", "given"};
  printf(",\"prior\":\"%s\"", kinds[solved->problem->prior]);
}

static void print_matrix(const char *name, const sac_matrix *matrix) {
  printf("\"%s\":[", name);
  for (int i = 0; i < matrix->rows; i++) {
    if (i > 0) putchar(',');
    print_numbers(matrix->at + i * matrix->cols, matrix->cols);
  }
  putchar(']');
}

static void print_worth(const sac_linear_worth *worth, bool with_gradient) {
  printf("\"expected_return\":");
  print_number(worth->expected_return);
  print_member("entropy", worth->entropy);
  print_member("objective", worth->objective);
  printf(",\"objective_from\":{");
  print_matrix("P", &worth->value.p);
  print_member("c", worth->value.c);
  putchar('}');
  if (!with_gradient) return;
  printf(",\"gradient\":{");
  print_matrix("K", &worth->grad_k);
  putchar(',');
  print_matrix("covariance", &worth->grad_covariance);
  putchar('}');
}

static void print_linear_solution(const sac_linear_solution *solution) {
  printf(",\"%s\":{\"value\":", sac_mode_name((int)solution->mode));
  print_number(solution->value);
  if (solution->mode == SAC_INFERENCE_EXACT) print_member("log_evidence", solution->log_p_o);
  if (solution->iterations > 0) printf(",\"iterations\":%d", solution->iterations);
  putchar(',');
  print_worth(&solution->worth, false);
  printf(",\"times\":[");
  for (int t = 0; t < solution->n_times; t++) {
    printf(t > 0 ? ",{" : "{");
    print_matrix("P", &solution->v[t].p);
    print_member("c", solution->v[t].c);
    putchar(',');
    print_matrix("K", &solution->policy[t].k);
    putchar(',');
    print_matrix("covariance", &solution->policy[t].covariance);
    putchar('}');
  }
  printf("]}");
}

void sac_solved_print_json(const sac_solved *solved) {
  const sac_problem *problem = solved->problem;
  bool table = problem->kind == SAC_PROBLEM_TABLE;
  printf("{\"kind\":\"%s\",\"title\":", table ? "table" : "linear_quadratic");
  print_text(problem->title);
  if (problem->mdp.horizon > 0)
    printf(",\"horizon\":%d", problem->mdp.horizon);
  else
    printf(",\"horizon\":null");
  print_member("discount", problem->mdp.discount);
  print_member("temperature", problem->mdp.temperature);
  if (table) {
    print_prior(solved);
    print_names("states", &problem->states);
    print_names("actions", &problem->actions);
    printf(",\"start\":");
    print_numbers(problem->mdp.start, problem->mdp.n_states);
  }
  for (int mode = 0; mode < 2; mode++) {
    if (solved->table[mode]) print_solution(solved, solved->table[mode]);
    if (solved->linear[mode]) print_linear_solution(solved->linear[mode]);
  }
  if (!table && problem->linear.has_policy) {
    printf(",\"policy\":{");
    print_worth(&solved->policy, true);
    putchar('}');
  }
  printf("}\n");
}
