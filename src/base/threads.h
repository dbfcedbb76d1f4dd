// A pool of threads that runs a fixed number of parts: results never depend on how many threads
// there are.
#pragma once

#include "base/status.h"

typedef struct sac_threads sac_threads;

/// Cores that this process may use.
int sac_threads_cores(void);

/// Start `count` threads in all, the caller's included; 0 means one for each core this process may
/// use.
sac_status sac_threads_create(int count, sac_threads **threads, sac_error *err);
void sac_threads_destroy(sac_threads *threads);
int sac_threads_count(const sac_threads *threads);

/// Call part(context, i) once for every i in [0, parts) and return when all are done. Parts run in
/// any order and at the same time; they must not call this function. With one thread, or one part,
/// no thread is woken.
void sac_threads_run(sac_threads *threads, int parts, void (*part)(void *context, int i_part),
                     void *context);

/// Most items that may take turns.
enum { SAC_TURNS_MAX = 64 };

/// Let `n` items take turns until none wants another: turn(context, i) says whether item i does.
/// No item has two turns at once, and whoever has had the fewest is next: items stay side by side
/// though nobody waits for anybody. What a turn does is subject to the rules for parts; of one item
/// all turns are the caller's.
void sac_threads_turns(sac_threads *threads, int n, bool (*turn)(void *context, int i),
                       void *context);
