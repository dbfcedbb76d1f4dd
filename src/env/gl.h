// An OpenGL context without a window, for the thread that opens it. Nothing is linked: EGL is
// looked for at run time, then OSMesa.
#pragma once

#include "base/status.h"

typedef struct sac_gl sac_gl;

/// Make a context and make it current on this thread, which is to close it. SAC_FAILED says what to
/// install.
sac_status sac_gl_open(sac_gl **gl, sac_error *err);
void sac_gl_close(sac_gl *gl);

/// What renders, such as "EGL: llvmpipe (LLVM 15.0.6, 256 bits)".
const char *sac_gl_describe(const sac_gl *gl);
