#include "env/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

// the text of gym_worker.py
__asm__(
    ".pushsection .rodata\n"
    "sac_gym_worker_text: .incbin \"src/env/gym_worker.py\"\n"
    "sac_gym_worker_end: .byte 0\n"
    ".popsection\n");
extern const char sac_gym_worker_text[] __attribute__((visibility("hidden")));
extern const char sac_gym_worker_end[] __attribute__((visibility("hidden")));

// descriptors of the process: above those that it prints to
enum { MEMORY = 3, SOCKET, PROGRAM, N_DESCRIPTORS, ABOVE = 16 };

static const char *const boot = "exec(compile(open(5).read(), 'gym_worker.py', 'exec'))";

// what the child needs, made before the fork: between it and exec nothing may allocate
typedef struct launch {
  int source[N_DESCRIPTORS];  // -1: from /dev/null
  pid_t parent;
  const sac_process_options *options;
} launch;

static void run_child(const launch *it) {
  const sac_process_options *options = it->options;
  char *arguments[] = {(char *)options->python,
                       "-u",
                       "-c",
                       (char *)boot,
                       (char *)options->arguments[0],
                       (char *)options->arguments[1],
                       (char *)options->arguments[2],
                       NULL};
  int high[N_DESCRIPTORS];
  sigset_t none;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != it->parent) _exit(0);
  setpgid(0, 0);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int i = 0; i < N_DESCRIPTORS; i++) high[i] = fcntl(it->source[i], F_DUPFD_CLOEXEC, ABOVE);
  for (int i = 0; i < N_DESCRIPTORS; i++) dup2(high[i], i);
  syscall(SYS_close_range, N_DESCRIPTORS, ~0U, 0);
  execvp(options->python, arguments);
  *options->exec_errno = errno;
  _exit(127);
}

// the program as a file that only its reader has
static int open_program(void) {
  size_t size = (size_t)(sac_gym_worker_end - sac_gym_worker_text);
  int file = memfd_create("gym_worker.py", MFD_CLOEXEC);
  bool written = file >= 0 && write(file, sac_gym_worker_text, size) == (ssize_t)size &&
                 lseek(file, 0, SEEK_SET) == 0;
  if (written || file < 0) return file;
  close(file);
  return -1;
}

static void close_all(const int *descriptors, int count) {
  for (int i = 0; i < count; i++)
    if (descriptors[i] >= 0) close(descriptors[i]);
}

sac_status sac_process_start(const sac_process_options *options, sac_process *process,
                             sac_error *err) {
  int ends[] = {-1, -1, -1, -1, -1, -1};  // socket pair, pipe, program, null
  enum { SOCKETS = 0, PIPE = 2, TEXT = 4, NOTHING };
  *process = (sac_process){.id = 0};
  bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends + SOCKETS) == 0 &&
              pipe2(ends + PIPE, O_CLOEXEC) == 0 && (ends[TEXT] = open_program()) >= 0 &&
              (ends[NOTHING] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;
  launch it = {.source = {ends[NOTHING], ends[PIPE + 1], ends[PIPE + 1], options->memory,
                          ends[SOCKETS + 1], ends[TEXT]},
               .parent = getpid(),
               .options = options};
  pid_t id = made ? fork() : -1;
  if (id == 0) run_child(&it);
  if (id < 0) {
    sac_error_set(err, SAC_FAILED, "%s cannot be started: %s", options->python, strerror(errno));
    close_all(ends, sizeof ends / sizeof *ends);
    return SAC_FAILED;
  }
  close_all((int[]){ends[SOCKETS + 1], ends[PIPE + 1], ends[TEXT], ends[NOTHING]}, 4);
  fcntl(ends[PIPE], F_SETFL, O_NONBLOCK);
  *process = (sac_process){.id = id, .socket = ends[SOCKETS], .printed = ends[PIPE]};
  return SAC_OK;
}

// lines of what was printed; the last that is not empty is kept
static void note_lines(sac_process *process, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    bool ends = text[i] == '\n' || text[i] == '\r';
    if (!ends && process->length < SAC_PROCESS_LINE - 1) process->line[process->length++] = text[i];
    if (!ends || process->length == 0) continue;
    process->line[process->length] = '\0';
    memcpy(process->last_line, process->line, process->length + 1);
    process->length = 0;
  }
}

static void pass_on(sac_process *process) {
  char text[4096];
  for (;;) {
    ssize_t n = read(process->printed, text, sizeof text);
    if (n <= 0) return;
    note_lines(process, text, (size_t)n);
    fwrite(text, 1, (size_t)n, stderr);
  }
}

bool sac_process_listen(sac_process *process, int limit_ms) {
  struct pollfd heard[] = {{.fd = process->socket, .events = POLLIN},
                           {.fd = process->printed, .events = POLLIN}};
  int n = poll(heard, 2, limit_ms);
  if (n <= 0) return false;
  if (heard[1].revents & POLLIN) {
    pass_on(process);
  } else if (heard[1].revents) {  // it closed what it prints to
    close(process->printed);
    process->printed = -1;
  }
  return heard[0].revents != 0;
}

bool sac_process_is_gone(sac_process *process) {
  siginfo_t info = {.si_pid = 0};
  int code = waitid(P_PID, (id_t)process->id, &info, WEXITED | WNOHANG | WNOWAIT);
  return code != 0 || info.si_pid != 0;
}

static void describe_end(int status, char *how, size_t size) {
  if (WIFSIGNALED(status))
    snprintf(how, size, "was killed by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
  else
    snprintf(how, size, "exited with status %d", WEXITSTATUS(status));
}

void sac_process_end(sac_process *process, double limit_s, char *how, size_t size) {
  int status = 0;
  if (process->id <= 0) return;
  double end_s = sac_clock_s() + limit_s;
  while (!sac_process_is_gone(process) && sac_clock_s() < end_s) {
    pass_on(process);
    poll(NULL, 0, 2);
  }
  if (!sac_process_is_gone(process)) kill(process->id, SIGKILL);
  while (waitpid(process->id, &status, 0) < 0 && errno == EINTR) continue;
  pass_on(process);
  note_lines(process, "\n", 1);
  if (how) describe_end(status, how, size);
  close(process->socket);
  if (process->printed >= 0) close(process->printed);
  process->id = 0;
}
