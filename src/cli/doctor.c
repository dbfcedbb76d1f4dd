// `sac doctor`: what this program can use on this machine, and the command that cures each "no".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "cli/cli.h"
#include "env/environment.h"
#include "env/gl.h"
#include "sac/sac.h"

typedef struct finding {
  const char *what;
  bool usable;
  char detail[512];
  const char *cure;
} finding;

static void check_device(const char *device, const char *cure, finding *out) {
  sac_threads *threads = NULL;
  sac_backend *backend = NULL;
  sac_error err = {0};
  *out = (finding){.what = device, .cure = cure};
  sac_status status = sac_threads_create(0, &threads, &err);
  sac_backend_options options = {.device = device, .threads = threads};
  if (status == SAC_OK) status = sac_backend_open(&options, &backend, &err);
  out->usable = status == SAC_OK;
  snprintf(out->detail, sizeof out->detail, "%.500s",
           out->usable ? backend->ops->describe(backend) : err.text);
  if (backend) sac_backend_close(backend);
  sac_threads_destroy(threads);
}

// open every environment with its defaults and reset one instance
static void check_environments(finding *out) {
  *out = (finding){.what = "environments", .usable = true, .cure = "scripts/setup.sh"};
  sac_config *cfg = malloc(sizeof *cfg);
  const sac_env_def *def;
  size_t used = 0;
  for (int i = 0; cfg && (def = sac_env_def_at(i)); i++) {
    sac_task *task = NULL;
    sac_error err = {0};
    sac_config_defaults(cfg);
    snprintf(cfg->env.id, sizeof cfg->env.id, "%s", def->id);
    bool opens = sac_task_open(cfg, true, &task, &err) == SAC_OK;
    const char *text = opens ? def->id : err.text;
    int n =
        snprintf(out->detail + used, sizeof out->detail - used, "%s%s", used > 0 ? ", " : "", text);
    used = used + (size_t)n < sizeof out->detail ? used + (size_t)n : sizeof out->detail - 1;
    out->usable = out->usable && opens;
    sac_task_close(task);
  }
  free(cfg);
}

// what draws the pictures of MuJoCo tasks
static void check_gl(finding *out) {
  sac_gl *gl = NULL;
  sac_error err = {0};
  *out = (finding){.what = "gl", .cure = "apt-get install libegl1 libgl1-mesa-dri, or libosmesa6"};
  out->usable = sac_gl_open(&gl, &err) == SAC_OK;
  snprintf(out->detail, sizeof out->detail, "%.500s", gl ? sac_gl_describe(gl) : err.text);
  sac_gl_close(gl);
}

static void check_program(const char *what, const char *program, const char *cure, finding *out) {
  *out = (finding){.what = what, .cure = cure};
  const char *path = getenv("PATH");
  for (const char *at = path; at && *at && !out->usable; at += strcspn(at, ":"), at += *at == ':') {
    snprintf(out->detail, sizeof out->detail, "%.*s/%s", (int)strcspn(at, ":"), at, program);
    FILE *file = fopen(out->detail, "rb");
    out->usable = file != NULL;
    if (file) fclose(file);
  }
  if (!out->usable) snprintf(out->detail, sizeof out->detail, "%s is not on PATH", program);
}

sac_status sac_command_doctor(const sac_arguments *arguments, sac_error *err) {
  finding findings[7];
  enum { COUNT = sizeof findings / sizeof *findings };
  check_device("cpu", "unset SAC_SIMD", &findings[0]);
  check_device(
      "cuda", "install NVIDIA's driver 580 or newer, build with nvcc 13 on PATH; or run.device=cpu",
      &findings[1]);
  check_environments(&findings[2]);
  check_program("compiler", "gcc", "apt-get install gcc", &findings[3]);
  check_program("ffmpeg", "ffmpeg", "apt-get install ffmpeg", &findings[4]);
  check_program("gnuplot", "gnuplot", "apt-get install gnuplot-nox", &findings[5]);
  check_gl(&findings[6]);
  if (!arguments->json)
    printf("sac %s, engine MuJoCo %s\n", sac_version(), sac_environment_engine());
  for (int i = 0; i < COUNT; i++) {
    const finding *f = &findings[i];
    if (arguments->json) {
      SAC_TRY(
          sac_print_json(json_pack("{s:s, s:b, s:s, s:s?}", "what", f->what, "usable", f->usable,
                                   "detail", f->detail, "cure", f->usable ? NULL : f->cure),
                         err));
    } else {
      printf("%-14s %-4s %s\n", f->what, f->usable ? "yes" : "no", f->detail);
      if (!f->usable) printf("%-14s      cure: %s\n", "", f->cure);
    }
  }
  return SAC_OK;
}
