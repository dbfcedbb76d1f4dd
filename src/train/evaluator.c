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
  int lanes, obs_dim, act_dim, noise_dim;
  sac_environment *lane;                       // (lanes)
  bool *running;                               // (lanes)
  sac_real *obs, *action;                      // (lanes, S) and (lanes, A) in host memory
  sac_real *act_obs, *act_noise, *act_action;  // the same in backend memory
  uint64_t *act_step, *act_key;
  sac_evaluator_look *look;  // NULL: nobody looks
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
  SAC_TRY(self->backend->ops->alloc(self->backend, 2 * sizeof(uint64_t), &memory, err));
  self->act_step = memory;
  self->act_key = self->act_step + 1;
  return SAC_OK;
}

static sac_status open_lanes(sac_evaluator *self, const sac_config *cfg, sac_error *err) {
  size_t n = (size_t)self->lanes;
  SAC_TRY(sac_task_open(cfg, cfg->policy.squash, &self->task, err));
  self->obs_dim = self->task->spec.obs_dim;
  self->act_dim = self->task->spec.act_dim;
  self->noise_dim = sac_agent_noise_dim(self->agent);
  self->lane = calloc(n, sizeof *self->lane);
  self->running = calloc(n, sizeof *self->running);
  self->obs = calloc(n * (size_t)self->obs_dim, sizeof *self->obs);
  self->action = calloc(n * (size_t)self->act_dim, sizeof *self->action);
  if (!self->lane || !self->running || !self->obs || !self->action)
    return sac_error_set(err, SAC_FAILED, "no memory to evaluate %d episodes at once", self->lanes);
  for (int i = 0; i < self->lanes; i++)
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
  for (int i = 0; evaluator->lane && i < evaluator->lanes; i++)
    sac_environment_destroy(&evaluator->lane[i]);
  sac_task_close(evaluator->task);
  free(evaluator->lane);
  free(evaluator->running);
  free(evaluator->obs);
  free(evaluator->action);
  free(evaluator);
}

const sac_task *sac_evaluator_task(const sac_evaluator *evaluator) {
  return evaluator->task;
}

void sac_evaluator_watch(sac_evaluator *evaluator, sac_evaluator_look *look, void *context) {
  evaluator->look = look;
  evaluator->look_context = context;
}

static void act(sac_evaluator *self, int first_episode, uint64_t step, bool stochastic) {
  const sac_ops *ops = self->backend->ops;
  size_t n = (size_t)self->lanes;
  ops->upload(self->backend, self->act_obs, self->obs,
              n * (size_t)self->obs_dim * sizeof(sac_real));
  sac_act act = {.rows = self->lanes,
                 .obs = {.data = self->act_obs, .ld = self->obs_dim, .share = 1},
                 .noise = {.data = NULL, .ld = self->noise_dim, .share = 1},
                 .action = {.data = self->act_action, .ld = self->act_dim, .share = 1}};
  if (stochastic) {
    act.noise.data = self->act_noise;
    ops->upload(self->backend, self->act_step, &step, sizeof step);
    sac_normal_fill noise = {.n = 1,
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
  for (int i = 0; i < self->lanes; i++)
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

// whether lane i has an episode in this wave
static bool is_due(const sac_evaluator *self, int i, int first,
                   const sac_evaluation_options *options) {
  return first + i < options->episodes && (self->only == ALL || self->only == i);
}

static uint64_t seed_of(const sac_evaluation_options *options, int episode) {
  if (options->seeds) return (uint64_t)options->seeds[episode];
  return options->seed + (uint64_t)episode;
}

static sac_status start_lanes(sac_evaluator *self, int first, const sac_evaluation_options *options,
                              sac_error *err) {
  for (int i = 0; i < self->lanes; i++) {
    self->running[i] = is_due(self, i, first, options);
    if (self->running[i]) sac_environment_send_reset(&self->lane[i], seed_of(options, first + i));
  }
  for (int i = 0; i < self->lanes; i++) {
    if (!self->running[i]) continue;
    sac_environment_reset(&self->lane[i], seed_of(options, first + i));
    sac_environment_observe(&self->lane[i], self->obs + (size_t)i * (size_t)self->obs_dim);
    SAC_TRY(sac_environment_check(&self->lane[i], "an evaluation episode", err));
  }
  return SAC_OK;
}

static sac_status check_lanes(const sac_evaluator *self, int first, sac_error *err) {
  for (int i = 0; i < self->lanes; i++) {
    char who[64];
    snprintf(who, sizeof who, "evaluation episode %d", first + i);
    SAC_TRY(sac_environment_check(&self->lane[i], who, err));
  }
  return SAC_OK;
}

// a broken episode is not shown
static sac_status show(const sac_evaluator *self, int first, sac_error *err) {
  if (!self->look) return SAC_OK;
  SAC_TRY(check_lanes(self, first, err));
  return self->look(self->look_context, &self->lane[self->only], err);
}

static bool stops(const sac_evaluator *self) {
  return self->stop && *self->stop != 0;
}

static bool any_running(const sac_evaluator *self) {
  for (int i = 0; i < self->lanes; i++)
    if (self->running[i]) return true;
  return false;
}

// those of the episodes [first, first + lanes) that are due, each to its end; their sums are added
// to `out`
static sac_status run_wave(sac_evaluator *self, int first, const sac_evaluation_options *options,
                           double *returns, sac_evaluation *out, sac_error *err) {
  SAC_TRY(start_lanes(self, first, options, err));
  SAC_TRY(show(self, first, err));
  for (uint64_t step = 0; any_running(self) && !stops(self); step++) {
    act(self, first, step, options->stochastic);
    send_actions(self);
    sac_threads_run(self->threads, self->lanes, step_lane, self);
    SAC_TRY(show(self, first, err));
  }
  SAC_TRY(check_lanes(self, first, err));
  for (int i = 0; i < self->lanes; i++) {
    if (!is_due(self, i, first, options)) continue;
    returns[first + i] = self->lane[i].total_reward;
    out->length_mean += (double)self->lane[i].step / options->episodes;
  }
  return SAC_OK;
}

// each episode in the lane it has anyway, so that no result depends on who looks
static sac_status run_in_turn(sac_evaluator *self, int first, const sac_evaluation_options *options,
                              double *returns, sac_evaluation *out, sac_error *err) {
  sac_status status = SAC_OK;
  for (int i = 0; i < self->lanes && first + i < options->episodes && status == SAC_OK; i++) {
    self->only = i;
    status = run_wave(self, first, options, returns, out, err);
  }
  self->only = ALL;
  return status;
}

sac_status sac_evaluator_run(sac_evaluator *evaluator, const sac_evaluation_options *options,
                             sac_evaluation *out, sac_error *err) {
  double *returns = calloc((size_t)options->episodes, sizeof *returns);
  if (!returns)
    return sac_error_set(err, SAC_FAILED, "no memory for %d returns", options->episodes);
  *out = (sac_evaluation){.episodes = options->episodes};
  snprintf(out->env, sizeof out->env, "%s", evaluator->id);
  evaluator->stop = options->stop;
  evaluator->backend->ops->upload(evaluator->backend, evaluator->act_key, &options->seed,
                                  sizeof options->seed);
  sac_status status = SAC_OK;
  for (int first = 0; first < options->episodes && status == SAC_OK && !stops(evaluator);
       first += evaluator->lanes)
    status =
        (evaluator->look ? run_in_turn : run_wave)(evaluator, first, options, returns, out, err);
  double sum = 0, squares = 0;
  for (int i = 0; i < options->episodes; i++) sum += returns[i];
  out->return_mean = sum / options->episodes;
  for (int i = 0; i < options->episodes; i++) squares += pow(returns[i] - out->return_mean, 2);
  out->return_std = sqrt(squares / options->episodes);
  free(returns);
  return status;
}
