#include "data/replay.h"

#include "backend/formulas/priority.h"

sac_row_layout sac_row_layout_make(int obs_dim, int act_dim) {
  sac_row_layout layout = {.obs_dim = obs_dim, .act_dim = act_dim};
  int line = 64 / (int)sizeof(sac_real);
  layout.values = sac_row_values(&layout);
  layout.width = (layout.values + line - 1) / line * line;
  return layout;
}

sac_status sac_replay_check(const sac_replay *replay, int n_seeds, sac_error *err) {
  size_t row_bytes = (size_t)replay->layout.width * sizeof(sac_real) * (size_t)n_seeds;
  size_t bytes = replay->capacity * row_bytes;
  size_t available = replay->backend->ops->memory_available(replay->backend);
  if (available == 0 || bytes <= available) return SAC_OK;
  return sac_error_set(
      err, SAC_FAILED,
      "algorithm.buffer_size: %zu rows of %zu bytes%s need %.1f GB, this machine has %.1f GB "
      "available: at most %zu rows",
      replay->capacity, row_bytes, n_seeds > 1 ? " for all run.seeds" : "", (double)bytes / 1e9,
      (double)available / 1e9, available / row_bytes);
}

sac_status sac_replay_create(sac_backend *backend, sac_row_layout layout, int n_seeds,
                             size_t capacity, sac_replay *replay, sac_error *err) {
  *replay =
      (sac_replay){.backend = backend, .layout = layout, .n_seeds = n_seeds, .capacity = capacity};
  size_t bytes = sac_replay_bytes(replay);
  SAC_TRY(sac_replay_check(replay, n_seeds, err));
  void *memory = NULL;
  SAC_TRY(backend->ops->alloc(backend, bytes, &memory, err));
  replay->ring = memory;
  SAC_TRY(backend->ops->alloc(backend, (size_t)n_seeds * sizeof(uint64_t), &memory, err));
  replay->count_device = memory;
  return SAC_OK;
}

void sac_replay_release(sac_replay *replay) {
  void *memory[] = {replay->ring, replay->count_device, replay->pushed_device,
                    replay->priorities.nodes};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (memory[i]) replay->backend->ops->release(replay->backend, memory[i]);
  replay->ring = NULL;
  replay->count_device = replay->pushed_device = NULL;
  replay->priorities = (sac_priorities){0};
}

static sac_status allocate_priorities(sac_replay *replay, sac_error *err) {
  size_t n = (size_t)replay->n_seeds;
  size_t count =
      sac_priority_level_at(replay->capacity, sac_priority_top(replay->capacity)).first + 1;
  void *memory = NULL;
  SAC_TRY(replay->backend->ops->alloc(replay->backend, n * (count + 1) * sizeof(sac_real), &memory,
                                      err));
  replay->priorities = (sac_priorities){.n = replay->n_seeds,
                                        .capacity = replay->capacity,
                                        .count = count,
                                        .nodes = memory,
                                        .largest = (sac_real *)memory + n * count};
  for (int i = 0; i < replay->n_seeds; i++) sac_replay_reset_priorities(replay, i);
  return SAC_OK;
}

sac_status sac_replay_prepare(sac_replay *replay, const sac_config *cfg, sac_error *err) {
  replay->n_envs = (int)cfg->env.n_envs;
  if (cfg->algorithm.n_steps > 1) {
    void *memory = NULL;
    size_t bytes = (size_t)replay->n_seeds * sizeof(uint64_t);
    SAC_TRY(replay->backend->ops->alloc(replay->backend, bytes, &memory, err));
    replay->pushed_device = memory;
  }
  return cfg->algorithm.priority.enabled ? allocate_priorities(replay, err) : SAC_OK;
}

uint64_t sac_replay_count(const sac_replay *replay) {
  return replay->pushed < replay->capacity ? replay->pushed : replay->capacity;
}

static sac_real *row_at(const sac_replay *replay, int i_seed, uint64_t number) {
  size_t place = (size_t)i_seed * replay->capacity + (size_t)(number % replay->capacity);
  return replay->ring + place * (size_t)replay->layout.width;
}

// rows from number `first` on that lie one after the other before the ring wraps
static size_t rows_before_wrap(const sac_replay *replay, uint64_t first, size_t count) {
  size_t left = replay->capacity - (size_t)(first % replay->capacity);
  return count < left ? count : left;
}

void sac_replay_read(const sac_replay *replay, int i_seed, uint64_t first, size_t count,
                     sac_real *rows) {
  size_t width = (size_t)replay->layout.width;
  while (count > 0) {
    size_t run = rows_before_wrap(replay, first, count);
    replay->backend->ops->download(replay->backend, rows, row_at(replay, i_seed, first),
                                   run * width * sizeof(sac_real));
    rows += run * width;
    first += run;
    count -= run;
  }
}

// `move` is the backend's upload or copy
static void write_rows(sac_replay *replay, int i_seed, uint64_t first, size_t count,
                       const sac_real *rows,
                       void (*move)(sac_backend *, void *, const void *, size_t)) {
  size_t width = (size_t)replay->layout.width;
  while (count > 0) {
    size_t run = rows_before_wrap(replay, first, count);
    move(replay->backend, row_at(replay, i_seed, first), rows, run * width * sizeof(sac_real));
    rows += run * width;
    first += run;
    count -= run;
  }
}

void sac_replay_write(sac_replay *replay, int i_seed, uint64_t first, size_t count,
                      const sac_real *rows) {
  write_rows(replay, i_seed, first, count, rows, replay->backend->ops->upload);
}

void sac_replay_push(sac_replay *replay, int i_seed, const sac_real *rows, int count) {
  SAC_ASSERT((size_t)count <= replay->capacity);
  sac_replay_write(replay, i_seed, replay->pushed, (size_t)count, rows);
}

void sac_replay_take(sac_replay *replay, int i_seed, const sac_real *rows, int count) {
  SAC_ASSERT((size_t)count <= replay->capacity);
  write_rows(replay, i_seed, replay->pushed, (size_t)count, rows, replay->backend->ops->copy);
}

// tell the device, where it reads them, the rows stored so far
static void upload_counts(sac_replay *replay, uint64_t before) {
  const sac_ops *ops = replay->backend->ops;
  bool grows = before < replay->capacity || replay->pushed < replay->capacity;
  uint64_t count = sac_replay_count(replay);
  for (int i = 0; i < replay->n_seeds; i++) {
    if (grows) ops->upload(replay->backend, replay->count_device + i, &count, sizeof count);
    if (replay->pushed_device)
      ops->upload(replay->backend, replay->pushed_device + i, &replay->pushed,
                  sizeof replay->pushed);
  }
}

void sac_replay_advance(sac_replay *replay, int count) {
  uint64_t before = replay->pushed;
  replay->pushed += (uint64_t)count;
  upload_counts(replay, before);
  if (!replay->priorities.nodes || count == 0) return;
  sac_priority_enter step = {.priorities = replay->priorities,
                             .first = (size_t)(before % replay->capacity),
                             .count = (size_t)count,
                             .mode = SAC_PRIORITY_APPEND};
  replay->backend->ops->priority_enter(replay->backend, &step);
}

void sac_replay_set_pushed(sac_replay *replay, uint64_t pushed) {
  uint64_t before = replay->pushed;
  replay->pushed = pushed;
  upload_counts(replay, before);
}

sac_priorities sac_replay_priorities(const sac_replay *replay, int i_seed) {
  sac_priorities own = replay->priorities;
  own.n = 1;
  own.nodes += (size_t)i_seed * own.count;
  own.largest += i_seed;
  return own;
}

// live rows lie at the first places, or at all of them
static void enter_live(sac_replay *replay, int i_seed, sac_priority_mode mode) {
  sac_priority_enter step = {.priorities = sac_replay_priorities(replay, i_seed),
                             .count = (size_t)sac_replay_count(replay),
                             .mode = mode};
  replay->backend->ops->priority_enter(replay->backend, &step);
}

void sac_replay_reset_priorities(sac_replay *replay, int i_seed) {
  const sac_real one = 1;
  sac_priorities own = sac_replay_priorities(replay, i_seed);
  replay->backend->ops->upload(replay->backend, own.largest, &one, sizeof one);
  enter_live(replay, i_seed, SAC_PRIORITY_RESET);
}

void sac_replay_sum_priorities(sac_replay *replay, int i_seed) {
  enter_live(replay, i_seed, SAC_PRIORITY_GIVEN);
}
