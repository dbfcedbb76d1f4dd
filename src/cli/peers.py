#!/usr/bin/env python3
"""One measurement of another SAC program, on the CPU; prints one JSON line.

  peers.py '{"what": "update", "program": "sb3", "threads": 1, ...}'

what     update   updates/s of SAC at obs, act, policy_hidden, critic_hidden, batch, sampling from a
                  full replay included; `calls` gradient steps in one call of theirs
         train    environment steps/s on env with one update each, from step `first` to `last`,
                  learning_starts random steps before
         solve    seconds until the last ten episodes of env average above stop_return
         rollout  steps/s of n_envs environments env under random actions
program  sb3 (Stable-Baselines3), sbx, torch (one class of plain PyTorch, in CleanRL's manner); for
         rollout gymnasium (one environment) or envpool (asynchronous, its best mode)"""
import json
import os
import resource
import statistics
import sys
import tempfile
import time
import warnings

SECONDS = 1.5  # of one sample of an update
REPLAY_ROWS = 100_000


def limit_threads(threads):
    """Before numpy, torch or jax are imported: let each use this many threads, on the CPU."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    warnings.filterwarnings("ignore")


def make_model(program, env, **options):
    """SAC of Stable-Baselines3 ("sb3") or SBX ("sbx") with its own defaults."""
    if program == "sb3":
        import torch
        from stable_baselines3 import SAC
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        options["device"] = "cpu"
    else:
        from sbx import SAC
    return SAC("MlpPolicy", env, **options)


def still_env(obs, act):
    """An environment of the measured sizes that does nothing."""
    import gymnasium
    import numpy as np

    class Still(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (obs,), np.float32)
        action_space = gymnasium.spaces.Box(-1, 1, (act,), np.float32)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.zeros(obs, np.float32), {}

        def step(self, action):
            return np.zeros(obs, np.float32), 0.0, False, False, {}

    return Still()


def fill(buffer):
    """A full buffer of normal numbers."""
    import numpy as np
    rng = np.random.default_rng(0)
    for array in (buffer.observations, buffer.next_observations, buffer.rewards):
        array[...] = rng.standard_normal(array.shape)
    buffer.actions[...] = rng.uniform(-1, 1, buffer.actions.shape)
    buffer.dones[...] = 0
    buffer.full = True


class TorchSac:
    """SAC in one class of plain PyTorch, as CleanRL's single file has it."""

    def __init__(self, obs, act, policy_hidden, critic_hidden, rows=REPLAY_ROWS, seed=0):
        import numpy as np
        import torch
        self.torch, self.act_dim = torch, act
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.actor = self._network(obs, policy_hidden, 2 * act)
        self.q = [self._network(obs + act, critic_hidden, 1) for _ in range(2)]
        self.target = [self._network(obs + act, critic_hidden, 1) for _ in range(2)]
        for network, target in zip(self.q, self.target):
            target.load_state_dict(network.state_dict())
        self.log_alpha = torch.zeros(1, requires_grad=True)
        adam = torch.optim.Adam
        self.q_adam = adam([p for network in self.q for p in network.parameters()], lr=3e-4)
        self.actor_adam = adam(self.actor.parameters(), lr=3e-4)
        self.alpha_adam = adam([self.log_alpha], lr=3e-4)
        self.rows = {"s": np.zeros((rows, obs), np.float32),
                     "a": np.zeros((rows, act), np.float32), "r": np.zeros(rows, np.float32),
                     "d": np.zeros(rows, np.float32), "s2": np.zeros((rows, obs), np.float32)}
        self.count = 0

    def _network(self, size, hidden, out):
        nn, layers = self.torch.nn, []
        for width in hidden:
            layers += [nn.Linear(size, width), nn.ReLU()]
            size = width
        return nn.Sequential(*layers, nn.Linear(size, out))

    def push(self, **row):
        for key, value in row.items():
            self.rows[key][self.count % len(self.rows["r"])] = value
        self.count += 1

    def fill(self):
        for key, array in self.rows.items():
            array[...] = self.rng.standard_normal(array.shape) if key != "d" else 0
        self.rows["a"] = self.torch.tanh(self.torch.as_tensor(self.rows["a"])).numpy()
        self.count = len(self.rows["r"])

    def sample(self, obs):
        torch = self.torch
        mean, log_std = self.actor(obs).chunk(2, 1)
        log_std = -5 + 3.5 * (torch.tanh(log_std) + 1)
        normal = torch.distributions.Normal(mean, log_std.exp())
        u = normal.rsample()
        action = torch.tanh(u)
        log_pi = normal.log_prob(u) - torch.log(1 - action.pow(2) + 1e-6)
        return action, log_pi.sum(1)

    def train(self, steps, batch):
        for _ in range(steps):
            self._update(batch)

    def _update(self, batch):
        torch = self.torch
        i = self.rng.integers(0, min(self.count, len(self.rows["r"])), batch)
        s, a, r, d, s2 = (torch.as_tensor(self.rows[key][i]) for key in ("s", "a", "r", "d", "s2"))
        alpha = self.log_alpha.exp().item()
        with torch.no_grad():
            a2, log_pi2 = self.sample(s2)
            x2 = torch.cat([s2, a2], 1)
            q2 = torch.min(*(target(x2).view(-1) for target in self.target))
            y = r + 0.99 * (1 - d) * (q2 - alpha * log_pi2)
        x = torch.cat([s, a], 1)
        q_loss = sum(torch.nn.functional.mse_loss(q(x).view(-1), y) for q in self.q)
        self._step(self.q_adam, q_loss)
        pi, log_pi = self.sample(s)
        x = torch.cat([s, pi], 1)
        q_pi = torch.min(*(q(x).view(-1) for q in self.q))
        self._step(self.actor_adam, (alpha * log_pi - q_pi).mean())
        self._step(self.alpha_adam,
                   (-self.log_alpha.exp() * (log_pi.detach() - self.act_dim)).mean())
        with torch.no_grad():
            for network, target in zip(self.q, self.target):
                for p, p_bar in zip(network.parameters(), target.parameters()):
                    p_bar.copy_(0.005 * p + 0.995 * p_bar)

    @staticmethod
    def _step(adam, loss):
        adam.zero_grad()
        loss.backward()
        adam.step()


def updater(wanted):
    """A function that makes a number of updates."""
    obs, act, batch = wanted["obs"], wanted["act"], wanted["batch"]
    if wanted["program"] == "torch":
        model = TorchSac(obs, act, wanted["policy_hidden"], wanted["critic_hidden"])
        model.fill()
        return lambda steps: model.train(steps, batch)
    from stable_baselines3.common.logger import Logger
    shape = {"net_arch": {"pi": wanted["policy_hidden"], "qf": wanted["critic_hidden"]}}
    model = make_model(wanted["program"], still_env(obs, act), buffer_size=REPLAY_ROWS, seed=0,
                       policy_kwargs=shape)
    model.set_logger(Logger(None, []))
    fill(model.replay_buffer)
    return lambda steps: model.train(steps, batch)


def update(wanted):
    train, steps = updater(wanted), wanted.get("calls", 1)

    def seconds(calls):
        begin = time.perf_counter()
        for _ in range(calls):
            train(steps)
        return time.perf_counter() - begin

    seconds(3)
    calls = max(2, int(SECONDS / (seconds(2) / 2)))
    return {"updates_per_s": statistics.median(calls * steps / seconds(calls) for _ in range(3))}


def stopwatch(first, last, stop_return=None):
    """A callback that notes the clock at two steps, or stops when ten episodes average enough."""
    from stable_baselines3.common.callbacks import BaseCallback

    class Stopwatch(BaseCallback):
        def _on_training_start(self):
            self.begin, self.at, self.solved = time.perf_counter(), {}, None

        def _on_step(self):
            self.at[self.num_timesteps] = time.perf_counter()
            recent = [episode["r"] for episode in self.model.ep_info_buffer][-10:]
            if stop_return is not None and len(recent) == 10 and sum(recent) / 10 > stop_return:
                self.solved = self.num_timesteps
            return self.num_timesteps < last and self.solved is None

        def rate(self):
            return (last - first) / (self.at[last] - self.at[first])

    return Stopwatch()


def train_torch(wanted):
    """CleanRL's loop around TorchSac."""
    import gymnasium
    import numpy as np
    env = gymnasium.make(wanted["env"])
    low, high = env.action_space.low, env.action_space.high
    model = TorchSac(env.observation_space.shape[0], low.shape[0], [256, 256], [256, 256])
    obs, _ = env.reset(seed=wanted.get("seed", 1))
    begin = 0.0
    for step in range(wanted["last"]):
        if step == wanted["first"]:
            begin = time.perf_counter()
        if step < wanted["learning_starts"]:
            action = model.rng.uniform(-1, 1, low.shape).astype(np.float32)
        else:
            with model.torch.no_grad():
                action = model.sample(model.torch.as_tensor(obs[None], dtype=model.torch.float32)
                                      )[0][0].numpy()
        next_obs, reward, terminated, truncated, _ = env.step(low + (action + 1) / 2 * (high - low))
        model.push(s=obs, a=action, r=reward, d=terminated, s2=next_obs)
        obs = env.reset()[0] if terminated or truncated else next_obs
        if step >= wanted["learning_starts"]:
            model.train(1, 256)
    return {"steps_per_s": (wanted["last"] - wanted["first"]) / (time.perf_counter() - begin)}


def train(wanted):
    if wanted["program"] == "torch":
        return train_torch(wanted)
    model = make_model(wanted["program"], wanted["env"], seed=wanted.get("seed", 1),
                       learning_starts=wanted["learning_starts"])
    watch = stopwatch(wanted["first"], wanted["last"])
    model.learn(10**9, callback=watch)
    return {"steps_per_s": watch.rate()}


def solve(wanted):
    model = make_model(wanted["program"], wanted["env"], seed=wanted.get("seed", 1),
                       learning_rate=1e-3)
    watch = stopwatch(500, 20_000, wanted["stop_return"])
    model.learn(10**7, callback=watch)
    if watch.solved is None:
        return {"solved_s": None, "solved_steps": None}
    return {"solved_s": watch.at[watch.solved] - watch.begin, "solved_steps": watch.solved}


def rate(step, count):
    """Steps a second of `count` environments that `step(k)` advances, after a warm-up."""
    for seconds in (0.5, 3.0):
        begin, k = time.perf_counter(), 0
        while time.perf_counter() < begin + seconds:
            step(k)
            k += 1
        found = k * count / (time.perf_counter() - begin)
    return {"steps_per_s": found}


def random_actions(space, n_envs):
    import numpy as np
    rng = np.random.default_rng(0)
    return rng.uniform(space.low, space.high, (64, n_envs) + space.shape)


def roll_gymnasium(wanted):
    import gymnasium
    import numpy as np
    env = gymnasium.make(wanted["env"])
    env.reset(seed=0)
    actions = random_actions(env.action_space, 1)[:, 0].astype(np.float32)

    def step(k):
        _, _, terminated, truncated, _ = env.step(actions[k % 64])
        if terminated or truncated:
            env.reset()
    return rate(step, 1)


def roll_envpool(wanted):
    import envpool
    n_envs = wanted["n_envs"]
    env = envpool.make(wanted["env"], env_type="gym", num_envs=2 * n_envs, batch_size=n_envs,
                       num_threads=wanted["threads"])
    actions = random_actions(env.action_space, n_envs)
    env.async_reset()

    def step(k):
        env.send(actions[k % 64], env.recv()[-1]["env_id"])
    return rate(step, n_envs)


def rollout(wanted):
    return {"gymnasium": roll_gymnasium, "envpool": roll_envpool}[wanted["program"]](wanted)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    wanted = json.loads(sys.argv[1])
    limit_threads(wanted["threads"])
    measure = {"update": update, "train": train, "solve": solve, "rollout": rollout}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # Python's MuJoCo writes its warnings to a file where it runs
        found = measure[wanted["what"]](wanted)
        os.chdir("/")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**found, "cpu_s": used.ru_utime + used.ru_stime,
                      "peak_mb": used.ru_maxrss / 1024}), flush=True)


if __name__ == "__main__":
    main()
