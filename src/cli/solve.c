#include "cli/solve.h"

#include <stdio.h>
#include <string.h>

#include "io/chart.h"

const char *sac_mode_name(int mode) {
  return mode == SAC_INFERENCE_EXACT ? "exact" : "variational";
}

// a text in lines of at most `width` letters, after a margin
static void print_wrapped(const char *text, int margin, int width) {
  while (*text) {
    int length = (int)strlen(text);
    if (length > width) {
      for (length = width; length > 0 && text[length] != ' ';) length--;
      if (length == 0) length = width;
    }
    printf("%*s%.*s\n", margin, "", length, text);
    text += length;
    text += strspn(text, " ");
  }
}

static void print_keys(void) {
  printf(
      "A problem's file is YAML with these keys; examples lie in configs/solve. Numbers may be\n"
      "fractions: 1/3.\n\n");
  for (int i = 0; sac_problem_key_name(i); i++) {
    printf("%s\n", sac_problem_key_name(i));
    print_wrapped(sac_problem_key_help(i), 4, 90);
  }
}

static sac_status solve_problem(const sac_problem *problem, sac_solved *solved, sac_error *err) {
  const sac_linear_problem *linear = &problem->linear;
  for (int mode = 0; mode < 2; mode++) {
    if (!problem->wants[mode]) continue;
    if (problem->kind == SAC_PROBLEM_TABLE)
      SAC_TRY(
          sac_solution_create(&problem->mdp, (sac_inference_mode)mode, &solved->table[mode], err));
    else
      SAC_TRY(sac_linear_solve(linear, (sac_inference_mode)mode, &solved->linear[mode], err));
  }
  if (problem->kind == SAC_PROBLEM_LINEAR && linear->has_policy)
    SAC_TRY(sac_linear_evaluate(linear, &linear->policy, true, &solved->policy, err));
  return SAC_OK;
}

static sac_status show(const sac_solved *solved, const sac_arguments *arguments, sac_error *err) {
  if (arguments->json)
    sac_solved_print_json(solved);
  else if (solved->problem->kind == SAC_PROBLEM_TABLE)
    sac_solved_print_table(solved);
  else
    sac_solved_print_linear(solved);
  if (!arguments->plot) return SAC_OK;
  SAC_TRY(sac_solved_plot(solved, arguments->plot, err));
  if (!arguments->json) printf("\nplot: %s\n", arguments->plot);
  return SAC_OK;
}

sac_status sac_command_solve(const sac_arguments *arguments, sac_error *err) {
  if (arguments->n_words == 0) {
    print_keys();
    return SAC_OK;
  }
  if (arguments->plot) SAC_TRY(sac_chart_check(arguments->plot, err));
  sac_problem problem;
  sac_solved solved = {.problem = &problem};
  sac_status status = sac_problem_load(arguments->words[0], arguments->n_overrides,
                                       arguments->overrides, &problem, err);
  if (status == SAC_OK) status = solve_problem(&problem, &solved, err);
  if (status == SAC_OK) status = show(&solved, arguments, err);
  for (int mode = 0; mode < 2; mode++) {
    sac_solution_destroy(solved.table[mode]);
    sac_linear_destroy(solved.linear[mode]);
  }
  sac_problem_release(&problem);
  return status;
}
