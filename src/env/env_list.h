// Every environment of sac, one line each: the name of its `sac_env_def`.
#define SAC_ENV_LIST(X)          \
  X(sac_pendulum)                \
  X(sac_mountain_car_continuous) \
  X(sac_linear_quadratic)        \
  X(sac_half_cheetah)            \
  X(sac_hopper)
