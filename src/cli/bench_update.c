// `sac bench update`: gradient steps on synthetic transitions, as long as training would do them.
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algo/device.h"
#include "algo/learner.h"
#include "base/clock.h"
#include "cli/bench.h"

enum { REPLAY_ROWS = 100000, WARM_UP = 20, SAMPLES_MAX = 40000, PEAKS_MAX = 200 };
// Updates that a thread makes of one of several lanes before it looks for another, and how often it
// does in a sample: at the end of one a thread may have nothing left to do, as in training only
// where something is due.
enum { LANE_BURST = 16, LANE_BURSTS = 8, LANE_SAMPLES = 3 };
static const double measure_s = 3, between_peaks_s = 0.03;

typedef struct update_bench {
  sac_config cfg;
  sac_threads *threads;
  sac_backend *backend;
  sac_spread spread;
  sac_learner *learners;            // (spread.lanes)
  int n_seeds, burst;               // updates of a lane at a time
  int bursts[SAC_CONFIG_LIST_MAX];  // (spread.lanes) still to make in a sample
  sac_phase phase;
  double phase_begin_s, phase_s[SAC_PHASE_COUNT];
  int n_samples, n_peaks;
  int64_t allocated_bytes;  // heap that the measured updates took and kept
  double samples[SAMPLES_MAX], peaks[PEAKS_MAX];
} update_bench;

static void note_phase(void *context, sac_phase phase) {
  update_bench *self = context;
  // a failure shows at the check that follows
  self->spread.backend->ops->sync(self->spread.backend, NULL);
  double now = sac_clock_s();
  self->phase_s[self->phase] += now - self->phase_begin_s;
  self->phase_begin_s = now;
  self->phase = phase;
}

// standard normal observations, tanh-normal actions, one episode without an end
static void fill_rows(const sac_replay *replay, uint64_t key, uint64_t first, int count,
                      sac_real *rows) {
  const sac_row_layout *layout = &replay->layout;
  for (int i = 0; i < count; i++) {
    sac_real *row = rows + (size_t)i * (size_t)layout->width;
    for (int j = 0; j < layout->width; j++) {
      double value = sac_draw_normal(key, SAC_DRAW_BENCH, first + (uint64_t)i, (uint32_t)j);
      bool is_action = j >= sac_row_action(layout) && j < sac_row_reward(layout);
      row[j] = (sac_real)(is_action ? tanh(value) : value);
    }
    row[sac_row_terminated(layout)] = 0;
    row[sac_row_begins(layout)] = 0;
  }
}

static sac_status fill_replay(sac_replay *replay, int first_seed, sac_error *err) {
  enum { CHUNK = 1000 };
  sac_real *rows = calloc((size_t)CHUNK * (size_t)replay->layout.width, sizeof *rows);
  if (!rows) return sac_error_set(err, SAC_FAILED, "no memory for the transitions");
  for (uint64_t first = 0; first < REPLAY_ROWS; first += CHUNK) {
    for (int i = 0; i < replay->n_seeds; i++) {
      fill_rows(replay, (uint64_t)(first_seed + i), first, CHUNK, rows);
      sac_replay_push(replay, i, rows, CHUNK);
    }
    sac_replay_advance(replay, CHUNK);
  }
  free(rows);
  return SAC_OK;
}

// as training would, but for environments
static sac_status open_learners(update_bench *self, const uint64_t *seeds, sac_error *err) {
  const sac_config *cfg = &self->cfg;
  int lanes = self->spread.lanes, each = self->n_seeds / lanes, obs_dim = (int)cfg->bench.obs;
  const sac_env_spec spec = {
      .obs_dim = obs_dim, .actor_obs_dim = obs_dim, .act_dim = (int)cfg->bench.act};
  self->learners = calloc((size_t)lanes, sizeof *self->learners);
  if (!self->learners) return sac_error_set(err, SAC_FAILED, "no memory for the benchmark");
  for (int i = 0; i < lanes; i++) {
    sac_learner_options options = {.cfg = cfg,
                                   .threads = self->spread.threads,
                                   .backend = self->spread.backend,
                                   .n_seeds = each,
                                   .seeds = seeds + i * each,
                                   .spec = &spec,
                                   .act_rows = 1,
                                   .learners = lanes};
    SAC_TRY(sac_learner_open(&options, &self->learners[i], err));
    SAC_TRY(fill_replay(&self->learners[i].replay, i * each, err));
  }
  return SAC_OK;
}

static sac_status open_bench(update_bench *self, sac_error *err) {
  sac_config *cfg = &self->cfg;
  uint64_t seeds[SAC_CONFIG_LIST_MAX] = {(uint64_t)cfg->run.seed};
  self->n_seeds = cfg->run.seeds.count > 0 ? cfg->run.seeds.count : 1;
  for (int i = 0; i < cfg->run.seeds.count; i++) seeds[i] = (uint64_t)cfg->run.seeds.at[i];
  SAC_TRY(sac_algorithm_require_replay(cfg, "sac bench update", err));
  cfg->algorithm.buffer_size = REPLAY_ROWS;
  cfg->env.n_envs = 1;
  cfg->env.device = SAC_ENVS_ON_HOST;
  SAC_TRY(sac_device_open(cfg, &self->threads, &self->backend, err));
  SAC_TRY(sac_spread_open(&self->spread, self->n_seeds, self->threads, self->backend, err));
  self->burst = self->spread.lanes > 1 ? LANE_BURST : sac_bench_burst(self->backend);
  return open_learners(self, seeds, err);
}

static void close_bench(update_bench *self) {
  for (int i = 0; self->learners && i < self->spread.lanes; i++)
    sac_learner_close(&self->learners[i]);
  free(self->learners);
  sac_spread_close(&self->spread);
  sac_device_close(self->threads, self->backend);
}

// bytes that the process holds of the heap
static int64_t heap_bytes(void) {
  struct mallinfo2 heap = mallinfo2();
  return (int64_t)(heap.uordblks + heap.hblkhd);
}

// a lane's networks, once in the cache, are worth having been fetched
static bool update_lane(void *context, int i_lane) {
  update_bench *self = context;
  for (int i = 0; i < self->burst; i++) sac_learner_update(&self->learners[i_lane]);
  return --self->bursts[i_lane] > 0;
}

// so many updates of every seed
static sac_status update_all(update_bench *self, int bursts, sac_error *err) {
  for (int i = 0; i < self->spread.lanes; i++) self->bursts[i] = bursts;
  sac_threads_turns(self->threads, self->spread.lanes, update_lane, self);
  return self->spread.backend->ops->sync(self->spread.backend, err);
}

static sac_status check(update_bench *self, sac_error *err) {
  for (int i = 0; i < self->spread.lanes; i++)
    for (int k = 0; k < self->learners[i].n_seeds; k++)
      SAC_TRY(sac_agent_check(self->learners[i].agent, k, true, err));
  return SAC_OK;
}

static sac_status measure(update_bench *self, sac_error *err) {
  SAC_TRY(update_all(self, (WARM_UP + self->burst - 1) / self->burst, err));
  int64_t heap = heap_bytes();
  double end_s = sac_clock_s() + measure_s, peak_s = 0;
  bool spread = self->spread.lanes > 1;
  int bursts = spread ? LANE_BURSTS : 1, each = bursts * self->burst;
  int least = spread ? LANE_SAMPLES : (20 + each - 1) / each;
  while (self->n_samples < SAMPLES_MAX && (sac_clock_s() < end_s || self->n_samples < least)) {
    // what the machine gives drifts with its other load: the peak is measured all along, in turn
    if (sac_clock_s() > peak_s + between_peaks_s && self->n_peaks < PEAKS_MAX) {
      self->peaks[self->n_peaks++] = self->backend->ops->peak_gflops(self->backend);
      peak_s = sac_clock_s();
    }
    double begin_s = sac_clock_s();
    SAC_TRY(update_all(self, bursts, err));
    self->samples[self->n_samples++] = (sac_clock_s() - begin_s) / each;
  }
  self->allocated_bytes = heap_bytes() - heap;
  return check(self, err);
}

// where the time of an update goes, in updates of their own: looking at the clock costs a little.
// Of several lanes the first is looked at, alone
static void measure_phases(update_bench *self, int updates) {
  sac_learner *learner = self->learners;
  sac_agent_watch(learner->agent, note_phase, self);
  self->phase_begin_s = sac_clock_s();
  for (int i = 0; i < updates; i++) {
    sac_learner_update(learner);
    note_phase(self, SAC_PHASE_GATHER);
  }
  for (int i = 0; i < SAC_PHASE_COUNT; i++) self->phase_s[i] /= updates * learner->n_seeds;
}

// operations of one forward pass of a network over a batch; *first gets those of its first layer
static double forward_flop(double rows, int in, const sac_config_list *hidden, int out,
                           double *first) {
  double sum = 0;
  for (int l = 0; l <= hidden->count; l++) {
    double from = l == 0 ? in : (double)hidden->at[l - 1],
           to = l < hidden->count ? (double)hidden->at[l] : out;
    sum += 2 * rows * from * to;
    if (l == 0) *first = 2 * rows * from * to;
  }
  return sum;
}

// what the formulas of an update ask for, whatever was skipped: forward, both backward products,
// and for dQ/da only the action's columns of the first layer
static double actor_critic_flop(const sac_config *cfg) {
  double rows = (double)cfg->algorithm.batch_size, n = (double)cfg->algorithm.n_critics;
  int obs = (int)cfg->bench.obs, act = (int)cfg->bench.act;
  double pi_first = 0, q_first = 0, v_first = 0;
  double pi = forward_flop(rows, obs, &cfg->policy.hidden, 2 * act, &pi_first);
  double q = forward_flop(rows, obs + act, &cfg->critic.hidden, 1, &q_first);
  double v = forward_flop(rows, obs, &cfg->critic.hidden, 1, &v_first);
  double q_to_action = q - q_first + q_first * act / (obs + act);
  double policy = pi + 2 * pi - pi_first + n * (q + q_to_action);
  double critic = n * (3 * q - q_first);
  bool is_v1 = cfg->algorithm.name == SAC_ALGORITHM_SAC_V1;
  return policy + critic + (is_v1 ? 4 * v - v_first : pi + n * q);
}

// soft Q-learning: each network at as many rows as it sees, the sampler backward only through the
// particles that move
static double sql_flop(const sac_config *cfg) {
  double rows = (double)cfg->algorithm.batch_size, n = (double)cfg->algorithm.n_critics;
  double all = (double)cfg->algorithm.sql.kernel_n_particles;
  double updated = sac_config_updated_particles(cfg), first = 0, q_first = 0;
  int obs = (int)cfg->bench.obs, act = (int)cfg->bench.act;
  double u = forward_flop(rows, obs + act, &cfg->policy.hidden, act, &first);
  double q = forward_flop(rows, obs + act, &cfg->critic.hidden, 1, &q_first);
  double q_to_action = q - q_first + q_first * act / (obs + act);
  bool by_policy = cfg->algorithm.sql.value_proposal == SAC_VALUE_PROPOSAL_POLICY;
  double target = n * q * (double)cfg->algorithm.sql.value_n_particles + (by_policy ? all * u : 0);
  double sampler = all * u + updated * (2 * u - first) + n * (all - updated) * (q + q_to_action);
  return target + n * (3 * q - q_first) + sampler;
}

static double update_flop(const sac_config *cfg) {
  return (cfg->algorithm.name == SAC_ALGORITHM_SQL ? sql_flop : actor_critic_flop)(cfg);
}

static sac_status print_result(update_bench *self, bool json, sac_error *err) {
  const sac_config *cfg = &self->cfg;
  static const char *const names[] = {"gather", "target", "critic", "policy", "optimiser"};
  double n = self->n_seeds, peak = sac_percentile(self->peaks, self->n_peaks, 50);
  double p10 = sac_percentile(self->samples, self->n_samples, 10) * 1e6 / n;
  double p50 = sac_percentile(self->samples, self->n_samples, 50) * 1e6 / n;
  double p90 = sac_percentile(self->samples, self->n_samples, 90) * 1e6 / n;
  double gflops = update_flop(cfg) / p50 / 1e3;
  int threads = sac_threads_count(self->threads);
  json_t *phases = json_object();
  for (int i = 0; i < SAC_PHASE_COUNT; i++)
    json_object_set_new(phases, names[i], json_real(self->phase_s[i] * 1e6));
  if (json)
    return sac_print_json(
        sac_bench_costs(json_pack(
            "{s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:o}", "bench",
            "update", "device", self->backend->ops->describe(self->backend), "threads", threads,
            "seeds", self->n_seeds, "batch", (int)cfg->algorithm.batch_size, "width",
            (int)cfg->critic.hidden.at[0], "us_per_update", p50, "p10", p10, "p90", p90,
            "updates_per_s", 1e6 / p50, "gflops", gflops, "peak_gflops", peak, "peak_us",
            update_flop(cfg) / peak / 1e3, "allocated_bytes", (json_int_t)self->allocated_bytes,
            "phases", phases)),
        err);
  json_decref(phases);
  printf("%s, %d seed(s): %.1f us an update (p10 %.1f, p90 %.1f), %.1f updates/s\n",
         self->backend->ops->describe(self->backend), self->n_seeds, p50, p10, p90, 1e6 / p50);
  printf(
      "%.1f MFLOP an update, zeros counted: %.1f GFLOP/s, %.0f %% of the measured peak of %.1f\n",
      update_flop(cfg) / 1e6, gflops, 100 * gflops / peak, peak);
  for (int i = 0; i < SAC_PHASE_COUNT; i++)
    printf("  %-9s %8.1f us\n", names[i], self->phase_s[i] * 1e6);
  return SAC_OK;
}

sac_status sac_bench_update(const sac_config *cfg, bool json, sac_error *err) {
  update_bench *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the benchmark");
  self->cfg = *cfg;
  sac_status status = open_bench(self, err);
  if (status == SAC_OK) status = measure(self, err);
  if (status == SAC_OK) {
    measure_phases(self, self->n_samples / 4 + 1);
    status = print_result(self, json, err);
  }
  close_bench(self);
  free(self);
  return status;
}
