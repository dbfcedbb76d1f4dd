// The op table that every device implements: all arithmetic on batches goes through it, and only
// through it.
//
// Ops are the fused steps of the papers, not a tensor library. Every op works on a stack of `n`
// members (n = seeds x networks) laid out one after the other. Ops return nothing, never allocate,
// never synchronise, never read back; a fault of the device sticks and comes out of `sync`.
// Whatever changes from one update to the next (step counters, temperature, the replay's size) is
// read from backend memory, so that an update is a fixed sequence of calls which may be recorded
// once and replayed.
#pragma once

#include "base/philox.h"
#include "base/real.h"
#include "base/status.h"
#include "base/threads.h"

#define SAC_BACKEND_VERSION 8

/// A stack of row-major matrices: member i starts at `data + (i / share) * stride`, its rows lie
/// `ld` apart. `share` > 1 lets neighbouring members read the same matrix (the critics of one seed
/// share their input).
typedef struct sac_stack {
  sac_real *data;
  size_t stride;
  int ld;
  int share;
} sac_stack;

/// Member i of a stack.
SAC_HOST_DEVICE sac_real *sac_stack_member(const sac_stack *stack, int i) {
  return stack->data + (size_t)(i / stack->share) * stack->stride;
}

/// Row `row` of member i.
SAC_HOST_DEVICE sac_real *sac_stack_row(const sac_stack *stack, int i, int row) {
  return sac_stack_member(stack, i) + (size_t)row * (size_t)stack->ld;
}

/// Activation of a layer, applied after the bias.
typedef enum sac_activation { SAC_LINEAR, SAC_RELU, SAC_TANH } sac_activation;

/// y = act(x W' + b) for every member.
typedef struct sac_linear_forward {
  int n, rows, in, out;
  sac_stack x;       // (n, rows, in)
  sac_stack weight;  // (n, out, in)
  sac_stack bias;    // (n, 1, out)
  sac_stack y;       // (n, rows, out)
  sac_activation activation;
} sac_linear_forward;

/// dx = (dy W) * act'(h), where h is the input of the layer after its own activation.
/// With activation SAC_LINEAR h is not read. `weight` may begin at a later input column to get only
/// some of dx. `row` (n, rows) and `row_count` (n), both or neither NULL, list the only rows of
/// each member that are needed, in ascending order; the other rows of dx are left as they are.
typedef struct sac_linear_backward_input {
  int n, rows, in, out;
  sac_stack dy;      // (n, rows, out)
  sac_stack weight;  // (n, out, in)
  sac_stack h;       // (n, rows, in)
  sac_stack dx;      // (n, rows, in)
  sac_activation activation;
  const int32_t *row, *row_count;
} sac_linear_backward_input;

/// dW = dy' x, db = column sums of dy; both overwritten.
typedef struct sac_linear_backward_weight {
  int n, rows, in, out;
  sac_stack dy;       // (n, rows, out)
  sac_stack x;        // (n, rows, in)
  sac_stack dweight;  // (n, out, in)
  sac_stack dbias;    // (n, 1, out)
} sac_linear_backward_weight;

/// How the policy's raw second output becomes log sigma.
typedef enum sac_log_std_mode {
  SAC_LOG_STD_CLAMP,
  SAC_LOG_STD_TANH,
  SAC_LOG_STD_SOFTPLUS
} sac_log_std_mode;

/// The shape of a Gaussian policy's distribution (ALGORITHMS: SAC v2 appendix C).
typedef struct sac_gaussian {
  int act_dim;            // A
  bool squash;            // a = tanh(u), else a = u
  bool exact_correction;  // log(1 - tanh^2 u) in the softplus form, else log(1 - a^2 + 1e-6)
  sac_log_std_mode mode;
  sac_real log_std_min, log_std_max;
} sac_gaussian;

/// a = f(noise; s) and log pi(a|s) from the policy's head [mean | log_std].
/// `noise.data` NULL: the deterministic action tanh(mean), and log_pi is not written.
typedef struct sac_gaussian_forward {
  int n, rows;
  sac_gaussian gaussian;
  sac_stack head;    // (n, rows, 2A)
  sac_stack noise;   // (n, rows, A)
  sac_stack action;  // (n, rows, A)
  sac_stack log_pi;  // (n, rows, 1); data may be NULL
  sac_stack u;       // (n, rows, A) the action before the squash; data may be NULL
} sac_gaussian_forward;

/// Gradient of J_pi = mean(alpha (log pi - prior log p0(a)) - Q) with respect to the head, given dq
/// = dQ/da. dq holds n x n_critics members, each the product of the critic's input gradient with
/// its `seed` (see sac_policy_loss): a row's gradient is the sum over its critics whose seed is not
/// zero; the others are not read.
typedef struct sac_gaussian_backward {
  int n, rows, n_critics;
  sac_gaussian gaussian;
  bool normal_prior;          // p0 = N(0, I) over the action, else uniform
  sac_stack head;             // (n, rows, 2A)
  sac_stack noise;            // (n, rows, A)
  sac_stack action;           // (n, rows, A)
  sac_stack dq;               // (n * n_critics, rows, A)
  sac_stack seed;             // (n * n_critics, rows, 1)
  const sac_real *log_alpha;  // (n)
  sac_stack dhead;            // (n, rows, 2A)
} sac_gaussian_backward;

/// The soft Bellman target of SAC v2: y = kappa r + gamma (1-d) (min_i Qbar_i(s',a') - alpha log
/// pi(a'|s')). The minimum runs over `subset` critics drawn anew each update when subset <
/// n_critics (REDQ). Rows with d = 1 do not read q, log_pi. A row whose reward sums several steps
/// has a `discount` of its own in place of gamma.
typedef struct sac_soft_q_target {
  int n, rows, n_critics, subset;
  sac_real gamma, reward_scale;
  sac_stack reward, terminated;  // (n, rows, 1)
  sac_stack q;                   // (n * n_critics, rows, 1) target critics at (s', a')
  sac_stack log_pi;              // (n, rows, 1)
  sac_stack prior_action;        // (n, rows, A) a' where the prior is normal, else data NULL
  int act_dim;
  const sac_real *log_alpha;  // (n)
  const uint64_t *key;        // (n) for the subset
  const uint64_t *update;     // number of the update
  sac_stack y;                // (n, rows, 1)
  sac_stack discount;         // (n, rows, 1), or data NULL: gamma everywhere
} sac_soft_q_target;

/// The Bellman target of SAC v1: y = kappa r + gamma (1-d) Vbar(s'); `discount` as above.
typedef struct sac_value_target {
  int n, rows;
  sac_real gamma, reward_scale;
  sac_stack reward, terminated, v, y;  // (n, rows, 1)
  sac_stack discount;                  // (n, rows, 1), or data NULL
} sac_value_target;

/// The value target of SAC v1, eq. 5: min_i Q_i(s,a) - alpha log pi(a|s) + alpha log p0(a).
typedef struct sac_soft_value {
  int n, rows, n_critics, act_dim;
  sac_stack q;             // (n * n_critics, rows, 1)
  sac_stack log_pi;        // (n, rows, 1)
  sac_stack prior_action;  // (n, rows, A) where the prior is normal, else data NULL
  const sac_real *log_alpha;
  sac_stack v;  // (n, rows, 1)
} sac_soft_value;

/// J = 1/2 mean w (q - y)^2 and dq = w (q - y) / rows; huber: the same inside |q - y| <= 1, linear
/// outside. The weights w are 1 where there are none.
typedef struct sac_regression_loss {
  int n, rows;
  bool huber;
  sac_stack q, y, dq;  // (n, rows, 1)
  sac_real *loss;      // (n)
  sac_stack weight;    // (n, rows, 1), or data NULL
} sac_regression_loss;

/// Which critic the policy climbs.
typedef enum sac_actor_q { SAC_ACTOR_MIN, SAC_ACTOR_FIRST, SAC_ACTOR_MEAN } sac_actor_q;

/// J_pi = mean(alpha log pi - alpha log p0 - m), m = min, first or mean of the critics.
/// seed = dm/dQ_i per row (1 for the critic that attains the minimum, lowest index at a tie). For
/// min and first, `row` and `row_count` list each critic's rows with a seed other than zero, as
/// sac_linear_backward_input takes them.
typedef struct sac_policy_loss {
  int n, rows, n_critics, act_dim;
  sac_actor_q actor_q;
  sac_stack q;             // (n * n_critics, rows, 1)
  sac_stack log_pi;        // (n, rows, 1)
  sac_stack prior_action;  // (n, rows, A) where the prior is normal, else data NULL
  const sac_real *log_alpha;
  sac_stack seed;            // (n * n_critics, rows, 1)
  int32_t *row, *row_count;  // (n * n_critics, rows), (n * n_critics)
  sac_real *loss;            // (n)
  sac_real *entropy;         // (n) -mean(log pi)
  sac_stack integrand;       // (n, rows, 1) what J_pi is the mean of; data may be NULL
} sac_policy_loss;

/// J_alpha = -log alpha mean(log pi + target_entropy); dlog_alpha = -mean(log pi + target_entropy).
/// `plain`: J_alpha = -alpha mean(log pi + target_entropy), and dlog_alpha the same.
typedef struct sac_temperature_loss {
  int n, rows;
  bool plain;
  sac_real target_entropy;
  sac_stack log_pi;             // (n, rows, 1)
  const sac_real *log_alpha;    // (n)
  sac_real *dlog_alpha, *loss;  // (n)
} sac_temperature_loss;

/// One Adam step over a stack of parameter blocks, then optionally target <- (1-tau) target + tau
/// value. p -= lr mhat / (sqrt(vhat) + eps). Increments `step` first. Each element of the gradient
/// is cut to [-max_grad_value, max_grad_value]; what is then the gradient of each group of `share`
/// members is scaled to `max_grad_norm` when its norm over the group exceeds it. 0 means no limit.
typedef struct sac_adam {
  int n, share;                    // n is a multiple of share
  size_t count;                    // values a member
  sac_real *value, *grad, *m, *v;  // (n, count)
  sac_real *target;                // (n, count), or NULL
  uint64_t *step;                  // one for all members
  double lr, beta1, beta2, eps, tau, max_grad_norm, max_grad_value;
} sac_adam;

/// target <- (1-tau) target + tau value over `count` values.
typedef struct sac_polyak {
  size_t count;
  const sac_real *value;
  sac_real *target;
  double tau;
} sac_polyak;

/// How an environment's episode acts, from what the policy draws.
typedef enum sac_exploration {
  SAC_EXPLORE_POLICY,         // the draw itself
  SAC_EXPLORE_DETERMINISTIC,  // the policy's deterministic action
  SAC_EXPLORE_GAUSSIAN,       // the draw + sigma noise, within [-1, 1] where `bounded`
  SAC_EXPLORE_PARAMETER       // the draw of a perturbed policy
} sac_exploration;

/// Each row's action becomes that of its kind of exploration (sac_exploration). The kinds' own
/// stacks are read in their rows only. A row with a perturbed policy adds the mean square of
/// (perturbed - action) and 1 to its `distance`.
typedef struct sac_explore {
  int n, rows, act_dim;
  const int32_t *kind;  // (n, rows)
  sac_real sigma;
  bool bounded;
  sac_stack action;                           // (n, rows, A) the policy's draws
  sac_stack deterministic, noise, perturbed;  // (n, rows, A)
  double *distance;                           // (n, rows, 2)
} sac_explore;

/// value <- source + sigma value over `count` values, of which `value` holds the noise.
typedef struct sac_perturb {
  size_t count;
  sac_real sigma;
  const sac_real *source;
  sac_real *value;
} sac_perturb;
/// The shape of a mixture of K Gaussians, each as sac_gaussian has it. Its head is [means K A | log
/// stds K A | logits K]; a draw takes A + 2 normals, the last two of which choose the component.
typedef struct sac_gmm {
  sac_gaussian gaussian;
  int components;  // K
} sac_gmm;

/// a and log pi(a|s) = log sum_k w_k N(u; mu_k, sigma_k) - c(u) from the head. `noise.data` NULL:
/// row r takes the mean of component r mod K, and log_pi is not written.
typedef struct sac_gmm_forward {
  int n, rows;
  sac_gmm gmm;
  sac_stack head;    // (n, rows, K (2A + 1))
  sac_stack noise;   // (n, rows, A + 2)
  sac_stack action;  // (n, rows, A)
  sac_stack log_pi;  // (n, rows, 1); data may be NULL
} sac_gmm_forward;

/// The likelihood-ratio gradient of J_pi with respect to the head: mean of (integrand + baseline) d
/// log pi(u|s), with u as it was drawn (Haarnoja et al. 2018, first version; see
/// sac_policy_loss for the integrand).
typedef struct sac_gmm_backward {
  int n, rows;
  sac_gmm gmm;
  sac_stack head;                 // (n, rows, K (2A + 1))
  sac_stack noise;                // (n, rows, A + 2)
  sac_stack integrand, baseline;  // (n, rows, 1)
  sac_stack dhead;                // (n, rows, K (2A + 1))
} sac_gmm_backward;

/// Most values of an action, of a condition, and most units of S or of T, that a flow may have.
enum { SAC_FLOW_ACT_MAX = 64, SAC_FLOW_CONDITION_MAX = 128, SAC_FLOW_HIDDEN_MAX = 128 };

/// The shape of a real-NVP flow over A values under a condition of E values (Dinh et al. 2017;
/// Haarnoja et al. 2018, Latent Space Policies, section 4). Coupling l = 0, 2, ... keeps the second
/// half of the values and changes the first, l = 1, 3, ... the other way round: x' = x exp(S) + T,
/// where S and T have one layer of W tanh units each over [kept values | condition].
/// backend/couplings.h says where the weights of each coupling lie.
typedef struct sac_flow {
  int act_dim, condition, layers, hidden;  // A, E, couplings, W
  sac_activation activation;               // of the condition
  sac_real scale_max;                      // S = scale_max tanh(S' / scale_max); 0: S = S'
  bool squash, exact_correction;           // as sac_gaussian
} sac_flow;

/// a = tanh(u) with u = flow(h; condition), and log pi(a|s) = log N(h) - sum S - c(u).
typedef struct sac_flow_forward {
  int n, rows;
  sac_flow flow;
  sac_stack condition;  // (n, rows, E) before its activation
  sac_stack weight;     // (n, 1, sac_flow_weights)
  sac_stack noise;      // (n, rows, A) h
  sac_stack tape;       // (n, rows, sac_flow_tape) written: what backward needs
  sac_stack action;     // (n, rows, A)
  sac_stack log_pi;     // (n, rows, 1); data may be NULL
} sac_flow_forward;

/// Gradient of J_pi, as sac_gaussian_backward, or of a loss that is a function of u alone: with
/// respect to the condition before its activation, and to what comes out of each layer of S and T
/// of each coupling, from which linear_backward_weight makes the weights' gradients.
typedef struct sac_flow_backward {
  int n, rows, n_critics;
  sac_flow flow;
  bool normal_prior;          // p0 = N(0, I) over the action, else uniform
  sac_stack condition;        // (n, rows, E)
  sac_stack weight;           // (n, 1, sac_flow_weights)
  sac_stack tape;             // (n, rows, sac_flow_tape) of the forward pass
  sac_stack action;           // (n, rows, A)
  sac_stack dq;               // (n * n_critics, rows, A)
  sac_stack seed;             // (n * n_critics, rows, 1)
  const sac_real *log_alpha;  // (n)
  sac_stack du;               // (n, rows, A) the loss's gradient with respect to u, in place of
                              // action, dq, seed and log_alpha; data NULL: J_pi's
  sac_stack delta;            // (n, rows, sac_flow_delta)
  sac_stack dcondition;       // (n, rows, E)
} sac_flow_backward;

/// The way back: h and log pi(a|s) from an action. Where the flow squashes, |a| is taken to be
/// below 1 by at least a unit in the last place.
typedef struct sac_flow_inverse {
  int n, rows;
  sac_flow flow;
  sac_stack condition;  // (n, rows, E)
  sac_stack weight;     // (n, 1, sac_flow_weights)
  sac_stack action;     // (n, rows, A)
  sac_stack noise;      // (n, rows, A) h
  sac_stack log_pi;     // (n, rows, 1); data may be NULL
} sac_flow_inverse;

/// Every row `times` over: y's rows r times, ..., r times + times - 1 are row r of x.
typedef struct sac_row_repeat {
  int n, rows, cols, times;
  sac_stack x;  // (n, rows, cols)
  sac_stack y;  // (n, rows * times, cols)
} sac_row_repeat;

/// The action with the largest Q of `times` candidates a row, the first of equals; Q is the
/// critics' minimum, the first one or their mean.
typedef struct sac_action_choice {
  int n, rows, times, n_critics, act_dim;
  sac_actor_q actor_q;
  sac_stack q;          // (n * n_critics, rows * times, 1)
  sac_stack candidate;  // (n, rows * times, A)
  sac_stack action;     // (n, rows, A)
} sac_action_choice;

/// `count` actions for each row to integrate over, and the log of the density they come from.
/// Without particles they are uniform over (-1, 1)^A. With them, those of even index come from the
/// tanh of the normal distribution that has the mean and deviation of the row's particles,
/// dimension by dimension, the others are uniform, and the density is that of the mixture: weights
/// are bounded however poor the fit is. Draws at (key, SAC_DRAW_PROPOSAL, *update, row * count + k,
/// dimension); with `shared` every row has those of row 0.
typedef struct sac_proposal_draw {
  int n, rows, count, n_particles, act_dim;
  bool shared;
  sac_stack particle;      // (n, rows * n_particles, A) before tanh; data NULL for uniform actions
  sac_stack moment;        // (n, rows, 2A) mean and deviation, written where there are particles
  const uint64_t *key;     // (n)
  const uint64_t *update;  // number of the update
  sac_stack action;        // (n, rows * count, A)
  sac_stack log_q;         // (n, rows * count, 1)
} sac_proposal_draw;

/// The soft value by importance sampling (soft Q-learning, eq. 7): V = alpha log mean_k w_k with
/// w_k = exp(min_i Q_i(s, a_k) / alpha) / q(a_k), and the effective sample size (sum w)^2 / sum
/// w^2.
typedef struct sac_sampled_value {
  int n, rows, count, n_critics;
  sac_stack q;                // (n * n_critics, rows * count, 1)
  sac_stack log_q;            // (n, rows * count, 1)
  const sac_real *log_alpha;  // (n)
  sac_stack v;                // (n, rows, 1)
  sac_real *sample_size;      // (n) mean over the rows
} sac_sampled_value;

/// Where the densities of particles live: before the squashing, where exp(Q / alpha) has the
/// density p(u) = exp(Q(s, tanh u) / alpha) |da/du|, or as the authors' program has it: the same
/// expression as a density over the action, which draws from exp(Q / alpha) |da/du| instead.
typedef enum sac_particle_space { SAC_PARTICLES_U, SAC_PARTICLES_ACTION_REPO } sac_particle_space;

/// The score of a particle: in u, g = (dm/da / alpha) (1 - a^2) - 2a and log p = m / alpha +
/// sum log(1 - a^2); over the action, g = dm/da / alpha - 2a / (1 - a^2 + 1e-6). dq and seed are
/// those of sac_gaussian_backward, m = sum seed Q.
typedef struct sac_particle_score {
  int n, rows, n_critics, act_dim;
  sac_particle_space space;
  sac_stack particle;         // (n, rows, A) in its space
  sac_stack dq;               // (n * n_critics, rows, A)
  sac_stack seed, q;          // (n * n_critics, rows, 1)
  const sac_real *log_alpha;  // (n)
  sac_stack score;            // (n, rows, A)
  sac_stack log_density;      // (n, rows, 1); data may be NULL
} sac_particle_score;

/// Stein variational gradient descent, amortised (soft Q-learning, eq. 12 to 14): each state's
/// updated particles y_j move along D_j = mean_i [k(x_i, y_j) g_i + d/dx_i k(x_i, y_j)] of its
/// fixed ones, with k = exp(-|x - y|^2 / h) and h = max(lower median of |x_i - y_j|^2 / log
/// n_fixed, 1e-3). n_fixed >= 2. The gradient is -D_j over the number of updated particles of all
/// rows; in the authors' space -D_j (1 - y_j^2), their sum over all rows. The loss is mean |D_j|^2.
typedef struct sac_stein_gradient {
  int n, rows, n_fixed, n_updated, act_dim;
  sac_particle_space space;
  sac_stack fixed, score;  // (n, rows * n_fixed, A) in that space
  sac_stack updated;       // (n, rows * n_updated, A)
  sac_stack kernel;        // (n, rows, n_updated * n_fixed) room for distances, then k
  sac_stack square;        // (n, rows, 1) sum over a row's particles of |D|^2
  sac_stack dupdated;      // (n, rows * n_updated, A) with respect to u
  sac_real *loss;          // (n)
} sac_stein_gradient;

/// A step of Hamiltonian dynamics on log p: p' = p + kick e g, u' = u + e p'. The first of a
/// trajectory has kick 1/2, the others 1, and the last half kick is sac_metropolis's.
typedef struct sac_leapfrog {
  int n, rows, act_dim;
  sac_real step_size, kick;         // e
  sac_stack u, momentum, score;     // (n, rows, A)
  sac_stack next_u, next_momentum;  // (n, rows, A); may be u and momentum
  sac_stack action;                 // (n, rows, A) tanh u'
} sac_leapfrog;

/// The end of a trajectory from (u, p) to (u', p'), p' before its last half kick: u' takes the
/// place of u with probability min(1, exp(H - H')), H = |p|^2 / 2 - log p(u), or in any case with
/// `always`. One step of size e is Langevin's: unadjusted with `always`, else MALA. What is not
/// finite is never taken. `noise` holds two normals a chain: half their squares' sum is -log of a
/// uniform number.
typedef struct sac_metropolis {
  int n, rows, act_dim;
  bool always;
  sac_real step_size;
  sac_stack momentum;                           // (n, rows, A) at the start
  sac_stack next_u, next_score, next_momentum;  // (n, rows, A) at the end
  sac_stack next_log_density;                   // (n, rows, 1)
  sac_stack noise;                              // (n, rows, 2)
  sac_stack u, score;                           // (n, rows, A) of the chain
  sac_stack log_density;                        // (n, rows, 1) likewise
  sac_stack energy;                             // (n, rows, 1) H' - H; data may be NULL
  sac_stack accepted;                           // (n, rows, 1) += 1 where u moves; data may be NULL
} sac_metropolis;

/// Which hidden units a pass leaves out (Srivastava et al. 2014): unit j of a row where the Philox
/// word at (key, purpose, *update, row, layer and network and j) is below share * 2^32
/// (sac_drop_threshold); the others are scaled by 1 / (1 - share). No word depends on the rows or
/// seeds beside it.
typedef struct sac_dropout {
  double share;         // 0: none is left out, and nothing else is read
  int layer, networks;  // below 8; networks a seed
  sac_purpose purpose;
  const uint64_t *key;  // (n / networks)
  const uint64_t *update;
} sac_dropout;

/// What a hidden layer does between its product z and its activation: u = z without the units left
/// out; layer normalisation over the units of a row (Ba et al. 2016), x = (u - mean u) / sqrt(var u
/// + 1e-5) and h = act(scale x + shift); with scale.data NULL h = act(u).
typedef struct sac_hidden_forward {
  int n, rows, units;
  sac_dropout dropout;
  sac_stack scale, shift;  // (n, 1, units)
  sac_stack y;             // (n, rows, units) z, which becomes h
  sac_stack normalised;    // (n, rows, units) x, kept for the gradient; data may be NULL
  sac_stack rate;          // (n, rows, 1) 1 / sqrt(var u + 1e-5), kept with x
  sac_activation activation;
} sac_hidden_forward;

/// dJ/dz in the place of dy = dJ/d(scale x + shift), or of dJ/du without scale. dscale = column
/// sums of dy x, dshift = those of dy, overwritten; neither where dscale.data is NULL. `row` and
/// `row_count` as in sac_linear_backward_input, without dscale.
typedef struct sac_hidden_backward {
  int n, rows, units;
  sac_dropout dropout;       // as in the forward pass
  sac_stack scale;           // (n, 1, units)
  sac_stack normalised;      // (n, rows, units)
  sac_stack rate;            // (n, rows, 1)
  sac_stack dscale, dshift;  // (n, 1, units)
  sac_stack dy;              // (n, rows, units)
  const int32_t *row, *row_count;
} sac_hidden_backward;

/// Priorities of the places of n rings, and their sums: a node of a level is the sum of the
/// SAC_PRIORITY_FAN nodes below it in ascending order, up to one node, so that all sums follow from
/// the priorities alone.
typedef struct sac_priorities {
  int n;
  size_t capacity, count;  // places; nodes of all levels
  sac_real *nodes;         // (n, count) the priorities, then each level of sums
  sac_real *largest;       // (n) largest priority ever given
} sac_priorities;

/// Places drawn by priority, row b from the b-th of `rows` equal parts of the sum (Schaul et al.
/// 2016). weight = (count P(place))^-beta over the largest of the batch, beta rising linearly with
/// *update to 1 at beta_updates.
typedef struct sac_priority_draw {
  sac_priorities priorities;
  int rows;
  double beta, beta_updates;
  const uint64_t *count;  // (n) rows stored so far
  const uint64_t *key;    // (n)
  const uint64_t *update;
  uint32_t *index;   // (n, rows)
  sac_stack weight;  // (n, rows, 1)
} sac_priority_draw;

/// The priority of each drawn place becomes (mean over critics |q - y| + eps)^alpha, the largest of
/// them where it was drawn more than once.
typedef struct sac_priority_update {
  sac_priorities priorities;
  int rows, n_critics;
  double alpha, eps;
  sac_stack q;            // (n * n_critics, rows, 1)
  sac_stack y;            // (n, rows, 1)
  const uint32_t *index;  // (n, rows)
} sac_priority_update;

/// What places get: the largest priority ever given, which all others then keep or lose; or the one
/// that was written there.
typedef enum sac_priority_mode {
  SAC_PRIORITY_APPEND,
  SAC_PRIORITY_RESET,
  SAC_PRIORITY_GIVEN
} sac_priority_mode;

/// Places [first, first + count) of every ring, around its end, get a priority; the sums follow.
typedef struct sac_priority_enter {
  sac_priorities priorities;
  size_t first, count;
  sac_priority_mode mode;
} sac_priority_enter;

/// db = column sums of dy, overwritten: for outputs that have a bias alone.
typedef struct sac_linear_backward_bias {
  int n, rows, out;
  sac_stack dy;     // (n, rows, out)
  sac_stack dbias;  // (n, 1, out)
} sac_linear_backward_bias;

/// log pi(u|s) of actions that were drawn before, from the policy's head [mean | log_std], and the
/// score-function gradient of J = -mean(w log pi) with respect to the head, w held fixed. u is the
/// action before the squash, whose own part of log pi does not depend on the head.
typedef struct sac_gaussian_score {
  int n, rows;
  sac_gaussian gaussian;
  sac_stack head;     // (n, rows, 2A)
  sac_stack u;        // (n, rows, A)
  sac_stack weight;   // (n, rows, 1) w
  sac_stack log_pi;   // (n, rows, 1); data may be NULL
  sac_stack dhead;    // (n, rows, 2A)
  sac_real *loss;     // (n)
  sac_real *entropy;  // (n) -mean(log pi)
} sac_gaussian_score;

/// Generalised advantages (Schulman et al., arXiv 1506.02438, eq. 16) of a rollout whose row
/// t * envs + e is step t of environment e, with the entropy of the step itself in its reward:
///   rho_t = kappa r_t - alpha log pi_t,   delta_t = rho_t + gamma (1 - d_t) V(s'_t) - V(s_t)
///   A_t = delta_t + gamma lambda A_{t+1} within an episode,   y_t = A_t + V(s_t)
/// An episode ends where it terminated or was cut off, and all end with the rollout. s'_t is what
/// followed before any restart: only termination (d = 1) does not bootstrap, and reads no v_next.
/// lambda = 1 is the reward to go less the baseline.
typedef struct sac_advantages {
  int n, steps, envs;
  sac_real gamma, lambda, reward_scale;
  sac_stack reward, terminated, truncated;  // (n, steps * envs, 1)
  sac_stack log_pi;                         // (n, steps * envs, 1)
  sac_stack v, v_next;                      // (n, steps * envs, 1) V(s), V(s')
  const sac_real *log_alpha;                // (n)
  sac_stack advantage, y;                   // (n, steps * envs, 1)
} sac_advantages;

/// x <- (x - mean) / (deviation + eps) over all rows of a member.
typedef struct sac_standardise {
  int n, rows;
  sac_real eps;
  sac_stack x;  // (n, rows, 1)
} sac_standardise;

/// Rows `first`, `first` + 1 ... of an endless sequence of shuffles: each pass of `total` rows is
/// every row of x once, in an order drawn from (key, *update, pass) alone.
typedef struct sac_shuffle_gather {
  int n, rows, total, cols;
  uint64_t first;
  const uint64_t *key;     // (n)
  const uint64_t *update;  // number of the update
  sac_stack x;             // (n, total, cols)
  sac_stack y;             // (n, rows, cols)
} sac_shuffle_gather;

/// Standard normals at (key, purpose, *step, first_row + row, column), by Box-Muller.
typedef struct sac_normal_fill {
  int n, rows, cols, first_row;
  const uint64_t *key;  // (n)
  sac_purpose purpose;
  const uint64_t *step;
  sac_stack out;  // (n, rows, cols)
} sac_normal_fill;

/// Where the parts of a transition lie in a replay row, in values.
/// A row begins [obs S | action A | reward | terminated | next_obs S | begins] and is padded to 64
/// bytes; `begins` is 1 where the row is the first of an episode.
typedef struct sac_row_layout {
  int obs_dim, act_dim, width;
  int values;  // of a row that are kept: all but the padding
} sac_row_layout;

/// Draw `rows` transitions uniformly with replacement from each member's ring and lay them out for
/// the networks. Indices depend on (key, *update, row) and the ring's count only. now = [s | a];
/// both = [s | -] for the first `rows` rows and [s' | -] for the next `rows`: the policy writes its
/// actions into the gaps.
/// With n_steps > 1 a row is a window of up to so many transitions of one environment, whose rows
/// lie n_envs apart: it ends with one that terminates, before one that begins an episode, and with
/// the newest. reward = sum gamma^i r_i, discount = gamma^(length), terminated and s' are the
/// last's. With reward_factor each r_i is bounded as sac_normalise does, without a mean.
typedef struct sac_replay_gather {
  int n, rows;
  sac_row_layout layout;
  const sac_real *ring;  // (n, capacity, width)
  size_t capacity;
  const uint64_t *count;  // (n) rows stored so far, at most capacity
  const uint64_t *key;    // (n)
  const uint64_t *update;
  sac_stack now;                 // (n, rows, S + A)
  sac_stack both;                // (n, 2 rows, S + A)
  sac_stack reward, terminated;  // (n, rows, 1)
  const uint32_t *index;         // (n, rows) places drawn before, or NULL: uniform draws
  int n_steps, n_envs;
  sac_real gamma;
  const uint64_t *pushed;         // (n) rows ever stored
  const sac_real *reward_factor;  // (n), or NULL
  sac_stack discount;             // (n, rows, 1)
} sac_replay_gather;

/// y = (x - mean) * scale, at most SAC_NORMALISED_MAX in size; x and y may be the same.
typedef struct sac_normalise {
  int n, rows, cols;
  sac_stack x, y;                // (n, rows, cols)
  const sac_real *mean, *scale;  // (n, cols)
} sac_normalise;

/// One step of `n` environments of a run that live in backend memory (env/formula.h): each
/// completes its row of `rows`, whose actions are given or, with `uniform`, drawn at vector step
/// `step`, and writes the observation to act on next into its row of `next_obs`. With `truncated`
/// that column of a row tells whether the episode was cut off.
typedef struct sac_env_step {
  int n;
  const struct sac_formula_world *world;
  uint8_t *records;  // (n, record_bytes)
  size_t record_bytes;
  sac_row_layout layout;
  const sac_real *applied;           // (n, width) rows whose actions are taken; NULL: those of rows
  sac_real *rows, *next_obs;         // (n, width)
  struct sac_formula_event *events;  // (n)
  uint64_t *news;                    // |= SAC_FORMULA_ENDED, SAC_FORMULA_BROKEN
  bool uniform;
  uint64_t step;
  int truncated;  // column, 0 where none
} sac_env_step;

/// flag[i / share % n] |= bit for every value i of `count` that is NaN or infinite: the n owners of
/// the values take turns of `share` of them.
typedef struct sac_finite_check {
  int n;
  size_t count, share;
  const sac_real *values;
  uint64_t *flag;  // (n)
  uint64_t bit;
} sac_finite_check;

typedef struct sac_backend sac_backend;
typedef struct sac_ops sac_ops;

/// How matrix products round their inputs. Sums are fp32 always; a device without a shorter format
/// computes in fp32.
typedef enum sac_matmul { SAC_MATMUL_FP32, SAC_MATMUL_TF32, SAC_MATMUL_BF16 } sac_matmul;

/// What a backend is opened with.
typedef struct sac_backend_options {
  const char *device;  // "auto", "cpu", "cuda"
  sac_matmul matmul;
  sac_threads *threads;  // the pool that host code shares; outlives the backend
  const sac_ops *ops;    // the table that is being opened; filled by sac_backend_open
} sac_backend_options;

/// A sequence of steps that calls the same ops on the same memory every time. Zeroed before its
/// first use, released before what it uses is.
typedef struct sac_sequence {
  void *recorded;  // the device's own
  int issued;      // times that the steps were issued one by one
} sac_sequence;

/// Everything a device can do. Entries mirror the structs above.
struct sac_ops {
  uint32_t version;    // SAC_BACKEND_VERSION
  size_t size;         // sizeof(sac_ops)
  const char *device;  // "cpu", "cuda"
  // steps of a sequence that share no memory run at the same time: worth memory of their own
  bool overlaps;
  sac_status (*open)(const sac_backend_options *options, sac_backend **backend, sac_error *err);
  void (*close)(sac_backend *backend);
  const char *(*describe)(const sac_backend *backend);  // device and instruction set, for people
  // bytes that could be allocated now; 0 where the system does not say
  size_t (*memory_available)(const sac_backend *backend);
  // memory: 64-byte aligned, zeroed; alloc fails with SAC_FAILED and says how much was wanted
  sac_status (*alloc)(sac_backend *backend, size_t bytes, void **memory, sac_error *err);
  void (*release)(sac_backend *backend, void *memory);
  void (*upload)(sac_backend *backend, void *to, const void *from, size_t bytes);
  void (*download)(sac_backend *backend, void *to, const void *from, size_t bytes);  // waits
  void (*copy)(sac_backend *backend, void *to, const void *from, size_t bytes);
  sac_status (*sync)(sac_backend *backend, sac_error *err);
  // make room for the scratch that the three linear ops need at this shape: called at creation, for
  // each layer
  sac_status (*reserve)(sac_backend *backend, int n, int rows, int in, int out, sac_error *err);
  // A sequence begins and ends: where `begin` says true, the caller issues its steps between the
  // two; where it says false, the device has played what it had recorded.
  bool (*sequence_begin)(sac_backend *backend, sac_sequence *sequence);
  void (*sequence_end)(sac_backend *backend, sac_sequence *sequence);
  void (*sequence_release)(sac_backend *backend, sac_sequence *sequence);
  // steps
  // Layers of equal n and rows, and row list: each takes what the one before it gave, row by row.
  // So a backend may pass through all of them with some rows before it takes the next rows.
  void (*linear_forward)(sac_backend *, const sac_linear_forward *, int n_layers);
  void (*linear_backward_input)(sac_backend *, const sac_linear_backward_input *, int n_layers);
  // layers of equal n, in any order
  void (*linear_backward_weight)(sac_backend *, const sac_linear_backward_weight *, int n_layers);
  void (*gaussian_forward)(sac_backend *, const sac_gaussian_forward *);
  void (*gaussian_backward)(sac_backend *, const sac_gaussian_backward *);
  void (*soft_q_target)(sac_backend *, const sac_soft_q_target *);
  void (*value_target)(sac_backend *, const sac_value_target *);
  void (*soft_value)(sac_backend *, const sac_soft_value *);
  void (*regression_loss)(sac_backend *, const sac_regression_loss *);
  void (*policy_loss)(sac_backend *, const sac_policy_loss *);
  void (*temperature_loss)(sac_backend *, const sac_temperature_loss *);
  void (*adam)(sac_backend *, const sac_adam *);
  void (*polyak)(sac_backend *, const sac_polyak *);
  void (*explore)(sac_backend *, const sac_explore *);
  void (*perturb)(sac_backend *, const sac_perturb *);
  void (*hidden_forward)(sac_backend *, const sac_hidden_forward *);
  void (*hidden_backward)(sac_backend *, const sac_hidden_backward *);
  void (*priority_draw)(sac_backend *, const sac_priority_draw *);
  void (*priority_update)(sac_backend *, const sac_priority_update *);
  void (*priority_enter)(sac_backend *, const sac_priority_enter *);
  void (*gmm_forward)(sac_backend *, const sac_gmm_forward *);
  void (*gmm_backward)(sac_backend *, const sac_gmm_backward *);
  void (*flow_forward)(sac_backend *, const sac_flow_forward *);
  void (*flow_backward)(sac_backend *, const sac_flow_backward *);
  void (*flow_inverse)(sac_backend *, const sac_flow_inverse *);
  void (*row_repeat)(sac_backend *, const sac_row_repeat *);
  void (*action_choice)(sac_backend *, const sac_action_choice *);
  void (*linear_backward_bias)(sac_backend *, const sac_linear_backward_bias *);
  void (*gaussian_score)(sac_backend *, const sac_gaussian_score *);
  void (*advantages)(sac_backend *, const sac_advantages *);
  void (*standardise)(sac_backend *, const sac_standardise *);
  void (*shuffle_gather)(sac_backend *, const sac_shuffle_gather *);
  void (*proposal_draw)(sac_backend *, const sac_proposal_draw *);
  void (*sampled_value)(sac_backend *, const sac_sampled_value *);
  void (*particle_score)(sac_backend *, const sac_particle_score *);
  void (*stein_gradient)(sac_backend *, const sac_stein_gradient *);
  void (*leapfrog)(sac_backend *, const sac_leapfrog *);
  void (*metropolis)(sac_backend *, const sac_metropolis *);
  void (*normal_fill)(sac_backend *, const sac_normal_fill *);
  void (*replay_gather)(sac_backend *, const sac_replay_gather *);
  void (*normalise)(sac_backend *, const sac_normalise *);
  void (*finite_check)(sac_backend *, const sac_finite_check *);
  void (*tick)(sac_backend *, uint64_t *counter);  // *counter += 1
  // optional: the rate of fused multiply-adds over all threads in GFLOP/s, from a burst of a
  // millisecond
  double (*peak_gflops)(sac_backend *);
  // optional: NULL where environments cannot live in the backend's memory
  void (*env_step)(sac_backend *, const sac_env_step *);
};

/// Every backend begins with its table; what follows is its own.
struct sac_backend {
  const sac_ops *ops;
};

/// Open the backend for options->device. "cuda" fails with SAC_FAILED where it cannot be used;
/// "auto" falls back to the CPU, and says in `err` why while it returns SAC_OK (err->text is empty
/// where CUDA is used).
sac_status sac_backend_open(const sac_backend_options *options, sac_backend **backend,
                            sac_error *err);
void sac_backend_close(sac_backend *backend);

/// The table of libsac_cuda.so, opened at run time after the driver's library: looked for where
/// SAC_CUDA_LIB says, or else beside this program or library and in ../lib. SAC_FAILED says what is
/// missing or does not fit.
sac_status sac_cuda_load(const sac_ops **ops, sac_error *err);

/// What libsac_cuda.so exports: its table, or NULL with a text in `why` where version, table size
/// or build are not the program's.
#define SAC_CUDA_GETTER "sac_cuda_ops"
typedef const sac_ops *sac_cuda_getter(uint32_t version, size_t size, const char *build, char *why,
                                       size_t why_size);

/// The CPU's table for the best instruction set of this machine (defined in src/cpu).
const sac_ops *sac_cpu_ops(void);
