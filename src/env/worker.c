// Processes and shared memory. The memory is one block: a page for each process, then the slots. A
// process has a socket (commands out, answers back) and a pipe that it prints to. It lies in a
// group of its own, so that Ctrl-C reaches only this process, and dies with the thread that started
// it.
#include "env/worker.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "env/process.h"

enum { PAGE = 4096, POLL_MS = 200, BARREN_MAX = 3 };

static const double start_limit_s = 300, close_limit_s = 2;

_Static_assert(sizeof(sac_worker_page) <= PAGE, "a page holds the introduction");
_Static_assert(offsetof(sac_worker_page, text) == 1064, "gym_worker.py knows this");
_Static_assert(offsetof(sac_worker_slot, action) == 512, "gym_worker.py knows this");
_Static_assert(offsetof(sac_worker_slot, obs) == 768, "gym_worker.py knows this");

typedef struct worker {
  pthread_mutex_t lock;  // over all below
  sac_process process;
  uint64_t life;    // 0 until it is first started
  uint32_t *queue;  // (room) commands nobody was woken for
  int n_queued, room;
  int owed;                          // commands sent and not answered
  bool opening;                      // among these are some that may take long
  int barren;                        // lives in a row that answered no step
  bool stepping;                     // a step is among what is owed
  char failure[SAC_WORKER_FAILURE];  // of one that is gone for good, else ""
} worker;

struct sac_workers {
  sac_workers_options options;
  sac_log *log;  // NULL: stderr
  int memory;    // descriptor
  uint8_t *base;
  size_t bytes, slot_bytes;
  bool *taken;            // (slots)
  sac_worker_page first;  // what the first process said; all others must say the same
  atomic_bool unsent;
  worker at[];  // (count)
};

static sac_worker_page *find_page(const sac_workers *workers, int i) {
  return (sac_worker_page *)(void *)(workers->base + (size_t)i * PAGE);
}

static size_t pages_bytes(const sac_workers *workers) {
  return (size_t)workers->options.count * PAGE;
}

const sac_worker_page *sac_workers_page(const sac_workers *workers) {
  return &workers->first;
}

sac_worker_slot *sac_workers_slot(const sac_workers *workers, int slot) {
  size_t at = pages_bytes(workers) + (size_t)slot * workers->slot_bytes;
  return (sac_worker_slot *)(void *)(workers->base + at);
}

// ---- one process, under its lock ----

static sac_status start_process(sac_workers *workers, int i, sac_error *err) {
  worker *self = &workers->at[i];
  sac_worker_page *page = find_page(workers, i);
  memset(page, 0, PAGE);
  page->slots_at = pages_bytes(workers);
  page->slot_bytes = workers->slot_bytes;
  char number[16];
  snprintf(number, sizeof number, "%d", i);
  sac_process_options options = {
      .python = workers->options.python,
      .arguments = {number, workers->options.name, workers->options.kwargs},
      .memory = workers->memory,
      .exec_errno = &page->exec_errno};
  SAC_TRY(sac_process_start(&options, &self->process, err));
  self->life++;
  self->n_queued = 0;
  self->owed = 1;  // it introduces itself
  self->opening = true;
  self->stepping = false;
  return SAC_OK;
}

void sac_workers_log(sac_workers *workers, sac_log *log) {
  workers->log = log;
}

void sac_workers_note(const sac_workers *workers, const char *format, ...) {
  char line[2 * SAC_WORKER_FAILURE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (workers->log)
    sac_log_line(workers->log, "warning: %s", line);
  else
    fprintf(stderr, "sac: %s\n", line);
}

// the process is ended and its failure known; start another where that is wanted and may help
static void replace(sac_workers *workers, int i) {
  worker *self = &workers->at[i];
  sac_error err;
  self->owed = self->n_queued = 0;
  bool began = workers->first.status == SAC_WORKER_READY;
  if (!workers->options.respawn || !began || ++self->barren > BARREN_MAX) return;
  sac_workers_note(workers, "%s; it is started anew, and its episodes count as cut off",
                   self->failure);
  if (start_process(workers, i, &err) == SAC_OK)
    self->failure[0] = '\0';
  else
    snprintf(self->failure, sizeof self->failure, "%.1000s", err.text);
}

// what it introduces itself as must be what the first one is
static bool is_welcome(const sac_workers *workers, int i) {
  const sac_worker_page *page = find_page(workers, i), *first = &workers->first;
  if (first->status == 0) return page->status == SAC_WORKER_READY;
  return page->status == SAC_WORKER_READY && page->obs_dim == first->obs_dim &&
         page->act_dim == first->act_dim;
}

// why the process that did or ended so, `what`, is gone
static void describe_loss(const sac_workers *workers, int i, const char *what, char *text) {
  const sac_worker_page *page = find_page(workers, i), *first = &workers->first;
  enum { SIZE = SAC_WORKER_FAILURE };
  if (page->exec_errno)
    snprintf(text, SIZE, "%.500s could not be run: %s; env.python names another Python",
             workers->options.python, strerror(page->exec_errno));
  else if (page->status == SAC_WORKER_BROKEN)
    snprintf(text, SIZE, "%.*s", SAC_WORKER_TEXT - 1, page->text);
  else if (page->status == SAC_WORKER_READY && !is_welcome(workers, i))
    snprintf(text, SIZE,
             "worker %d made an environment of other sizes: %d observations and %d actions, "
             "expected %d and %d",
             i, page->obs_dim, page->act_dim, first->obs_dim, first->act_dim);
  else
    snprintf(text, SIZE, "worker %d %s", i, what);
}

// the process is gone, or must go; `did` says what it did, NULL leaves that to how it ended
static void lose(sac_workers *workers, int i, const char *did) {
  worker *self = &workers->at[i];
  char end[128], what[512];
  int id = (int)self->process.id;
  sac_process_end(&self->process, did ? 0 : close_limit_s, end, sizeof end);
  const char *last = self->process.last_line;
  snprintf(what, sizeof what, "(process %d) %s%s%s", id, did ? did : end,
           *last ? ", its last words: " : "", last);
  describe_loss(workers, i, what, self->failure);
  replace(workers, i);
}

static void flush_queue(sac_workers *workers, int i) {
  worker *self = &workers->at[i];
  if (self->n_queued == 0) return;
  size_t bytes = sizeof *self->queue * (size_t)self->n_queued, sent = 0;
  while (sent < bytes) {
    ssize_t n =
        send(self->process.socket, (uint8_t *)self->queue + sent, bytes - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // it is gone, which whoever waits finds out
    sent += (size_t)n;
  }
  self->owed += self->n_queued;
  self->n_queued = 0;
}

// an answer that is there; false when the process is gone
static bool take_answer(sac_workers *workers, int i) {
  worker *self = &workers->at[i];
  bool introduces = find_page(workers, i)->status != 0 && self->opening;
  uint32_t done = 0;
  ssize_t n = recv(self->process.socket, &done, sizeof done, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n != sizeof done || done > (uint32_t)self->owed) return false;
  self->owed -= (int)done;
  return !introduces || is_welcome(workers, i);
}

// listen until nothing is owed
static void await_answers(sac_workers *workers, int i) {
  worker *self = &workers->at[i];
  uint64_t life = self->life;
  double limit_s = workers->options.timeout_s;
  if (self->opening) limit_s = fmax(limit_s, start_limit_s);
  double end_s = sac_clock_s() + limit_s;
  while (self->owed > 0 && self->life == life && !self->failure[0]) {
    bool heard = sac_process_listen(&self->process, POLL_MS);
    bool there = heard ? take_answer(workers, i) : !sac_process_is_gone(&self->process);
    if (!there) {
      lose(workers, i, NULL);
    } else if (self->owed > 0 && sac_clock_s() > end_s) {
      char what[96];
      snprintf(what, sizeof what, "gave no answer within %g s and was killed", limit_s);
      lose(workers, i, what);
    }
  }
  if (self->owed > 0 || self->life != life) return;
  if (self->stepping) self->barren = 0;
  self->stepping = self->opening = false;
}

// ---- all of them ----

uint64_t sac_workers_life(sac_workers *workers, int slot) {
  worker *self = &workers->at[slot % workers->options.count];
  pthread_mutex_lock(&self->lock);
  uint64_t life = self->life;
  pthread_mutex_unlock(&self->lock);
  return life;
}

void sac_workers_send(sac_workers *workers, int slot, uint64_t life, sac_worker_command command) {
  worker *self = &workers->at[slot % workers->options.count];
  pthread_mutex_lock(&self->lock);
  if (self->life == life && !self->failure[0]) {
    SAC_ASSERT(self->n_queued < self->room);
    self->queue[self->n_queued++] = (uint32_t)slot * 4 + command;
    self->opening = self->opening || command == SAC_WORKER_OPEN;
    self->stepping = self->stepping || command == SAC_WORKER_STEP;
    atomic_store(&workers->unsent, true);
  }
  pthread_mutex_unlock(&self->lock);
}

// one that is locked is being waited for: its own waiter has woken it
void sac_workers_wake(sac_workers *workers) {
  if (!atomic_exchange(&workers->unsent, false)) return;
  for (int i = 0; i < workers->options.count; i++) {
    if (pthread_mutex_trylock(&workers->at[i].lock) != 0) continue;
    if (workers->at[i].life > 0) flush_queue(workers, i);
    pthread_mutex_unlock(&workers->at[i].lock);
  }
}

bool sac_workers_wait(sac_workers *workers, int slot, uint64_t life) {
  int i = slot % workers->options.count;
  worker *self = &workers->at[i];
  sac_workers_wake(workers);
  pthread_mutex_lock(&self->lock);
  if (self->life == life && !self->failure[0]) {
    flush_queue(workers, i);
    await_answers(workers, i);
  }
  bool done = self->life == life && !self->failure[0];
  pthread_mutex_unlock(&self->lock);
  return done;
}

bool sac_workers_failed(sac_workers *workers, int slot, char *text) {
  worker *self = &workers->at[slot % workers->options.count];
  pthread_mutex_lock(&self->lock);
  bool failed = self->failure[0] != '\0';
  if (failed) memcpy(text, self->failure, SAC_WORKER_FAILURE);
  pthread_mutex_unlock(&self->lock);
  return failed;
}

sac_status sac_workers_take(sac_workers *workers, int *slot, sac_error *err) {
  int i = 0, count = workers->options.count;
  while (i < workers->options.slots && workers->taken[i]) i++;
  if (i == workers->options.slots)
    return sac_error_set(err, SAC_FAILED, "no room for more than %d instances of %s", i,
                         workers->options.name);
  worker *self = &workers->at[i % count];
  pthread_mutex_lock(&self->lock);
  sac_status status = self->life > 0 ? SAC_OK : start_process(workers, i % count, err);
  pthread_mutex_unlock(&self->lock);
  workers->taken[i] = status == SAC_OK;
  *slot = i;
  return status;
}

void sac_workers_give(sac_workers *workers, int slot) {
  workers->taken[slot] = false;
}

// ---- opening and closing ----

// the block, for now with its pages alone
static sac_status share_memory(sac_workers *workers, size_t bytes, sac_error *err) {
  if (workers->base) munmap(workers->base, workers->bytes);
  workers->base = NULL;
  if (workers->memory < 0) workers->memory = memfd_create("sac-workers", MFD_CLOEXEC);
  if (workers->memory >= 0 && ftruncate(workers->memory, (off_t)bytes) == 0) {
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, workers->memory, 0);
    if (base != MAP_FAILED) workers->base = base;
  }
  workers->bytes = bytes;
  if (workers->base) return SAC_OK;
  return sac_error_set(err, SAC_FAILED, "%s: no %zu bytes of shared memory: %s",
                       workers->options.name, bytes, strerror(errno));
}

// hear the first process, then make room for the slots
static sac_status meet_first(sac_workers *workers, sac_error *err) {
  char text[SAC_WORKER_FAILURE];
  SAC_TRY(start_process(workers, 0, err));
  sac_workers_wait(workers, 0, workers->at[0].life);
  if (sac_workers_failed(workers, 0, text)) return sac_error_set(err, SAC_BAD_ENV, "%s", text);
  memcpy(&workers->first, find_page(workers, 0), sizeof workers->first);
  size_t slot = sizeof(sac_worker_slot) + sizeof(double) * (size_t)workers->first.obs_dim;
  workers->slot_bytes = (slot + PAGE - 1) / PAGE * PAGE;
  SAC_TRY(share_memory(
      workers, pages_bytes(workers) + (size_t)workers->options.slots * workers->slot_bytes, err));
  find_page(workers, 0)->slot_bytes = workers->slot_bytes;
  return SAC_OK;
}

static sac_status allocate(sac_workers *workers, sac_error *err) {
  int count = workers->options.count, slots = workers->options.slots;
  workers->taken = calloc((size_t)slots, sizeof *workers->taken);
  bool enough = workers->taken != NULL;
  for (int i = 0; i < count; i++) {
    worker *self = &workers->at[i];
    pthread_mutex_init(&self->lock, NULL);
    // an environment has at most three commands waiting: a last step, to be made, to begin
    self->room = 3 * (slots / count + 1);
    self->queue = calloc((size_t)self->room, sizeof *self->queue);
    enough = enough && self->queue;
  }
  if (!enough) return sac_error_set(err, SAC_FAILED, "no memory for %d workers", count);
  return share_memory(workers, pages_bytes(workers), err);
}

sac_status sac_workers_open(const sac_workers_options *options, sac_workers **workers,
                            sac_error *err) {
  size_t size = sizeof(sac_workers) + (size_t)options->count * sizeof(worker);
  sac_workers *self = *workers = calloc(1, size);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for %d workers", options->count);
  self->options = *options;
  self->memory = -1;
  sac_status status = allocate(self, err);
  if (status == SAC_OK) status = meet_first(self, err);
  if (status == SAC_OK) return SAC_OK;
  sac_workers_close(self);
  *workers = NULL;
  return status;
}

void sac_workers_close(sac_workers *workers) {
  if (!workers) return;
  double end_s = sac_clock_s() + close_limit_s;
  for (int i = 0; i < workers->options.count; i++)
    if (workers->at[i].process.id > 0) shutdown(workers->at[i].process.socket, SHUT_RDWR);
  for (int i = 0; i < workers->options.count; i++) {
    sac_process_end(&workers->at[i].process, end_s - sac_clock_s(), NULL, 0);
    pthread_mutex_destroy(&workers->at[i].lock);
    free(workers->at[i].queue);
  }
  if (workers->base) munmap(workers->base, workers->bytes);
  if (workers->memory >= 0) close(workers->memory);
  free(workers->taken);
  free(workers);
}
