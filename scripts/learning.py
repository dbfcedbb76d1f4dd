#!/usr/bin/env python3
"""Judges that sac learns: trains real tasks and compares with stated bars and reference curves.

  learning.py SAC [pendulum] [lqr] [hierarchy] [multigoal] [multigoal_sql]
              [pendulum_pg] [lqr_pg] [inverted_pendulum_pg] [small_bodies] [half_cheetah]
              [hopper] [ant_maze]
              [--jobs N] [--out DIR] [key=value ...]

pendulum       10,000 steps, 5 seeds, sac and sac_v1: 100 deterministic evaluation episodes each,
               mean at least -165
lqr            gain within 5 % and standard deviation within 10 % of the closed form, 3 seeds
hierarchy      the same for a stack of two layers, 3 seeds
multigoal      a mixture and a flow: all four goals reached in 100 rollouts, by 10 of them at
               least, 3 seeds each
multigoal_sql  soft Q-learning, 3 seeds, beside soft value iteration: each of the four goals reached
               by 15 to 35 % of 100 episodes, return within 10 % of the soft optimum's -192, values
               within 1 on a 5 x 5 grid
pendulum_pg    the policy gradient, 1.2 million steps, 3 seeds, evaluated as pendulum: mean at least
               -165
lqr_pg         the policy gradient in its reinforce form, judged as lqr
inverted_pendulum_pg  the policy gradient, 3 seeds x 100 episodes: 1000, which no episode exceeds
small_bodies   the shipped configurations of InvertedPendulum-v5, InvertedDoublePendulum-v5,
               Reacher-v5 and Swimmer-v5, 3 seeds x 100 episodes: means at least 950 and 9100, at
               which Gymnasium calls the first two solved, -6 and 150
half_cheetah,  50,000 steps, 3 seeds, settings of the reference: the mean of the evaluations at 5k,
hopper         10k .. 50k not below the reference's (results/reference) by more than two standard
               errors of the difference
ant_maze       a layer that learned to run in 3 million steps, and on it one that learned the cross
               maze in 1 million: reaches the goal in at least a quarter of 100 episodes, ten times
               as often as a Gaussian policy that had these 1 million alone

Runs go to DIR (default runs/learning) and are reused when they are complete. Prints a Markdown
table; the last line is `N passed, N failed`, the exit code says the same."""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import golden_options
import latent_policy
import multigoal
import safetensors_io
from golden_update import Sample, actor_of

HERE = Path(__file__).resolve().parent
CONFIGS = HERE.parent / "configs"
PENDULUM_BAR = -165.0
GAIN, DEVIATION = 0.812188907201, 0.331295620  # max-ent LQR, A .9, B .5, Q 1, R .5, W .01
OPTIMUM = -192.0  # return of Multigoal-v0's soft optimum at reward scale 0.1 and temperature 1
GRID = np.linspace(-5, 5, 5)

# Stable-Baselines3's and SBX's defaults
REFERENCE = ["algorithm.name=sac", "algorithm.total_timesteps=50000",
             "algorithm.learning_starts=1000", "algorithm.batch_size=256",
             "algorithm.buffer_size=1000000", "algorithm.gamma=0.99", "algorithm.tau=0.005",
             "algorithm.policy_lr=3e-4", "algorithm.q_lr=3e-4", "algorithm.alpha_lr=3e-4",
             "algorithm.ent_coef=auto", "algorithm.target_entropy=auto", "env.n_envs=1",
             "algorithm.train_freq=1", "algorithm.gradient_steps=1", "policy.hidden=[256,256]",
             "critic.hidden=[256,256]", "policy.activation=relu", "critic.activation=relu",
             "eval.every=5000", "eval.episodes=5", "eval.seed=10000", "checkpoint.every=50000"]


class Failed(Exception):
    """A command of the program went wrong."""


def call(sac, *words):
    """Run the program; its last JSON line."""
    command = [str(sac), *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Failed(f"exit {done.returncode}: {' '.join(command)}\n{done.stderr[-1000:]}")
    return json.loads(lines[-1])


def train(sac, folder, config, options):
    """Train into `folder` unless that was done before with these very options."""
    mark, words = folder.with_suffix(".options"), [str(config), *options]
    if mark.exists() and json.loads(mark.read_text()) == words:
        return folder
    if folder.exists():
        raise Failed(f"{folder} is left from another run: remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    call(sac, "train", *words, "--out", folder)
    mark.write_text(json.dumps(words))
    return folder


def train_all(arguments, jobs):
    """[(name, config, options)] -> run folders, several at a time."""
    def work(job):
        name, config, options = job
        options = [*options, "run.threads=1", *arguments.options]
        folder = train(arguments.sac, arguments.out / name, CONFIGS / config, options)
        print(f"trained {folder}", file=sys.stderr, flush=True)
        return folder

    with ThreadPoolExecutor(arguments.jobs) as pool:
        return list(pool.map(work, jobs))


class Table:
    def __init__(self):
        self.rows, self.passed, self.failed = [], 0, 0

    def row(self, task, each, value, bar, good):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        self.rows.append([task, " ".join(f"{x:.4g}" for x in each), value, bar,
                          "PASS" if good else "FAIL"])

    def print(self):
        print("| task | runs | result | bar | |\n|---|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")
        print(f"{self.passed} passed, {self.failed} failed")


# Pendulum


def pendulum(arguments, table):
    for name, config in (("sac", "pendulum.yaml"), ("sac_v1", "pendulum_v1.yaml")):
        jobs = [(f"pendulum-{name}-seed{seed}", config,
                 [f"algorithm.name={name}", "algorithm.total_timesteps=10000", f"run.seed={seed}"])
                for seed in range(1, 6)]
        folders = train_all(arguments, jobs)
        means = [call(arguments.sac, "eval", folder, "--episodes", 100,
                      "--seed", 20000)["return_mean"] for folder in folders]
        mean, spread = statistics.mean(means), statistics.stdev(means)
        table.row(f"Pendulum-v1 {name}, 10k steps, 5 seeds x 100 episodes", means,
                  f"{mean:.1f} ± {spread:.1f}", f">= {PENDULUM_BAR:g}", mean >= PENDULUM_BAR)


# linear-quadratic task


def gain_and_deviation(folder, options):
    """Least-squares gain of the mean action, and the mean deviation, over states in [-1, 1].

    With squash the canonical action spans six deviations of the closed form's policy; the deviation
    is then that of the squashed action, from 51 quantiles of the noise."""
    newest = sorted((folder / "checkpoints").glob("step-*.safetensors"))[-1]
    tensors = {name: np.asarray(array, np.float64)
               for name, array in safetensors_io.read(newest)[0].items()}
    half = 6 * DEVIATION if options["policy.squash"] else 1.0
    states = np.linspace(-1, 1, 41)
    quantiles = [statistics.NormalDist().inv_cdf((i + 0.5) / 51) for i in range(51)]
    unit = np.std(quantiles)
    obs = np.repeat(states, 51)[:, None]
    noise = np.tile(np.array(quantiles) / unit, 41)[:, None]
    sample = Sample(actor_of(tensors, options), obs, noise, options)
    actions = half * sample.action.reshape(41, 51)
    slope = np.polyfit(states, actions.mean(1), 1)[0]
    return -slope, float(actions.std(1).mean())


def judge_pairs(table, task, pairs):
    for what, values, exact, share in (("gain", [p[0] for p in pairs], GAIN, 0.05),
                                       ("deviation", [p[1] for p in pairs], DEVIATION, 0.1)):
        errors = [abs(value / exact - 1) for value in values]
        table.row(f"{task}, {what}", values, f"off by {100 * max(errors):.1f} % at most",
                  f"{exact:.4f} ± {100 * share:g} %", max(errors) <= share)


def lqr(arguments, table, names=("sac", "sac_v1"), config="lqr.yaml"):
    for name in names:
        extra = [f"algorithm.name={name}"]
        options = golden_options.resolve(CONFIGS / config, extra + arguments.options)
        jobs = [(f"lqr-{name}-seed{seed}", config, [*extra, f"run.seed={seed}"])
                for seed in range(1, 4)]
        pairs = [gain_and_deviation(folder, options) for folder in train_all(arguments, jobs)]
        judge_pairs(table, f"LinearQuadratic-v0 {name}", pairs)


# latent policies


def hierarchy(arguments, table):
    lower, = train_all(arguments, [("lqr-lower", "lqr_hierarchy_lower.yaml", [])])
    jobs = [(f"lqr-stack-seed{seed}", "lqr_hierarchy.yaml",
             [f"run.seed={seed}", f"hierarchy.lower={lower}"]) for seed in range(1, 4)]
    pairs = [latent_policy.gain_and_deviation(latent_policy.Stack(latent_policy.newest(folder)),
                                              np.random.default_rng(1))
             for folder in train_all(arguments, jobs)]
    judge_pairs(table, "LinearQuadratic-v0, two layers", pairs)


def mixture_and_flow(arguments, table):
    for kind in ("gmm", "lsp"):
        jobs = [(f"multigoal-{kind}-seed{seed}", f"multigoal_{kind}.yaml", [f"run.seed={seed}"])
                for seed in range(1, 4)]
        for folder in train_all(arguments, jobs):
            stack = latent_policy.Stack(latent_policy.newest(folder))
            counts = latent_policy.multigoal(stack, np.random.default_rng(1))
            table.row(f"Multigoal-v0 {kind}, goals of 100 rollouts", counts,
                      f"{sum(count >= 10 for count in counts)} of 4", "4 of 4", min(counts) >= 10)


# the policy gradient


def evaluate(arguments, jobs):
    """Mean return of 100 deterministic episodes of each run, once trained."""
    return [call(arguments.sac, "eval", folder, "--episodes", 100, "--seed", 20000)["return_mean"]
            for folder in train_all(arguments, jobs)]


def pendulum_pg(arguments, table):
    means = evaluate(arguments, [(f"pendulum-pg-seed{seed}", "pendulum_pg.yaml",
                                  [f"run.seed={seed}"]) for seed in range(1, 4)])
    mean, spread = statistics.mean(means), statistics.stdev(means)
    table.row("Pendulum-v1 maxent_pg, 1.2M steps, 3 seeds x 100 episodes", means,
              f"{mean:.1f} ± {spread:.1f}", f">= {PENDULUM_BAR:g}", mean >= PENDULUM_BAR)


def inverted_pendulum_pg(arguments, table):
    means = evaluate(arguments, [(f"inverted-pendulum-pg-seed{seed}", "inverted_pendulum_pg.yaml",
                                  [f"run.seed={seed}"]) for seed in range(1, 4)])
    table.row("InvertedPendulum-v5 maxent_pg, 3 seeds x 100 episodes", means,
              f"{min(means):.1f} at least", "1000", min(means) == 1000)


def small_bodies(arguments, table):
    for env, config, bar in (("InvertedPendulum-v5", "inverted_pendulum", 950),
                             ("InvertedDoublePendulum-v5", "inverted_double_pendulum", 9100),
                             ("Reacher-v5", "reacher", -6), ("Swimmer-v5", "swimmer", 150)):
        means = evaluate(arguments, [(f"{config}-seed{seed}", f"{config}.yaml",
                                      [f"run.seed={seed}"]) for seed in range(1, 4)])
        mean, spread = statistics.mean(means), statistics.stdev(means)
        table.row(f"{env}, 3 seeds x 100 episodes", means, f"{mean:.1f} ± {spread:.1f}",
                  f">= {bar:g}", mean >= bar)


# Multigoal


def four_goals(arguments, table):
    jobs = [(f"multigoal-sql-seed{seed}", "multigoal_sql.yaml", [f"run.seed={seed}"])
            for seed in range(1, 4)]
    folders = train_all(arguments, jobs)
    agents = [multigoal.Agent(folder) for folder in folders]
    exact = multigoal.Exact(agents[0].options, agents[0].alpha)
    shares = []
    for agent in agents:
        _, goal, _ = multigoal.rollout(agent, 100, 1)
        shares.append([float((goal == k).mean()) for k in range(4)])
    least, most = min(map(min, shares)), max(map(max, shares))
    table.row("Multigoal-v0 sql, share of each goal, 100 episodes", sum(shares, []),
              f"{100 * least:.0f} to {100 * most:.0f} %", "15 to 35 %",
              0.15 <= least and most <= 0.35)
    returns = [call(arguments.sac, "eval", folder, "--episodes", 100, "--seed", 20000,
                    "--stochastic")["return_mean"] for folder in folders]
    worst = max(abs(value / OPTIMUM - 1) for value in returns)
    table.row("Multigoal-v0 sql, return of 100 episodes", returns, f"off by {100 * worst:.1f} %",
              f"{OPTIMUM:g} ± 10 %", worst <= 0.1)
    errors = [float(np.abs(multigoal.value_errors(agent, exact, GRID)).max()) for agent in agents]
    table.row("Multigoal-v0 sql, largest error of the value on 5 x 5 states", errors,
              f"{max(errors):.2f}", "<= 1", max(errors) <= 1)


# a hierarchy of ants


def ant_maze(arguments, table):
    lower, = train_all(arguments, [("ant-direction", "ant_direction.yaml", [])])
    jobs = [("ant-maze-stack", "ant_cross_maze.yaml", [f"hierarchy.lower={lower}"]),
            ("ant-maze-flat", "ant_cross_maze.yaml",
             ["hierarchy.lower=null", "policy.type=gaussian"])]
    # 1000 for reaching the goal, nothing else
    stack, flat = [call(arguments.sac, "eval", folder, "--episodes", 100, "--seed", 20000,
                        "--stochastic")["return_mean"] / 1000
                   for folder in train_all(arguments, jobs)]
    table.row("AntCrossMaze-v0, share of 100 episodes that reach the goal, stack and flat",
              [stack, flat], f"{100 * stack:.0f} % and {100 * flat:.0f} %",
              ">= 25 %, >= 10 times", stack >= 0.25 and stack >= 10 * flat)


# learning curves


def evaluations(path, step_name, value_name):
    """[(step, mean return)] of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        return [(int(float(row[step_name])), float(row[value_name]))
                for row in csv.DictReader(file) if row[value_name].strip() not in ("", "nan")]


def curve_mean(points, path):
    """Mean over the evaluations at 5k, 10k .. 50k, which must all be there."""
    steps = [step // 5000 for step, _ in points]
    if steps != list(range(1, 11)):
        raise Failed(f"{path}: evaluations at {[step for step, _ in points]}, expected 5k .. 50k")
    return statistics.mean(value for _, value in points)


def curve(arguments, table, task, config):
    jobs = [(f"{config}-seed{seed}", f"{config}.yaml", [*REFERENCE, f"run.seed={seed}"])
            for seed in range(1, 4)]
    files = [folder / "metrics.csv" for folder in train_all(arguments, jobs)]
    ours = [curve_mean(evaluations(path, "timesteps", "eval_return_mean"), path) for path in files]
    known = sorted((HERE / "results" / "reference").glob(f"*-{task}-seed*.csv"))
    theirs = [curve_mean(evaluations(path, "step", "mean"), path) for path in known]
    error = sum(statistics.variance(means) / len(means) for means in (ours, theirs)) ** 0.5
    difference = statistics.mean(ours) - statistics.mean(theirs)
    table.row(f"{task}, mean of evaluations to 50k, 3 seeds", ours,
              f"{statistics.mean(ours):.0f}, reference {statistics.mean(theirs):.0f}, "
              f"difference {difference:.0f} ± {error:.0f}", f">= {-2 * error:.0f}",
              difference >= -2 * error)


def main():
    tasks = {"pendulum": pendulum, "lqr": lqr,
             "hierarchy": hierarchy, "multigoal": mixture_and_flow,
             "multigoal_sql": four_goals,
             "pendulum_pg": pendulum_pg, "inverted_pendulum_pg": inverted_pendulum_pg,
             "small_bodies": small_bodies,
             "lqr_pg": lambda a, t: lqr(a, t, ["maxent_pg"], "lqr_pg.yaml"),
             "half_cheetah": lambda a, t: curve(a, t, "HalfCheetah-v5", "half_cheetah"),
             "hopper": lambda a, t: curve(a, t, "Hopper-v5", "hopper"),
             "ant_maze": ant_maze}
    parser = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    parser.add_argument("sac", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "learning")
    arguments = parser.parse_intermixed_args()
    arguments.sac = arguments.sac.resolve()
    arguments.options = [word for word in arguments.words if "=" in word]
    chosen = [word for word in arguments.words if "=" not in word] or list(tasks)
    unknown = [word for word in chosen if word not in tasks]
    if unknown:
        parser.error(f"{unknown[0]} is no task; there are {', '.join(tasks)}")
    table = Table()
    for name in chosen:
        try:
            tasks[name](arguments, table)
        except Failed as trouble:
            print(f"{name}: {trouble}", file=sys.stderr)
            table.row(name, [], "did not run", "", False)
    table.print()
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
