#!/usr/bin/env python3
"""Standing and an open-loop trot of pybullet's own Minitaur beside ours.

  minitaur_bullet.py SAC

Needs pybullet==3.2.7 (its package pybullet_envs needs gym, of which nothing is used here), numpy.
Prints the height after 5 s of standing and where ten seconds of minitaur_walk.py's trot lead to:
Bullet with and without self-collision, otherwise as MinitaurBulletEnv sets it up, then our trot.
How high ours stands is in tests/env/minitaur_test.cc: within 3 mm of 0.157 m."""
import importlib
import importlib.util
import math
import pathlib
import subprocess
import sys
import tempfile
import types

import numpy as np
import pybullet
import pybullet_data

import minitaur_walk
import safetensors_io

SUBSTEPS = 5


def import_minitaur():
    """pybullet_envs.bullet.minitaur without its parents, which would import gym."""
    package = types.ModuleType("bullet")
    package.__path__ = [str(pathlib.Path(importlib.util.find_spec("pybullet_envs").origin).parent /
                            "bullet")]
    sys.modules["bullet"] = package
    return importlib.import_module("bullet.minitaur")


class Bullet:
    def __init__(self, module, self_collision):
        pybullet.resetSimulation()
        pybullet.setPhysicsEngineParameter(numSolverIterations=300 // SUBSTEPS)
        pybullet.setTimeStep(0.01 / SUBSTEPS)
        pybullet.loadURDF(pybullet_data.getDataPath() + "/plane.urdf")
        pybullet.setGravity(0, 0, -10)
        self.robot = module.Minitaur(pybullet_client=pybullet,
                                     urdf_root=pybullet_data.getDataPath(),
                                     time_step=0.01 / SUBSTEPS,
                                     self_collision_enabled=self_collision,
                                     accurate_motor_model_enabled=True, motor_kp=1.0,
                                     motor_kd=0.02, motor_overheat_protection=True)
        self.hold([math.pi / 2] * 8, 100)

    def hold(self, angles, steps=SUBSTEPS):
        for _ in range(steps):
            self.robot.ApplyAction(angles)
            pybullet.stepSimulation()

    def stand(self):
        self.hold([math.pi / 2] * 8, 2500)
        return self.robot.GetBasePosition()[2]

    def trot(self, actions):
        start = np.array(self.robot.GetBasePosition())
        for action in actions:
            self.hold(self.robot.ConvertFromLegModel(action.astype(float)))
        return np.array(self.robot.GetBasePosition()) - start


def ours(sac, actions, **weights):
    """The sum of the rewards, which `weights` make a way."""
    kwargs = {"distance_weight": 0, "energy_weight": 0, "reset_noise_scale": 0, **weights}
    text = ", ".join(f"{name}: {value}" for name, value in kwargs.items())
    with tempfile.TemporaryDirectory() as folder:
        given, out = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
        safetensors_io.write(given, {"actions": actions})
        subprocess.run([sac, "trace", "env", "Minitaur-v0", "--in", given, "--out", out, "--seed",
                        "0", f"env.kwargs={{{text}}}"], check=True)
        return float(safetensors_io.read(out)[0]["reward"].sum())


def main():
    sac, actions = sys.argv[1], minitaur_walk.trot(1000)
    pybullet.connect(pybullet.DIRECT)
    module = import_minitaur()
    for self_collision in (True, False):
        height = Bullet(module, self_collision).stand()
        way = Bullet(module, self_collision).trot(actions)
        print(f"Bullet, self-collision {self_collision}: stands at {height:.4f} m, trots "
              f"{way[0] / 10:.3f} m/s and {way[1]:+.2f} m aside")
    print(f"sac: trots {ours(sac, actions, distance_weight=1) / 10:.3f} m/s")


if __name__ == "__main__":
    main()
