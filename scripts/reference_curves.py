#!/usr/bin/env python3
"""A reference learning curve: the deterministic return of another SAC while it trains.

  reference_curves.py sb3|sbx ENV SEED STEPS OUT.csv

Defaults of that program, learning starts at 1,000. Every 5,000 steps five deterministic episodes
from the resets with seeds 10000 to 10004; columns: step, mean, std, episodes."""
import csv
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src/cli"))
from peers import limit_threads, make_model

EVERY, EPISODES, FIRST_SEED = 5000, 5, 10_000


def episode_return(model, env, seed):
    obs, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        action, _ = model.predict(obs, deterministic=True)
        obs, reward, terminated, truncated, _ = env.step(action)
        total += float(reward)
        over = terminated or truncated
    return total


def main():
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    program, env_id, seed, steps, path = sys.argv[1:]
    limit_threads(int(os.environ.get("THREADS", "1")))
    import gymnasium
    import numpy as np
    from stable_baselines3.common.callbacks import BaseCallback, EveryNTimesteps

    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "mean", "std", "episodes"])

        class Evaluate(BaseCallback):
            def _on_step(self):
                env = gymnasium.make(env_id)
                returns = [episode_return(self.model, env, FIRST_SEED + i) for i in range(EPISODES)]
                rows.writerow([self.num_timesteps, f"{np.mean(returns):.2f}",
                               f"{np.std(returns):.2f}", EPISODES])
                file.flush()
                return True

        model = make_model(program, env_id, seed=int(seed), learning_starts=1000)
        model.learn(int(steps), callback=EveryNTimesteps(EVERY, Evaluate()))


if __name__ == "__main__":
    main()
