// A picture with memory of its own, and what tests ask of it.
#pragma once

#include <array>
#include <vector>

extern "C" {
#include "sac/env.h"
}

namespace sac_test {

using Pixel = std::array<int, 3>;

struct Picture {
  Picture(int width, int height) : bytes(3 * static_cast<size_t>(width * height), 7) {
    raw = {width, height, bytes.data(), nullptr, nullptr};
  }
  ~Picture() {
    if (raw.release) raw.release(raw.context);
  }
  Picture(const Picture &) = delete;
  Picture &operator=(const Picture &) = delete;

  Pixel at(int x, int y) const {
    const uint8_t *pixel = bytes.data() + 3 * (y * raw.width + x);
    return {pixel[0], pixel[1], pixel[2]};
  }
  /// Pixels unlike the one at the top left.
  int drawn() const {
    int count = 0;
    for (int i = 0; i < raw.width * raw.height; i++)
      count += at(i % raw.width, i / raw.width) != at(0, 0);
    return count;
  }

  std::vector<uint8_t> bytes;
  sac_picture raw;
};

}  // namespace sac_test
