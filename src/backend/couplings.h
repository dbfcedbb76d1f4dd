// Where the parts of a flow lie, once for networks, host and device.
#pragma once

#include "backend/backend.h"
#include "backend/elementary.h"

/// Sizes, which the host of a device's kernels wants to know too: they say how.
#ifndef SAC_FLOW_SIZE
#define SAC_FLOW_SIZE SAC_HOST_DEVICE
#endif

/// One coupling: which values it keeps and changes, and where its weights begin. Both S and T are W
/// units over [kept | condition], then one output for each changed value: the hidden weights are
/// those of S, then those of T.
typedef struct sac_flow_layer {
  int kept_first, kept, changed_first, changed;
  int in;                                       // kept + E
  size_t hidden, hidden_bias;                   // (2W, in), (2W)
  size_t scale, scale_bias, shift, shift_bias;  // (changed, W), (changed) each
  size_t end;
} sac_flow_layer;

// a coupling that changes nothing (A = 1) has no weights
SAC_FLOW_SIZE size_t sac_flow_layer_weights(const sac_flow *flow, int kept, int changed) {
  size_t in = (size_t)(kept + flow->condition), units = (size_t)flow->hidden;
  return changed == 0 ? 0 : 2 * units * (in + 1) + 2 * (size_t)changed * (units + 1);
}

SAC_FLOW_SIZE sac_flow_layer sac_flow_layer_at(const sac_flow *flow, int l) {
  int first = flow->act_dim / 2, second = flow->act_dim - first;
  bool even = l % 2 == 0;
  sac_flow_layer layer;
  layer.kept_first = even ? first : 0;
  layer.kept = even ? second : first;
  layer.changed_first = even ? 0 : first;
  layer.changed = even ? first : second;
  layer.in = layer.kept + flow->condition;
  size_t units = (size_t)flow->hidden, changed = (size_t)layer.changed;
  layer.hidden = (size_t)((l + 1) / 2) * sac_flow_layer_weights(flow, second, first) +
                 (size_t)(l / 2) * sac_flow_layer_weights(flow, first, second);
  layer.hidden_bias = layer.hidden + 2 * units * (size_t)layer.in;
  layer.scale = layer.hidden_bias + 2 * units;
  layer.scale_bias = layer.scale + changed * units;
  layer.shift = layer.scale_bias + changed;
  layer.shift_bias = layer.shift + changed * units;
  layer.end = layer.hidden + sac_flow_layer_weights(flow, layer.kept, layer.changed);
  return layer;
}

/// Weights of all couplings.
SAC_FLOW_SIZE size_t sac_flow_weights(const sac_flow *flow) {
  return sac_flow_layer_at(flow, flow->layers - 1).end;
}

/// A row of the tape holds for each coupling [kept | condition | units of S, of T | S | the changed
/// values before], A + E + 2W + A values apart, and at last u.
SAC_FLOW_SIZE int sac_flow_tape_layer(const sac_flow *flow) {
  return 2 * flow->act_dim + flow->condition + 2 * flow->hidden;
}
SAC_FLOW_SIZE int sac_flow_tape(const sac_flow *flow) {
  return flow->layers * sac_flow_tape_layer(flow) + flow->act_dim;
}

/// A row of deltas holds for each coupling dJ/d [units of S, of T, before tanh | S' | T], 2W + 2A
/// values apart.
SAC_FLOW_SIZE int sac_flow_delta_layer(const sac_flow *flow) {
  return 2 * flow->hidden + 2 * flow->act_dim;
}
SAC_FLOW_SIZE int sac_flow_delta(const sac_flow *flow) {
  return flow->layers * sac_flow_delta_layer(flow);
}

/// S from S', and dS/dS'.
SAC_HOST_DEVICE sac_real sac_flow_scale(sac_real raw, sac_real most) {
  return most > 0 ? most * sac_math_tanh(raw / most) : raw;
}
SAC_HOST_DEVICE sac_real sac_flow_scale_slope(sac_real scale, sac_real most) {
  sac_real share = most > 0 ? scale / most : (sac_real)0;
  return 1 - share * share;
}

/// The slope of an activation from its value.
SAC_HOST_DEVICE sac_real sac_activation_slope(sac_real y, sac_activation activation) {
  if (activation == SAC_RELU) return y > 0 ? (sac_real)1 : (sac_real)0;
  return activation == SAC_TANH ? 1 - y * y : (sac_real)1;
}

/// u with tanh u = a, for |a| up to the largest value below 1.
SAC_HOST_DEVICE sac_real sac_unsquash(sac_real a) {
  const sac_real most = 1 - (sizeof(sac_real) == 4 ? (sac_real)6e-8 : (sac_real)1.2e-16);
  sac_real x = a > most ? most : a < -most ? -most : a;
  sac_real size = sac_math_size(x);
  // log((1 + |a|) / (1 - |a|)) / 2
  sac_real u = (sac_real)0.5 * sac_math_log1p(2 * size / (1 - size));
  return x < 0 ? -u : u;
}
