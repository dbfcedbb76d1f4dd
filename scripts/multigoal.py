"""Multigoal-v0 solved exactly, and what a trained soft Q-learning agent says of it: the reference
of learning.py's part and of the picture multigoal_density.py. numpy alone; environment, soft value
iteration and networks are written anew, from the papers' formulas."""
import numpy as np

import golden_options
import safetensors_io
from golden_update import Mlp

GOALS = np.array([[5, 0], [-5, 0], [0, 5], [0, -5]], float)
BOUND, HORIZON = 7.0, 30
COSTS = {"action_cost_coeff": 30.0, "distance_cost_coeff": 1.0, "goal_reward": 10.0}


def distances(at):
    """Squared distances (..., 4) to the goals."""
    return ((at[..., None, :] - GOALS) ** 2).sum(-1)


class Exact:
    """Soft values on a grid of spacing h: V = alpha log of the integral of exp(Q / alpha) da by the
    trapezoid rule, which is a separable convolution because the action costs add up."""

    def __init__(self, options, alpha, h=0.05, tolerance=1e-9):
        costs = {key: options.get(f"env.kwargs.{key}", value) for key, value in COSTS.items()}
        kappa, gamma = options["algorithm.reward_scale"] / alpha, options["algorithm.gamma"]
        self.h, self.alpha, self.m = h, alpha, round(1 / h)
        self.n = round(2 * BOUND / h) + 1
        self.x = np.linspace(-BOUND, BOUND, self.n)
        self.a = np.linspace(-1, 1, 2 * self.m + 1)
        weights = np.full(len(self.a), h)
        weights[[0, -1]] /= 2
        self.kernel = weights * np.exp(-kappa * costs["action_cost_coeff"] * self.a ** 2)
        at = np.stack(np.meshgrid(self.x, self.x, indexing="ij"), -1)
        square = distances(at).min(-1)
        self.ended = np.sqrt(square) < 1 - 1e-9
        arrive = kappa * (costs["goal_reward"] * self.ended
                          - costs["distance_cost_coeff"] * square)
        value = np.zeros((self.n, self.n))
        while True:
            total = arrive + gamma * np.where(self.ended, 0, value)
            most = total.max()
            self.worth = np.exp(total - most)
            self.mass = self.convolve(self.edge(self.worth))
            change = np.log(self.mass) + most - value
            value = value + change
            if np.abs(change).max() < tolerance:
                break
        self.value = alpha * value

    def edge(self, field):
        """The field continued past the walls, where steps end at them."""
        index = np.clip(np.arange(-self.m, self.n + self.m), 0, self.n - 1)
        return field[np.ix_(index, index)]

    def convolve(self, field):
        rows = sum(k * field[i:i + self.n] for i, k in enumerate(self.kernel))
        return sum(k * rows[:, i:i + self.n] for i, k in enumerate(self.kernel))

    def index(self, x):
        return np.round((np.asarray(x) + BOUND) / self.h).astype(int)

    def density(self, at):
        """pi(a|s) over the grid of actions."""
        i, j = (np.clip(np.arange(k - self.m, k + self.m + 1), 0, self.n - 1)
                for k in self.index(at))
        p = self.worth[np.ix_(i, j)] * np.outer(self.kernel, self.kernel)
        return p / p.sum() / self.h ** 2

    def occupancy(self, steps=HORIZON):
        """Density of the places of optimal episodes."""
        field = np.exp(-np.add.outer(self.x ** 2, self.x ** 2) / (2 * 0.1 ** 2))
        field /= field.sum()
        seen, m = np.zeros_like(field), self.m
        for _ in range(steps):
            seen += field
            spread = np.pad(np.where(self.ended, 0, field) / self.mass, m)
            rows = sum(k * spread[i:i + self.n] for i, k in enumerate(self.kernel))
            field = self.worth * sum(k * rows[:, i:i + self.n] for i, k in enumerate(self.kernel))
        return (seen + field) / (seen + field).sum() / self.h ** 2


class Agent:
    """The critics and the sampler of a checkpoint."""

    def __init__(self, folder):
        newest = sorted((folder / "checkpoints").glob("step-*.safetensors"))[-1]
        tensors = {name: np.asarray(array, np.float64)
                   for name, array in safetensors_io.read(newest)[0].items()}
        self.options = golden_options.resolve(folder / "config.yaml", [])
        self.alpha = float(np.exp(tensors["log_ent_coef"][0]))
        count = sum(name.startswith("critic.qf") and name.endswith(".0.weight")
                    for name in tensors)
        self.critics = [Mlp(tensors, f"critic.qf{i}.", [], self.options["critic.activation"])
                        for i in range(count)]
        self.sampler = Mlp(tensors, "actor.latent_pi.", ["actor.u"],
                           self.options["policy.activation"])

    def q(self, obs, action):
        rows = np.concatenate([obs, action], -1)
        return np.min([critic.forward(rows)[0][:, 0] for critic in self.critics], 0)

    def draw(self, obs, random):
        xi = random.standard_normal((len(obs), 2))
        return np.tanh(self.sampler.forward(np.concatenate([obs, xi], -1))[0])

    def density(self, at, actions):
        """exp((Q - V) / alpha) over a grid of actions, and V by the midpoint rule."""
        grid = np.stack(np.meshgrid(actions, actions, indexing="ij"), -1).reshape(-1, 2)
        q = self.q(np.repeat(np.asarray(at, float)[None], len(grid), 0), grid) / self.alpha
        cell = (actions[1] - actions[0]) ** 2
        value = np.log(np.exp(q - q.max()).sum() * cell) + q.max()
        return np.exp(q - value).reshape(len(actions), -1), self.alpha * value


def midpoints(count):
    return (np.arange(count) + 0.5) / count * 2 - 1


def rollout(agent, episodes, seed):
    """Returns, unscaled, goals (-1 for none) and all places of `episodes` of the sampler."""
    costs = {key: agent.options.get(f"env.kwargs.{key}", value) for key, value in COSTS.items()}
    random = np.random.default_rng(seed)
    at = np.clip(0.1 * random.standard_normal((episodes, 2)), -BOUND, BOUND)
    total, goal = np.zeros(episodes), np.full(episodes, -1)
    places = [at.copy()]
    for _ in range(HORIZON):
        running = np.flatnonzero(goal < 0)
        action = agent.draw(at[running], random)
        at[running] = np.clip(at[running] + action, -BOUND, BOUND)
        square = distances(at[running])
        arrived = square.min(-1) < 1
        total[running] += (-costs["action_cost_coeff"] * (action ** 2).sum(-1)
                           - costs["distance_cost_coeff"] * square.min(-1)
                           + costs["goal_reward"] * arrived)
        goal[running[arrived]] = square[arrived].argmin(-1)
        places.append(at[running].copy())
    return total, goal, np.concatenate(places)


def value_errors(agent, exact, places):
    """Learned minus exact value at every (x, y) of the square of `places`."""
    return np.array([[agent.density((x, y), midpoints(80))[1]
                      - exact.value[tuple(exact.index((x, y)))] for y in places] for x in places])
