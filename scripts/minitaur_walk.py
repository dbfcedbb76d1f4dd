#!/usr/bin/env python3
"""How fast and how safely Minitaur-v0 walks.

  minitaur_walk.py SAC trot                        ten seconds of an open-loop trot, ten starts
  minitaur_walk.py SAC RUN|CHECKPOINT [--episodes N] [--seed S] [--jobs J]
                                                   a policy of the robot task

Each episode of a policy is an own `sac eval` from start state S + i (S is 10000). Its reward is the
forward speed less costs, so that return over length is a lower bound of its mean forward speed; one
that ends before its time limit is a fall. The last line is a JSON object."""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import safetensors_io


def trot(steps, amplitude=0.5, drawn=0.3, rate=10.0):
    """Diagonal legs swing together and are drawn in on their way forward; actions every 0.01 s."""
    time = 0.01 * np.arange(steps)
    legs = np.array([1, -1, -1, 1])
    return np.hstack([amplitude * np.sin(rate * time)[:, None] * legs,
                      drawn * np.cos(rate * time)[:, None] * legs]).astype(np.float32)


def walk_trot(sac, seed, steps=1000):
    with tempfile.TemporaryDirectory() as folder:
        given, out = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
        safetensors_io.write(given, {"actions": trot(steps)})
        subprocess.run([sac, "trace", "env", "Minitaur-v0", "--in", given, "--out", out, "--seed",
                        str(seed), "env.kwargs={energy_weight: 0}"], check=True)
        found = safetensors_io.read(out)[0]
    # the reward is the way forward in m
    return {"speed": float(found["reward"].sum()) / (0.01 * steps),
            "fell": bool(found["terminated"].any())}


def walk(sac, run, seed, limit):
    done = subprocess.run([sac, "eval", run, "--episodes", "1", "--seed", str(seed), "--json"],
                          check=True, capture_output=True, text=True)
    line = json.loads(done.stdout.splitlines()[-1])
    return {"speed": line["return_mean"] / line["length_mean"],
            "fell": line["length_mean"] < limit}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sac")
    parser.add_argument("what", help="trot, or a run folder or checkpoint")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=10000)
    parser.add_argument("--limit", type=int, default=500, help="steps of a whole episode")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    with ThreadPoolExecutor(options.jobs) as pool:
        if options.what == "trot":
            episodes = list(pool.map(lambda seed: walk_trot(options.sac, seed), range(10)))
        else:
            seeds = range(options.seed, options.seed + options.episodes)
            episodes = list(pool.map(
                lambda seed: walk(options.sac, options.what, seed, options.limit), seeds))
    speeds = [episode["speed"] for episode in episodes]
    print(json.dumps({"episodes": len(speeds), "speed_mean": round(statistics.mean(speeds), 4),
                      "speed_low": round(min(speeds), 4), "speed_high": round(max(speeds), 4),
                      "falls": sum(episode["fell"] for episode in episodes)}))


if __name__ == "__main__":
    main()
