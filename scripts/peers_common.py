"""What the measurements of other SAC programs share: threads, and a model of theirs by name."""
import os
import warnings


def limit_threads(threads):
    """Before numpy, torch or jax are imported: let each use this many threads, on the CPU."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    warnings.filterwarnings("ignore")


def make_model(program, env, **options):
    """SAC of Stable-Baselines3 ("sb3") or SBX ("sbx") with its own defaults."""
    if program == "sb3":
        import torch
        from stable_baselines3 import SAC
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        options["device"] = "cpu"
    else:
        from sbx import SAC
    return SAC("MlpPolicy", env, **options)
