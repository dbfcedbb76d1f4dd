// The child's standard input is a socket: a write to one whose reader has died is an error of that
// call, where a pipe would raise a signal. What it says goes to a file in memory.
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SAID_MAX = 4096 };

struct sac_child {
  sac_child_options options;
  pid_t process;  // 0: not running
  int input;      // our end of its standard input, or -1
  int said;       // what it said, or -1
};

// a group of its own: Ctrl-C is for us, who then end the child
static int spawn_with(const posix_spawn_file_actions_t *actions, sac_child *self) {
  char *const *arguments = self->options.arguments;
  posix_spawnattr_t attributes;
  int failed = posix_spawnattr_init(&attributes);
  if (failed) return failed;
  failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  if (!failed)
    failed = posix_spawnp(&self->process, self->options.program, actions, &attributes, arguments,
                          environ);
  posix_spawnattr_destroy(&attributes);
  return failed;
}

static int direct_output(posix_spawn_file_actions_t *actions, int output) {
  if (output >= 0) return posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
  return posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
}

// `input` and the files of self become the child's standard files
static int spawn(sac_child *self, int input) {
  posix_spawn_file_actions_t actions;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (!failed) failed = direct_output(&actions, self->options.output);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, self->said, STDERR_FILENO);
  if (!failed) failed = spawn_with(&actions, self);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

static sac_status start_program(sac_child *self, int input, sac_error *err) {
  const sac_child_options *options = &self->options;
  int failed = spawn(self, input);
  if (!failed) return SAC_OK;
  self->process = 0;
  if (failed == ENOENT)
    return sac_error_set(err, SAC_FAILED, "%s needs %s, which is not on PATH: %s", options->purpose,
                         options->program, options->cure);
  return sac_error_set(err, SAC_FAILED, "%s cannot be run: %s: %s", options->program,
                       strerror(failed), options->cure);
}

static sac_status open_pipe(sac_child *self, sac_error *err) {
  int ends[2];
  self->said = memfd_create("said", MFD_CLOEXEC);
  if (self->said < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return sac_error_set(err, SAC_FAILED, "no way to speak to %s: %s", self->options.program,
                         strerror(errno));
  self->input = ends[0];
  sac_status status = start_program(self, ends[1], err);
  close(ends[1]);
  return status;
}

sac_status sac_child_start(const sac_child_options *options, sac_child **child, sac_error *err) {
  sac_child *self = malloc(sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for %s", options->purpose);
  *self = (sac_child){.options = *options, .input = -1, .said = -1};
  sac_status status = open_pipe(self, err);
  if (status == SAC_OK) *child = self;
  if (status != SAC_OK) sac_child_abandon(self);
  return status;
}

static int wait_for_end(sac_child *self) {
  int result = -1;
  if (self->input >= 0) close(self->input);
  self->input = -1;
  while (self->process > 0 && waitpid(self->process, &result, 0) < 0 && errno == EINTR) {
  }
  self->process = 0;
  return result;
}

// what it said at its end, as text
static void read_said(const sac_child *self, char *text) {
  off_t end = lseek(self->said, 0, SEEK_END), from = end > SAID_MAX - 1 ? end - (SAID_MAX - 1) : 0;
  ssize_t got = pread(self->said, text, SAID_MAX - 1, from);
  text[got > 0 ? got : 0] = '\0';
  for (size_t n = strlen(text); n > 0 && strchr(" \r\n", text[n - 1]); n--) text[n - 1] = '\0';
}

// `result` as of waitpid
static sac_status tell_failure(const sac_child *self, int result, sac_error *err) {
  char text[SAID_MAX], how[64];
  read_said(self, text);
  const char *last = strrchr(text, '\n');
  last = last ? last + 1 : text;
  if (WIFSIGNALED(result))
    snprintf(how, sizeof how, "was killed by signal %d", WTERMSIG(result));
  else
    snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(result));
  bool full = strstr(text, strerror(ENOSPC)) != NULL;
  return sac_error_set(err, full ? SAC_BAD_DISK : SAC_FAILED, "%s: %s %s: %.1000s%s",
                       self->options.path, self->options.program, how,
                       *last ? last : "it did not say why", full ? " (the disk is full)" : "");
}

sac_status sac_child_send(sac_child *child, const void *bytes, size_t size, sac_error *err) {
  const char *at = bytes;
  while (size > 0) {
    ssize_t sent = send(child->input, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return tell_failure(child, wait_for_end(child), err);
    at += sent;
    size -= (size_t)sent;
  }
  return SAC_OK;
}

static void release(sac_child *child) {
  if (child->said >= 0) close(child->said);
  free(child);
}

sac_status sac_child_close(sac_child *child, sac_error *err) {
  int result = wait_for_end(child);
  sac_status status = result == 0 ? SAC_OK : tell_failure(child, result, err);
  release(child);
  return status;
}

void sac_child_abandon(sac_child *child) {
  if (!child) return;
  if (child->process > 0) kill(child->process, SIGKILL);
  wait_for_end(child);
  release(child);
}
