// A linear-quadratic problem: matrices, start, a policy to be evaluated.
#pragma once

#include "problem/problem.h"

/// Fill `linear` (but for horizon, discount and temperature, which are there). Mistakes go to the
/// values' documents.
void sac_linear_read(const sac_problem_values *values, sac_problem *problem);
