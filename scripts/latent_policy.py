"""Policies of every kind, and stacks of them, in float64 numpy from the tensors of a checkpoint:
written from the papers alone (real NVP: arXiv 1605.08803; latent space policies: arXiv 1804.02808;
mixtures: the first version of arXiv 1801.01290), as the judge of what the program has learned."""
import json

import numpy as np

import safetensors_io


def affine(tensors, name, x):
    return x @ tensors[name + ".weight"].T + tensors[name + ".bias"]


class Options(dict):
    """policy.* keys from lines "policy.KEY=VALUE", lists and numbers read as such."""

    def __init__(self, lines):
        pairs = (line.split("=", 1) for line in lines.splitlines() if line.startswith("policy."))
        super().__init__({key: self.read(value) for key, value in pairs})

    @staticmethod
    def read(text):
        try:
            return json.loads(text)
        except ValueError:
            return text


class Policy:
    """One policy: `prefix` is where its tensors' names begin, `lines` what shapes it."""

    def __init__(self, tensors, prefix, lines):
        self.options = Options(lines)
        self.kind = self.options["policy.type"]
        start = prefix + "actor."
        self.tensors = {name[len(start):]: array for name, array in tensors.items()
                        if name.startswith(start)}
        self.obs_dim = self.tensors["latent_pi.0.weight"].shape[1]

    def activate(self, x):
        return np.tanh(x) if self.options["policy.activation"] == "tanh" else np.maximum(x, 0)

    def trunk(self, obs):
        x = obs[:, :self.obs_dim]
        for index in range(0, 2 * len(self.tensors), 2):
            if f"latent_pi.{index}.weight" not in self.tensors:
                break
            x = self.activate(affine(self.tensors, f"latent_pi.{index}", x))
        return x

    def log_std(self, raw):
        low, high = (float(self.options["policy.log_std." + end]) for end in ("min", "max"))
        mode = self.options["policy.log_std.mode"]
        if mode == "clamp":
            return np.clip(raw, low, high)
        if mode == "tanh":
            return low + 0.5 * (high - low) * (np.tanh(raw) + 1)
        return np.log(np.log1p(np.exp(raw)) + 1e-5)

    def flow(self, obs, x):
        x, first = x.copy(), x.shape[1] // 2
        condition = self.activate(affine(self.tensors, "condition", self.trunk(obs)))
        most = self.options["policy.flow.scale_max"]
        for layer in range(int(self.options["policy.flow.coupling_layers"])):
            name = f"flow.{layer}."
            if name + "hidden.weight" not in self.tensors:
                continue
            kept = slice(first, None) if layer % 2 == 0 else slice(0, first)
            changed = slice(0, first) if layer % 2 == 0 else slice(first, None)
            units = np.tanh(affine(self.tensors, name + "hidden",
                                   np.concatenate([x[:, kept], condition], 1)))
            scale, shift = (affine(self.tensors, name + part, half) for part, half in
                            zip(("scale", "shift"), np.split(units, 2, axis=1)))
            if isinstance(most, (int, float)):
                scale = most * np.tanh(scale / most)
            x[:, changed] = x[:, changed] * np.exp(scale) + shift
        return x

    def mixture(self, obs, random):
        trunk, rows = self.trunk(obs), np.arange(len(obs))
        weights = np.exp(affine(self.tensors, "logits", trunk))
        weights /= weights.sum(1, keepdims=True)
        which = (random.random((len(obs), 1)) > weights.cumsum(1)).sum(1)
        which = np.minimum(which, weights.shape[1] - 1)
        shape = (len(obs), weights.shape[1], -1)
        mean = affine(self.tensors, "mu", trunk).reshape(shape)[rows, which]
        raw = affine(self.tensors, "log_std", trunk).reshape(shape)[rows, which]
        return mean + np.exp(self.log_std(raw)) * random.normal(size=mean.shape)

    def act(self, obs, random, noise=None):
        """Actions; `noise` (rows, A) where the policy is to take it, else drawn."""
        if self.kind == "gmm":
            u = self.mixture(obs, random)
        elif self.kind == "realnvp":
            width = len(self.tensors["condition.bias"]) // 2
            u = self.flow(obs, random.normal(size=(len(obs), width)) if noise is None else noise)
        else:
            trunk = self.trunk(obs)
            mean = affine(self.tensors, "mu", trunk)
            noise = random.normal(size=mean.shape) if noise is None else noise
            u = mean + np.exp(self.log_std(affine(self.tensors, "log_std", trunk))) * noise
        return np.tanh(u) if self.options["policy.squash"] else u


class Stack:
    """The policy of a checkpoint over its lower layers."""

    def __init__(self, path):
        tensors, notes = safetensors_io.read(path)
        tensors = {name: np.asarray(array, np.float64) for name, array in tensors.items()
                   if "actor." in name and not name.startswith("optimizer.")}
        self.layers = [Policy(tensors, "", notes["fingerprint"])]
        while f"lower.{len(self.layers) - 1}.policy" in notes:
            i = len(self.layers) - 1
            self.layers.append(Policy(tensors, f"lower.{i}.", notes[f"lower.{i}.policy"]))

    def act(self, obs, random):
        action = self.layers[0].act(obs, random)
        for layer in self.layers[1:]:
            action = layer.act(obs, random, action)
        return action


def newest(folder):
    return sorted((folder / "checkpoints").glob("step-*.safetensors"))[-1]


def gain_and_deviation(stack, random, draws=4000):
    """Least-squares gain of the mean action of a one-dimensional stack, and its mean deviation,
    over states in [-1, 1]."""
    states = np.linspace(-1, 1, 41)
    actions = stack.act(np.repeat(states, draws)[:, None], random).reshape(41, draws)
    return -np.polyfit(states, actions.mean(1), 1)[0], float(actions.std(1).mean())


GOALS = np.array([[5, 0], [-5, 0], [0, 5], [0, -5]])


def multigoal(stack, random, episodes=100, limit=30):
    """How many of `episodes` rollouts of Multigoal-v0 end at each goal."""
    at = np.clip(0.1 * random.normal(size=(episodes, 2)), -7, 7)
    reached = np.full(episodes, -1)
    for _ in range(limit):
        moves = np.clip(stack.act(at, random), -1, 1)
        running = reached < 0
        at[running] = np.clip(at + moves, -7, 7)[running]
        distance = np.linalg.norm(at[:, None] - GOALS, axis=2)
        near = running & (distance.min(1) < 1)
        reached[near] = distance.argmin(1)[near]
    return [int((reached == goal).sum()) for goal in range(4)]
