#include <math.h>
#include <stdio.h>

#include "cli/solve.h"

static void print_matrix(const char *name, const sac_matrix *matrix) {
  for (int i = 0; i < matrix->rows; i++) {
    printf("  %-14s", i == 0 ? name : "");
    for (int j = 0; j < matrix->cols; j++) printf(" %18.12g", matrix->at[i * matrix->cols + j]);
    printf("\n");
  }
}

static void print_number(const char *name, double number, const char *note) {
  printf("  %-14s %18.12g%s%s\n", name, number, *note ? "   " : "", note);
}

static void print_head(const sac_problem *problem) {
  const sac_linear_problem *linear = &problem->linear;
  if (*problem->title) printf("%s\n", problem->title);
  printf("linear-quadratic, %d states, %d actions", linear->a.rows, linear->b.cols);
  if (linear->horizon > 0)
    printf(", %d decisions (t = 0 .. %d)", linear->horizon, linear->horizon - 1);
  if (linear->discount < 1) printf(", discount %.10g", linear->discount);
  printf(", temperature %.10g\n", linear->temperature);
}

static void print_worth(const sac_linear_worth *worth) {
  print_number("return", worth->expected_return, "of the policy, in the real dynamics");
  print_number("entropy", worth->entropy, "of the policy, nats an episode");
  print_number("objective", worth->objective, "return + temperature x entropy");
}

static void print_std(const sac_matrix *covariance) {
  printf("  %-14s", "std");
  for (int i = 0; i < covariance->rows; i++)
    printf(" %18.12g", sqrt(covariance->at[i * covariance->cols + i]));
  printf("\n");
}

static void print_solution(const sac_linear_solution *solution, int horizon) {
  printf("\n%s%s\n", sac_mode_name((int)solution->mode),
         horizon > 0 ? ", t = 0: a ~ N(-K s, covariance), V(s) = -s'P s / 2 + c"
                     : ": a ~ N(-K s, covariance), V(s) = -s'P s / 2 + c");
  print_matrix("K", &solution->policy[0].k);
  print_matrix("covariance", &solution->policy[0].covariance);
  print_std(&solution->policy[0].covariance);
  print_matrix("P", &solution->v[0].p);
  print_number("c", solution->v[0].c, "");
  print_number("value", solution->value, "E V(s_0): what it expects");
  if (solution->mode == SAC_INFERENCE_EXACT)
    print_number("log evidence", solution->log_p_o, "relative to all actions");
  print_worth(&solution->worth);
}

static void print_given_policy(const sac_solved *solved) {
  printf("\nthe given policy: V(s) = -s'P s / 2 + c\n");
  print_matrix("K", &solved->problem->linear.policy.k);
  print_matrix("covariance", &solved->problem->linear.policy.covariance);
  print_matrix("P", &solved->policy.value.p);
  print_number("c", solved->policy.value.c, "");
  print_worth(&solved->policy);
  print_matrix("dJ/dK", &solved->policy.grad_k);
  print_matrix("dJ/dcovariance", &solved->policy.grad_covariance);
}

static void print_moral(const sac_solved *solved) {
  const sac_linear_solution *exact = solved->linear[SAC_INFERENCE_EXACT],
                            *real = solved->linear[SAC_INFERENCE_VARIATIONAL];
  if (!exact || !real) return;
  printf(
      "\nExact inference counts on the noise to help: it expects %.6f and gets %.6f in the real "
      "dynamics.\nVariational inference expects %.6f and gets %.6f.\n",
      exact->value, exact->worth.objective, real->value, real->worth.objective);
}

void sac_solved_print_linear(const sac_solved *solved) {
  const sac_problem *problem = solved->problem;
  print_head(problem);
  for (int mode = 0; mode < 2; mode++)
    if (solved->linear[mode]) print_solution(solved->linear[mode], problem->linear.horizon);
  if (problem->linear.has_policy) print_given_policy(solved);
  print_moral(solved);
  if (!solved->linear[SAC_INFERENCE_EXACT] && problem->linear.discount < 1)
    printf("\nExact inference has no closed form here: it needs a horizon and no discount.\n");
}
