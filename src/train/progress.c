#include "train/progress.h"

#include <math.h>

void sac_progress_episode(sac_progress *progress, double total_reward, double length) {
  uint64_t place = progress->episodes++ % SAC_EPISODE_WINDOW;
  progress->returns[place] = total_reward;
  progress->lengths[place] = length;
}

static double mean_of_newest(const double *ring, uint64_t episodes, int newest) {
  if (newest > SAC_EPISODE_WINDOW) newest = SAC_EPISODE_WINDOW;
  uint64_t count = episodes < (uint64_t)newest ? episodes : (uint64_t)newest;
  double sum = 0;
  for (uint64_t i = episodes - count; i < episodes; i++) sum += ring[i % SAC_EPISODE_WINDOW];
  return count > 0 ? sum / (double)count : NAN;
}

double sac_progress_return(const sac_progress *progress, int newest) {
  return mean_of_newest(progress->returns, progress->episodes, newest);
}

double sac_progress_length(const sac_progress *progress, int newest) {
  return mean_of_newest(progress->lengths, progress->episodes, newest);
}

bool sac_progress_due(const sac_progress *progress, uint64_t before, int64_t every) {
  return every > 0 && before / (uint64_t)every != progress->timesteps / (uint64_t)every;
}
