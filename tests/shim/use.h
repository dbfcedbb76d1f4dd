// Says which library run.device: cuda means in this process.
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

/// While it lives, the loader finds the shim and a driver, this machine's own or one that does
/// nothing; or, without `shim`, the library of the build (or what SAC_TEST_CUDA_LIB names).
/// Afterwards `auto` is the CPU again.
class UseCuda {
 public:
  explicit UseCuda(bool shim) {
    std::string folder = build_folder() + "/shim/";
    if (!dlopen("libcuda.so.1", RTLD_NOW) && shim)
      dlopen((folder + "libcuda.so.1").c_str(), RTLD_NOW);
    const char *named = getenv("SAC_TEST_CUDA_LIB");
    std::string real = named ? named : build_folder() + "/libsac_cuda.so";
    setenv("SAC_CUDA_LIB", (shim ? folder + "libsac_cuda.so" : real).c_str(), 1);
  }
  ~UseCuda() { setenv("SAC_CUDA_LIB", "/nowhere", 1); }
  UseCuda(const UseCuda &) = delete;
  UseCuda &operator=(const UseCuda &) = delete;
};

}  // namespace sac_test
