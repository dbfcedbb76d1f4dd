// The CUDA backend: choice of the device, memory, life, recorded sequences.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

#include <stdio.h>
#include <stdlib.h>

// half of the pinned memory
enum { PINNED_HALF = 1 << 20 };

// A failure's text without help of the program: this library calls none of its symbols.
static sac_status fail(sac_error *err, const char *text, const char *detail) {
  if (!err) return SAC_FAILED;
  err->code = SAC_FAILED;
  snprintf(err->text, sizeof err->text, "%s%s%s", text, *detail ? ": " : "", detail);
  return SAC_FAILED;
}

void sac_cuda_check(sac_backend *backend, cudaError_t error, const char *what) {
  sac_cuda *cuda = sac_cuda_of(backend);
  if (error == cudaSuccess) return;
  cudaGetLastError();  // it is told here, not at the next launch
  if (cuda->fault[0]) return;
  snprintf(cuda->fault, sizeof cuda->fault, "the GPU failed in %s: %s (%s)", what,
           cudaGetErrorString(error), cudaGetErrorName(error));
}

void sac_cuda_check_blas(sac_backend *backend, cublasStatus_t status, const char *what) {
  sac_cuda *cuda = sac_cuda_of(backend);
  if (status == CUBLAS_STATUS_SUCCESS || cuda->fault[0]) return;
  snprintf(cuda->fault, sizeof cuda->fault, "the GPU failed in %s: %s", what,
           cublasGetStatusString(status));
}

// ---- life

// a driver and a device that run this library's kernels
static sac_status find_device(cudaDeviceProp *device, sac_error *err) {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver)
    return fail(err, "the NVIDIA driver is too old for CUDA 13: install driver 580 or newer", "");
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0))
    return fail(err, "the NVIDIA driver finds no GPU (CUDA_VISIBLE_DEVICES may hide it)", "");
  if (error == cudaSuccess) error = cudaGetDeviceProperties(device, 0);
  if (error != cudaSuccess)
    return fail(err, "the NVIDIA driver does not answer", cudaGetErrorString(error));
  if (device->major >= 9) return SAC_OK;
  char found[160];
  snprintf(found, sizeof found, "%.100s has compute capability %d.%d, 9.0 is needed", device->name,
           device->major, device->minor);
  return fail(err, "the GPU is too old", found);
}

static cudaError_t allocate_own(sac_cuda *cuda) {
  cudaError_t error = cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking);
  if (error == cudaSuccess) error = cudaMallocHost((void **)&cuda->pinned, 2 * PINNED_HALF);
  for (int i = 0; i < 2 && error == cudaSuccess; i++)
    error = cudaEventCreateWithFlags(&cuda->travelled[i], cudaEventDisableTiming);
  if (error == cudaSuccess) error = cudaMalloc((void **)&cuda->step, sizeof *cuda->step);
  size_t partial = sizeof(double) * SAC_CUDA_NORM_BLOCKS * SAC_CUDA_GROUPS_MAX;
  if (error == cudaSuccess) error = cudaMalloc((void **)&cuda->partial, partial);
  if (error == cudaSuccess) error = cudaMalloc(&cuda->blas_workspace, SAC_CUDA_BLAS_WORKSPACE);
  if (error == cudaSuccess) error = sac_cuda_order_open(cuda);
  return error;
}

static sac_status open_all(sac_cuda *cuda, sac_error *err) {
  cudaDeviceProp device;
  sac_status status = find_device(&device, err);
  if (status != SAC_OK) return status;
  cuda->processors = device.multiProcessorCount;
  cudaError_t error = allocate_own(cuda);
  if (error != cudaSuccess) return fail(err, "the GPU cannot be used", cudaGetErrorString(error));
  cublasStatus_t blas = cublasCreate(&cuda->blas);
  if (blas != CUBLAS_STATUS_SUCCESS)
    return fail(err, "cuBLAS cannot be used", cublasGetStatusString(blas));
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  snprintf(cuda->description, sizeof cuda->description, "cuda %.60s, CUDA %d.%d, driver for %d.%d",
           device.name, runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10);
  return SAC_OK;
}

sac_status sac_cuda_open(const sac_backend_options *options, sac_backend **backend,
                         sac_error *err) {
  sac_cuda *cuda = (sac_cuda *)calloc(1, sizeof *cuda);
  if (!cuda) return fail(err, "no memory for the CUDA backend", "");
  cuda->base.ops = options->ops;
  cuda->matmul = options->matmul;
  sac_status status = open_all(cuda, err);
  cudaGetLastError();  // what failed was told: it is not a fault of the launches to come
  if (status == SAC_OK)
    *backend = &cuda->base;
  else
    sac_cuda_close(&cuda->base);
  return status;
}

void sac_cuda_close(sac_backend *backend) {
  sac_cuda *cuda = sac_cuda_of(backend);
  if (cuda->stream) cudaStreamSynchronize(cuda->stream);
  if (cuda->blas) cublasDestroy(cuda->blas);
  for (int i = 0; i < 2; i++)
    if (cuda->travelled[i]) cudaEventDestroy(cuda->travelled[i]);
  sac_cuda_order_close(cuda);
  cudaFree(cuda->blas_workspace);
  cudaFree(cuda->partial);
  cudaFree(cuda->step);
  cudaFreeHost(cuda->pinned);
  if (cuda->stream) cudaStreamDestroy(cuda->stream);
  free(cuda);
}

const char *sac_cuda_describe(const sac_backend *backend) {
  return ((const sac_cuda *)backend)->description;
}

// ---- memory

size_t sac_cuda_memory_available(const sac_backend *backend) {
  (void)backend;
  size_t available = 0, all = 0;
  return cudaMemGetInfo(&available, &all) == cudaSuccess ? available : 0;
}

sac_status sac_cuda_alloc(sac_backend *backend, size_t bytes, void **memory, sac_error *err) {
  cudaError_t error = cudaMalloc(memory, bytes > 0 ? bytes : 1);
  if (error == cudaSuccess) {
    error = cudaMemsetAsync(*memory, 0, bytes, sac_cuda_of(backend)->stream);
    if (error == cudaSuccess) return SAC_OK;
    cudaFree(*memory);
  }
  // the failure was told: it is not a fault of the launches to come
  cudaGetLastError();
  char wanted[192];
  snprintf(wanted, sizeof wanted, "%zu bytes (%.2f GiB) were wanted, %.2f GiB are free (%s)", bytes,
           (double)bytes / 1073741824.0, (double)sac_cuda_memory_available(backend) / 1073741824.0,
           cudaGetErrorString(error));
  return fail(err, "no memory on the GPU", wanted);
}

void sac_cuda_release(sac_backend *backend, void *memory) {
  sac_cuda_check(backend, cudaFree(memory), "cudaFree");
}

// The pinned half that has room for `bytes`: when one is full the other's last journey is waited
// for.
static char *take_pinned(sac_cuda *cuda, size_t bytes) {
  if (cuda->pinned_used + bytes > PINNED_HALF) {
    sac_backend *backend = &cuda->base;
    sac_cuda_check(backend, cudaEventRecord(cuda->travelled[cuda->half], cuda->stream),
                   "cudaEventRecord");
    cuda->half = 1 - cuda->half;
    cuda->pinned_used = 0;
    sac_cuda_check(backend, cudaEventSynchronize(cuda->travelled[cuda->half]),
                   "cudaEventSynchronize");
  }
  char *place = cuda->pinned + cuda->half * PINNED_HALF + cuda->pinned_used;
  cuda->pinned_used += (bytes + 63) / 64 * 64;
  return place;
}

void sac_cuda_upload(sac_backend *backend, void *to, const void *from, size_t bytes) {
  sac_cuda *cuda = sac_cuda_of(backend);
  for (size_t done = 0; done < bytes;) {
    size_t left = bytes - done, part = left < PINNED_HALF ? left : (size_t)PINNED_HALF;
    char *place = take_pinned(cuda, part);
    memcpy(place, (const char *)from + done, part);
    sac_cuda_check(
        backend,
        cudaMemcpyAsync((char *)to + done, place, part, cudaMemcpyHostToDevice, cuda->stream),
        "an upload");
    done += part;
  }
}

void sac_cuda_download(sac_backend *backend, void *to, const void *from, size_t bytes) {
  sac_cuda *cuda = sac_cuda_of(backend);
  if (bytes == 0) return;
  sac_cuda_check(backend, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, cuda->stream),
                 "a download");
  sac_cuda_check(backend, cudaStreamSynchronize(cuda->stream), "a download");
  // what did not arrive is nobody's: `sync` says so
  if (cuda->fault[0]) memset(to, 0, bytes);
}

void sac_cuda_copy(sac_backend *backend, void *to, const void *from, size_t bytes) {
  sac_cuda_check(
      backend,
      cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, sac_cuda_of(backend)->stream),
      "a copy");
}

sac_status sac_cuda_sync(sac_backend *backend, sac_error *err) {
  sac_cuda *cuda = sac_cuda_of(backend);
  sac_cuda_check(backend, cudaStreamSynchronize(cuda->stream), "an earlier step");
  return cuda->fault[0] ? fail(err, cuda->fault, "") : SAC_OK;
}

// products keep what they need in shared memory: nothing to reserve
sac_status sac_cuda_reserve(sac_backend *backend, int n, int rows, int in, int out,
                            sac_error *err) {
  (void)backend, (void)n, (void)rows, (void)in, (void)out, (void)err;
  return SAC_OK;
}

// ---- sequences

// The first time a sequence is issued as it comes, so that libraries set themselves up outside of a
// recording; the second time it is recorded; from then on it is played.
bool sac_cuda_sequence_begin(sac_backend *backend, sac_sequence *sequence) {
  sac_cuda *cuda = sac_cuda_of(backend);
  if (sequence->recorded) {
    sac_cuda_check(backend, cudaGraphLaunch((cudaGraphExec_t)sequence->recorded, cuda->stream),
                   "cudaGraphLaunch");
    return false;
  }
  if (sequence->issued++ == 0 || cuda->fault[0]) return true;
  cudaError_t error = cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal);
  sac_cuda_check(backend, error, "cudaStreamBeginCapture");
  cuda->capturing = error == cudaSuccess;
  if (cuda->capturing) sac_cuda_order_begin(backend);
  return true;
}

void sac_cuda_sequence_end(sac_backend *backend, sac_sequence *sequence) {
  sac_cuda *cuda = sac_cuda_of(backend);
  if (!cuda->capturing) return;
  sac_cuda_order_end(backend);
  cuda->capturing = false;
  cudaGraph_t graph = NULL;
  cudaGraphExec_t exec = NULL;
  sac_cuda_check(backend, cudaStreamEndCapture(cuda->stream, &graph), "cudaStreamEndCapture");
  if (!graph) return;
  sac_cuda_check(backend, cudaGraphInstantiate(&exec, graph, 0), "cudaGraphInstantiate");
  cudaGraphDestroy(graph);
  if (!exec) return;
  sequence->recorded = exec;
  sac_cuda_check(backend, cudaGraphLaunch(exec, cuda->stream), "cudaGraphLaunch");
}

void sac_cuda_sequence_release(sac_backend *backend, sac_sequence *sequence) {
  if (!sequence->recorded) return;
  sac_cuda_check(backend, cudaGraphExecDestroy((cudaGraphExec_t)sequence->recorded),
                 "cudaGraphExecDestroy");
  sequence->recorded = NULL;
}
