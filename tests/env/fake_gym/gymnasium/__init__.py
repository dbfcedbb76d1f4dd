"""As much of Gymnasium as src/env/gym_worker.py uses, with toy environments that misbehave."""
import os
import sys
import time

try:
    import numpy
except ImportError:
    sys.path.append(os.path.join(os.path.dirname(__file__), "..", "fake_numpy"))
    import numpy

from . import spaces, wrappers
from .core import Env, Wrapper


class NameNotFound(Exception):
    pass


class Spec:
    def __init__(self, limit):
        self.max_episode_steps = limit


class Toy(Env):
    """obs = (position, step, last action's sum); the start is a function of the seed."""

    def __init__(self, scale=1.0, flag=False, table=(), end=0, cut=0, wide=False, obs_shape=(3,)):
        if not isinstance(flag, bool):
            raise TypeError(f"flag is {flag!r}")
        self.scale, self.flag, self.table, self.end, self.cut = scale, flag, table, end, cut
        self.observation_space = spaces.Box(-9, 9, obs_shape, "float64" if wide else "float32")
        self.action_space = spaces.Box(-2, 2, (2,), "float32")

    def observe(self, total):
        obs = numpy.full((3,), self.count, self.observation_space.dtype)
        obs[0:3] = (self.position, self.count, total)
        return obs.reshape(self.observation_space.shape)

    def reset(self, *, seed=None, options=None):
        self.position, self.count = seed % 1000 / 8 + len(self.table) + self.flag, 0
        return self.observe(0), {}

    def step(self, action):
        self.count += 1
        self.position += self.scale * float(action[0])
        self.misbehave()
        reward = self.position - float(action[1])
        return (self.observe(float(action.sum())), reward, self.count == self.end,
                self.count == self.cut, {})

    def misbehave(self):
        pass


class Crash(Toy):
    """Ends its process at a step; with `once`, only the first to come there does."""

    def __init__(self, at=3, status=3, kill=False, once=False, **kwargs):
        super().__init__(**kwargs)
        self.at, self.status, self.kill, self.once = at, status, kill, once

    def misbehave(self):
        if self.count != self.at:
            return
        if self.once:
            try:  # of several processes one is the first
                os.close(os.open(os.environ["FAKE_GYM_MARKER"], os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
        print("the motor is on fire", file=sys.stderr, flush=True)
        if self.kill:
            os.kill(os.getpid(), 9)
        os._exit(self.status)


class Hang(Crash):
    def misbehave(self):
        if self.count == self.at:
            time.sleep(1000)


class Raise(Crash):
    def misbehave(self):
        if self.count == self.at:
            raise ValueError("no such joint\nand more")


class BadReset(Toy):
    def reset(self, *, seed=None, options=None):
        raise RuntimeError("no start")


class Strange(Toy):
    """Gives at step 2 something that is no observation or reward."""

    def __init__(self, what=0, **kwargs):
        super().__init__(**kwargs)
        self.what = what

    def step(self, action):
        obs, reward, *rest = super().step(action)
        if self.count == 2:
            if self.what == 0:
                obs = obs * float("nan")
            elif self.what == 1:
                obs = obs[:2]
            elif self.what == 2:
                reward = "much"
            elif self.what == 3:
                obs = ["a", "b", "c"]
            elif self.what == 4:
                reward = float("inf")
            else:
                return obs, reward, False
        return (obs, reward, *rest)


class Discrete(Toy):
    def __init__(self, obs=False):
        super().__init__()
        if obs:
            self.observation_space = spaces.Discrete(4)
        else:
            self.action_space = spaces.Discrete(4)


class Chatty(Toy):
    """Prints a lot, also to what its parent prints JSON to."""

    def misbehave(self):
        print("x" * 5000)


REGISTRY = {"Toy-v0": (Toy, 7), "Endless-v0": (Toy, None), "Crash-v0": (Crash, None),
            "Hang-v0": (Hang, None), "Raise-v0": (Raise, None), "BadReset-v0": (BadReset, None),
            "Strange-v0": (Strange, None), "Discrete-v0": (Discrete, None),
            "Chatty-v0": (Chatty, None)}


def register(name, maker, limit):
    REGISTRY[name] = maker, limit


def make(name, disable_env_checker=None, **kwargs):
    if name not in REGISTRY:
        raise NameNotFound(f"Environment `{name}` doesn't exist.\n  Have a look around.")
    maker, limit = REGISTRY[name]
    env = maker(**kwargs)
    env.spec = Spec(limit)
    return Wrapper(wrappers.TimeLimit(Wrapper(env), limit)) if limit else Wrapper(env)
