#!/usr/bin/env python3
"""Compare `sac trace env` with Gymnasium, live and bit for bit.

Needs gymnasium[mujoco]==1.4.0 and numpy. Usage: check_env.py SAC [STEPS [SEED [ID ...]]]
SAC is the program; STEPS (default 5000) a case; SEED (default 0) of the actions and given states;
ID names environments (default: all).
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy_kernels  # noqa: F401  before numpy
import numpy as np

import env_reference
import safetensors_io


def trace(program, case, folder):
    given, out = folder / "in.safetensors", folder / "out.safetensors"
    safetensors_io.write(given, case.inputs())
    command = [program, "trace", "env", case.env_id, "--in", given, "--out", out]
    if case.state is None:
        command += ["--seed", str(case.seed)]
    if case.kwargs:
        command += [f"env.kwargs={case.kwargs_text()}"]
    subprocess.run(command, check=True)
    return safetensors_io.read(out)[0]


def count_differences(expected, found):
    """Values whose bits differ, over all tensors; a wrong shape or type counts whole."""
    total = 0
    for name, array in expected.items():
        other = found[name]
        if other.shape != array.shape or other.dtype != array.dtype:
            total += array.size
        else:
            bits = f"u{array.itemsize}"
            total += int((array.view(bits) != other.view(bits)).sum())
    return total


def main():
    program = sys.argv[1]
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    rng = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for env_id in sys.argv[4:] or env_reference.IDS:
            for case in env_reference.cases(env_id, rng, steps):
                different = count_differences(env_reference.run(case),
                                              trace(program, case, pathlib.Path(folder)))
                failed += different > 0
                print(f"{env_id} {case.name}: {steps} steps, {different} values differ", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
