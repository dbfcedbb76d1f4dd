// Every environment of sac, one line each: the name of its `sac_env_def`.
#define SAC_ENV_LIST(X)           \
  X(sac_pendulum)                 \
  X(sac_mountain_car_continuous)  \
  X(sac_linear_quadratic)         \
  X(sac_multigoal)                \
  X(sac_inverted_pendulum)        \
  X(sac_inverted_double_pendulum) \
  X(sac_reacher)                  \
  X(sac_pusher)                   \
  X(sac_swimmer)                  \
  X(sac_hopper)                   \
  X(sac_half_cheetah)             \
  X(sac_walker2d)                 \
  X(sac_ant)                      \
  X(sac_humanoid)                 \
  X(sac_humanoid_standup)         \
  X(sac_ant_direction)            \
  X(sac_ant_cross_maze)           \
  X(sac_ant_simple_maze)          \
  X(sac_minitaur)
