#include "io/video.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/files.h"
#include "io/child.h"

struct sac_video {
  sac_new_file file;
  bool has_file;
  sac_child *ffmpeg;  // NULL: not running
};

// yuv420p, which every player takes, needs even sizes; "file:" lets a path hold any character
static sac_status start_ffmpeg(sac_video *self, int width, int height, double frame_rate,
                               sac_error *err) {
  char size[32], rate[32], out[SAC_PATH_MAX + 8];
  snprintf(size, sizeof size, "%dx%d", width, height);
  snprintf(rate, sizeof rate, "%.9g", frame_rate);
  snprintf(out, sizeof out, "file:%s", self->file.temporary);
  char *arguments[] = {"ffmpeg",
                       "-hide_banner",
                       "-loglevel",
                       "error",
                       "-y",
                       "-f",
                       "rawvideo",
                       "-pixel_format",
                       "rgb24",
                       "-video_size",
                       size,
                       "-framerate",
                       rate,
                       "-i",
                       "pipe:0",
                       "-vf",
                       "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                       "-c:v",
                       "libx264",
                       "-crf",
                       "20",
                       "-pix_fmt",
                       "yuv420p",
                       "-movflags",
                       "+faststart",
                       "-f",
                       "mp4",
                       out,
                       NULL};
  sac_child_options options = {.program = "ffmpeg",
                               .arguments = arguments,
                               .output = -1,
                               .purpose = "a video",
                               .path = self->file.path,
                               .cure = "apt-get install ffmpeg, or ask for a .png or a folder"};
  return sac_child_start(&options, &self->ffmpeg, err);
}

sac_status sac_video_open(const char *path, int width, int height, double frame_rate,
                          sac_video **video, sac_error *err) {
  sac_video *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "%s: no memory for a video", path);
  sac_status status = sac_new_file_create(&self->file, path, err);
  self->has_file = status == SAC_OK;
  if (status == SAC_OK) status = start_ffmpeg(self, width, height, frame_rate, err);
  if (status == SAC_OK) *video = self;
  if (status != SAC_OK) sac_video_abandon(self);
  return status;
}

sac_status sac_video_write(sac_video *video, const sac_picture *picture, sac_error *err) {
  size_t size = (size_t)picture->width * (size_t)picture->height * 3;
  return sac_child_send(video->ffmpeg, picture->rgb, size, err);
}

sac_status sac_video_close(sac_video *video, sac_error *err) {
  sac_status status = sac_child_close(video->ffmpeg, err);
  if (status == SAC_OK)
    status = sac_new_file_commit(&video->file, err);
  else
    sac_new_file_abandon(&video->file);
  free(video);
  return status;
}

void sac_video_abandon(sac_video *video) {
  if (!video) return;
  sac_child_abandon(video->ffmpeg);
  if (video->has_file) sac_new_file_abandon(&video->file);
  free(video);
}
