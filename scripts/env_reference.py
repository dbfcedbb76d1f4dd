"""Gymnasium's environments driven as `sac trace env` drives ours: shared by the script that records
reference traces and the one that compares live."""
import dataclasses
import json
import warnings

import gymnasium
import mujoco
import numpy as np

# every environment and keyword arguments other than its own
IDS = {
    "Pendulum-v1": {"g": 9.81},
    "MountainCarContinuous-v0": {"goal_velocity": 0.01},
    "InvertedPendulum-v5": {"frame_skip": 3, "reset_noise_scale": 0.05},
    "InvertedDoublePendulum-v5": {"frame_skip": 2, "healthy_reward": 3.5,
                                  "reset_noise_scale": 0.2},
    "Reacher-v5": {"frame_skip": 3, "reward_dist_weight": 1.3, "reward_control_weight": 0.7},
    "Pusher-v5": {"frame_skip": 3, "reward_near_weight": 0.3, "reward_dist_weight": 1.7,
                  "reward_control_weight": 0.13},
    "Swimmer-v5": {"frame_skip": 2, "forward_reward_weight": 1.5, "ctrl_cost_weight": 3e-3,
                   "reset_noise_scale": 0.3, "exclude_current_positions_from_observation": False},
    "Hopper-v5": {"frame_skip": 3, "forward_reward_weight": 1.5, "ctrl_cost_weight": 3e-3,
                  "healthy_reward": 0.7, "terminate_when_unhealthy": False,
                  "healthy_state_range": [-3.0, 50.0], "healthy_z_range": [0.5, 1.4],
                  "healthy_angle_range": [-0.3, 0.1], "reset_noise_scale": 0.02,
                  "exclude_current_positions_from_observation": False},
    "HalfCheetah-v5": {"frame_skip": 3, "forward_reward_weight": 1.5, "ctrl_cost_weight": 0.3,
                       "reset_noise_scale": 0.2,
                       "exclude_current_positions_from_observation": False},
    "Walker2d-v5": {"frame_skip": 3, "forward_reward_weight": 1.5, "ctrl_cost_weight": 3e-3,
                    "healthy_reward": 0.7, "healthy_z_range": [0.5, 1.4],
                    "healthy_angle_range": [-0.3, 0.1], "reset_noise_scale": 0.02,
                    "exclude_current_positions_from_observation": False},
    "Ant-v5": {"frame_skip": 3, "forward_reward_weight": 1.5, "ctrl_cost_weight": 0.3,
               "contact_cost_weight": 2e-3, "healthy_reward": 0.7, "main_body": 3,
               "healthy_z_range": [0.3, 0.8], "contact_force_range": [-0.5, 2.0],
               "reset_noise_scale": 0.2, "exclude_current_positions_from_observation": False},
    "Humanoid-v5": {"frame_skip": 3, "forward_reward_weight": 1.5, "ctrl_cost_weight": 0.3,
                    "contact_cost_weight": 2e-6, "contact_cost_range": [0.01, 0.5],
                    "healthy_reward": 2.7, "healthy_z_range": [0.9, 1.4],
                    "reset_noise_scale": 0.05, "exclude_current_positions_from_observation": False,
                    "include_cinert_in_observation": False},
    "HumanoidStandup-v5": {"frame_skip": 3, "uph_cost_weight": 2.0, "ctrl_cost_weight": 0.3,
                           "impact_cost_weight": 2e-6, "impact_cost_range": [0.01, 0.5],
                           "reset_noise_scale": 0.05, "include_cvel_in_observation": False,
                           "include_qfrc_actuator_in_observation": False},
}


@dataclasses.dataclass
class Case:
    """A start and the actions that follow."""
    env_id: str
    name: str
    seed: int
    actions: np.ndarray
    state: np.ndarray | None = None  # positions and velocities, or the state; None: reset(seed)
    n_positions: int = 0             # of the state; 0 without MuJoCo
    kwargs: dict = dataclasses.field(default_factory=dict)

    def inputs(self):
        tensors = {"actions": self.actions}
        if self.state is None:
            return tensors
        if self.n_positions:
            return dict(tensors, qpos=self.state[:self.n_positions],
                        qvel=self.state[self.n_positions:])
        return dict(tensors, state=self.state)

    def kwargs_text(self):
        """As env.kwargs takes them."""
        return json.dumps(self.kwargs).replace('"', "")


mujoco.set_mju_user_warning(lambda _: None)  # else it writes MUJOCO_LOG.TXT


def make(env_id, kwargs=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gymnasium.make(env_id, disable_env_checker=True, **(kwargs or {})).unwrapped


def random_state(env, rng):
    if env.spec.id == "Pendulum-v1":
        return np.array([rng.uniform(-40, 40), rng.uniform(-8, 8)])
    if env.spec.id == "MountainCarContinuous-v0":
        # before the wall on the left, or before the goal
        place = rng.choice([-1.0, 1.0])
        return np.array([-0.35 + 0.78 * place, 0.06 * place]) + rng.uniform(-0.01, 0.01, 2)
    spread = 1.0 if env.spec.id == "HalfCheetah-v5" else 0.4
    start = np.concatenate([env.init_qpos, env.init_qvel])
    return start + spread * rng.normal(size=len(start))


def cases(env_id, rng, steps):
    """Starts from seeds and from given states, actions within the bounds and beyond them, other
    keyword arguments."""
    env = make(env_id)
    n_positions = env.model.nq if hasattr(env, "model") else 0

    def draw(scale):
        low, high = env.action_space.low * scale, env.action_space.high * scale
        return rng.uniform(low, high, (steps, len(low))).astype(np.float32)

    for seed in (0, 10000, 2**32 + 5):
        yield Case(env_id, f"seed{seed}", seed, draw(1.0))
    yield Case(env_id, "wild", 1, draw(1.7))
    for i in range(2):
        yield Case(env_id, f"state{i}", 0, draw(1.0), random_state(env, rng), n_positions)
    yield Case(env_id, "keywords", 3, draw(1.0), kwargs=IDS[env_id])


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
    env = make(case.env_id, case.kwargs)
    obs, reward, terminated = [start(env, case)], [], []
    for action in case.actions:
        o, r, end, _, _ = env.step(action)
        obs.append(o)
        reward.append(float(r))
        terminated.append(end)
    return {"reward": np.array(reward, np.float64), "obs": np.array(obs),
            "terminated": np.array(terminated, np.float32)}
