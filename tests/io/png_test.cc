// PNG files, decoded here by zlib alone.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "io/png.h"
}

namespace {

size_t number(const uint8_t *at) {
  return static_cast<size_t>(at[0]) << 24 | static_cast<size_t>(at[1]) << 16 |
         static_cast<size_t>(at[2]) << 8 | at[3];
}

struct Decoded {
  std::string chunks;  // names
  std::vector<uint8_t> header, rgb;
};

// undo the one filter that the encoder uses
std::vector<uint8_t> unfilter(const std::vector<uint8_t> &rows, size_t width, size_t height) {
  std::vector<uint8_t> rgb;
  for (size_t y = 0; y < height; y++) {
    const uint8_t *row = rows.data() + y * (3 * width + 1);
    EXPECT_EQ(row[0], 1);
    for (size_t i = 0; i < 3 * width; i++)
      rgb.push_back(static_cast<uint8_t>(row[1 + i] + (i < 3 ? 0 : rgb[rgb.size() - 3])));
  }
  return rgb;
}

Decoded decode(const std::vector<uint8_t> &file) {
  Decoded out;
  std::vector<uint8_t> packed;
  EXPECT_EQ(std::memcmp(file.data(), "\x89PNG\r\n\x1a\n", 8), 0);
  for (size_t at = 8; at + 12 <= file.size();) {
    size_t size = number(&file[at]);
    EXPECT_LE(at + 12 + size, file.size());
    const uint8_t *name = &file[at + 4], *data = name + 4;
    EXPECT_EQ(number(data + size), crc32(0, name, static_cast<uInt>(size + 4)));
    out.chunks += std::string(name, data) + " ";
    if (std::memcmp(name, "IHDR", 4) == 0) out.header.assign(data, data + size);
    if (std::memcmp(name, "IDAT", 4) == 0) packed.insert(packed.end(), data, data + size);
    at += 12 + size;
  }
  size_t width = number(&out.header[0]), height = number(&out.header[4]);
  uLongf length = height * (3 * width + 1);
  std::vector<uint8_t> rows(length);
  EXPECT_EQ(uncompress(rows.data(), &length, packed.data(), packed.size()), Z_OK);
  EXPECT_EQ(length, rows.size());
  out.rgb = unfilter(rows, width, height);
  return out;
}

std::vector<uint8_t> encode(int width, int height, std::vector<uint8_t> *rgb) {
  sac_picture picture = {width, height, rgb->data(), nullptr, nullptr};
  uint8_t *bytes = nullptr;
  size_t size = 0;
  sac_error err = {};
  EXPECT_EQ(sac_png_encode(&picture, &bytes, &size, &err), SAC_OK) << err.text;
  std::vector<uint8_t> file(bytes, bytes + size);
  std::free(bytes);
  return file;
}

TEST(Png, DecodesToTheSamePixels) {
  std::mt19937 random(1);
  for (auto [width, height] : {std::pair{1, 1}, std::pair{3, 2}, std::pair{64, 33},
                               std::pair{1, 700}, std::pair{257, 1}}) {
    std::vector<uint8_t> rgb(3 * static_cast<size_t>(width * height));
    for (uint8_t &value : rgb) value = static_cast<uint8_t>(random());
    Decoded out = decode(encode(width, height, &rgb));
    EXPECT_EQ(out.chunks, "IHDR IDAT IEND ");
    EXPECT_EQ(number(&out.header[0]), static_cast<size_t>(width));
    EXPECT_EQ(number(&out.header[4]), static_cast<size_t>(height));
    // eight bits, true colour, deflate, adaptive filters, not interlaced
    EXPECT_EQ(std::vector<uint8_t>(out.header.begin() + 8, out.header.end()),
              (std::vector<uint8_t>{8, 2, 0, 0, 0}));
    EXPECT_EQ(out.rgb, rgb);
  }
}

TEST(Png, APlainPictureIsSmall) {
  std::vector<uint8_t> rgb(3 * 480 * 480, 200);
  EXPECT_LT(encode(480, 480, &rgb).size(), 3000u);
}

}  // namespace
