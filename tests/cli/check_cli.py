#!/usr/bin/env python3
"""Judges the program from outside: messages, exit codes, run folders, resume, signals.

  check_cli.py SAC [WORD ...]     runs the checks whose name holds one of the words (default: all)

Needs no package beyond Python. The last line is `N passed, N failed`; the exit code says the
same."""
import csv
import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VARARGS, VARKEYWORDS = 4, 8  # of inspect: flags of a function's code
OK, FAILED, USAGE, BAD_CHECKPOINT, BAD_NUMBER, BAD_ENV, DISK = 0, 1, 2, 3, 4, 5, 6
COLUMNS = ("timesteps updates wall_s return_mean length_mean eval_return_mean q_loss v_loss "
           "policy_loss ent_coef entropy fps updates_per_s").split()
SUBCOMMANDS = "plot train resume eval inspect bench trace solve config doctor".split()

SMALL = """\
env: {id: %s}
run: {seed: 5, threads: 1, device: cpu}
algorithm: {name: %s, total_timesteps: 300, learning_starts: 60, batch_size: 8, buffer_size: 400}
policy: {hidden: [6, 5]}
critic: {hidden: [6, 5]}
eval: {every: 150, episodes: 1}
checkpoint: {every: 100, keep: 2}
log: {every: 50}
"""


class Room:
    """A temporary folder with the program at hand."""

    def __init__(self, sac, folder):
        self.sac, self.folder = sac, Path(folder)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def config(self, env="Pendulum-v1", algorithm="sac"):
        return self.file(f"{env}-{algorithm}.yaml", SMALL % (env, algorithm))

    def run(self, *words, code=OK, limit_s=60, **variables):
        done = subprocess.run([self.sac, *map(str, words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=limit_s, check=False,
                              cwd=self.folder, env={**os.environ, **variables})
        shown = " ".join(map(str, words))
        assert done.returncode == code, (f"`sac {shown}` gave exit {done.returncode}, expected "
                                         f"{code}: {done.stderr.strip()[-500:]}")
        return done

    def lines(self, *words):
        """The JSON lines of a command; standard output may hold nothing else."""
        return [json.loads(line) for line in self.run(*words, "--json").stdout.splitlines()]

    def train(self, name, *overrides, env="Pendulum-v1", algorithm="sac"):
        folder = self.folder / name
        self.run("train", self.config(env, algorithm), *overrides, "--out", folder)
        return folder

    def state(self, folder):
        newest = steps(folder)[-1]
        return self.lines("inspect", newest)[-1]["state_xxh3"]


def steps(folder):
    return sorted((folder / "checkpoints").glob("step-*.safetensors"))


def has(text, *words):
    for word in words:
        assert word in text, f"{word!r} is not in: {text.strip()[-600:]}"


# usage


def help_names_every_subcommand(room):
    has(room.run("--help").stdout, *SUBCOMMANDS)


def version_says_what_runs(room):
    assert re.search(r"\d+\.\d+", room.run("--version").stdout)


def a_missing_or_wrong_subcommand_is_a_usage_error(room):
    assert room.run(code=USAGE).stderr.strip()
    has(room.run("trian", code=USAGE).stderr, "trian", "train")


def an_argument_too_many_is_named(room):
    done = room.run("train", room.config(), "algorithm.tau", code=USAGE)
    has(done.stderr, "'algorithm.tau'", "too many", "key=value")
    has(room.run("train", room.config(), "-x", code=USAGE).stderr, "unknown option -x")
    has(room.run("train", "", code=USAGE).stderr, "empty")


def an_option_is_not_taken_for_the_value_before_it(room):
    has(room.run("train", room.config(), "--out", "--json", code=USAGE).stderr, "--out", "value")
    assert not (room.folder / "--json").exists()


def doctor_reports(room):
    found = [line["what"] for line in room.lines("doctor")]
    assert found == ["cpu", "cuda", "environments", "compiler", "ffmpeg", "gnuplot",
                     "gl"], found


# configuration


def every_mistake_of_a_file_is_told_in_one_pass(room):
    path = room.file("bad.yaml", "env: {id: Pendulum-v1}\nalgorithm:\n  gama: 0.9\n  tau: 7\n"
                     "  batch_size: many\npolicy: {activation: rleu}\n")
    done = room.run("train", path, "--out", room.folder / "never", code=USAGE)
    has(done.stderr, "bad.yaml:3:", "algorithm.gamma", "bad.yaml:4:", "bad.yaml:5:", "bad.yaml:6:",
        "relu")
    assert done.stdout == "" and not (room.folder / "never").exists()


def an_override_is_checked_like_the_file(room):
    done = room.run("train", room.config(), "algorithm.tau=0.1", "algorithm.gama=0.9", code=USAGE)
    has(done.stderr, "override 2 ('algorithm.gama=0.9')", "algorithm.gamma")


def a_name_of_another_program_gets_ours(room):
    path = room.file("other.yaml", "env: {id: Pendulum-v1}\nalgorithm: {discount: 0.9}\n")
    has(room.run("train", path, code=USAGE).stderr, "other.yaml:2:", "algorithm.gamma")


def a_missing_environment_names_the_file(room):
    for text in ("", "algorithm: {gamma: 0.9}\n"):
        path = room.file("empty.yaml", text)
        has(room.run("train", path, code=USAGE).stderr, "empty.yaml", "env.id")


def an_unknown_environment_is_told_with_the_nearest(room):
    path = room.file("env.yaml", "env: {id: Pendulm-v1}\n")
    has(room.run("train", path, code=USAGE).stderr, "Pendulm-v1", "Pendulum-v1")


def a_missing_file_is_a_usage_error(room):
    has(room.run("train", "nowhere.yaml", code=USAGE).stderr, "nowhere.yaml")


def a_temperature_to_learn_is_an_error_in_the_2018_algorithm(room):
    config = room.config(algorithm="sac_v1")
    has(room.run("train", config, "algorithm.ent_coef=auto", code=USAGE).stderr, "ent_coef")


def the_resolved_configuration_resolves_to_itself(room):
    first = room.run("config", room.config(), "algorithm.gamma=0.5").stdout
    has(first, "gamma", "0.5", "Pendulum-v1")
    again = room.run("config", room.file("resolved.yaml", first)).stdout
    assert again == first, "the resolved configuration changes when it is resolved again"


def presets_are_listed_and_shown(room):
    presets = Path(__file__).resolve().parent.parent.parent / "configs" / "presets"
    names = sorted(path.stem for path in presets.glob("*.yaml"))
    listed = re.findall(r"^  preset/(\w+)$", room.run("config").stdout, re.M)
    assert listed == names and names, (listed, names)
    for name in names:
        shown = room.run("config", f"preset/{name}").stdout
        assert shown == (presets / f"{name}.yaml").read_text(encoding="utf-8"), name
    done = room.run("config", "preset/softlerning", code=USAGE)
    has(done.stderr, "preset/softlerning: there is no such preset", "nearest: preset/softlearning")


def a_run_builds_on_a_preset_and_its_folder_stands_alone(room):
    base = room.config()
    (room.folder / "sub").mkdir()
    mine = room.file("sub/mine.yaml", f"defaults: [preset/softlearning, ../{base.name}]\n"
                                      "algorithm: {total_timesteps: 100, learning_starts: 70}\n")
    run = room.folder / "run"
    room.run("train", mine, "--out", run)
    resolved = (run / "config.yaml").read_text()
    assert "defaults" not in resolved, resolved
    has(resolved, "actor_q: mean", "mode: softplus", "total_timesteps: 100", "batch_size: 8")
    room.run("resume", run, "algorithm.total_timesteps=120")
    again = room.run("config", run / "config.yaml").stdout
    assert room.run("config", mine, "algorithm.total_timesteps=120").stdout == again


def a_preset_is_a_configuration_too(room):
    shown = room.run("config", "preset/redq", "env.id=Hopper-v5").stdout
    has(shown, "n_critics: 10", "id: \"Hopper-v5\"")
    done = room.run("train", "preset/redq", code=USAGE)
    has(done.stderr, "preset/redq: env.id is missing")


def a_circle_of_files_is_a_usage_error(room):
    room.file("a.yaml", "defaults: b.yaml\nenv: {id: Pendulum-v1}\n")
    room.file("b.yaml", "algorithm: {gamma: 3}\ndefaults: a.yaml\n")
    done = room.run("config", "a.yaml", code=USAGE)
    has(done.stderr, "b.yaml:2:11: defaults is a.yaml", "circle",
        "b.yaml:1:20: algorithm.gamma is 3")


def the_reference_has_a_page_for_every_environment(room):
    text = room.run("config").stdout
    doctor = {line["what"]: line for line in room.lines("doctor")}
    for name in doctor["environments"]["detail"].split(", "):
        assert f"\nenv.id: {name}: " in text, name
    has(text, "env.kwargs.healthy_z_range: [0.7, inf]", "env.kwargs.terminate_when_unhealthy: true")


def the_reference_names_every_section(room):
    has(room.run("config").stdout, "run", "env", "algorithm", "policy", "critic", "eval",
        "checkpoint", "log", "target_entropy", "reward_scale")


# training


def a_run_leaves_a_complete_folder(room):
    folder = room.folder / "run"
    out = room.lines("train", room.config(), "--out", folder)
    done = out[-1]
    assert done["event"] == "done" and done["timesteps"] == 300 and done["updates"] == 240, done
    assert {"run", "wall_s", "return_mean"} <= set(done)
    for name in ("config.yaml", "env.json", "metrics.csv", "metrics.jsonl", "status.json",
                 "log.txt"):
        assert (folder / name).is_file(), f"{name} is missing"
    assert [path.name for path in steps(folder)] == [f"step-{n:012d}.safetensors"
                                                     for n in (200, 300)]
    status = json.loads((folder / "status.json").read_text())
    assert status["timesteps"] == 300 and status["state"], status


def metrics_have_the_named_columns_and_rising_steps(room):
    folder = room.train("run")
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS, list(rows[0])
    counted = [int(row["timesteps"]) for row in rows]
    assert counted == sorted(counted) and counted[-1] == 300, counted
    assert any(row["eval_return_mean"] for row in rows), "no evaluation is recorded"


def a_run_folder_is_never_written_over(room):
    folder = room.train("run")
    before = room.state(folder)
    has(room.run("train", room.config(), "--out", folder, code=USAGE).stderr, "resume")
    assert room.state(folder) == before


def checkpoints_without_their_configuration_are_not_written_over(room):
    folder = room.train("run")
    before = [path.read_bytes() for path in steps(folder)]
    (folder / "config.yaml").unlink()
    has(room.run("train", room.config(), "--out", folder, code=USAGE).stderr, "config.yaml")
    assert [path.read_bytes() for path in steps(folder)] == before


def runs_begun_at_once_get_folders_of_their_own(room):
    words = [room.sac, "train", str(room.config()), "algorithm.total_timesteps=50"]
    runs = [subprocess.Popen([*words, f"algorithm.tau=0.{n}"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=room.folder)
            for n in range(1, 5)]
    assert [run.wait(timeout=20) for run in runs] == [OK] * 4
    found = sorted(re.search(r"  tau: ([\d.]+)", path.read_text())[1]
                   for path in room.folder.glob("runs/*/config.yaml"))
    assert found == ["0.1", "0.2", "0.3", "0.4"], found


def closed_streams_leave_no_line_in_the_files_of_a_run(room):
    open_run, closed_run = room.train("open"), room.folder / "closed"
    shell = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", room.sac, "train",
                            str(room.config()), "--json", "--out", str(closed_run)], check=False)
    assert shell.returncode == OK, f"exit {shell.returncode}"
    assert room.state(open_run) == room.state(closed_run)
    for name in ("config.yaml", "log.txt", "metrics.csv", "metrics.jsonl"):
        assert '"event"' not in (closed_run / name).read_text(), name


def the_resolved_configuration_of_a_run_repeats_it(room):
    folder = room.train("run")
    room.run("train", folder / "config.yaml", "--out", room.folder / "again")
    assert room.state(folder) == room.state(room.folder / "again")


def a_precision_of_gpus_is_noted_on_the_cpu(room):
    folder = room.train("run", "run.matmul_precision=tf32")
    has((folder / "log.txt").read_text(), "run.matmul_precision is not used")
    assert room.state(folder) == room.state(room.train("plain"))


def an_unwritable_folder_is_a_disk_error(room):
    done = room.run("train", room.config(), "--out", "/proc/nowhere/run", code=DISK)
    has(done.stderr, "/proc/nowhere")


def memory_that_is_not_there_is_refused_before_anything_is_written(room):
    wide = "[" + ",".join(["2048"] * 8) + "]"
    for words in (["algorithm.batch_size=1048576", "algorithm.buffer_size=2000000",
                   f"policy.hidden={wide}", f"critic.hidden={wide}"],
                  ["algorithm.buffer_size=1000000000", "env.id=Hopper-v5"]):
        done = room.run("train", room.config(), *words, "--out", room.folder / "never", code=1)
        has(done.stderr, words[0].split("=")[0], "available")
        assert not (room.folder / "never").exists()


def a_number_that_overflows_stops_the_run(room):
    text = room.config(env="LinearQuadratic-v0").read_text()
    unstable = text.replace("LinearQuadratic-v0", "LinearQuadratic-v0, kwargs: {A: 3.0}")
    folder = room.folder / "run"
    done = room.run("train", room.file("unstable.yaml", unstable), "--out", folder,
                    code=BAD_NUMBER)
    has(done.stderr, "LinearQuadratic-v0", "step", "reward")
    for path in steps(folder):
        room.run("inspect", path)


# several seeds

SEEDS = ("run.seeds=[3,1,2]", "run.threads=2")


def seed_folders(folder):
    return sorted(folder.glob("seed-*"))


def seeds_train_as_alone_and_go_on_together(room):
    for algorithm in ("sac", "sac_v1"):
        alone = [room.state(room.train(f"{algorithm}-{seed}", f"run.seed={seed}",
                                       algorithm=algorithm)) for seed in (1, 2, 3)]
        for threads in (1, 2, 4):
            folder = room.folder / f"{algorithm}-all-{threads}"
            words = ["algorithm.total_timesteps=130", SEEDS[0], f"run.threads={threads}"]
            room.lines("train", room.config(algorithm=algorithm), *words, "--out", folder)
            lines = room.lines("resume", folder, "algorithm.total_timesteps=300")
            assert lines[0] == {"event": "resumed", "timesteps": 130}, lines[0]
            assert [room.state(seed) for seed in seed_folders(folder)] == alone, threads


def seeds_are_told_one_by_one_and_together(room):
    folder = room.folder / "run"
    lines = room.lines("train", room.config(), *SEEDS, "--out", folder)
    done = lines[-1]
    assert done["event"] == "done" and done["run"] == str(folder) and done["timesteps"] == 300
    assert [seed["seed"] for seed in done["seeds"]] == [3, 1, 2]
    assert all(seed["state"] == "done" and seed["updates"] == 240 for seed in done["seeds"])
    returns = [seed["return_mean"] for seed in done["seeds"]]
    mean, aggregate = sum(returns) / 3, done["aggregate"]
    assert aggregate["n"] == 3 and abs(aggregate["mean"] - mean) < 1e-9 * abs(mean)
    assert aggregate["median"] == sorted(returns)[1] and aggregate["iqm"] == aggregate["mean"]
    for key in ("mean", "median", "iqm"):
        low, high = aggregate[f"{key}_ci95"]
        assert min(returns) <= low <= aggregate[key] <= high <= max(returns), key
    found = room.lines("eval", folder, "--episodes", 2)
    assert [line.get("seed") for line in found] == [3, 1, 2, None]
    for line in found[:-1]:
        alone = room.lines("eval", folder / f"seed-{line.pop('seed')}", "--episodes", 2)[-1]
        assert alone == line
    assert found[-1]["aggregate"]["n"] == 3
    has(room.run("eval", folder, "--video", room.folder / "a.png", code=USAGE).stderr, "seed-3")


def a_seed_that_fails_leaves_the_others(room):
    text = room.config(env="LinearQuadratic-v0").read_text()
    kwargs = "LinearQuadratic-v0, max_episode_steps: 86, kwargs: {A: [1.7], W: [0.3]}"
    unstable = room.file("unstable.yaml", text.replace("LinearQuadratic-v0", kwargs))
    words = ["algorithm.total_timesteps=86", "algorithm.learning_starts=1000", *SEEDS]
    folder = room.folder / "run"
    done = room.run("train", unstable, *words, "--out", folder, "--json", code=BAD_NUMBER)
    has(done.stderr, "1 of 3 seeds failed", "seed 1: environment 0", "reward")
    last = json.loads(done.stdout.splitlines()[-1])
    assert [seed["state"] for seed in last["seeds"]] == ["done", "failed", "done"]
    assert last["aggregate"]["n"] == 2 and "reward" in last["seeds"][1]["reason"]
    states = [json.loads((seed / "status.json").read_text()) for seed in seed_folders(folder)]
    assert [state["state"] for state in states] == ["failed", "done", "done"]
    found = room.run("eval", folder, "--episodes", 1, "--json", code=BAD_CHECKPOINT)
    assert json.loads(found.stdout.splitlines()[-1])["aggregate"]["n"] == 2
    done = room.run("resume", folder, code=BAD_NUMBER)
    has(done.stderr, "seed 1 failed before")


def a_seed_named_twice_is_a_usage_error(room):
    done = room.run("train", room.config(), "run.seeds=[4,5,4]", code=USAGE)
    has(done.stderr, "run.seeds has 4 twice")


def memory_must_do_for_all_seeds(room):
    info = Path("/proc/meminfo").read_text()
    available = int(re.search(r"MemAvailable: +(\d+) kB", info).group(1)) * 1024
    rows = available // 8 // 64  # of a 64-byte row: an eighth of the memory for each seed
    seeds = ",".join(map(str, range(64)))
    for threads in (2, 70):
        done = room.run("train", room.config(), f"run.seeds=[{seeds}]", f"run.threads={threads}",
                        f"algorithm.buffer_size={rows}", "--out", room.folder / "never", code=1)
        has(done.stderr, "algorithm.buffer_size", "all run.seeds", "available")
    assert not (room.folder / "never").exists()


# resume


def resume_equals_never_having_stopped(room):
    for env in ("Pendulum-v1", "MountainCarContinuous-v0"):
        for algorithm in ("sac", "sac_v1", "maxent_pg"):
            name = f"{env}-{algorithm}"
            whole = room.train(name, env=env, algorithm=algorithm)
            half = room.train(name + "-half", "algorithm.total_timesteps=130", env=env,
                              algorithm=algorithm)
            first = room.lines("resume", half, "algorithm.total_timesteps=300")[0]
            assert first == {"event": "resumed", "timesteps": 130}, first
            assert room.state(whole) == room.state(half), f"{name}: the states differ"


def exploration_resumes_and_is_the_same_for_any_number_of_threads(room):
    way = "algorithm.exploration."
    mix = (f"{way}deterministic=0.2", f"{way}gaussian=0.3", f"{way}parameter=0.3", "env.n_envs=3",
           "env.max_episode_steps=20")
    plain = room.state(room.train("plain", *mix[3:]))
    whole = [room.state(room.train(f"run{n}", f"run.threads={n}", *mix)) for n in (1, 2)]
    half = room.train("half", "algorithm.total_timesteps=130", *mix)
    room.run("resume", half, "algorithm.total_timesteps=300")
    assert whole[0] == whole[1] == room.state(half) != plain


def the_number_of_threads_changes_nothing(room):
    states = {room.state(room.train(f"run{n}", f"run.threads={n}", "env.n_envs=3"))
              for n in (1, 2, 4)}
    assert len(states) == 1, "1, 2 and 4 threads ended in different states"


def resume_refuses_another_shape(room):
    folder = room.train("run")
    done = room.run("resume", folder, "policy.hidden=[7]", "algorithm.total_timesteps=400",
                    code=USAGE)
    has(done.stderr, "policy.hidden")


def resume_falls_back_to_the_newest_valid_checkpoint(room):
    folder = room.train("run")
    newest = steps(folder)[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    done = room.run("resume", folder, "algorithm.total_timesteps=320", "--json")
    assert json.loads(done.stdout.splitlines()[0]) == {"event": "resumed", "timesteps": 200}
    has(done.stderr, newest.name)


def a_missing_block_of_the_replay_names_the_checkpoint_passed_over(room):
    folder = room.train("run")
    sorted((folder / "checkpoints/replay").iterdir())[-1].unlink()
    done = room.run("resume", folder, "algorithm.total_timesteps=320")
    has(done.stderr, "skipped " + str(steps(folder)[0].parent / "step-000000000300.safetensors"))


def an_empty_metrics_file_gets_its_header_again(room):
    folder = room.train("run")
    (folder / "metrics.csv").write_text("")
    room.run("resume", folder, "algorithm.total_timesteps=350")
    assert (folder / "metrics.csv").read_text().split("\n")[0].split(",") == COLUMNS


def rows_past_the_checkpoint_are_cut_at_resume(room):
    folder = room.train("run")
    steps(folder)[-1].unlink()
    room.run("resume", folder)
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        counted = [int(row["timesteps"]) for row in csv.DictReader(file)]
    assert len(counted) == len(set(counted)) and counted == sorted(counted), counted


# Gymnasium environments, here of a fake Gymnasium: worker processes


def workers_find_the_toys():
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent / "env" / "fake_gym")


def running_workers():
    """Worker processes of any gym: environment that the tests made."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if any(b"'gym_worker.py'" in word for word in words):
            environ = (entry.parent / "environ").read_bytes()
            if os.environ["PYTHONPATH"].encode() in environ:
                found.append(int(entry.parent.name))
    return found


def no_worker_is_left(room):
    for _ in range(100):
        if not running_workers():
            return
        time.sleep(0.02)
    raise AssertionError(f"left over: {running_workers()}")


def a_gymnasium_environment_trains_resumes_and_is_evaluated(room):
    workers_find_the_toys()
    words = ["env.n_envs=4", "env.workers=2"]
    folder = room.train("run", *words, "algorithm.total_timesteps=200", env="gym:Toy-v0")
    one = room.train("one", "env.n_envs=4", "env.workers=1", "algorithm.total_timesteps=200",
                     env="gym:Toy-v0")
    assert room.state(folder) == room.state(one), "1 and 2 workers ended in different states"
    lags = [room.train(f"lag{n}", "env.n_envs=4", f"env.workers={n}", "run.overlap=lag1",
                       "algorithm.total_timesteps=200", env="gym:Toy-v0") for n in (1, 2)]
    assert room.state(lags[0]) == room.state(lags[1]), "the same where updates lag"
    assert room.state(lags[0]) != room.state(one)
    done = room.run("resume", folder, "algorithm.total_timesteps=300", "env.workers=1", "--json")
    has(done.stderr, "note: gym:Toy-v0 cannot save its state")
    assert json.loads(done.stdout.splitlines()[-1])["timesteps"] == 300
    found = room.lines("eval", folder, "--episodes", 3)[-1]
    assert found["length_mean"] == 7, found
    named = room.run("train", room.config("gym:Toy-v0"), "algorithm.total_timesteps=100").stdout
    has(named, "run folder: runs/gym:Toy-v0")
    out = room.folder / "env.safetensors"
    room.run("trace", "env", "gym:Toy-v0", "--seed", 3, "--out", out)
    assert tensors(out)["obs"] == ("F32", [1001, 3])
    no_worker_is_left(room)


def a_gymnasium_environment_that_fails_ends_the_run(room):
    workers_find_the_toys()
    for env, limit, text in (("Crash-v0", 60, "exited with status 3"),
                             ("Raise-v0", 60, "ValueError: no such joint"),
                             ("Hang-v0", 0.3, "no answer within 0.3 s"),
                             ("Nowhere-v0", 60, "`Nowhere-v0` doesn't exist"),
                             ("Discrete-v0", 60, "must be a Box")):
        done = room.run("train", room.config(f"gym:{env}"), f"env.worker_timeout_s={limit}",
                        "--out", room.folder / env, code=BAD_ENV)
        has(done.stderr, f"gym:{env}", text)
    room.run("trace", "env", "gym:Raise-v0", "--out", "never", code=BAD_ENV)
    has(room.run("train", room.config("gym:Strange-v0"), code=BAD_NUMBER).stderr, "is nan")
    no_worker_is_left(room)


def a_failed_worker_may_be_started_anew(room):
    workers_find_the_toys()
    folder = room.folder / "run"
    done = room.run("train", room.config("gym:Crash-v0"), "env.on_worker_failure=respawn",
                    "env.kwargs.at=50", "--out", folder)
    assert done.stderr.count("is started anew") >= 5, done.stderr
    kept = (folder / "log.txt").read_text()
    assert kept.count("is started anew") == done.stderr.count("is started anew"), kept
    no_worker_is_left(room)


def workers_end_with_the_program(room):
    workers_find_the_toys()
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        folder = room.folder / f"run{code}"
        words = ["train", room.config("gym:Toy-v0"), "algorithm.total_timesteps=1000000000",
                 "env.n_envs=2", "env.workers=2", "eval.every=1000000", "--out", folder]
        process = subprocess.Popen([room.sac, *map(str, words)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        metrics = folder / "metrics.csv"
        for _ in range(1000):
            if metrics.exists() and metrics.read_text().count("\n") > 1:
                break
            time.sleep(0.01)
        assert len(running_workers()) == 2, running_workers()
        os.killpg(process.pid, number)
        assert process.wait(timeout=20) == code, f"exit {process.returncode}"
        no_worker_is_left(room)
        if number == signal.SIGINT:
            room.run("inspect", steps(folder)[-1])


# evaluation and inspection


def evaluation_repeats_itself(room):
    folder = room.train("run")
    words = ["--episodes", 3, "--seed", 7]
    first = room.lines("eval", folder, *words)[-1]
    assert set(first) >= {"env", "episodes", "return_mean", "return_std", "length_mean"}, first
    assert first["env"] == "Pendulum-v1" and first["episodes"] == 3 and first["length_mean"] == 200
    assert room.lines("eval", steps(folder)[-1], *words)[-1] == first
    other = room.lines("eval", folder, *words, "--stochastic")[-1]
    assert other["return_mean"] != first["return_mean"]


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    return struct.unpack(">II", head[16:])


def fake_ffmpeg(room, script):
    """A PATH on which ffmpeg is this script; its arguments go to the file `arguments`."""
    folder = room.folder / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "ffmpeg"
    program.write_text('#!/bin/sh\nfor out; do printf "%s\\n" "$out"; done >"${0%/*}/arguments"\n'
                       + script + "\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def pictures_change_no_result(room):
    folder = room.train("run", "env.max_episode_steps=20")
    words = ["eval", folder, "--episodes", 3, "--seed", 2, "--stochastic"]
    plain = room.lines(*words)[-1]
    assert "video" not in plain
    for name in "sheet.png", "frames/":
        shown = room.lines(*words, "--video", name)[-1]
        assert shown.pop("video") == name and shown == plain, (shown, plain)
    assert png_size(room.folder / "sheet.png") == (1956, 736)
    frames = sorted((room.folder / "frames").iterdir())
    assert len(frames) == 3 * 21 and frames[-1].name == "frame-000062.png", len(frames)
    assert png_size(frames[0]) == (480, 480)
    has(room.run(*words, "--video", "frames", code=USAGE).stderr, "frames", "another film")


def a_video_is_what_ffmpeg_makes_of_every_step(room):
    folder = room.train("run", "env.max_episode_steps=20")
    path = fake_ffmpeg(room, 'wc -c >"${out#file:}"')
    words = ["eval", folder, "--episodes", 2, "--video", "out.mp4"]
    has(room.run(*words, PATH=path).stdout, "Pendulum-v1: return", "out.mp4")
    assert int((room.folder / "out.mp4").read_text()) == 2 * 21 * 480 * 480 * 3
    arguments = (room.folder / "bin/arguments").read_text().splitlines()
    for name, value in (("-framerate", "20"), ("-video_size", "480x480"), ("-c:v", "libx264")):
        assert arguments[arguments.index(name) + 1] == value, arguments


def a_film_that_cannot_be_made_says_why(room):
    folder = room.train("run")
    words = ["eval", folder, "--episodes", 1, "--video"]
    has(room.run(*words, "out.avi", code=USAGE).stderr, "out.avi", ".mp4", ".png", "/")
    has(room.run(*words, "out.mp4", code=FAILED, PATH="/nothing").stderr, "ffmpeg", "apt-get")
    for name in "missing/out.mp4", "missing/out.png":
        has(room.run(*words, name, code=DISK, PATH=fake_ffmpeg(room, "cat")).stderr, name)
    room.file("plain", "")
    has(room.run(*words, "plain/", code=DISK).stderr, "plain", "folder")
    path = fake_ffmpeg(room, "head -c 1000 >/dev/null; echo 'no encoder' >&2; exit 4")
    has(room.run(*words, "out.mp4", code=FAILED, PATH=path).stderr, "exit code 4", "no encoder")
    path = fake_ffmpeg(room, "cat >/dev/null; echo 'x: No space left on device' >&2; exit 1")
    has(room.run(*words, "out.mp4", code=DISK, PATH=path).stderr, "disk is full")
    assert not list(room.folder.glob("out*")), "a film that failed left something"
    plain = room.train("lqr", env="LinearQuadratic-v0")
    has(room.run("eval", plain, "--video", "out.png", code=USAGE).stderr, "no pictures",
        "LinearQuadratic-v0")


def an_interrupt_leaves_no_film(room):
    folder = room.train("run")
    path = fake_ffmpeg(room, 'echo $$ >"${0%/*}/id"; cat >/dev/null')
    words = ["eval", folder, "--episodes", 100000, "--video", "out.mp4"]
    process = subprocess.Popen([room.sac, *map(str, words)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               cwd=room.folder, env={**os.environ, "PATH": path})
    child = room.folder / "bin/id"
    while not child.exists() or not child.read_text().strip():
        time.sleep(0.005)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=20)
    assert process.returncode == 130 and not shown, (process.returncode, shown)
    assert not list(room.folder.glob("out*")), "the film is still there"
    try:
        os.kill(int(child.read_text()), 0)
        raise AssertionError("ffmpeg still runs")
    except ProcessLookupError:
        pass


def without_opengl_the_cure_is_told(room):
    # files that are no libraries, found before the real ones
    for name in ("libEGL.so.1", "libEGL.so", "libOSMesa.so.8", "libOSMesa.so.6"):
        room.file(name, "")
    folder = room.train("run", env="Reacher-v5")
    hidden = {"LD_LIBRARY_PATH": str(room.folder)}
    has(room.run("eval", folder, "--video", "out.png", code=FAILED, **hidden).stderr, "OpenGL",
        "apt-get install", "libegl1", "libosmesa6")
    assert not list(room.folder.glob("out*"))
    has(room.run("doctor", **hidden).stdout, "gl             no", "libegl1")


def evaluation_names_the_checkpoint_it_passes_over(room):
    folder = room.train("run")
    steps(folder)[-1].write_bytes(b"")
    has(room.run("eval", folder, "--episodes", 1).stderr, "skipped", steps(folder)[-1].name)


def inspection_verifies_wholly(room):
    folder = room.train("run")
    path = steps(folder)[-1]
    state = room.state(folder)
    assert re.fullmatch("[0-9a-f]{16}", state), state
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:9], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(damaged)
        has(room.run("inspect", path, code=BAD_CHECKPOINT).stderr, path.name)


# signals


def signalled(room, name, number, code):
    folder = room.folder / name
    words = ["train", room.config(), "algorithm.total_timesteps=1000000000",
             "checkpoint.every=1000000000", "eval.every=1000000000", "--out", folder]
    process = subprocess.Popen([room.sac, *map(str, words)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    metrics = folder / "metrics.csv"
    for _ in range(500):
        if metrics.exists() and metrics.read_text().count("\n") > 1:
            break
        time.sleep(0.01)
    process.send_signal(number)
    _, trouble = process.communicate(timeout=20)
    assert process.returncode == code, f"exit {process.returncode}, expected {code}: {trouble}"
    newest = steps(folder)[-1]
    room.run("inspect", newest)
    total = int(newest.stem.split("-")[1]) + 100
    room.run("resume", folder, f"algorithm.total_timesteps={total}")


def an_interrupt_saves_first(room):
    signalled(room, "interrupted", signal.SIGINT, 130)


def a_termination_saves_first(room):
    signalled(room, "terminated", signal.SIGTERM, 143)


def an_interrupt_of_several_seeds_leaves_all_at_one_step(room):
    for threads in (2, 4):
        folder = room.folder / f"run-{threads}"
        words = ["train", room.config(), "algorithm.total_timesteps=1000000000", SEEDS[0],
                 f"run.threads={threads}", "checkpoint.every=0", "eval.every=0", "--out", folder]
        process = subprocess.Popen([room.sac, *map(str, words)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        metrics = folder / "seed-2/metrics.csv"
        while not metrics.exists() or metrics.read_text().count("\n") < 2:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130, f"exit {process.returncode}"
        names = {steps(seed)[-1].name for seed in seed_folders(folder)}
        assert len(names) == 1, names
        total = int(names.pop().split("-")[1].split(".")[0]) + 50
        room.run("resume", folder, f"algorithm.total_timesteps={total}")
        whole = room.train(f"whole-{threads}", f"algorithm.total_timesteps={total}",
                           "checkpoint.every=0", "eval.every=0", "run.seed=1")
        assert room.state(folder / "seed-1") == room.state(whole)


def interrupted(room, name, *overrides, after_s=0.15):
    """Interrupt a run so long after its first row of metrics; seconds until it ended."""
    folder = room.folder / name
    words = ["train", room.config(), *overrides, "--out", folder]
    process = subprocess.Popen([room.sac, *map(str, words)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metrics = folder / "metrics.csv"
    while not metrics.exists() or metrics.read_text().count("\n") < 2:
        time.sleep(0.005)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    assert process.wait(timeout=20) == 130, f"exit {process.returncode}"
    return folder, time.monotonic() - begin


def an_interrupt_within_an_evaluation_loses_nothing(room):
    whole = room.train("whole")
    folder, seconds = interrupted(room, "run", "eval.episodes=100000")
    assert seconds < 2, f"it took {seconds:.1f} s to end"
    room.run("resume", folder, "eval.episodes=1")
    assert room.state(whole) == room.state(folder)


def an_interrupt_within_the_updates_of_a_step_loses_nothing(room):
    words = ["algorithm.gradient_steps=20000", "algorithm.total_timesteps=61"]
    whole = room.train("whole", *words)
    folder, _ = interrupted(room, "run", *words, after_s=0.03)
    room.run("resume", folder)
    assert room.state(whole) == room.state(folder)


# traces and measurements


def tensors(path):
    """{name: (type, shape)} of a safetensors file."""
    raw = path.read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    return {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()
            if name != "__metadata__"}


def what_needs_a_replay_is_refused_where_there_is_none(room):
    config = room.config(algorithm="maxent_pg")
    done = room.run("trace", "update", config, "--out", "never", code=USAGE)
    has(done.stderr, "algorithm.name is maxent_pg", "replay", "sac trace update")
    done = room.run("bench", "update", "algorithm.name=maxent_pg", code=USAGE)
    has(done.stderr, "override 1", "maxent_pg", "sac bench update")


def a_trace_of_an_update_names_every_tensor(room):
    out = room.folder / "trace.safetensors"
    room.run("trace", "update", room.config(), "--out", out)
    found = tensors(out)
    for name in ("actor.latent_pi.0.weight", "actor.latent_pi.2.bias", "actor.mu.weight",
                 "actor.log_std.bias", "critic.qf0.0.weight", "critic.qf1.4.bias",
                 "critic_target.qf0.2.weight", "log_ent_coef", "batch.obs", "batch.action",
                 "batch.reward", "batch.terminated", "batch.next_obs", "noise.now", "noise.next",
                 "loss.q", "loss.policy", "loss.ent_coef", "target.y", "log_pi.now", "log_pi.next",
                 "grad.actor.mu.weight", "grad.critic.qf1.0.weight", "grad.log_ent_coef",
                 "after.actor.mu.weight", "after.critic_target.qf1.0.bias", "after.log_ent_coef",
                 "after.optimizer.exp_avg.actor.mu.weight", "after.optimizer.step.critic"):
        assert name in found, f"{name} is missing"
    assert found["actor.latent_pi.0.weight"] == ("F32", [6, 3])
    assert found["actor.mu.weight"] == ("F32", [1, 5])
    assert found["batch.obs"] == ("F32", [8, 3]) and found["batch.terminated"] == ("F32", [8])
    assert found["after.optimizer.step.critic"][0] == "I64"


def a_trace_of_an_environment_starts_from_its_seed(room):
    out = room.folder / "env.safetensors"
    room.run("trace", "env", "Pendulum-v1", "--seed", 3, "--out", out)
    assert "obs" in tensors(out)


LOTTERY = """\
states: [start, mid, good, bad]
actions: [safe, risky]
horizon: 2
transitions:
  start: {safe: mid, risky: {good: 0.5, bad: 0.5}}
  mid: mid
  good: good
  bad: bad
rewards: {mid: -1, bad: -6}
"""


def the_lottery_is_told_in_a_table(room):
    shown = room.run("solve", room.file("lottery.yaml", LOTTERY)).stdout
    has(shown, "-0.8334226149", "-1.5662191695", "0.5767213483", "0.1192029220", "-2.1534426965",
        "-1.2384058440", "0.9975273768", "optimal only in an optimal environment")
    one = room.run("solve", "lottery.yaml", "mode=variational", "temperature=0.1").stdout
    has(one, "2.061154e-09")
    assert "0.9975" not in one and "exact" not in one, one


def solve_gives_json_with_all_digits(room):
    path = room.file("lottery.yaml", LOTTERY)
    found = room.lines("solve", path)
    assert len(found) == 1
    exact, real = found[0]["exact"], found[0]["variational"]
    assert abs(exact["policy"][0][0][1] - 0.576721348260) < 1e-12
    assert abs(exact["objective"] + 2.165261663637) < 1e-12
    assert abs(exact["posterior"][1][2] - 0.5752953337) < 1e-10
    assert abs(exact["dynamics"][0][0][1]["good"] - 0.9975273768) < 1e-10
    assert abs(real["no_prior"]["V"][0][0] - real["V"][0][0] - 2 * math.log(2)) < 1e-12
    assert real["V"][2] == [0, 0, 0, 0] and found[0]["states"][3] == "bad"
    only = room.lines("solve", path, "mode=exact")[0]
    assert only["exact"] == exact and "variational" not in only
    # a choice that is not there, and a number that does not exist, are null
    path = room.file("end.yaml", "states: [a, end]\nactions: [x, y]\nhorizon: 1\n"
                     "absorbing: end\ntransitions: {a: {y: end}}\n")
    exact = room.lines("solve", path)[0]["exact"]
    assert exact["policy"] == [[[None, 1], [None, None]]] and exact["no_prior"] is None
    assert exact["log_forward"][0] == [0, None], exact["log_forward"]


def solve_bounds_its_error_without_a_horizon(room):
    path = room.file("lottery.yaml", LOTTERY)
    loose = room.lines("solve", path, "horizon=", "discount=0.9", "tolerance=1e-3")[0]
    tight = room.lines("solve", path, "horizon=", "discount=0.9")[0]
    for mode in "exact", "variational":
        apart = max(abs(a - b) for a, b in zip(loose[mode]["V"][0], tight[mode]["V"][0]))
        assert 0 < apart <= loose[mode]["error_bound"] <= 1.1e-3, (mode, apart, loose[mode])


def solve_knows_linear_control(room):
    path = room.file("lqr.yaml", "A: 0.9\nB: 0.5\nQ: 1\nR: 0.5\nW: 0.01\ndiscount: 0.95\n"
                     "temperature: 0.1\npolicy: {K: 0.5, covariance: 0.2}\n")
    found = room.lines("solve", path)[0]
    best = found["variational"]["times"][0]
    assert abs(best["P"][0][0] - 1.730970016481) < 1e-9 and abs(best["c"] + 0.536053463629) < 1e-9
    assert "exact" not in found and len(found["policy"]["gradient"]["K"][0]) == 1
    has(room.run("solve", path).stdout, "0.812188907201", "0.331295620", "dJ/dK")
    hope = room.lines("solve", path, "horizon=6", "discount=1")[0]["exact"]["times"][0]
    assert abs(hope["K"][0][0] - 0.752009325042) < 1e-9


def solve_tells_every_mistake_with_its_place(room):
    path = room.file("bad.yaml", LOTTERY.replace("bad: 0.5", "bad: 0.4").replace("-6", ".inf")
                     + "goals: mid\ntemprature: 1\n")
    done = room.run("solve", path, "mode=exat", code=USAGE)
    has(done.stderr, "bad.yaml:5:29: transitions.start.risky sums to 0.9",
        "bad.yaml:9:25: rewards.bad is .inf", "bad.yaml:11:1: unknown key temprature",
        "nearest: temperature", "override 1 ('mode=exat')", "nearest: exact")
    assert done.stdout == ""
    path = room.file("far.yaml", "states: [a, b]\nactions: 1\nhorizon: 3\ngoals: b\n"
                     "transitions: {a: a}\n")
    has(room.run("solve", path, code=USAGE).stderr, "far.yaml:4:8: goals", "cannot reach")
    has(room.run("solve", "none.yaml", code=USAGE).stderr, "none.yaml")
    has(room.run("solve", "far.yaml", "--plot", "x.pdf", code=USAGE).stderr, "x.pdf", ".svg")
    grows = room.file("grows.yaml", "states: 1\nactions: 1\ndiscount: 0.9\nrewards: 1\n"
                      "transitions: [0]\n")
    has(room.run("solve", grows, code=BAD_NUMBER).stderr, "evidence", "not finite")
    has(room.run("solve", path.with_name("lottery.yaml"), code=USAGE).stderr, "lottery.yaml")


def solve_lists_its_keys(room):
    has(room.run("solve").stdout, "transitions", "temperature", "NAME.csv", "linear")


def solve_draws_what_it_found(room):
    path = room.file("lottery.yaml", LOTTERY)
    folder = room.folder / "bin"
    folder.mkdir()
    (folder / "gnuplot").write_text("#!/bin/sh\ncat\n")
    (folder / "gnuplot").chmod(0o755)
    paths = f"{folder}:{os.environ['PATH']}"
    has(room.run("solve", path, "--plot", "out.svg", PATH=paths).stdout, "plot: out.svg")
    has((room.folder / "out.svg").read_text(), "'exact believes'", "'good' 0", "'risky' 1",
        "0.576721348")
    has(room.run("solve", path, "--plot", "no.svg", code=FAILED, PATH="/nothing").stderr,
        "gnuplot", "apt-get")
    assert not list(room.folder.glob("no*"))


def the_examples_of_solve_can_be_solved(room):
    examples = sorted((Path(__file__).parents[2] / "configs/solve").glob("*.yaml"))
    assert len(examples) >= 6
    for example in examples:
        found = room.lines("solve", example)[0]
        assert all(found[mode]["value"] >= found[mode]["objective"] - 1e-9
                   for mode in ("exact", "variational") if mode in found), example


def measurements_have_their_keys(room):
    sizes = ["bench.obs=3", "bench.act=1", "policy.hidden=[8]", "critic.hidden=[8]",
             "algorithm.batch_size=4", "run.threads=1", "run.device=cpu"]
    found = room.lines("bench", "update", *sizes)[-1]
    assert found["bench"] == "update" and {
        "device", "threads", "us_per_update", "p10", "p90", "updates_per_s", "gflops",
        "peak_gflops", "phases", "allocated_bytes", "cpu_s", "peak_mb"} <= set(found), found
    assert abs(found["us_per_update"] * found["updates_per_s"] / 1e6 - 1) < 1e-3
    assert found["allocated_bytes"] == 0, found
    for threads in (2, 4):
        words = [*sizes[:-2], "run.device=cpu", "run.seeds=[1,2,3]", f"run.threads={threads}"]
        found = room.lines("bench", "update", *words)[-1]
        assert found["seeds"] == 3 and found["threads"] == threads and found["us_per_update"] > 0


def seeds_of_one_configuration_are_one_curve(room):
    runs = [room.train(f"run-{seed}", f"run.seed={seed}") for seed in (1, 2, 3)]
    other = room.train("other", "algorithm.tau=0.01")
    last = [[json.loads(line)["eval_return_mean"] for line in
             (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()][-1] for run in runs]
    picture = room.folder / "curves.svg"
    together, alone, plotted = room.lines("plot", *runs, other, "--out", picture)
    assert together["curve"] == "run-1" and together["x"] == 300, together
    statistics = together["aggregate"]
    assert statistics["n"] == 3 and alone["aggregate"]["n"] == 1, (together, alone)
    assert abs(statistics["mean"] - sum(last) / 3) < 1e-9 * abs(sum(last)), together
    assert abs(statistics["median"] - sorted(last)[1]) < 1e-9 * abs(sum(last)), together
    low, high = statistics["mean_ci95"]
    assert min(last) <= low <= statistics["mean"] <= high <= max(last), together
    assert plotted == {"event": "plotted", "file": str(picture)}, plotted
    assert "<svg" in picture.read_text(encoding="utf-8")[:2000]


def lines_of_a_benchmark_are_curves(room):
    rows = [{"batch": batch, "rate": batch / threads, "floor": 1.0, "threads": threads}
            for threads in (1, 2) for batch in (100, 256)]
    file = room.file("bench.jsonl", "".join(json.dumps(row) + "\n" for row in rows) + '{"cut')
    curves = room.lines("plot", file, "--x", "batch", "--y", "rate+floor", "--by", "threads")
    found = {(line["curve"], line["y"]): line["aggregate"]["mean"] for line in curves}
    assert found == {("threads 1, rate", "rate"): 256, ("threads 2, rate", "rate"): 128,
                     ("threads 1, floor", "floor"): 1, ("threads 2, floor", "floor"): 1}, found


def a_plot_of_nothing_is_refused(room):
    file = room.file("bench.jsonl", '{"a": 1, "b": 2}\nno object\n')
    has(room.run("plot", room.folder / "none", code=USAGE).stderr, "none", "no such run or file")
    has(room.run("plot", file, code=USAGE).stderr, "bench.jsonl:2", "not a JSON object")
    file.write_text('{"a": 1, "b": 2}\n', encoding="utf-8")
    has(room.run("plot", file, "--x", "a", "--y", "c", code=USAGE).stderr, "c over a",
        "its lines have a, b")
    has(room.run("plot", room.folder / "bench.json", code=USAGE).stderr, "nearest: ",
        "bench.jsonl")
    has(room.run("plot", file, "--statistic", "max", code=USAGE).stderr, "mean, median or iqm")
    has(room.run("plot", file, "--log", "z", code=USAGE).stderr, "x, y or xy")
    has(room.run("plot", file, "--out", "a.gif", code=USAGE).stderr, ".svg or .png")


def other_programs_are_measured_in_turn(room):
    """A Python that answers for one of two programs: its figures, the other one's reason."""
    python = room.file("python", """#!/bin/sh
case $3 in
  *'"program":"gymnasium"'*) echo some warning; echo '{"steps_per_s": 2.5, "peak_mb": 7}';;
  *) echo "ModuleNotFoundError: No module named 'envpool'" >&2; exit 1;;
esac
""")
    python.chmod(0o755)
    done = room.run("bench", "rollout", "env.id=Pendulum-v1", "run.threads=1", "bench.runs=2",
                    f"bench.python={python}", "--compare", "--json")
    ours, theirs = [json.loads(line) for line in done.stdout.splitlines()]
    assert ours["program"] == "sac" and ours["runs"] == theirs["runs"] == 2, (ours, theirs)
    assert theirs["median"] == 2.5 and theirs["peak_mb"] == 7, theirs
    assert abs(theirs["sac_is_times"] / (ours["median"] / 2.5) - 1) < 1e-9, theirs
    assert done.stderr.count("left out") == 1, done.stderr
    has(done.stderr, "EnvPool", "No module named 'envpool'")


def a_comparison_that_cannot_be_is_refused(room):
    has(room.run("bench", "gemm", "--compare", code=USAGE).stderr, "update, rollout and train")
    has(room.run("bench", "rollout", "--compare", code=USAGE).stderr, "env.id is missing")
    has(room.run("bench", "update", "run.device=cuda", "--compare", code=USAGE).stderr, "CPU")
    has(room.run("bench", "train", "env.id=Pendulum-v1", "--compare", code=USAGE).stderr,
        "bench.steps")


def checks(names):
    """The functions of a script that take a room and are named as claims."""
    found = [value for value in names.values() if callable(value) and
             getattr(value, "__code__", None) and value.__code__.co_varnames[:1] == ("room",)]
    return [check for check in found if check.__code__.co_argcount == 1 and
            not check.__code__.co_flags & (VARARGS | VARKEYWORDS)]


def main(arguments, names):
    if not arguments or not os.access(arguments[0], os.X_OK):
        print(names["__doc__"])
        return USAGE
    sac, failed, passed = os.path.abspath(arguments[0]), 0, 0
    for check in checks(names):
        if arguments[1:] and not any(word in check.__name__ for word in arguments[1:]):
            continue
        claim = check.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(Room(sac, folder))
                passed += 1
            except (AssertionError, LookupError, ValueError, OSError,
                    subprocess.TimeoutExpired) as trouble:
                print(f"FAIL {claim}: {type(trouble).__name__}: {trouble}", flush=True)
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], globals()))
