// The CUDA runtime: memory, streams, recorded graphs, and the failures that a test asks for.
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

[[noreturn]] void give_up(const char *why) {
  fprintf(stderr, "shim: %s\n", why);
  abort();
}

// ---- memory and faults

std::mutex memory_mutex;
std::map<void *, size_t> blocks;
size_t bytes_used = 0;
cudaError_t last_error = cudaSuccess, lost = cudaSuccess;  // lost: every call fails from then on

// with SAC_SHIM_REPORT, at the end of the process; the longest chain of steps that wait for each
// other is that of the largest recording
struct Report {
  long allocations = 0;
  size_t steps = 0, chain = 0;
  ~Report() {
    if (getenv("SAC_SHIM_REPORT"))
      fprintf(stderr, "shim: %ld allocations\nshim: a chain of %zu among %zu recorded steps\n",
              allocations, chain, steps);
  }
} report;

size_t memory_size() {
  const char *text = getenv("SAC_SHIM_MEMORY");
  return text ? strtoull(text, nullptr, 10) : (size_t)4 << 30;
}

// calls of the function that SAC_SHIM_FAULT names, since it named it
struct Fault {
  std::string text;
  long calls = 0;
} fault;

cudaError_t note(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

}  // namespace

cudaError_t sac_shim_call(const char *function) {
  if (lost != cudaSuccess) return note(lost);
  const char *wanted = getenv("SAC_SHIM_FAULT");
  if (!wanted || strncmp(wanted, function, strlen(function)) || wanted[strlen(function)] != ':')
    return cudaSuccess;
  std::lock_guard<std::mutex> hold(memory_mutex);
  if (fault.text != wanted) fault = {wanted, 0};
  char *rest;
  long from = strtol(wanted + strlen(function) + 1, &rest, 10);
  return note(++fault.calls >= from ? (cudaError_t)atoi(rest + 1) : cudaSuccess);
}

#define SAC_SHIM_TRY()                           \
  do {                                           \
    cudaError_t error = sac_shim_call(__func__); \
    if (error != cudaSuccess) return error;      \
  } while (0)

// ---- streams and graphs

// A step and the numbers of those it waits for.
struct Node {
  std::function<void()> step;
  std::set<size_t> after;
};
struct sac_shim_graph {
  std::vector<Node> nodes;
};
// While it is recorded, a stream's next step waits for `after`.
struct sac_shim_stream {
  sac_shim_graph *recording = nullptr;
  std::set<size_t> after;
};
struct sac_shim_event {
  double at_ms = 0;
  sac_shim_graph *recording = nullptr;
  std::set<size_t> after;
};

namespace {

std::set<cudaStream_t> streams;

}  // namespace

void sac_shim_issue(cudaStream_t stream, std::function<void()> step) {
  if (!stream || !stream->recording) {
    step();
    return;
  }
  std::vector<Node> &nodes = stream->recording->nodes;
  nodes.push_back({std::move(step), stream->after});
  stream->after = {nodes.size() - 1};
}

void sac_shim_launch(const char *name, cudaStream_t stream, dim3 grid, unsigned threads,
                     std::function<void()> kernel) {
  sac_shim_issue(stream, [=] {
    // a kernel that fails takes the device with it, and the calls after it say so
    lost = sac_shim_call("launch");
    if (lost == cudaSuccess) sac_shim_run(name, grid, threads, kernel);
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  SAC_SHIM_TRY();
  *stream = new sac_shim_stream;
  streams.insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  streams.erase(stream);
  delete stream;
  return cudaSuccess;
}

// a recording holds no waiting and no allocation
static cudaError_t refuse_recording(cudaStream_t stream) {
  return note(stream && stream->recording ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  SAC_SHIM_TRY();
  return refuse_recording(stream);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  SAC_SHIM_TRY();
  stream->recording = new sac_shim_graph;
  stream->after.clear();
  return cudaSuccess;
}

// whether every step is among those that `last` waits for
static bool is_joined(const sac_shim_graph *graph, const std::set<size_t> &last) {
  std::set<size_t> seen;
  std::vector<size_t> open(last.begin(), last.end());
  while (!open.empty()) {
    size_t i = open.back();
    open.pop_back();
    if (!seen.insert(i).second) continue;
    open.insert(open.end(), graph->nodes[i].after.begin(), graph->nodes[i].after.end());
  }
  return seen.size() == graph->nodes.size();
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  SAC_SHIM_TRY();
  *graph = stream->recording;
  bool joined = is_joined(*graph, stream->after);
  for (cudaStream_t one : streams)
    if (one->recording == *graph) one->recording = nullptr;
  return joined ? cudaSuccess : note(cudaErrorStreamCaptureUnjoined);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
  SAC_SHIM_TRY();
  *exec = new sac_shim_graph(*graph);
  if (graph->nodes.size() < report.steps) return cudaSuccess;
  // steps wait for earlier ones only
  std::vector<size_t> chain(graph->nodes.size());
  report.steps = graph->nodes.size(), report.chain = 0;
  for (size_t i = 0; i < chain.size(); i++) {
    for (size_t before : graph->nodes[i].after) chain[i] = std::max(chain[i], chain[before]);
    report.chain = std::max(report.chain, ++chain[i]);
  }
  return cudaSuccess;
}

// the steps in an order drawn anew, each after those that it waits for
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t) {
  SAC_SHIM_TRY();
  static std::mt19937 words(1);
  std::vector<bool> done(exec->nodes.size());
  std::vector<size_t> left(exec->nodes.size());
  for (size_t i = 0; i < left.size(); i++) left[i] = i;
  while (!left.empty()) {
    std::vector<size_t> ready;
    for (size_t at = 0; at < left.size(); at++) {
      const std::set<size_t> &after = exec->nodes[left[at]].after;
      if (std::all_of(after.begin(), after.end(), [&](size_t i) { return done[i]; }))
        ready.push_back(at);
    }
    size_t at = ready[words() % ready.size()];
    exec->nodes[left[at]].step();
    done[left[at]] = true;
    left.erase(left.begin() + (long)at);
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}

static double now_ms() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
  SAC_SHIM_TRY();
  *event = new sac_shim_event;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  return cudaEventCreate(event);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  SAC_SHIM_TRY();
  event->at_ms = now_ms();
  event->recording = stream ? stream->recording : nullptr;
  if (event->recording) event->after = stream->after;
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  SAC_SHIM_TRY();
  if (!event->recording) return cudaSuccess;
  if (stream->recording != event->recording) stream->after.clear();
  stream->recording = event->recording;
  stream->after.insert(event->after.begin(), event->after.end());
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t) {
  SAC_SHIM_TRY();
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end) {
  *ms = (float)(end->at_ms - begin->at_ms);
  return cudaSuccess;
}

// ---- the device

cudaError_t cudaGetDeviceCount(int *count) {
  SAC_SHIM_TRY();
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *device, int) {
  SAC_SHIM_TRY();
  *device = {"shim on the CPU", 9, 0, 4};
  if (getenv("SAC_SHIM_OLD")) device->major = 7;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  return cudaDriverGetVersion(version);
}

cudaError_t cudaGetLastError() {
  std::lock_guard<std::mutex> hold(memory_mutex);
  cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char *cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureUnjoined:
      return "cudaErrorStreamCaptureUnjoined";
  }
  return "an error";
}

const char *cudaGetErrorString(cudaError_t error) {
  return cudaGetErrorName(error);
}

cudaError_t cudaMalloc(void **memory, size_t bytes) {
  SAC_SHIM_TRY();
  std::lock_guard<std::mutex> hold(memory_mutex);
  if (bytes > memory_size() - bytes_used) return last_error = cudaErrorMemoryAllocation;
  *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!*memory) return last_error = cudaErrorMemoryAllocation;
  memset(*memory, SAC_SHIM_POISON, bytes);
  blocks[*memory] = bytes;
  report.allocations++;
  bytes_used += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void *memory) {
  if (!memory) return cudaSuccess;
  std::lock_guard<std::mutex> hold(memory_mutex);
  auto block = blocks.find(memory);
  if (block == blocks.end()) give_up("cudaFree of what cudaMalloc never gave");
  bytes_used -= block->second;
  blocks.erase(block);
  free(memory);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes) {
  SAC_SHIM_TRY();
  *memory = malloc(bytes);
  return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *memory) {
  free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *all) {
  SAC_SHIM_TRY();
  std::lock_guard<std::mutex> hold(memory_mutex);
  *all = memory_size();
  *available = *all - bytes_used;
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream) {
  SAC_SHIM_TRY();
  sac_shim_issue(stream, [=] { memset(memory, byte, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  SAC_SHIM_TRY();
  if (kind != cudaMemcpyDeviceToDevice && refuse_recording(stream) != cudaSuccess)
    return cudaErrorStreamCaptureUnsupported;
  sac_shim_issue(stream, [=] { memmove(to, from, bytes); });
  return cudaSuccess;
}
