#!/usr/bin/env python3
"""Tries to lose or corrupt checkpoints from outside the program.

  reliability.py kill SAC [COUNT]     SIGKILL at COUNT (200) random instants of a training that
                                      saves all the time: every visible checkpoint must verify,
                                      resume must go on from the newest one
  reliability.py seeds SAC [COUNT]    the same COUNT (60) times of three seeds in one process: all
                                      go on from the newest step that each has a checkpoint of, and
                                      end as if they had never been killed
  reliability.py damage SAC [FLIPS]   FLIPS (2000) random bit flips, and every truncation, of a
                                      checkpoint: `sac inspect` must exit 3 each time
  reliability.py faults SAC           ENOSPC and EIO at every write, fsync, rename and open of a
                                      save (strace): clear error, earlier checkpoint intact,
                                      exit 6 or going on as checkpoint.on_error says
  reliability.py all SAC

The last line is `N passed, N failed`; the exit code says the same."""
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OK, BAD_CHECKPOINT, DISK = 0, 3, 6
ERRORS = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}
CALLS = ("write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "renameat", "renameat2",
         "openat", "ftruncate")

# a training as small as they come, so that most of the time goes into saving
CONFIG = """\
env: {id: Pendulum-v1}
run: {seed: 3, threads: 1, device: cpu}
algorithm:
  total_timesteps: 100000000
  learning_starts: 50
  batch_size: 4
  buffer_size: 500
policy: {hidden: [2]}
critic: {hidden: [2]}
eval: {every: 1000000000}
checkpoint: {every: 40, keep: 3}
log: {every: 100}
"""


class Score:
    """Counts checks and prints those that fail."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, good, claim, detail=""):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"FAIL {claim}: {str(detail).strip()[-600:]}", flush=True)
        return good


def run(*command, limit_s=120):
    """Run to the end; a command that hangs counts as exit 124."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=limit_s, check=False,
                              errors="replace")
    except subprocess.TimeoutExpired as hung:
        return subprocess.CompletedProcess(hung.cmd, 124, "", f"still running after {limit_s} s")


def checkpoints(run_folder):
    return sorted((run_folder / "checkpoints").glob("step-*.safetensors"))


def step_of(path):
    return int(path.stem.split("-")[1])


def common_step(run_folder):
    """The newest step that a run, or every seed of one, has a checkpoint of; None without one."""
    folders = sorted(run_folder.glob("seed-*")) or [run_folder]
    shared = set.intersection(*({step_of(path) for path in checkpoints(one)} for one in folders))
    return max(shared, default=None)


def write_config(folder):
    config = folder / "tiny.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    return config


# kills


def start(sac, config, run_folder, *options):
    """Train, or resume where there is a checkpoint; JSON goes to a file."""
    if run_folder.exists() and common_step(run_folder) is None:
        shutil.rmtree(run_folder)
    resuming = run_folder.exists()
    words = ["resume", run_folder] if resuming else ["train", config, *options, "--out", run_folder]
    with open(config.parent / "stdout", "wb") as out, open(config.parent / "stderr", "wb") as err:
        process = subprocess.Popen([sac, *map(str, words), "--json"], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=err)
    return process, resuming


def resumed_from(folder):
    """The timestep that the `resumed` line names; None when it was killed before that line."""
    for line in (folder / "stdout").read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "resumed":
            return event["timesteps"]
    return None


def judge_after_kill(score, sac, folder, run_folder, before, resuming):
    names = checkpoints(run_folder)
    for path in names:
        done = run(sac, "inspect", path)
        score.check(done.returncode == OK, f"{path.name} verifies after a kill", done.stderr)
    newest = step_of(names[-1]) if names else 0
    score.check(newest >= before, "the newest checkpoint is not lost", f"{newest} after {before}")
    found = resumed_from(folder)
    if resuming and found is not None:
        score.check(found == before, "resume starts at the newest checkpoint",
                    f"{found}, expected {before}")
    return newest, found is not None


def kill(sac, count=200):
    score, rng, newest, resumes = Score(), random.Random(1), 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, run_folder = write_config(folder), folder / "run"
        for _ in range(int(count)):
            process, resuming = start(sac, config, run_folder)
            time.sleep(rng.uniform(0.01, 0.5))
            ended = process.poll()
            process.send_signal(signal.SIGKILL)
            process.wait()
            detail = (folder / "stderr").read_text(errors="replace")
            score.check(ended is None, f"training was still running (exit {ended})", detail)
            newest, resumed = judge_after_kill(score, sac, folder, run_folder, newest, resuming)
            resumes += resumed
        score.check(resumes >= int(count) // 4, "enough kills fell after a resume", resumes)
        score.check(newest > 40, "the training went forward", newest)
        done = run(sac, "resume", run_folder, f"algorithm.total_timesteps={newest + 500}", "--json")
        score.check(done.returncode == OK, "a last resume runs to its end", done.stderr)
        leftovers = [path.name for path in (run_folder / "checkpoints").iterdir()
                     if not re.fullmatch(r"(step-\d{12}|best)\.safetensors|replay", path.name)]
        score.check(not leftovers, "no temporary file stays", leftovers)
    print(f"kill: {count} kills, {resumes} resumes, newest checkpoint at step {newest}")
    return score


def kill_seeds(sac, count=60):
    score, rng, newest, resumes, seeds = Score(), random.Random(2), 0, 0, "run.seeds=[1,2,3]"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, run_folder = write_config(folder), folder / "run"
        for i in range(int(count)):
            process, resuming = start(sac, config, run_folder, seeds, f"run.threads={1 + i % 4}")
            time.sleep(rng.uniform(0.01, 0.8))
            ended = process.poll()
            process.send_signal(signal.SIGKILL)
            process.wait()
            detail = (folder / "stderr").read_text(errors="replace")
            score.check(ended is None, f"training was still running (exit {ended})", detail)
            found, before = resumed_from(folder), newest
            newest = common_step(run_folder) or 0 if run_folder.exists() else 0
            score.check(newest >= before, "no seed loses a step that all had", (newest, before))
            if resuming and found is not None:
                resumes += 1
                score.check(found == before, "all resume at the newest step that each has",
                            f"{found}, expected {before}")
        score.check(resumes >= int(count) // 4, "enough kills fell after a resume", resumes)
        total = f"algorithm.total_timesteps={newest + 100}"
        done = run(sac, "resume", run_folder, total, "--json")
        score.check(done.returncode == OK, "a last resume runs to its end", done.stderr)
        for one in sorted(run_folder.glob("seed-*")):
            alone = folder / f"alone-{one.name}"
            run(sac, "train", config, total, f"run.seed={one.name.split('-')[1]}", "--out", alone,
                limit_s=600)
            states = [json.loads(run(sac, "inspect", checkpoints(where)[-1], "--json").stdout)
                      ["state_xxh3"] for where in (one, alone)]
            score.check(states[0] == states[1], f"{one.name} ends as if it had run alone", states)
    print(f"seeds: {count} kills, {resumes} resumes, newest common checkpoint at step {newest}")
    return score


# damage


def short_run(sac, folder, steps, score):
    config, run_folder = write_config(folder), folder / "run"
    done = run(sac, "train", config, f"algorithm.total_timesteps={steps}", "--out", run_folder,
               "--json")
    score.check(done.returncode == OK and checkpoints(run_folder), "a short run ends with a "
                "checkpoint", f"exit {done.returncode}: {done.stderr}")
    return run_folder


class Bench:
    """A private copy of a run, in which one file is damaged again and again."""

    def __init__(self, sac, run_folder, copy, relative):
        shutil.copytree(run_folder, copy)
        self.sac, self.path, self.file = sac, checkpoints(copy)[-1], copy / relative
        self.whole = self.file.read_bytes()

    def inspect(self, data):
        self.file.write_bytes(data)
        return run(self.sac, "inspect", self.path, limit_s=20)

    def flip(self, bit):
        data = bytearray(self.whole)
        data[bit // 8] ^= 1 << bit % 8
        return self.inspect(bytes(data))


def damage_file(score, sac, run_folder, folder, relative, flips, lengths):
    """Flip bits and cut one file of a checkpoint, two copies at a time."""
    rng = random.Random(2)
    benches = [Bench(sac, run_folder, folder / f"copy{i}", relative) for i in range(2)]
    size = len(benches[0].whole)
    jobs = [("flip", rng.randrange(8 * size)) for _ in range(flips)]
    jobs += [("cut", length) for length in lengths(size)]

    def work(bench, mine):
        for kind, where in mine:
            done = bench.flip(where) if kind == "flip" else bench.inspect(bench.whole[:where])
            yield kind, where, done

    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda i: list(work(benches[i], jobs[i::2])), range(2))
        for kind, where, done in (result for half in halves for result in half):
            score.check(done.returncode == BAD_CHECKPOINT and done.stderr.strip(),
                        f"{kind} at {where} of {relative} is told with exit 3",
                        f"exit {done.returncode}: {done.stderr}")
    for bench in benches:
        done = bench.inspect(bench.whole)
        score.check(done.returncode == OK, f"undamaged {relative} verifies", done.stderr)
        shutil.rmtree(bench.path.parent.parent)
    print(f"damage: {relative}: {size} bytes, {len(jobs)} cases")


def damage(sac, flips=2000):
    score, rng = Score(), random.Random(4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_folder = short_run(sac, folder, 60, score)
        if not checkpoints(run_folder):
            return score
        newest = checkpoints(run_folder)[-1].relative_to(run_folder)
        damage_file(score, sac, run_folder, folder, newest, int(flips), range)
        blocks = [path for path in (run_folder / "checkpoints" / "replay").rglob("*")
                  if path.is_file()]
        score.check(blocks, "the replay is saved")
        for block in blocks[:1]:
            damage_file(score, sac, run_folder, folder, block.relative_to(run_folder),
                        int(flips) // 4, lambda size: rng.sample(range(size), min(size, 300)))
    return score


# faults of the disk


def saving_calls(log):
    """[(call, number among the thread's calls of that name, line)] of calls on checkpoint files.

    A line reads `PID call(args) = result`, descriptors with their path."""
    counts, found = Counter(), []
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+)\s+(\w+)\((.*)", line)
        if not match or match[2] not in CALLS:
            continue
        counts[match[1], match[2]] += 1
        reading = match[2] == "openat" and "O_CREAT" not in match[3]
        if "/checkpoints" in match[3] and not reading:
            found.append((match[2], counts[match[1], match[2]], line))
    return found


def strace(sac, log, inject, *words):
    traced = ",".join(CALLS)
    options = ["-f", "-y", "-s", "0", "-o", log, "-e", f"trace={traced}"]
    if inject:
        options += ["-e", f"inject={inject}"]
    return run("strace", *options, sac, *words)


def judge_fault(score, sac, work, base, done, error, policy, claim):
    if policy == "stop":
        score.check(done.returncode == DISK, f"{claim}: exit 6",
                    f"exit {done.returncode}: {done.stderr}")
    else:
        score.check(done.returncode == OK and '"done"' in done.stdout.replace(" ", ""),
                    f"{claim}: goes on to its end", f"exit {done.returncode}: {done.stderr}")
    score.check(ERRORS[error] in done.stderr, f"{claim}: the error is told", done.stderr)
    kept = work / base.relative_to(base.parents[1])
    score.check(kept.exists() and kept.read_bytes() == base.read_bytes(),
                f"{claim}: the earlier checkpoint is untouched")
    for path in checkpoints(work):
        inspected = run(sac, "inspect", path)
        score.check(inspected.returncode == OK, f"{claim}: {path.name} verifies", inspected.stderr)
    again = run(sac, "resume", work, "algorithm.total_timesteps=200", "--json")
    score.check(again.returncode == OK, f"{claim}: resume works afterwards", again.stderr)


def first_save(calls):
    """The calls of the first of the saves: up to the folder's fsync after its rename."""
    for i, (call, _, line) in enumerate(calls):
        if call.startswith("rename") and "step-" in line:
            after = i + 1
            while after < len(calls) and calls[after][0] in ("fsync", "fdatasync"):
                after += 1
            return calls[:after]
    return calls


def faults(sac):
    score = Score()
    if not shutil.which("strace"):
        score.check(False, "strace is installed")
        return score
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_folder, log, work = short_run(sac, folder, 80, score), folder / "log", folder / "work"
        if not checkpoints(run_folder):
            return score
        base = checkpoints(run_folder)[-1]
        words = ["resume", work, "algorithm.total_timesteps=160", "--json"]
        shutil.copytree(run_folder, work)
        score.check(strace(sac, log, None, *words).returncode == OK, "the run passes under strace")
        calls = first_save(saving_calls(log))
        score.check(len(calls) >= 4, "a save opens, writes, syncs and renames", calls)
        for call, number, line in calls:
            for error in ERRORS:
                for policy in ("stop", "warn"):
                    shutil.rmtree(work)
                    shutil.copytree(run_folder, work)
                    done = strace(sac, log, f"{call}:error={error}:when={number}", *words,
                                  f"checkpoint.on_error={policy}")
                    hit = [text for text in log.read_text(errors="replace").splitlines()
                           if "(INJECTED)" in text]
                    claim = f"{error} at {call} {number}, on_error {policy}"
                    if score.check(len(hit) == 1 and "/checkpoints" in hit[0],
                                   f"{claim}: hits the save", [line, hit]):
                        judge_fault(score, sac, work, base, done, error, policy, claim)
        print(f"faults: {len(calls)} calls of a save: {dict(Counter(c[0] for c in calls))}")
    return score


def main(arguments):
    modes = {"kill": kill, "seeds": kill_seeds, "damage": damage, "faults": faults}
    if len(arguments) < 2 or arguments[0] not in (*modes, "all"):
        print(__doc__)
        return 2
    chosen = modes if arguments[0] == "all" else [arguments[0]]
    sac = str(Path(arguments[1]).resolve())
    scores = [modes[mode](sac, *arguments[2:]) for mode in chosen]
    passed, failed = sum(s.passed for s in scores), sum(s.failed for s in scores)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
