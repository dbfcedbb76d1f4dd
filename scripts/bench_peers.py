#!/usr/bin/env python3
"""Runs `sac bench ... --compare` at the sizes that README shows and writes one Markdown table.

Called by bench_peers.sh."""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

RLTOOLS_CPU_S = 4.57  # Pendulum, 10,000 steps, 64x64, batch 100, on a 3 GHz AVX2 core
LEAST_STEPS, STEPS = 700, 3700  # of HalfCheetah-v5, timed between the two
NARROW = ["policy.hidden=[64,64]", "critic.hidden=[64,64]"]
PENDULUM = ["bench.obs=3", "bench.act=1"]


class Bench:
    def __init__(self, sac, repeats):
        self.sac, self.repeats, self.rows = str(sac), repeats, []

    def lines(self, *words):
        command = [self.sac, "bench", *words, "--json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode:
            print(f"failed ({done.returncode}): {' '.join(command)}", file=sys.stderr)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def compare(self, part, threads, what, *options):
        for line in self.lines(what, *options, f"run.threads={threads}",
                               f"bench.runs={self.repeats}", f"bench.python={sys.executable}",
                               "--compare"):
            self.rows.append({**line, "part": part})
            print(json.dumps(self.rows[-1]), file=sys.stderr, flush=True)

    def update(self, threads):
        self.compare("update", threads, "update")

    def small(self, threads):
        self.compare("small", threads, "update", *NARROW, *PENDULUM, "algorithm.batch_size=100")

    def sizes(self, threads):
        for width in (64, 256):
            for batch in (100, 256, 1024, 4096):
                hidden = [f"{network}.hidden=[{width},{width}]" for network in ("policy", "critic")]
                self.compare(f"update {width}x{width}, batch {batch}", threads, "update", *hidden,
                             f"algorithm.batch_size={batch}")

    def rate(self, threads):
        self.compare("rate", threads, "train", "env.id=HalfCheetah-v5",
                     "algorithm.learning_starts=500", f"bench.from={LEAST_STEPS}",
                     f"bench.steps={STEPS}")

    def solve(self, threads):
        rates = [f"algorithm.{name}_lr=1e-3" for name in ("policy", "q", "alpha")]
        task = ["env.id=Pendulum-v1", "algorithm.learning_starts=100", "bench.stop_return=-200",
                "bench.steps=20000", *rates]
        if threads == 1:
            self.compare("solve", threads, "train", *task)

    def rollout(self, threads):
        for env in ("HalfCheetah-v5", "Humanoid-v5"):
            self.compare(f"rollout {env}", threads, "rollout", f"env.id={env}", "env.n_envs=32")

    def table(self):
        yield "| part | threads | quantity | program | median | spread | sac is x times | MB |"
        yield "|---|---|---|---|---|---|---|---|"
        for row in self.rows:
            own = row["program"] == "sac"
            cells = [row["part"], row["threads"], row["quantity"], row["program"],
                     f"{row['median']:.4g}", f"{row['low']:.4g} .. {row['high']:.4g}",
                     "" if own else f"{row['sac_is_times']:.2f}", f"{row['peak_mb']:.0f}"]
            yield "| " + " | ".join(map(str, cells)) + " |"

    def own(self, key, *words):
        """Medians of ours alone, by key."""
        found = [line for _ in range(self.repeats) for line in self.lines(*words)]
        return [statistics.median(line[name] for line in found) for name in key]

    def shares(self):
        """Sentences on what the figures of one program alone say."""
        small = [*NARROW, *PENDULUM, "algorithm.batch_size=100"]
        rates = {}
        for name, options in (("256x256, batch 256", []), ("64x64, batch 100", small)):
            for threads in (1, 2):
                rate, done, peak = self.own(("updates_per_s", "gflops", "peak_gflops"), "update",
                                            *options, f"run.threads={threads}")
                rates[name, threads] = rate
                yield (f"{name}, {threads} thread(s): {done:.1f} of {peak:.1f} GFLOP/s measured "
                       f"peak, {100 * done / peak:.0f} %")
        two, one = rates["256x256, batch 256", 2], rates["256x256, batch 256", 1]
        yield f"256x256, batch 256: two threads are {two / one:.2f} times one"
        cpu_s, = self.own(("cpu_s",), "train", "env.id=Pendulum-v1", "bench.steps=10000", *NARROW,
                          "algorithm.batch_size=100", "algorithm.learning_starts=100",
                          "run.threads=1")
        yield (f"Pendulum, 10,000 steps, 64x64, batch 100: {cpu_s:.2f} CPU seconds, "
               f"{100 * cpu_s / RLTOOLS_CPU_S:.0f} % of the {RLTOOLS_CPU_S} that RLtools took on a "
               "3 GHz AVX2 core (another machine)")


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        lines = file.read().splitlines()
    first = {line.split(":")[0].strip(): line.split(":")[-1].strip() for line in reversed(lines)}
    name, flags = first.get("model name", "unknown processor"), first.get("flags", "")
    simd = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{name}, {simd}, {len(os.sched_getaffinity(0))} cores"


def main():
    parts = ("update", "small", "sizes", "rate", "solve", "rollout", "shares")
    parser = argparse.ArgumentParser()
    parser.add_argument("--sac", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--parts", default="update,small,rate,solve,shares",
                        help="of " + ",".join(parts))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    wanted = arguments.parts.split(",")
    for part in wanted:
        if part not in parts:
            parser.error(f"--parts: '{part}' is none of {', '.join(parts)}")
    bench = Bench(arguments.sac.resolve(), arguments.repeats)
    for part in wanted:
        for threads in map(int, arguments.threads.split(",")) if part != "shares" else ():
            getattr(bench, part)(threads)
    text = [f"# sac beside its peers\n\n{machine()}; medians of {arguments.repeats}; "
            f"`scripts/bench_peers.sh --repeats {arguments.repeats} --parts {arguments.parts}`\n",
            *bench.table(), ""]
    text += [f"- {line}" for line in bench.shares()] if "shares" in wanted else []
    print("\n".join(text))
    if arguments.out:
        arguments.out.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
