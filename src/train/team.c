#include "train/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

// Steps or updates that a thread makes of one lane before it looks for another: enough that a
// lane's networks, once in the cache, are worth having been fetched.
enum { UNITS = 32 };
static const double slice_s = 0.5;

static bool is_cpu(const sac_team *team) {
  return strcmp(team->backend->ops->device, "cpu") == 0;
}

int sac_team_seeds(const sac_config *cfg, uint64_t seeds[SAC_CONFIG_LIST_MAX]) {
  const sac_config_list *list = &cfg->run.seeds;
  seeds[0] = (uint64_t)cfg->run.seed;
  for (int i = 0; i < list->count; i++) seeds[i] = (uint64_t)list->at[i];
  return list->count > 0 ? list->count : 1;
}

static sac_status open_learner(sac_team *team, sac_lane *lane, sac_error *err) {
  uint64_t seeds[SAC_CONFIG_LIST_MAX];
  for (int i = 0; i < lane->n_runs; i++) seeds[i] = lane->runs[i].seed;
  sac_learner_options options = {.cfg = &lane->runs->cfg,
                                 .threads = team->spread.threads,
                                 .backend = team->spread.backend,
                                 .n_seeds = lane->n_runs,
                                 .seeds = seeds,
                                 .spec = lane->runs->spec,
                                 .lower = lane->lower,
                                 .act_rows = SAC_EVALUATOR_LANES,
                                 .learners = team->n_lanes};
  return sac_learner_open(&options, &lane->learner, err);
}

static sac_status open_lower(sac_team *team, sac_lane *lane, sac_error *err) {
  const sac_config *cfg = &lane->runs->cfg;
  int rows = cfg->env.n_envs > SAC_EVALUATOR_LANES ? (int)cfg->env.n_envs : SAC_EVALUATOR_LANES;
  SAC_TRY(sac_lower_open(cfg, team->resumed, team->spread.backend, rows, &lane->lower, err));
  for (int i = 0; i < lane->n_runs; i++) lane->runs[i].lower = lane->lower;
  return SAC_OK;
}

static sac_status open_lane(sac_team *team, sac_lane *lane, sac_error *err) {
  size_t n = (size_t)lane->n_runs;
  lane->turns = calloc(n, sizeof *lane->turns);
  lane->rows = calloc(n, sizeof *lane->rows);
  lane->stepped = calloc(n, sizeof *lane->stepped);
  lane->faults = calloc(n, sizeof *lane->faults);
  if (!lane->turns || !lane->rows || !lane->stepped || !lane->faults)
    return sac_error_set(err, SAC_FAILED, "no memory for %zu seeds", n);
  SAC_TRY(open_lower(team, lane, err));
  for (int i = 0; i < lane->n_runs; i++)
    SAC_TRY(sac_run_open(&lane->runs[i], team->spread.threads, team->spread.backend, err));
  SAC_TRY(open_learner(team, lane, err));
  for (int i = 0; i < lane->n_runs; i++)
    SAC_TRY(sac_run_join(&lane->runs[i], &lane->learner, i, err));
  return SAC_OK;
}

static sac_status create_runs(sac_team *team, const sac_config *cfg, const uint64_t *seeds,
                              sac_error *err) {
  team->runs = calloc((size_t)team->n_runs, sizeof *team->runs);
  if (!team->runs) return sac_error_set(err, SAC_FAILED, "no memory for %d runs", team->n_runs);
  for (int i = 0; i < team->n_runs; i++) {
    sac_run *run = &team->runs[i];
    run->cfg = *cfg;
    run->cfg.run.seed = (int64_t)seeds[i];
    run->cfg.run.seeds = (sac_config_list){0};
    run->lock = -1;
  }
  return SAC_OK;
}

static sac_status open_on_device(sac_team *team, const sac_config *cfg, const uint64_t *seeds,
                                 sac_error *err) {
  SAC_TRY(create_runs(team, cfg, seeds, err));
  SAC_TRY(sac_spread_open(&team->spread, team->n_runs, team->threads, team->backend, err));
  team->n_lanes = team->spread.lanes;
  team->lanes = calloc((size_t)team->n_lanes, sizeof *team->lanes);
  if (!team->lanes) return sac_error_set(err, SAC_FAILED, "no memory for %d runs", team->n_runs);
  int each = team->n_runs / team->n_lanes;
  for (int i = 0; i < team->n_lanes; i++) {
    team->lanes[i] = (sac_lane){.runs = team->runs + i * each, .n_runs = each};
    SAC_TRY(open_lane(team, &team->lanes[i], err));
  }
  return SAC_OK;
}

static void close_on_device(sac_team *team) {
  for (int i = 0; team->lanes && i < team->n_lanes; i++) {
    sac_evaluator_destroy(team->lanes[i].evaluator);
    sac_learner_close(&team->lanes[i].learner);
    sac_hierarchy_destroy(team->lanes[i].lower);
    free(team->lanes[i].turns);
    free(team->lanes[i].rows);
    free(team->lanes[i].stepped);
    free(team->lanes[i].faults);
  }
  for (int i = 0; team->runs && i < team->n_runs; i++) sac_run_close(&team->runs[i]);
  free(team->lanes);
  free(team->runs);
  team->lanes = NULL;
  team->runs = NULL;
  sac_spread_close(&team->spread);
}

// a device chosen by `auto` that has no room for the runs gives way to the CPU
static sac_status fall_back(sac_team *team, const sac_config *cfg, const uint64_t *seeds,
                            const char *why, sac_error *err) {
  snprintf(team->device_note, sizeof team->device_note, "%.500s", why);
  close_on_device(team);
  sac_backend_close(team->backend);
  team->backend = NULL;
  sac_backend_options options = {.device = "cpu", .threads = team->threads};
  SAC_TRY(sac_backend_open(&options, &team->backend, err));
  return open_on_device(team, cfg, seeds, err);
}

sac_status sac_team_open(sac_team *team, const sac_config *cfg, int n, const uint64_t *seeds,
                         sac_error *err) {
  sac_error why;
  team->n_runs = n;
  sac_status status = sac_device_open(cfg, &team->threads, &team->backend, &why);
  if (status != SAC_OK) return sac_error_set(err, status, "%s", why.text);
  snprintf(team->device_note, sizeof team->device_note, "%.500s", why.text);
  status = open_on_device(team, cfg, seeds, &why);
  if (status == SAC_FAILED && cfg->run.device == SAC_DEVICE_AUTO && !is_cpu(team))
    return fall_back(team, cfg, seeds, why.text, err);
  return status == SAC_OK ? SAC_OK : sac_error_set(err, status, "%s", why.text);
}

void sac_team_close(sac_team *team) {
  close_on_device(team);
  sac_device_close(team->threads, team->backend);
}

bool sac_team_stops(const sac_team *team) {
  return team->stop && *team->stop != 0;
}

static sac_run *find_lead(sac_run *runs, int n) {
  for (int i = 0; i < n; i++)
    if (sac_run_goes_on(&runs[i])) return &runs[i];
  return NULL;
}

sac_run *sac_team_lead(const sac_team *team) {
  return find_lead(team->runs, team->n_runs);
}

// what the runs of a lane share has failed
static void fail_lane(sac_lane *lane, const sac_error *why) {
  for (int i = 0; i < lane->n_runs; i++)
    if (sac_run_goes_on(&lane->runs[i])) lane->runs[i].failure = *why;
}

// runs that failed keep their members in the stacks, where nobody looks at them any more
static void begin_step(sac_lane *lane, bool uniform) {
  const sac_learner *learner = &lane->learner;
  lane->n_turns = 0;
  for (int i = 0; i < lane->n_runs; i++) {
    sac_run *run = &lane->runs[i];
    if (!sac_run_goes_on(run)) continue;
    int k = lane->n_turns++;
    lane->stepped[k] = run;
    lane->rows[k] = sac_learner_staged(learner, i, run->progress.vector_steps, uniform);
    lane->turns[k] = (sac_vec_env_turn){.vec = run->envs,
                                        .rows = &lane->rows[k],
                                        .obs = sac_learner_rows(learner, i, true),
                                        .ld = lane->rows[k].ld,
                                        .episodes = run->episodes,
                                        .err = &run->failure};
  }
  sac_vec_env_begin_all(lane->turns, lane->n_turns);
}

static void end_step(sac_lane *lane) {
  sac_vec_env_end_all(lane->turns, lane->n_turns);
}

static void note_step(sac_lane *lane) {
  for (int k = 0; k < lane->n_turns; k++)
    if (sac_run_goes_on(lane->stepped[k])) sac_run_note_step(lane->stepped[k]);
}

static bool lags(const sac_lane *lane) {
  return lane->runs->cfg.run.overlap == SAC_OVERLAP_LAG1 && !lane->learner.on_policy;
}

static void update(sac_lane *lane) {
  sac_learner_update(&lane->learner);
  for (int i = 0; i < lane->n_runs; i++) {
    if (!sac_run_goes_on(&lane->runs[i])) continue;
    lane->runs[i].progress.updates++;
    lane->runs[i].progress.updates_owed--;
  }
}

static void check_updates(sac_lane *lane) {
  sac_error why;
  sac_agent *agent = lane->learner.agent;
  if (sac_agent_wait(agent, lane->faults, &why) != SAC_OK) fail_lane(lane, &why);
  for (int i = 0; i < lane->n_runs; i++) {
    sac_run *run = &lane->runs[i];
    if (lane->faults[i] && sac_run_goes_on(run)) sac_agent_check(agent, i, false, &run->failure);
  }
}

// what a lane that lags owes, while its environments are at work; whether there was something
static bool learn_meanwhile(sac_lane *lane) {
  const sac_run *lead = find_lead(lane->runs, lane->n_runs);
  if (!lags(lane) || lead->progress.updates_owed == 0) return false;
  while (lead->progress.updates_owed > 0) update(lane);
  return true;
}

void sac_lane_step(sac_lane *lane) {
  const sac_run *lead = find_lead(lane->runs, lane->n_runs);
  bool warms_up = !lane->learner.on_policy &&
                  lead->progress.timesteps < (uint64_t)lead->cfg.algorithm.learning_starts;
  // uniform noise would be far from what a lower layer was trained with
  bool acts = !warms_up || lane->lower;
  uint64_t step = lead->progress.vector_steps;
  sac_error why;
  if (acts && sac_learner_act(&lane->learner, step, warms_up, &why) != SAC_OK) {
    fail_lane(lane, &why);
    return;
  }
  begin_step(lane, !acts);
  bool learned = learn_meanwhile(lane);
  end_step(lane);
  if (learned) check_updates(lane);
  note_step(lane);
  if (!find_lead(lane->runs, lane->n_runs)) return;
  sac_learner_advance(&lane->learner, true);
  for (int i = 0; i < lane->n_runs; i++)
    if (sac_run_goes_on(&lane->runs[i]))
      lane->runs[i].progress.updates_owed = sac_run_updates_due(&lane->runs[i]);
}

// the gradient steps that come before the next step
static uint64_t owes(const sac_lane *lane, const sac_run *lead) {
  return lags(lane) ? 0 : lead->progress.updates_owed;
}

void sac_lane_learn(sac_lane *lane, const volatile int *stop) {
  const sac_run *lead = find_lead(lane->runs, lane->n_runs);
  if (!lead || owes(lane, lead) == 0) return;
  while (lead->progress.updates_owed > 0 && !(stop && *stop)) update(lane);
  check_updates(lane);
}

static bool is_there(const sac_run *run, const sac_position *goal) {
  const sac_progress *progress = &run->progress;
  if (progress->timesteps != goal->timesteps) return progress->timesteps > goal->timesteps;
  return progress->updates_owed <= goal->owed;
}

static bool runs_on(const sac_team *team, const sac_run *lead) {
  if (!lead || is_there(lead, &team->goal)) return false;
  return !team->heeds_stop || (!sac_team_stops(team) && sac_clock_s() < team->until_s);
}

// the next update that a lane owes or else its next step; whether it wants to go on after some
static bool take_turn(void *context, int i_lane) {
  const sac_team *team = context;
  sac_lane *lane = &team->lanes[i_lane];
  bool updates = false;
  for (int unit = 0; unit < UNITS; unit++) {
    const sac_run *lead = find_lead(lane->runs, lane->n_runs);
    if (!runs_on(team, lead)) break;
    updates = owes(lane, lead) > 0;
    (updates ? update : sac_lane_step)(lane);
    if (updates && lead->progress.updates_owed == 0) check_updates(lane);
  }
  if (updates) check_updates(lane);
  return runs_on(team, find_lead(lane->runs, lane->n_runs));
}

// where runs lag, a step's gradient steps belong to the next one
static sac_position find_goal(const sac_team *team, uint64_t timesteps) {
  return (sac_position){timesteps, lags(team->lanes) ? UINT64_MAX : 0};
}

bool sac_team_is_at(const sac_team *team, uint64_t timesteps) {
  sac_position goal = find_goal(team, timesteps);
  for (int i = 0; i < team->n_runs; i++)
    if (sac_run_goes_on(&team->runs[i]) && !is_there(&team->runs[i], &goal)) return false;
  return true;
}

// those behind the first come up to it
static void close_up(sac_team *team) {
  team->goal = (sac_position){0, 0};
  for (int i = 0; i < team->n_runs; i++) {
    const sac_run *run = &team->runs[i];
    if (sac_run_goes_on(run) && is_there(run, &team->goal))
      team->goal = (sac_position){run->progress.timesteps, run->progress.updates_owed};
  }
  team->heeds_stop = false;
  sac_threads_turns(team->threads, team->n_lanes, take_turn, team);
}

void sac_team_go(sac_team *team, uint64_t timesteps) {
  team->goal = find_goal(team, timesteps);
  team->heeds_stop = true;
  team->until_s = sac_clock_s() + slice_s;
  sac_threads_turns(team->threads, team->n_lanes, take_turn, team);
  if (sac_team_stops(team)) close_up(team);
}

sac_status sac_team_roll(sac_team *team, sac_error *err) {
  for (int i = 0; i < team->n_lanes; i++) {
    begin_step(&team->lanes[i], true);
    end_step(&team->lanes[i]);
    note_step(&team->lanes[i]);
    sac_learner_advance(&team->lanes[i].learner, false);
  }
  for (int i = 0; i < team->n_runs; i++)
    if (!sac_run_goes_on(&team->runs[i])) {
      if (err) *err = team->runs[i].failure;
      return team->runs[i].failure.code;
    }
  return SAC_OK;
}

static sac_status open_evaluator(sac_lane *lane, sac_error *err) {
  const sac_learner *learner = &lane->learner;
  if (lane->evaluator) return SAC_OK;
  SAC_TRY(sac_evaluator_create(learner->cfg, (int)learner->cfg->eval.episodes, learner->agent,
                               learner->backend, learner->threads, &lane->evaluator, err));
  sac_evaluator_log(lane->evaluator, lane->runs->log);
  return SAC_OK;
}

static void evaluate_lane(void *context, int i_lane) {
  const sac_team *team = context;
  sac_lane *lane = &team->lanes[i_lane];
  const sac_config *cfg = lane->learner.cfg;
  sac_evaluation_options options = {.episodes = (int)cfg->eval.episodes,
                                    .seed = (uint64_t)cfg->eval.seed,
                                    .stochastic = !cfg->eval.deterministic,
                                    .stop = team->stop,
                                    .seeds = cfg->eval.seeds.count > 0 ? cfg->eval.seeds.at : NULL};
  sac_evaluation results[SAC_CONFIG_LIST_MAX];
  sac_error why;
  if (!find_lead(lane->runs, lane->n_runs)) return;
  for (int i = 0; i < lane->n_runs; i++)
    if (!sac_run_goes_on(&lane->runs[i])) sac_evaluator_leave_out(lane->evaluator, i);
  sac_status status = sac_evaluator_run(lane->evaluator, &options, results, &why);
  for (int i = 0; i < lane->n_runs; i++) {
    sac_run *run = &lane->runs[i];
    const sac_error *trouble = sac_evaluator_trouble(lane->evaluator, i);
    if (!sac_run_goes_on(run)) continue;
    if (trouble->code != SAC_OK) run->failure = *trouble;
    run->evaluation = results[i];
  }
  bool told = status == SAC_OK || status == SAC_BAD_NUMBER || status == SAC_BAD_ENV;
  if (!told) fail_lane(lane, &why);
}

sac_status sac_team_evaluate(sac_team *team, sac_error *err) {
  for (int i = 0; i < team->n_lanes; i++) SAC_TRY(open_evaluator(&team->lanes[i], err));
  sac_threads_run(team->threads, team->n_lanes, evaluate_lane, team);
  return SAC_OK;
}
