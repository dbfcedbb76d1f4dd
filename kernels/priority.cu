// Prioritised replay: draws by priority, new priorities, and their sums. One block a ring, whose
// threads take the rows in turn; what rows share is a maximum, or a sum made anew from the same
// values by every thread that needs it, so that nothing depends on their order. Limit: latency, a
// line of memory a level.
#include "kernels/cuda.cuh"
#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/priority.h"
}

enum { THREADS = 256 };

// the largest value of the block, in every thread
static __device__ __forceinline__ sac_real block_largest(sac_real x) {
  SAC_SHARED(sac_real, warps, THREADS / SAC_WARP);
  for (int d = SAC_WARP / 2; d > 0; d /= 2) {
    sac_real other = __shfl_xor_sync(SAC_ALL_LANES, x, d);
    x = other > x ? other : x;
  }
  if (threadIdx.x % SAC_WARP == 0) warps[threadIdx.x / SAC_WARP] = x;
  __syncthreads();
  for (int w = 0; w < THREADS / SAC_WARP; w++) x = warps[w] > x ? warps[w] : x;
  __syncthreads();
  return x;
}

static __global__ void __launch_bounds__(THREADS)
    priority_draw_kernel(const __grid_constant__ sac_priority_draw op) {
  int i = (int)blockIdx.x;
  const sac_real *nodes = op.priorities.nodes + (size_t)i * op.priorities.count;
  sac_real total = nodes[op.priorities.count - 1], part = total / (sac_real)op.rows, most = 0;
  uint32_t *index = op.index + (size_t)i * (size_t)op.rows;
  for (int row = (int)threadIdx.x; row < op.rows; row += THREADS) {
    sac_words words = sac_draw(op.key[i], SAC_DRAW_PRIORITY, *op.update, (uint32_t)row, 0);
    sac_real mass = ((sac_real)row + (sac_real)sac_uniform(words.at[0])) * part;
    index[row] = (uint32_t)sac_priority_find(nodes, op.priorities.capacity, mass);
    sac_real weight = sac_priority_weight(nodes[index[row]] / total, op.count[i], op.beta,
                                          *op.update, op.beta_updates);
    *sac_stack_row(&op.weight, i, row) = weight;
    most = weight > most ? weight : most;
  }
  most = block_largest(most);
  for (int row = (int)threadIdx.x; row < op.rows; row += THREADS)
    *sac_stack_row(&op.weight, i, row) /= most;
}

static size_t nodes_bytes(const sac_priorities *priorities) {
  return (size_t)priorities->n * priorities->count * sizeof *priorities->nodes;
}

void sac_cuda_priority_draw(sac_backend *backend, const sac_priority_draw *op) {
  size_t n = (size_t)op->priorities.n;
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->priorities.nodes, nodes_bytes(&op->priorities));
  sac_cuda_reads(&uses, op->count, n * sizeof *op->count);
  sac_cuda_reads(&uses, op->key, n * sizeof *op->key);
  sac_cuda_reads(&uses, op->update, sizeof *op->update);
  sac_cuda_writes(&uses, op->index, n * (size_t)op->rows * sizeof *op->index);
  sac_cuda_writes_stack(&uses, &op->weight, op->priorities.n, op->rows, 1);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, priority_draw_kernel, (unsigned)n, THREADS, *op);
  sac_cuda_step_end(backend);
}

// the words of a value's size that atomics take
template <size_t bytes>
struct word;
template <>
struct word<4> {
  typedef unsigned type;
};
template <>
struct word<8> {
  typedef unsigned long long type;
};

// *at = max(*at, x) of numbers that are not negative: their bits are in the same order
static __device__ __forceinline__ void raise_to(sac_real *at, sac_real x) {
  word<sizeof x>::type bits;
  memcpy(&bits, &x, sizeof bits);
  atomicMax((word<sizeof x>::type *)at, bits);
}

static __device__ __forceinline__ sac_real find_priority(const sac_priority_update *op, int i,
                                                         int row) {
  sac_real y = *sac_stack_row(&op->y, i, row), sizes = 0;
  for (int k = i * op->n_critics; k < (i + 1) * op->n_critics; k++)
    sizes += sac_math_size(*sac_stack_row(&op->q, k, row) - y);
  return sac_priority_of(sizes, op->n_critics, op->alpha, op->eps);
}

static __global__ void __launch_bounds__(THREADS)
    priority_update_kernel(const __grid_constant__ sac_priority_update op) {
  int i = (int)blockIdx.x;
  sac_real *nodes = op.priorities.nodes + (size_t)i * op.priorities.count;
  const uint32_t *index = op.index + (size_t)i * (size_t)op.rows;
  for (int row = (int)threadIdx.x; row < op.rows; row += THREADS) nodes[index[row]] = 0;
  __syncthreads();
  for (int row = (int)threadIdx.x; row < op.rows; row += THREADS) {
    sac_real priority = find_priority(&op, i, row);
    raise_to(&nodes[index[row]], priority);
    raise_to(&op.priorities.largest[i], priority);
  }
  sac_priority_level level = {0, op.priorities.capacity};
  for (size_t span = SAC_PRIORITY_FAN; level.size > 1; span *= SAC_PRIORITY_FAN) {
    sac_priority_level above = sac_priority_above(level);
    __syncthreads();
    for (int row = (int)threadIdx.x; row < op.rows; row += THREADS)
      sac_priority_sum(nodes, level, above, index[row] / span);
    level = above;
  }
}

void sac_cuda_priority_update(sac_backend *backend, const sac_priority_update *op) {
  int n = op->priorities.n;
  sac_cuda_uses uses = {};
  sac_cuda_reads_stack(&uses, &op->q, n * op->n_critics, op->rows, 1);
  sac_cuda_reads_stack(&uses, &op->y, n, op->rows, 1);
  sac_cuda_reads(&uses, op->index, (size_t)n * (size_t)op->rows * sizeof *op->index);
  sac_cuda_writes(&uses, op->priorities.nodes, nodes_bytes(&op->priorities));
  sac_cuda_writes(&uses, op->priorities.largest, (size_t)n * sizeof *op->priorities.largest);
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, priority_update_kernel, (unsigned)n, THREADS, *op);
  sac_cuda_step_end(backend);
}

// each node above the places once: those of the last place below it, the end of the ring and the
// last place of all
static __global__ void __launch_bounds__(THREADS)
    priority_enter_kernel(const __grid_constant__ sac_priority_enter op) {
  int i = (int)blockIdx.x;
  size_t capacity = op.priorities.capacity;
  sac_real *nodes = op.priorities.nodes + (size_t)i * op.priorities.count;
  size_t all = op.mode == SAC_PRIORITY_RESET ? op.priorities.count : 0;
  for (size_t k = threadIdx.x; k < all; k += THREADS) nodes[k] = 0;
  __syncthreads();
  for (size_t k = threadIdx.x; k < op.count && op.mode != SAC_PRIORITY_GIVEN; k += THREADS)
    nodes[(op.first + k) % capacity] = op.priorities.largest[i];
  sac_priority_level level = {0, capacity};
  for (size_t span = SAC_PRIORITY_FAN; level.size > 1; span *= SAC_PRIORITY_FAN) {
    sac_priority_level above = sac_priority_above(level);
    __syncthreads();
    for (size_t k = threadIdx.x; k < op.count; k += THREADS) {
      size_t place = (op.first + k) % capacity;
      if (place % span == span - 1 || place + 1 == capacity || k + 1 == op.count)
        sac_priority_sum(nodes, level, above, place / span);
    }
    level = above;
  }
}

void sac_cuda_priority_enter(sac_backend *backend, const sac_priority_enter *op) {
  size_t n = (size_t)op->priorities.n;
  sac_cuda_uses uses = {};
  sac_cuda_reads(&uses, op->priorities.largest, n * sizeof *op->priorities.largest);
  sac_cuda_writes(&uses, op->priorities.nodes, nodes_bytes(&op->priorities));
  sac_cuda_step_begin(backend, &uses);
  SAC_CUDA_RUN(backend, priority_enter_kernel, (unsigned)n, THREADS, *op);
  sac_cuda_step_end(backend);
}
