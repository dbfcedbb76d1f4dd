// A table's problem: names, start, ends, stages.
#pragma once

#include "problem/problem.h"

/// Fill states, actions, prior and mdp (but for horizon, discount, temperature and tolerance, which
/// are there). Mistakes go to the values' documents.
sac_status sac_table_read(const sac_problem_values *values, sac_problem *problem, sac_error *err);
