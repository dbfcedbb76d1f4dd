// `sac bench ... --compare`: the same work in other programs (peers.py), in turn with ours. Every
// measurement is a process of its own, tied to as many cores as it has threads.
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/bench.h"
#include "io/child.h"

// the text of peers.py
__asm__(
    ".pushsection .rodata\n"
    "sac_peers_text: .incbin \"src/cli/peers.py\"\n"
    ".byte 0\n"
    ".popsection\n");
extern const char sac_peers_text[] __attribute__((visibility("hidden")));

enum { RUNS_MAX = 1000, ANSWER_MAX = 65536, CONTESTANTS_MAX = 6 };

// one program in one benchmark; `program` NULL is ours
typedef struct contestant {
  const char *name, *program;
  int calls;  // gradient steps in one call of theirs
} contestant;

typedef struct contest {
  const char *bench;     // update, rollout, train
  const char *what;      // peers.py's name for it
  const char *quantity;  // of the JSON lines
  bool less_is_better;
  contestant contestants[CONTESTANTS_MAX];
} contest;

static const contest contests[] = {
    {"update",
     "update",
     "updates_per_s",
     false,
     {{"sac", NULL, 0},
      {"Stable-Baselines3", "sb3", 1},
      {"Stable-Baselines3, 64 updates a call", "sb3", 64},
      {"SBX", "sbx", 1},
      {"SBX, 64 updates in one compiled call", "sbx", 64},
      {"PyTorch, one class", "torch", 1}}},
    {"train",
     "train",
     "steps_per_s",
     false,
     {{"sac", NULL, 0},
      {"Stable-Baselines3", "sb3", 1},
      {"SBX", "sbx", 1},
      {"PyTorch, one class", "torch", 1}}},
    {"train",
     "solve",
     "solved_s",
     true,
     {{"sac", NULL, 0}, {"Stable-Baselines3", "sb3", 1}, {"SBX", "sbx", 1}}},
    {"rollout",
     "rollout",
     "steps_per_s",
     false,
     {{"sac", NULL, 0},
      {"gymnasium, one environment", "gymnasium", 0},
      {"EnvPool, asynchronous", "envpool", 0}}}};

// a comparison on its way
typedef struct comparison {
  const sac_config *cfg;
  const contest *contest;
  const sac_arguments *arguments;
  int threads, runs;
  cpu_set_t all;  // the cores that we may use
  double values[CONTESTANTS_MAX][RUNS_MAX];
  double cpu_s[CONTESTANTS_MAX][RUNS_MAX], peak_mb[CONTESTANTS_MAX][RUNS_MAX];
  int counts[CONTESTANTS_MAX];
  bool gone[CONTESTANTS_MAX];  // could not be run: left out from now on
} comparison;

static const contest *find_contest(const char *bench, const sac_config *cfg) {
  bool solves = !isnan(cfg->bench.stop_return);
  for (size_t i = 0; i < sizeof contests / sizeof *contests; i++)
    if (!strcmp(contests[i].bench, bench) && contests[i].less_is_better == solves)
      return &contests[i];
  return NULL;
}

static json_t *widths(const sac_config_list *hidden) {
  json_t *list = json_array();
  for (int i = 0; i < hidden->count; i++) json_array_append_new(list, json_integer(hidden->at[i]));
  return list;
}

// what peers.py is asked for, as the text of its one argument; freed by the caller
static char *ask_peer(const comparison *self, const contestant *peer, int run) {
  const sac_config *cfg = self->cfg;
  json_t *wanted =
      json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:I, s:s, s:I, s:I, s:I, s:I, s:I}",
                "what", self->contest->what, "program", peer->program, "threads", self->threads,
                "calls", peer->calls, "obs", (int)cfg->bench.obs, "act", (int)cfg->bench.act,
                "policy_hidden", widths(&cfg->policy.hidden), "critic_hidden",
                widths(&cfg->critic.hidden), "batch", (json_int_t)cfg->algorithm.batch_size, "env",
                cfg->env.id, "n_envs", (json_int_t)cfg->env.n_envs, "learning_starts",
                (json_int_t)cfg->algorithm.learning_starts, "first", (json_int_t)cfg->bench.from,
                "last", (json_int_t)cfg->bench.steps, "seed", (json_int_t)(cfg->run.seed + run));
  if (wanted && self->contest->less_is_better)
    json_object_set_new(wanted, "stop_return", json_real(cfg->bench.stop_return));
  char *text = wanted ? json_dumps(wanted, JSON_COMPACT) : NULL;
  json_decref(wanted);
  return text;
}

// the last `threads` of our cores: children inherit them
static void tie(const comparison *self) {
  cpu_set_t some;
  CPU_ZERO(&some);
  for (size_t i = CPU_SETSIZE; i-- > 0 && CPU_COUNT(&some) < self->threads;)
    if (CPU_ISSET(i, &self->all)) CPU_SET(i, &some);
  sched_setaffinity(0, sizeof some, &some);
}

// the last line of a text that is a JSON object; NULL where there is none
static json_t *last_object(char *text) {
  json_t *last = NULL;
  char *rest;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    json_t *object = json_loads(line, 0, NULL);
    if (json_is_object(object)) {
      json_decref(last);
      last = object;
    } else {
      json_decref(object);
    }
  }
  return last;
}

static json_t *read_answer(int file) {
  char *text = calloc(1, ANSWER_MAX);
  bool has_text = text && pread(file, text, ANSWER_MAX - 1, 0) > 0;
  json_t *answer = has_text ? last_object(text) : NULL;
  free(text);
  return answer;
}

// run a program to its end; its answer, or NULL with the reason in err
static json_t *run_program(const comparison *self, const char *name, char *const *arguments,
                           sac_error *err) {
  int output = memfd_create("answer", MFD_CLOEXEC);
  sac_child_options options = {.program = arguments[0],
                               .arguments = arguments,
                               .output = output,
                               .purpose = name,
                               .path = name,
                               .cure = "bench.python names a Python that has it"};
  sac_child *child = NULL;
  tie(self);
  sac_status status = sac_child_start(&options, &child, err);
  sched_setaffinity(0, sizeof self->all, &self->all);
  if (status == SAC_OK) status = sac_child_close(child, err);
  json_t *answer = status == SAC_OK ? read_answer(output) : NULL;
  if (status == SAC_OK && !answer) sac_error_set(err, SAC_FAILED, "%s: gave no figure", name);
  if (output >= 0) close(output);
  return answer;
}

static json_t *run_peer(const comparison *self, const contestant *peer, int run, sac_error *err) {
  const char *python = self->cfg->bench.python[0] ? self->cfg->bench.python : "python3";
  char *wanted = ask_peer(self, peer, run);
  if (!wanted) return (void)sac_error_set(err, SAC_FAILED, "no memory to compare"), NULL;
  char *arguments[] = {(char *)python, "-c", (char *)sac_peers_text, wanted, NULL};
  json_t *answer = run_program(self, peer->name, arguments, err);
  free(wanted);
  return answer;
}

// what a comparison sets itself
static bool is_set_here(const char *override) {
  static const char *const keys[] = {"run.threads=", "run.seed=", "run.device="};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (!strncmp(override, keys[i], strlen(keys[i]))) return true;
  return false;
}

static json_t *run_own(const comparison *self, int run, sac_error *err) {
  enum { OWN = 8 };
  const sac_arguments *given = self->arguments;
  char *arguments[sizeof given->overrides / sizeof *given->overrides + OWN];
  char threads[32], seed[48];
  int n = 0;
  snprintf(threads, sizeof threads, "run.threads=%d", self->threads);
  snprintf(seed, sizeof seed, "run.seed=%lld", (long long)self->cfg->run.seed + run);
  arguments[n++] = "/proc/self/exe";
  arguments[n++] = "bench";
  arguments[n++] = (char *)self->contest->bench;
  for (int i = 0; i < given->n_overrides; i++)
    if (!is_set_here(given->overrides[i])) arguments[n++] = (char *)given->overrides[i];
  arguments[n++] = threads;
  arguments[n++] = seed;
  arguments[n++] = "run.device=cpu";
  arguments[n++] = "--json";
  arguments[n] = NULL;
  return run_program(self, "sac", arguments, err);
}

// a program that is not there is told once and left out; ours must run
static sac_status leave_out(comparison *self, int i, const sac_error *why, sac_error *err) {
  const contestant *it = &self->contest->contestants[i];
  if (!it->program) return sac_error_set(err, why->code, "%s", why->text);
  fprintf(stderr, "left out: %s\n", why->text);
  self->gone[i] = true;
  return SAC_OK;
}

static sac_status take_turn(comparison *self, int i, int run, sac_error *err) {
  const contestant *it = &self->contest->contestants[i];
  sac_error why = {0};
  json_t *answer = it->program ? run_peer(self, it, run, &why) : run_own(self, run, &why);
  if (!answer) return leave_out(self, i, &why, err);
  const json_t *value = json_object_get(answer, self->contest->quantity);
  if (json_is_number(value)) {
    int at = self->counts[i]++;
    self->values[i][at] = json_number_value(value);
    self->cpu_s[i][at] = json_number_value(json_object_get(answer, "cpu_s"));
    self->peak_mb[i][at] = json_number_value(json_object_get(answer, "peak_mb"));
  } else {
    fprintf(stderr, "%s: run %d gave no %s\n", it->name, run + 1, self->contest->quantity);
  }
  json_decref(answer);
  return SAC_OK;
}

static sac_status hold_contest(comparison *self, sac_error *err) {
  for (int run = 0; run < self->runs; run++)
    for (int i = 0; i < CONTESTANTS_MAX && self->contest->contestants[i].name; i++)
      if (!self->gone[i]) SAC_TRY(take_turn(self, i, run, err));
  return SAC_OK;
}

typedef struct summary {
  double median, low, high, ratio, cpu_s, peak_mb;
} summary;

// ratio: how many times better ours is
static summary sum_up(comparison *self, int i, double ours) {
  double *values = self->values[i];
  int n = self->counts[i];
  summary out = {.median = sac_percentile(values, n, 50), .low = values[0], .high = values[n - 1]};
  out.ratio = self->contest->less_is_better ? out.median / ours : ours / out.median;
  out.cpu_s = sac_percentile(self->cpu_s[i], n, 50);
  out.peak_mb = sac_percentile(self->peak_mb[i], n, 50);
  return out;
}

static sac_status print_row(const comparison *self, int i, const summary *it, bool json,
                            sac_error *err) {
  const contestant *who = &self->contest->contestants[i];
  const char *quantity = self->contest->quantity;
  if (json)
    return sac_print_json(
        json_pack("{s:s, s:s, s:s, s:i, s:s, s:f, s:f, s:f, s:i, s:f, s:f, s:f}", "bench",
                  "compare", "what", self->contest->what, "program", who->name, "threads",
                  self->threads, "quantity", quantity, "median", it->median, "low", it->low, "high",
                  it->high, "runs", self->counts[i], "sac_is_times", it->ratio, "cpu_s", it->cpu_s,
                  "peak_mb", it->peak_mb),
        err);
  printf("%-38s %10.5g (%.5g .. %.5g, %d runs) %8.1f CPU s %7.0f MB", who->name, it->median,
         it->low, it->high, self->counts[i], it->cpu_s, it->peak_mb);
  if (who->program) printf("  sac is %.2f x", it->ratio);
  printf("\n");
  return SAC_OK;
}

static sac_status print_contest(comparison *self, bool json, sac_error *err) {
  double ours = self->counts[0] ? sac_percentile(self->values[0], self->counts[0], 50) : NAN;
  if (!json)
    printf("%s, %d thread(s), %s: median (lowest .. highest)\n", self->contest->bench,
           self->threads, self->contest->quantity);
  for (int i = 0; i < CONTESTANTS_MAX; i++) {
    if (!self->counts[i]) continue;
    summary it = sum_up(self, i, ours);
    SAC_TRY(print_row(self, i, &it, json, err));
  }
  return SAC_OK;
}

// what is compared must be stated, and on the CPU
static sac_status check(const comparison *self, const char *bench, sac_error *err) {
  const sac_config *cfg = self->cfg;
  if (!self->contest)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "sac bench %s: --compare goes with update, rollout and train%s", bench,
                         isnan(cfg->bench.stop_return) ? "" : " (bench.stop_return with train)");
  if (cfg->run.device == SAC_DEVICE_CUDA)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "sac bench: --compare measures on the CPU, run.device is cuda");
  bool needs_env = strcmp(bench, "update") != 0;
  if (needs_env && !cfg->env.id[0])
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "env.id is missing, for example env.id=HalfCheetah-v5");
  bool rates = !strcmp(self->contest->what, "train");
  if (rates && cfg->bench.steps <= cfg->bench.from)
    return sac_error_set(err, SAC_BAD_CONFIG,
                         "sac bench train: --compare needs bench.steps above bench.from, for "
                         "example bench.from=700 bench.steps=3700 algorithm.learning_starts=500");
  return SAC_OK;
}

sac_status sac_bench_compare(const char *bench, const sac_config *cfg,
                             const sac_arguments *arguments, sac_error *err) {
  comparison *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory to compare");
  self->cfg = cfg;
  self->contest = find_contest(bench, cfg);
  self->arguments = arguments;
  self->runs = (int)cfg->bench.runs;
  sched_getaffinity(0, sizeof self->all, &self->all);
  int cores = CPU_COUNT(&self->all);
  self->threads = cfg->run.threads > 0 && cfg->run.threads < cores ? (int)cfg->run.threads : cores;
  sac_status status = check(self, bench, err);
  if (status == SAC_OK) status = hold_contest(self, err);
  if (status == SAC_OK) status = print_contest(self, arguments->json, err);
  free(self);
  return status;
}
