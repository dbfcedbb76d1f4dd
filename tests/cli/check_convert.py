#!/usr/bin/env python3
"""Judges scripts/convert_config.py: what `sac config` makes of its results, and what it tells.

  check_convert.py SAC [WORD ...]   runs the checks whose name holds one of the words (default: all)

The last line is `N passed, N failed`; the exit code says the same."""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_cli  # noqa: E402
from check_cli import USAGE, has  # noqa: E402

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts" / "convert_config.py"
SEEDS = [10 * i + 7 for i in range(70)]

# entries of an rl_gym configuration, with values that no default of ours has
CATALYST = """\
args: {logdir: ./logs/lander, expdir: null, vis: 2, train: 1}
db: {db: RedisDB, port: 12000}
environment:
  environment: GymEnvWrapper
  env_name: LunarLanderContinuous-v2
  history_len: &history_len 3
  frame_skip: 2
  reward_scale: 0.5
agents:
  actor:
    agent: Actor
    state_net_params:
      observation_net_params:
        {_network_type: linear, history_len: *history_len, features: [24], use_bias: true,
         activation: ReLU}
      main_net_params: {features: [20, 12], normalization: LayerNorm, activation: ReLU}
    policy_head_params: {in_features: 12, policy_type: squashing-gauss, out_activation: Tanh}
  critic:
    agent: StateActionCritic
    state_action_net_params:
      observation_net_params: {history_len: *history_len, features: [28], activation: Tanh}
      action_net_params: {features: [28], activation: Tanh}
      main_net_params: {features: [16], activation: Tanh}
    value_head_params: {in_features: 16, distribution: quantile, num_atoms: 51}
algorithm:
  algorithm: SAC
  n_step: 1
  gamma: 0.97
  actor_tau: 0.02
  critic_tau: 0.02
  num_critics: 3
  reward_scale: 200.0
  critic_loss_params: {criterion: HuberLoss, clip_delta: 1.0}
  actor_optimizer_params: {optimizer: Adam, lr: 3e-4}
  critic_optimizer_params: {optimizer: Adam, lr: 0.002}
  actor_grad_clip_params: {func: clip_grad_norm_, max_norm: 0.7}
trainer:
  {batch_size: 64, num_workers: 1, epoch_len: 500, replay_buffer_size: 20000,
   min_num_transitions: 300, save_period: 100, target_update_period: 2, max_updates_per_sample: 32}
sampler:
  weights_sync_period: 1
  exploration_params:
    - {exploration: GaussNoise, probability: 0.6, sigma: 0.25}
    - {exploration: ParameterSpaceNoise, probability: 0.3, target_sigma: 0.15}
    - {exploration: NoExploration, probability: 0.1}
  valid_seeds: %s
""" % SEEDS

SOFTLEARNING = {
    "environment_params": {
        "training": {"domain": "HalfCheetah", "task": "v3", "universe": "gym",
                     "kwargs": {"forward_reward_weight": 2.5}},
        "evaluation": {"domain": "HalfCheetah", "task": "v3", "universe": "gym",
                       "kwargs": {"forward_reward_weight": 2.5}}},
    "policy_params": {"class_name": "FeedforwardGaussianPolicy",
                      "config": {"hidden_layer_sizes": [96, 80], "squash": True,
                                 "observation_keys": None, "preprocessors": None}},
    "exploration_policy_params": {"class_name": "ContinuousUniformPolicy"},
    "Q_params": {"class_name": "double_feedforward_Q_function",
                 "config": {"hidden_layer_sizes": [72]}},
    "algorithm_params": {
        "class_name": "SAC",
        "config": {"policy_lr": 1e-4, "Q_lr": 2e-4, "alpha_lr": 5e-5, "tau": 0.01,
                   "target_update_interval": 3, "target_entropy": -4.5, "discount": 0.98,
                   "reward_scale": 5.0, "train_every_n_steps": 2, "n_train_repeat": 4,
                   "eval_n_episodes": 6, "num_warmup_samples": 5000, "n_epochs": 120,
                   "epoch_length": 25000, "min_pool_size": 1000, "batch_size": 128}},
    "replay_pool_params": {"class_name": "SimpleReplayPool", "config": {"max_size": 400000}},
    "sampler_params": {"class_name": "SimpleSampler", "config": {"max_path_length": 750}},
    "run_params": {"seed": 5617, "checkpoint_at_end": True, "checkpoint_frequency": 12,
                   "checkpoint_replay_pool": True}}


def python():
    """One that has PyYAML: make's set-up brings it to the system's."""
    has_yaml = subprocess.run(["python3", "-c", "import yaml"], capture_output=True, check=False)
    return "python3" if has_yaml.returncode == 0 else "/usr/bin/python3"


def convert(room, name, text, code=0):
    """Our file, and what was told."""
    there, ours = room.file(name, text), room.folder / f"{name}.ours.yaml"
    done = subprocess.run([python(), SCRIPT, there, ours], capture_output=True, text=True,
                          check=False)
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr[-500:]}"
    return ours, done.stderr


def resolved(room, ours):
    """Keys of the resolved configuration by their dotted paths."""
    keys, path = {}, []
    for line in room.run("config", ours).stdout.splitlines():
        if line.startswith("#"):
            continue
        key, _, value = line.strip().partition(":")
        path = path[:(len(line) - len(line.lstrip())) // 2] + [key]
        keys[".".join(path)] = value.strip()
    return keys


def expect(keys, **wanted):
    for name, value in wanted.items():
        path = name.replace("__", ".")
        assert keys[path] == value, f"{path} is {keys[path]}, expected {value}"


def a_catalyst_configuration_becomes_ours(room):
    ours, _ = convert(room, "lander.yml", CATALYST)
    keys = resolved(room, ours)
    expect(keys, env__id='"gym:LunarLanderContinuous-v3"', env__frame_skip="2",
           env__history__observations="2", env__history__actions="0", run__logdir='"./logs/lander"',
           algorithm__name="sac", algorithm__gamma="0.97", algorithm__tau="0.02",
           algorithm__n_critics="3", algorithm__critic_loss="huber", algorithm__policy_lr="0.0003",
           algorithm__q_lr="0.002", algorithm__max_grad_norm="0.7", algorithm__batch_size="64",
           algorithm__buffer_size="20000", algorithm__learning_starts="300",
           algorithm__target_update_interval="2", policy__hidden="[24, 20, 12]",
           policy__activation="relu", policy__layer_norm="true", policy__squash="true",
           policy__log_std__min="-10.0", critic__layer_norm="false",
           critic__hidden="[28, 16]", critic__activation="tanh", checkpoint__every="50000")
    expect(keys, algorithm__exploration__gaussian="0.6",
           algorithm__exploration__gaussian_sigma="0.25", algorithm__exploration__parameter="0.3",
           algorithm__exploration__parameter_sigma="0.15",
           algorithm__exploration__deterministic="0.0")
    assert json.loads(keys["eval.seeds"]) == SEEDS[:64]


def gradients_cut_by_value_stay_so(room):
    cut = CATALYST.replace("{func: clip_grad_norm_, max_norm: 0.7}",
                           "{func: clip_grad_value_, clip_value: 0.4}")
    ours, told = convert(room, "lander.yml", cut)
    expect(resolved(room, ours), algorithm__max_grad_value="0.4", algorithm__max_grad_norm="null")
    has(told, "max_grad_value: here it limits the critics too")


def the_two_reward_scales_of_catalyst_are_told_apart(room):
    ours, told = convert(room, "lander.yml", CATALYST)
    expect(resolved(room, ours), algorithm__ent_coef="0.005", algorithm__reward_scale="0.5")
    has(told, "divides log pi there, which is a temperature")


def what_catalyst_has_and_we_have_not_is_told_in_both_places(room):
    ours, told = convert(room, "lander.yml", CATALYST)
    text = ours.read_text()
    for entry in ("db.port: 12000", "args.vis: 2", "trainer.max_updates_per_sample: 32",
                  "agents.critic.value_head_params.distribution: quantile",
                  "sampler.valid_seeds: the last 6 of 70"):
        has(told, f"not carried over: {entry}")
        has(text, f"#   {entry}")
    assert "history_len:" not in told and "in_features" not in told, told


def a_softlearning_variant_becomes_ours(room):
    ours, told = convert(room, "params.json", json.dumps(SOFTLEARNING))
    keys = resolved(room, ours)
    expect(keys, env__id='"HalfCheetah-v5"', env__kwargs="{forward_reward_weight: 2.5}",
           env__max_episode_steps="750", algorithm__name="sac", algorithm__policy_lr="0.0001",
           algorithm__q_lr="0.0002", algorithm__alpha_lr="5.0e-05", algorithm__tau="0.01",
           algorithm__target_update_interval="3", algorithm__target_entropy="-4.5",
           algorithm__gamma="0.98", algorithm__reward_scale="5.0", algorithm__train_freq="2",
           algorithm__gradient_steps="4", algorithm__total_timesteps="3000000",
           algorithm__learning_starts="5000", algorithm__batch_size="128",
           algorithm__buffer_size="400000", policy__hidden="[96, 80]", critic__hidden="[72]",
           eval__every="25000", eval__episodes="6", checkpoint__every="300000",
           checkpoint__include_replay="true", run__seed="5617")
    # what its program does and no variant says
    expect(keys, algorithm__actor_q="mean", algorithm__alpha_loss="alpha",
           policy__log_std__mode="softplus")
    assert "not carried over" not in told, told
    has(told, "HalfCheetah-v3 became HalfCheetah-v5")


def an_older_variant_reads_alike(room):
    def older(tree):
        if not isinstance(tree, dict):
            return tree
        names = {"class_name": "type", "config": "kwargs"}
        return {names.get(key, key): older(value) for key, value in tree.items()}
    new, _ = convert(room, "new.json", json.dumps(SOFTLEARNING))
    old, _ = convert(room, "old.json", json.dumps(older(SOFTLEARNING)))
    assert resolved(room, new) == resolved(room, old)


def entries_that_nobody_knows_are_told(room):
    variant = json.loads(json.dumps(SOFTLEARNING))
    variant["algorithm_params"]["config"]["novelty"] = 0.25
    variant["environment_params"]["training"]["kwargs"]["xml_file"] = "fast.xml"
    ours, told = convert(room, "params.json", json.dumps(variant))
    has(told, "not carried over: algorithm_params.config.novelty: 0.25",
        "not carried over: environment_params.training.kwargs.xml_file: fast.xml")
    room.run("config", ours)


def tasks_of_other_places_get_their_names(room):
    for name, wanted in (("Ant-v2", "Ant-v5"), ("Pendulum-v0", "Pendulum-v1"),
                         ("BipedalWalker-v2", "gym:BipedalWalker-v3"),
                         ("MountainCarContinuous-v0", "MountainCarContinuous-v0"),
                         ("PointEnv-v0", "gym:PointEnv-v0")):
        ours, _ = convert(room, f"{name}.yml", CATALYST.replace("LunarLanderContinuous-v2", name))
        expect(resolved(room, ours), env__id=f'"{wanted}"')


def what_has_no_counterpart_is_refused(room):
    for name, text, word in (
            ("a.yml", CATALYST.replace("algorithm: SAC", "algorithm: DDPG"), "DDPG, must be SAC"),
            ("b.yml", CATALYST.replace("squashing-gauss", "bernoulli"), "policy_type is bernoulli"),
            ("c.yml", CATALYST.replace("lr: 0.002", "lr: fast"), "must be a number"),
            ("d.yml", "a: [", "neither JSON nor YAML"), ("e.json", "{", "neither JSON nor YAML"),
            ("f.yml", "seed: 1", "neither a Catalyst.RL configuration"), ("g.yml", "", "neither a"),
            ("h.json", json.dumps({**SOFTLEARNING, "environment_params": {}}), "domain")):
        _, told = convert(room, name, text, code=USAGE)
        has(told, name, word)
    absent = subprocess.run([python(), SCRIPT, room.folder / "absent"], capture_output=True,
                            text=True, check=False)
    assert absent.returncode == 1, absent
    has(absent.stderr, "No such file")


if __name__ == "__main__":
    sys.exit(check_cli.main(sys.argv[1:], globals()))
