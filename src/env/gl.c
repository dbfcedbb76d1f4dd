// The few calls of EGL 1.5 and OSMesa that an off-screen context needs, declared here so that
// neither need be there when this is compiled.
#include "env/gl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *(*find_function)(const char *name);

// EGL
enum {
  EGL_ALPHA_SIZE = 0x3021,
  EGL_BLUE_SIZE = 0x3022,
  EGL_GREEN_SIZE = 0x3023,
  EGL_RED_SIZE = 0x3024,
  EGL_DEPTH_SIZE = 0x3025,
  EGL_STENCIL_SIZE = 0x3026,
  EGL_SURFACE_TYPE = 0x3033,
  EGL_PBUFFER_BIT = 0x0001,
  EGL_NONE = 0x3038,
  EGL_RENDERABLE_TYPE = 0x3040,
  EGL_OPENGL_BIT = 0x0008,
  EGL_OPENGL_API = 0x30A2,
  EGL_PLATFORM_DEVICE = 0x313F,
  EGL_PLATFORM_SURFACELESS = 0x31DD,
  DEVICES_MAX = 16
};

// OSMesa
enum { OSMESA_RGBA = 0x1908, GL_UNSIGNED_BYTE = 0x1401, OSMESA_SIZE = 16 };

enum { GL_RENDERER = 0x1F01 };

typedef struct egl_calls {
  find_function find;
  void *(*get_display)(void *native);
  void *(*get_platform_display)(unsigned platform, void *native, const int *attributes);
  unsigned (*query_devices)(int most, void **devices, int *count);
  unsigned (*initialize)(void *display, int *major, int *minor);
  unsigned (*bind_api)(unsigned api);
  unsigned (*choose_config)(void *display, const int *wanted, void **configs, int most, int *count);
  void *(*create_context)(void *display, void *config, void *share, const int *attributes);
  unsigned (*make_current)(void *display, void *draw, void *read, void *context);
  unsigned (*destroy_context)(void *display, void *context);
  unsigned (*release_thread)(void);
} egl_calls;

typedef struct osmesa_calls {
  find_function find;
  void *(*create_context)(unsigned format, int depth, int stencil, int accum, void *share);
  unsigned char (*make_current)(void *context, void *buffer, unsigned type, int width, int height);
  void (*destroy_context)(void *context);
} osmesa_calls;

struct sac_gl {
  egl_calls egl;
  osmesa_calls osmesa;
  void *display, *context;  // of EGL; without a display the context is OSMesa's
  uint8_t window[OSMESA_SIZE * OSMESA_SIZE * 4];  // OSMesa wants one; pictures go elsewhere
  char text[160];
};

// The library stays loaded: drivers keep threads and handlers of their own. The engine looks for
// its functions in what is loaded globally.
static void *open_library(const char *const *names) {
  void *library = NULL;
  for (; *names && !library; names++) library = dlopen(*names, RTLD_NOW | RTLD_GLOBAL);
  return library;
}

// dlsym gives an object pointer for a function
static bool find_symbol(void *library, const char *name, void *function) {
  void *symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool load_egl(egl_calls *egl) {
  void *library = open_library((const char *const[]){"libEGL.so.1", "libEGL.so", NULL});
  if (!library) return false;
  bool all = find_symbol(library, "eglGetProcAddress", &egl->find) &&
             find_symbol(library, "eglGetDisplay", &egl->get_display) &&
             find_symbol(library, "eglInitialize", &egl->initialize) &&
             find_symbol(library, "eglBindAPI", &egl->bind_api) &&
             find_symbol(library, "eglChooseConfig", &egl->choose_config) &&
             find_symbol(library, "eglCreateContext", &egl->create_context) &&
             find_symbol(library, "eglMakeCurrent", &egl->make_current) &&
             find_symbol(library, "eglDestroyContext", &egl->destroy_context) &&
             find_symbol(library, "eglReleaseThread", &egl->release_thread);
  if (!all) return false;
  void *optional[] = {egl->find("eglGetPlatformDisplayEXT"), egl->find("eglQueryDevicesEXT")};
  memcpy(&egl->get_platform_display, &optional[0], sizeof optional[0]);
  memcpy(&egl->query_devices, &optional[1], sizeof optional[1]);
  return true;
}

static void *create_context(const egl_calls *egl, void *display) {
  const int wanted[] = {EGL_RED_SIZE,
                        8,
                        EGL_GREEN_SIZE,
                        8,
                        EGL_BLUE_SIZE,
                        8,
                        EGL_ALPHA_SIZE,
                        8,
                        EGL_DEPTH_SIZE,
                        24,
                        EGL_STENCIL_SIZE,
                        8,
                        EGL_SURFACE_TYPE,
                        EGL_PBUFFER_BIT,
                        EGL_RENDERABLE_TYPE,
                        EGL_OPENGL_BIT,
                        EGL_NONE};
  void *config = NULL, *context = NULL;
  int count = 0;
  if (!egl->bind_api(EGL_OPENGL_API) || !egl->choose_config(display, wanted, &config, 1, &count) ||
      count < 1)
    return NULL;
  context = egl->create_context(display, config, NULL, NULL);
  if (context && egl->make_current(display, NULL, NULL, context)) return context;
  if (context) egl->destroy_context(display, context);
  return NULL;
}

// A context on this display. Displays are the process's, which may use them elsewhere, and an end
// would unload the driver: none is terminated.
static bool try_display(sac_gl *gl, void *display) {
  int major, minor;
  if (!display || !gl->egl.initialize(display, &major, &minor)) return false;
  gl->context = create_context(&gl->egl, display);
  if (gl->context) gl->display = display;
  return gl->context != NULL;
}

// a device needs no display server; not every one that is listed may be opened
static bool open_egl(sac_gl *gl) {
  void *devices[DEVICES_MAX];
  int count = 0;
  if (!load_egl(&gl->egl)) return false;
  bool by_platform = gl->egl.get_platform_display != NULL;
  if (by_platform && gl->egl.query_devices && !gl->egl.query_devices(DEVICES_MAX, devices, &count))
    count = 0;
  for (int i = 0; i < count; i++)
    if (try_display(gl, gl->egl.get_platform_display(EGL_PLATFORM_DEVICE, devices[i], NULL)))
      return true;
  if (by_platform &&
      try_display(gl, gl->egl.get_platform_display(EGL_PLATFORM_SURFACELESS, NULL, NULL)))
    return true;
  return try_display(gl, gl->egl.get_display(NULL));
}

static bool open_osmesa(sac_gl *gl) {
  osmesa_calls *mesa = &gl->osmesa;
  void *library = open_library((const char *const[]){"libOSMesa.so.8", "libOSMesa.so.6", NULL});
  bool all = library && find_symbol(library, "OSMesaGetProcAddress", &mesa->find) &&
             find_symbol(library, "OSMesaCreateContextExt", &mesa->create_context) &&
             find_symbol(library, "OSMesaMakeCurrent", &mesa->make_current) &&
             find_symbol(library, "OSMesaDestroyContext", &mesa->destroy_context);
  if (!all) return false;
  gl->context = mesa->create_context(OSMESA_RGBA, 24, 8, 0, NULL);
  if (!gl->context) return false;
  if (mesa->make_current(gl->context, gl->window, GL_UNSIGNED_BYTE, OSMESA_SIZE, OSMESA_SIZE))
    return true;
  mesa->destroy_context(gl->context);
  gl->context = NULL;
  return false;
}

static void note_renderer(sac_gl *gl) {
  void *found = gl->display ? gl->egl.find("glGetString") : gl->osmesa.find("glGetString");
  const char *(*get_string)(unsigned) = NULL;
  memcpy(&get_string, &found, sizeof found);
  const char *name = get_string ? get_string(GL_RENDERER) : NULL;
  snprintf(gl->text, sizeof gl->text, "%s: %s", gl->display ? "EGL" : "OSMesa",
           name ? name : "unknown renderer");
}

sac_status sac_gl_open(sac_gl **gl, sac_error *err) {
  sac_gl *self = calloc(1, sizeof *self);
  if (!self) return sac_error_set(err, SAC_FAILED, "no memory for an OpenGL context");
  if (open_egl(self) || open_osmesa(self)) {
    note_renderer(self);
    *gl = self;
    return SAC_OK;
  }
  free(self);
  return sac_error_set(err, SAC_FAILED,
                       "pictures of this task need OpenGL, and neither EGL nor OSMesa gives a "
                       "context here: apt-get install libegl1 libgl1-mesa-dri, or libosmesa6");
}

void sac_gl_close(sac_gl *gl) {
  if (!gl) return;
  if (gl->display) {
    gl->egl.make_current(gl->display, NULL, NULL, NULL);
    gl->egl.destroy_context(gl->display, gl->context);
    gl->egl.release_thread();
  } else {
    gl->osmesa.destroy_context(gl->context);
  }
  free(gl);
}

const char *sac_gl_describe(const sac_gl *gl) {
  return gl->text;
}
