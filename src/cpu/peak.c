// The machine's rate of fused multiply-adds, measured: what the products' speed is compared with.
#include "base/clock.h"
#include "cpu/table.h"

enum { CHAINS = 12, ROUNDS = 1 << 16, WINDOWS = 8 };

// Twelve independent chains hide the latency of two units; factors that the compiler cannot know
// keep it from doing the sums beforehand.
static void run_chains(void *context, int i_part) {
  (void)i_part;
  volatile sac_real *one = context;
  sac_vector x[CHAINS], scale = sac_vector_fill(*one), shift = sac_vector_fill(*one);
  for (int i = 0; i < CHAINS; i++) x[i] = sac_vector_fill((sac_real)i);
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < CHAINS; i++) x[i] = x[i] * scale + shift;
  for (int i = 1; i < CHAINS; i++) x[0] += x[i];
  if (x[0][0] < 0) *one = 1;
}

double SAC_CPU(peak_gflops)(sac_backend *backend) {
  int threads = sac_threads_count(sac_cpu_threads(backend));
  volatile sac_real one = 1;
  double best = 0, operations = 2.0 * CHAINS * SAC_LANES * ROUNDS * threads;
  for (int i = 0; i < WINDOWS; i++) {
    double start = sac_clock_s();
    sac_threads_run(sac_cpu_threads(backend), threads, run_chains, (void *)&one);
    double rate = operations / (sac_clock_s() - start) / 1e9;
    if (rate > best) best = rate;
  }
  return best;
}
