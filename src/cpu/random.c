// Random draws: Philox words for many rows at once, and what is made of them.
#include "backend/formulas/random.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

// one block of four lanes of a row
typedef struct normals {
  sac_real at[4][SAC_CHUNK];
} normals;

static void draw_normals(const sac_normal_fill *op, int i, int first_block, int blocks,
                         normals *out) {
  uint32_t row[SAC_CHUNK], block[SAC_CHUNK];
  for (int b = 0; b < SAC_CHUNK; b++) {
    row[b] = (uint32_t)(op->first_row + (first_block + b) / blocks);
    block[b] = (uint32_t)((first_block + b) % blocks);
  }
  sac_lane_words words;
  sac_lanes_draw(op->key[i], op->purpose, *op->step, row, block, &words);
  for (int w = 0; w < 4; w += 2)
    for (int b = 0; b < SAC_CHUNK; b++)
      sac_normal_pair(words.at[w][b], words.at[w + 1][b], &out->at[w][b], &out->at[w + 1][b]);
}

static void fill_part(void *context, int i_part) {
  const sac_normal_fill *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  int blocks = (op->cols + 3) / 4;
  normals out;
  for (int first = part.first * blocks; first < part.end * blocks; first += SAC_CHUNK) {
    draw_normals(op, part.member, first, blocks, &out);
    int count = sac_chunk_count(first, part.end * blocks);
    for (int b = 0; b < count; b++) {
      int column = (first + b) % blocks * 4;
      sac_real *to = sac_stack_row(&op->out, part.member, (first + b) / blocks) + column;
      for (int lane = 0; lane < 4 && column + lane < op->cols; lane++) to[lane] = out.at[lane][b];
    }
  }
}

void SAC_CPU(normal_fill)(sac_backend *backend, const sac_normal_fill *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->cols * 32;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), fill_part, op);
}

void SAC_CPU(tick)(sac_backend *backend, uint64_t *counter) {
  (void)backend;
  *counter += 1;
}
