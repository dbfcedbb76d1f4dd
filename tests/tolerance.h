// How far a result may lie from its reference, for either build of sac_real. SAC_TOLERANCE in the
// environment scales all of them.
#pragma once

#include <cstdlib>

#include "base/real.h"

namespace sac_test {

inline double scale_of_tolerance() {
  const char *text = std::getenv("SAC_TOLERANCE");
  return text && std::atof(text) > 0 ? std::atof(text) : 1.0;
}

/// `in_float` in the float build, `in_double` in the double build.
inline double tolerance(double in_float, double in_double) {
  return scale_of_tolerance() * (sizeof(sac_real) == 4 ? in_float : in_double);
}

/// One op against float64, relative to the size of what was summed.
inline double op_tolerance() {
  return tolerance(2e-6, 1e-13);
}

/// A gradient against central differences of its forward op (double build).
inline double gradient_tolerance() {
  return tolerance(0, 1e-7);
}

}  // namespace sac_test
