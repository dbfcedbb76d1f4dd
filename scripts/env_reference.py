"""Gymnasium's environments driven as `sac trace env` drives ours: shared by the script that records
reference traces and the one that compares live."""
import dataclasses
import warnings

import gymnasium
import mujoco
import numpy as np

IDS = ["Pendulum-v1", "MountainCarContinuous-v0", "HalfCheetah-v5", "Hopper-v5"]


@dataclasses.dataclass
class Case:
    """A start and the actions that follow."""
    env_id: str
    name: str
    seed: int
    actions: np.ndarray
    state: np.ndarray | None = None  # positions and velocities, or the state; None: reset(seed)

    def inputs(self):
        tensors = {"actions": self.actions}
        if self.state is None:
            return tensors
        n_positions = {"HalfCheetah-v5": 9, "Hopper-v5": 6}.get(self.env_id, 0)
        if n_positions:
            return dict(tensors, qpos=self.state[:n_positions], qvel=self.state[n_positions:])
        return dict(tensors, state=self.state)


mujoco.set_mju_user_warning(lambda _: None)  # else it writes MUJOCO_LOG.TXT


def make(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gymnasium.make(env_id).unwrapped


def random_state(env_id, rng):
    if env_id == "Pendulum-v1":
        return np.array([rng.uniform(-40, 40), rng.uniform(-8, 8)])
    if env_id == "MountainCarContinuous-v0":
        # before the wall on the left, or before the goal
        place = rng.choice([-1.0, 1.0])
        return np.array([-0.35 + 0.78 * place, 0.06 * place]) + rng.uniform(-0.01, 0.01, 2)
    if env_id == "HalfCheetah-v5":
        return rng.normal(size=18)
    return np.concatenate([[0, 1.25], np.zeros(4), np.zeros(6)]) + 0.4 * rng.normal(size=12)


def cases(env_id, rng, steps):
    """Starts from seeds and from given states, actions within the bounds and beyond them."""
    space = make(env_id).action_space

    def draw(scale):
        low, high = space.low * scale, space.high * scale
        return rng.uniform(low, high, (steps, len(low))).astype(np.float32)

    for seed in (0, 10000, 2**32 + 5):
        yield Case(env_id, f"seed{seed}", seed, draw(1.0))
    yield Case(env_id, "wild", 1, draw(1.7))
    for i in range(2):
        yield Case(env_id, f"state{i}", 0, draw(1.0), random_state(env_id, rng))


def start(env, case):
    obs, _ = env.reset(seed=case.seed)
    if case.state is None:
        return obs
    if hasattr(env, "data"):
        mujoco.mj_resetData(env.model, env.data)
        env.set_state(case.state[:env.model.nq], case.state[env.model.nq:])
        return env._get_obs()
    env.state = np.array(case.state)
    return env._get_obs() if hasattr(env, "_get_obs") else case.state.astype(np.float32)


def run(case):
    """obs (T + 1, S), reward (T) and terminated (T) of a case."""
    env = make(case.env_id)
    obs, reward, terminated = [start(env, case)], [], []
    for action in case.actions:
        o, r, end, _, _ = env.step(action)
        obs.append(o)
        reward.append(float(r))
        terminated.append(end)
    return {"reward": np.array(reward, np.float64), "obs": np.array(obs),
            "terminated": np.array(terminated, np.float32)}
