// The CUDA backend: what its files share on the host's side.
#pragma once

#include "kernels/kernel.cuh"

#include <stdio.h>
#include <stdlib.h>

extern "C" {
#include "backend/formulas/optimiser.h"
}

/// Bytes that cuBLAS may use: NVIDIA's advice for Hopper.
enum { SAC_CUDA_BLAS_WORKSPACE = 32 << 20 };

/// Blocks that share the gradient norm of a group, and the most groups (seeds) of a step.
enum { SAC_CUDA_NORM_BLOCKS = 16, SAC_CUDA_GROUPS_MAX = 64 };

/// What the Adam step under way uses for every element of a group.
typedef struct sac_cuda_step {
  sac_adam_rates rates;
  sac_real scale[SAC_CUDA_GROUPS_MAX];  // of the group's gradient
} sac_cuda_step;

/// The CUDA backend. All work goes to one stream in the order of the calls; a recorded sequence has
/// branches (see order.cuh).
typedef struct sac_cuda_order sac_cuda_order;

typedef struct sac_cuda {
  sac_backend base;
  cudaStream_t stream;
  cudaStream_t now;       // where the step under way goes: `stream`, or a branch of a recording
  sac_cuda_order *order;  // of the recording under way
  cublasHandle_t blas;
  void *blas_workspace;
  sac_matmul matmul;
  int processors;  // multiprocessors of the device
  char description[128];
  char fault[512];  // the first failure; empty while there is none
  // pinned memory that uploads pass through, in two halves: one is filled while the other travels
  char *pinned;
  size_t pinned_used;
  int half;
  cudaEvent_t travelled[2];
  bool capturing;       // a sequence is being recorded
  sac_cuda_step *step;  // of the Adam step under way, in device memory
  double *partial;      // (groups, blocks) of its gradient norms
} sac_cuda;

static inline sac_cuda *sac_cuda_of(sac_backend *backend) {
  return (sac_cuda *)backend;
}

/// What only we can get wrong: print it and abort. The library calls nothing of the program's.
static inline void sac_cuda_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "sac: internal error: %s\n", what);
  abort();
}

/// Keep the first failure for `sync`; `what` names the call.
void sac_cuda_check(sac_backend *backend, cudaError_t error, const char *what);
void sac_cuda_check_blas(sac_backend *backend, cublasStatus_t status, const char *what);

/// Launch on the backend's stream and check that the launch was accepted.
#define SAC_CUDA_RUN(backend, kernel, grid, threads, ...)                      \
  do {                                                                         \
    SAC_LAUNCH(kernel, grid, threads, sac_cuda_of(backend)->now, __VA_ARGS__); \
    sac_cuda_check(backend, cudaGetLastError(), #kernel);                      \
  } while (0)

// life, memory and sequences
sac_status sac_cuda_open(const sac_backend_options *options, sac_backend **backend, sac_error *err);
void sac_cuda_close(sac_backend *backend);
const char *sac_cuda_describe(const sac_backend *backend);
size_t sac_cuda_memory_available(const sac_backend *backend);
sac_status sac_cuda_alloc(sac_backend *backend, size_t bytes, void **memory, sac_error *err);
void sac_cuda_release(sac_backend *backend, void *memory);
void sac_cuda_upload(sac_backend *backend, void *to, const void *from, size_t bytes);
void sac_cuda_download(sac_backend *backend, void *to, const void *from, size_t bytes);
void sac_cuda_copy(sac_backend *backend, void *to, const void *from, size_t bytes);
sac_status sac_cuda_sync(sac_backend *backend, sac_error *err);
sac_status sac_cuda_reserve(sac_backend *backend, int n, int rows, int in, int out, sac_error *err);
bool sac_cuda_sequence_begin(sac_backend *backend, sac_sequence *sequence);
void sac_cuda_sequence_end(sac_backend *backend, sac_sequence *sequence);
void sac_cuda_sequence_release(sac_backend *backend, sac_sequence *sequence);

// steps; formulas and shapes stand in backend/backend.h
void sac_cuda_linear_forward(sac_backend *backend, const sac_linear_forward *layer, int n_layers);
void sac_cuda_linear_backward_input(sac_backend *backend, const sac_linear_backward_input *layer,
                                    int n_layers);
void sac_cuda_linear_backward_weight(sac_backend *backend, const sac_linear_backward_weight *layer,
                                     int n_layers);
void sac_cuda_gaussian_forward(sac_backend *backend, const sac_gaussian_forward *op);
void sac_cuda_gaussian_backward(sac_backend *backend, const sac_gaussian_backward *op);
void sac_cuda_soft_q_target(sac_backend *backend, const sac_soft_q_target *op);
void sac_cuda_value_target(sac_backend *backend, const sac_value_target *op);
void sac_cuda_soft_value(sac_backend *backend, const sac_soft_value *op);
void sac_cuda_regression_loss(sac_backend *backend, const sac_regression_loss *op);
void sac_cuda_policy_loss(sac_backend *backend, const sac_policy_loss *op);
void sac_cuda_temperature_loss(sac_backend *backend, const sac_temperature_loss *op);
void sac_cuda_adam(sac_backend *backend, const sac_adam *op);
void sac_cuda_polyak(sac_backend *backend, const sac_polyak *op);
void sac_cuda_explore(sac_backend *backend, const sac_explore *op);
void sac_cuda_perturb(sac_backend *backend, const sac_perturb *op);
void sac_cuda_hidden_forward(sac_backend *backend, const sac_hidden_forward *op);
void sac_cuda_hidden_backward(sac_backend *backend, const sac_hidden_backward *op);
void sac_cuda_priority_draw(sac_backend *backend, const sac_priority_draw *op);
void sac_cuda_priority_update(sac_backend *backend, const sac_priority_update *op);
void sac_cuda_priority_enter(sac_backend *backend, const sac_priority_enter *op);
void sac_cuda_gmm_forward(sac_backend *backend, const sac_gmm_forward *op);
void sac_cuda_gmm_backward(sac_backend *backend, const sac_gmm_backward *op);
void sac_cuda_flow_forward(sac_backend *backend, const sac_flow_forward *op);
void sac_cuda_flow_backward(sac_backend *backend, const sac_flow_backward *op);
void sac_cuda_flow_inverse(sac_backend *backend, const sac_flow_inverse *op);
void sac_cuda_row_repeat(sac_backend *backend, const sac_row_repeat *op);
void sac_cuda_action_choice(sac_backend *backend, const sac_action_choice *op);
void sac_cuda_linear_backward_bias(sac_backend *backend, const sac_linear_backward_bias *op);
void sac_cuda_gaussian_score(sac_backend *backend, const sac_gaussian_score *op);
void sac_cuda_advantages(sac_backend *backend, const sac_advantages *op);
void sac_cuda_standardise(sac_backend *backend, const sac_standardise *op);
void sac_cuda_shuffle_gather(sac_backend *backend, const sac_shuffle_gather *op);
void sac_cuda_proposal_draw(sac_backend *backend, const sac_proposal_draw *op);
void sac_cuda_sampled_value(sac_backend *backend, const sac_sampled_value *op);
void sac_cuda_particle_score(sac_backend *backend, const sac_particle_score *op);
void sac_cuda_stein_gradient(sac_backend *backend, const sac_stein_gradient *op);
void sac_cuda_leapfrog(sac_backend *backend, const sac_leapfrog *op);
void sac_cuda_metropolis(sac_backend *backend, const sac_metropolis *op);
void sac_cuda_normal_fill(sac_backend *backend, const sac_normal_fill *op);
void sac_cuda_replay_gather(sac_backend *backend, const sac_replay_gather *op);
void sac_cuda_normalise(sac_backend *backend, const sac_normalise *op);
void sac_cuda_finite_check(sac_backend *backend, const sac_finite_check *op);
void sac_cuda_tick(sac_backend *backend, uint64_t *counter);
double sac_cuda_peak_gflops(sac_backend *backend);
void sac_cuda_env_step(sac_backend *backend, const sac_env_step *op);
