#!/usr/bin/env python3
"""Steps per second of Gymnasium environments in sac's worker processes and in gymnasium's own
AsyncVectorEnv, taken in turn.

Run it with a Python that has gymnasium (and the environment); the same one runs sac's workers.
Usage: bench_gym.py SAC [ID [ENVS [WORKERS [ROUNDS]]]]
ID defaults to HalfCheetah-v5, ENVS to 8, WORKERS to 2, ROUNDS to 5. Actions are uniform, episodes
restart by themselves. The last line is the ratio of the medians."""
import json
import statistics
import subprocess
import sys
import time

import gymnasium

MEASURE_S = 3


def bench_sac(program, env_id, envs, workers):
    done = subprocess.run([program, "bench", "rollout", f"env.id=gym:{env_id}",
                           f"env.n_envs={envs}", f"env.workers={workers}",
                           f"env.python={sys.executable}", "run.device=cpu", "--json"],
                          check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)["steps_per_s"]


def bench_async(vector, envs):
    actions = [vector.action_space.sample() for _ in range(64)]
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < MEASURE_S:
        for action in actions:
            vector.step(action)
        steps += len(actions) * envs
    return steps / (time.perf_counter() - begin)


def show(name, rates):
    print(f"{name}: {statistics.median(rates):.0f} steps/s "
          f"({min(rates):.0f} .. {max(rates):.0f}, {len(rates)} runs)")


def main():
    given = dict(enumerate(sys.argv))
    program, env_id = given[1], given.get(2, "HalfCheetah-v5")
    envs, workers, rounds = (int(given.get(i, n)) for i, n in ((3, 8), (4, 2), (5, 5)))
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(bench_sac(program, env_id, envs, workers))
        vector = gymnasium.make_vec(env_id, num_envs=envs, vectorization_mode="async")
        vector.reset(seed=1)
        theirs.append(bench_async(vector, envs))
        vector.close()
    show(f"sac, {workers} workers", ours)
    show("gymnasium, AsyncVectorEnv", theirs)
    print(f"sac is {statistics.median(ours) / statistics.median(theirs):.2f} x")


if __name__ == "__main__":
    main()
