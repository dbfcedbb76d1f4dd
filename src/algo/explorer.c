#include "algo/explorer.h"

#include <math.h>
#include <stdlib.h>

struct sac_explorer {
  sac_config cfg;
  const sac_policy *policy;
  sac_policy_pass *pass;
  sac_backend *backend;
  int rows;
  uint64_t seed;
  int32_t *kind;  // (rows), in host memory
  bool changed;   // since the backend's copy
  int count[4];   // environments of each kind
  double sigma;   // that weights are perturbed by
  // in backend memory
  int32_t *kind_there;                             // (rows)
  sac_real *deterministic, *noise, *perturbed_to;  // (rows, A) actions, but for the noise
  double *distance;                                // (rows, 2)
  uint64_t *key, *begun;                           // the run's seed; step of a perturbation
  sac_policy perturbed;                            // a member for each environment
  sac_policy_pass perturbed_pass;
  void *pass_memory;
};

// weights far from the policy lead nowhere near it: perturbations start small and grow
static const double first_share = 0.1;

bool sac_explorer_wanted(const sac_config *cfg) {
  return cfg->algorithm.exploration.deterministic > 0 || cfg->algorithm.exploration.gaussian > 0 ||
         cfg->algorithm.exploration.parameter > 0;
}

static bool perturbs(const sac_explorer *self) {
  return self->cfg.algorithm.exploration.parameter > 0;
}

static sac_status allocate_actions(sac_explorer *self, sac_real **memory, sac_error *err) {
  size_t values = (size_t)self->rows * (size_t)self->policy->act_dim;
  void *taken = NULL;
  SAC_TRY(self->backend->ops->alloc(self->backend, values * sizeof(sac_real), &taken, err));
  *memory = taken;
  return SAC_OK;
}

static sac_status allocate_rows(sac_explorer *self, sac_error *err) {
  const sac_ops *ops = self->backend->ops;
  size_t rows = (size_t)self->rows;
  void *memory = NULL;
  self->kind = calloc(rows, sizeof *self->kind);
  if (!self->kind) return sac_error_set(err, SAC_FAILED, "no memory for the exploration");
  SAC_TRY(ops->alloc(self->backend, rows * sizeof *self->kind_there, &memory, err));
  self->kind_there = memory;
  SAC_TRY(ops->alloc(self->backend, 2 * rows * sizeof *self->distance, &memory, err));
  self->distance = memory;
  SAC_TRY(ops->alloc(self->backend, 2 * sizeof *self->key, &memory, err));
  self->key = memory;
  self->begun = self->key + 1;
  ops->upload(self->backend, self->key, &self->seed, sizeof self->seed);
  SAC_TRY(allocate_actions(self, &self->deterministic, err));
  SAC_TRY(allocate_actions(self, &self->noise, err));
  return allocate_actions(self, &self->perturbed_to, err);
}

// the policy's shape with other weights: a stack of one network an environment
static sac_status create_perturbed(sac_explorer *self, sac_error *err) {
  sac_policy *perturbed = &self->perturbed;
  sac_policy_options options = {.cfg = &self->cfg,
                                .kind = self->policy->kind,
                                .n_seeds = self->rows,
                                .obs_dim = self->policy->obs_dim,
                                .act_dim = self->policy->act_dim,
                                .backend = self->backend,
                                .frozen = true};
  SAC_TRY(sac_policy_create(&options, perturbed, err));
  sac_arena arena = {0};
  sac_policy_pass_carve(perturbed, 1, false, &arena, &self->perturbed_pass);
  SAC_TRY(self->backend->ops->alloc(self->backend, arena.used, &self->pass_memory, err));
  arena = (sac_arena){.memory = self->pass_memory, .size = arena.used};
  sac_policy_pass_carve(perturbed, 1, false, &arena, &self->perturbed_pass);
  return sac_policy_reserve(perturbed, 1, err);
}

sac_status sac_explorer_create(const sac_explorer_options *options, sac_explorer **explorer,
                               sac_error *err) {
  sac_explorer *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the exploration");
  self->cfg = *options->cfg;
  self->policy = options->policy;
  self->pass = options->pass;
  self->backend = options->policy->params.backend;
  self->rows = options->rows;
  self->seed = options->seed;
  self->sigma = first_share * self->cfg.algorithm.exploration.parameter_sigma;
  sac_status status = allocate_rows(self, err);
  if (status == SAC_OK && perturbs(self)) status = create_perturbed(self, err);
  if (status != SAC_OK) {
    sac_explorer_destroy(self);
    return status;
  }
  self->count[SAC_EXPLORE_POLICY] = self->rows;
  for (int i = 0; i < self->rows; i++) sac_explorer_begin(self, i, 0);
  *explorer = self;
  return SAC_OK;
}

void sac_explorer_destroy(sac_explorer *explorer) {
  if (!explorer) return;
  void *memory[] = {explorer->kind_there,    explorer->distance, explorer->key,
                    explorer->deterministic, explorer->noise,    explorer->perturbed_to,
                    explorer->pass_memory};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (memory[i]) explorer->backend->ops->release(explorer->backend, memory[i]);
  sac_policy_release(&explorer->perturbed);
  free(explorer->kind);
  free(explorer);
}

static sac_exploration draw_kind(const sac_explorer *self, int i_env, uint64_t step) {
  sac_words words = sac_draw(self->seed, SAC_DRAW_EXPLORATION, step, (uint32_t)i_env, 0);
  double place = (double)sac_uniform(words.at[0]);
  if ((place -= self->cfg.algorithm.exploration.deterministic) < 0)
    return SAC_EXPLORE_DETERMINISTIC;
  if ((place -= self->cfg.algorithm.exploration.gaussian) < 0) return SAC_EXPLORE_GAUSSIAN;
  if ((place -= self->cfg.algorithm.exploration.parameter) < 0) return SAC_EXPLORE_PARAMETER;
  return SAC_EXPLORE_POLICY;
}

// theta~ = theta + sigma N(0, I), for the whole episode
static void perturb(sac_explorer *self, int i_env, uint64_t step) {
  const sac_ops *ops = self->backend->ops;
  const sac_params *params = &self->perturbed.params;
  sac_real *value = params->value + (size_t)i_env * params->count;
  ops->upload(self->backend, self->begun, &step, sizeof step);
  sac_normal_fill noise = {.n = 1,
                           .rows = 1,
                           .cols = (int)params->count,
                           .first_row = i_env,
                           .key = self->key,
                           .purpose = SAC_DRAW_PERTURB,
                           .step = self->begun,
                           .out = {.data = value, .ld = (int)params->count, .share = 1}};
  ops->normal_fill(self->backend, &noise);
  sac_perturb shift = {.count = params->count,
                       .sigma = (sac_real)self->sigma,
                       .source = self->policy->params.value,
                       .value = value};
  ops->perturb(self->backend, &shift);
  // what starts at a constant (a normalisation's gain) keeps its scale
  for (int v = 0; v < params->n_views; v++) {
    const sac_param_view *view = &params->views[v];
    if (view->fan_in > 0) continue;
    ops->copy(self->backend, value + view->offset, self->policy->params.value + view->offset,
              sac_param_size(view) * sizeof *value);
  }
}

// sigma follows its target by what the episode showed, at most twofold; an episode without a step
// of its own shows nothing
static void adapt(sac_explorer *self, int i_env) {
  const sac_ops *ops = self->backend->ops;
  double measured[2], none[2] = {0, 0}, *distance = self->distance + 2 * (size_t)i_env;
  ops->download(self->backend, measured, distance, sizeof measured);
  ops->upload(self->backend, distance, none, sizeof none);
  if (!(measured[1] > 0)) return;
  double ratio = self->cfg.algorithm.exploration.parameter_sigma / sqrt(measured[0] / measured[1]);
  self->sigma *= ratio < 0.5 ? 0.5 : ratio > 2 ? 2 : ratio;
}

void sac_explorer_begin(sac_explorer *explorer, int i_env, uint64_t step) {
  int32_t *kind = &explorer->kind[i_env];
  if (*kind == SAC_EXPLORE_PARAMETER) adapt(explorer, i_env);
  explorer->count[*kind]--;
  *kind = draw_kind(explorer, i_env, step);
  explorer->count[*kind]++;
  explorer->changed = true;
  if (*kind == SAC_EXPLORE_PARAMETER) perturb(explorer, i_env, step);
}

static void upload_kinds(sac_explorer *self) {
  if (self->changed)
    self->backend->ops->upload(self->backend, self->kind_there, self->kind,
                               (size_t)self->rows * sizeof *self->kind);
  self->changed = false;
}

static void draw_noise(sac_explorer *self, const uint64_t *step, sac_stack out) {
  sac_normal_fill fill = {.n = 1,
                          .rows = self->rows,
                          .cols = self->policy->act_dim,
                          .key = self->key,
                          .purpose = SAC_DRAW_GAUSSIAN,
                          .step = step,
                          .out = out};
  self->backend->ops->normal_fill(self->backend, &fill);
}

static void ask_policy(sac_explorer *self, sac_stack obs, sac_stack action) {
  sac_policy_draw draw = {.rows = self->rows, .obs = obs, .action = action};
  sac_policy_sample(self->policy, self->pass, &draw);
}

// one row for each member: the rows of a stack as members of another
static sac_stack spread(sac_stack rows) {
  rows.stride = (size_t)rows.ld;
  return rows;
}

static void ask_perturbed(sac_explorer *self, const sac_explored *explored, sac_stack action) {
  sac_policy_draw draw = {.rows = 1,
                          .obs = spread(explored->obs),
                          .noise = spread(explored->noise),
                          .action = spread(action)};
  sac_policy_sample(&self->perturbed, &self->perturbed_pass, &draw);
}

static sac_stack action_rows(const sac_explorer *self, sac_real *data) {
  return (sac_stack){.data = data, .ld = self->policy->act_dim, .share = 1};
}

void sac_explorer_act(sac_explorer *explorer, const sac_explored *explored) {
  const int *count = explorer->count;
  sac_explore step = {.n = 1,
                      .rows = explorer->rows,
                      .act_dim = explorer->policy->act_dim,
                      .kind = explorer->kind_there,
                      .sigma = (sac_real)explorer->cfg.algorithm.exploration.gaussian_sigma,
                      .bounded = explorer->policy->gaussian.squash,
                      .action = explored->action,
                      .deterministic = action_rows(explorer, explorer->deterministic),
                      .noise = action_rows(explorer, explorer->noise),
                      .perturbed = action_rows(explorer, explorer->perturbed_to),
                      .distance = explorer->distance};
  if (count[SAC_EXPLORE_POLICY] == explorer->rows) return;
  upload_kinds(explorer);
  if (count[SAC_EXPLORE_DETERMINISTIC] > 0) ask_policy(explorer, explored->obs, step.deterministic);
  if (count[SAC_EXPLORE_GAUSSIAN] > 0) draw_noise(explorer, explored->step, step.noise);
  if (count[SAC_EXPLORE_PARAMETER] > 0) ask_perturbed(explorer, explored, step.perturbed);
  explorer->backend->ops->explore(explorer->backend, &step);
}

sac_explorer_state sac_explorer_state_of(sac_explorer *explorer) {
  return (sac_explorer_state){.backend = explorer->backend,
                              .rows = explorer->rows,
                              .count = explorer->perturbed.params.count,
                              .kind = explorer->kind,
                              .sigma = &explorer->sigma,
                              .distance = explorer->distance,
                              .weights = explorer->perturbed.params.value};
}

void sac_explorer_resume(sac_explorer *explorer) {
  for (int i = 0; i < 4; i++) explorer->count[i] = 0;
  for (int i = 0; i < explorer->rows; i++) {
    int32_t *kind = &explorer->kind[i];
    bool known = *kind >= SAC_EXPLORE_POLICY && *kind <= SAC_EXPLORE_PARAMETER;
    if (!known || (*kind == SAC_EXPLORE_PARAMETER && !perturbs(explorer)))
      *kind = SAC_EXPLORE_POLICY;
    explorer->count[*kind]++;
  }
  explorer->changed = true;
}
