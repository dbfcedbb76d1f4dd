#include "kernels/order.cuh"

#include <stdlib.h>

enum { STEPS_MAX = 256, WORDS = STEPS_MAX / 64, BRANCHES = 4, USES_MAX = 16 };

/// Steps by number.
typedef struct step_set {
  uint64_t word[WORDS];
} step_set;

/// One step of the sequence being recorded. `behind` holds every step that is done before it.
typedef struct step {
  sac_cuda_uses uses;
  step_set behind;
  cudaEvent_t done;
} step;

struct sac_cuda_order {
  int n_steps;
  step steps[STEPS_MAX];
  cudaEvent_t begun;
  // branch 0 is the backend's own stream
  cudaStream_t branch[BRANCHES];
  int last[BRANCHES];      // the last step of each; -1 while it has none
  bool started[BRANCHES];  // part of the recording
  int branch_now;
};

static bool holds(const step_set *set, int i) {
  return set->word[i / 64] >> (i % 64) & 1;
}

static void add_step(step_set *set, const sac_cuda_order *order, int i) {
  for (int w = 0; w < WORDS; w++) set->word[w] |= order->steps[i].behind.word[w];
  set->word[i / 64] |= 1ull << (i % 64);
}

// ---- what a step uses

static void add_use(sac_cuda_uses *uses, const void *memory, size_t bytes, bool writes) {
  if (!memory || bytes == 0) return;
  sac_cuda_require(uses->count < USES_MAX, "at most 16 operands of a step");
  const char *begin = (const char *)memory;
  uses->at[uses->count++] = {begin, begin + bytes, writes};
}

void sac_cuda_reads(sac_cuda_uses *uses, const void *memory, size_t bytes) {
  add_use(uses, memory, bytes, false);
}

void sac_cuda_writes(sac_cuda_uses *uses, const void *memory, size_t bytes) {
  add_use(uses, memory, bytes, true);
}

static size_t span(const sac_stack *stack, int n, int rows, int cols) {
  size_t members = (size_t)((n - 1) / stack->share) * stack->stride;
  return (members + (size_t)(rows - 1) * (size_t)stack->ld + (size_t)cols) * sizeof(sac_real);
}

void sac_cuda_reads_stack(sac_cuda_uses *uses, const sac_stack *stack, int n, int rows, int cols) {
  if (stack->data) add_use(uses, stack->data, span(stack, n, rows, cols), false);
}

void sac_cuda_writes_stack(sac_cuda_uses *uses, const sac_stack *stack, int n, int rows, int cols) {
  if (stack->data) add_use(uses, stack->data, span(stack, n, rows, cols), true);
}

static bool clash(const sac_cuda_uses *a, const sac_cuda_uses *b) {
  for (int i = 0; i < a->count; i++)
    for (int j = 0; j < b->count; j++)
      if ((a->at[i].writes || b->at[j].writes) && a->at[i].begin < b->at[j].end &&
          b->at[j].begin < a->at[i].end)
        return true;
  return false;
}

// ---- branches

// A branch that holds up nothing: one whose last step is done before the new one anyway, the later
// the better; else one not used yet; else the backend's own.
static int choose_branch(const sac_cuda_order *order, const step_set *behind) {
  int chosen = -1;
  for (int b = 0; b < BRANCHES; b++)
    if (order->last[b] >= 0 && holds(behind, order->last[b]) &&
        (chosen < 0 || order->last[b] > order->last[chosen]))
      chosen = b;
  for (int b = 0; b < BRANCHES && chosen < 0; b++)
    if (order->last[b] < 0) chosen = b;
  return chosen < 0 ? 0 : chosen;
}

static void wait_for(sac_backend *backend, int branch, cudaEvent_t event) {
  sac_cuda *cuda = sac_cuda_of(backend);
  sac_cuda_check(backend, cudaStreamWaitEvent(cuda->order->branch[branch], event, 0),
                 "cudaStreamWaitEvent");
  cuda->order->started[branch] = true;
}

// make `branch` wait for step i, and note what is done then
static void wait_for_step(sac_backend *backend, int branch, int i, step_set *behind) {
  sac_cuda_order *order = sac_cuda_of(backend)->order;
  if (holds(behind, i)) return;
  wait_for(backend, branch, order->steps[i].done);
  add_step(behind, order, i);
}

void sac_cuda_step_begin(sac_backend *backend, const sac_cuda_uses *uses) {
  sac_cuda *cuda = sac_cuda_of(backend);
  sac_cuda_order *order = cuda->order;
  if (!cuda->capturing) return;
  sac_cuda_require(order->n_steps < STEPS_MAX, "at most 256 steps of a sequence");
  int number = order->n_steps;
  step_set needed = {};
  for (int i = number - 1; i >= 0; i--)
    if (!holds(&needed, i) && clash(&order->steps[i].uses, uses)) add_step(&needed, order, i);
  int branch = order->branch_now = choose_branch(order, &needed);
  if (!order->started[branch]) wait_for(backend, branch, order->begun);
  // the branch's own steps are done; of the others, the latest first: they cover those before them
  step_set behind = {};
  if (order->last[branch] >= 0) add_step(&behind, order, order->last[branch]);
  for (int i = number - 1; i >= 0; i--)
    if (holds(&needed, i)) wait_for_step(backend, branch, i, &behind);
  order->steps[number].uses = *uses;
  order->steps[number].behind = behind;
  cuda->now = order->branch[branch];
}

void sac_cuda_step_end(sac_backend *backend) {
  sac_cuda *cuda = sac_cuda_of(backend);
  sac_cuda_order *order = cuda->order;
  if (!cuda->capturing) return;
  int number = order->n_steps++;
  sac_cuda_check(backend, cudaEventRecord(order->steps[number].done, cuda->now), "cudaEventRecord");
  order->last[order->branch_now] = number;
  cuda->now = cuda->stream;
}

void sac_cuda_order_begin(sac_backend *backend) {
  sac_cuda *cuda = sac_cuda_of(backend);
  sac_cuda_order *order = cuda->order;
  order->n_steps = 0;
  for (int b = 0; b < BRANCHES; b++) {
    order->last[b] = -1;
    order->started[b] = b == 0;
  }
  sac_cuda_check(backend, cudaEventRecord(order->begun, cuda->stream), "cudaEventRecord");
}

void sac_cuda_order_end(sac_backend *backend) {
  sac_cuda_order *order = sac_cuda_of(backend)->order;
  step_set behind = {};
  if (order->last[0] >= 0) add_step(&behind, order, order->last[0]);
  for (int b = 1; b < BRANCHES; b++)
    if (order->last[b] >= 0) wait_for_step(backend, 0, order->last[b], &behind);
}

cudaError_t sac_cuda_order_open(sac_cuda *cuda) {
  sac_cuda_order *order = (sac_cuda_order *)calloc(1, sizeof *order);
  cuda->order = order;
  if (!order) return cudaErrorMemoryAllocation;
  order->branch[0] = cuda->now = cuda->stream;
  cudaError_t error = cudaEventCreateWithFlags(&order->begun, cudaEventDisableTiming);
  for (int b = 1; b < BRANCHES && error == cudaSuccess; b++)
    error = cudaStreamCreateWithFlags(&order->branch[b], cudaStreamNonBlocking);
  for (int i = 0; i < STEPS_MAX && error == cudaSuccess; i++)
    error = cudaEventCreateWithFlags(&order->steps[i].done, cudaEventDisableTiming);
  return error;
}

void sac_cuda_order_close(sac_cuda *cuda) {
  sac_cuda_order *order = cuda->order;
  if (!order) return;
  if (order->begun) cudaEventDestroy(order->begun);
  for (int b = 1; b < BRANCHES; b++)
    if (order->branch[b]) cudaStreamDestroy(order->branch[b]);
  for (int i = 0; i < STEPS_MAX; i++)
    if (order->steps[i].done) cudaEventDestroy(order->steps[i].done);
  free(order);
}
