"""A module that registers an environment where it is imported."""
import gymnasium

gymnasium.register("Extra-v0", lambda: gymnasium.Toy(scale=0.5), 5)
