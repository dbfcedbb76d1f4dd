// PNG (ISO/IEC 15948): a signature and three chunks, the pixels deflated by zlib.
#include "io/png.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

// each byte of a row is written as its difference from the pixel to the left: far better to deflate
enum { FILTER_LEFT = 1, CHANNELS = 3, TRUE_COLOR = 2, HEADER = 13, CHUNK = 12, DEFLATE_LEVEL = 6 };

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

static void filter_row(const uint8_t *row, size_t size, uint8_t *out) {
  *out++ = FILTER_LEFT;
  memcpy(out, row, CHANNELS);
  for (size_t i = CHANNELS; i < size; i++) out[i] = (uint8_t)(row[i] - row[i - CHANNELS]);
}

static uint8_t *put_number(uint8_t *at, size_t number) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (24 - 8 * i));
  return at + 4;
}

// length, name, data and checksum; `data` may already stand in its place
static uint8_t *put_chunk(uint8_t *at, const char *name, const uint8_t *data, size_t size) {
  uint8_t *start = put_number(at, size);
  memcpy(start, name, 4);
  if (size > 0) memmove(start + 4, data, size);
  return put_number(start + 4 + size, crc32_z(0, start, 4 + size));
}

static uint8_t *put_header(uint8_t *at, const sac_picture *picture) {
  uint8_t header[HEADER] = {0};
  put_number(header, (size_t)picture->width);
  put_number(header + 4, (size_t)picture->height);
  header[8] = 8;  // bits a channel
  header[9] = TRUE_COLOR;
  memcpy(at, signature, sizeof signature);
  return put_chunk(at + sizeof signature, "IHDR", header, sizeof header);
}

sac_status sac_png_encode(const sac_picture *picture, uint8_t **bytes, size_t *size,
                          sac_error *err) {
  size_t row = (size_t)picture->width * CHANNELS, height = (size_t)picture->height;
  uLong raw = (uLong)(height * (row + 1)), packed = compressBound(raw);
  uint8_t *rows = malloc(raw);
  *bytes = malloc(sizeof signature + HEADER + 3 * CHUNK + packed);
  bool enough = rows && *bytes;
  for (size_t i = 0; enough && i < height; i++)
    filter_row(picture->rgb + i * row, row, rows + i * (row + 1));
  if (enough) {
    uint8_t *at = put_header(*bytes, picture), *data = at + 8;
    enough = compress2(data, &packed, rows, raw, DEFLATE_LEVEL) == Z_OK;
    if (enough)
      *size = (size_t)(put_chunk(put_chunk(at, "IDAT", data, packed), "IEND", NULL, 0) - *bytes);
  }
  free(rows);
  if (enough) return SAC_OK;
  free(*bytes);
  *bytes = NULL;
  return sac_error_set(err, SAC_FAILED, "no memory for a PNG of %d x %d pixels", picture->width,
                       picture->height);
}
