#!/usr/bin/env python3
"""Runs sac and its peers in turn, repeats, and writes medians with their spread as Markdown.

Called by bench_peers.sh. Every measurement is a process of its own, tied to as many cores as it has
threads; the contestants of a part take turns within every repetition."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
STEPS = 3000  # HalfCheetah-v5 steps timed, after the first 700
RLTOOLS_CPU_S = 4.57  # Pendulum, 10,000 steps, 64x64, batch 100, on a 3 GHz AVX2 core


def tied(threads, words):
    """The command on the last `threads` cores that we may use."""
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    return ["taskset", "-c", ",".join(map(str, cores)), *map(str, words)]


def last_json(command, folder=None):
    """Run; the last JSON line of its output with the CPU seconds and peak memory that it took."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        lines = [line for line in out if line.startswith("{")]
        if process.returncode or not lines:
            print(f"failed ({process.returncode}): {' '.join(command)}\n{err.read()[-800:]}",
                  file=sys.stderr)
            return {}
    return {**json.loads(lines[-1]), "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_mb": usage.ru_maxrss / 1024}


class Bench:
    def __init__(self, sac):
        self.sac, self.values = str(sac), {}

    def note(self, part, who, threads, result, keys):
        for key in keys:
            value = result.get(key)
            self.values.setdefault((part, who, threads, key), [])
            if value is not None:
                self.values[part, who, threads, key].append(float(value))
        shown = " ".join(f"{key}={result.get(key)}" for key in keys)
        print(f"{part} {who} threads={threads} {shown}", file=sys.stderr, flush=True)

    def ours(self, part, threads, keys, what, *options):
        command = [self.sac, "bench", what, *options, "run.device=cpu", f"run.threads={threads}",
                   "--json"]
        self.note(part, "sac", threads, last_json(tied(threads, command)), keys)

    def peer(self, part, name, threads, keys, what, program, *numbers):
        command = [sys.executable, HERE / "peers_measure.py", what, program, threads, *numbers]
        with tempfile.TemporaryDirectory() as folder:  # for the engine's log file
            self.note(part, name, threads, last_json(tied(threads, command), folder), keys)

    # parts

    def update(self, threads, _):
        keys = ["updates_per_s"]
        for program, calls in (("sb3", 1), ("sb3", 64), ("sbx", 1), ("sbx", 64)):
            name = program + (" 64 a call" if calls > 1 else "")
            self.peer("update", name, threads, keys, "update", program, calls)
        self.ours("update", threads, keys + ["gflops", "peak_gflops"], "update", "bench.obs=17",
                  "bench.act=6", "policy.hidden=[256,256]", "critic.hidden=[256,256]",
                  "algorithm.batch_size=256", "algorithm.name=sac")

    def small(self, threads, _):
        sizes = ["policy.hidden=[64,64]", "critic.hidden=[64,64]", "algorithm.batch_size=100"]
        self.ours("small", threads, ["updates_per_s", "gflops", "peak_gflops"], "update",
                  "bench.obs=3", "bench.act=1", *sizes)
        if threads == 1:
            self.ours("small", threads, ["cpu_s"], "train", "env.id=Pendulum-v1",
                      "bench.steps=10000", "algorithm.learning_starts=100", *sizes)

    def rate(self, threads, seed):
        keys = ["steps_per_s", "peak_mb"]
        for program in ("sb3", "sbx"):
            self.peer("rate", program, threads, keys, "rate", program, seed, STEPS)
        self.ours("rate", threads, [*keys, "first_step_s"], "train", "env.id=HalfCheetah-v5",
                  "algorithm.learning_starts=500", f"run.seed={seed}",
                  f"bench.steps={700 + STEPS}", "bench.from=700")

    def solve(self, threads, seed):
        if threads > 1:
            return
        keys = ["solved_s", "solved_steps"]
        for program in ("sb3", "sbx"):
            self.peer("solve", program, threads, keys, "solve", program, seed)
        rates = [f"algorithm.{name}_lr=1e-3" for name in ("policy", "q", "alpha")]
        self.ours("solve", threads, keys, "train", "env.id=Pendulum-v1", f"run.seed={seed}",
                  "algorithm.learning_starts=100", *rates, "bench.stop_return=-200",
                  "bench.steps=20000")

    # the table

    def median(self, *key):
        values = self.values.get(key)
        return statistics.median(values) if values else None

    def rows(self):
        for (part, who, threads, key), values in self.values.items():
            if not values:
                yield [part, who, threads, key, "failed", "", 0, ""]
                continue
            middle = statistics.median(values)
            ours = self.median(part, "sac", threads, key)
            rate = "per" in key  # of a rate more is better, of seconds and steps less
            ratio = "" if who == "sac" or not ours else ours / middle if rate else middle / ours
            spread = f"{min(values):.4g} .. {max(values):.4g}"
            yield [part, who, threads, key, f"{middle:.4g}", spread, len(values),
                   ratio and f"{ratio:.2f}"]


def shares(bench):
    """Sentences on what the figures of one program alone say."""
    for part in ("update", "small"):
        for threads in (1, 2):
            done = bench.median(part, "sac", threads, "gflops")
            peak = bench.median(part, "sac", threads, "peak_gflops")
            if done and peak:
                yield (f"{part}, {threads} thread(s): {done:.1f} of {peak:.1f} GFLOP/s measured "
                       f"peak, {100 * done / peak:.0f} %")
    one = bench.median("update", "sac", 1, "updates_per_s")
    two = bench.median("update", "sac", 2, "updates_per_s")
    if one and two:
        yield f"update: two threads are {two / one:.2f} times one"
    cpu_s = bench.median("small", "sac", 1, "cpu_s")
    if cpu_s:
        yield (f"Pendulum, 10,000 steps, 64x64, batch 100: {cpu_s:.2f} CPU-seconds, "
               f"{100 * cpu_s / RLTOOLS_CPU_S:.0f} % of the {RLTOOLS_CPU_S} that RLtools took on a "
               "3 GHz AVX2 core (another machine)")


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        lines = file.read().splitlines()
    first = {line.split(":")[0].strip(): line.split(":")[-1].strip() for line in reversed(lines)}
    name, flags = first.get("model name", "unknown processor"), first.get("flags", "")
    simd = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{name}, {simd}, {len(os.sched_getaffinity(0))} cores"


def report(bench, arguments):
    heads = ["part", "program", "threads", "quantity", "median", "spread", "runs", "sac is x times"]
    lines = [f"# sac beside its peers\n\n{machine()}; medians of {arguments.repeats}; "
             f"`scripts/bench_peers.sh --repeats {arguments.repeats}`\n",
             "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in bench.rows()]
    return "\n".join(lines + [""] + [f"- {text}" for text in shares(bench)]) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sac", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--parts", default="update,small,rate,solve")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    bench = Bench(arguments.sac.resolve())
    for seed in range(1, arguments.repeats + 1):
        for part in arguments.parts.split(","):
            for threads in map(int, arguments.threads.split(",")):
                getattr(bench, part)(threads, seed)
    text = report(bench, arguments)
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
