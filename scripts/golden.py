#!/usr/bin/env python3
"""Judges the program's update against an independent one in float64 (golden_update.py).

  golden.py numbers                          the fixture without random numbers: computes, compares
  golden.py self-test                        the reference's gradients against central differences
  golden.py make-fixture OUT.safetensors     that fixture as a file for `sac trace update --in`
  golden.py make-fixtures FOLDER             all fixtures of tests/golden
  golden.py check [CONFIG] [key=value ...] TRACE.safetensors
                                             recompute a trace and compare
  golden.py check-many SAC [COUNT [SEED [DEVICE]]]
                                             many shapes and options through `sac trace update`

Losses and targets agree to 1e-5 relative, gradients to 1e-4 in relative L2 norm and a cosine above
0.99999, parameters after the step to what Adam makes of the program's own gradients. A sum whose
terms cancel is measured against the mean size of its terms."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import golden_inputs
import golden_options
import safetensors_io
from golden_update import Update

LOSS, GRADIENT, COSINE, STEP = 1e-5, 1e-4, 0.99999, 2e-6

# computed once by an independent program, to twelve digits
NUMBERS = {
    "v1": {
        "target.y": [5.3107641809, 5.0089624235, 4.1266780745, 3.1151208906, 1.6658552390],
        "log_pi.now": [-.8041926711, -1.5859741334, -.2076254014, -.7781911577, -1.3364610142],
        "loss.q": [5.910729770772, 6.059120368647],
        "loss.v": 1.649920621155,
        "loss.policy": -1.521240660932,
        "norm critic.qf0": 3.719515573706,
        "norm critic.qf1": 4.264108827046,
        "norm value": 2.244193846171,
        "norm actor": 1.811226355767,
        "sum critic.qf0": .418428963990,
        "sum critic.qf1": .252730744207,
        "sum actor": .824722858691,
        "sum value": -.956513949089,
        "sum value_target": -.786060097644,
    },
    "v2": {
        "target.y": [1.3028046608, 2.2289882022, .8253356149, -.0286175342, 1.2054028213],
        "log_pi.now": [-.8041926711, -1.5859741334, -.2076254014, -.7781911577, -1.3364610142],
        "loss.q": [.414136472979, .390600206044],
        "loss.policy": -1.522495194321,
        "norm critic.qf0": .479987278082,
        "norm critic.qf1": .630153295429,
        "norm actor": 1.810987659151,
        "norm log_ent_coef": 2.942488875563,
        "sum critic.qf0": .418428956838,
        "sum critic.qf1": .252730746276,
        "sum actor": .824722858692,
        "sum critic_target.qf0": -.367485470187,
    },
}


def summary(out, key):
    """A value of the table: an output itself, a gradient's norm or the sum of a network."""
    kind, _, prefix = key.partition(" ")
    if not prefix:
        return out[key]
    lead = {"norm": "grad.", "sum": "after."}[kind] + prefix
    parts = [out[name] for name in out if name == lead or name.startswith(lead + ".")]
    if kind == "norm":
        return np.sqrt(sum((part**2).sum() for part in parts))
    return sum(part.sum() for part in parts)


def numbers():
    worst = 0.0
    for name, table in NUMBERS.items():
        config = golden_inputs.FIXTURES[name]
        out = Update(golden_inputs.textbook(), golden_options.resolve(None, config)).out
        for key, expected in table.items():
            found = summary(out, key)
            error = float(np.max(np.abs(np.asarray(found) - expected)))
            worst = max(worst, error)
            print(f"{name} {key:22} {np.array2string(np.asarray(found), precision=12)} "
                  f"differs by {error:.1e}")
    print(f"largest difference {worst:.1e}, allowed 1e-10")
    return worst <= 1e-10


# comparison of a trace


class Table:
    """Collects comparisons; prints those asked for and counts failures."""

    def __init__(self, verbose):
        self.verbose, self.failed, self.passed, self.worst = verbose, [], 0, {}

    def row(self, kind, name, error, limit, note=""):
        good = bool(error <= limit)
        self.worst[kind] = max(self.worst.get(kind, 0.0), float(error))
        self.passed += good
        text = f"{'ok  ' if good else 'FAIL'} {kind:9} {name:44} {error:9.2e} <= {limit:.0e} {note}"
        if not good:
            self.failed.append(text)
        if self.verbose or not good:
            print(text)


def compare_values(table, name, found, expected, scale):
    """Elements that are NaN by right (the log-probability at a NaN state) are left out."""
    error = np.abs(found - expected) / np.maximum(scale, 1e-30)
    error = np.where(np.isfinite(expected), error, 0)
    table.row("value", name, np.max(error), LOSS)


def compare_gradient(table, name, found, expected, network_norm):
    """Where a tensor's terms cancel it is small beside its network: a hundredth of that counts."""
    norm, size = np.linalg.norm(expected), np.linalg.norm(found)
    scale = norm + 0.01 * network_norm + 1e-30
    table.row("grad", name, np.linalg.norm(found - expected) / scale, GRADIENT)
    if norm > 0.01 * network_norm:
        cosine = float(np.vdot(found, expected) / (norm * size)) if size else 0.0
        table.row("cosine", name, 1 - cosine, 1 - COSINE)


def compare_after(table, name, found, expected, scale):
    if ".step." in name:
        table.row("step", name, float(np.max(np.abs(found - expected))), 0)
        return
    scale = scale or np.abs(expected).max() + 1e-30
    table.row("after", name, float(np.max(np.abs(found - expected)) / scale), STEP)


def network_of(name):
    return name.split(".")[1] if "qf" not in name else ".".join(name.split(".")[1:3])


def compare(trace, options, verbose=True):
    """Recompute a trace (inputs and outputs in one) and compare everything that it holds."""
    made = {name: array for name, array in trace.items()
            if name.split(".")[0] in ("after", "grad")}
    outputs = ("after", "grad", "loss", "target", "log_pi")
    given = {name: array for name, array in trace.items() if name.split(".")[0] not in outputs}
    with np.errstate(invalid="ignore"):
        update = Update(given, options, made)
    table = Table(verbose)
    norms = {}
    for name in (name for name in update.out if name.startswith("grad.")):
        norms.setdefault(network_of(name), []).append(update.out[name])
    norms = {key: np.sqrt(sum((g**2).sum() for g in grads)) for key, grads in norms.items()}
    for name, expected in update.out.items():
        if name not in trace:
            table.row("missing", name, 1, 0)
            continue
        found = np.asarray(trace[name], np.float64).reshape(np.shape(expected))
        if name.startswith("grad."):
            compare_gradient(table, name, found, expected, norms[network_of(name)])
        elif name.startswith("after."):
            compare_after(table, name, found, np.asarray(expected),
                          update.scale.get(name))
        else:
            scale = update.scale[name]
            if np.ndim(scale) and not name.startswith("loss"):  # rows: at least as their mean
                scale = np.maximum(np.nan_to_num(scale), np.nan_to_num(scale).mean())
            compare_values(table, name, found, np.asarray(expected), scale)
    report_near(update.near, verbose)
    return table


def report_near(near, verbose):
    rows = np.flatnonzero(near)
    if len(rows) and verbose:
        print(f"note: rounding may decide {len(rows)} rows (a pre-activation within 1e-6 of a "
              "knee, critics within 1e-5 of a tie, critics as good as their targets): "
              f"{rows[:20].tolist()}")


def check(arguments):
    config = next((a for a in arguments[:-1] if "=" not in a), None)
    options = golden_options.resolve(config, [a for a in arguments[:-1] if "=" in a])
    table = compare(safetensors_io.read(arguments[-1])[0], options)
    print(f"{table.passed} passed, {len(table.failed)} failed")
    return not table.failed


# many shapes


def same(one, other):
    """Equal bits, whatever the shape."""
    return np.array_equal(one.ravel(), other.ravel(), equal_nan=one.dtype.kind == "f")


def run_case(sac, folder, case, device, table_of_failures):
    config, before, trace = (folder / name for name in
                             ("case.yaml", "in.safetensors", "out.safetensors"))
    config.write_text("env: {id: Pendulum-v1}\n")
    safetensors_io.write(before, case.tensors)
    call = [sac, "trace", "update", str(config), *case.overrides, f"run.device={device}",
            "--in", str(before), "--out", str(trace)]
    trace.unlink(missing_ok=True)
    done = subprocess.run(call, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=120, check=False)
    if done.returncode or not trace.exists():
        print(f"FAIL {case.title}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
        table_of_failures.append(case.title)
        return {}
    found = safetensors_io.read(trace)[0]
    changed = [name for name, array in case.tensors.items()
               if name not in found or not same(found[name], array)]
    table = compare(found, golden_options.resolve(None, case.overrides), verbose=False)
    if changed or table.failed:
        print(f"FAIL {case.title}", f"given tensors not repeated: {changed}" if changed else "")
        table_of_failures.append(case.title)
    return table.worst


def check_many(sac, count=60, seed=1, device="cpu"):
    failures, worst = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for case in golden_inputs.many_cases(int(count), int(seed)):
            for kind, error in run_case(sac, Path(folder), case, device, failures).items():
                worst[kind] = max(worst.get(kind, 0.0), error)
    print("largest errors: " + json.dumps({key: float(f"{e:.2g}") for key, e in worst.items()}))
    print(f"{int(count) - len(failures)} passed, {len(failures)} failed")
    return not failures


def self_test():
    """Every gradient of the reference against central differences of its own losses."""
    worst = 0.0
    for case in golden_inputs.many_cases(24, 7, small=True):
        worst = max(worst, golden_inputs.difference_error(case))
    print(f"largest relative difference {worst:.1e}, allowed 1e-6")
    return worst <= 1e-6


def main(arguments):
    commands = {
        "numbers": numbers,
        "self-test": self_test,
        "make-fixture": lambda path: safetensors_io.write(
            path, golden_inputs.as_float32(golden_inputs.textbook())),
        "make-fixtures": golden_inputs.write_fixtures,
        "check": lambda *rest: check(rest),
        "check-many": check_many,
    }
    if not arguments or arguments[0] not in commands:
        print(__doc__)
        return 2
    return 1 if commands[arguments[0]](*arguments[1:]) is False else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
