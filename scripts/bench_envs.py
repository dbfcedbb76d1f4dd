#!/usr/bin/env python3
"""Environment steps a second beside EnvPool and one environment of Gymnasium, random actions.

  bench_envs.py SAC [ID [ROUNDS [THREADS]]]     default: HalfCheetah-v5, 3 rounds, 2 threads

Needs numpy; gymnasium[mujoco] and envpool where they are to be compared with (a package that is not
there is left out). EnvPool runs asynchronously, its best mode. The programs take turns; the last
lines are medians with the lowest and highest round."""
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

N_ENVS, SECONDS = 8, 3.0


def random_actions(space):
    import numpy as np
    rng = np.random.default_rng(0)
    return rng.uniform(space.low, space.high, (64, N_ENVS) + space.shape)


def rate(step, count):
    """Steps a second of `count` environments that `step(k)` advances, after a warm-up."""
    for seconds in (0.5, SECONDS):
        begin, k = time.perf_counter(), 0
        while time.perf_counter() < begin + seconds:
            step(k)
            k += 1
        found = k * count / (time.perf_counter() - begin)
    return found


def sac(program, env_id, threads):
    out = subprocess.run([program, "bench", "rollout", f"env.id={env_id}", f"env.n_envs={N_ENVS}",
                          f"run.threads={threads}", "run.device=cpu", "--json"],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out.splitlines()[-1])["steps_per_s"]


def one_gymnasium(_, env_id, __):
    import gymnasium
    import numpy as np
    warnings.simplefilter("ignore")
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    actions = random_actions(env.action_space)[:, 0].astype(np.float32)

    def step(k):
        _, _, terminated, truncated, _ = env.step(actions[k % 64])
        if terminated or truncated:
            env.reset()
    return rate(step, 1)


def envpool_async(_, env_id, threads):
    import envpool
    env = envpool.make(env_id, env_type="gym", num_envs=2 * N_ENVS, batch_size=N_ENVS,
                       num_threads=threads)
    actions = random_actions(env.action_space)
    env.async_reset()

    def step(k):
        env.send(actions[k % 64], env.recv()[-1]["env_id"])
    return rate(step, N_ENVS)


def main():
    program = sys.argv[1]
    env_id = sys.argv[2] if len(sys.argv) > 2 else "HalfCheetah-v5"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    threads = int(sys.argv[4]) if len(sys.argv) > 4 else 2
    found = {}
    measures = [sac]
    for measure, packages in ((one_gymnasium, ("gymnasium", "mujoco")),
                              (envpool_async, ("envpool",))):
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if missing:
            print(f"{measure.__name__} is left out: there is no {missing[0]}", file=sys.stderr)
        else:
            measures.append(measure)
    for _ in range(rounds):
        for measure in measures:
            found.setdefault(measure.__name__, []).append(measure(program, env_id, threads))
    ours = statistics.median(found["sac"])
    for name, rates in found.items():
        middle = statistics.median(rates)
        print(f"{env_id} {name}: {middle:,.0f} steps/s ({min(rates):,.0f} .. {max(rates):,.0f}), "
              f"sac is {ours / middle:.2f} times that")


if __name__ == "__main__":
    sys.argv[1] = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # Python's MuJoCo writes its warnings to a file where it runs
        main()
