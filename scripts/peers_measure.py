#!/usr/bin/env python3
"""One measurement of Stable-Baselines3's or SBX's SAC; prints one JSON line.

  peers_measure.py update sb3|sbx THREADS GRADIENT_STEPS   updates/s at observation 17, action 6,
                                                           256x256, batch 256, sampling included
  peers_measure.py rate   sb3|sbx THREADS SEED STEPS       HalfCheetah-v5 steps/s from step 700 on,
                                                           learning starts at 500
  peers_measure.py solve  sb3|sbx THREADS SEED             seconds until the last ten episodes of
                                                           Pendulum-v1 average above -200"""
import json
import statistics
import sys
import time

from peers_common import limit_threads, make_model

OBS, ACT, BATCH = 17, 6, 256


def still_env():
    """An environment of the measured sizes that does nothing."""
    import gymnasium
    import numpy as np

    class Still(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBS,), np.float32)
        action_space = gymnasium.spaces.Box(-1, 1, (ACT,), np.float32)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.zeros(OBS, np.float32), {}

        def step(self, action):
            return np.zeros(OBS, np.float32), 0.0, False, False, {}

    return Still()


def fill_replay(buffer):
    """A full buffer of normal numbers."""
    import numpy as np
    rng = np.random.default_rng(0)
    for array in (buffer.observations, buffer.next_observations, buffer.rewards):
        array[...] = rng.standard_normal(array.shape)
    buffer.actions[...] = rng.uniform(-1, 1, buffer.actions.shape)
    buffer.dones[...] = 0
    buffer.full = True


def update(program, steps):
    from stable_baselines3.common.logger import Logger
    model = make_model(program, still_env(), buffer_size=100_000, seed=0)
    model.set_logger(Logger(None, []))
    fill_replay(model.replay_buffer)

    def seconds(calls):
        begin = time.perf_counter()
        for _ in range(calls):
            model.train(steps, BATCH)
        return time.perf_counter() - begin

    seconds(3)
    calls = max(2, int(1.5 / (seconds(2) / 2)))
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


def rate(program, seed, steps):
    model = make_model(program, "HalfCheetah-v5", seed=seed, learning_starts=500)
    watch = stopwatch(700, 700 + steps)
    model.learn(10**7, callback=watch)
    return {"steps_per_s": watch.rate()}


def solve(program, seed):
    model = make_model(program, "Pendulum-v1", seed=seed, learning_rate=1e-3)
    watch = stopwatch(500, 20_000, -200.0)
    model.learn(10**7, callback=watch)
    if watch.solved is None:
        return {"solved_s": None, "solved_steps": None}
    return {"solved_s": watch.at[watch.solved] - watch.begin, "solved_steps": watch.solved}


def main():
    if len(sys.argv) < 5:
        raise SystemExit(__doc__)
    what, program, threads, *numbers = sys.argv[1:]
    limit_threads(int(threads))
    measure = {"update": update, "rate": rate, "solve": solve}[what]
    print(json.dumps(measure(program, *map(int, numbers))), flush=True)


if __name__ == "__main__":
    main()
