// Markov chains on exp(Q / alpha) before tanh: Hamiltonian trajectories (Duane et al. 1987), whose
// single steps are Langevin's. They begin at the policy's actions.
#include <math.h>
#include <stdlib.h>

#include "algo/agent.h"

// columns of a row's noise: the policy's, then for each step its momentum and two for the decision
enum { DECISION = 2 };

bool sac_chains_walks(const sac_agent *agent) {
  return agent->def->uses_particles && agent->cfg.algorithm.sql.sampler == SAC_SAMPLER_MCMC;
}

void sac_chains_init(sac_agent *agent) {
  sac_chains *self = &agent->chains;
  if (!sac_chains_walks(agent)) return;
  int method = agent->cfg.algorithm.sql.mcmc.method;
  self->steps = (int)agent->cfg.algorithm.sql.mcmc.steps;
  self->leapfrog = method == SAC_MCMC_HMC ? (int)agent->cfg.algorithm.sql.mcmc.leapfrog : 1;
  self->always = method == SAC_MCMC_ULA;
  self->step_size = (sac_real)agent->cfg.algorithm.sql.mcmc.step_size;
}

void sac_chains_carve(sac_agent *agent, sac_arena *arena) {
  sac_chains *self = &agent->chains;
  int n = agent->n_seeds, rows = agent->act_rows, act_dim = agent->act_dim;
  if (self->steps == 0) return;
  sac_judgement_carve(agent, rows, arena, &self->judgement);
  self->judgement.rows = sac_agent_carve(arena, n, rows, agent->obs_dim + act_dim);
  sac_stack *of_action[] = {&self->u, &self->score, &self->next_u, &self->next_score,
                            &self->next_momentum};
  for (size_t i = 0; i < sizeof of_action / sizeof *of_action; i++)
    *of_action[i] = sac_agent_carve(arena, n, rows, act_dim);
  self->log_density = sac_agent_carve(arena, n, rows, 1);
  self->next_log_density = sac_agent_carve(arena, n, rows, 1);
  self->accepted = sac_agent_carve(arena, n, rows, 1);
}

int sac_chains_noise_dim(const sac_agent *agent) {
  return agent->policy.noise_dim + agent->chains.steps * (agent->act_dim + DECISION);
}

static void copy(sac_agent *self, int rows, int cols, sac_stack from, sac_stack to) {
  sac_row_repeat step = {
      .n = self->n_seeds, .rows = rows, .cols = cols, .times = 1, .x = from, .y = to};
  self->backend->ops->row_repeat(self->backend, &step);
}

// the policy's actions, and the density there
static void start(sac_agent *self, const sac_policy_draw *wanted) {
  sac_chains *chains = &self->chains;
  copy(self, wanted->rows, self->obs_dim, wanted->obs, chains->judgement.rows);
  sac_policy_draw draw = {.rows = wanted->rows,
                          .obs = chains->judgement.rows,
                          .noise = wanted->noise,
                          .action = sac_agent_columns(chains->judgement.rows, self->obs_dim)};
  sac_policy_sample(&self->policy, &self->act_pass, &draw);
  copy(self, wanted->rows, self->act_dim, sac_policy_unsquashed(&self->policy, &self->act_pass),
       chains->u);
  sac_scored scored = {.rows = wanted->rows,
                       .particle = chains->u,
                       .score = chains->score,
                       .log_density = chains->log_density};
  sac_judgement_score(self, &chains->judgement, &scored);
}

// up to the last half kick; `momentum` is what the trajectory begins with
static void fly(sac_agent *self, int rows, sac_stack momentum) {
  sac_chains *chains = &self->chains;
  sac_leapfrog leap = {.n = self->n_seeds,
                       .rows = rows,
                       .act_dim = self->act_dim,
                       .step_size = chains->step_size,
                       .kick = (sac_real)0.5,
                       .u = chains->u,
                       .momentum = momentum,
                       .score = chains->score,
                       .next_u = chains->next_u,
                       .next_momentum = chains->next_momentum,
                       .action = sac_agent_columns(chains->judgement.rows, self->obs_dim)};
  sac_scored scored = {.rows = rows,
                       .particle = chains->next_u,
                       .score = chains->next_score,
                       .log_density = chains->next_log_density};
  for (int i = 0; i < chains->leapfrog; i++) {
    self->backend->ops->leapfrog(self->backend, &leap);
    sac_judgement_score(self, &chains->judgement, &scored);
    leap.kick = 1;
    leap.u = chains->next_u;
    leap.momentum = chains->next_momentum;
    leap.score = chains->next_score;
  }
}

static void settle(sac_agent *self, int rows, sac_stack momentum, sac_stack decision) {
  sac_chains *chains = &self->chains;
  sac_metropolis step = {.n = self->n_seeds,
                         .rows = rows,
                         .act_dim = self->act_dim,
                         .always = chains->always,
                         .step_size = chains->step_size,
                         .momentum = momentum,
                         .next_u = chains->next_u,
                         .next_score = chains->next_score,
                         .next_momentum = chains->next_momentum,
                         .next_log_density = chains->next_log_density,
                         .noise = decision,
                         .u = chains->u,
                         .score = chains->score,
                         .log_density = chains->log_density,
                         .accepted = chains->accepted};
  self->backend->ops->metropolis(self->backend, &step);
}

void sac_chains_walk(sac_agent *agent, const sac_policy_draw *wanted) {
  sac_chains *self = &agent->chains;
  size_t counts = (size_t)agent->n_seeds * self->accepted.stride * sizeof(sac_real);
  start(agent, wanted);
  // nothing is taken yet: zeros lie there
  agent->backend->ops->copy(agent->backend, self->accepted.data, self->judgement.log_pi.data,
                            counts);
  self->rows = wanted->rows;
  for (int i = 0; i < self->steps; i++) {
    int at = agent->policy.noise_dim + i * (agent->act_dim + DECISION);
    sac_stack momentum = sac_agent_columns(wanted->noise, at);
    fly(agent, wanted->rows, momentum);
    settle(agent, wanted->rows, momentum, sac_agent_columns(momentum, agent->act_dim));
  }
  sac_gaussian_forward squash = {.n = agent->n_seeds,
                                 .rows = wanted->rows,
                                 .gaussian = agent->policy.gaussian,
                                 .head = self->u,
                                 .action = wanted->action};
  agent->backend->ops->gaussian_forward(agent->backend, &squash);
}

double sac_chains_acceptance(sac_agent *agent, int i_seed) {
  const sac_chains *self = &agent->chains;
  double sum = 0;
  for (int row = 0; row < self->rows; row++) {
    sac_real taken;
    const sac_real *at = sac_stack_row(&self->accepted, i_seed, row);
    agent->backend->ops->download(agent->backend, &taken, at, sizeof taken);
    sum += (double)taken;
  }
  return self->rows > 0 ? sum / self->rows / self->steps : NAN;
}
