// The one list of configuration keys. Struct, defaults, parser, range checks, resolved file,
// reference text and fingerprint are all generated from it. It is included several times; whoever
// includes it defines the macros it wants, the others are empty, and all are gone at its end.
//
//   SAC_CHOICE(name, words)  the words of a choice: SAC_WORD(constant, "word"), or SAC_WORD_LATER
//                            for one that this version knows but does not have yet
//   SAC_OPEN(path, help)     begin of a section, SAC_CLOSE(name) its end
//   SAC_FIELD(type, section, name, default, range, unit, users, help)
//   SAC_LATER(...)           the same, for a key that may only hold its default in this version
//
// Types: integer, number, flag, text, choice (its range is the name of its words), integers,
// coefficient, kwargs. A range is what messages show: "[low, high]" with round brackets for open
// ends, "A to B values in [low, high]" for lists, and " or WORD" for one value outside of it: a
// number, or a word (null, auto) that stands for NAN, 0 or an empty text. Users are the algorithms
// that read the key, separated by spaces; "off-policy" are those that learn from one, "all" all.

#ifndef SAC_CHOICE
#define SAC_CHOICE(name, words)
#endif
#ifndef SAC_OPEN
#define SAC_OPEN(path, help)
#endif
#ifndef SAC_CLOSE
#define SAC_CLOSE(name)
#endif
#ifndef SAC_FIELD
#define SAC_FIELD(type, section, name, default, range, unit, users, help)
#endif
#ifndef SAC_LATER
#define SAC_LATER(type, section, name, default, range, unit, users, help) \
  SAC_FIELD(type, section, name, default, range, unit, users, help)
#endif

// clang-format off
SAC_CHOICE(device,
           SAC_WORD(SAC_DEVICE_AUTO, "auto") SAC_WORD(SAC_DEVICE_CPU, "cpu")
           SAC_WORD(SAC_DEVICE_CUDA, "cuda"))
SAC_CHOICE(env_device,
           SAC_WORD(SAC_ENVS_ON_HOST, "cpu") SAC_WORD(SAC_ENVS_ON_DEVICE, "cuda"))
SAC_CHOICE(worker_failure,
           SAC_WORD(SAC_WORKER_FAILURE_STOP, "stop")
           SAC_WORD(SAC_WORKER_FAILURE_RESPAWN, "respawn"))
SAC_CHOICE(precision,
           SAC_WORD(SAC_PRECISION_FP32, "fp32") SAC_WORD(SAC_PRECISION_TF32, "tf32")
           SAC_WORD(SAC_PRECISION_BF16, "bf16"))
SAC_CHOICE(rollout,
           SAC_WORD(SAC_ROLLOUT_AUTO, "auto") SAC_WORD(SAC_ROLLOUT_DEVICE, "device")
           SAC_WORD(SAC_ROLLOUT_HOST, "host"))
SAC_CHOICE(overlap,
           SAC_WORD(SAC_OVERLAP_NONE, "none") SAC_WORD(SAC_OVERLAP_LAG1, "lag1"))
SAC_CHOICE(algorithm,
           SAC_WORD(SAC_ALGORITHM_SAC, "sac") SAC_WORD(SAC_ALGORITHM_SAC_V1, "sac_v1")
           SAC_WORD(SAC_ALGORITHM_SQL, "sql")
           SAC_WORD(SAC_ALGORITHM_MAXENT_PG, "maxent_pg"))
SAC_CHOICE(pg_form,
           SAC_WORD(SAC_PG_FORM_GAE, "gae") SAC_WORD(SAC_PG_FORM_REINFORCE, "reinforce"))
SAC_CHOICE(actor_q,
           SAC_WORD(SAC_ACTOR_Q_MIN, "min") SAC_WORD(SAC_ACTOR_Q_FIRST, "first")
           SAC_WORD(SAC_ACTOR_Q_MEAN, "mean"))
SAC_CHOICE(update_order,
           SAC_WORD(SAC_UPDATE_ORDER_AUTO, "auto")
           SAC_WORD(SAC_UPDATE_ORDER_SIMULTANEOUS, "simultaneous")
           SAC_WORD(SAC_UPDATE_ORDER_SEQUENTIAL, "sequential"))
SAC_CHOICE(alpha_loss,
           SAC_WORD(SAC_ALPHA_LOSS_LOG, "log_alpha") SAC_WORD(SAC_ALPHA_LOSS_PLAIN, "alpha"))
SAC_CHOICE(critic_loss,
           SAC_WORD(SAC_CRITIC_LOSS_MSE, "mse") SAC_WORD(SAC_CRITIC_LOSS_HUBER, "huber"))
SAC_CHOICE(action_prior,
           SAC_WORD(SAC_ACTION_PRIOR_UNIFORM, "uniform")
           SAC_WORD(SAC_ACTION_PRIOR_NORMAL, "normal"))
SAC_CHOICE(policy_type,
           SAC_WORD(SAC_POLICY_GAUSSIAN, "gaussian") SAC_WORD(SAC_POLICY_GMM, "gmm")
           SAC_WORD(SAC_POLICY_REALNVP, "realnvp")
           SAC_WORD(SAC_POLICY_IMPLICIT, "implicit"))
SAC_CHOICE(value_proposal,
           SAC_WORD(SAC_VALUE_PROPOSAL_UNIFORM, "uniform")
           SAC_WORD(SAC_VALUE_PROPOSAL_POLICY, "policy"))
SAC_CHOICE(svgd_space,
           SAC_WORD(SAC_SVGD_SPACE_U, "u") SAC_WORD(SAC_SVGD_SPACE_ACTION_REPO, "action_repo"))
SAC_CHOICE(sampler,
           SAC_WORD(SAC_SAMPLER_SVGD, "svgd") SAC_WORD(SAC_SAMPLER_MCMC, "mcmc"))
SAC_CHOICE(mcmc_method,
           SAC_WORD(SAC_MCMC_ULA, "ula") SAC_WORD(SAC_MCMC_MALA, "mala")
           SAC_WORD(SAC_MCMC_HMC, "hmc"))
SAC_CHOICE(activation,
           SAC_WORD(SAC_ACTIVATION_RELU, "relu") SAC_WORD(SAC_ACTIVATION_TANH, "tanh"))
SAC_CHOICE(log_std_mode,
           SAC_WORD(SAC_LOG_STD_MODE_CLAMP, "clamp") SAC_WORD(SAC_LOG_STD_MODE_TANH, "tanh")
           SAC_WORD(SAC_LOG_STD_MODE_SOFTPLUS, "softplus"))
SAC_CHOICE(squash_correction,
           SAC_WORD(SAC_SQUASH_CORRECTION_EXACT, "exact")
           SAC_WORD(SAC_SQUASH_CORRECTION_EPS, "eps"))
SAC_CHOICE(init,
           SAC_WORD(SAC_INIT_GLOROT, "glorot") SAC_WORD(SAC_INIT_TORCH, "torch")
           SAC_WORD(SAC_INIT_ORTHOGONAL, "orthogonal"))
SAC_CHOICE(on_error,
           SAC_WORD(SAC_ON_ERROR_STOP, "stop") SAC_WORD(SAC_ON_ERROR_WARN, "warn"))

SAC_OPEN(run, "where and how a run goes")
SAC_FIELD(integer, run, seed, "1", "[0, 9007199254740991]", "", "all",
          "fixes every random draw of the run")
SAC_FIELD(integers, run, seeds, "[]", "0 to 64 values in [0, 9007199254740991]", "", "all",
          "seeds trained side by side; when not empty they replace run.seed")
SAC_FIELD(choice, run, device, "auto", device, "", "all",
          "where networks and replay live; auto takes a usable GPU, else the CPU")
SAC_FIELD(integer, run, threads, "0", "[0, 256]", "threads", "all",
          "threads of this process; 0 takes every core it may use")
SAC_FIELD(text, run, logdir, "runs/", "", "", "all", "folder that run folders are made in")
SAC_FIELD(text, run, name, "null", "a folder name or null", "", "all",
          "name of the run folder; null makes one from environment, algorithm and seed")
SAC_FIELD(choice, run, matmul_precision, "fp32", precision, "", "all",
          "arithmetic of matrix products on a GPU")
SAC_FIELD(choice, run, rollout_policy, "auto", rollout, "", "all",
          "where a GPU run's policy acts: there, or as a copy on the host; auto is host for up to "
          "4 environments")
SAC_FIELD(choice, run, overlap, "none", overlap, "", "off-policy",
          "lag1 makes the gradient steps of a step during the next one, while environments in "
          "other processes (gym:) or beside a GPU work: the policy that acts is a step older")
SAC_CLOSE(run)

SAC_OPEN(env, "the environment")
SAC_FIELD(text, env, id, "", "", "", "all",
          "name of the environment; gym:NAME and gym:MODULE:NAME are Gymnasium's, run in Python; "
          "it must be given")
SAC_FIELD(text, env, plugin, "null", "a file or null", "", "all",
          "shared library that defines the environment (sac/env.h); loaded only when named here")
SAC_FIELD(choice, env, device, "cpu", env_device, "", "all",
          "where environments live; cuda keeps those that are plain formulas on the GPU of "
          "run.device, beside networks and replay")
SAC_FIELD(integer, env, n_envs, "1", "[1, 65536]", "environments", "all",
          "environments stepped at the same time")
SAC_FIELD(integer, env, max_episode_steps, "null", "[1, 1000000000] or null", "steps", "all",
          "time limit of an episode; null takes the environment's own")
SAC_FIELD(integer, env, frame_skip, "1", "[1, 1000]", "steps", "all",
          "environment steps that each action is held for; their rewards are summed")
SAC_FIELD(kwargs, env, kwargs, "{}", "numbers, true, false or lists of numbers", "", "all",
          "keyword arguments of the environment, by its own names")
SAC_FIELD(integer, env, workers, "0", "[0, 1024]", "processes", "all",
          "Python processes that gym: environments are spread over; 0 takes one for each core, at "
          "most env.n_envs")
SAC_FIELD(text, env, python, "null", "a path or null", "", "all",
          "the Python of these processes, which has gymnasium; null takes python3 on PATH")
SAC_FIELD(number, env, worker_timeout_s, "60", "(0, 86400]", "s", "all",
          "a process that takes longer for one step of its environments counts as failed")
SAC_FIELD(choice, env, on_worker_failure, "stop", worker_failure, "", "all",
          "stop ends the run; respawn starts the failed process anew, its episodes count as cut "
          "off")
SAC_FIELD(flag, env, normalize_obs, "false", "", "", "all",
          "scale observations by their running mean and deviation")
SAC_FIELD(flag, env, normalize_reward, "false", "", "", "all",
          "scale rewards by the running deviation of the return")
SAC_OPEN(env.history, "past steps that observations are extended by")
SAC_FIELD(integer, env.history, observations, "0", "[0, 1000]", "steps", "all",
          "past observations appended to each observation")
SAC_FIELD(integer, env.history, actions, "0", "[0, 1000]", "steps", "all",
          "past actions appended to each observation")
SAC_CLOSE(history)
SAC_FIELD(number, env, action_smoothing, "0.0", "[0, 1)", "", "all",
          "weight of the previous action in the one that is applied")
SAC_CLOSE(env)

SAC_OPEN(algorithm, "what is learned, and how fast")
SAC_FIELD(choice, algorithm, name, "sac", algorithm, "", "all",
          "sac: twin critics and a learned temperature; sac_v1: the 2018 form with a value "
          "network; sql: soft Q-learning; maxent_pg: the policy gradient of the same objective, on "
          "rollouts of its own policy")
SAC_FIELD(integer, algorithm, total_timesteps, "1000000", "[1, 1000000000000]", "transitions",
          "all", "environment transitions to train for")
SAC_FIELD(number, algorithm, gamma, "0.99", "[0, 1]", "", "all", "discount factor")
SAC_FIELD(integer, algorithm, buffer_size, "1000000", "[1, 1000000000]", "transitions",
          "off-policy", "transitions that the replay holds")
SAC_FIELD(integer, algorithm, batch_size, "256", "[1, 1048576]", "transitions", "off-policy",
          "transitions in each update")
SAC_FIELD(integer, algorithm, learning_starts, "5000", "[0, 1000000000000]", "transitions",
          "off-policy",
          "actions are uniform while timesteps are below it, updates begin once they are above")
SAC_FIELD(integer, algorithm, train_freq, "1", "[1, 1000000]", "vector steps", "off-policy",
          "steps of all environments between updates")
SAC_FIELD(integer, algorithm, gradient_steps, "1", "[1, 1000000] or -1", "updates", "off-policy",
          "updates after every train_freq steps; -1 makes one for each transition collected")
SAC_FIELD(integer, algorithm, n_steps, "1", "[1, 1000]", "steps", "off-policy",
          "rewards summed before the target bootstraps; fewer where the episode ends")
SAC_FIELD(number, algorithm, tau, "0.005", "(0, 1]", "", "off-policy",
          "share of the trained network that its target takes over at each tracking step")
SAC_FIELD(integer, algorithm, target_update_interval, "1", "[1, 1000000000]", "updates",
          "off-policy", "updates between tracking steps of the target networks")
SAC_FIELD(number, algorithm, policy_lr, "0.0003", "[0, 1]", "", "all", "Adam rate of the policy")
SAC_FIELD(number, algorithm, q_lr, "0.0003", "[0, 1]", "", "off-policy", "Adam rate of the critics")
SAC_FIELD(number, algorithm, v_lr, "0.0003", "[0, 1]", "", "sac_v1 maxent_pg",
          "Adam rate of the value network")
SAC_FIELD(number, algorithm, alpha_lr, "0.0003", "[0, 1]", "", "sac",
          "Adam rate of the temperature")
SAC_FIELD(coefficient, algorithm, ent_coef, "auto", "(0, 1000000] or auto or auto_NUMBER", "",
          "all",
          "temperature alpha: learned (auto, or auto_NUMBER to start from it) or fixed; sac_v1, "
          "sql and maxent_pg have it fixed, 1.0 unless given")
SAC_FIELD(choice, algorithm, alpha_loss, "log_alpha", alpha_loss, "", "sac",
          "loss of the learned temperature, -log alpha (log pi + target entropy) or, as in the "
          "paper, -alpha (log pi + target entropy)")
SAC_FIELD(number, algorithm, target_entropy, "auto", "[-1000000, 1000000] or auto", "nats", "sac",
          "entropy that the learned temperature aims at; auto is minus the action's dimension")
SAC_FIELD(number, algorithm, reward_scale, "1.0", "(0, 1000000]", "", "all",
          "factor on every reward")
SAC_FIELD(integer, algorithm, n_critics, "2", "[1, 64]", "networks", "off-policy",
          "critics trained")
SAC_FIELD(integer, algorithm, target_subset, "2", "[1, 64]", "networks", "sac",
          "critics drawn for the minimum of each target (REDQ); at most n_critics")
SAC_FIELD(choice, algorithm, actor_q, "min", actor_q, "", "off-policy",
          "critic that the policy climbs; targets keep the minimum")
SAC_FIELD(integer, algorithm, policy_delay, "1", "[1, 1000]", "updates", "off-policy",
          "critic updates for each update of the policy")
SAC_FIELD(choice, algorithm, update_order, "auto", update_order, "", "sac_v1",
          "whether all gradients come from the same parameters; auto: sac sequential, sac_v1 "
          "simultaneous")
SAC_FIELD(choice, algorithm, critic_loss, "mse", critic_loss, "", "off-policy",
          "half the squared error, or Huber's with its knee at 1")
SAC_FIELD(number, algorithm, max_grad_norm, "null", "(0, 1000000] or null", "", "all",
          "gradients of a network are scaled down to this norm; null leaves them")
SAC_FIELD(number, algorithm, max_grad_value, "null", "(0, 1000000] or null", "", "all",
          "each element of a gradient is cut to this size, before max_grad_norm; null leaves them")
SAC_OPEN(algorithm.priority, "prioritised replay: large errors are drawn more often")
SAC_FIELD(flag, algorithm.priority, enabled, "false", "", "", "off-policy",
          "draw by priority; false draws uniformly")
SAC_FIELD(number, algorithm.priority, alpha, "0.6", "[0, 1]", "", "off-policy",
          "a priority is (|error| + eps)^alpha; 0 draws uniformly")
SAC_FIELD(number, algorithm.priority, beta, "0.4", "[0, 1]", "", "off-policy",
          "share of the bias that importance weights undo at first; it rises to 1")
SAC_FIELD(integer, algorithm.priority, beta_updates, "null", "[1, 1000000000000] or null",
          "updates", "off-policy", "updates until beta is 1; null takes those of the run")
SAC_FIELD(number, algorithm.priority, eps, "1.0e-06", "(0, 1]", "", "off-policy",
          "added to the size of an error")
SAC_CLOSE(priority)
SAC_OPEN(algorithm.adam, "the optimiser of every network")
SAC_FIELD(number, algorithm.adam, beta1, "0.9", "[0, 1)", "", "all", "decay of the mean")
SAC_FIELD(number, algorithm.adam, beta2, "0.999", "[0, 1)", "", "all", "decay of the square")
SAC_FIELD(number, algorithm.adam, eps, "1.0e-08", "(0, 1]", "", "all", "added to the root")
SAC_CLOSE(adam)
SAC_OPEN(algorithm.exploration,
         "how an episode acts once learning has begun: it draws one of these, by probability; the "
         "rest of the episodes takes the policy's draws")
SAC_FIELD(number, algorithm.exploration, deterministic, "0.0", "[0, 1]", "", "off-policy",
          "probability of the policy's deterministic actions")
SAC_FIELD(number, algorithm.exploration, gaussian, "0.0", "[0, 1]", "", "off-policy",
          "probability of the policy's draws plus noise, within the bounds")
SAC_FIELD(number, algorithm.exploration, gaussian_sigma, "0.2", "(0, 100]", "", "off-policy",
          "deviation of that noise, where the bounds are -1 and 1")
SAC_FIELD(number, algorithm.exploration, parameter, "0.0", "[0, 1]", "", "off-policy",
          "probability of the draws of a policy whose weights are perturbed for the episode")
SAC_FIELD(number, algorithm.exploration, parameter_sigma, "0.2", "(0, 2]", "", "off-policy",
          "how far its actions shall lie from the policy's: root of the mean square, where the "
          "bounds are -1 and 1; the perturbation is adapted to it")
SAC_CLOSE(exploration)
SAC_FIELD(choice, algorithm, action_prior, "uniform", action_prior, "", "off-policy",
          "the action's prior: uniform over the bounds, or N(0, I) over the canonical action")
SAC_OPEN(algorithm.pg, "the maximum-entropy policy gradient")
SAC_FIELD(integer, algorithm.pg, rollout_steps, "64", "[1, 1000000]", "vector steps", "maxent_pg",
          "steps of all environments in a rollout, from which one update learns")
SAC_FIELD(choice, algorithm.pg, form, "gae", pg_form, "", "maxent_pg",
          "gae: advantages averaged over horizons, one pass of minibatches; reinforce: rewards to "
          "go less the baseline, one step on the whole rollout")
SAC_FIELD(number, algorithm.pg, gae_lambda, "0.95", "[0, 1]", "", "maxent_pg",
          "weight of each further step in the advantage; 1 sums all rewards to go")
SAC_FIELD(integer, algorithm.pg, minibatch, "512", "[1, 1048576]", "transitions", "maxent_pg",
          "transitions in each gradient step; a rollout of fewer is taken whole")
SAC_FIELD(integer, algorithm.pg, value_steps, "16", "[0, 100000]", "gradient steps", "maxent_pg",
          "minibatches that the value network learns from in each update")
SAC_FIELD(flag, algorithm.pg, normalize_advantage, "true", "", "", "maxent_pg",
          "shift and scale the advantages of a rollout to mean 0 and deviation 1")
SAC_FIELD(number, algorithm.pg, value_max_grad_norm, "null", "(0, 1000000] or null", "",
          "maxent_pg", "max_grad_norm of the value network; null takes that of all networks")
SAC_CLOSE(pg)
SAC_OPEN(algorithm.sql, "soft Q-learning: soft values by importance sampling, actions by particles")
SAC_FIELD(integer, algorithm.sql, value_n_particles, "16", "[1, 4096]", "actions", "sql",
          "actions that each state's soft value is estimated from")
SAC_FIELD(choice, algorithm.sql, value_proposal, "uniform", value_proposal, "", "sql",
          "where they come from: uniform, or half of them from a fit to the policy's own actions")
SAC_FIELD(flag, algorithm.sql, shared_value_particles, "false", "", "", "sql",
          "every state of a batch takes the same uniform actions, as in the authors' code")
SAC_FIELD(integer, algorithm.sql, kernel_n_particles, "16", "[3, 1024]", "actions", "sql",
          "actions of the policy that Stein variational gradient descent has for each state")
SAC_FIELD(number, algorithm.sql, kernel_update_ratio, "0.5", "(0, 1)", "", "sql",
          "share of them that moves, the others hold still; at least 2 must")
SAC_FIELD(choice, algorithm.sql, svgd_space, "u", svgd_space, "", "sql",
          "space of kernel and density: u, before tanh, or action_repo, the authors' code, which "
          "draws from exp(Q / alpha) (1 - a^2)")
SAC_FIELD(choice, algorithm.sql, sampler, "svgd", sampler, "", "sql",
          "how actions are drawn: by the network that svgd trains, or by Markov chains from there")
SAC_FIELD(integer, algorithm.sql, candidates, "100", "[1, 10000]", "draws", "sql",
          "draws of which the deterministic action is the one with the largest Q")
SAC_OPEN(algorithm.sql.mcmc, "the chains of sampler mcmc, on exp(Q / alpha) before tanh")
SAC_FIELD(choice, algorithm.sql.mcmc, method, "hmc", mcmc_method, "", "sql",
          "unadjusted or Metropolis-adjusted Langevin steps, or Hamiltonian trajectories")
SAC_FIELD(integer, algorithm.sql.mcmc, steps, "20", "[1, 1000]", "steps", "sql",
          "steps or trajectories for each action")
SAC_FIELD(integer, algorithm.sql.mcmc, leapfrog, "5", "[1, 1000]", "steps", "sql",
          "leapfrog steps of each trajectory of hmc")
SAC_FIELD(number, algorithm.sql.mcmc, step_size, "0.1", "(0, 10]", "", "sql",
          "size of a step")
SAC_CLOSE(mcmc)
SAC_CLOSE(sql)
SAC_CLOSE(algorithm)

SAC_OPEN(policy, "the policy network")
SAC_FIELD(choice, policy, type, "gaussian", policy_type, "", "all",
          "distribution of the action: a Gaussian, a mixture of them (gmm), or a flow of Gaussian "
          "noise (realnvp)")
SAC_FIELD(integers, policy, hidden, "[256, 256]", "1 to 8 values in [1, 8192]", "units", "all",
          "width of each hidden layer")
SAC_FIELD(choice, policy, activation, "relu", activation, "", "all", "after each hidden layer")
SAC_FIELD(flag, policy, layer_norm, "false", "", "", "all",
          "layer normalisation before each activation")
SAC_FIELD(flag, policy, squash, "true", "", "", "all",
          "squash actions into their bounds by tanh; false leaves them as they are, unclipped")
SAC_OPEN(policy.gmm, "the mixture of policy.type gmm")
SAC_FIELD(integer, policy.gmm, components, "4", "[1, 64]", "Gaussians", "all",
          "Gaussians that are mixed")
SAC_CLOSE(gmm)
SAC_OPEN(policy.flow, "the flow of policy.type realnvp")
SAC_FIELD(integer, policy.flow, coupling_layers, "2", "[1, 8]", "layers", "all",
          "couplings, which change one half of the values each, in turn")
SAC_FIELD(integers, policy.flow, st_hidden, "[]", "0 to 1 values in [1, 128]", "units", "all",
          "units of scale and of shift in each coupling; [] takes as many as the action has values")
SAC_FIELD(integers, policy.flow, preprocess, "[256, 256]", "1 to 8 values in [1, 8192]", "units",
          "all", "hidden layers of the network that makes the couplings' condition from "
          "observations, in place of policy.hidden")
SAC_FIELD(number, policy.flow, scale_max, "3.0", "(0, 100] or null", "nats", "all",
          "bound of each coupling's log scale; null leaves it free")
SAC_FIELD(integer, policy.flow, candidates, "100", "[1, 10000]", "draws", "all",
          "draws of which the deterministic action is the one with the largest Q")
SAC_CLOSE(flow)
SAC_OPEN(policy.log_std, "how the network's second output becomes the log standard deviation")
SAC_FIELD(choice, policy.log_std, mode, "clamp", log_std_mode, "", "all",
          "clamp to [min, max], tanh scaled into [min, max], or softplus of the deviation")
SAC_FIELD(number, policy.log_std, min, "-20.0", "[-100, 20]", "nats", "all", "lower end")
SAC_FIELD(number, policy.log_std, max, "2.0", "[-100, 20]", "nats", "all", "upper end")
SAC_FIELD(flag, policy.log_std, state_dependent, "true", "", "", "all",
          "an output of the network; false learns one value for all observations (maxent_pg: false "
          "unless given)")
SAC_FIELD(number, policy.log_std, init, "null", "[-20, 20] or null", "nats", "all",
          "where it starts; null leaves that to policy.init (maxent_pg: -0.5 unless given)")
SAC_CLOSE(log_std)
SAC_FIELD(choice, policy, squash_correction, "exact", squash_correction, "", "all",
          "log-density of tanh: exact, or log(1 - a^2 + 1e-6) as in the authors' code")
SAC_FIELD(choice, policy, init, "glorot", init, "", "all",
          "first weights: Glorot uniform with zero bias, uniform in 1/sqrt(inputs) for both, or "
          "orthogonal with zero bias, of gain sqrt 2 in hidden layers, 0.01 in the policy's last "
          "and 1 in a critic's")
SAC_CLOSE(policy)

SAC_OPEN(hierarchy, "a trained policy below this one, whose noise is this one's action")
SAC_FIELD(text, hierarchy, lower, "null", "a run folder, a checkpoint or null", "", "all",
          "run folder or checkpoint of the lower layer, a realnvp policy; it may have lower layers "
          "of its own")
SAC_LATER(flag, hierarchy, freeze_lower, "true", "", "", "all", "leave the lower layer as it is")
SAC_FIELD(integer, hierarchy, lower_obs_dims, "null", "[1, 1000000] or null", "values", "all",
          "first values of the observation, which the lower layer sees; null: as many as it was "
          "trained on")
SAC_CLOSE(hierarchy)

SAC_OPEN(critic, "the critic networks; the value network has this shape too")
SAC_FIELD(integers, critic, hidden, "[256, 256]", "1 to 8 values in [1, 8192]", "units", "all",
          "width of each hidden layer")
SAC_FIELD(choice, critic, activation, "relu", activation, "", "all", "after each hidden layer")
SAC_FIELD(flag, critic, layer_norm, "false", "", "", "all",
          "layer normalisation before each activation")
SAC_FIELD(number, critic, dropout, "0.0", "[0, 1)", "", "all",
          "share of hidden units left out of each pass of an update, targets included (DroQ)")
SAC_FIELD(choice, critic, init, "glorot", init, "", "all", "first weights, as in policy.init")
SAC_CLOSE(critic)

SAC_OPEN(eval, "evaluation while training")
SAC_FIELD(integer, eval, every, "10000", "[0, 1000000000000]", "transitions", "all",
          "transitions between evaluations; 0 means none")
SAC_FIELD(integer, eval, episodes, "10", "[1, 100000]", "episodes", "all",
          "episodes of one evaluation")
SAC_FIELD(integer, eval, seed, "10000", "[0, 9007199254740991]", "", "all",
          "episode i starts from the environment's state of seed + i")
SAC_FIELD(integers, eval, seeds, "[]", "0 to 64 values in [0, 9007199254740991]", "", "all",
          "seeds of the episodes; when not empty they replace eval.episodes and eval.seed")
SAC_FIELD(flag, eval, deterministic, "true", "", "", "all", "act by the mean instead of a draw")
SAC_CLOSE(eval)

SAC_OPEN(checkpoint, "saved states that a run resumes from")
SAC_FIELD(integer, checkpoint, every, "50000", "[0, 1000000000000]", "transitions", "all",
          "transitions between checkpoints, 0 means none; one more is written at the end")
SAC_FIELD(integer, checkpoint, keep, "3", "[1, 1000000]", "checkpoints", "all",
          "newest checkpoints kept, besides the best")
SAC_FIELD(flag, checkpoint, include_replay, "true", "", "", "all",
          "save the replay too, without which a resumed run differs")
SAC_FIELD(choice, checkpoint, on_error, "stop", on_error, "", "all",
          "when a checkpoint cannot be written: stop, or warn and train on")
SAC_CLOSE(checkpoint)

SAC_OPEN(log, "metrics")
SAC_FIELD(integer, log, every, "1000", "[0, 1000000000000]", "transitions", "all",
          "transitions between rows of the metrics")
SAC_FIELD(flag, log, csv, "true", "", "", "all", "write metrics.csv beside metrics.jsonl")
SAC_CLOSE(log)

SAC_OPEN(bench, "only as overrides of `sac bench`")
SAC_FIELD(integer, bench, obs, "17", "[1, 65536]", "", "all", "observation width of `update`")
SAC_FIELD(integer, bench, act, "6", "[1, 1024]", "", "all", "action width of `update`")
SAC_FIELD(integer, bench, steps, "null", "[1, 1000000000000] or null", "transitions", "all",
          "length of the measurement; null takes the command's own")
SAC_FIELD(integer, bench, from, "0", "[0, 1000000000000]", "transitions", "all",
          "`train` measures its rates from here on")
SAC_FIELD(number, bench, stop_return, "null", "[-1e300, 1e300] or null", "", "all",
          "`train` stops when the last ten episodes reach this mean return")
SAC_FIELD(integer, bench, runs, "5", "[1, 1000]", "", "all", "runs of each program with --compare")
SAC_FIELD(text, bench, python, "null", "a path or null", "", "all",
          "the Python of --compare that has the other programs; null takes python3 on PATH")
SAC_CLOSE(bench)
// clang-format on

#undef SAC_CHOICE
#undef SAC_OPEN
#undef SAC_CLOSE
#undef SAC_FIELD
#undef SAC_LATER
