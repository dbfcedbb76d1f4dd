#include "base/version.h"

#include "sac/sac.h"

const char *sac_build(void) {
  return SAC_GIT_ID;
}

const char *sac_version(void) {
  return "0.1.0 (" SAC_GIT_ID ")";
}
