// PNG files: a picture losslessly, eight bits a channel.
#pragma once

#include "base/status.h"
#include "sac/env.h"

/// The bytes of a PNG file of `picture`; the caller frees `*bytes`.
sac_status sac_png_encode(const sac_picture *picture, uint8_t **bytes, size_t *size,
                          sac_error *err);
