#!/usr/bin/env python3
"""Record reference traces of Gymnasium's environments for tests/env.

Needs gymnasium[mujoco]==1.4.0 and numpy. Usage: record_env_traces.py [FOLDER]
Each file is an input of `sac trace env` (start and actions) with what Gymnasium answered. The
environments are stepped on after termination and know no time limit.
"""
import pathlib
import sys

import numpy_kernels  # noqa: F401  before numpy
import numpy as np

import env_reference
import safetensors_io

STEPS, WIDE_STEPS = 150, 20  # of wide observations few, to keep the files small
WIDE = ("Ant-v5", "Humanoid-v5", "HumanoidStandup-v5")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/env/traces")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20)
    for env_id in env_reference.IDS:
        for case in env_reference.cases(env_id, rng, WIDE_STEPS if env_id in WIDE else STEPS):
            tensors = dict(env_reference.run(case), **case.inputs())
            widest_first = sorted(tensors.items(), key=lambda item: -item[1].itemsize)
            path = folder / f"{env_id}-{case.name}.safetensors"
            notes = {"env": env_id, "seed": str(case.seed), "kwargs": case.kwargs_text()}
            safetensors_io.write(path, dict(widest_first), notes)
            print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
