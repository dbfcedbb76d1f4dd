// What `sac solve` found, and the ways it is shown.
#pragma once

#include "cli/cli.h"
#include "inference/solution.h"
#include "problem/problem.h"

/// Solutions by mode, NULL where not wanted.
typedef struct sac_solved {
  const sac_problem *problem;
  sac_solution *table[2];
  sac_linear_solution *linear[2];
  sac_linear_worth policy;  // of the given linear policy
} sac_solved;

/// "exact", "variational".
const char *sac_mode_name(int mode);

void sac_solved_print_table(const sac_solved *solved);
void sac_solved_print_linear(const sac_solved *solved);

/// One JSON object on stdout, every number with all its digits.
void sac_solved_print_json(const sac_solved *solved);

sac_status sac_solved_plot(const sac_solved *solved, const char *path, sac_error *err);
