// Soft Q-iteration: Haarnoja et al. 2017 (SQL), appendix A.2, states updated in place.
#include "inference/stationary.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct sweep {
  double change, size, most;  // the largest change, the largest |V|, the largest V
} sweep;

static sweep improve(const sac_soft_backup *backup, const sac_mdp_stage *stage, bool backward,
                     double *q, double *v) {
  sweep found = {.most = 0};
  for (int i = 0; i < stage->n_states; i++) {
    int s = backward ? stage->n_states - 1 - i : i;
    for (int c = stage->first_choice[s]; c < stage->first_choice[s + 1]; c++)
      q[c] = sac_soft_backup_q(backup, stage, c, v);
    double new = sac_soft_backup_v(backup, stage, s, q);
    found.change = fmax(found.change, fabs(new - v[s]));
    found.size = fmax(found.size, fabs(new));
    found.most = fmax(found.most, new);
    v[s] = new;
  }
  return found;
}

// how much of the error a sweep leaves, for values up to `most`
static double contraction(const sac_soft_backup *backup, double most) {
  double gamma = backup->discount;
  if (backup->mode == SAC_INFERENCE_VARIATIONAL) return gamma;
  return gamma / (gamma + (1 - gamma) * exp(-most / backup->temperature));
}

// the bound, where the values within it contract; else infinite
static double bound_error(const sac_soft_backup *backup, const sweep *found) {
  double rounding = 16 * DBL_EPSILON * (found->size + backup->temperature);
  double room = 1e-3 * backup->temperature, kappa = contraction(backup, found->most + room);
  double bound = (kappa * found->change + rounding) / (1 - kappa);
  bool holds = backup->mode == SAC_INFERENCE_VARIATIONAL || found->most <= 0 || bound <= room;
  return holds && kappa < 1 ? bound : INFINITY;
}

static sac_status fail_to_settle(const sac_soft_backup *backup, int sweeps, const sweep *found,
                                 sac_error *err) {
  const char *why = backup->mode == SAC_INFERENCE_EXACT && found->most > 0
                        ? ": rewards above 0 outgrow the discount, so that the evidence of exact "
                          "inference is not finite (mode=variational does without)"
                        : "";
  return sac_error_set(err, SAC_BAD_NUMBER,
                       "values still change by %.3g after %d sweeps, the largest is %.6g%s",
                       found->change, sweeps, found->most, why);
}

// whether values grow on and on: as fast as long ago, though every state has heard of every other
static bool is_growing(const sac_mdp *mdp, int sweeps, double before, const sweep *found) {
  return sweeps > 2 * mdp->n_states + 2000 && found->most > 0 &&
         found->change > 0.999999 * before && found->change > 1e-9 * found->size;
}

sac_status sac_stationary_solve(const sac_mdp *mdp, sac_solution *solution, sac_error *err) {
  const sac_mdp_stage *stage = mdp->stages[0];
  sac_soft_backup backup = sac_soft_backup_of(mdp, solution->mode);
  double *v = solution->v, before = INFINITY;
  memset(v, 0, sizeof *v * (size_t)mdp->n_states);
  for (int i = 1;; i++) {
    sweep found = improve(&backup, stage, i % 2 == 0, solution->q, v);
    solution->error_bound = bound_error(&backup, &found);
    solution->sweeps = i;
    double kappa = contraction(&backup, found.most), floor = 4 * DBL_EPSILON * found.size;
    if (isfinite(solution->error_bound) &&
        found.change <= fmax(mdp->tolerance * (1 - kappa) / kappa, floor))
      break;
    if (i == SAC_SWEEPS_MAX || !isfinite(found.size) ||
        (i % 1000 == 0 && is_growing(mdp, i, before, &found)))
      return fail_to_settle(&backup, i, &found, err);
    if (i % 1000 == 0) before = found.change;
  }
  // the last backup from the values themselves, so that Q, V and the policy belong together
  double *again = v + mdp->n_states;
  memcpy(again, v, sizeof *v * (size_t)mdp->n_states);
  sac_soft_backup_all(&backup, stage, again, solution->q, v, solution->policy);
  memcpy(again, v, sizeof *v * (size_t)mdp->n_states);
  return SAC_OK;
}
