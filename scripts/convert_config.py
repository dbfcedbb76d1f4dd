#!/usr/bin/env python3
"""Converts the configuration of another program to ours.

  convert_config.py FILE [OUT]

FILE is an rl_gym configuration of Catalyst.RL (YAML), or a softlearning variant as JSON (the
params.json of a trial). The result goes to OUT, or to stdout: YAML that `sac config` takes. What
could not be carried over, and what means something else here, stands in its first lines and on
stderr: every entry of FILE is either carried over or told. Exit codes: 0 ok, 1 failed, 2 what FILE
holds has no counterpart here. YAML needs PyYAML (Debian: python3-yaml)."""
import json
import sys
from pathlib import Path

MUJOCO = ("Ant HalfCheetah Hopper Humanoid HumanoidStandup InvertedDoublePendulum InvertedPendulum "
          "Pusher Reacher Swimmer Walker2d").split()
RENAMED = {"LunarLanderContinuous-v2": "gym:LunarLanderContinuous-v3",
           "BipedalWalker-v2": "gym:BipedalWalker-v3",
           "BipedalWalkerHardcore-v2": "gym:BipedalWalkerHardcore-v3",
           "Pendulum-v0": "Pendulum-v1"}
OURS = ["Pendulum-v1", "MountainCarContinuous-v0"] + [f"{name}-v5" for name in MUJOCO]
SEEDS_MAX = 64
# why entries, by the beginning of their paths, have no place here
REASONS = {"args.": "which of its processes run", "db.": "its message broker",
           "sampler.weights_sync_period": "the newest policy acts here",
           "trainer.weights_sync_period": "the newest policy acts here",
           "trainer.num_workers": "its processes", "environment.environment": "its wrapper"}


class Refused(Exception):
    """What the file holds has no counterpart at all."""


class Source:
    """The entries of a file by their dotted paths, and which of them were looked at."""

    def __init__(self, tree):
        self.leaves, self.seen = {}, set()
        self.add("", tree)

    def add(self, path, value):
        if isinstance(value, dict) and value:
            for key, each in value.items():
                self.add(f"{path}.{key}" if path else str(key), each)
        else:
            self.leaves[path] = value

    def take(self, *paths):
        """The value of the first path there is, else None."""
        found = [path for path in paths if path in self.leaves]
        self.seen.update(found)
        return self.leaves[found[0]] if found else None

    def number(self, *paths):
        """The same for a number; PyYAML takes 3e-4 for a text."""
        value = self.take(*paths)
        if value is None or isinstance(value, bool):
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Refused(f"{paths[0]} is {value!r}, must be a number") from None
        return int(number) if number == int(number) and abs(number) < 2**53 else number

    def under(self, path):
        return [each for each in self.leaves if each == path or each.startswith(path + ".")]

    def rest(self):
        """Entries that nobody looked at, but for those that hold nothing."""
        return {path: value for path, value in self.leaves.items()
                if path not in self.seen and value not in (None, {}, [])}


class Result:
    """Our configuration, and what is to be said about it."""

    def __init__(self):
        self.tree, self.notes, self.lost = {}, [], []

    def set(self, path, value):
        if value is None:
            return
        *sections, key = path.split(".")
        at = self.tree
        for section in sections:
            at = at.setdefault(section, {})
        at[key] = value

    def note(self, text):
        self.notes.append(text)

    def lose(self, path, value, why=""):
        self.lost.append(f"{path}: {value}" + (f" ({why})" if why else ""))


def convert_id(name, out):
    """The Gymnasium name of today for a name of Gym."""
    stem, _, version = name.rpartition("-")
    new = RENAMED.get(name, name)
    if stem in MUJOCO and version.startswith("v"):
        new = f"{stem}-v5"
    if new not in OURS and not new.startswith("gym:"):
        out.note(f"env.id: {name} is none of ours: Gymnasium must have it")
        new = f"gym:{new}"
    elif new.removeprefix("gym:") != name:
        out.note(f"env.id: {name} became {new.removeprefix('gym:')}, whose returns differ somewhat")
    return new


def convert_activation(value, path, out):
    known = {"relu": "relu", "tanh": "tanh"}
    if value is None or str(value).lower() in known:
        return known.get(str(value).lower())
    out.lose(path, value, "relu or tanh here")
    return None


# ---- Catalyst.RL


def convert_network(source, path, parts, out):
    """Layers and activation of a chain of nets."""
    hidden, activation, normed = [], None, False
    for part in parts:
        at = f"{path}.{part}"
        hidden += [int(x) for x in source.take(f"{at}.features") or []]
        activation = convert_activation(source.take(f"{at}.activation"), f"{at}.activation",
                                        out) or activation
        normed |= source.take(f"{at}.normalization") == "LayerNorm"
        source.take(f"{at}._network_type", f"{at}.history_len")
        source.take(f"{at}.history_len")
        if source.take(f"{at}.use_bias") is False:
            out.lose(f"{at}.use_bias", "false", "layers have biases here")
    return hidden, activation, normed


def convert_networks(source, out):
    actor, critic = "agents.actor.state_net_params", "agents.critic.state_action_net_params"
    for section, path in (("policy", actor), ("critic", critic)):
        hidden, activation, normed = convert_network(
            source, path, ("observation_net_params", "main_net_params"), out)
        out.set(f"{section}.hidden", hidden or None)
        out.set(f"{section}.activation", activation)
        out.set(f"{section}.layer_norm", normed or None)
    beside = source.take(f"{critic}.action_net_params.features")
    convert_network(source, critic, ("action_net_params",), out)
    if beside:
        out.note("critic.hidden: the first layer takes observation and action together; there, "
                 f"actions have a net of their own ({beside})")
    source.take("agents.actor.agent")
    source.take("agents.critic.agent")
    for head in ("actor.policy_head_params", "critic.value_head_params"):
        source.take(f"agents.{head}.in_features")  # the width of the layer before


def convert_policy_head(source, out):
    kind = source.take("agents.actor.policy_head_params.policy_type")
    source.take("agents.actor.policy_head_params.out_activation")  # tanh is that of the squashing
    if kind not in ("squashing-gauss", "diagonal-gauss"):
        raise Refused(f"agents.actor.policy_head_params.policy_type is {kind}, must be "
                      "squashing-gauss or diagonal-gauss")
    out.set("policy.squash", kind == "squashing-gauss")
    out.set("policy.log_std", {"mode": "clamp", "min": -10, "max": 2})


def convert_optimiser(source, who, key, out):
    path = f"algorithm.{who}_optimizer_params"
    name = source.take(f"{path}.optimizer")
    if name not in (None, "Adam"):
        out.lose(f"{path}.optimizer", name, "Adam here")
    out.set(key, source.number(f"{path}.lr"))


def convert_clip(source, out):
    path = "algorithm.actor_grad_clip_params"
    norm, value = source.number(f"{path}.max_norm"), source.number(f"{path}.clip_value")
    source.take(f"{path}.func")
    for ours, limit in (("max_grad_norm", norm), ("max_grad_value", value)):
        out.set(f"algorithm.{ours}", limit)
        if limit is not None:
            out.note(f"algorithm.{ours}: here it limits the critics too")


def convert_critic_loss(source, out):
    path = "algorithm.critic_loss_params"
    name, delta = source.take(f"{path}.criterion"), source.number(f"{path}.clip_delta")
    losses = {"HuberLoss": "huber", "SmoothL1Loss": "huber", "MSELoss": "mse", None: None}
    if name not in losses:
        out.lose(f"{path}.criterion", name, "huber or mse here")
        return
    out.set("algorithm.critic_loss", losses[name])
    if name == "MSELoss":
        out.note("algorithm.critic_loss: half the squared error here, the whole one there")
    if delta not in (None, 1):
        out.lose(f"{path}.clip_delta", delta, "the knee is at 1 here")


def convert_catalyst_algorithm(source, out):
    name = source.take("algorithm.algorithm")
    if name != "SAC":
        raise Refused(f"algorithm.algorithm is {name}, must be SAC: no other has a counterpart")
    out.set("algorithm.name", "sac")
    for theirs, ours in (("gamma", "gamma"), ("critic_tau", "tau"), ("num_critics", "n_critics")):
        out.set(f"algorithm.{ours}", source.number(f"algorithm.{theirs}"))
    source.take("algorithm.actor_tau")  # SAC has no target of its policy
    steps = source.number("algorithm.n_step")
    out.set("algorithm.n_steps", steps)
    scale = source.number("algorithm.reward_scale") or 1
    out.set("algorithm.ent_coef", float(f"{1 / scale:.12g}"))
    out.note(f"algorithm.ent_coef: algorithm.reward_scale {scale} divides log pi there, which is a "
             "temperature; it does not multiply rewards")
    convert_critic_loss(source, out)
    convert_optimiser(source, "actor", "algorithm.policy_lr", out)
    convert_optimiser(source, "critic", "algorithm.q_lr", out)
    convert_clip(source, out)


def convert_catalyst_environment(source, out):
    name = source.take("environment.env_name")
    if not name:
        raise Refused("environment.env_name is missing, must be a task of Gym")
    if source.take("environment.environment") not in (None, "GymEnvWrapper"):
        out.lose("environment.environment", source.take("environment.environment"))
    out.set("env.id", convert_id(str(name), out))
    skip = source.take("environment.frame_skip")
    if isinstance(skip, list):
        out.lose("environment.frame_skip", skip, "one number here")
    else:
        out.set("env.frame_skip", skip)
    seen = source.number("environment.history_len")
    if seen:
        out.set("env.history.observations", seen - 1)
        out.note(f"env.history.observations: {seen - 1} past ones beside the present; "
                 "history_len counts that too")
    out.set("algorithm.reward_scale", source.number("environment.reward_scale"))
    bonus = source.number("environment.step_reward")
    if bonus:
        out.lose("environment.step_reward", bonus)


def convert_exploration(source, out):
    ways = source.take("sampler.exploration_params") or []
    mix = {}
    for way in ways:
        entry = Source(way)
        name, share = entry.take("exploration"), entry.number("probability")
        if name == "GaussNoise" and "gaussian" not in mix:
            mix.update(gaussian=share, gaussian_sigma=entry.number("sigma"))
        elif name == "ParameterSpaceNoise" and "parameter" not in mix:
            mix.update(parameter=share, parameter_sigma=entry.number("target_sigma"))
        elif name != "NoExploration":
            out.lose("sampler.exploration_params", show(way),
                     "its episodes take the policy's draws")
    out.set("algorithm.exploration", mix or None)
    if any(way.get("exploration") == "NoExploration" for way in ways):
        out.note("algorithm.exploration: the rest of the episodes takes the policy's draws as they "
                 "are, which is what NoExploration does while training; `deterministic` would take "
                 "its mean")


def convert_catalyst_trainer(source, out):
    for theirs, ours in (("batch_size", "batch_size"), ("replay_buffer_size", "buffer_size"),
                         ("min_num_transitions", "learning_starts")):
        out.set(f"algorithm.{ours}", source.number(f"trainer.{theirs}"))
    out.note("algorithm.learning_starts: actions before it are uniform here, the policy's there")
    period = source.take("trainer.target_update_period")
    critic = period[-1] if isinstance(period, list) else period
    out.set("algorithm.target_update_interval", critic)
    epoch, saves = source.number("trainer.epoch_len"), source.number("trainer.save_period")
    if epoch and saves:
        out.set("checkpoint.every", epoch * saves)
    per_sample = source.number("trainer.max_updates_per_sample")
    batch = source.number("trainer.batch_size")
    if per_sample and batch:
        out.lose("trainer.max_updates_per_sample", per_sample,
                 "learner and samplers run side by side there, with at most one update for "
                 f"{batch / per_sample:g} steps; here algorithm.train_freq says it")
    out.note("algorithm.total_timesteps: a run has no length there; here it keeps its default")


def convert_catalyst(tree):
    source, out = Source(tree), Result()
    convert_catalyst_algorithm(source, out)
    convert_catalyst_environment(source, out)
    convert_networks(source, out)
    convert_policy_head(source, out)
    convert_catalyst_trainer(source, out)
    convert_exploration(source, out)
    out.set("run.logdir", source.take("args.logdir"))
    seeds = source.take("sampler.valid_seeds")
    if seeds:
        out.set("eval.seeds", [int(seed) for seed in seeds[:SEEDS_MAX]])
    if seeds and len(seeds) > SEEDS_MAX:
        out.lose("sampler.valid_seeds", f"the last {len(seeds) - SEEDS_MAX} of {len(seeds)}",
                 f"at most {SEEDS_MAX} here")
    return source, out


# ---- softlearning


def any_of(path, *keys):
    """A variant's parameters lie under `config`; older ones under `kwargs`."""
    return [f"{path}.{middle}.{key}" for key in keys for middle in ("config", "kwargs")]


def convert_softlearning_environment(source, out):
    path = next((each for each in ("environment_params.training", "environment_params")
                 if f"{each}.domain" in source.leaves), None)
    if path is None:
        raise Refused("environment_params.training.domain is missing, must name the task's domain")
    universe = source.take(f"{path}.universe") or "gym"
    domain, task = source.take(f"{path}.domain"), source.take(f"{path}.task")
    if universe == "gym":
        out.set("env.id", convert_id(f"{domain}-{task}", out))
    elif universe == "dm_control":
        out.set("env.id", f"gym:shimmy:dm_control/{domain}-{task}-v0")
        out.note("env.id: a task of dm_control, which env.python must have together with shimmy")
    else:
        raise Refused(f"{path}.universe is {universe}, must be gym or dm_control")
    for leaf in source.under(f"{path}.kwargs"):
        name, value = leaf[len(path) + 8:], source.take(leaf)
        convert_kwarg(name, value, leaf, out)
    training = source.under("environment_params.training")
    for leaf in source.under("environment_params.evaluation"):
        twin = leaf.replace(".evaluation", ".training")
        if twin in training and source.leaves[twin] == source.leaves[leaf]:
            source.take(leaf)  # evaluated on what it trains on, as here


def convert_kwarg(name, value, leaf, out):
    values = value if isinstance(value, (list, tuple)) else [value]
    plain = all(isinstance(x, (int, float)) and abs(x) < 1e300 for x in values)
    if value in (None, {}, []):
        return
    if "." in name or not plain or not values:
        out.lose(leaf, value, "numbers, true and false, and lists of numbers here")
    else:
        out.set(f"env.kwargs.{name}", value)


def convert_softlearning_networks(source, out):
    kind = source.take("policy_params.class_name", "policy_params.type")
    if kind not in ("FeedforwardGaussianPolicy", "GaussianPolicy", None):
        raise Refused(f"policy_params.class_name is {kind}, must be FeedforwardGaussianPolicy")
    out.set("policy.hidden", source.take(*any_of("policy_params", "hidden_layer_sizes")))
    out.set("policy.squash", source.take(*any_of("policy_params", "squash")))
    out.set("critic.hidden", source.take(*any_of("Q_params", "hidden_layer_sizes")))
    name = source.take("Q_params.class_name", "Q_params.type")
    doubles = ("double_feedforward_Q_function", None)
    if name not in doubles:
        out.lose("Q_params.class_name", name, "two critics here, algorithm.n_critics says how many")
    source.take("exploration_policy_params.class_name", "exploration_policy_params.type")


def convert_softlearning_algorithm(source, out):
    name = source.take("algorithm_params.class_name", "algorithm_params.type")
    if name != "SAC":
        raise Refused(f"algorithm_params.class_name is {name}, must be SAC: no other has a "
                      "counterpart")
    path = "algorithm_params"
    same = {"discount": "gamma", "tau": "tau", "target_update_interval": "target_update_interval",
            "policy_lr": "policy_lr", "Q_lr": "q_lr", "alpha_lr": "alpha_lr",
            "reward_scale": "reward_scale", "train_every_n_steps": "train_freq",
            "n_train_repeat": "gradient_steps"}
    every = source.number(*any_of(path, "lr"))
    for theirs, ours in same.items():
        value = source.number(*any_of(path, theirs))
        out.set(f"algorithm.{ours}", every if value is None and ours.endswith("_lr") else value)
    out.set("algorithm.target_entropy", source.take(*any_of(path, "target_entropy")))
    out.set("algorithm.action_prior", source.take(*any_of(path, "action_prior")))
    if source.take(*any_of(path, "reparameterize")) is False:
        out.lose(f"{path}.reparameterize", "false", "always reparameterised here")
    source.take(*any_of(path, "eval_render_kwargs", "save_full_state"))
    for key in ("eval_render_kwargs.mode", "save_full_state"):
        source.take(*any_of(path, key))  # of its programs, not of the algorithm


def convert_softlearning_lengths(source, out):
    path = "algorithm_params"
    epochs = source.number(*any_of(path, "n_epochs"))
    length = source.number(*any_of(path, "epoch_length"))
    if epochs and length:
        out.set("algorithm.total_timesteps", epochs * length)
        out.note(f"algorithm.total_timesteps: {epochs} epochs of {length} steps; warm-up steps "
                 "come on top of them there")
    episodes = source.number(*any_of(path, "eval_n_episodes"))
    out.set("eval.every", 0 if episodes == 0 else length)
    out.set("eval.episodes", episodes or None)
    out.set("eval.deterministic", source.take(*any_of(path, "eval_deterministic")))
    pools = any_of(path, "min_pool_size") + any_of("sampler_params", "min_pool_size")
    warm_ups = any_of(path, "num_warmup_samples", "n_initial_exploration_steps")
    pool, warm_up = source.number(*pools), source.number(*warm_ups)
    if pool or warm_up:
        out.set("algorithm.learning_starts", max(pool or 0, warm_up or 0))
    batches = any_of(path, "batch_size") + any_of("sampler_params", "batch_size")
    out.set("algorithm.batch_size", source.number(*batches))
    limit = any_of("sampler_params", "max_path_length")
    out.set("env.max_episode_steps", source.number(*limit))
    out.set("algorithm.buffer_size", source.number(*any_of("replay_pool_params", "max_size")))
    saves = source.number("run_params.checkpoint_frequency")
    if saves is not None and length:
        out.set("checkpoint.every", saves * length)


def convert_softlearning(tree):
    source, out = Source(tree), Result()
    out.tree["defaults"] = "preset/softlearning"
    convert_softlearning_algorithm(source, out)
    convert_softlearning_environment(source, out)
    convert_softlearning_networks(source, out)
    convert_softlearning_lengths(source, out)
    out.set("run.seed", source.number("run_params.seed"))
    out.set("checkpoint.include_replay", source.take("run_params.checkpoint_replay_pool"))
    for kind in ("replay_pool_params.class_name", "sampler_params.class_name",
                 "run_params.checkpoint_at_end", "run_params.host_name", "git_sha"):
        source.take(kind, kind.replace("class_name", "type"))
    if source.number(*any_of("algorithm_params", "reward_scale")) not in (None, 1):
        out.note("algorithm.reward_scale: a factor on rewards, there and here")
    return source, out


# ---- text


def read(path):
    """The tree of a file."""
    text = Path(path).read_text(encoding="utf-8")
    if text.lstrip().startswith("{"):
        return json.loads(text)
    import yaml
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from None


def load(path):
    """The tree of a file, what it is, and the converter for it."""
    try:
        tree = read(path)
    except ValueError as error:
        raise Refused(f"is neither JSON nor YAML: {one_line(error)}") from None
    if not isinstance(tree, dict):
        tree = {}
    variant = tree.get("config") if isinstance(tree.get("config"), dict) else tree
    if isinstance(variant.get("algorithm_params"), dict):
        return variant, "a softlearning variant", convert_softlearning
    if isinstance(tree.get("agents"), dict) and isinstance(tree.get("algorithm"), dict):
        return tree, "a Catalyst.RL configuration", convert_catalyst
    raise Refused("is neither a Catalyst.RL configuration (agents, algorithm, environment) nor a "
                  "softlearning variant (algorithm_params, environment_params)")


def show(value):
    """A value on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(show(each) for each in value) + "]"
    plain = isinstance(value, str) and value.replace("_", "").replace("/", "").isalnum()
    return value if plain else json.dumps(value)


def write(name, kind, out):
    """Our file: what is to be said as comments, then the keys."""
    lines = [f"# Converted from {kind}, {Path(name).name}."]
    for title, texts in (("Not carried over:", out.lost), ("Read here as:", out.notes)):
        lines += [f"# {title}"] * bool(texts) + [f"#   {one_line(text)}" for text in texts]
    for section, value in out.tree.items():
        if not isinstance(value, dict):
            lines.append(f"{section}: {show(value)}")
            continue
        lines.append(f"{section}:")
        lines += [f"  {key}: {show(each)}" for key, each in value.items()]
    return "\n".join(lines) + "\n"


def one_line(text):
    return " ".join(str(text).split())


def convert_file(name):
    """Our text for a file, and what is to be said about it."""
    tree, kind, convert = load(name)
    source, out = convert(tree)
    for path, value in source.rest().items():
        why = [text for prefix, text in REASONS.items() if path.startswith(prefix)]
        out.lose(path, show(value), *why[:1])
    told = [f"not carried over: {text}" for text in out.lost]
    return write(name, kind, out), told + [f"note: {text}" for text in out.notes]


def main(arguments):
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    name = arguments[0]
    try:
        text, told = convert_file(name)
        if len(arguments) == 2:
            Path(arguments[1]).write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
    except Refused as why:
        print(f"{name}: {why}", file=sys.stderr)
        return 2
    except (OSError, ImportError) as error:
        print(f"convert_config.py: {error}", file=sys.stderr)
        return 1
    for each in told:
        print(f"{name}: {one_line(each)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
