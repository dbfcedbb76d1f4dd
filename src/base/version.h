// Which build this is: what a library opened at run time must match.
#pragma once

/// The git id that this was built from.
const char *sac_build(void);
