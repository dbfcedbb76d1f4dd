#include "data/replay_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/files.h"

sac_status sac_replay_log_open(sac_replay_log *log, const char *folder, sac_error *err) {
  *log = (sac_replay_log){0};
  if (snprintf(log->folder, sizeof log->folder, "%s", folder) < (int)sizeof log->folder)
    return SAC_OK;
  return sac_error_set(err, SAC_BAD_DISK, "%.80s...: the path is too long", folder);
}

void sac_replay_log_close(sac_replay_log *log) {
  free(log->blocks);
  log->blocks = NULL;
  log->n_blocks = 0;
}

static sac_status append_block(sac_replay_log *log, const sac_block *block, sac_error *err) {
  sac_block *grown = realloc(log->blocks, (size_t)(log->n_blocks + 1) * sizeof *grown);
  if (!grown) return sac_error_set(err, SAC_FAILED, "no memory for the list of replay blocks");
  log->blocks = grown;
  log->blocks[log->n_blocks++] = *block;
  return SAC_OK;
}

// the rest of a row pads it to cache lines
static size_t row_values(const sac_row_layout *layout) {
  return (size_t)layout->values;
}

// Rows on their way from the ring to a file, packed: a window that moves over the rows of one
// block.
enum { WINDOW_ROWS = 256 };

typedef struct row_window {
  const sac_replay *replay;
  int i_seed;
  uint64_t block_first, block_count;
  size_t begin, end;  // rows of the block that `rows` holds now
  sac_real *rows;     // (WINDOW_ROWS, width), of which the first part is packed
} row_window;

static void move_window(row_window *window, size_t begin) {
  const sac_row_layout *layout = &window->replay->layout;
  size_t values = row_values(layout), left = (size_t)window->block_count - begin;
  window->begin = begin;
  window->end = begin + (left < WINDOW_ROWS ? left : WINDOW_ROWS);
  sac_replay_read(window->replay, window->i_seed, window->block_first + begin, window->end - begin,
                  window->rows);
  for (size_t i = 1; i < window->end - begin; i++)
    memmove(window->rows + i * values, window->rows + i * (size_t)layout->width,
            values * sizeof *window->rows);
}

// bytes [offset, offset + count) of the packed block
static sac_status fill_rows(void *context, size_t offset, void *bytes, size_t count,
                            sac_error *err) {
  row_window *window = context;
  size_t row_bytes = row_values(&window->replay->layout) * sizeof *window->rows;
  for (char *to = bytes; count > 0;) {
    size_t row = offset / row_bytes;
    if (row < window->begin || row >= window->end) move_window(window, row);
    size_t within = offset - window->begin * row_bytes,
           ready = (window->end - window->begin) * row_bytes - within;
    size_t part = count < ready ? count : ready;
    memcpy(to, (const char *)window->rows + within, part);
    to += part;
    offset += part;
    count -= part;
  }
  sac_backend *backend = window->replay->backend;
  return backend->ops->sync(backend, err);
}

// XXH3 of the packed rows
static sac_status hash_block(row_window *window, unsigned long long *digest, sac_error *err) {
  size_t row_bytes = row_values(&window->replay->layout) * sizeof *window->rows;
  XXH3_state_t *hash = XXH3_createState();
  if (!hash) return sac_error_set(err, SAC_FAILED, "no memory for a hash");
  XXH3_64bits_reset(hash);
  for (size_t row = 0; row < window->block_count; row = window->end) {
    move_window(window, row);
    XXH3_64bits_update(hash, window->rows, (window->end - row) * row_bytes);
  }
  *digest = XXH3_64bits_digest(hash);
  XXH3_freeState(hash);
  return SAC_OK;
}

static sac_status name_block(sac_block *block, row_window *window, sac_error *err) {
  unsigned long long digest = 0;
  SAC_TRY(hash_block(window, &digest, err));
  snprintf(block->name, sizeof block->name, "rows-%012llu-%06llu-%016llx.safetensors",
           (unsigned long long)block->first, (unsigned long long)block->count, digest);
  return SAC_OK;
}

static sac_status write_rows(const sac_replay_log *log, sac_block *block, row_window *window,
                             sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_safetensors_writer *writer = NULL;
  SAC_TRY(name_block(block, window, err));
  SAC_TRY(sac_path_join(path, log->folder, block->name, err));
  SAC_TRY(sac_safetensors_writer_create(&writer, err));
  sac_tensor tensor = {
      .name = "rows", .dtype = SAC_DTYPE_REAL, .rank = 2, .fill = fill_rows, .context = window};
  tensor.shape[0] = (int64_t)block->count;
  tensor.shape[1] = (int64_t)row_values(&window->replay->layout);
  sac_safetensors_add(writer, &tensor);
  sac_status status = sac_safetensors_write(writer, path, err);
  sac_safetensors_writer_destroy(writer);
  return status;
}

static sac_status write_block(const sac_replay_log *log, const sac_replay *replay, int i_seed,
                              sac_block *block, sac_error *err) {
  row_window window = {
      .replay = replay, .i_seed = i_seed, .block_first = block->first, .block_count = block->count};
  window.rows = malloc(WINDOW_ROWS * (size_t)replay->layout.width * sizeof *window.rows);
  if (!window.rows) return sac_error_set(err, SAC_FAILED, "no memory to save transitions");
  sac_status status = write_rows(log, block, &window, err);
  free(window.rows);
  return status;
}

static void drop_dead_blocks(sac_replay_log *log, const sac_replay *replay) {
  uint64_t first_live = replay->pushed - sac_replay_count(replay);
  int kept = 0;
  for (int i = 0; i < log->n_blocks; i++)
    if (log->blocks[i].first + log->blocks[i].count > first_live)
      log->blocks[kept++] = log->blocks[i];
  log->n_blocks = kept;
}

sac_status sac_replay_log_save(sac_replay_log *log, const sac_replay *replay, int i_seed,
                               sac_error *err) {
  uint64_t first_live = replay->pushed - sac_replay_count(replay), saved = first_live;
  if (log->n_blocks > 0) {
    const sac_block *last = &log->blocks[log->n_blocks - 1];
    if (last->first + last->count > saved) saved = last->first + last->count;
  }
  while (saved < replay->pushed) {
    sac_block block = {.first = saved, .count = replay->pushed - saved};
    if (block.count > SAC_BLOCK_ROWS) block.count = SAC_BLOCK_ROWS;
    SAC_TRY(write_block(log, replay, i_seed, &block, err));
    SAC_TRY(append_block(log, &block, err));
    saved += block.count;
  }
  drop_dead_blocks(log, replay);
  return SAC_OK;
}

char *sac_replay_log_list(const sac_replay_log *log) {
  size_t size = (size_t)log->n_blocks * sizeof log->blocks->name + 1, used = 0;
  char *text = calloc(1, size);
  for (int i = 0; text && i < log->n_blocks; i++)
    used +=
        (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", log->blocks[i].name);
  return text;
}

// the next name of a list, with what it says of itself; false at the end
static bool next_block(const char **list, sac_block *block) {
  size_t length = strcspn(*list += strspn(*list, " "), " ");
  if (length == 0) return false;
  snprintf(block->name, sizeof block->name, "%.*s", (int)(length < 79 ? length : 79), *list);
  *list += length;
  unsigned long long first = 0, count = 0;
  int matched = sscanf(block->name, "rows-%12llu-%6llu-", &first, &count);
  block->first = first;
  block->count = matched == 2 ? count : 0;
  return true;
}

// blocks follow each other without a gap, and the first one holds the first live row
static sac_status check_order(const sac_block *block, bool is_first, uint64_t next,
                              sac_error *err) {
  bool follows =
      is_first ? block->first <= next && block->first + block->count > next : block->first == next;
  if (block->count > 0 && block->count <= SAC_BLOCK_ROWS && follows) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "replay block %s does not follow at row %llu",
                       block->name, (unsigned long long)next);
}

static sac_status visit_block(const char *folder, const sac_block *block, const sac_live_rows *live,
                              const sac_block_visitor *visitor, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_safetensors *file = NULL;
  SAC_TRY(sac_path_join(path, folder, block->name, err));
  SAC_TRY(sac_safetensors_open(path, true, &file, err));
  const sac_tensor *rows = sac_safetensors_find(file, "rows");
  uint64_t first_live = live->pushed - live->count, end = block->first + block->count;
  uint64_t from = block->first > first_live ? block->first : first_live;
  uint64_t to = end < live->pushed ? end : live->pushed;
  sac_status status = SAC_OK;
  if (!rows || rows->rank != 2 || rows->shape[0] != (int64_t)block->count) {
    status = sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: does not hold %llu rows", path,
                           (unsigned long long)block->count);
  } else if (from < to) {
    status = visitor->visit(visitor->context, block, file, from, to, err);
  }
  sac_safetensors_close(file);
  return status;
}

sac_status sac_replay_log_visit(const char *folder, const char *list, const sac_live_rows *live,
                                const sac_block_visitor *visitor, sac_error *err) {
  uint64_t next = live->pushed - live->count;
  sac_block block;
  for (bool is_first = true; next_block(&list, &block); is_first = false) {
    SAC_TRY(check_order(&block, is_first, next, err));
    SAC_TRY(visit_block(folder, &block, live, visitor, err));
    next = block.first + block.count;
  }
  if (next == live->pushed) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CHECKPOINT, "the replay blocks end at row %llu of %llu",
                       (unsigned long long)next, (unsigned long long)live->pushed);
}

typedef struct restoration {
  sac_replay_log *log;
  sac_replay *replay;
  int i_seed;
  size_t values;  // of a row in the file
} restoration;

// Packed rows of a file to their places in the ring, through a window with the padding of
// the ring. Rows saved without the last value do not tell where episodes begin: as if each did.
static sac_status restore_rows(const restoration *self, uint64_t first, size_t count,
                               const sac_real *packed, sac_error *err) {
  const sac_row_layout *layout = &self->replay->layout;
  size_t values = self->values, width = (size_t)layout->width;
  sac_real *rows = calloc(WINDOW_ROWS * width, sizeof *rows);
  if (!rows) return sac_error_set(err, SAC_FAILED, "no memory to restore transitions");
  for (size_t done = 0; done < count; done += WINDOW_ROWS) {
    size_t part = count - done < WINDOW_ROWS ? count - done : WINDOW_ROWS;
    for (size_t i = 0; i < part; i++) {
      rows[i * width + (size_t)sac_row_begins(layout)] = 1;
      memcpy(rows + i * width, packed + (done + i) * values, values * sizeof *rows);
    }
    sac_replay_write(self->replay, self->i_seed, first + done, part, rows);
  }
  free(rows);
  return SAC_OK;
}

// the live rows of one block go to their places in the ring
static sac_status restore_block(void *context, const sac_block *block, const sac_safetensors *file,
                                uint64_t from, uint64_t to, sac_error *err) {
  restoration *self = context;
  const sac_tensor *rows = sac_safetensors_find(file, "rows");
  size_t values = row_values(&self->replay->layout);
  if (rows->dtype == SAC_DTYPE_REAL && rows->shape[1] == (int64_t)values - 1) values--;
  if (rows->dtype != SAC_DTYPE_REAL || rows->shape[1] != (int64_t)values)
    return sac_error_set(err, SAC_BAD_CHECKPOINT, "%s: holds rows of %lld values, expected %zu",
                         sac_safetensors_path(file), (long long)rows->shape[1], values);
  const sac_real *data = rows->data;
  self->values = values;
  SAC_TRY(restore_rows(self, from, (size_t)(to - from),
                       data + (size_t)(from - block->first) * values, err));
  return append_block(self->log, block, err);
}

sac_status sac_replay_log_load(sac_replay_log *log, const char *list, const sac_live_rows *live,
                               sac_replay *replay, int i_seed, sac_error *err) {
  restoration self = {.log = log, .replay = replay, .i_seed = i_seed};
  sac_block_visitor visitor = {restore_block, &self};
  sac_replay_log_close(log);
  SAC_TRY(sac_replay_log_visit(log->folder, list, live, &visitor, err));
  sac_replay_set_pushed(replay, live->pushed);
  return SAC_OK;
}

static bool is_listed(const char *name, char *const *lists, int n) {
  for (int i = 0; i < n; i++)
    if (strstr(lists[i], name)) return true;
  return false;
}

sac_status sac_replay_log_prune(const char *folder, char *const *lists, int n, sac_error *err) {
  char **names, path[SAC_PATH_MAX];
  int count;
  SAC_TRY(sac_folder_list(folder, &names, &count, err));
  sac_status status = SAC_OK;
  for (int i = 0; i < count && status == SAC_OK; i++) {
    if (strncmp(names[i], "rows-", 5) != 0 || is_listed(names[i], lists, n)) continue;
    status = sac_path_join(path, folder, names[i], err);
    if (status == SAC_OK && unlink(path) != 0)
      status = sac_error_set(err, SAC_BAD_DISK, "%s: cannot be removed", path);
  }
  sac_names_free(names, count);
  return status;
}
