// Errors and assertions: how every room reports what the world, or we, got wrong.
#pragma once

#include "sac/base.h"

/// Fill `err` (which may be NULL) and return `code`, so that a failure is one `return`.
sac_status sac_error_set(sac_error *err, sac_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Forward a failure to the caller.
#define SAC_TRY(call)                                    \
  do {                                                   \
    sac_status sac_try_status = (call);                  \
    if (sac_try_status != SAC_OK) return sac_try_status; \
  } while (0)

/// Print the place and abort: what only we can get wrong. Never with a side effect.
#define SAC_ASSERT(condition) \
  ((condition) ? (void)0 : sac_assert_failed(#condition, __FILE__, __LINE__))

/// A costly check, in debug and test builds only.
#ifdef SAC_DEBUG
#define SAC_VALIDATE(condition) SAC_ASSERT(condition)
#else
#define SAC_VALIDATE(condition) ((void)0)
#endif

void sac_assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

/// The entry of `choices` (`count` of them) that `word` most resembles by edit distance;
/// NULL when none is near (more than half of its letters differ).
const char *sac_nearest(const char *word, const char *const *choices, int count);
