// Evaluation: whole episodes from given seeds, many at once, with the policy's mean action or with
// drawn ones.
#pragma once

#include "algo/algorithm.h"
#include "base/threads.h"
#include "env/environment.h"
#include "sac/sac.h"

typedef struct sac_evaluator sac_evaluator;

/// Episodes of a seed that run at once: rows that the agent's act pass must take.
enum { SAC_EVALUATOR_LANES = 16 };

/// Open the environments of `cfg`, `lanes` for each seed of the agent; kept open for every
/// evaluation to come.
sac_status sac_evaluator_create(const sac_config *cfg, int lanes, sac_agent *agent,
                                sac_backend *backend, sac_threads *threads,
                                sac_evaluator **evaluator, sac_error *err);
void sac_evaluator_destroy(sac_evaluator *evaluator);

/// What the episodes are of.
const sac_task *sac_evaluator_task(const sac_evaluator *evaluator);

/// sac_task_log of its environments.
void sac_evaluator_log(sac_evaluator *evaluator, sac_log *log);

/// Looks at an episode after its reset and after each step; a failure ends the evaluation.
typedef sac_status sac_evaluator_look(void *context, const sac_environment *environment,
                                      sac_error *err);

/// Show all evaluations to come, or none (NULL). Episodes then run one after the other, with the
/// same results.
void sac_evaluator_watch(sac_evaluator *evaluator, sac_evaluator_look *look, void *context);

/// Run the episodes of every seed: `out` (n_seeds of the agent). The agent's state is not changed.
/// SAC_BAD_NUMBER and SAC_BAD_ENV name the episode of the lowest seed in trouble; those of the
/// others went on. Once `options->stop` is not zero it returns at once, and `out` means nothing.
/// `options->video` is not its business: see sac_evaluator_watch.
sac_status sac_evaluator_run(sac_evaluator *evaluator, const sac_evaluation_options *options,
                             sac_evaluation *out, sac_error *err);

/// How seed `i_seed` fared in the last evaluation: its code is SAC_OK where `out` holds.
const sac_error *sac_evaluator_trouble(const sac_evaluator *evaluator, int i_seed);

/// Evaluate this seed no more.
void sac_evaluator_leave_out(sac_evaluator *evaluator, int i_seed);
