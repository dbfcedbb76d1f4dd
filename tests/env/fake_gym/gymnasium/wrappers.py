"""The one wrapper that is looked for."""
from .core import Wrapper


class TimeLimit(Wrapper):
    def __init__(self, env, limit):
        super().__init__(env)
        self.limit = limit

    def reset(self, **kwargs):
        self.left = self.limit
        return super().reset(**kwargs)

    def step(self, action):
        self.left -= 1
        obs, reward, terminated, truncated, info = super().step(action)
        return obs, reward, terminated, truncated or self.left <= 0, info
