// CUDA on the CPU, for tests: the kernels of kernels/*.cu compiled by g++ and run for real, one
// block after the other. Barriers, shuffles and shared memory behave as on a device. Under a
// sanitiser each thread of a block is a thread of the system (threads.cc); shared memory lies on
// the heap, filled with NaN, so that the sanitiser sees what a kernel does to it. Streams execute
// at once. A recorded graph holds its steps and what each waits for, and plays them in any order
// that keeps to that, another one each time: a step that does not wait for what it needs goes
// wrong.
//
// SAC_SHIM_FAULT="cudaMalloc:3:2" makes that function fail with error 2 from its third call on;
// "launch:3:700" makes the third kernel that runs fail, and all calls after it. The device's memory
// is SAC_SHIM_MEMORY bytes (default 4 GiB); SAC_SHIM_OLD makes it an old one;
// SAC_SHIM_REPORT tells at the end how often memory was allocated and how long recordings are.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// NaN in every type of floating point, absurd as a whole number
#define SAC_SHIM_POISON 0xff

struct uint2 {
  uint32_t x, y;
};
struct uint4 {
  uint32_t x, y, z, w;
};
struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
static inline uint2 make_uint2(uint32_t x, uint32_t y) {
  return {x, y};
}
static inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) {
  return {x, y, z, w};
}

// ---- what a kernel sees

extern thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads();
void *sac_shim_shared(size_t bytes);
/// Every lane of the warp gives a word of 8 bytes; lane `from` of the own warp is returned.
uint64_t sac_shim_exchange(uint64_t word, int from);
unsigned __ballot_sync(unsigned mask, int vote);

template <typename T>
T sac_shim_shuffle(T x, int from) {
  uint64_t word = 0;
  memcpy(&word, &x, sizeof x);
  word = sac_shim_exchange(word, from);
  memcpy(&x, &word, sizeof x);
  return x;
}
template <typename T>
T __shfl_xor_sync(unsigned, T x, int lane_mask) {
  return sac_shim_shuffle(x, (int)(threadIdx.x % 32) ^ lane_mask);
}
template <typename T>
T __shfl_down_sync(unsigned, T x, int delta) {
  int lane = (int)(threadIdx.x % 32);
  return sac_shim_shuffle(x, lane + delta < 32 ? lane + delta : lane);
}
static inline int __popc(unsigned x) {
  return __builtin_popcount(x);
}
static inline unsigned long long atomicOr(unsigned long long *at, unsigned long long bits) {
  return __atomic_fetch_or(at, bits, __ATOMIC_RELAXED);
}
template <typename T>
T atomicMax(T *at, T value) {
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (old < value &&
         !__atomic_compare_exchange_n(at, &old, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    continue;
  return old;
}
/// All lanes of the warp come here before any goes on.
static inline void __syncwarp() {
  __ballot_sync(~0u, 1);
}

#define SAC_SHARED(type, name, count) type *name = (type *)sac_shim_shared(sizeof(type) * (count))

// ---- what the host calls

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorIllegalAddress = 700,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureUnjoined = 904
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
typedef struct sac_shim_stream *cudaStream_t;
typedef struct sac_shim_event *cudaEvent_t;
typedef struct sac_shim_graph *cudaGraph_t;
typedef struct sac_shim_graph *cudaGraphExec_t;
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
};

/// Run `kernel` for every thread of `threads` of every block of `grid`, or record it where the
/// stream is being captured.
void sac_shim_launch(const char *name, cudaStream_t stream, dim3 grid, unsigned threads,
                     std::function<void()> kernel);
/// The same, now, on the system's threads.
void sac_shim_run(const char *name, dim3 grid, unsigned threads,
                  const std::function<void()> &kernel);
/// Take a step now, or record it where the stream is being captured.
void sac_shim_issue(cudaStream_t stream, std::function<void()> step);
/// Count a call of `function`; not cudaSuccess where SAC_SHIM_FAULT wants it to fail.
cudaError_t sac_shim_call(const char *function);

#define SAC_LAUNCH(kernel, grid, threads, stream, ...)                             \
  do {                                                                             \
    auto run = [](auto... arguments) {                                             \
      return std::function<void()>([=] { kernel(arguments...); });                 \
    };                                                                             \
    sac_shim_launch(#kernel, stream, grid, (unsigned)(threads), run(__VA_ARGS__)); \
  } while (0)

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *device, int index);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetLastError();
const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaMalloc(void **memory, size_t bytes);
template <typename T>
cudaError_t cudaMalloc(T **memory, size_t bytes) {
  return cudaMalloc((void **)memory, bytes);
}
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemGetInfo(size_t *available, size_t *all);
cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
