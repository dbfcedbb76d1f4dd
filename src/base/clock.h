// Wall time for metrics and benchmarks.
#pragma once

/// Seconds on a clock that only goes forward.
double sac_clock_s(void);

/// Seconds since this process was started (by the kernel's account, so loading is counted).
double sac_clock_process_s(void);
