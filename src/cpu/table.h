// The steps of this build's table; formulas and shapes stand in backend/backend.h.
#pragma once

#include "cpu/cpu.h"
#include "cpu/simd.h"

void SAC_CPU(linear_forward)(sac_backend *backend, const sac_linear_forward *layer, int n_layers);
void SAC_CPU(linear_backward_input)(sac_backend *backend, const sac_linear_backward_input *layer,
                                    int n_layers);
void SAC_CPU(linear_backward_weight)(sac_backend *backend, const sac_linear_backward_weight *layer,
                                     int n_layers);
void SAC_CPU(gaussian_forward)(sac_backend *backend, const sac_gaussian_forward *op);
void SAC_CPU(gaussian_backward)(sac_backend *backend, const sac_gaussian_backward *op);
void SAC_CPU(soft_q_target)(sac_backend *backend, const sac_soft_q_target *op);
void SAC_CPU(value_target)(sac_backend *backend, const sac_value_target *op);
void SAC_CPU(soft_value)(sac_backend *backend, const sac_soft_value *op);
void SAC_CPU(regression_loss)(sac_backend *backend, const sac_regression_loss *op);
void SAC_CPU(policy_loss)(sac_backend *backend, const sac_policy_loss *op);
void SAC_CPU(temperature_loss)(sac_backend *backend, const sac_temperature_loss *op);
void SAC_CPU(adam)(sac_backend *backend, const sac_adam *op);
void SAC_CPU(polyak)(sac_backend *backend, const sac_polyak *op);
void SAC_CPU(explore)(sac_backend *backend, const sac_explore *op);
void SAC_CPU(perturb)(sac_backend *backend, const sac_perturb *op);
void SAC_CPU(hidden_forward)(sac_backend *backend, const sac_hidden_forward *op);
void SAC_CPU(hidden_backward)(sac_backend *backend, const sac_hidden_backward *op);
void SAC_CPU(priority_draw)(sac_backend *backend, const sac_priority_draw *op);
void SAC_CPU(priority_update)(sac_backend *backend, const sac_priority_update *op);
void SAC_CPU(priority_enter)(sac_backend *backend, const sac_priority_enter *op);
void SAC_CPU(gmm_forward)(sac_backend *backend, const sac_gmm_forward *op);
void SAC_CPU(gmm_backward)(sac_backend *backend, const sac_gmm_backward *op);
void SAC_CPU(flow_forward)(sac_backend *backend, const sac_flow_forward *op);
void SAC_CPU(flow_backward)(sac_backend *backend, const sac_flow_backward *op);
void SAC_CPU(flow_inverse)(sac_backend *backend, const sac_flow_inverse *op);
void SAC_CPU(row_repeat)(sac_backend *backend, const sac_row_repeat *op);
void SAC_CPU(action_choice)(sac_backend *backend, const sac_action_choice *op);
void SAC_CPU(linear_backward_bias)(sac_backend *backend, const sac_linear_backward_bias *op);
void SAC_CPU(gaussian_score)(sac_backend *backend, const sac_gaussian_score *op);
void SAC_CPU(advantages)(sac_backend *backend, const sac_advantages *op);
void SAC_CPU(standardise)(sac_backend *backend, const sac_standardise *op);
void SAC_CPU(shuffle_gather)(sac_backend *backend, const sac_shuffle_gather *op);
void SAC_CPU(proposal_draw)(sac_backend *backend, const sac_proposal_draw *op);
void SAC_CPU(sampled_value)(sac_backend *backend, const sac_sampled_value *op);
void SAC_CPU(particle_score)(sac_backend *backend, const sac_particle_score *op);
void SAC_CPU(stein_gradient)(sac_backend *backend, const sac_stein_gradient *op);
void SAC_CPU(leapfrog)(sac_backend *backend, const sac_leapfrog *op);
void SAC_CPU(metropolis)(sac_backend *backend, const sac_metropolis *op);
void SAC_CPU(normal_fill)(sac_backend *backend, const sac_normal_fill *op);
void SAC_CPU(replay_gather)(sac_backend *backend, const sac_replay_gather *op);
void SAC_CPU(normalise)(sac_backend *backend, const sac_normalise *op);
void SAC_CPU(finite_check)(sac_backend *backend, const sac_finite_check *op);
void SAC_CPU(tick)(sac_backend *backend, uint64_t *counter);

/// Best rate of fused multiply-adds that the backend's threads reach together, in GFLOP/s.
double SAC_CPU(peak_gflops)(sac_backend *backend);
