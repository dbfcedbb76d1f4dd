// The table of the CUDA backend, and the one symbol by which the program gets it.
#include "kernels/cuda.cuh"

#include <stdio.h>

static const sac_ops table = {
    SAC_BACKEND_VERSION,
    sizeof(sac_ops),
    "cuda",
    true,
    sac_cuda_open,
    sac_cuda_close,
    sac_cuda_describe,
    sac_cuda_memory_available,
    sac_cuda_alloc,
    sac_cuda_release,
    sac_cuda_upload,
    sac_cuda_download,
    sac_cuda_copy,
    sac_cuda_sync,
    sac_cuda_reserve,
    sac_cuda_sequence_begin,
    sac_cuda_sequence_end,
    sac_cuda_sequence_release,
    sac_cuda_linear_forward,
    sac_cuda_linear_backward_input,
    sac_cuda_linear_backward_weight,
    sac_cuda_gaussian_forward,
    sac_cuda_gaussian_backward,
    sac_cuda_soft_q_target,
    sac_cuda_value_target,
    sac_cuda_soft_value,
    sac_cuda_regression_loss,
    sac_cuda_policy_loss,
    sac_cuda_temperature_loss,
    sac_cuda_adam,
    sac_cuda_polyak,
    sac_cuda_explore,
    sac_cuda_perturb,
    sac_cuda_hidden_forward,
    sac_cuda_hidden_backward,
    sac_cuda_priority_draw,
    sac_cuda_priority_update,
    sac_cuda_priority_enter,
    sac_cuda_gmm_forward,
    sac_cuda_gmm_backward,
    sac_cuda_flow_forward,
    sac_cuda_flow_backward,
    sac_cuda_flow_inverse,
    sac_cuda_row_repeat,
    sac_cuda_action_choice,
    sac_cuda_linear_backward_bias,
    sac_cuda_gaussian_score,
    sac_cuda_advantages,
    sac_cuda_standardise,
    sac_cuda_shuffle_gather,
    sac_cuda_normal_fill,
    sac_cuda_replay_gather,
    sac_cuda_normalise,
    sac_cuda_finite_check,
    sac_cuda_tick,
    sac_cuda_peak_gflops,
    sac_cuda_env_step,
};

extern "C" SAC_API const sac_ops *sac_cuda_ops(uint32_t version, size_t size, const char *build,
                                               char *why, size_t why_size) {
  if (version == SAC_BACKEND_VERSION && size == sizeof(sac_ops) && strcmp(build, SAC_GIT_ID) == 0)
    return &table;
  snprintf(why, why_size,
           "it is of build %s with table version %d of %zu bytes, this program of build %s with "
           "version %u of %zu bytes: build both together",
           SAC_GIT_ID, SAC_BACKEND_VERSION, sizeof(sac_ops), build, version, size);
  return NULL;
}
