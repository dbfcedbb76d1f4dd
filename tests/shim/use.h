// Makes run.device: cuda mean the shim in this process.
#pragma once

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace sac_test {

/// The folder of the tests' program, which is the build's.
inline std::string build_folder() {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  std::string file(path, length > 0 ? (size_t)length : 0);
  return file.substr(0, file.rfind('/'));
}

/// From now on the loader finds the shim, and a driver: this machine's own or one that does
/// nothing.
inline void use_shim() {
  std::string folder = build_folder() + "/shim/";
  if (!dlopen("libcuda.so.1", RTLD_NOW)) dlopen((folder + "libcuda.so.1").c_str(), RTLD_NOW);
  setenv("SAC_CUDA_LIB", (folder + "libsac_cuda.so").c_str(), 1);
}

}  // namespace sac_test
