// The device's rate of fused multiply-adds, measured: what the products' speed is compared with.
#include "kernels/cuda.cuh"

enum { THREADS = 256, CHAINS = 8, ROUNDS = 4096, BLOCKS_EACH = 8, WINDOWS = 4 };

// Independent chains hide the units' latency; the factors are arguments, so that nothing can be
// summed beforehand.
static __global__ void chain_kernel(float scale, float shift, float *out) {
  float x[CHAINS], sum = 0;
#pragma unroll
  for (int i = 0; i < CHAINS; i++) x[i] = (float)(threadIdx.x + i);
  for (int round = 0; round < ROUNDS; round++)
#pragma unroll
    for (int i = 0; i < CHAINS; i++) x[i] = x[i] * scale + shift;
#pragma unroll
  for (int i = 0; i < CHAINS; i++) sum += x[i];
  if (sum < 0) *out = sum;
}

double sac_cuda_peak_gflops(sac_backend *backend) {
  sac_cuda *cuda = sac_cuda_of(backend);
  unsigned blocks = (unsigned)(cuda->processors * BLOCKS_EACH);
  cudaEvent_t begin, end;
  sac_cuda_check(backend, cudaEventCreate(&begin), "cudaEventCreate");
  sac_cuda_check(backend, cudaEventCreate(&end), "cudaEventCreate");
  double operations = 2.0 * CHAINS * ROUNDS * THREADS * blocks, best = 0;
  for (int i = 0; i < WINDOWS && !cuda->fault[0]; i++) {
    float ms = 0;
    sac_cuda_check(backend, cudaEventRecord(begin, cuda->stream), "cudaEventRecord");
    SAC_CUDA_RUN(backend, chain_kernel, blocks, THREADS, 1.0f, 1.0f, (float *)cuda->partial);
    sac_cuda_check(backend, cudaEventRecord(end, cuda->stream), "cudaEventRecord");
    sac_cuda_check(backend, cudaEventSynchronize(end), "cudaEventSynchronize");
    sac_cuda_check(backend, cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
    if (ms > 0 && operations / ms / 1e6 > best) best = operations / ms / 1e6;
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return best;
}
