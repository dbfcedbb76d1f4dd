// Markov chains on exp(Q / alpha) before the squashing (Duane et al. 1987; Roberts & Tweedie 1996):
// Hamiltonian steps and their acceptance. The lanes are chains.
#include "backend/formulas/chains.h"
#include "cpu/lanes.h"
#include "cpu/table.h"

typedef sac_real lanes[SAC_CHUNK];

static void leap_chunk(const sac_leapfrog *op, int i, int first, int count) {
  lanes u, momentum, score;
  for (int j = 0; j < op->act_dim; j++) {
    sac_lanes_load(&op->u, i, first, count, j, u);
    sac_lanes_load(&op->momentum, i, first, count, j, momentum);
    sac_lanes_load(&op->score, i, first, count, j, score);
    for (int r = 0; r < SAC_CHUNK; r++)
      momentum[r] = sac_kicked(momentum[r], op->kick * op->step_size, score[r]);
    for (int r = 0; r < SAC_CHUNK; r++) u[r] += op->step_size * momentum[r];
    sac_lanes_store(&op->next_u, i, first, count, j, u);
    sac_lanes_store(&op->next_momentum, i, first, count, j, momentum);
    for (int r = 0; r < SAC_CHUNK; r++) u[r] = sac_math_tanh(u[r]);
    sac_lanes_store(&op->action, i, first, count, j, u);
  }
}

static void leap_part(void *context, int i_part) {
  const sac_leapfrog *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    leap_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(leapfrog)(sac_backend *backend, const sac_leapfrog *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->act_dim * 16;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), leap_part, op);
}

// |p'|^2 / 2 - |p|^2 / 2 with the last half kick, summed over the dimensions
static void find_kinetic_change(const sac_metropolis *op, int i, int first, int count,
                                lanes change) {
  lanes from, to, score;
  for (int r = 0; r < SAC_CHUNK; r++) change[r] = 0;
  for (int j = 0; j < op->act_dim; j++) {
    sac_lanes_load(&op->momentum, i, first, count, j, from);
    sac_lanes_load(&op->next_momentum, i, first, count, j, to);
    sac_lanes_load(&op->next_score, i, first, count, j, score);
    for (int r = 0; r < SAC_CHUNK; r++)
      change[r] += sac_kinetic_change(from[r], sac_kicked(to[r], op->step_size / 2, score[r]));
  }
}

// the chains that move take over (count, cols) of what lies at the trajectory's end
static void take(const sac_stack *to, const sac_stack *from, int cols, int i, int first, int count,
                 const bool moves[SAC_CHUNK]) {
  for (int r = 0; r < count; r++)
    if (moves[r])
      memcpy(sac_stack_row(to, i, first + r), sac_stack_row(from, i, first + r),
             (size_t)cols * sizeof(sac_real));
}

static void metropolis_chunk(const sac_metropolis *op, int i, int first, int count) {
  lanes energy, was, is, z0, z1, accepted;
  bool moves[SAC_CHUNK];
  find_kinetic_change(op, i, first, count, energy);
  sac_lanes_load(&op->log_density, i, first, count, 0, was);
  sac_lanes_load(&op->next_log_density, i, first, count, 0, is);
  sac_lanes_load(&op->noise, i, first, count, 0, z0);
  sac_lanes_load(&op->noise, i, first, count, 1, z1);
  for (int r = 0; r < SAC_CHUNK; r++) energy[r] += was[r] - is[r];
  for (int r = 0; r < SAC_CHUNK; r++)
    moves[r] = sac_chain_moves(energy[r], z0[r], z1[r], op->always);
  take(&op->u, &op->next_u, op->act_dim, i, first, count, moves);
  take(&op->score, &op->next_score, op->act_dim, i, first, count, moves);
  take(&op->log_density, &op->next_log_density, 1, i, first, count, moves);
  if (op->energy.data) sac_lanes_store(&op->energy, i, first, count, 0, energy);
  if (!op->accepted.data) return;
  sac_lanes_load(&op->accepted, i, first, count, 0, accepted);
  for (int r = 0; r < SAC_CHUNK; r++) accepted[r] += moves[r] ? (sac_real)1 : (sac_real)0;
  sac_lanes_store(&op->accepted, i, first, count, 0, accepted);
}

static void metropolis_part(void *context, int i_part) {
  const sac_metropolis *op = context;
  sac_rows_part part = sac_rows_part_at(op->rows, i_part);
  for (int row = part.first; row < part.end; row += SAC_CHUNK)
    metropolis_chunk(op, part.member, row, sac_chunk_count(row, part.end));
}

void SAC_CPU(metropolis)(sac_backend *backend, const sac_metropolis *op) {
  size_t work = (size_t)op->n * (size_t)op->rows * (size_t)op->act_dim * 8;
  sac_cpu_run(backend, work, op->n * sac_rows_blocks(op->rows), metropolis_part, op);
}
