#include "train/evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALL = -1 };

struct sac_evaluator {
  sac_agent *agent;
  sac_backend *backend;
  sac_threads *threads;
  const char *id;
  sac_task *task;
  int n_seeds, lanes;  // lanes of each seed
  int obs_dim, act_dim, noise_dim;
  sac_environment *lane;                       // (n_seeds, lanes)
  bool *running;                               // (n_seeds, lanes)
  sac_real *obs, *action;                      // (n_seeds, lanes, S) and (.., A) in host memory
  sac_real *act_obs, *act_noise, *act_action;  // the same in backend memory
  uint64_t *act_step, *act_key;                // one, (n_seeds)
  bool *left_out;                              // (n_seeds)
  sac_error *trouble;                          // (n_seeds) code SAC_OK while all is well
  double *returns;                             // (n_seeds, episodes) of the last evaluation
  sac_evaluator_look *look;                    // NULL: nobody looks
  void *look_context;
  int only;                  // the one lane that runs, or ALL
  const volatile int *stop;  // of the evaluation that runs now, or NULL
};

static sac_status allocate(sac_evaluator *self, size_t values, sac_real **out, sac_error *err) {
  void *memory = NULL;
  SAC_TRY(self->backend->ops->alloc(self->backend, values * sizeof(sac_real), &memory, err));
  *out = memory;
  return SAC_OK;
}

static sac_status allocate_counters(sac_evaluator *self, sac_error *err) {
  void *memory = NULL;
  size_t count = 1 + (size_t)self->n_seeds;
  SAC_TRY(self->backend->ops->alloc(self->backend, count * sizeof(uint64_t), &memory, err));
  self->act_step = memory;
  self->act_key = self->act_step + 1;
  return SAC_OK;
}

static int count_lanes(const sac_evaluator *self) {
  return self->n_seeds * self->lanes;
}

static sac_status open_lanes(sac_evaluator *self, const sac_config *cfg, sac_error *err) {
  size_t n = (size_t)count_lanes(self), n_seeds = (size_t)self->n_seeds;
  SAC_TRY(sac_task_open(cfg, sac_agent_squashes(self->agent), &self->task, err));
  self->obs_dim = self->task->spec.obs_dim;
  self->act_dim = self->task->spec.act_dim;
  self->noise_dim = sac_agent_noise_dim(self->agent);
  self->lane = calloc(n, sizeof *self->lane);
  self->running = calloc(n, sizeof *self->running);
  self->obs = calloc(n * (size_t)self->obs_dim, sizeof *self->obs);
  self->action = calloc(n * (size_t)self->act_dim, sizeof *self->action);
  self->left_out = calloc(n_seeds, sizeof *self->left_out);
  self->trouble = calloc(n_seeds, sizeof *self->trouble);
  if (!self->lane || !self->running || !self->obs || !self->action || !self->left_out ||
      !self->trouble)
    return sac_error_set(err, SAC_FAILED, "no memory to evaluate %zu episodes at once", n);
  for (int i = 0; i < count_lanes(self); i++)
    SAC_TRY(sac_environment_create(self->task, &self->lane[i], err));
  SAC_TRY(allocate(self, n * (size_t)self->obs_dim, &self->act_obs, err));
  SAC_TRY(allocate(self, n * (size_t)self->noise_dim, &self->act_noise, err));
  SAC_TRY(allocate(self, n * (size_t)self->act_dim, &self->act_action, err));
  return allocate_counters(self, err);
}

sac_status sac_evaluator_create(const sac_config *cfg, int lanes, sac_agent *agent,
                                sac_backend *backend, sac_threads *threads,
                                sac_evaluator **evaluator, sac_error *err) {
  sac_evaluator *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the evaluation");
  self->agent = agent;
  self->backend = backend;
  self->threads = threads;
  self->id = cfg->env.id;
  self->only = ALL;
  self->n_seeds = sac_agent_seeds(agent);
  self->lanes = lanes < SAC_EVALUATOR_LANES ? lanes : SAC_EVALUATOR_LANES;
  sac_status status = open_lanes(self, cfg, err);
  if (status == SAC_OK) *evaluator = self;
  if (status != SAC_OK) sac_evaluator_destroy(self);
  return status;
}

void sac_evaluator_destroy(sac_evaluator *evaluator) {
  if (!evaluator) return;
  void *on_backend[] = {evaluator->act_obs, evaluator->act_noise, evaluator->act_action,
                        evaluator->act_step};
  for (size_t i = 0; i < sizeof on_backend / sizeof *on_backend; i++)
    if (on_backend[i]) evaluator->backend->ops->release(evaluator->backend, on_backend[i]);
  for (int i = 0; evaluator->lane && i < count_lanes(evaluator); i++)
    sac_environment_destroy(&evaluator->lane[i]);
  sac_task_close(evaluator->task);
  free(evaluator->lane);
  free(evaluator->running);
  free(evaluator->left_out);
  free(evaluator->trouble);
  free(evaluator->returns);
  free(evaluator->obs);
  free(evaluator->action);
  free(evaluator);
}

void sac_evaluator_log(sac_evaluator *evaluator, sac_log *log) {
  sac_task_log(evaluator->task, log);
}

const sac_task *sac_evaluator_task(const sac_evaluator *evaluator) {
  return evaluator->task;
}

void sac_evaluator_watch(sac_evaluator *evaluator, sac_evaluator_look *look, void *context) {
  evaluator->look = look;
  evaluator->look_context = context;
}

static sac_stack stack_of(const sac_evaluator *self, sac_real *data, int cols) {
  return (sac_stack){
      .data = data, .stride = (size_t)self->lanes * (size_t)cols, .ld = cols, .share = 1};
}

static void act(sac_evaluator *self, int first_episode, uint64_t step, bool stochastic) {
  const sac_ops *ops = self->backend->ops;
  size_t n = (size_t)count_lanes(self);
  ops->upload(self->backend, self->act_obs, self->obs,
              n * (size_t)self->obs_dim * sizeof(sac_real));
  sac_act act = {.rows = self->lanes,
                 .obs = stack_of(self, self->act_obs, self->obs_dim),
                 .noise = stack_of(self, NULL, self->noise_dim),
                 .action = stack_of(self, self->act_action, self->act_dim)};
  if (stochastic) {
    act.noise.data = self->act_noise;
    ops->upload(self->backend, self->act_step, &step, sizeof step);
    sac_normal_fill noise = {.n = self->n_seeds,
                             .rows = self->lanes,
                             .cols = self->noise_dim,
                             .first_row = first_episode,
                             .key = self->act_key,
                             .purpose = SAC_DRAW_EVAL,
                             .step = self->act_step,
                             .out = act.noise};
    ops->normal_fill(self->backend, &noise);
  }
  sac_agent_act(self->agent, &act);
  ops->download(self->backend, self->action, self->act_action,
                n * (size_t)self->act_dim * sizeof(sac_real));
}

static void send_actions(sac_evaluator *self) {
  for (int i = 0; i < count_lanes(self); i++)
    if (self->running[i])
      sac_environment_send(&self->lane[i], self->action + (size_t)i * (size_t)self->act_dim);
}

static void step_lane(void *context, int i) {
  sac_evaluator *self = context;
  if (!self->running[i]) return;
  sac_outcome outcome;
  sac_environment_step(&self->lane[i], self->action + (size_t)i * (size_t)self->act_dim, &outcome);
  sac_environment_observe(&self->lane[i], self->obs + (size_t)i * (size_t)self->obs_dim);
  bool broken = self->lane[i].trouble.field || self->lane[i].trouble.fault;
  self->running[i] = !broken && !outcome.terminated && !outcome.truncated;
}

// the episode of lane i in the wave that begins at episode `first`
static int episode_of(const sac_evaluator *self, int i, int first) {
  return first + i % self->lanes;
}

static bool is_well(const sac_evaluator *self, int i_seed) {
  return !self->left_out[i_seed] && self->trouble[i_seed].code == SAC_OK;
}

// whether lane i has an episode in this wave
static bool is_due(const sac_evaluator *self, int i, int first,
                   const sac_evaluation_options *options) {
  return is_well(self, i / self->lanes) && episode_of(self, i, first) < options->episodes &&
         (self->only == ALL || self->only == i);
}

static uint64_t seed_of(const sac_evaluation_options *options, int episode) {
  if (options->seeds) return (uint64_t)options->seeds[episode];
  return options->seed + (uint64_t)episode;
}

// a seed in trouble has no further episodes
static void check_lane(sac_evaluator *self, int i, const char *who) {
  int i_seed = i / self->lanes;
  if (!is_well(self, i_seed)) return;
  sac_error *trouble = &self->trouble[i_seed];
  trouble->code = sac_environment_check(&self->lane[i], who, trouble);
}

static void check_lanes(sac_evaluator *self, int first) {
  for (int i = 0; i < count_lanes(self); i++) {
    char who[64];
    snprintf(who, sizeof who, "evaluation episode %d", episode_of(self, i, first));
    check_lane(self, i, who);
  }
}

static void start_lanes(sac_evaluator *self, int first, const sac_evaluation_options *options) {
  int n = count_lanes(self);
  for (int i = 0; i < n; i++) {
    self->running[i] = is_due(self, i, first, options);
    if (self->running[i])
      sac_environment_send_reset(&self->lane[i], seed_of(options, episode_of(self, i, first)));
  }
  for (int i = 0; i < n; i++) {
    if (!self->running[i]) continue;
    sac_environment_reset(&self->lane[i], seed_of(options, episode_of(self, i, first)));
    sac_environment_observe(&self->lane[i], self->obs + (size_t)i * (size_t)self->obs_dim);
    check_lane(self, i, "an evaluation episode");
  }
  for (int i = 0; i < n; i++) self->running[i] &= is_well(self, i / self->lanes);
}

// a broken episode is not shown
static sac_status show(sac_evaluator *self, int first, sac_error *err) {
  if (!self->look) return SAC_OK;
  check_lanes(self, first);
  if (!is_well(self, 0)) return SAC_OK;
  return self->look(self->look_context, &self->lane[self->only], err);
}

static bool stops(const sac_evaluator *self) {
  return self->stop && *self->stop != 0;
}

static bool any_running(const sac_evaluator *self) {
  for (int i = 0; i < count_lanes(self); i++)
    if (self->running[i]) return true;
  return false;
}

// those of the episodes [first, first + lanes) of each seed that are due, each to its end; their
// lengths are added to `out`
static sac_status run_wave(sac_evaluator *self, int first, const sac_evaluation_options *options,
                           sac_evaluation *out, sac_error *err) {
  start_lanes(self, first, options);
  SAC_TRY(show(self, first, err));
  for (uint64_t step = 0; any_running(self) && !stops(self); step++) {
    act(self, first, step, options->stochastic);
    send_actions(self);
    sac_threads_run(self->threads, count_lanes(self), step_lane, self);
    SAC_TRY(show(self, first, err));
  }
  check_lanes(self, first);
  for (int i = 0; i < count_lanes(self); i++) {
    if (!is_due(self, i, first, options)) continue;
    int i_seed = i / self->lanes;
    self->returns[i_seed * options->episodes + episode_of(self, i, first)] =
        self->lane[i].total_reward;
    out[i_seed].length_mean += (double)self->lane[i].step / options->episodes;
  }
  return SAC_OK;
}

// each episode in the lane it has anyway, so that no result depends on who looks
static sac_status run_in_turn(sac_evaluator *self, int first, const sac_evaluation_options *options,
                              sac_evaluation *out, sac_error *err) {
  sac_status status = SAC_OK;
  for (int i = 0; i < count_lanes(self) && status == SAC_OK; i++) {
    self->only = i;
    if (is_due(self, i, first, options)) status = run_wave(self, first, options, out, err);
  }
  self->only = ALL;
  return status;
}

static sac_status begin(sac_evaluator *self, const sac_evaluation_options *options,
                        sac_evaluation *out, sac_error *err) {
  size_t episodes = (size_t)options->episodes;
  free(self->returns);
  self->returns = calloc((size_t)self->n_seeds * episodes, sizeof *self->returns);
  if (!self->returns)
    return sac_error_set(err, SAC_FAILED, "no memory for %d returns", options->episodes);
  self->stop = options->stop;
  for (int i = 0; i < self->n_seeds; i++) {
    self->trouble[i].code = SAC_OK;
    out[i] = (sac_evaluation){.episodes = options->episodes};
    snprintf(out[i].env, sizeof out[i].env, "%s", self->id);
    self->backend->ops->upload(self->backend, self->act_key + i, &options->seed,
                               sizeof options->seed);
  }
  return SAC_OK;
}

static void summarise(const double *returns, sac_evaluation *out) {
  double sum = 0, squares = 0;
  for (int i = 0; i < out->episodes; i++) sum += returns[i];
  out->return_mean = sum / out->episodes;
  for (int i = 0; i < out->episodes; i++) squares += pow(returns[i] - out->return_mean, 2);
  out->return_std = sqrt(squares / out->episodes);
}

sac_status sac_evaluator_run(sac_evaluator *evaluator, const sac_evaluation_options *options,
                             sac_evaluation *out, sac_error *err) {
  SAC_TRY(begin(evaluator, options, out, err));
  for (int first = 0; first < options->episodes && !stops(evaluator); first += evaluator->lanes)
    SAC_TRY((evaluator->look ? run_in_turn : run_wave)(evaluator, first, options, out, err));
  sac_status status = SAC_OK;
  for (int i = evaluator->n_seeds - 1; i >= 0; i--) {
    summarise(evaluator->returns + (size_t)i * (size_t)options->episodes, &out[i]);
    const sac_error *trouble = &evaluator->trouble[i];
    if (!is_well(evaluator, i) && !evaluator->left_out[i])
      status = sac_error_set(err, trouble->code, "%s", trouble->text);
  }
  return status;
}

void sac_evaluator_leave_out(sac_evaluator *evaluator, int i_seed) {
  evaluator->left_out[i_seed] = true;
}

const sac_error *sac_evaluator_trouble(const sac_evaluator *evaluator, int i_seed) {
  return &evaluator->trouble[i_seed];
}
