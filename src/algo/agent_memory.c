// The memory of an agent: what its passes, its batch and its losses are carved from.
#include <string.h>

#include "algo/agent.h"

sac_stack sac_agent_carve(sac_arena *arena, int n, int rows, int cols) {
  sac_stack stack = {.stride = (size_t)rows * (size_t)cols, .ld = cols, .share = 1};
  stack.data = sac_arena_take(arena, (size_t)n * stack.stride * sizeof(sac_real));
  return stack;
}

static void carve_batch(sac_agent *self, sac_arena *arena) {
  int n = self->n_seeds, rows = self->batch_size, members = n * self->n_critics;
  int width = self->obs_dim + self->act_dim;
  sac_batch *batch = &self->batch;
  batch->now = sac_agent_carve(arena, n, rows, width);
  batch->both = sac_agent_carve(arena, n, 2 * rows, width);
  batch->reward = sac_agent_carve(arena, n, rows, 1);
  batch->terminated = sac_agent_carve(arena, n, rows, 1);
  batch->noise = sac_agent_carve(arena, n, 2 * rows, self->policy.noise_dim);
  batch->log_pi = sac_agent_carve(arena, n, 2 * rows, 1);
  batch->y = sac_agent_carve(arena, n, rows, 1);
  batch->v_target = sac_agent_carve(arena, n, rows, 1);
  if (self->cfg.algorithm.n_steps > 1) batch->discount = sac_agent_carve(arena, n, rows, 1);
  if (self->cfg.algorithm.priority.enabled) {
    batch->weight = sac_agent_carve(arena, n, rows, 1);
    batch->place = sac_arena_take(arena, (size_t)(n * rows) * sizeof *batch->place);
  }
  batch->dq = sac_agent_carve(arena, members, rows, self->act_dim);
  if (self->policy.kind->by_likelihood_ratio) {
    batch->integrand = sac_agent_carve(arena, n, rows, 1);
    batch->log_pi_again = sac_agent_carve(arena, n, rows, 1);
  }
  batch->row = sac_arena_take(arena, (size_t)(members * rows) * sizeof *batch->row);
  batch->row_count = sac_arena_take(arena, (size_t)members * sizeof *batch->row_count);
}

// the losses lie one after the other, so that one check sees them all
static void carve_losses(sac_agent *self, sac_arena *arena) {
  size_t n = (size_t)self->n_seeds;
  self->losses.count = n * (size_t)(self->n_critics + 4);
  sac_real *at = sac_arena_take(arena, self->losses.count * sizeof *at);
  self->losses.sample_size = sac_arena_take(arena, n * sizeof *at);
  if (!at) return;
  self->losses.q = at;
  self->losses.v = at + n * (size_t)self->n_critics;
  self->losses.policy = self->losses.v + n;
  self->losses.temperature = self->losses.policy + n;
  self->losses.entropy = self->losses.temperature + n;
}

// rows that are looked at in one go: to act on, or a whole rollout
static int seen_rows(const sac_agent *self) {
  int rollout_rows = self->lesson.rollout_rows;
  return self->act_rows > rollout_rows ? self->act_rows : rollout_rows;
}

static void carve_scaling(sac_agent *self, sac_arena *arena) {
  size_t n = (size_t)self->n_seeds, obs_dim = (size_t)self->obs_dim;
  sac_scaling *scaling = &self->scaling;
  if (self->cfg.env.normalize_obs) {
    scaling->obs_mean = sac_arena_take(arena, n * obs_dim * sizeof(sac_real));
    scaling->obs_scale = sac_arena_take(arena, n * obs_dim * sizeof(sac_real));
    scaling->seen = sac_agent_carve(arena, self->n_seeds, seen_rows(self), self->obs_dim);
  }
  if (self->cfg.env.normalize_reward) {
    scaling->reward_mean = sac_arena_take(arena, n * sizeof(sac_real));
    scaling->reward_scale = sac_arena_take(arena, n * sizeof(sac_real));
  }
}

static bool chooses(const sac_agent *self) {
  return self->policy.candidates > 1;
}

static void carve_choice(sac_agent *self, sac_arena *arena) {
  sac_choice *choice = &self->choice;
  int rows = SAC_CHOICE_ROWS * self->policy.candidates;
  if (!chooses(self)) return;
  choice->judged = sac_agent_carve(arena, self->n_seeds, rows, self->obs_dim + self->act_dim);
  if (self->policy.draws_candidates)
    choice->noise = sac_agent_carve(arena, self->n_seeds, rows, self->policy.noise_dim);
  sac_policy_pass_carve(&self->policy, rows, false, arena, &choice->policy_pass);
  sac_mlp_pass_carve(&self->q.mlp, rows, false, arena, &choice->q_pass);
}

// of its pass while learning: at s, and off-policy at s' beside
static int policy_rows(const sac_agent *self) {
  if (self->def->uses_particles) return sac_particles_rows(self);
  return self->def->on_policy ? self->batch_size : 2 * self->batch_size;
}

static void carve_target(const sac_agent *self, const sac_critic *critic, sac_arena *arena,
                         const sac_mlp_pass *own, sac_mlp_pass *target) {
  if (critic->target.value && self->backend->ops->overlaps)
    sac_mlp_pass_carve(&critic->mlp, self->batch_size, false, arena, target);
  else
    *target = *own;
  // nothing is passed back through a target
  memset(target->normalised, 0, sizeof target->normalised);
}

static void carve_q(sac_agent *self, sac_arena *arena) {
  carve_batch(self, arena);
  sac_mlp_pass_carve(&self->q.mlp, self->batch_size, true, arena, &self->q_pass);
  carve_target(self, &self->q, arena, &self->q_pass, &self->q_target_pass);
}

static void carve_all(sac_agent *self, sac_arena *arena) {
  if (self->def->on_policy)
    sac_lesson_carve(self, arena);
  else
    carve_q(self, arena);
  carve_losses(self, arena);
  carve_scaling(self, arena);
  sac_policy_pass_carve(&self->policy, policy_rows(self), true, arena, &self->policy_pass);
  sac_policy_pass_carve(&self->policy, self->act_rows, false, arena, &self->act_pass);
  if (self->def->uses_value) {
    sac_mlp_pass_carve(&self->value.mlp, self->batch_size, true, arena, &self->value_pass);
    carve_target(self, &self->value, arena, &self->value_pass, &self->value_target_pass);
  }
  carve_choice(self, arena);
  if (self->def->uses_particles) sac_particles_carve(self, arena);
  self->key = sac_arena_take(arena, (size_t)self->n_seeds * sizeof *self->key);
  self->update = sac_arena_take(arena, sizeof *self->update);
  self->fault = sac_arena_take(arena, (size_t)self->n_seeds * sizeof *self->fault);
}

// a trained block is values, gradients, two moments and, while it is drawn, a copy of the values
static size_t networks_bytes(sac_agent *self) {
  size_t bytes = 0;
  sac_params *params;
  for (int i = 0; (params = sac_agent_params(self, i)); i++)
    bytes += (size_t)params->n * params->count * sizeof(sac_real) * (params->grad ? 5 : 1);
  return bytes;
}

// memory is taken when it is first written to: what would not fit must be refused before that
static sac_status check_memory(sac_agent *self, size_t workspace, const sac_agent_options *options,
                               sac_error *err) {
  size_t agents = options->agents > 1 ? (size_t)options->agents : 1;
  size_t networks = networks_bytes(self) * agents, promised = options->promised_bytes;
  workspace *= agents;
  size_t available = self->backend->ops->memory_available(self->backend);
  if (available == 0 || networks + workspace + promised <= available) return SAC_OK;
  return sac_error_set(err, SAC_FAILED,
                       "networks and optimisers need %.1f GB, batches of %d rows %.1f GB, the "
                       "replay %.1f GB, this machine has %.1f GB available: make policy.hidden, "
                       "critic.hidden, algorithm.n_critics, algorithm.batch_size or "
                       "algorithm.buffer_size smaller%s",
                       (double)networks / 1e9, self->batch_size, (double)workspace / 1e9,
                       (double)promised / 1e9, (double)available / 1e9,
                       agents * (size_t)self->n_seeds > 1 ? ", or train fewer run.seeds" : "");
}

sac_status sac_agent_allocate(sac_agent *self, const sac_agent_options *options, sac_error *err) {
  sac_backend *backend = self->backend;
  sac_arena arena = {0};
  carve_all(self, &arena);
  SAC_TRY(check_memory(self, arena.used, options, err));
  SAC_TRY(backend->ops->alloc(backend, arena.used, &self->memory, err));
  arena = (sac_arena){.memory = self->memory, .size = arena.used};
  carve_all(self, &arena);
  int chosen = chooses(self) ? SAC_CHOICE_ROWS * self->policy.candidates : 0;
  int rows = self->act_rows > policy_rows(self) ? self->act_rows : policy_rows(self);
  SAC_TRY(sac_policy_reserve(&self->policy, rows > chosen ? rows : chosen, err));
  int judged = self->batch_size > chosen ? self->batch_size : chosen;
  if (self->def->on_policy) SAC_TRY(sac_lesson_reserve(self, err));
  if (self->n_critics > 0) SAC_TRY(sac_mlp_reserve(&self->q.mlp, backend, judged, err));
  if (self->def->uses_particles) SAC_TRY(sac_particles_reserve(self, err));
  if (!self->def->uses_value) return SAC_OK;
  return sac_mlp_reserve(&self->value.mlp, backend, self->batch_size, err);
}
