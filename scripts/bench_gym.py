#!/usr/bin/env python3
"""Steps per second of Gymnasium environments in sac's worker processes and in gymnasium's own
AsyncVectorEnv, then of training on one of them with and without `run.overlap: lag1`, each pair
taken in turn.

Run it with a Python that has gymnasium (and the environment); the same one runs sac's workers.
Usage: bench_gym.py SAC [ID [ENVS [WORKERS [ROUNDS]]]]
ID defaults to HalfCheetah-v5, ENVS to 8, WORKERS to 2, ROUNDS to 5. Actions are uniform, episodes
restart by themselves. Training has one environment, one worker and one thread, 64x64 networks,
batches of 100 and an update a step. Each pair ends with the ratio of its medians."""
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


def bench_training(program, env_id, overlap):
    done = subprocess.run([program, "bench", "train", f"env.id=gym:{env_id}", "env.workers=1",
                           f"env.python={sys.executable}", "run.device=cpu", "run.threads=1",
                           f"run.overlap={overlap}", "policy.hidden=[64, 64]",
                           "critic.hidden=[64, 64]", "algorithm.batch_size=100",
                           "algorithm.total_timesteps=20000", "--json"],
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


def show_ratio(name, rates, base):
    print(f"{name} is {statistics.median(rates) / statistics.median(base):.2f} x", flush=True)


def compare_stepping(program, env_id, envs, workers, rounds):
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(bench_sac(program, env_id, envs, workers))
        vector = gymnasium.make_vec(env_id, num_envs=envs, vectorization_mode="async")
        vector.reset(seed=1)
        theirs.append(bench_async(vector, envs))
        vector.close()
    show(f"sac, {workers} workers", ours)
    show("gymnasium, AsyncVectorEnv", theirs)
    show_ratio("sac", ours, theirs)


def compare_training(program, env_id, rounds):
    rates = {"none": [], "lag1": []}
    for _ in range(rounds):
        for overlap, own in rates.items():
            own.append(bench_training(program, env_id, overlap))
    for overlap, own in rates.items():
        show(f"training, overlap {overlap}", own)
    show_ratio("lag1", rates["lag1"], rates["none"])


def main():
    given = dict(enumerate(sys.argv))
    program, env_id = given[1], given.get(2, "HalfCheetah-v5")
    envs, workers, rounds = (int(given.get(i, n)) for i, n in ((3, 8), (4, 2), (5, 5)))
    compare_stepping(program, env_id, envs, workers, rounds)
    compare_training(program, env_id, rounds)


if __name__ == "__main__":
    main()
