// Multigoal-v0: reach one of four goals in the plane.
#include "env/multigoal.h"

#include <stdlib.h>

#include "env/keyword.h"

enum { ACTION_COST, DISTANCE_COST, GOAL_REWARD, N_KEYWORDS };

// the defaults are those of soft Q-learning's example; SAC's has 1, 0.1 and 1
static const sac_env_keyword keywords[N_KEYWORDS] = {
    [ACTION_COST] =
        SAC_KEYWORD_NUMBER("action_cost_coeff", 30.0, 0, 1e6, "cost of the squared action"),
    [DISTANCE_COST] = SAC_KEYWORD_NUMBER("distance_cost_coeff", 1.0, 0, 1e6,
                                         "cost of the squared distance to the nearest goal"),
    [GOAL_REWARD] = SAC_KEYWORD_NUMBER("goal_reward", 10.0, -1e6, 1e6, "reward of reaching a goal"),
};

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  sac_multigoal_task *task = malloc(sizeof *task);
  if (!task) return sac_error_set(err, SAC_FAILED, "Multigoal-v0: out of memory");
  task->action_cost = given[ACTION_COST].value[0];
  task->distance_cost = given[DISTANCE_COST].value[0];
  task->goal_reward = given[GOAL_REWARD].value[0];
  *spec = (sac_env_spec){.obs_dim = 2,
                         .act_dim = 2,
                         .max_episode_steps = 30,
                         .state_dim = 2,
                         .state_bytes = sizeof(sac_multigoal_state),
                         .action_low = {-1, -1},
                         .action_high = {1, 1}};
  *shared = task;
  return SAC_OK;
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  (void)shared;
  sac_multigoal_place(env, state[0], state[1], obs);
}

const sac_env_def sac_multigoal = {
    .version = SAC_ENV_VERSION,
    .id = "Multigoal-v0",
    .help = "reach one of four goals in the plane",
    .keywords = keywords,
    .n_keywords = N_KEYWORDS,
    .open = open_task,
    .close = free,
    .reset = sac_multigoal_reset,
    .step = sac_multigoal_step,
    .set_state = set_state,
};
