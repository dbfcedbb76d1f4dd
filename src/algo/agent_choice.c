// The deterministic action of a policy that has no mode to name: the candidate with the largest Q
// (Haarnoja et al. 2018, Latent Space Policies; the mean of the best component for a mixture).
#include "algo/agent.h"

void sac_agent_prepare_choice(sac_agent *agent) {
  sac_choice *choice = &agent->choice;
  for (int row = 0; row < SAC_CHOICE_ROWS; row++) {
    sac_normal_fill fill = {.n = agent->n_seeds,
                            .rows = agent->policy.candidates,
                            .cols = agent->policy.noise_dim,
                            .key = agent->key,
                            .purpose = SAC_DRAW_CANDIDATE,
                            .step = agent->update,
                            .out = sac_agent_rows(choice->noise, row * agent->policy.candidates)};
    agent->backend->ops->normal_fill(agent->backend, &fill);
  }
}

static void lay_out(sac_agent *self, sac_stack obs, int rows) {
  sac_row_repeat step = {.n = self->n_seeds,
                         .rows = rows,
                         .cols = self->obs_dim,
                         .times = self->policy.candidates,
                         .x = obs,
                         .y = self->choice.judged};
  self->backend->ops->row_repeat(self->backend, &step);
}

static void judge(sac_agent *self, int rows) {
  sac_stack judged = self->choice.judged;
  int all = rows * self->policy.candidates;
  sac_policy_draw draw = {.rows = all,
                          .obs = judged,
                          .noise = self->choice.noise,
                          .action = sac_agent_columns(judged, self->obs_dim)};
  sac_policy_sample(&self->policy, &self->choice.policy_pass, &draw);
  judged.share = self->n_critics;
  sac_mlp_forward(&self->q.mlp, &self->q.params, &self->choice.q_pass, judged, all);
}

static void choose(sac_agent *self, sac_stack action, int rows) {
  sac_action_choice step = {.n = self->n_seeds,
                            .rows = rows,
                            .times = self->policy.candidates,
                            .n_critics = self->n_critics,
                            .act_dim = self->act_dim,
                            .actor_q = (sac_actor_q)self->cfg.algorithm.actor_q,
                            .q = sac_mlp_output(&self->q.mlp, &self->choice.q_pass),
                            .candidate = sac_agent_columns(self->choice.judged, self->obs_dim),
                            .action = action};
  self->backend->ops->action_choice(self->backend, &step);
}

void sac_agent_choose(sac_agent *agent, const sac_act *act) {
  sac_stack obs = sac_agent_see(agent, act->rows, act->obs);
  for (int first = 0; first < act->rows; first += SAC_CHOICE_ROWS) {
    int left = act->rows - first, rows = left < SAC_CHOICE_ROWS ? left : SAC_CHOICE_ROWS;
    lay_out(agent, sac_agent_rows(obs, first), rows);
    judge(agent, rows);
    choose(agent, sac_agent_rows(act->action, first), rows);
  }
}
