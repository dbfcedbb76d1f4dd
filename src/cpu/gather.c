// The batch out of the replay: random rows of a ring far larger than the cache, so all rows of a
// part are asked for before the first is copied. The minibatches of a rollout, in shuffled passes.
// Scaling by running statistics.
#include "backend/formulas/gather.h"
#include "backend/formulas/random.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

static void copy_values(sac_real *to, const sac_real *from, int count) {
  int j = 0;
  for (; j + SAC_LANES <= count; j += SAC_LANES)
    sac_vector_store(to + j, sac_vector_load(from + j));
  for (; j < count; j++) to[j] = from[j];
}

static void ask_for(const sac_real *row, int width) {
  const char *at = (const char *)row;
  for (int byte = 0; byte < width * (int)sizeof *row; byte += 64) __builtin_prefetch(at + byte);
}

static void copy_row(const sac_replay_gather *op, int i, int row, const sac_real *from) {
  int obs_dim = op->layout.obs_dim, act_dim = op->layout.act_dim;
  const sac_real *rest = from + obs_dim + act_dim;
  copy_values(sac_stack_row(&op->now, i, row), from, obs_dim + act_dim);
  copy_values(sac_stack_row(&op->both, i, row), from, obs_dim);
  copy_values(sac_stack_row(&op->both, i, op->rows + row), rest + 2, obs_dim);
  *sac_stack_row(&op->reward, i, row) = rest[0];
  *sac_stack_row(&op->terminated, i, row) = rest[1];
}

// what a window of several steps changes in its row
static void copy_window(const sac_replay_gather *op, int i, int row, size_t place) {
  sac_window window = sac_window_begin(op, i, place);
  while (sac_window_advance(op, i, &window)) continue;
  const sac_real *last = sac_window_row(op, i, window.place);
  const sac_real *rest = last + op->layout.obs_dim + op->layout.act_dim;
  copy_values(sac_stack_row(&op->both, i, op->rows + row), rest + 2, op->layout.obs_dim);
  *sac_stack_row(&op->reward, i, row) = window.reward;
  *sac_stack_row(&op->terminated, i, row) = rest[1];
  *sac_stack_row(&op->discount, i, row) = window.factor;
}

// indices of rows [first, first + SAC_CHUNK)
static void draw_indices(const sac_replay_gather *op, int i, int first, uint32_t index[SAC_CHUNK]) {
  uint32_t row[SAC_CHUNK], block[SAC_CHUNK] = {0}, stored = (uint32_t)op->count[i];
  for (int r = 0; r < SAC_CHUNK; r++) row[r] = (uint32_t)(first + r);
  sac_lane_words words;
  sac_lanes_draw(op->key[i], SAC_DRAW_REPLAY, *op->update, row, block, &words);
  for (int r = 0; r < SAC_CHUNK; r++)
    if (!sac_index_accept(words.at[0][r], stored, &index[r]))
      index[r] = sac_index_draw(op->key[i], SAC_DRAW_REPLAY, *op->update, row[r], stored);
}

static void take_indices(const sac_replay_gather *op, sac_rows_part part,
                         uint32_t index[SAC_PART_ROWS]) {
  const uint32_t *given = op->index ? op->index + (size_t)part.member * (size_t)op->rows : NULL;
  for (int row = part.first; given && row < part.end; row++) index[row - part.first] = given[row];
  for (int row = part.first; !given && row < part.end; row += SAC_CHUNK)
    draw_indices(op, part.member, row, index + (row - part.first));
}

static void gather_part(void *context, int i_part) {
  const sac_replay_gather *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  size_t width = (size_t)op->layout.width;
  const sac_real *ring = op->ring + (size_t)part.member * op->capacity * width;
  uint32_t index[SAC_PART_ROWS];
  take_indices(op, part, index);
  for (int row = part.first; row < part.end; row++)
    ask_for(ring + (size_t)index[row - part.first] * width, op->layout.width);
  for (int row = part.first; row < part.end; row++)
    copy_row(op, part.member, row, ring + (size_t)index[row - part.first] * width);
  for (int row = part.first; op->n_steps > 1 && row < part.end; row++)
    copy_window(op, part.member, row, index[row - part.first]);
}

void SAC_CPU(replay_gather)(sac_backend *backend, const sac_replay_gather *op) {
  for (int i = 0; i < op->n; i++)
    SAC_ASSERT(op->count[i] > 0 && op->count[i] <= op->capacity && op->count[i] <= UINT32_MAX);
  size_t work = (size_t)op->n * (size_t)op->rows * 512;  // each row waits for memory
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), gather_part, op);
}

static void shuffle_part(void *context, int i_part) {
  const sac_shuffle_gather *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  uint64_t total = (uint64_t)op->total, pass = UINT64_MAX;
  sac_words words[2] = {{{0}}};
  for (int row = part.first; row < part.end; row++) {
    uint64_t place = op->first + (uint64_t)row;
    if (place / total != pass) {
      pass = place / total;
      sac_shuffle_words(op->key[part.member], *op->update, pass, words);
    }
    uint32_t from = sac_shuffle_place(words, (uint32_t)(place % total), (uint32_t)total);
    copy_values(sac_stack_row(&op->y, part.member, row),
                sac_stack_row(&op->x, part.member, (int)from), op->cols);
  }
}

void SAC_CPU(shuffle_gather)(sac_backend *backend, const sac_shuffle_gather *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * ((size_t)op->cols + 128);
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), shuffle_part, op);
}

static void normalise_part(void *context, int i_part) {
  const sac_normalise *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  size_t first = (size_t)part.member * (size_t)op->cols;
  const sac_real *mean = op->mean + first, *scale = op->scale + first;
  for (int row = part.first; row < part.end; row++) {
    const sac_real *x = sac_stack_row(&op->x, part.member, row);
    sac_real *y = sac_stack_row(&op->y, part.member, row);
    for (int j = 0; j < op->cols; j++) y[j] = sac_normalised(x[j], mean[j], scale[j]);
  }
}

void SAC_CPU(normalise)(sac_backend *backend, const sac_normalise *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->cols;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), normalise_part, op);
}
