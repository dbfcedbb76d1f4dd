#!/usr/bin/env python3
"""Judges `run.device: cuda` from outside, with the kernels on the CPU: what the loader says where
something is missing, falling back, training, resuming across devices, a device that is lost.

  check_shim.py SAC [WORD ...]    runs the checks whose name holds one of the words (default: all)

SAC lies beside its folder `shim`. Needs no package beyond Python. The last line is
`N passed, N failed`; the exit code says the same."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))
import check_cli  # noqa: E402
from check_cli import OK, Room, has, steps  # noqa: E402

FAILED, USAGE = 1, 2
SHORT = {"algorithm.learning_starts": 60, "checkpoint.every": 24, "eval.every": 0}
ROLLOUT = "algorithm.pg.rollout_steps=16"
NO_MEMORY, OLD_DRIVER, NO_DEVICE, ILLEGAL_ADDRESS = 2, 35, 100, 700


def on_shim(room, *words, code=OK, **variables):
    """Run with a driver and the shim in the place of the CUDA library."""
    shim = Path(room.sac).parent / "shim"
    library = variables.pop("library", shim / "libsac_cuda.so")
    environment = {**os.environ, "LD_LIBRARY_PATH": str(shim), **variables}
    if library:
        environment["SAC_CUDA_LIB"] = str(library)
    done = subprocess.run([variables.get("sac", room.sac), *map(str, words)], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=300, check=False,
                          cwd=room.folder, env=environment)
    assert done.returncode == code, (f"`sac {' '.join(map(str, words))}` gave exit "
                                     f"{done.returncode}, expected {code}: "
                                     f"{done.stderr.strip()[-500:]}")
    return done


def train_on(room, name, device, *overrides, total=67, code=OK, algorithm="sac", **variables):
    folder = room.folder / name
    keys = {**SHORT, "run.device": device, "algorithm.total_timesteps": total,
            **dict(text.split("=", 1) for text in overrides)}
    done = on_shim(room, "train", room.config(algorithm=algorithm),
                   *(f"{key}={value}" for key, value in keys.items()), "--out", folder, code=code,
                   **variables)
    return folder, done


def tensors(path):
    """Name -> list of numbers of every float32 tensor."""
    data = Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + size + at for at in entry["data_offsets"])
            found[name] = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
    return found


def expect_near(ours, theirs, relative):
    """Every tensor of two files, by its norm."""
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        distance = sum((a - b) ** 2 for a, b in zip(values, theirs[name])) ** 0.5
        size = sum(a * a for a in values) ** 0.5
        assert distance <= relative * (size + 1e-6), f"{name} is off by {distance} of {size}"


# what the loader says


def without_a_driver_cuda_is_an_error_and_auto_the_cpu(room):
    done = room.run("train", room.config(), "run.device=cuda", code=FAILED)
    has(done.stderr, "run.device: cuda cannot be used", "NVIDIA driver", "libcuda.so.1")
    folder = room.train("run", "run.device=auto")
    log = (folder / "log.txt").read_text()
    assert log.count("NVIDIA driver") == 1, log
    has(log, "running on the CPU")


def a_missing_library_is_named(room):
    missing = room.folder / "nowhere.so"
    done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED, library=missing)
    has(done.stderr, "SAC_CUDA_LIB", "nowhere.so")
    alone = room.folder / "alone"
    alone.mkdir()
    shutil.copy(room.sac, alone / "sac")
    done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED, library=None,
                   sac=alone / "sac")
    has(done.stderr, "libsac_cuda.so", "../lib", "SAC_CUDA_LIB")


def the_library_is_found_beside_the_program_and_in_lib(room):
    shim = Path(room.sac).parent / "shim/libsac_cuda.so"
    for program, library in (("a/sac", "a/libsac_cuda.so"), ("b/bin/sac", "b/lib/libsac_cuda.so")):
        for path, source in ((program, room.sac), (library, shim)):
            (room.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, room.folder / path)
        done = on_shim(room, "--version", library=None, sac=room.folder / program)
        has(done.stdout, "cuda shim")


def a_library_of_another_build_or_program_is_refused(room):
    shim = Path(room.sac).parent / "shim"
    done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED,
                   library=shim / "libmisfit.so")
    has(done.stderr, "does not fit", "build other")
    done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED,
                   library=shim / "libcuda.so.1")
    has(done.stderr, "is not sac's", "sac_cuda_ops")
    done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED,
                   library=room.file("text.so", "no library"))
    has(done.stderr, "text.so", "cannot be opened")


def a_driver_or_device_that_will_not_do_is_told(room):
    for fault, word in ((OLD_DRIVER, "too old"), (NO_DEVICE, "finds no GPU")):
        done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED,
                       SAC_SHIM_FAULT=f"cudaGetDeviceCount:1:{fault}")
        has(done.stderr, word)
    done = on_shim(room, "train", room.config(), "run.device=cuda", code=FAILED, SAC_SHIM_OLD="1")
    has(done.stderr, "the GPU is too old", "7.0", "9.0 is needed")


def too_little_memory_is_an_error_and_under_auto_the_cpu(room):
    for number in (1, 4, 8):
        fault = {"SAC_SHIM_FAULT": f"cudaMalloc:{number}:{NO_MEMORY}"}
        _, done = train_on(room, f"cuda-{number}", "cuda", code=FAILED, **fault)
        has(done.stderr, "GPU", "memory" if number > 3 else "cannot be used")
        folder, _ = train_on(room, f"auto-{number}", "auto", **fault)
        has((folder / "log.txt").read_text(), "running on the CPU", "cpu ")
    _, done = train_on(room, "small", "cuda", "algorithm.buffer_size=2000000", code=FAILED,
                       SAC_SHIM_MEMORY="50000000")
    has(done.stderr, "GB")


# training


def training_on_either_device_is_the_same_training(room):
    for algorithm in ("sac", "sac_v1", "maxent_pg"):
        cpu, _ = train_on(room, f"cpu-{algorithm}", "cpu", ROLLOUT, algorithm=algorithm)
        cuda, _ = train_on(room, f"cuda-{algorithm}", "cuda", ROLLOUT, algorithm=algorithm)
        expect_near(tensors(steps(cpu)[-1]), tensors(steps(cuda)[-1]), 2e-4)
        has((cuda / "env.json").read_text(), "cuda shim")


def a_rollout_is_the_same_wherever_environments_live(room):
    runs = [train_on(room, place[0], "cuda", ROLLOUT, *place, total=200, algorithm="maxent_pg")[0]
            for place in (ON_HOST, ON_DEVICE)]
    expect_near(*(tensors(steps(run)[-1]) for run in runs), 2e-4)


def the_policy_acts_alike_on_the_device_and_on_the_host(room):
    runs = [train_on(room, where, "cuda", f"run.rollout_policy={where}")[0]
            for where in ("device", "host")]
    expect_near(*(tensors(steps(run)[-1]) for run in runs), 2e-4)


def the_place_of_the_policy_follows_the_environments_and_is_kept(room):
    for n_envs, where in ((4, "host"), (5, "device")):
        shown = room.run("config", room.config(), f"env.n_envs={n_envs}").stdout
        has(shown, f"rollout_policy: {where}")


def resume_on_the_same_device_is_bit_identical(room):
    for where in ("device", "host"):
        place = f"run.rollout_policy={where}"
        whole, _ = train_on(room, f"whole-{where}", "cuda", place)
        parts, _ = train_on(room, f"parts-{where}", "cuda", place, total=64)
        on_shim(room, "resume", parts, "algorithm.total_timesteps=67")
        assert room.state(whole) == room.state(parts)


def updates_that_lag_are_those_of_the_cpu_and_resume_bit_for_bit(room):
    lag = "run.overlap=lag1"
    cpu, _ = train_on(room, "cpu", "cpu", lag)
    for where in ("device", "host"):
        place = f"run.rollout_policy={where}"
        whole, _ = train_on(room, f"whole-{where}", "cuda", lag, place)
        expect_near(tensors(steps(cpu)[-1]), tensors(steps(whole)[-1]), 2e-4)
        parts, _ = train_on(room, f"parts-{where}", "cuda", lag, place, total=64)
        on_shim(room, "resume", parts, "algorithm.total_timesteps=67")
        assert room.state(whole) == room.state(parts)


def a_run_moves_between_devices(room):
    whole, _ = train_on(room, "whole", "cpu")
    moved, _ = train_on(room, "moved", "cpu", total=62)
    on_shim(room, "resume", moved, "algorithm.total_timesteps=65", "run.device=cuda")
    room.run("resume", moved, "algorithm.total_timesteps=67", "run.device=cpu")
    expect_near(tensors(steps(whole)[-1]), tensors(steps(moved)[-1]), 2e-4)


ON_DEVICE = ("env.device=cuda", "env.n_envs=3", "env.max_episode_steps=9")
ON_HOST = ("env.device=cpu", "env.n_envs=3", "env.max_episode_steps=9",
           "run.rollout_policy=device")


def environments_on_the_device_train_as_those_on_the_host(room):
    here, _ = train_on(room, "here", "cuda", *ON_HOST, total=90)
    there, _ = train_on(room, "there", "cuda", *ON_DEVICE, total=90)
    expect_near(tensors(steps(here)[-1]), tensors(steps(there)[-1]), 2e-4)
    rows = [(run / "metrics.csv").read_text().splitlines() for run in (here, there)]
    assert len(rows[0]) == len(rows[1])


def environments_on_the_device_resume_bit_for_bit_and_move(room):
    whole, _ = train_on(room, "whole", "cuda", *ON_DEVICE, total=90)
    parts, _ = train_on(room, "parts", "cuda", *ON_DEVICE, total=81)
    moved = room.folder / "moved"
    shutil.copytree(parts, moved)
    on_shim(room, "resume", parts, "algorithm.total_timesteps=90")
    assert room.state(whole) == room.state(parts)
    room.run("resume", moved, "algorithm.total_timesteps=90", "run.device=cpu", "env.device=cpu")
    expect_near(tensors(steps(whole)[-1]), tensors(steps(moved)[-1]), 2e-4)


def several_seeds_are_one_stack_on_the_device(room):
    for place in (("run.rollout_policy=host",), ("run.rollout_policy=device",), ON_DEVICE):
        name = re.sub(r"\W", "-", place[0])
        all_seeds = ("run.seeds=[1,2,3]", *place)
        cuda, _ = train_on(room, f"cuda-{name}", "cuda", *all_seeds)
        parts, _ = train_on(room, f"parts-{name}", "cuda", *all_seeds, total=64)
        on_shim(room, "resume", parts, "algorithm.total_timesteps=67")
        for seed in (1, 2, 3):
            alone, _ = train_on(room, f"alone-{name}-{seed}", "cuda", *place, f"run.seed={seed}")
            here, there = (tensors(steps(run)[-1]) for run in (alone, cuda / f"seed-{seed}"))
            expect_near(here, there, 2e-4)
            assert room.state(cuda / f"seed-{seed}") == room.state(parts / f"seed-{seed}")


def several_seeds_move_between_devices(room):
    seeds = ("run.seeds=[1,2,3]", "run.threads=2", "eval.every=20", "eval.episodes=2")
    whole, _ = train_on(room, "whole", "cpu", *seeds)
    moved, _ = train_on(room, "moved", "cpu", *seeds, total=62)
    on_shim(room, "resume", moved, "algorithm.total_timesteps=65", "run.device=cuda")
    room.run("resume", moved, "algorithm.total_timesteps=67", "run.device=cpu")
    for seed in (1, 2, 3):
        expect_near(*(tensors(steps(run / f"seed-{seed}")[-1]) for run in (whole, moved)), 2e-4)


EXPLORING = ("algorithm.exploration.deterministic=0.2", "algorithm.exploration.gaussian=0.3",
             "algorithm.exploration.parameter=0.4")


def exploration_is_the_same_wherever_policy_and_environments_live(room):
    here, _ = train_on(room, "here", "cuda", *ON_HOST, *EXPLORING, total=90)
    cpu, _ = train_on(room, "cpu", "cpu", *ON_HOST, *EXPLORING, total=90)
    there, _ = train_on(room, "there", "cuda", *ON_DEVICE, *EXPLORING, total=90)
    parts, _ = train_on(room, "parts", "cuda", *ON_DEVICE, *EXPLORING, total=81)
    expect_near(tensors(steps(cpu)[-1]), tensors(steps(here)[-1]), 2e-4)
    expect_near(tensors(steps(here)[-1]), tensors(steps(there)[-1]), 2e-4)
    on_shim(room, "resume", parts, "algorithm.total_timesteps=90")
    assert room.state(there) == room.state(parts)


def environments_that_cannot_live_on_the_device_are_refused(room):
    _, done = train_on(room, "cpu", "cpu", "env.device=cuda", code=USAGE)
    has(done.stderr, "env.device is cuda, must be cpu where run.device is cpu")
    _, done = train_on(room, "copy", "cuda", "env.device=cuda", "run.rollout_policy=host",
                       code=USAGE)
    has(done.stderr, "run.rollout_policy is host, must be auto or device")
    _, done = train_on(room, "cheetah", "cuda", "env.device=cuda", "env.id=HalfCheetah-v5",
                       code=USAGE)
    has(done.stderr, "must be cpu for HalfCheetah-v5", "Pendulum-v1")
    folder, _ = train_on(room, "auto", "auto", "env.device=cuda",
                         SAC_SHIM_FAULT=f"cudaGetDeviceCount:1:{NO_DEVICE}")
    has((folder / "log.txt").read_text(), "running on the CPU")


def training_steps_allocate_nothing_on_the_device(room):
    for place in (ON_HOST, ON_DEVICE, ON_DEVICE + EXPLORING, ON_DEVICE + ("run.seeds=[1,2]",)):
        counts = []
        for total in (63, 69):
            _, done = train_on(room, f"run-{total}-{len(place)}-{place[0]}", "cuda",
                               "checkpoint.every=0", *place, total=total, SAC_SHIM_REPORT="1")
            counts += re.findall(r"shim: (\d+) allocations", done.stderr)
        assert len(counts) == 2 and counts[0] == counts[1], counts


def steps_of_an_update_run_side_by_side(room):
    for algorithm in ("sac", "sac_v1"):
        _, done = train_on(room, algorithm, "cuda", algorithm=algorithm, SAC_SHIM_REPORT="1")
        found = re.search(r"a chain of (\d+) among (\d+) recorded steps", done.stderr)
        chain, every = map(int, found.groups())
        assert chain <= 0.8 * every, (algorithm, chain, every)


def an_evaluation_runs_on_the_device(room):
    folder, _ = train_on(room, "run", "cuda")
    there = json.loads(on_shim(room, "eval", folder, "--episodes", "2", "--json").stdout)
    (folder / "config.yaml").write_text(
        (folder / "config.yaml").read_text().replace("device: cuda", "device: cpu"))
    here = room.lines("eval", folder, "--episodes", "2")[-1]
    assert abs(there["return_mean"] - here["return_mean"]) < 1e-2 * abs(here["return_mean"])


def a_lost_device_leaves_the_last_checkpoint(room):
    _, done = train_on(room, "run", "cuda", code=FAILED,
                       SAC_SHIM_FAULT=f"launch:200:{ILLEGAL_ADDRESS}")
    has(done.stderr, "the GPU failed in", "cudaErrorIllegalAddress")
    folder = room.folder / "run"
    assert json.loads((folder / "status.json").read_text())["state"] == "failed"
    kept = steps(folder)
    assert kept and len(kept) < 3
    room.run("inspect", kept[-1])
    on_shim(room, "resume", folder)
    whole, _ = train_on(room, "whole", "cuda")
    assert room.state(whole) == room.state(folder)


def measurements_run_on_the_device(room):
    sizes = ["bench.obs=3", "bench.act=1", "policy.hidden=[8]", "critic.hidden=[8]",
             "algorithm.batch_size=4", "run.device=cuda", "--json"]
    found = json.loads(on_shim(room, "bench", "update", *sizes).stdout)
    assert found["device"].startswith("cuda shim") and found["us_per_update"] > 0


if __name__ == "__main__":
    sys.exit(check_cli.main(sys.argv[1:], globals()))
