// Collisions between geoms that are known ahead.
#pragma once

#include <mujoco/mujoco.h>

/// Compile `spec` with every pair of geoms that its bodies let touch written down, so that no step
/// looks for them in a sweep over all bodies; where they are too many, or the model has pairs,
/// exclusions or flexes of its own, as it is. Contacts, their order and their parameters are those
/// of the model as it is, to the bit. NULL when the engine refuses it; mjs_getError says why.
mjModel *sac_geom_pairs_compile(mjSpec *spec);
