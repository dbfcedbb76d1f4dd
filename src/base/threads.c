// Workers spin for a bounded time after each piece of work, then sleep: a training step calls the
// pool every few microseconds, but a pool that only spins starves whatever else runs on the
// machine. Every thread begins with its own share of the parts, the same in each round, so that
// what one op wrote lies in the cache of the core that reads it in the next; who is done early
// takes parts of the others.
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SPINS = 4000, THREADS_MAX = 256 };

// The parts that one thread begins with: the end of its range in the upper half, the next part to
// take in the lower.
typedef struct share {
  _Alignas(64) atomic_ullong ticket;
} share;

typedef struct worker {
  sac_threads *threads;
  int i_thread;
  pthread_t handle;
} worker;

struct sac_threads {
  int count;
  worker workers[THREADS_MAX];
  void (*part)(void *context, int i_part);
  void *context;
  // `part` and `context` are read only after a part was taken, and cannot change before it is done
  share shares[THREADS_MAX];
  _Alignas(64) atomic_int left;
  _Alignas(64) atomic_uint round;
  atomic_int sleepers;
  atomic_bool waiting, stop;
  pthread_mutex_t mutex;
  pthread_cond_t wake, done;
};

static inline void pause_cpu(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void finish_part(sac_threads *threads) {
  if (atomic_fetch_sub(&threads->left, 1) != 1 || !atomic_load(&threads->waiting)) return;
  pthread_mutex_lock(&threads->mutex);
  pthread_cond_signal(&threads->done);
  pthread_mutex_unlock(&threads->mutex);
}

static void take_share(sac_threads *threads, share *from) {
  unsigned long long ticket = atomic_load(&from->ticket);
  while ((ticket & 0xffffffffu) < ticket >> 32) {
    if (!atomic_compare_exchange_weak(&from->ticket, &ticket, ticket + 1)) continue;
    threads->part(threads->context, (int)(ticket & 0xffffffffu));
    finish_part(threads);
    ticket = atomic_load(&from->ticket);
  }
}

// its own share first, then what the others left
static void take_parts(sac_threads *threads, int i_thread) {
  for (int i = 0; i < threads->count; i++)
    take_share(threads, &threads->shares[(i_thread + i) % threads->count]);
}

static void deal_parts(sac_threads *threads, int parts) {
  for (int i = 0; i < threads->count; i++) {
    unsigned long long first = (unsigned long long)parts * (unsigned)i / (unsigned)threads->count;
    unsigned long long end =
        (unsigned long long)parts * (unsigned)(i + 1) / (unsigned)threads->count;
    atomic_store(&threads->shares[i].ticket, end << 32 | first);
  }
}

static unsigned await_round(sac_threads *threads, unsigned seen) {
  for (int spin = 0; spin < SPINS; spin++) {
    if (atomic_load_explicit(&threads->round, memory_order_acquire) != seen)
      return atomic_load(&threads->round);
    pause_cpu();
  }
  pthread_mutex_lock(&threads->mutex);
  atomic_fetch_add(&threads->sleepers, 1);
  while (atomic_load(&threads->round) == seen) pthread_cond_wait(&threads->wake, &threads->mutex);
  atomic_fetch_sub(&threads->sleepers, 1);
  pthread_mutex_unlock(&threads->mutex);
  return atomic_load(&threads->round);
}

static void *run_worker(void *context) {
  const worker *self = context;
  sac_threads *threads = self->threads;
  for (unsigned seen = 0;;) {
    seen = await_round(threads, seen);
    if (atomic_load(&threads->stop)) return NULL;
    take_parts(threads, self->i_thread);
  }
}

static void start_round(sac_threads *threads) {
  atomic_fetch_add(&threads->round, 1);
  if (atomic_load(&threads->sleepers) == 0) return;
  pthread_mutex_lock(&threads->mutex);
  pthread_cond_broadcast(&threads->wake);
  pthread_mutex_unlock(&threads->mutex);
}

static void await_parts(sac_threads *threads) {
  for (int spin = 0; spin < SPINS; spin++) {
    if (atomic_load_explicit(&threads->left, memory_order_acquire) == 0) return;
    pause_cpu();
  }
  pthread_mutex_lock(&threads->mutex);
  atomic_store(&threads->waiting, true);
  while (atomic_load(&threads->left) != 0) pthread_cond_wait(&threads->done, &threads->mutex);
  atomic_store(&threads->waiting, false);
  pthread_mutex_unlock(&threads->mutex);
}

void sac_threads_run(sac_threads *threads, int parts, void (*part)(void *, int), void *context) {
  if (threads->count == 1 || parts <= 1) {
    for (int i = 0; i < parts; i++) part(context, i);
    return;
  }
  threads->part = part;
  threads->context = context;
  atomic_store(&threads->left, parts);
  deal_parts(threads, parts);
  start_round(threads);
  take_parts(threads, 0);
  await_parts(threads);
}

typedef struct turns {
  pthread_mutex_t mutex;
  int n;
  bool (*turn)(void *context, int i);
  void *context;
  uint64_t taken[SAC_TURNS_MAX];
  bool held[SAC_TURNS_MAX];  // by a thread that works on it, or for good once it is through
} turns;

// the item that has had the fewest turns of those that nobody holds, or -1
static int hold_next(turns *self) {
  int next = -1;
  pthread_mutex_lock(&self->mutex);
  for (int i = 0; i < self->n; i++)
    if (!self->held[i] && (next < 0 || self->taken[i] < self->taken[next])) next = i;
  if (next >= 0) self->held[next] = true;
  pthread_mutex_unlock(&self->mutex);
  return next;
}

static void let_go(turns *self, int i) {
  pthread_mutex_lock(&self->mutex);
  self->taken[i]++;
  self->held[i] = false;
  pthread_mutex_unlock(&self->mutex);
}

// a thread without an item may leave: those still held stay with who holds them
static void take_turns(void *context, int i_part) {
  turns *self = context;
  (void)i_part;
  for (int i; (i = hold_next(self)) >= 0;)
    if (self->turn(self->context, i)) let_go(self, i);
}

void sac_threads_turns(sac_threads *threads, int n, bool (*turn)(void *, int), void *context) {
  turns self = {.mutex = PTHREAD_MUTEX_INITIALIZER, .n = n, .turn = turn, .context = context};
  SAC_ASSERT(n <= SAC_TURNS_MAX);
  if (n == 1)
    take_turns(&self, 0);
  else
    sac_threads_run(threads, threads->count < n ? threads->count : n, take_turns, &self);
  pthread_mutex_destroy(&self.mutex);
}

int sac_threads_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

sac_status sac_threads_create(int count, sac_threads **threads, sac_error *err) {
  if (count == 0) count = sac_threads_cores();
  if (count > THREADS_MAX) count = THREADS_MAX;
  sac_threads *self = aligned_alloc(64, (sizeof *self + 63) & ~(size_t)63);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for the thread pool");
  memset(self, 0, sizeof *self);
  self->count = 1;
  pthread_mutex_init(&self->mutex, NULL);
  pthread_cond_init(&self->wake, NULL);
  pthread_cond_init(&self->done, NULL);
  for (; self->count < count; self->count++) {
    worker *next = &self->workers[self->count];
    next->threads = self;
    next->i_thread = self->count;
    int code = pthread_create(&next->handle, NULL, run_worker, next);
    if (code != 0) {
      int started = self->count;
      sac_threads_destroy(self);
      return sac_error_set(err, SAC_FAILED, "thread %d of %d could not be started: %s", started + 1,
                           count, strerror(code));
    }
  }
  *threads = self;
  return SAC_OK;
}

void sac_threads_destroy(sac_threads *threads) {
  if (!threads) return;
  atomic_store(&threads->stop, true);
  start_round(threads);
  for (int i = 1; i < threads->count; i++) pthread_join(threads->workers[i].handle, NULL);
  pthread_cond_destroy(&threads->done);
  pthread_cond_destroy(&threads->wake);
  pthread_mutex_destroy(&threads->mutex);
  free(threads);
}

int sac_threads_count(const sac_threads *threads) {
  return threads->count;
}
