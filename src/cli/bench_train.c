// `sac bench train` and `sac bench rollout`: training end to end, and the environments alone.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "train/team.h"

static const double measure_s = 3;

typedef struct train_times {
  double start_s;  // when training began, from process start, like all of these
  double first_step_s, from_s, end_s, solved_s;
  uint64_t from_timesteps, from_updates, solved_steps;
} train_times;

// the mean of the last ten episodes
static bool is_solved(const sac_run *run) {
  double wanted = run->cfg.bench.stop_return;
  return !isnan(wanted) && run->progress.episodes >= 10 &&
         sac_progress_return(&run->progress, 10) > wanted;
}

static sac_status train(sac_team *team, train_times *times, sac_error *err) {
  sac_run *run = team->runs;
  uint64_t steps = (uint64_t)run->cfg.bench.steps, from = (uint64_t)run->cfg.bench.from;
  if (steps == 0) steps = (uint64_t)run->cfg.algorithm.total_timesteps;
  while (run->progress.timesteps < steps) {
    sac_lane_step(team->lanes);
    if (run->progress.vector_steps == 1) times->first_step_s = sac_clock_process_s();
    if (sac_run_goes_on(run)) sac_lane_learn(team->lanes, NULL);
    if (!sac_run_goes_on(run))
      return sac_error_set(err, run->failure.code, "%s", run->failure.text);
    if (run->progress.timesteps <= from || times->from_timesteps == 0) {
      times->from_s = sac_clock_process_s();
      times->from_timesteps = run->progress.timesteps;
      times->from_updates = run->progress.updates;
    }
    if (!is_solved(run)) continue;
    times->solved_s = sac_clock_process_s();
    times->solved_steps = run->progress.timesteps;
    break;
  }
  times->end_s = sac_clock_process_s();
  return SAC_OK;
}

static json_t *seconds_or_null(double seconds) {
  return seconds > 0 ? json_real(seconds) : json_null();
}

static sac_status print_train(const sac_team *team, const train_times *times, bool json,
                              sac_error *err) {
  const sac_run *run = team->runs;
  double seconds = times->end_s - times->from_s;
  double steps_per_s = (double)(run->progress.timesteps - times->from_timesteps) / seconds;
  double updates_per_s = (double)(run->progress.updates - times->from_updates) / seconds;
  if (!(seconds > 0)) steps_per_s = updates_per_s = 0;
  if (json)
    return sac_print_json(
        sac_bench_costs(json_pack(
            "{s:s, s:s, s:s, s:i, s:I, s:f, s:f, s:f, s:f, s:o, s:o}", "bench", "train", "env",
            run->cfg.env.id, "device", team->backend->ops->describe(team->backend), "threads",
            sac_threads_count(team->threads), "timesteps", (json_int_t)run->progress.timesteps,
            "steps_per_s", steps_per_s, "updates_per_s", updates_per_s, "wall_s", times->end_s,
            "first_step_s", times->first_step_s, "solved_s", seconds_or_null(times->solved_s),
            "solved_steps",
            times->solved_steps > 0 ? json_integer((json_int_t)times->solved_steps) : json_null())),
        err);
  printf(
      "%s on %s: %.1f steps/s, %.1f updates/s from step %llu to %llu; %.2f s in all, first step "
      "after %.1f ms\n",
      run->cfg.env.id, team->backend->ops->describe(team->backend), steps_per_s, updates_per_s,
      (unsigned long long)times->from_timesteps, (unsigned long long)run->progress.timesteps,
      times->end_s, 1e3 * times->first_step_s);
  if (times->solved_steps > 0)
    printf("solved after %llu steps and %.2f s\n", (unsigned long long)times->solved_steps,
           times->solved_s);
  return SAC_OK;
}

static sac_status need_environment(const sac_config *cfg, sac_error *err) {
  if (cfg->env.id[0]) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG, "env.id is missing, for example env.id=HalfCheetah-v5");
}

sac_status sac_bench_train(const sac_config *cfg, bool json, sac_error *err) {
  SAC_TRY(need_environment(cfg, err));
  sac_team team = {0};
  train_times times = {0};
  uint64_t seed = (uint64_t)cfg->run.seed;
  sac_status status = sac_team_open(&team, cfg, 1, &seed, err);
  if (status == SAC_OK) status = train(&team, &times, err);
  if (status == SAC_OK) status = print_train(&team, &times, json, err);
  sac_team_close(&team);
  return status;
}

// steps a second of the whole vector environment under random actions
static sac_status measure_rollout(sac_team *team, double *steps_per_s, sac_error *err) {
  const sac_run *run = team->runs;
  double begin_s = sac_clock_s(), end_s = begin_s + measure_s, now = begin_s;
  uint64_t before = run->progress.timesteps;
  while (now < end_s) {
    for (int i = 0; i < 16; i++) SAC_TRY(sac_team_roll(team, err));
    now = sac_clock_s();
  }
  *steps_per_s = (double)(run->progress.timesteps - before) / (now - begin_s);
  return SAC_OK;
}

// the engine's part of a step or, where there is no engine, the task's own step
static void step_engine(const sac_task *task, sac_environment *environment, const float *action) {
  sac_env_result result = {0};
  if (task->def->engine) {
    task->def->engine(task->shared, environment->instance, action);
  } else {
    task->def->step(task->shared, environment->instance, action, environment->obs, &result);
  }
}

// the engine alone, in one instance on this thread
static sac_status measure_raw(const sac_run *run, double *steps_per_s, sac_error *err) {
  const sac_task *task = sac_vec_env_task(run->envs);
  sac_environment environment = {0};
  SAC_TRY(sac_environment_create(task, &environment, err));
  sac_environment_reset(&environment, 1);
  float action[SAC_ENV_ACTION_MAX] = {0};
  double begin_s = sac_clock_s(), now = begin_s;
  uint64_t steps = 0;
  for (; now < begin_s + measure_s / 3; now = sac_clock_s())
    for (int i = 0; i < 64; i++, steps++) {
      sac_words words = sac_draw(1, SAC_DRAW_BENCH, steps, 0, 0);
      for (int j = 0; j < task->spec.act_dim; j++) {
        float canonical = 2 * sac_uniform(words.at[j % 4]) - 1;
        action[j] = task->action_mid[j] + task->action_half[j] * canonical;
      }
      step_engine(task, &environment, action);
      if (steps % 1000 == 999) sac_environment_reset(&environment, steps);
    }
  *steps_per_s = (double)steps / (now - begin_s);
  sac_environment_destroy(&environment);
  return SAC_OK;
}

sac_status sac_bench_rollout(const sac_config *cfg, bool json, sac_error *err) {
  SAC_TRY(need_environment(cfg, err));
  sac_team team = {0};
  double steps_per_s = 0, raw_steps_per_s = 0;
  uint64_t seed = (uint64_t)cfg->run.seed;
  sac_status status = sac_team_open(&team, cfg, 1, &seed, err);
  if (status == SAC_OK) status = measure_raw(team.runs, &raw_steps_per_s, err);
  if (status == SAC_OK) status = measure_rollout(&team, &steps_per_s, err);
  int threads = status == SAC_OK ? sac_threads_count(team.threads) : 0;
  sac_team_close(&team);
  SAC_TRY(status);
  if (json)
    return sac_print_json(
        sac_bench_costs(json_pack("{s:s, s:s, s:i, s:i, s:f, s:f}", "bench", "rollout", "env",
                                  cfg->env.id, "n_envs", (int)cfg->env.n_envs, "threads", threads,
                                  "steps_per_s", steps_per_s, "raw_steps_per_s", raw_steps_per_s)),
        err);
  printf(
      "%s, %d environment(s), %d thread(s): %.0f steps/s; the engine alone on one thread: %.0f "
      "steps/s\n",
      cfg->env.id, (int)cfg->env.n_envs, threads, steps_per_s, raw_steps_per_s);
  return SAC_OK;
}
