// The product kernel, and cuBLAS where a product is large or asked for in a shorter format.
#include "kernels/gemm.cuh"

#include "kernels/order.cuh"

extern "C" {
#include "backend/formulas/linear.h"
}

// k is cut into quarters of whole steps, whatever depth of them a kernel takes at once
enum { QUARTERS = 4, STEPS = 16 };

/// Four neighbours, moved as one.
typedef struct __align__(16) quad {
  sac_real at[4];
}
quad;

static __device__ __forceinline__ int quarter_length(int k) {
  int quarter = (k + QUARTERS - 1) / QUARTERS;
  return (quarter + STEPS - 1) / STEPS * STEPS;
}

static __device__ __forceinline__ sac_real mask(sac_real x, sac_real h, sac_activation activation) {
  if (activation == SAC_RELU) return h <= 0 ? (sac_real)0 : x;
  return x * (1 - h * h);
}

static __device__ __forceinline__ sac_real finish(const sac_product *p, int member, int row,
                                                  int column, sac_real sum) {
  if (p->finish == SAC_FINISH_ACTIVATE)
    return sac_activate(sum + sac_stack_member(&p->bias, member)[column], p->activation);
  if (p->finish == SAC_FINISH_MASK)
    return mask(sum, sac_stack_row(&p->h, member, row)[column], p->activation);
  return sum;
}

// The matrices of one member, and which rows of A and C count.
typedef struct operands {
  const sac_real *a, *b;
  int m, n, lda, ldb;
  const int32_t *row;
} operands;

static __device__ __forceinline__ operands find_operands(const sac_product *p, int member) {
  operands o = {};
  o.a = sac_stack_member(&p->a, member);
  o.b = sac_stack_member(&p->b, member);
  o.m = p->row ? p->row_count[member] : p->m;
  o.n = p->n;
  o.lda = p->a.ld;
  o.ldb = p->b.ld;
  o.row = p->row ? p->row + (size_t)member * (size_t)p->m : NULL;
  return o;
}

static __device__ __forceinline__ int row_at(const operands *o, int i) {
  return o->row ? o->row[i] : i;
}

// DEPTH steps of A or of B in registers, on their way from device to shared memory: neighbouring
// threads read neighbouring values, along k where the matrix is stored so, else across.
template <int TILE, int THREADS, int DEPTH, bool ALONG>
static __device__ __forceinline__ void fetch(const sac_real *matrix, int ld, const int32_t *list,
                                             int first, int count, int k, int end, int t,
                                             sac_real held[TILE * DEPTH / THREADS]) {
#pragma unroll
  for (int i = 0; i < TILE * DEPTH / THREADS; i++) {
    int e = t + i * THREADS;
    int step = ALONG ? e % DEPTH : e / TILE, at = first + (ALONG ? e / DEPTH : e % TILE);
    held[i] = 0;
    if (at < count && k + step < end) {
      size_t place = (size_t)(list ? list[at] : at);
      held[i] = ALONG ? matrix[place * (size_t)ld + (size_t)(k + step)]
                      : matrix[(size_t)(k + step) * (size_t)ld + place];
    }
  }
}

// the same values into shared memory, (DEPTH, TILE) with rows padded against bank conflicts
template <int TILE, int THREADS, int DEPTH, bool ALONG>
static __device__ __forceinline__ void lay(const sac_real held[TILE * DEPTH / THREADS], int t,
                                           sac_real *shared) {
#pragma unroll
  for (int i = 0; i < TILE * DEPTH / THREADS; i++) {
    int e = t + i * THREADS;
    int step = ALONG ? e % DEPTH : e / TILE, at = ALONG ? e / DEPTH : e % TILE;
    shared[step * (TILE + 4) + at] = held[i];
  }
}

// element e of a thread's rows or columns within the tile: quads, SIDE threads apart
template <int SIDE>
static __device__ __forceinline__ int spread(int thread, int e) {
  return e / 4 * (SIDE * 4) + thread * 4 + e % 4;
}

template <int EACH, int SIDE>
static __device__ __forceinline__ void take(const sac_real *row, int thread, sac_real x[EACH]) {
#pragma unroll
  for (int e = 0; e < EACH; e += 4) {
    quad four = *(const quad *)(row + spread<SIDE>(thread, e));
#pragma unroll
    for (int i = 0; i < 4; i++) x[e + i] = four.at[i];
  }
}

/// What one thread sums: its elements of C, and its rows of A.
template <int EACH>
struct sums {
  sac_real c[EACH][EACH], a[EACH];
};

// sum += other, or = where there is nothing yet
template <int EACH>
static __device__ __forceinline__ void add_sums(sums<EACH> *sum, const sums<EACH> *other,
                                                bool first) {
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    sum->a[i] = first ? other->a[i] : sum->a[i] + other->a[i];
#pragma unroll
    for (int j = 0; j < EACH; j++)
      sum->c[i][j] = first ? other->c[i][j] : sum->c[i][j] + other->c[i][j];
  }
}

// DEPTH steps of k out of shared memory
template <int EACH, int SIDE, int DEPTH>
static __device__ __forceinline__ void add_steps(const sac_real *shared_a, const sac_real *shared_b,
                                                 int ty, int tx, bool sums_a, sums<EACH> *sum) {
  enum { WIDTH = EACH * SIDE + 4 };
#pragma unroll
  for (int step = 0; step < DEPTH; step++) {
    sac_real a[EACH], b[EACH];
    take<EACH, SIDE>(shared_a + step * WIDTH, ty, a);
    take<EACH, SIDE>(shared_b + step * WIDTH, tx, b);
#pragma unroll
    for (int i = 0; i < EACH; i++)
#pragma unroll
      for (int j = 0; j < EACH; j++) sum->c[i][j] += a[i] * b[j];
    if (sums_a) {
#pragma unroll
      for (int i = 0; i < EACH; i++) sum->a[i] += a[i];
    }
  }
}

// Lay down or add up a group's sums: (TILE, TILE) of C, then (TILE) of A.
template <int EACH, int SIDE>
static __device__ __forceinline__ void lay_sums(const sums<EACH> *sum, int ty, int tx,
                                                sac_real *shared) {
  enum { TILE = EACH * SIDE };
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int row = spread<SIDE>(ty, i);
    if (tx == 0) shared[TILE * TILE + row] = sum->a[i];
#pragma unroll
    for (int j = 0; j < EACH; j++) shared[row * TILE + spread<SIDE>(tx, j)] = sum->c[i][j];
  }
}

template <int EACH, int SIDE>
static __device__ __forceinline__ void take_sums(const sac_real *shared, int ty, int tx,
                                                 sums<EACH> *sum) {
  enum { TILE = EACH * SIDE };
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int row = spread<SIDE>(ty, i);
    sum->a[i] += shared[TILE * TILE + row];
#pragma unroll
    for (int j = 0; j < EACH; j++) sum->c[i][j] += shared[row * TILE + spread<SIDE>(tx, j)];
  }
}

template <int EACH, int SIDE>
static __device__ __forceinline__ void store_tile(const sac_product *p, const operands *o,
                                                  int member, int first_row, int first_column,
                                                  int ty, int tx, bool sums_a,
                                                  const sums<EACH> *sum) {
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int at = first_row + spread<SIDE>(ty, i);
    if (at >= o->m) continue;
    int row = row_at(o, at);
    sac_real *c = sac_stack_row(&p->c, member, row);
#pragma unroll
    for (int j = 0; j < EACH; j++) {
      int column = first_column + spread<SIDE>(tx, j);
      if (column < o->n) c[column] = finish(p, member, row, column, sum->c[i][j]);
    }
    if (sums_a && tx == 0) sac_stack_member(&p->a_sum, member)[row] = sum->a[i];
  }
}

// One thread computes EACH x EACH elements of C, SIDE x SIDE threads a tile. With GROUPS of 4 a
// block is four such squares, each with a quarter of k of its own; with 1 it takes the quarters one
// after the other. Blocks: (tiles of n, tiles of m, members). Bytes: A and B once for every tile
// that needs them, C once. Limits: with few tiles the latency of a quarter's steps, with many the
// multiply-adds (16 of them for two reads of shared memory).
template <int EACH, int SIDE, int GROUPS, int DEPTH, bool A_ALONG, bool B_ALONG>
static __global__ void __launch_bounds__(SIDE *SIDE *GROUPS)
    product_kernel(const __grid_constant__ sac_product p) {
  enum { TILE = EACH * SIDE, THREADS = SIDE * SIDE, HELD = TILE * DEPTH / THREADS };
  enum { STEP_SIZE = DEPTH * (TILE + 4), SUMS_SIZE = TILE * (TILE + 1) };
  SAC_SHARED(sac_real, shared_a, GROUPS * STEP_SIZE);
  SAC_SHARED(sac_real, shared_b, GROUPS * STEP_SIZE);
  SAC_SHARED(sac_real, shared_sum, GROUPS > 1 ? (GROUPS - 1) * SUMS_SIZE : 1);
  int member = (int)blockIdx.z, group = (int)threadIdx.x / THREADS;
  int t = (int)threadIdx.x % THREADS, tx = t % SIDE, ty = t / SIDE;
  int row = (int)blockIdx.y * TILE, column = (int)blockIdx.x * TILE;
  operands o = find_operands(&p, member);
  if (row >= o.m) return;
  bool sums_a = p.a_sum.data && blockIdx.x == 0;
  sac_real *own_a = shared_a + group * STEP_SIZE, *own_b = shared_b + group * STEP_SIZE;

  sums<EACH> total;
  int quarter = quarter_length(p.k);
  for (int q = group; q < QUARTERS; q += GROUPS) {
    sums<EACH> sum = {};
    int begin = q * quarter, end = begin + quarter < p.k ? begin + quarter : p.k;
    sac_real held_a[HELD], held_b[HELD];
    fetch<TILE, THREADS, DEPTH, A_ALONG>(o.a, o.lda, o.row, row, o.m, begin, end, t, held_a);
    fetch<TILE, THREADS, DEPTH, B_ALONG>(o.b, o.ldb, NULL, column, o.n, begin, end, t, held_b);
    // every group makes the same number of steps, so that all meet at the barriers
    for (int k = begin; k < begin + quarter; k += DEPTH) {
      lay<TILE, THREADS, DEPTH, A_ALONG>(held_a, t, own_a);
      lay<TILE, THREADS, DEPTH, B_ALONG>(held_b, t, own_b);
      __syncthreads();
      // the next steps are under way while these are computed
      int next = k + DEPTH;
      fetch<TILE, THREADS, DEPTH, A_ALONG>(o.a, o.lda, o.row, row, o.m, next, end, t, held_a);
      fetch<TILE, THREADS, DEPTH, B_ALONG>(o.b, o.ldb, NULL, column, o.n, next, end, t, held_b);
      add_steps<EACH, SIDE, DEPTH>(own_a, own_b, ty, tx, sums_a, &sum);
      __syncthreads();
    }
    add_sums(&total, &sum, q == group);
  }

  // the groups' quarters come together in the first
  if (GROUPS > 1) {
    if (group > 0) lay_sums<EACH, SIDE>(&total, ty, tx, shared_sum + (group - 1) * SUMS_SIZE);
    __syncthreads();
    if (group > 0) return;
    for (int g = 0; g < GROUPS - 1; g++)
      take_sums<EACH, SIDE>(shared_sum + g * SUMS_SIZE, ty, tx, &total);
  }
  store_tile<EACH, SIDE>(&p, &o, member, row, column, ty, tx, sums_a, &total);
}

template <int EACH, int SIDE, int GROUPS, int DEPTH>
static void launch_tiles(sac_backend *backend, const sac_product *p) {
  enum { TILE = EACH * SIDE, THREADS = SIDE * SIDE * GROUPS };
  dim3 grid(sac_blocks((size_t)p->n, TILE), sac_blocks((size_t)p->m, TILE), (unsigned)p->members);
  if (p->a_turned)
    SAC_CUDA_RUN(backend, (product_kernel<EACH, SIDE, GROUPS, DEPTH, false, false>), grid, THREADS,
                 *p);
  else if (p->b_turned)
    SAC_CUDA_RUN(backend, (product_kernel<EACH, SIDE, GROUPS, DEPTH, true, true>), grid, THREADS,
                 *p);
  else
    SAC_CUDA_RUN(backend, (product_kernel<EACH, SIDE, GROUPS, DEPTH, true, false>), grid, THREADS,
                 *p);
}

// Tiles of 64 where they fill the device, else tiles of 32 by four groups of threads.
static void multiply_here(sac_backend *backend, const sac_product *p) {
  size_t tiles = (size_t)p->members * sac_blocks((size_t)p->n, 64) * sac_blocks((size_t)p->m, 64);
  if (tiles >= 2 * (size_t)sac_cuda_of(backend)->processors)
    launch_tiles<4, 16, 1, 16>(backend, p);
  else
    launch_tiles<4, 8, 4, 16>(backend, p);
}

// ---- cuBLAS

// Bias, activation and mask after a product of cuBLAS. One thread an element.
static __global__ void finish_kernel(const __grid_constant__ sac_product p) {
  size_t at = sac_thread_index(), size = (size_t)p.m * (size_t)p.n;
  if (at >= size * (size_t)p.members) return;
  int member = (int)(at / size), row = (int)(at % size / (size_t)p.n);
  int column = (int)(at % (size_t)p.n);
  sac_real *c = sac_stack_row(&p.c, member, row) + column;
  *c = finish(&p, member, row, column, *c);
}

// Sums of A over k where A is stored (k, m): one warp's lanes own 32 neighbouring columns, eight
// warps share the rows, and the first adds up what they found.
static __global__ void __launch_bounds__(256) sum_kernel(const __grid_constant__ sac_product p) {
  SAC_SHARED(sac_real, partial, 256);
  int lane = (int)threadIdx.x % SAC_WARP, warp = (int)threadIdx.x / SAC_WARP;
  int column = (int)blockIdx.x * SAC_WARP + lane, member = (int)blockIdx.y;
  sac_real sum = 0;
  if (column < p.m)
    for (int k = warp; k < p.k; k += 8) sum += sac_stack_row(&p.a, member, k)[column];
  partial[threadIdx.x] = sum;
  __syncthreads();
  if (warp > 0 || column >= p.m) return;
  for (int w = 1; w < 8; w++) sum += partial[w * SAC_WARP + lane];
  sac_stack_member(&p.a_sum, member)[column] = sum;
}

// A stack in which neighbours share a matrix has no one stride, unless all share it.
static bool has_one_stride(const sac_stack *stack, int members) {
  return stack->share == 1 || stack->share >= members;
}

static long long stride_of(const sac_stack *stack) {
  return stack->share == 1 ? (long long)stack->stride : 0;
}

// operations of a member from which on cuBLAS multiplies in fp32 too, and the least of m, n and k
// for which the tensor cores are asked
enum { BLAS_WORK = 1 << 27, TENSOR_SIZE = 16 };

static bool suits_blas(sac_backend *backend, const sac_product *p) {
  // floats only; rows of a list lie anywhere
  if (sizeof(sac_real) != 4 || p->row) return false;
  if (!has_one_stride(&p->a, p->members) || !has_one_stride(&p->b, p->members)) return false;
  if (sac_cuda_of(backend)->matmul == SAC_MATMUL_FP32)
    return (double)p->m * p->n * p->k >= BLAS_WORK;
  int least = p->m < p->n ? p->m : p->n;
  return (least < p->k ? least : p->k) >= TENSOR_SIZE;
}

static cublasComputeType_t compute_type(sac_matmul matmul) {
  if (matmul == SAC_MATMUL_TF32) return CUBLAS_COMPUTE_32F_FAST_TF32;
  return matmul == SAC_MATMUL_BF16 ? CUBLAS_COMPUTE_32F_FAST_16BF : CUBLAS_COMPUTE_32F;
}

// cuBLAS counts columns first: what it computes is C' = B' A'
static void multiply_by_blas(sac_backend *backend, const sac_product *p) {
  sac_cuda *cuda = sac_cuda_of(backend);
  const float one = 1, zero = 0;
  // a change of stream takes the workspace away
  cublasStatus_t status = cublasSetStream(cuda->blas, cuda->now);
  if (status == CUBLAS_STATUS_SUCCESS)
    status = cublasSetWorkspace(cuda->blas, cuda->blas_workspace, SAC_CUDA_BLAS_WORKSPACE);
  sac_cuda_check_blas(backend, status, "cublasSetWorkspace");
  status = cublasGemmStridedBatchedEx(
      cuda->blas, p->b_turned ? CUBLAS_OP_T : CUBLAS_OP_N, p->a_turned ? CUBLAS_OP_T : CUBLAS_OP_N,
      p->n, p->m, p->k, &one, p->b.data, CUDA_R_32F, p->b.ld, stride_of(&p->b), p->a.data,
      CUDA_R_32F, p->a.ld, stride_of(&p->a), &zero, p->c.data, CUDA_R_32F, p->c.ld,
      stride_of(&p->c), p->members, compute_type(cuda->matmul), CUBLAS_GEMM_DEFAULT);
  sac_cuda_check_blas(backend, status, "cublasGemmStridedBatchedEx");
  size_t size = (size_t)p->members * (size_t)p->m * (size_t)p->n;
  if (p->finish != SAC_FINISH_PLAIN)
    SAC_CUDA_RUN(backend, finish_kernel, sac_blocks(size, 256), 256, *p);
  if (p->a_sum.data)
    SAC_CUDA_RUN(backend, sum_kernel, dim3(sac_blocks((size_t)p->m, SAC_WARP), p->members), 256,
                 *p);
}

static void list_uses(const sac_cuda *cuda, const sac_product *p, bool blas, sac_cuda_uses *uses) {
  int n = p->members, a_rows = p->a_turned ? p->k : p->m, b_rows = p->b_turned ? p->n : p->k;
  sac_cuda_reads_stack(uses, &p->a, n, a_rows, p->a_turned ? p->m : p->k);
  sac_cuda_reads_stack(uses, &p->b, n, b_rows, p->b_turned ? p->k : p->n);
  sac_cuda_writes_stack(uses, &p->c, n, p->m, p->n);
  if (p->finish == SAC_FINISH_ACTIVATE) sac_cuda_reads_stack(uses, &p->bias, n, 1, p->n);
  if (p->finish == SAC_FINISH_MASK) sac_cuda_reads_stack(uses, &p->h, n, p->m, p->n);
  sac_cuda_writes_stack(uses, &p->a_sum, n, 1, p->m);
  sac_cuda_reads(uses, p->row, (size_t)n * (size_t)p->m * sizeof *p->row);
  sac_cuda_reads(uses, p->row_count, (size_t)n * sizeof *p->row_count);
  if (blas) sac_cuda_writes(uses, cuda->blas_workspace, SAC_CUDA_BLAS_WORKSPACE);
}

void sac_cuda_multiply(sac_backend *backend, const sac_product *product) {
  sac_cuda_uses uses = {};
  bool blas = suits_blas(backend, product);
  list_uses(sac_cuda_of(backend), product, blas, &uses);
  sac_cuda_step_begin(backend, &uses);
  if (blas)
    multiply_by_blas(backend, product);
  else
    multiply_here(backend, product);
  sac_cuda_step_end(backend);
}
