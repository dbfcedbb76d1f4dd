// What a launch costs on this device: an empty kernel by itself, as a node of a recorded graph, and
// a barrier over the whole grid within one kernel (which decides whether an update could be one
// kernel). Prints one JSON line. Used by scripts/gpu_check.sh.
#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <vector>

enum { THREADS = 256, NODES = 100, BARRIERS = 200, REPEATS = 51 };

#define CHECK(call)                                                                     \
  do {                                                                                  \
    cudaError_t error = (call);                                                         \
    if (error != cudaSuccess) {                                                         \
      fprintf(stderr, "latency: %s: %s\n", #call, cudaGetErrorString(error));           \
      exit(1);                                                                          \
    }                                                                                   \
  } while (0)

static __global__ void empty_kernel() {}

static __global__ void barrier_kernel(int barriers) {
  for (int i = 0; i < barriers; i++) cooperative_groups::this_grid().sync();
}

// median over REPEATS of the microseconds between two events around `work`
template <typename Work>
static double median_us(cudaStream_t stream, Work work) {
  cudaEvent_t begin, end;
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = -5; i < REPEATS; i++) {
    float ms = 0;
    CHECK(cudaEventRecord(begin, stream));
    work();
    CHECK(cudaEventRecord(end, stream));
    CHECK(cudaEventSynchronize(end));
    CHECK(cudaEventElapsedTime(&ms, begin, end));
    if (i >= 0) times.push_back(ms * 1e3f);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

static void launch_many(cudaStream_t stream) {
  for (int i = 0; i < NODES; i++) empty_kernel<<<1, THREADS, 0, stream>>>();
  CHECK(cudaGetLastError());
}

int main() {
  cudaDeviceProp device;
  CHECK(cudaGetDeviceProperties(&device, 0));
  cudaStream_t stream;
  CHECK(cudaStreamCreate(&stream));

  double launch_us = median_us(stream, [&] { launch_many(stream); }) / NODES;

  cudaGraph_t graph;
  cudaGraphExec_t exec;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  launch_many(stream);
  CHECK(cudaStreamEndCapture(stream, &graph));
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  double node_us = median_us(stream, [&] { CHECK(cudaGraphLaunch(exec, stream)); }) / NODES;

  int none = 0, many = BARRIERS;
  void *no_barriers[] = {&none}, *all_barriers[] = {&many};
  dim3 grid((unsigned)device.multiProcessorCount);
  auto run = [&](void **arguments) {
    CHECK(cudaLaunchCooperativeKernel((void *)barrier_kernel, grid, dim3(THREADS), arguments, 0,
                                      stream));
  };
  double without_us = median_us(stream, [&] { run(no_barriers); });
  double barrier_us = (median_us(stream, [&] { run(all_barriers); }) - without_us) / BARRIERS;

  printf("{\"device\":\"%s\",\"launch_us\":%.3f,\"graph_node_us\":%.3f,\"grid_barrier_us\":%.3f}\n",
         device.name, launch_us, node_us, barrier_us);
  return 0;
}
