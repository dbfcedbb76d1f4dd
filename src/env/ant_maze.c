// AntCrossMaze-v0 and AntSimpleMaze-v0: find the end of a corridor (Haarnoja et al. 2018, Latent
// Space Policies, section 6.3). Robot and observation are those of AntDirection-v0, followed by the
// torso's place and the goal's, so that a policy trained there can be the lower layer here. The
// reward is sparse: reaching the goal ends the episode; that of the speed, nothing by default, is
// for learning to run there first. Walls stand as in the authors' cross maze; the simple maze is
// one bend between such walls.
#include "env/ant_body.h"

#include "env/arithmetic.h"

enum { OBS = SAC_ANT_OBS + 4, WALLS_MAX = 12, GOALS_MAX = 3 };

typedef struct wall {
  double x, y;
  bool along_x;  // which way its 6 m lie; it is 1 m thick and 2 m high
} wall;

typedef struct maze {
  int n_walls, n_goals;
  wall walls[WALLS_MAX];
  double goals[GOALS_MAX][2];  // m; an episode has one of them
} maze;

static const maze cross = {.n_walls = 12,
                           .n_goals = 3,
                           .walls = {{1, -2.5, true},
                                     {-2, 0, false},
                                     {1, 2.5, true},
                                     {3.5, 5, false},
                                     {6, 7.5, true},
                                     {8.5, 5, false},
                                     {11, -2.5, true},
                                     {13.5, 0, false},
                                     {11, 2.5, true},
                                     {3.5, -5, false},
                                     {6, -7.5, true},
                                     {8.5, -5, false}},
                           .goals = {{6, -6}, {6, 6}, {12, 0}}};

static const maze simple = {.n_walls = 8,
                            .n_goals = 1,
                            .walls = {{1, -2.5, true},
                                      {-2, 0, false},
                                      {1, 2.5, true},
                                      {6, 2.5, true},
                                      {8.5, 0, false},
                                      {3.5, -5, false},
                                      {6, -7.5, true},
                                      {8.5, -5, false}},
                            .goals = {{6, -6}}};

typedef struct ant_maze {
  sac_mujoco mujoco;
  const maze *maze;
  double goal_reward, goal_radius, velocity_weight, noise_scale;
  sac_range height, force;
} ant_maze;

enum { FRAME_SKIP, GOAL_REWARD, GOAL_RADIUS, VELOCITY_WEIGHT, NOISE_SCALE, N_KEYWORDS };

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [GOAL_REWARD] =
        SAC_KEYWORD_NUMBER("goal_reward", 1000.0, -1e9, 1e9, "reward of reaching the goal"),
    [GOAL_RADIUS] =
        SAC_KEYWORD_NUMBER("goal_radius", 2.0, 0, 100, "distance that counts, in m; 0: no goal"),
    [VELOCITY_WEIGHT] = SAC_MUJOCO_WEIGHT("velocity_reward_weight", 0.0, "the speed in the plane"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.1),
};

// the number of the episode's goal lives in the engine's user data, which a saved state holds
static void build(const maze *plan, mjSpec *spec) {
  spec->nuserdata = 1;
  mjsBody *world = mjs_findBody(spec, "world");
  for (int i = 0; i < plan->n_walls; i++) {
    const wall *w = &plan->walls[i];
    mjsGeom *geom = mjs_addGeom(world, NULL);
    double place[3] = {w->x, w->y, 1}, size[3] = {w->along_x ? 3 : 0.5, w->along_x ? 0.5 : 3, 1};
    geom->type = mjGEOM_BOX;
    for (int j = 0; j < 3; j++) {
      geom->pos[j] = place[j];
      geom->size[j] = size[j];
    }
    geom->contype = geom->conaffinity = 1;
    geom->condim = 3;
  }
}

static void build_cross(mjSpec *spec) {
  build(&cross, spec);
}

static void build_simple(mjSpec *spec) {
  build(&simple, spec);
}

static sac_status open_maze(const maze *plan, void (*change)(mjSpec *spec),
                            const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "ant.xml",
      .nq = SAC_ANT_NQ,
      .nv = SAC_ANT_NV,
      .nu = SAC_ANT_NU,
      .change = change,
      .camera = {.distance = 24, .elevation = -75, .at = {6, 0, 0}, .stays = true}};
  ant_maze task = {.mujoco = {.needs_contacts = true},
                   .maze = plan,
                   .goal_reward = given[GOAL_REWARD].value[0],
                   .goal_radius = given[GOAL_RADIUS].value[0],
                   .velocity_weight = given[VELOCITY_WEIGHT].value[0],
                   .noise_scale = given[NOISE_SCALE].value[0],
                   .height = {0.2, 1},
                   .force = {-1, 1}};
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  spec->obs_dim = OBS;
  spec->max_episode_steps = 1000;
  return SAC_OK;
}

static sac_status open_cross(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                             sac_error *err) {
  return open_maze(&cross, build_cross, given, spec, shared, err);
}

static sac_status open_simple(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                              sac_error *err) {
  return open_maze(&simple, build_simple, given, spec, shared, err);
}

static const double *find_goal(const ant_maze *task, const sac_mujoco_env *self) {
  return task->maze->goals[(int)self->data->userdata[0]];
}

static void observe(const ant_maze *task, const sac_mujoco_env *self, double *obs) {
  double *rest = sac_ant_observe(&task->mujoco, self->data, 2, &task->force, obs);
  for (int i = 0; i < 2; i++) {
    rest[i] = self->data->qpos[i];
    rest[2 + i] = find_goal(task, self)[i];
  }
}

// the first goal, from a given state
static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const ant_maze *task = shared;
  sac_mujoco_begin(&task->mujoco, env, state);
  observe(task, env, obs);
}

static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const ant_maze *task = shared;
  sac_mujoco_env *self = env;
  double state[SAC_ANT_NQ + SAC_ANT_NV];
  sac_numpy_random random =
      sac_mujoco_draw_start(&task->mujoco, seed, task->noise_scale, true, state);
  int goal = (int)(sac_numpy_random_double(&random) * task->maze->n_goals);
  sac_mujoco_begin(&task->mujoco, self, state);
  self->data->userdata[0] = goal;
  observe(task, self, obs);
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const ant_maze *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  const double *goal = find_goal(task, self), *at = self->data->qpos;
  bool reached = hypot(at[0] - goal[0], at[1] - goal[1]) < task->goal_radius;
  double speed = sac_ant_speed(&task->mujoco, self);
  result->reward = task->velocity_weight * speed + (reached ? task->goal_reward : 0);
  result->terminated = reached || !sac_ant_is_healthy(self->data, task->height);
}

const sac_env_def sac_ant_cross_maze =
    SAC_MUJOCO_ENV("AntCrossMaze-v0", open_cross, "find one of three ends of a cross of corridors");

const sac_env_def sac_ant_simple_maze =
    SAC_MUJOCO_ENV("AntSimpleMaze-v0", open_simple, "find the end of a corridor with one bend");
