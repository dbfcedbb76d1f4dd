// How far a run has come: the counters that a checkpoint keeps and a resumed run goes on from.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// Episodes that the running mean of returns looks back on.
enum { SAC_EPISODE_WINDOW = 100 };

/// All of it is saved; nothing here depends on the clock.
typedef struct sac_progress {
  uint64_t timesteps;     ///< environment transitions of one seed
  uint64_t vector_steps;  ///< steps of the vector environment
  uint64_t updates;       ///< gradient steps
  uint64_t updates_from;  ///< updates start past this many timesteps
  uint64_t updates_owed;  ///< gradient steps due after the last step, not done yet
  uint64_t recorded;      ///< timesteps at which what was due was evaluated and logged
  uint64_t episodes;      ///< episodes that ended
  double best_return;     ///< best evaluation so far; NaN before the first
  double returns[SAC_EPISODE_WINDOW],
      lengths[SAC_EPISODE_WINDOW];  ///< of the last episodes, a ring
} sac_progress;

/// Note an episode that ended.
void sac_progress_episode(sac_progress *progress, double total_reward, double length);

/// Means over the newest episodes, at most `newest` and SAC_EPISODE_WINDOW of them; NaN when there
/// is none.
double sac_progress_return(const sac_progress *progress, int newest);
double sac_progress_length(const sac_progress *progress, int newest);

/// Whether a multiple of `every` lies in (before, timesteps]; never for 0.
bool sac_progress_due(const sac_progress *progress, uint64_t before, int64_t every);
