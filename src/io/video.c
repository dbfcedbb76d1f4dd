// The child's standard input is a socket: a write to one whose reader has died is an error of that
// call, where a pipe would raise a signal. What it says goes to a file in memory.
#include "io/video.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"

extern char **environ;

enum { SAID_MAX = 4096 };

struct sac_video {
  sac_new_file file;
  bool has_file;
  pid_t ffmpeg;  // 0: not running
  int input;     // where pictures go, or -1
  int said;      // what ffmpeg said, or -1
};

#define SAC_VIDEO_CURE "apt-get install ffmpeg, or ask for a .png or a folder"

// a group of its own: Ctrl-C is for us, who then end the child
static int spawn_with(const posix_spawn_file_actions_t *actions, char *const *arguments,
                      pid_t *child) {
  posix_spawnattr_t attributes;
  int failed = posix_spawnattr_init(&attributes);
  if (failed) return failed;
  failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  if (!failed) failed = posix_spawnp(child, arguments[0], actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  return failed;
}

// `input` and `said` become the child's standard files
static int spawn(char *const *arguments, int input, int said, pid_t *child) {
  posix_spawn_file_actions_t actions;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (!failed)
    failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
  if (!failed) failed = spawn_with(&actions, arguments, child);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

// yuv420p, which every player takes, needs even sizes; "file:" lets a path hold any character
static sac_status start_ffmpeg(sac_video *self, int width, int height, double frame_rate, int input,
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
  int failed = spawn(arguments, input, self->said, &self->ffmpeg);
  if (!failed) return SAC_OK;
  self->ffmpeg = 0;
  if (failed == ENOENT)
    return sac_error_set(err, SAC_FAILED, "a video needs ffmpeg, which is not on PATH: %s",
                         SAC_VIDEO_CURE);
  return sac_error_set(err, SAC_FAILED, "ffmpeg cannot be run: %s: %s", strerror(failed),
                       SAC_VIDEO_CURE);
}

static sac_status open_pipe(sac_video *self, int width, int height, double frame_rate,
                            sac_error *err) {
  int ends[2];
  self->said = memfd_create("ffmpeg", MFD_CLOEXEC);
  if (self->said < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return sac_error_set(err, SAC_FAILED, "no way to speak to ffmpeg: %s", strerror(errno));
  self->input = ends[0];
  sac_status status = start_ffmpeg(self, width, height, frame_rate, ends[1], err);
  close(ends[1]);
  return status;
}

sac_status sac_video_open(const char *path, int width, int height, double frame_rate,
                          sac_video **video, sac_error *err) {
  sac_video *self = malloc(sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "%s: no memory for a video", path);
  *self = (sac_video){.input = -1, .said = -1};
  sac_status status = sac_new_file_create(&self->file, path, err);
  self->has_file = status == SAC_OK;
  if (status == SAC_OK) status = open_pipe(self, width, height, frame_rate, err);
  if (status == SAC_OK) *video = self;
  if (status != SAC_OK) sac_video_abandon(self);
  return status;
}

static int wait_for_ffmpeg(sac_video *self) {
  int result = -1;
  if (self->input >= 0) close(self->input);
  self->input = -1;
  while (self->ffmpeg > 0 && waitpid(self->ffmpeg, &result, 0) < 0 && errno == EINTR) {
  }
  self->ffmpeg = 0;
  return result;
}

// what ffmpeg said at its end, as text
static void read_said(const sac_video *self, char *text) {
  off_t end = lseek(self->said, 0, SEEK_END), from = end > SAID_MAX - 1 ? end - (SAID_MAX - 1) : 0;
  ssize_t got = pread(self->said, text, SAID_MAX - 1, from);
  text[got > 0 ? got : 0] = '\0';
  for (size_t n = strlen(text); n > 0 && strchr(" \r\n", text[n - 1]); n--) text[n - 1] = '\0';
}

// `result` as of waitpid
static sac_status tell_failure(const sac_video *self, int result, sac_error *err) {
  char text[SAID_MAX], how[64];
  read_said(self, text);
  const char *last = strrchr(text, '\n');
  last = last ? last + 1 : text;
  if (WIFSIGNALED(result))
    snprintf(how, sizeof how, "was killed by signal %d", WTERMSIG(result));
  else
    snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(result));
  bool full = strstr(text, strerror(ENOSPC)) != NULL;
  return sac_error_set(err, full ? SAC_BAD_DISK : SAC_FAILED, "%s: ffmpeg %s: %.1000s%s",
                       self->file.path, how, *last ? last : "it did not say why",
                       full ? " (the disk is full)" : "");
}

sac_status sac_video_write(sac_video *video, const sac_picture *picture, sac_error *err) {
  const uint8_t *at = picture->rgb;
  size_t left = (size_t)picture->width * (size_t)picture->height * 3;
  while (left > 0) {
    ssize_t sent = send(video->input, at, left, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return tell_failure(video, wait_for_ffmpeg(video), err);
    at += sent;
    left -= (size_t)sent;
  }
  return SAC_OK;
}

static void release(sac_video *video) {
  if (video->said >= 0) close(video->said);
  free(video);
}

sac_status sac_video_close(sac_video *video, sac_error *err) {
  int result = wait_for_ffmpeg(video);
  sac_status status = result == 0 ? SAC_OK : tell_failure(video, result, err);
  if (status == SAC_OK)
    status = sac_new_file_commit(&video->file, err);
  else
    sac_new_file_abandon(&video->file);
  release(video);
  return status;
}

void sac_video_abandon(sac_video *video) {
  if (!video) return;
  if (video->ffmpeg > 0) kill(video->ffmpeg, SIGKILL);
  wait_for_ffmpeg(video);
  if (video->has_file) sac_new_file_abandon(&video->file);
  release(video);
}
