// How long an episode will be is not known at its start: every stride-th picture is held, and each
// time the room is used up every second one is dropped and the stride doubled.
#include "train/contact_sheet.h"

#include <stdlib.h>
#include <string.h>

enum {
  SQUARE = 4,  // columns and rows of a single episode
  ROW = 8,     // columns of several
  HELD = 4 * SQUARE * SQUARE,
  GAP = 4,
  PAPER = 225
};

struct sac_contact_sheet {
  sac_picture all;
  int columns, episodes, tile_width, tile_height;
  int shown;       // pictures of one episode
  int first_tile;  // of the present episode
  int64_t stride;
  int count;      // pictures held
  uint8_t *held;  // (HELD, tile_height, tile_width, 3)
};

static size_t tile_bytes(const sac_contact_sheet *sheet) {
  return (size_t)sheet->tile_width * (size_t)sheet->tile_height * 3;
}

sac_status sac_contact_sheet_create(int episodes, int width, int height, sac_contact_sheet **sheet,
                                    sac_error *err) {
  sac_contact_sheet *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for a contact sheet");
  self->columns = episodes == 1 ? SQUARE : ROW;
  self->episodes = episodes < SAC_CONTACT_SHEET_ROWS ? episodes : SAC_CONTACT_SHEET_ROWS;
  self->shown = episodes == 1 ? SQUARE * SQUARE : ROW;
  self->tile_width = width / 2;
  self->tile_height = height / 2;
  self->stride = 1;
  int rows = self->episodes * self->shown / self->columns;
  self->all.width = GAP + self->columns * (self->tile_width + GAP);
  self->all.height = GAP + rows * (self->tile_height + GAP);
  size_t bytes = (size_t)self->all.width * (size_t)self->all.height * 3;
  self->all.rgb = malloc(bytes);
  self->held = malloc(HELD * tile_bytes(self));
  if (self->all.rgb && self->held) {
    memset(self->all.rgb, PAPER, bytes);
    *sheet = self;
    return SAC_OK;
  }
  sac_contact_sheet_destroy(self);
  return sac_error_set(err, SAC_FAILED, "no memory for a contact sheet of %d episodes", episodes);
}

void sac_contact_sheet_destroy(sac_contact_sheet *sheet) {
  if (!sheet) return;
  free(sheet->all.rgb);
  free(sheet->held);
  free(sheet);
}

bool sac_contact_sheet_wants(const sac_contact_sheet *sheet, int64_t step) {
  return sheet->first_tile < sheet->episodes * sheet->shown && step == sheet->count * sheet->stride;
}

static void thin_out(sac_contact_sheet *sheet) {
  size_t size = tile_bytes(sheet);
  for (int i = 1; 2 * i < sheet->count; i++)
    memcpy(sheet->held + (size_t)i * size, sheet->held + 2 * (size_t)i * size, size);
  sheet->count = (sheet->count + 1) / 2;
  sheet->stride *= 2;
}

// the mean of four pixels each
static void halve(const sac_picture *picture, int width, int height, uint8_t *out) {
  size_t row = (size_t)picture->width * 3;
  for (int y = 0; y < height; y++) {
    const uint8_t *from = picture->rgb + 2 * (size_t)y * row;
    for (int x = 0; x < width; x++, from += 6)
      for (int i = 0; i < 3; i++)
        *out++ = (uint8_t)((from[i] + from[3 + i] + from[row + (size_t)i] +
                            from[row + (size_t)i + 3] + 2) /
                           4);
  }
}

void sac_contact_sheet_add(sac_contact_sheet *sheet, const sac_picture *picture) {
  halve(picture, sheet->tile_width, sheet->tile_height,
        sheet->held + (size_t)sheet->count * tile_bytes(sheet));
  if (++sheet->count == HELD) thin_out(sheet);
}

static void lay_tile(sac_contact_sheet *sheet, int tile, const uint8_t *from) {
  int left = GAP + tile % sheet->columns * (sheet->tile_width + GAP);
  int top = GAP + tile / sheet->columns * (sheet->tile_height + GAP);
  size_t row = (size_t)sheet->tile_width * 3;
  for (int y = 0; y < sheet->tile_height; y++) {
    size_t at = (size_t)(top + y) * (size_t)sheet->all.width + (size_t)left;
    memcpy(sheet->all.rgb + 3 * at, from + (size_t)y * row, row);
  }
}

void sac_contact_sheet_end_episode(sac_contact_sheet *sheet) {
  if (sheet->count == 0) return;
  int chosen = sheet->count < sheet->shown ? sheet->count : sheet->shown;
  for (int i = 0; i < chosen; i++) {
    int last = chosen > 1 ? chosen - 1 : 1;
    int at = (i * (sheet->count - 1) + last / 2) / last;
    lay_tile(sheet, sheet->first_tile + i, sheet->held + (size_t)at * tile_bytes(sheet));
  }
  sheet->first_tile += sheet->shown;
  sheet->stride = 1;
  sheet->count = 0;
}

const sac_picture *sac_contact_sheet_picture(const sac_contact_sheet *sheet) {
  return &sheet->all;
}
