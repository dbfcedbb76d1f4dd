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

// the part of a row that holds a transition; the rest pads it to cache lines
static size_t row_values(const sac_row_layout *layout) {
  return (size_t)(sac_row_next_obs(layout) + layout->obs_dim);
}

// remove the padding in place
static void pack_rows(const sac_row_layout *layout, size_t count, sac_real *rows) {
  size_t values = row_values(layout);
  for (size_t i = 1; i < count; i++)
    memmove(rows + i * values, rows + i * (size_t)layout->width, values * sizeof *rows);
}

static void name_block(sac_block *block, const void *rows, size_t bytes) {
  snprintf(block->name, sizeof block->name, "rows-%012llu-%06llu-%016llx.safetensors",
           (unsigned long long)block->first, (unsigned long long)block->count,
           (unsigned long long)XXH3_64bits(rows, bytes));
}

static sac_tensor block_tensor(const sac_block *block, size_t values) {
  return (sac_tensor){.name = "rows",
                      .dtype = SAC_DTYPE_REAL,
                      .rank = 2,
                      .shape = {(int64_t)block->count, (int64_t)values}};
}

static sac_status write_block(const sac_replay_log *log, const sac_replay *replay, int i_seed,
                              sac_block *block, sac_error *err) {
  size_t count = (size_t)block->count, values = row_values(&replay->layout);
  sac_real *rows = malloc(count * (size_t)replay->layout.width * sizeof *rows);
  if (!rows)
    return sac_error_set(err, SAC_FAILED, "no memory for a block of %zu transitions", count);
  sac_replay_read(replay, i_seed, block->first, count, rows);
  pack_rows(&replay->layout, count, rows);
  name_block(block, rows, count * values * sizeof *rows);
  char path[SAC_PATH_MAX];
  sac_safetensors_writer *writer = NULL;
  sac_status status = sac_path_join(path, log->folder, block->name, err);
  if (status == SAC_OK) status = sac_safetensors_writer_create(&writer, err);
  if (status == SAC_OK) {
    sac_tensor tensor = block_tensor(block, values);
    tensor.data = rows;
    sac_safetensors_add(writer, &tensor);
    status = sac_safetensors_write(writer, path, err);
  }
  sac_safetensors_writer_destroy(writer);
  free(rows);
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

// undo pack_rows
static void unpack_rows(const sac_row_layout *layout, size_t count, sac_real *rows) {
  size_t values = row_values(layout), width = (size_t)layout->width;
  for (size_t i = count; i-- > 0;) {
    memmove(rows + i * width, rows + i * values, values * sizeof *rows);
    memset(rows + i * width + values, 0, (width - values) * sizeof *rows);
  }
}

typedef struct restoration {
  sac_replay_log *log;
  sac_replay *replay;
  int i_seed;
} restoration;

// the live rows of one block go to their places in the ring
static sac_status restore_block(void *context, const sac_block *block, const sac_safetensors *file,
                                uint64_t from, uint64_t to, sac_error *err) {
  restoration *self = context;
  const sac_row_layout *layout = &self->replay->layout;
  size_t width = (size_t)layout->width;
  sac_real *rows = malloc((size_t)block->count * width * sizeof *rows);
  if (!rows) return sac_error_set(err, SAC_FAILED, "no memory for a block of the replay");
  sac_tensor wanted = block_tensor(block, row_values(layout));
  sac_status status = sac_safetensors_get_reals(file, &wanted, rows, err);
  if (status == SAC_OK) {
    unpack_rows(layout, (size_t)block->count, rows);
    sac_replay_write(self->replay, self->i_seed, from, (size_t)(to - from),
                     rows + (size_t)(from - block->first) * width);
    status = append_block(self->log, block, err);
  }
  free(rows);
  return status;
}

sac_status sac_replay_log_load(sac_replay_log *log, const char *list, const sac_live_rows *live,
                               sac_replay *replay, int i_seed, sac_error *err) {
  restoration self = {log, replay, i_seed};
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
