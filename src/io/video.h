// H.264 videos: ffmpeg as a child process that is handed raw pictures.
#pragma once

#include "base/status.h"
#include "sac/env.h"

typedef struct sac_video sac_video;

/// Start ffmpeg (found on PATH) on `path`, for pictures of this size, `frame_rate` a second. The
/// file gets its name in `close`. SAC_FAILED says what to install; SAC_BAD_DISK.
sac_status sac_video_open(const char *path, int width, int height, double frame_rate,
                          sac_video **video, sac_error *err);

/// Hand over one picture. SAC_FAILED when ffmpeg has ended, with the last line that it said;
/// SAC_BAD_DISK when that was for want of space.
sac_status sac_video_write(sac_video *video, const sac_picture *picture, sac_error *err);

/// Wait for ffmpeg and give the file its name; `video` is gone in any case.
sac_status sac_video_close(sac_video *video, sac_error *err);

/// Kill ffmpeg and remove what it wrote. NULL is fine.
void sac_video_abandon(sac_video *video);
