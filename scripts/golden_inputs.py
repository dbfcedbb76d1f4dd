"""Inputs for the golden checks: the fixture without random numbers, and random networks, batches
and options, with rows redrawn where rounding would decide a branch."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import golden_options
import safetensors_io
from golden_update import Update

FIXTURES = {
    "v1": ["algorithm.name=sac_v1", "algorithm.reward_scale=5", "algorithm.ent_coef=1.0"],
    "v2": ["algorithm.name=sac", "algorithm.ent_coef=auto_1.0", "algorithm.target_entropy=-2"],
    "tanh": ["algorithm.name=sac", "algorithm.n_critics=3", "algorithm.target_subset=3",
             "algorithm.actor_q=mean", "algorithm.ent_coef=auto_0.3", "policy.activation=tanh",
             "critic.activation=tanh", "policy.log_std.mode=tanh", "policy.log_std.min=-5",
             "policy.squash_correction=eps"],
    "huber": ["algorithm.name=sac", "algorithm.critic_loss=huber", "algorithm.max_grad_norm=0.4",
              "algorithm.action_prior=normal", "algorithm.ent_coef=0.2",
              "algorithm.reward_scale=0.5"],
    "sequential": ["algorithm.name=sac_v1", "algorithm.update_order=sequential",
                   "algorithm.action_prior=normal", "algorithm.actor_q=first",
                   "algorithm.ent_coef=0.7", "algorithm.tau=0.1"],
    "unsquashed": ["algorithm.name=sac_v1", "policy.squash=false", "policy.log_std.mode=softplus",
                   "algorithm.ent_coef=0.05", "algorithm.n_critics=1", "algorithm.target_subset=1",
                   "algorithm.gamma=0.9"],
    "droq": ["algorithm.name=sac", "critic.layer_norm=true", "critic.dropout=0.25",
             "policy.layer_norm=true", "algorithm.actor_q=mean", "algorithm.n_steps=3",
             "algorithm.max_grad_value=0.02", "algorithm.max_grad_norm=0.3", "run.seed=7"],
    "redq": ["algorithm.name=sac", "algorithm.n_critics=6", "algorithm.target_subset=2",
             "algorithm.actor_q=mean", "algorithm.priority.enabled=true", "run.seed=4294967299"],
    "dropout": ["algorithm.name=sac_v1", "critic.dropout=0.4", "critic.activation=tanh",
                "algorithm.n_critics=3", "algorithm.target_subset=3", "policy.layer_norm=true",
                "algorithm.n_steps=2", "algorithm.priority.enabled=true",
                "algorithm.ent_coef=0.5"],
}

# obs, act, rows, hidden layers of policy and critic of the fixtures drawn at random
FIXTURE_SHAPES = {
    "tanh": (5, 3, 19, [7, 5, 1, 9, 3], [3, 8, 6, 5, 4]),
    "huber": (3, 1, 33, [17], [17]),
    "sequential": (4, 2, 8, [9, 13], [11, 6, 3]),
    "unsquashed": (1, 1, 64, [12, 12], [10, 15]),
    "droq": (3, 2, 21, [9, 6], [13, 10, 7]),
    "redq": (4, 2, 16, [8], [9, 5]),
    "dropout": (2, 1, 24, [11, 5], [14, 9]),
}


@dataclass
class Case:
    title: str
    overrides: list
    tensors: dict


def as_float32(tensors):
    return {name: np.asarray(array, np.float32 if "step" not in name else np.int64)
            for name, array in tensors.items()}


# the fixture without random numbers


def sine_layers(number, inputs, outputs, width=4):
    """Weights and biases theta_k = 0.6 sin(1.3 k + 0.9 number), k running over W1, b1, W2 ..."""
    shapes, k, layers = [(inputs, width), (width, width), (width, outputs)], 0, []
    for rows, columns in shapes:
        count = rows * columns
        weight = 0.6 * np.sin(1.3 * (k + np.arange(count)) + 0.9 * number)
        bias = 0.6 * np.sin(1.3 * (k + count + np.arange(columns)) + 0.9 * number)
        layers.append((weight.reshape(rows, columns).T, bias))
        k += count + columns
    return layers


def named(prefix, layers, modules=2):
    """Tensors of a Sequential whose hidden layers have so many modules each, the product first and
    the activation last."""
    tensors = {}
    for index, (weight, bias) in enumerate(layers):
        tensors[f"{prefix}.{modules * index}.weight"] = weight
        tensors[f"{prefix}.{modules * index}.bias"] = bias
    return tensors


def stacked(rng, prefix, layers, hidden, norm, dropout):
    """Tensors of a network of which the first `hidden` layers have layer normalisation, or
    dropout, or both."""
    modules = 2 + bool(norm) + (dropout > 0)
    tensors = named(prefix, layers, modules)
    for index, (_, bias) in enumerate(layers[:hidden] if norm else []):
        at = modules * (index + 1) - 2
        tensors[f"{prefix}.{at}.weight"] = rng.uniform(0.5, 1.5, len(bias))
        tensors[f"{prefix}.{at}.bias"] = rng.uniform(-0.5, 0.5, len(bias))
    return tensors


def textbook():
    """Observation 3, action 2, hidden 4 and 4, 5 rows, everything a sine or cosine."""
    obs, act = 3, 2
    policy = sine_layers(1, obs, 2 * act)
    weight, bias = policy.pop()
    tensors = named("actor.latent_pi", policy)
    tensors.update({"actor.mu.weight": weight[:act], "actor.mu.bias": bias[:act],
                    "actor.log_std.weight": weight[act:], "actor.log_std.bias": bias[act:]})
    critics = {"critic.qf0": 2, "critic.qf1": 3, "critic_target.qf0": 6, "critic_target.qf1": 7}
    for prefix, number in critics.items():
        tensors.update(named(prefix, sine_layers(number, obs + act, 1)))
    tensors.update(named("value", sine_layers(4, obs, 1)))
    tensors.update(named("value_target", sine_layers(5, obs, 1)))
    b, i, j = np.arange(5)[:, None], np.arange(obs)[None], np.arange(act)[None]
    tensors.update({
        "batch.obs": np.sin(0.5 * b + 1.1 * i),
        "batch.action": 0.8 * np.cos(0.7 * b + 0.4 * j),
        "batch.reward": np.cos(0.3 * b[:, 0]),
        "batch.terminated": (b[:, 0] == 2) * 1.0,
        "batch.next_obs": np.sin(0.5 * b + 1.1 * i + 0.25),
        "noise.now": 1.2 * np.sin(2.1 * b + 1.7 * j + 0.3),
        "noise.next": np.cos(1.9 * b + 0.8 * j),
        "log_ent_coef": np.zeros(1),
    })
    return tensors


# random inputs


def random_layers(rng, sizes):
    layers = []
    for rows, columns in zip(sizes, sizes[1:]):
        bound = np.sqrt(3.0 / rows)
        layers.append((rng.uniform(-bound, bound, (columns, rows)),
                       rng.uniform(-0.3, 0.3, columns)))
    return layers


def random_networks(rng, obs, act, policy, critic, options):
    v1 = options["algorithm.name"] == "sac_v1"
    trunk = random_layers(rng, [obs, *policy])
    tensors = stacked(rng, "actor.latent_pi", trunk, len(policy), options["policy.layer_norm"], 0)
    form = len(critic), options["critic.layer_norm"], options["critic.dropout"]
    for head, lift in (("mu", 0.0), ("log_std", -0.7)):
        (weight, bias), = random_layers(rng, [policy[-1], act])
        tensors.update({f"actor.{head}.weight": 0.5 * weight, f"actor.{head}.bias": bias + lift})
    for i in range(int(options.get("algorithm.n_critics", 2))):
        for stack in ("critic",) if v1 else ("critic", "critic_target"):
            layers = random_layers(rng, [obs + act, *critic, 1])
            tensors.update(stacked(rng, f"{stack}.qf{i}", layers, *form))
    if v1:
        for stack in ("value", "value_target"):
            tensors.update(stacked(rng, stack, random_layers(rng, [obs, *critic, 1]), *form))
    if str(options["algorithm.ent_coef"]).startswith("auto"):
        tensors["log_ent_coef"] = rng.uniform(-2, 0.5, 1)
    return tensors


def add_moments(rng, tensors):
    """Adam in the midst of a run: moments as of gradients with mean 0.01 and spread 0.1."""
    groups = {name.split(".")[0] for name in tensors if "target" not in name} - {"log_ent_coef"}
    trained = [name for name in tensors if name.split(".")[0] in groups or name == "log_ent_coef"]
    for name in trained:
        shape = tensors[name].shape
        tensors["optimizer.exp_avg." + name] = rng.normal(0.01, 0.05, shape)
        tensors["optimizer.exp_avg_sq." + name] = rng.uniform(0.005, 0.02, shape)
    for group in sorted(groups | ({"ent_coef"} if "log_ent_coef" in tensors else set())):
        tensors["optimizer.step." + group] = np.array([int(rng.integers(1, 3000))])


def random_rows(rng, rows, obs, act, options):
    given = {}
    if options["algorithm.n_steps"] > 1:
        given["batch.discount"] = 0.95 ** rng.integers(1, options["algorithm.n_steps"] + 1, rows)
    if options["algorithm.priority.enabled"]:
        given["batch.weight"] = rng.uniform(0.1, 1, rows)
    return {
        **given,
        "batch.obs": rng.normal(size=(rows, obs)),
        "batch.action": rng.uniform(-1, 1, (rows, act)),
        "batch.reward": rng.normal(size=rows),
        "batch.terminated": (rng.random(rows) < 0.2) * 1.0,
        "batch.next_obs": rng.normal(size=(rows, obs)),
        "noise.now": rng.normal(size=(rows, act)),
        "noise.next": rng.normal(size=(rows, act)),
    }


def redraw(rng, tensors, options):
    """Replace rows that rounding may decide; False where some remain after many draws."""
    for _ in range(50):
        rows = np.flatnonzero(Update(tensors, options).near)
        if not len(rows):
            return True
        fresh = random_rows(rng, len(rows), tensors["batch.obs"].shape[1],
                            tensors["batch.action"].shape[1], options)
        for name, array in as_float32(fresh).items():
            tensors[name][rows] = array
    return False


def draw(rng, title, overrides, shape, moments, poison=False):
    obs, act, rows, policy, critic = shape
    options, good = golden_options.resolve(None, overrides), False
    while not good:  # a network may be dead: then no batch helps
        tensors = random_networks(rng, obs, act, policy, critic, options)
        if moments:
            add_moments(rng, tensors)
        tensors = as_float32({**tensors, **random_rows(rng, rows, obs, act, options)})
        good = redraw(rng, tensors, options)
    if poison:  # the state after a termination must not be read
        tensors["batch.next_obs"][tensors["batch.terminated"] == 1] = np.nan
        title += " NaN after terminations"
    sizes = [f"policy.hidden={policy}".replace(" ", ""), f"critic.hidden={critic}".replace(" ", ""),
             f"algorithm.batch_size={rows}"]
    return Case(f"{title} obs {obs} act {act} rows {rows} {' '.join(overrides + sizes)}",
                overrides + sizes, tensors)


def random_options(rng):
    pick = lambda *choices: choices[int(rng.integers(len(choices)))]
    v1 = bool(rng.random() < 0.5)
    critics = pick(1, 2, 2, 2, 3, 5)
    mode = pick("clamp", "clamp", "tanh", "softplus")
    options = {
        "algorithm.name": "sac_v1" if v1 else "sac",
        "algorithm.n_critics": critics,
        "algorithm.target_subset": pick(critics, max(1, critics - 1)),
        "algorithm.n_steps": pick(1, 1, 3),
        "algorithm.priority.enabled": pick("false", "false", "true"),
        "algorithm.max_grad_value": pick("null", "null", 0.01),
        "algorithm.actor_q": pick("min", "min", "first", "mean"),
        "algorithm.action_prior": pick("uniform", "normal"),
        "algorithm.critic_loss": pick("mse", "mse", "huber"),
        "algorithm.max_grad_norm": pick("null", "null", 0.1, 10),
        "algorithm.reward_scale": pick(1, 5, 0.1),
        "algorithm.gamma": pick(0.99, 0.9, 1, 0),
        "algorithm.tau": pick(0.005, 0.1, 1),
        "algorithm.ent_coef": pick(1.0, 0.1) if v1 else pick("auto", "auto", "auto_0.1", 0.2),
        "algorithm.alpha_loss": pick("log_alpha", "alpha"),
        "algorithm.update_order": pick("auto", "simultaneous", "sequential") if v1 else "auto",
        "algorithm.q_lr": pick(3e-4, 1e-3),
        "algorithm.adam.eps": pick(1e-8, 1e-5),
        "policy.activation": pick("relu", "relu", "tanh"),
        "critic.activation": pick("relu", "relu", "tanh"),
        "critic.layer_norm": pick("false", "true"),
        "critic.dropout": pick("0.0", "0.0", 0.01, 0.4),
        "policy.layer_norm": pick("false", "false", "true"),
        "policy.squash": pick("true", "true", "true", "false"),
        "policy.squash_correction": pick("exact", "exact", "eps"),
        "policy.log_std.mode": mode,
        "policy.log_std.min": -5 if mode == "tanh" else pick(-20, -1),
    }
    return [f"{key}={value}" for key, value in options.items()]


def many_cases(count, seed, small=False):
    """Random shapes and options; the sizes that are easy to get wrong come often."""
    rng = np.random.default_rng(seed)
    widths = [1, 3, 5] if small else [1, 3, 17, 64, 257]
    for number in range(count):
        layers = lambda: [int(w) for w in rng.choice(widths, int(rng.integers(1, 6)))]
        rows = int(rng.choice([1, 2, 7] if small else [1, 2, 3, 17, 64, 256, 257, 1024]))
        obs, act = (int(n) for n in rng.choice([1, 3, 17] if not small else [1, 2, 3], 2))
        policy, critic, options = layers(), layers(), random_options(rng)
        # few units are often alike: normalised, they are little but rounding, or nothing at all
        if "policy.layer_norm=true" in options and not small:
            policy = [max(width, 17) for width in policy]
        if "critic.layer_norm=true" in options and not small:
            critic = [max(width, 17) for width in critic]
        yield draw(rng, f"case {number}", options, (obs, act, rows, policy, critic),
                   moments=bool(rng.random() < 0.6),
                   poison=not small and bool(rng.random() < 0.3))


def difference_error(case, h=1e-6):
    """Largest difference between a gradient and the central difference of its loss, relative to the
    tensor's largest element. Targets and the critics that the policy climbs are held."""
    options = golden_options.resolve(None, case.overrides)
    held = {name: case.tensors[name].astype(float) for name in case.tensors}
    base, worst = Update(held, options).out, 0.0
    losses = {"actor": "loss.policy", "value": "loss.v", "log_ent_coef": "loss.ent_coef"}
    for name in [name[5:] for name in base if name.startswith("grad.")]:
        key = losses.get(name.split(".")[0], "loss.q")
        numeric = np.zeros_like(held[name])
        for index in np.ndindex(numeric.shape):
            ends = []
            for sign in (1, -1):
                moved = held[name].copy()
                moved[index] += sign * h
                ends.append(np.sum(loss_at({**held, name: moved}, options, base, key)))
            numeric[index] = (ends[0] - ends[1]) / (2 * h)
        size = max(np.abs(numeric).max(), 1e-3 * (1 + np.max(np.abs(base[key]))))
        worst = max(worst, float(np.abs(numeric - base["grad." + name]).max() / size))
    return worst


def loss_at(tensors, options, base, key):
    """A loss with one tensor moved; what the loss takes as given stays as in the base update."""
    steps = {name: array for name, array in base.items()
             if name.startswith(("grad.", "after.critic", "after.value"))}
    return FixedTargets(tensors, options, steps, base).out[key]


class FixedTargets(Update):
    """An update whose regression targets are those of another one."""

    def __init__(self, tensors, options, steps, base):
        self.base = base
        super().__init__(tensors, options, steps)

    def backed_up(self, next_value, size):
        super().backed_up(next_value, size)
        return self.base["target.y"]


# fixture files


def yaml_of(overrides):
    """A configuration file with these settings."""
    sections = {"env": ["id: Pendulum-v1"]}
    for override in overrides:
        path, _, value = override.partition("=")
        parts = path.split(".")
        value = value.replace(",", ", ")
        inner = f"{parts[-1]}: {value}"
        if len(parts) == 3:
            same = [i for i, line in enumerate(sections.get(parts[0], []))
                    if line.startswith(parts[1] + ": {")]
            if same:
                sections[parts[0]][same[0]] = sections[parts[0]][same[0]][:-1] + f", {inner}" + "}"
                continue
            inner = f"{parts[1]}: {{{inner}}}"
        sections.setdefault(parts[0], []).append(inner)
    return "".join(f"{name}:\n" + "".join(f"  {line}\n" for line in lines)
                   for name, lines in sections.items())


def write_fixtures(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, overrides) in enumerate(FIXTURES.items()):
        if name in FIXTURE_SHAPES:
            case = draw(np.random.default_rng(number), name, overrides, FIXTURE_SHAPES[name], True)
        else:
            keep = "critic_target" if name == "v1" else "value"
            tensors = {k: v for k, v in textbook().items() if not k.startswith(keep)}
            sizes = ["policy.hidden=[4,4]", "critic.hidden=[4,4]", "algorithm.batch_size=5"]
            case = Case(name, overrides + sizes, as_float32(tensors))
            if name == "v1":
                del case.tensors["log_ent_coef"]
        head = f"# options of the golden update {name}; written by scripts/golden.py\n"
        (folder / f"{name}.yaml").write_text(head + yaml_of(case.overrides), encoding="utf-8")
        safetensors_io.write(folder / f"{name}.safetensors", case.tensors)
        update = Update(case.tensors, golden_options.resolve(None, case.overrides))
        out = {key: np.atleast_1d(np.asarray(array, np.float64))
               for key, array in update.out.items()}
        safetensors_io.write(folder / f"{name}.expected.safetensors", out)
        describe(name, update)


def describe(name, update):
    """Show how far the fixture is from what rounding could decide."""
    smallest = min(float(np.abs(g[g != 0]).min() / np.abs(g).max()) for key, g in update.out.items()
                   if key.startswith("grad.") and np.any(g))
    print(f"{name}: {int(update.near.sum())} rows near a branch, smallest gradient element "
          f"{smallest:.1e} of its tensor's largest")
