// Minitaur-v0: make a quadruped with closed legs walk. The default task is pybullet's
// MinitaurBulletEnv: action (leg model), motors, observation, reward, end and start are those of
// its minitaur_gym_env.py, minitaur.py and motor.py. With `robot_task` observation and reward are
// those that Haarnoja et al. 2018b (section 7.2) tell of the real robot, to be stacked by
// env.history; the text has no coefficients, so ours are keywords.
#include <string.h>

#include "env/arithmetic.h"
#include "env/minitaur_model.h"
#include "env/mujoco.h"

enum {
  NQ = SAC_MINITAUR_NQ,
  NV = SAC_MINITAUR_NV,
  MOTORS = SAC_MINITAUR_MOTORS,
  OBS = 3 * MOTORS + 4,    // angles, velocities, torques, quaternion
  ROBOT_OBS = MOTORS + 4,  // angles, roll, pitch and their rates
  SETTLING = 100           // engine steps of a start, in which the robot comes to stand
};

// what an episode keeps in the engine's user data, which a saved state holds
enum {
  TORQUE = 0,                     // as its sensor reads it, for each motor
  HEAT = TORQUE + MOTORS,         // engine steps that a motor has been overloaded; -1: it is off
  LAST = HEAT + MOTORS,           // the last action
  SECOND_LAST = LAST + MOTORS,    // the one before
  HEIGHT = SECOND_LAST + MOTORS,  // m: before the next step
  FACTORS = HEIGHT + 1,           // of the base's mass, the legs' masses and the friction
  N_FACTORS = 3,
  N_USERDATA = FACTORS + N_FACTORS
};

typedef struct minitaur {
  sac_mujoco mujoco;
  bool robot_task;
  double distance_weight, energy_weight, drift_weight, shake_weight;
  double speed_weight, speed_limit, acceleration_weight;
  double pitch_weight, pitch_limit, front_weight, front_limit;
  double kp, kd, voltage, resistance, torque_constant, damping;
  bool protected;  // motors that are overloaded for long go off
  double lowest_up, lowest_height, noise_scale;
  sac_range factors[N_FACTORS];
} minitaur;

enum {
  FRAME_SKIP,
  ROBOT_TASK,
  DISTANCE_WEIGHT,
  ENERGY_WEIGHT,
  DRIFT_WEIGHT,
  SHAKE_WEIGHT,
  SPEED_WEIGHT,
  SPEED_LIMIT,
  ACCELERATION_WEIGHT,
  PITCH_WEIGHT,
  PITCH_LIMIT,
  FRONT_WEIGHT,
  FRONT_LIMIT,
  KP,
  KD,
  VOLTAGE,
  RESISTANCE,
  TORQUE_CONSTANT,
  DAMPING,
  PROTECTION,
  LOWEST_UP,
  LOWEST_HEIGHT,
  NOISE_SCALE,
  BASE_MASS,
  LEG_MASS,
  FRICTION,
  N_KEYWORDS
};

#define FACTOR(name_, of)                                                                          \
  {                                                                                                \
    .name = name_, .kind = SAC_ENV_NUMBERS, .count = 2, .value = {1, 1}, .low = 0.01, .high = 100, \
    .help = "bounds of a factor, drawn for each episode, of " of                                   \
  }

static const sac_env_keyword keywords[N_KEYWORDS] = {
    [FRAME_SKIP] = SAC_MUJOCO_FRAME_SKIP(5),
    [ROBOT_TASK] = SAC_KEYWORD_FLAG("robot_task", false,
                                    "observation, reward and 500 steps of the real robot's task"),
    [DISTANCE_WEIGHT] = SAC_MUJOCO_WEIGHT("distance_weight", 1.0, "the way forward, in m"),
    [ENERGY_WEIGHT] =
        SAC_MUJOCO_WEIGHT("energy_weight", 0.005, "the motors' energy in one engine step, in J"),
    [DRIFT_WEIGHT] = SAC_MUJOCO_WEIGHT("drift_weight", 0.0, "the way sideways, in m"),
    [SHAKE_WEIGHT] = SAC_MUJOCO_WEIGHT("shake_weight", 0.0, "the way up or down, in m"),
    [SPEED_WEIGHT] = SAC_MUJOCO_WEIGHT("speed_weight", 1.0, "the speed forward (robot task)"),
    [SPEED_LIMIT] = SAC_KEYWORD_NUMBER("speed_limit", INFINITY, 0, INFINITY,
                                       "m/s: more is not rewarded (robot task)"),
    [ACCELERATION_WEIGHT] =
        SAC_MUJOCO_WEIGHT("acceleration_weight", 0.005,
                          "the squared second difference of the last actions (robot task)"),
    [PITCH_WEIGHT] = SAC_MUJOCO_WEIGHT("pitch_weight", 1.0, "pitch beyond its limit (robot task)"),
    [PITCH_LIMIT] = SAC_KEYWORD_NUMBER("pitch_limit", 0.2, 0, 4, "pitch that costs nothing, rad"),
    [FRONT_WEIGHT] =
        SAC_MUJOCO_WEIGHT("front_leg_weight", 1.0,
                          "a front leg's swing under the body beyond its limit (robot task)"),
    [FRONT_LIMIT] =
        SAC_KEYWORD_NUMBER("front_leg_limit", 0.5, 0, 4, "swing that costs nothing, rad"),
    [KP] = SAC_KEYWORD_NUMBER("motor_kp", 1.0, 0, 100, "duty cycle for an error of 1 rad"),
    [KD] = SAC_KEYWORD_NUMBER("motor_kd", 0.02, 0, 10, "duty cycle against a speed of 1 rad/s"),
    [VOLTAGE] = SAC_KEYWORD_NUMBER("motor_voltage", 16.0, 0, 1000, "the battery's, in V"),
    [RESISTANCE] = SAC_KEYWORD_NUMBER("motor_resistance", 0.186, 1e-3, 1000, "in ohm"),
    [TORQUE_CONSTANT] = SAC_KEYWORD_NUMBER("motor_torque_constant", 0.0954, 0, 10, "in Nm/A"),
    [DAMPING] = SAC_KEYWORD_NUMBER("motor_viscous_damping", 0.0, 0, 1, "in Vs/rad"),
    [PROTECTION] = SAC_KEYWORD_FLAG("motor_overheat_protection", true,
                                    "a motor goes off after 1 s of more than 2.45 Nm"),
    [LOWEST_UP] = SAC_KEYWORD_NUMBER("fall_up", 0.85, -1, 1,
                                     "a fall: less than this of the base's axis points up"),
    [LOWEST_HEIGHT] = SAC_KEYWORD_NUMBER("fall_height", 0.13, -1, 1, "a fall: a lower base, in m"),
    [NOISE_SCALE] = SAC_MUJOCO_NOISE(0.05),
    [BASE_MASS] = FACTOR("base_mass_range", "the base's mass"),
    [LEG_MASS] = FACTOR("leg_mass_range", "the masses of motors and links"),
    [FRICTION] = FACTOR("friction_range", "the friction on the ground"),
};

static sac_status read_factors(const sac_env_keyword *given, minitaur *task, sac_error *err) {
  for (int i = 0; i < N_FACTORS; i++) {
    const sac_env_keyword *range = &given[BASE_MASS + i];
    task->factors[i] = (sac_range){range->value[0], range->value[1]};
    if (range->count != 2 || range->value[0] > range->value[1])
      return sac_error_set(err, SAC_BAD_CONFIG, "%s must be two values, the lower one first",
                           range->where);
    if (range->value[0] != 1 || range->value[1] != 1) task->mujoco.varies = true;
  }
  return SAC_OK;
}

static void read_weights(const sac_env_keyword *given, minitaur *task) {
  task->distance_weight = given[DISTANCE_WEIGHT].value[0];
  task->energy_weight = given[ENERGY_WEIGHT].value[0];
  task->drift_weight = given[DRIFT_WEIGHT].value[0];
  task->shake_weight = given[SHAKE_WEIGHT].value[0];
  task->speed_weight = given[SPEED_WEIGHT].value[0];
  task->speed_limit = given[SPEED_LIMIT].value[0];
  task->acceleration_weight = given[ACCELERATION_WEIGHT].value[0];
  task->pitch_weight = given[PITCH_WEIGHT].value[0];
  task->pitch_limit = given[PITCH_LIMIT].value[0];
  task->front_weight = given[FRONT_WEIGHT].value[0];
  task->front_limit = given[FRONT_LIMIT].value[0];
}

static void read_motors(const sac_env_keyword *given, minitaur *task) {
  task->kp = given[KP].value[0];
  task->kd = given[KD].value[0];
  task->voltage = given[VOLTAGE].value[0];
  task->resistance = given[RESISTANCE].value[0];
  task->torque_constant = given[TORQUE_CONSTANT].value[0];
  task->damping = given[DAMPING].value[0];
  task->protected = given[PROTECTION].value[0] != 0;
}

// ---- motors ----

// Nm that a current makes: measured points, lines between them
static double saturate(double current) {
  static const double torque[] = {0, 1, 1.9, 2.45, 3.0, 3.25, 3.5};  // at 0, 10, .. 60 A
  double size = fmin(fabs(current) / 10, 6);
  int below = (int)fmin(size, 5);
  double found = torque[below] + (size - below) * (torque[below + 1] - torque[below]);
  return current < 0 ? -found : found;
}

// a motor is held at `command` by a duty cycle of the battery's voltage, against its own induction
static double find_torque(const minitaur *task, double command, double angle, double speed,
                          double *observed) {
  double duty = sac_clamp(task->kp * (command - angle) - task->kd * speed, -1, 1);
  double volts = duty * task->voltage;
  *observed = sac_clamp(task->torque_constant * (volts / task->resistance), -5.7, 5.7);
  double net = sac_clamp(volts - (task->torque_constant + task->damping) * speed, -50, 50);
  return saturate(net / task->resistance);
}

// whether a motor still works; `heat` counts on
static bool endures(const minitaur *task, double torque, double *heat) {
  if (!task->protected || *heat < 0) return *heat >= 0;
  *heat = fabs(torque) > 2.45 ? *heat + 1 : 0;
  if (*heat * task->mujoco.model->opt.timestep > 1.0) *heat = -1;
  return *heat >= 0;
}

static double motor_sign(int motor) {
  return motor < MOTORS / 2 ? -1 : 1;
}

static double motor_angle(const mjData *data, int motor) {
  return motor_sign(motor) * data->qpos[SAC_MINITAUR_QPOS(motor)];
}

static double motor_speed(const mjData *data, int motor) {
  return motor_sign(motor) * data->qvel[SAC_MINITAUR_QVEL(motor)];
}

static void hold(const minitaur *task, mjData *data, const double *command) {
  for (int i = 0; i < MOTORS; i++) {
    double torque = find_torque(task, command[i], motor_angle(data, i), motor_speed(data, i),
                                &data->userdata[TORQUE + i]);
    data->ctrl[i] = endures(task, torque, &data->userdata[HEAT + i]) ? torque : 0;
  }
}

// an action in [-1, 1]: swing of the four legs, then how far they are drawn in
static void drive(const sac_mujoco *shared, sac_mujoco_env *self, const float *action) {
  const double quarter = M_PI / 4;
  double command[MOTORS];
  for (int i = 0; i < MOTORS; i++) {
    double swing = sac_clamp((double)action[i / 2], -1, 1);
    double drawn = sac_clamp((double)action[MOTORS / 2 + i / 2], -1, 1);
    double way = (i % 2 == 0) == (i < MOTORS / 2) ? 1 : -1;
    command[i] = M_PI - quarter * (drawn + 1.5) + way * quarter * swing;
  }
  hold((const minitaur *)shared, self->data, command);
}

// ---- episodes ----

static void keep_userdata(mjSpec *spec) {
  spec->nuserdata = N_USERDATA;
}

static sac_status open_task(const sac_env_keyword *given, sac_env_spec *spec, void **shared,
                            sac_error *err) {
  const sac_mujoco_model model = {
      .xml = "the Minitaur's model",
      .text = sac_minitaur_model(),
      .nq = NQ,
      .nv = NV,
      .nu = MOTORS,
      .change = keep_userdata,
      .camera = {.distance = 1.1, .elevation = -20, .at = {0, 0, 0.15}}};
  minitaur task = {.mujoco = {.drive = drive},
                   .robot_task = given[ROBOT_TASK].value[0] != 0,
                   .lowest_up = given[LOWEST_UP].value[0],
                   .lowest_height = given[LOWEST_HEIGHT].value[0],
                   .noise_scale = given[NOISE_SCALE].value[0]};
  SAC_TRY(read_factors(given, &task, err));
  read_weights(given, &task);
  read_motors(given, &task);
  int frame_skip = (int)given[FRAME_SKIP].value[0];
  SAC_TRY(sac_mujoco_open(&model, frame_skip, &task, sizeof task, spec, shared, err));
  for (int i = 0; i < MOTORS; i++) {
    spec->action_low[i] = -1;
    spec->action_high[i] = 1;
  }
  spec->obs_dim = task.robot_task ? ROBOT_OBS : OBS;
  spec->max_episode_steps = task.robot_task ? 500 : 1000;
  return SAC_OK;
}

static double find_roll(const double *q) {
  return atan2(2 * (q[0] * q[1] + q[2] * q[3]), 1 - 2 * (q[1] * q[1] + q[2] * q[2]));
}

static double find_pitch(const double *q) {
  return asin(sac_clamp(2 * (q[0] * q[2] - q[3] * q[1]), -1, 1));
}

static void observe(const minitaur *task, const sac_mujoco_env *self, double *obs) {
  const mjData *data = self->data;
  const double *q = data->qpos + 3;
  for (int i = 0; i < MOTORS; i++) obs[i] = motor_angle(data, i);
  obs += MOTORS;
  if (task->robot_task) {
    obs[0] = find_roll(q);
    obs[1] = find_pitch(q);
    obs[2] = data->qvel[3];  // about the body's own axes, as its gyroscope has them
    obs[3] = data->qvel[4];
    return;
  }
  for (int i = 0; i < MOTORS; i++) {
    obs[i] = motor_speed(data, i);
    obs[MOTORS + i] = data->userdata[TORQUE + i];
  }
  // Bullet's quaternions end with the real part
  for (int i = 0; i < 4; i++) obs[2 * MOTORS + i] = q[(i + 1) % 4];
}

// an instance's own model becomes the shared one with masses and friction changed: a function of
// the factors alone, whatever it was before. What is in `data` is lost.
static void vary(const minitaur *task, sac_mujoco_env *self, const double *factors) {
  if (!self->own) return;
  mjModel *model = mj_copyModel(self->own, task->mujoco.model);
  for (int i = SAC_MINITAUR_BASE; i < model->nbody; i++) {
    double factor = factors[i == SAC_MINITAUR_BASE ? 0 : 1];
    model->body_mass[i] *= factor;
    for (int j = 0; j < 3; j++) model->body_inertia[3 * i + j] *= factor;
  }
  for (int i = 0; i < model->ngeom; i++) {
    if (model->geom_bodyid[i] >= SAC_MINITAUR_BASE) model->geom_friction[3 * i] *= factors[2];
  }
  mj_setConst(model, self->data);
}

static void begin(const minitaur *task, sac_mujoco_env *self, const double *state,
                  const double *factors) {
  vary(task, self, factors);
  sac_mujoco_begin(&task->mujoco, self, state);
  memcpy(self->data->userdata + FACTORS, factors, sizeof *factors * N_FACTORS);
  self->data->userdata[HEIGHT] = self->data->qpos[2];
}

static void set_state(const void *shared, void *env, const double *state, double *obs) {
  const minitaur *task = shared;
  begin(task, env, state, (const double[N_FACTORS]){1, 1, 1});
  observe(task, env, obs);
}

static void load(const void *shared, void *env, const void *bytes) {
  const minitaur *task = shared;
  sac_mujoco_env *self = env;
  sac_mujoco_load(shared, env, bytes);
  if (!self->own) return;
  double factors[N_FACTORS];
  memcpy(factors, self->data->userdata + FACTORS, sizeof factors);
  vary(task, self, factors);
  sac_mujoco_load(shared, env, bytes);
}

// the engine's own start, but legs drawn in
static void pose(double *state) {
  memset(state, 0, sizeof *state * (NQ + NV));
  state[2] = 0.2;
  state[3] = 1;
  for (int i = 0; i < MOTORS; i++) {
    state[SAC_MINITAUR_QPOS(i)] = motor_sign(i) * M_PI / 2;
    state[SAC_MINITAUR_QPOS(i) + 1] = motor_sign(i) * -2.1834;  // its knee
  }
}

// the robot drops to the ground and comes to stand, each motor held near pi / 2
static void reset(const void *shared, void *env, uint64_t seed, double *obs) {
  const minitaur *task = shared;
  sac_mujoco_env *self = env;
  double state[NQ + NV], factors[N_FACTORS], command[MOTORS];
  sac_numpy_random random;
  sac_numpy_random_init(&random, seed);
  for (int i = 0; i < MOTORS; i++)
    command[i] =
        M_PI / 2 + sac_numpy_random_uniform(&random, -task->noise_scale, task->noise_scale);
  for (int i = 0; i < N_FACTORS; i++)
    factors[i] = sac_numpy_random_uniform(&random, task->factors[i].low, task->factors[i].high);
  pose(state);
  begin(task, self, state, factors);
  const mjModel *model = sac_mujoco_model_of(&task->mujoco, self);
  for (int i = 0; i < SETTLING; i++) {
    hold(task, self->data, command);
    mj_step(model, self->data);
  }
  self->x_before = self->data->qpos[0];
  self->y_before = self->data->qpos[1];
  self->data->userdata[HEIGHT] = self->data->qpos[2];
  observe(task, self, obs);
}

// ---- rewards ----

// pybullet's, whose energy is that of one engine step
static double reward_distance(const minitaur *task, sac_mujoco_env *self) {
  const mjData *data = self->data;
  double power = 0;
  for (int i = 0; i < MOTORS; i++) power += data->userdata[TORQUE + i] * motor_speed(data, i);
  double energy = fabs(power) * task->mujoco.model->opt.timestep;
  double forward = sac_mujoco_x_speed(&task->mujoco, self, data->qpos[0]) * task->mujoco.dt;
  double drift = fabs(sac_mujoco_y_speed(&task->mujoco, self, data->qpos[1])) * task->mujoco.dt;
  double shake = fabs(data->qpos[2] - data->userdata[HEIGHT]);
  return task->distance_weight * forward - task->energy_weight * energy -
         task->drift_weight * drift - task->shake_weight * shake;
}

// how far the two front feet are swung under the body beyond what costs nothing, in rad
static double fold_of_front(const minitaur *task, const mjData *data) {
  double left = (motor_angle(data, 1) - motor_angle(data, 0)) / 2;
  double right = (motor_angle(data, 4) - motor_angle(data, 5)) / 2;
  return fmax(left - task->front_limit, 0) + fmax(right - task->front_limit, 0);
}

static double reward_speed(const minitaur *task, sac_mujoco_env *self, const float *action) {
  const mjData *data = self->data;
  const double *last = data->userdata + LAST, *second_last = data->userdata + SECOND_LAST;
  double acceleration = 0;
  for (int i = 0; i < MOTORS; i++) {
    double difference = (double)action[i] - 2 * last[i] + second_last[i];
    acceleration += difference * difference;
  }
  double pitch = fmax(fabs(find_pitch(data->qpos + 3)) - task->pitch_limit, 0);
  double speed = sac_mujoco_x_speed(&task->mujoco, self, data->qpos[0]);
  return task->speed_weight * fmin(speed, task->speed_limit) -
         task->acceleration_weight * acceleration - task->pitch_weight * pitch -
         task->front_weight * fold_of_front(task, data);
}

static bool has_fallen(const minitaur *task, const mjData *data) {
  const double *q = data->qpos + 3;
  double up = 1 - 2 * (q[1] * q[1] + q[2] * q[2]);
  return up < task->lowest_up || data->qpos[2] < task->lowest_height;
}

static void remember(mjData *data, const float *action) {
  for (int i = 0; i < MOTORS; i++) {
    data->userdata[SECOND_LAST + i] = data->userdata[LAST + i];
    data->userdata[LAST + i] = (double)action[i];
  }
  data->userdata[HEIGHT] = data->qpos[2];
}

static void step(const void *shared, void *env, const float *action, double *obs,
                 sac_env_result *result) {
  const minitaur *task = shared;
  sac_mujoco_env *self = env;
  result->fault = sac_mujoco_advance(&task->mujoco, self, action);
  observe(task, self, obs);
  result->reward =
      task->robot_task ? reward_speed(task, self, action) : reward_distance(task, self);
  result->terminated = has_fallen(task, self->data);
  remember(self->data, action);
}

const sac_env_def sac_minitaur = {.version = SAC_ENV_VERSION,
                                  .id = "Minitaur-v0",
                                  .help = "make a quadruped with closed legs walk (MuJoCo)",
                                  .keywords = keywords,
                                  .n_keywords = N_KEYWORDS,
                                  .open = open_task,
                                  .close = sac_mujoco_close,
                                  .create = sac_mujoco_create,
                                  .destroy = sac_mujoco_destroy,
                                  .reset = reset,
                                  .step = step,
                                  .engine = sac_mujoco_engine,
                                  .set_state = set_state,
                                  .save = sac_mujoco_save,
                                  .load = load,
                                  .draw = sac_mujoco_draw};
